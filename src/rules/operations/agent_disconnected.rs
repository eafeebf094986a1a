//! Container instances whose agent has lost its connection.

use std::collections::BTreeSet;

use serde_json::json;

use crate::analysis::{Analyses, symptoms};
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::egress::container_agent_unreachable;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{CapacityProviderKind, Cluster, ContainerInstance};
use crate::symptom::Trouble;
use crate::text;
use crate::text::Text;
use crate::topology::{Lookup, Topology, origin};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "agent-disconnected",
    group: Group::Operations,
    severity: Severity::Medium,
    summary: "container instances whose agent has lost its connection",
    page: include_str!("agent_disconnected.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::Instances,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerInstance.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html",
    ],
    check: Check::Cluster(check),
};

/// Container instances that DescribeContainerInstances takes at once.
const MOST_DESCRIBED: usize = 100;
/// Instances that SendCommand takes at once.
const MOST_COMMANDED: usize = 50;

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let topology = analyses.topology;
    let hidden = topology.gap_in_cluster(Dataset::ContainerInstances, &cluster.arn);
    let mut gaps: Vec<Gap> = hidden.iter().cloned().collect();
    let (mut lost, mut others) = (Vec::new(), 0_usize);
    for instance in topology.container_instances_of(&cluster.arn).iter().copied() {
        if instance.status != "ACTIVE" || !origin::is_on_ec2(instance) {
            continue;
        }
        if instance.agent_connected || instance.agent_connected_at_end == Some(true) {
            // One that AWS looks after, or that is going down, is not counted with those that should be there.
            others += usize::from(is_subject(topology, instance).unwrap_or(true));
            continue;
        }
        match (is_subject(topology, instance), instance.agent_connected_at_end) {
            (Ok(false), _) => {}
            (Err(gap), _) => gaps.push(gap),
            (Ok(true), Some(_)) => lost.push(instance),
            (Ok(true), None) => {
                others += 1;
                gaps.push(Gap::Undecidable { kind: "not-read-again", reason: not_read_again(instance) });
            }
        }
    }
    gaps.sort();
    gaps.dedup();
    let outcome = match (lost.is_empty(), gaps.is_empty()) {
        (false, _) => {
            let all = others == 0 && gaps.is_empty();
            Outcome::Fails(Box::new(Failing { gaps, ..failing(cluster, analyses, &lost, others, all) }))
        }
        (true, false) => Outcome::Unknown(gaps),
        (true, true) if others > 0 => Outcome::Holds,
        (true, true) => Outcome::NotApplicable,
    };
    vec![outcome]
}

/// Whether the agent should be connected: the instance runs, and its owner looks after it.
fn is_subject(topology: &Topology<'_>, instance: &ContainerInstance) -> Result<bool, Gap> {
    let provider = instance.capacity_provider_name.as_ref().map(|name| topology.capacity_provider(name));
    match provider {
        Some(Lookup::Found(provider)) if matches!(provider.kind, CapacityProviderKind::ManagedInstances { .. }) => {
            return Ok(false);
        }
        Some(Lookup::Unread(gap)) => return Err(gap),
        _ => {}
    }
    // A stopped instance stays registered, and so may one that is gone.
    match instance.ec2_instance_id.as_ref().map(|id| topology.instance(id)) {
        Some(Lookup::Found(host)) => Ok(host.state == "running"),
        Some(Lookup::Unread(gap)) => Err(gap),
        Some(Lookup::Absent) | None => Ok(false),
    }
}

fn not_read_again(instance: &ContainerInstance) -> Text {
    text![
        "the agent of ",
        id(instance).to_owned(),
        " was not connected, and whether it still is not at the end of the scan was not read; short disconnects are normal"
    ]
}

/// The id in EC2, which people know the instance by.
fn id(instance: &ContainerInstance) -> &str {
    instance.ec2_instance_id.as_ref().map_or_else(|| instance.arn.name(), |id| id.as_str())
}

fn failing<'s>(
    cluster: &'s Cluster,
    analyses: &Analyses<'s>,
    lost: &[&'s ContainerInstance],
    others: usize,
    all: bool,
) -> Failing {
    let ids = || Text::list(lost.iter().map(|instance| id(instance).to_owned()), 5);
    let total = lost.len() + others;
    let tasks: i64 = lost.iter().map(|instance| i64::from(instance.running_tasks_count)).sum();
    let mut message = text![
        if lost.len() == 1 { "The agent of " } else { "The agents of " },
        lost.len(),
        " of ",
        total,
        if total == 1 { " running container instance in " } else { " running container instances in " },
        &cluster.name,
        if lost.len() == 1 { " was" } else { " were" },
        " not connected at the start and at the end of the scan: ",
    ];
    message.append(ids());
    message.push("; ECS places no task there");
    if tasks > 0 {
        message.append(text![
            " and can neither watch nor stop the ",
            tasks,
            if tasks == 1 { " task" } else { " tasks" },
            " there"
        ]);
    }
    let mut detail = text!["not connected: "];
    detail.append(ids());
    let related = lost.iter().filter_map(|instance| instance.ec2_instance_id.as_ref());
    let instances = lost.iter().map(|instance| {
        json!({
            "instance": instance.ec2_instance_id.as_ref().map(|id| id.as_str()),
            "container_instance": instance.arn.name(),
            "agent_version": instance.agent_version,
            "running_tasks": instance.running_tasks_count,
        })
    });
    let text = text![
        "Restart the agents, over Systems Manager where the instances are managed by it, and read \
         /var/log/ecs/ecs-agent.log where that does not help; replace instances that stay away."
    ];
    let mut failing = Failing {
        blockers: vec![Blocker {
            family: Family::Task,
            kind: "agent-disconnected",
            need: None,
            origin: None,
            port: None,
            protocol: None,
            resource: Some(cluster.name.clone()),
            detail,
        }],
        related: related
            .map(|id| Related { kind: "ec2:instance", id: id.as_str().to_owned(), role: "container-instance" })
            .collect(),
        facts: [("instances", instances.collect()), ("running_instances", json!(total))].into(),
        confirmed_by: symptoms::of_cluster(analyses.topology, &cluster.arn, |trouble| trouble == Trouble::Agent),
        ..Failing::new(&RULE, message, Remediation { text, commands: commands(cluster, analyses, lost) })
    };
    if is_explained(cluster, analyses, lost) {
        failing.severity = Severity::Info;
        failing.severity_reason = Some("container-agent-unreachable tells why".to_owned());
    } else if all {
        failing.severity = Severity::High;
        failing.severity_reason = Some("no agent of the cluster is connected".to_owned());
    }
    failing
}

/// One cause is loud once: where the path of all of them is proved broken, this is its symptom.
fn is_explained<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>, lost: &[&'s ContainerInstance]) -> bool {
    let path = &container_agent_unreachable::RULE;
    let Check::Cluster(check) = path.check else { return false };
    if !analyses.settings.rules.contains(&path.id) {
        return false;
    }
    let outcomes = check(cluster, analyses);
    let cut: BTreeSet<&str> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Fails(failing) => Some(failing.related.iter().map(|related| related.id.as_str())),
            _ => None,
        })
        .flatten()
        .collect();
    lost.iter().all(|instance| cut.contains(id(instance)))
}

fn commands(cluster: &Cluster, analyses: &Analyses<'_>, lost: &[&ContainerInstance]) -> Vec<String> {
    let region = &analyses.topology.target.region;
    let mut commands = Vec::new();
    for lost in lost.chunks(MOST_DESCRIBED) {
        let mut describe = shell::Command::new("aws ecs describe-container-instances");
        describe.option("region", region);
        describe.option("cluster", &cluster.name);
        describe.options("container-instances", lost.iter().map(|instance| instance.arn.name()));
        describe.option("query", "containerInstances[].[ec2InstanceId,agentConnected,status,versionInfo.agentVersion]");
        commands.push(describe.to_string());
    }
    let systems = [
        (false, "AWS-RunShellScript", r#"commands=["systemctl restart ecs"]"#),
        (true, "AWS-RunPowerShellScript", r#"commands=["Restart-Service AmazonECS"]"#),
    ];
    for (windows, document, parameters) in systems {
        let ids = lost.iter().filter(|instance| (origin::os_type(instance) == Some("windows")) == windows);
        let ids: Vec<&str> =
            ids.filter_map(|instance| instance.ec2_instance_id.as_ref()).map(|id| id.as_str()).collect();
        for ids in ids.chunks(MOST_COMMANDED) {
            let mut restart = shell::Command::new("aws ssm send-command");
            restart.option("region", region);
            restart.options("instance-ids", ids.iter().copied());
            restart.option("document-name", document);
            restart.option("parameters", parameters);
            commands.push(restart.to_string());
        }
    }
    commands
}
