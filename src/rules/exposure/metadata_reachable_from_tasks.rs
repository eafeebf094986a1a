//! Tasks that can take the role of the instance they run on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::Analyses;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::revisions::{self, Revision};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{Cluster, ContainerInstance};
use crate::snapshot::enums::NetworkMode;
use crate::snapshot::ids::{Arn, InstanceId};
use crate::snapshot::vpc::{Instance, InstanceMetadataOptions};
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::origin;
use crate::topology::workload::Role;
use crate::topology::{Lookup, Topology};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "metadata-reachable-from-tasks",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "tasks can take the instance role from the metadata service",
    page: include_str!("metadata_reachable_from_tasks.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
        Dataset::ContainerInstances,
        Dataset::Instances,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ec2-security-considerations.html",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html",
    ],
    check: Check::Cluster(check),
};

/// The agent registers it exactly where `ECS_AWSVPC_BLOCK_IMDS` is true (`agent/app/agent_capability.go`).
const BLOCKS_TASK_ENIS: &str = "ecs.capability.task-eni-block-instance-metadata";

/// Instances that are told what to do one by one; a launch template is the better place for many.
const MOST_COMMANDS: usize = 10;

/// Instances with the same metadata options and role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Options<'s> {
    tokens_optional: bool,
    hop_limit: Option<i32>,
    profile: &'s str,
}

/// Who gets through to the metadata service of instances that are alike.
#[derive(Default)]
struct Open<'s> {
    instances: BTreeSet<&'s InstanceId>,
    /// Mode and workload.
    tasks: BTreeSet<(&'static str, String)>,
}

#[derive(Default)]
struct Found<'s> {
    open: BTreeMap<Options<'s>, Open<'s>>,
    gaps: Vec<Gap>,
    concerned: bool,
    host_mode: bool,
    /// Workloads without a task role on instances that ask for no token.
    roleless: BTreeSet<String>,
}

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let mut found = Found::default();
    for workload in analyses.topology.workloads().iter().filter(|workload| *workload.cluster_arn == cluster.arn) {
        let (revisions, gaps) = revisions::of(workload);
        found.gaps.extend(gaps);
        for revision in revisions.iter().filter(|revision| revision.launch.kind == LaunchKind::Ec2) {
            let (instances, gaps) = instances_of(revision, analyses);
            found.gaps.extend(gaps);
            for instance in instances {
                found.concerned = true;
                judge(revision, instance, analyses.topology, &mut found);
            }
        }
    }
    found.gaps.sort();
    found.gaps.dedup();
    let failing = (!found.open.is_empty()).then(|| failing(cluster, &found, &analyses.topology.target.region));
    vec![revisions::outcome(found.concerned, found.gaps, failing)]
}

/// Where tasks of a revision run, and where the service may place the next one.
fn instances_of<'s>(revision: &Revision<'_, 's>, analyses: &Analyses<'s>) -> (Vec<&'s ContainerInstance>, Vec<Gap>) {
    let workload = revision.workload;
    let running = workload.tasks.iter().filter(|task| {
        task.last_status == "RUNNING" && task.task_definition_arn == *revision.variant.task_definition_arn
    });
    let mut arns: BTreeSet<&Arn> = running.filter_map(|task| task.container_instance_arn.as_ref()).collect();
    let mut gaps = Vec::new();
    // Whoever runs tasks by itself can name constraints that nobody sees.
    if !matches!(revision.variant.role, Role::Standalone | Role::Scheduled) {
        let hosts = analyses.hosts(workload.cluster_arn);
        let eligible = analyses.eligible(workload, revision.variant, revision.launch);
        arns.extend(eligible.sure.iter().map(|position| &hosts.all[*position].instance.arn));
        gaps.extend(eligible.gaps.iter().cloned());
    }
    let all = analyses.topology.container_instances_of(workload.cluster_arn).iter().copied();
    let own = all.filter(|instance| {
        arns.contains(&instance.arn)
            && origin::is_on_ec2(instance)
            && !origin::is_managed_instance(analyses.topology, instance)
    });
    (own.collect(), gaps)
}

fn judge<'s>(
    revision: &Revision<'_, 's>,
    instance: &'s ContainerInstance,
    topology: &Topology<'s>,
    found: &mut Found<'s>,
) {
    let Some(id) = &instance.ec2_instance_id else { return };
    let host = match topology.instance(id) {
        Lookup::Found(host) => host,
        Lookup::Absent => return,
        Lookup::Unread(gap) => {
            found.gaps.push(gap);
            return;
        }
    };
    // Without a profile there is no role to take.
    let Some(profile) = &host.iam_instance_profile_arn else { return };
    let Some(options) = &host.metadata_options else {
        found.gaps.push(unknown(text!["the metadata options of ", id, " are not shown"]));
        return;
    };
    match gets_through(revision, instance, host, options) {
        Ok(None) => {}
        Ok(Some(mode)) => {
            let tokens_optional = options.http_tokens.as_deref() == Some("optional");
            let hop_limit = options.http_put_response_hop_limit;
            let open = found.open.entry(Options { tokens_optional, hop_limit, profile: profile.name() }).or_default();
            open.instances.insert(id);
            open.tasks.insert((mode, revision.workload.short_name.clone()));
            found.host_mode |= mode == "host";
            if tokens_optional && revision.definition.task_role_arn.is_none() {
                found.roleless.insert(revision.workload.short_name.clone());
            }
        }
        Err(gap) => found.gaps.push(gap),
    }
}

fn unknown(reason: Text) -> Gap {
    Gap::Undecidable { kind: "metadata-service", reason }
}

/// The mode in which tasks get an answer from the metadata service, if they do.
fn gets_through(
    revision: &Revision<'_, '_>,
    instance: &ContainerInstance,
    host: &Instance,
    options: &InstanceMetadataOptions,
) -> Result<Option<&'static str>, Gap> {
    if options.http_endpoint.as_deref() == Some("disabled") {
        return Ok(None);
    }
    let awsvpc = revision.mode() == Some(&NetworkMode::Awsvpc);
    if awsvpc && instance.attributes.contains_key(BLOCKS_TASK_ENIS) {
        return Ok(None);
    }
    if origin::os_type(instance) != Some("linux") {
        let reason = text!["how tasks on ", &host.id, " reach the metadata service is known for Linux only"];
        return Err(unknown(reason));
    }
    match revision.mode() {
        // Their own interface leads to the service, without a hop in between.
        Some(NetworkMode::Awsvpc) => Ok(Some("awsvpc")),
        // The agent needs the service in the same namespace, so it can't be closed there.
        Some(NetworkMode::Host) => Ok(Some("host")),
        Some(NetworkMode::None) => Ok(None),
        None | Some(NetworkMode::Bridge) => behind_bridge(host, options),
        Some(NetworkMode::Other(mode)) => Err(unknown(text!["network mode ", mode, " is not known to this version"])),
    }
}

/// Docker's bridge is one hop, which only the answer that carries a token counts.
fn behind_bridge(host: &Instance, options: &InstanceMetadataOptions) -> Result<Option<&'static str>, Gap> {
    match (options.http_tokens.as_deref(), options.http_put_response_hop_limit) {
        (Some("optional"), _) | (_, Some(2..)) => Ok(Some("bridge")),
        (Some("required"), Some(_)) => Ok(None),
        _ => Err(unknown(text!["the metadata options of ", &host.id, " are not all shown"])),
    }
}

fn failing(cluster: &Cluster, found: &Found<'_>, region: &str) -> Failing {
    let details: Vec<Text> = found.open.iter().map(|(options, open)| detail(options, open)).collect();
    let mut message =
        text!["No setting that AWS shows keeps tasks of ", &cluster.name, " from the role of their instances: "];
    message.append(Text::joined(&details));
    let modes: BTreeSet<&str> = found.open.values().flat_map(|open| &open.tasks).map(|(mode, _)| *mode).collect();
    let instances: BTreeSet<&str> =
        found.open.values().flat_map(|open| &open.instances).map(|instance| instance.as_str()).collect();
    let profiles: BTreeSet<&str> = found.open.keys().map(|options| options.profile).collect();
    let related =
        instances.iter().map(|id| Related { kind: "ec2:instance", id: (*id).to_owned(), role: "container-instance" });
    let mut failing = Failing {
        related: related.collect(),
        facts: BTreeMap::from([
            ("instances", json!(instances)),
            ("instance_profiles", json!(profiles)),
            ("network_modes", json!(modes)),
        ]),
        ..Failing::new(&RULE, message, Remediation { text: fix(&modes), commands: commands(found, region) })
    };
    if found.host_mode {
        failing.severity = Severity::Medium;
        failing.severity_reason = Some("tasks in host mode can't be kept from it".to_owned());
    } else if let Some(one) = found.roleless.first() {
        failing.severity = Severity::Medium;
        failing.severity_reason = Some(format!("IMDSv1 answers, and tasks of {one} have no role of their own"));
    }
    failing
}

fn detail(options: &Options<'_>, open: &Open<'_>) -> Text {
    let mut detail = Text::default();
    let tasks = open.tasks.iter().map(|(mode, name)| format!("{name} ({mode} mode)"));
    detail.append(Text::list(tasks, 4));
    detail.push(" on ");
    detail.append(Text::list(open.instances.iter().copied(), 4));
    detail.push(" with instance profile ");
    detail.push(options.profile.to_owned());
    detail.push(if options.tokens_optional { ", IMDSv1 allowed" } else { ", IMDSv2 only" });
    if let Some(hops) = options.hop_limit {
        detail.append(text![", hop limit ", hops]);
    }
    detail
}

fn fix(modes: &BTreeSet<&str>) -> Text {
    let mut text = text!["Keep the instance role to what the agent needs, and give tasks roles of their own."];
    if modes.contains("bridge") {
        text.push(
            " Require tokens with a hop limit of 1, in the launch template too: it stops tasks in bridge mode. A firewall \
             rule on the instances would as well, but AWS does not show it: waive this where there is one.",
        );
    }
    if modes.contains("awsvpc") {
        text.push(" For awsvpc mode set ECS_AWSVPC_BLOCK_IMDS=true in /etc/ecs/ecs.config, best by the user data of the launch template, and restart the agent.");
    }
    if modes.contains("host") {
        text.push(" In host mode nothing stops it: use another mode, or instances of their own for such tasks.");
    }
    text
}

/// For instances that don't require tokens, or that answer behind the bridge.
fn commands(found: &Found<'_>, region: &str) -> Vec<String> {
    let lax = found
        .open
        .iter()
        .filter(|(options, open)| options.tokens_optional || open.tasks.iter().any(|(mode, _)| *mode == "bridge"));
    let ids: BTreeSet<&InstanceId> = lax.flat_map(|(_, open)| open.instances.iter().copied()).collect();
    let command = |id: &InstanceId| {
        let mut command = shell::Command::new("aws ec2 modify-instance-metadata-options");
        command.option("region", region);
        command.option("instance-id", id.as_str());
        command.raw("--http-tokens required --http-put-response-hop-limit 1");
        command.to_string()
    };
    ids.into_iter().take(MOST_COMMANDS).map(command).collect()
}
