//! Tasks that can take the role of the instance they run on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::metadata::{self, Reach};
use crate::analysis::Analyses;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::revisions::{self, Revision};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::ecs::{Cluster, ContainerInstance};
use crate::snapshot::ids::InstanceId;
use crate::text;
use crate::text::Text;
use crate::topology::Topology;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Role;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "metadata-reachable-from-tasks",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "tasks can take the instance role from the metadata service",
    page: include_str!("metadata_reachable_from_tasks.md"),
    needs: metadata::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ec2-security-considerations.html",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html",
    ],
    check: Check::Cluster(check),
};

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
    /// Workloads without a task role that the commands keep from the role of their instance.
    cut_off: BTreeSet<String>,
    /// The same of tasks whose role may be named by who runs them.
    perhaps_cut_off: BTreeSet<String>,
}

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let mut found = Found::default();
    for workload in analyses.topology.workloads_of(&cluster.arn) {
        let (revisions, gaps) = revisions::of(workload);
        found.gaps.extend(gaps);
        for revision in revisions.iter().filter(|revision| revision.launch.kind == LaunchKind::Ec2) {
            let (instances, gaps) = metadata::instances_of(revision, analyses);
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

fn judge<'s>(
    revision: &Revision<'_, 's>,
    instance: &'s ContainerInstance,
    topology: &Topology<'s>,
    found: &mut Found<'s>,
) {
    match metadata::within_reach(revision, instance, topology) {
        Ok(None) => {}
        Ok(Some(Reach { id, mode, options, profile })) => {
            let tokens_optional = options.http_tokens.as_deref() == Some("optional");
            let hop_limit = options.http_put_response_hop_limit;
            let open = found.open.entry(Options { tokens_optional, hop_limit, profile: profile.name() }).or_default();
            open.instances.insert(id);
            open.tasks.insert((mode, revision.workload.short_name.clone()));
            found.host_mode |= mode == "host";
            if revision.definition.task_role_arn.is_none() {
                let name = &revision.workload.short_name;
                let in_call = matches!(revision.variant.role, Role::Standalone | Role::Scheduled);
                if tokens_optional && !in_call {
                    found.roleless.insert(name.clone());
                }
                if mode == "bridge" {
                    let cut_off = if in_call { &mut found.perhaps_cut_off } else { &mut found.cut_off };
                    cut_off.insert(name.clone());
                }
            }
        }
        Err(gap) => found.gaps.push(gap),
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
        ..Failing::new(&RULE, message, Remediation { text: fix(&modes, found), commands: commands(found, region) })
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

fn fix(modes: &BTreeSet<&str>, found: &Found<'_>) -> Text {
    let mut text = text!["Keep the instance role to what the agent needs, and give tasks roles of their own."];
    if modes.contains("bridge") {
        text.push(
            " Require tokens with a hop limit of 1, in the launch template too: it stops tasks in bridge mode. A firewall \
             rule on the instances would as well, but AWS does not show it: waive this where there is one.",
        );
    }
    if !found.cut_off.is_empty() {
        text.push(" First give ");
        text.append(Text::list(found.cut_off.iter(), 4));
        text.push(" a taskRoleArn: without one, these tasks have only the role that this takes from them.");
    }
    if !found.perhaps_cut_off.is_empty() {
        text.push(" First see that whoever runs ");
        text.append(Text::list(found.perhaps_cut_off.iter(), 4));
        text.push(" names a task role: the task definition names none.");
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
