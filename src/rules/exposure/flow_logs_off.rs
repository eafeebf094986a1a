//! Subnets whose traffic leaves no trace.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::Analyses;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::revisions;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ids::SubnetId;
use crate::snapshot::vpc::{FlowLog, Subnet, Vpc};
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;
use crate::topology::{Topology, gap_for};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "flow-logs-off",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "awsvpc tasks run in subnets without flow logs",
    page: include_str!("flow_logs_off.md"),
    needs: &[Dataset::Clusters, Dataset::Services, Dataset::Tasks, Dataset::Vpcs, Dataset::Subnets, Dataset::FlowLogs],
    controls: &["EC2.6"],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-share-limitations.html",
    ],
    check: Check::Vpc(check),
};

fn check<'s>(vpc: &'s Vpc, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    if is_recorded(topology, vpc.id.as_str()) {
        return Outcome::Holds;
    }
    let ids: BTreeSet<&SubnetId> = analyses.workloads_in_scope().flat_map(Workload::task_subnets).collect();
    let in_vpc = ids.into_iter().filter_map(|id| topology.subnet(id).found()).filter(|subnet| subnet.vpc_id == vpc.id);
    let bare: Vec<&Subnet> = in_vpc.filter(|subnet| !is_recorded(topology, subnet.id.as_str())).collect();
    if bare.is_empty() {
        return Outcome::Holds;
    }
    if let Some(gap) = gap_for(&topology.data().flow_logs, Dataset::FlowLogs, vpc.id.as_str()) {
        return Outcome::Unknown(vec![gap]);
    }
    if vpc.owner_id != topology.target.account {
        let reason = text![
            &vpc.id,
            " is shared by account ",
            &vpc.owner_id,
            ": the flow logs of its owner can't be seen from here"
        ];
        return Outcome::Unknown(vec![Gap::Undecidable { kind: "shared-vpc", reason }]);
    }
    let (mut unlogged, mut lost, mut gaps) = (Vec::new(), BTreeMap::new(), Vec::new());
    for subnet in bare {
        let logs = || [vpc.id.as_str(), subnet.id.as_str()].into_iter().flat_map(|id| topology.active_flow_logs(id));
        if let Some(log) = logs().find(|log| is_throttled(log)) {
            let reason = text!["delivery of flow log ", &log.id, " is rate limited: what still arrives can't be seen"];
            gaps.push(Gap::Undecidable { kind: "flow-log-rate-limited", reason });
        } else if are_all_interfaces_logged(topology, subnet) {
            let reason = text![
                "each running task in ",
                &subnet.id,
                " has a flow log of its own interface: whether the next one gets one can't be seen"
            ];
            gaps.push(Gap::Undecidable { kind: "interface-flow-logs", reason });
        } else if let Some(gap) = hidden_interfaces(topology) {
            gaps.push(gap);
        } else {
            lost.extend(logs().map(|log| (&log.id, log)));
            unlogged.push(subnet);
        }
    }
    gaps.sort();
    gaps.dedup();
    let lost: Vec<&FlowLog> = lost.into_values().collect();
    let failing = (!unlogged.is_empty()).then(|| failing(vpc, &unlogged, &lost, &topology.target.region));
    revisions::outcome(true, gaps, failing)
}

/// Whether a log of the VPC, subnet or interface arrives.
fn is_recorded(topology: &Topology<'_>, id: &str) -> bool {
    topology.active_flow_logs(id).any(|log| !has_failed(log))
}

/// The status stays ACTIVE all the same.
fn has_failed(log: &FlowLog) -> bool {
    log.deliver_logs_status.as_deref() == Some("FAILED")
}

/// It is said of a log as soon as one interface has too many records, and where no log group can be created.
fn is_throttled(log: &FlowLog) -> bool {
    has_failed(log)
        && log.deliver_logs_error_message.as_ref().is_some_and(|error| error.to_lowercase().contains("rate limited"))
}

/// Whether tasks run in a subnet and each has a log; an interface and its log end with its task.
fn are_all_interfaces_logged(topology: &Topology<'_>, subnet: &Subnet) -> bool {
    if !has_logs_of_interfaces(topology) {
        return false;
    }
    let running = topology.data().tasks.items().iter().filter(|task| task.last_status == "RUNNING");
    let attached = running.filter_map(|task| task.network_interface.as_ref());
    let here = attached.filter(|attached| attached.subnet_id.as_ref() == Some(&subnet.id));
    let logged = here.map(|attached| {
        let id = attached.network_interface_id.as_ref();
        id.is_some_and(|id| is_recorded(topology, id.as_str()))
    });
    let logged: Vec<bool> = logged.collect();
    !logged.is_empty() && logged.into_iter().all(|logged| logged)
}

fn has_logs_of_interfaces(topology: &Topology<'_>) -> bool {
    topology.data().flow_logs.items().iter().any(|log| log.resource_id.starts_with("eni-"))
}

/// Where single interfaces have logs, tasks that were not read may be those that have.
fn hidden_interfaces(topology: &Topology<'_>) -> Option<Gap> {
    let failure = topology.data().tasks.failures().first().filter(|_| has_logs_of_interfaces(topology))?;
    Some(Gap::Unread { dataset: Dataset::Tasks, failure: failure.clone() })
}

fn failing(vpc: &Vpc, subnets: &[&Subnet], lost: &[&FlowLog], region: &str) -> Failing {
    let mut message = text!["No flow log records the traffic of the awsvpc tasks in "];
    message.append(Text::list(subnets.iter().map(|subnet| &subnet.id), 6));
    message.append(text![
        ": neither ",
        &vpc.id,
        if subnets.len() == 1 { " nor the subnet" } else { " nor the subnets" }
    ]);
    message.push(" nor the interfaces of all running tasks have ");
    message.push(if lost.is_empty() { "an active one" } else { "one that arrives" });
    for log in lost {
        message.append(text!["; delivery of ", &log.id, " fails"]);
        if let Some(error) = &log.deliver_logs_error_message {
            message.append(text![" (", error, ")"]);
        }
    }
    let (text, command) = match lost {
        [] => (CREATE, create(vpc, region)),
        _ => (REPAIR, describe(lost, region)),
    };
    let (text, commands) = (text![text], vec![command]);
    let related =
        subnets.iter().map(|subnet| Related { kind: "ec2:subnet", id: subnet.id.as_str().to_owned(), role: "origin" });
    let ids: Vec<&str> = subnets.iter().map(|subnet| subnet.id.as_str()).collect();
    Failing {
        related: related.collect(),
        facts: BTreeMap::from([("subnets", json!(ids))]),
        ..Failing::new(&RULE, message, Remediation { text, commands })
    }
}

const CREATE: &str = "Create a flow log for the VPC, which covers the interfaces of future tasks too; REJECT alone is cheaper \
                      and shows what security groups and network ACLs refuse.";
const REPAIR: &str = "Repair the delivery: see that the log group or bucket is there, and that the role of the flow log, or the \
                      policy of the bucket, lets it write. A flow log cannot be changed: one with another role or destination \
                      has to be created in its place.";

fn create(vpc: &Vpc, region: &str) -> String {
    let mut command = shell::Command::new("aws ec2 create-flow-logs");
    command.option("region", region);
    command.option("resource-type", "VPC");
    command.option("resource-ids", vpc.id.as_str());
    command.option("traffic-type", "ALL");
    command.option("log-destination-type", "s3");
    command.raw("--log-destination \"$BUCKET_ARN\"");
    command.to_string()
}

fn describe(lost: &[&FlowLog], region: &str) -> String {
    let mut command = shell::Command::new("aws ec2 describe-flow-logs");
    command.option("region", region);
    command.options("flow-log-ids", lost.iter().map(|log| log.id.as_str()));
    command.option(
        "query",
        "FlowLogs[].[FlowLogId,DeliverLogsStatus,DeliverLogsErrorMessage,DeliverLogsPermissionArn,LogDestination]",
    );
    command.to_string()
}
