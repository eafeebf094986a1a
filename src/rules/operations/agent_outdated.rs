//! Container agents that are older than what runs on their instances needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::agent_version::{self, Version};
use crate::analysis::{Analyses, interfaces, task_eni_limits};
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::capacity::trunking_ineffective;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{Cluster, ContainerInstance};
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::text::{Text, format_words};
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Variant, Workload};
use crate::topology::{self, Lookup};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "agent-outdated",
    group: Group::Operations,
    severity: Severity::Low,
    summary: "container agents older than a feature in use needs",
    page: include_str!("agent_outdated.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::Subnets,
        Dataset::AccountSettings,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-versions.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec-run.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html",
    ],
    check: Check::Cluster(check),
};

/// What an agent has to be new enough for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Feature {
    Trunking,
    Exec,
    ServiceConnect,
}

impl Feature {
    const ALL: [Feature; 3] = [Self::Trunking, Self::Exec, Self::ServiceConnect];

    fn name(self) -> &'static str {
        match self {
            Self::Trunking => "ENI trunking",
            Self::Exec => "ECS Exec",
            Self::ServiceConnect => "Service Connect",
        }
    }

    /// `None` where the platform has no such feature.
    fn first_agent(self, windows: bool) -> Option<Version> {
        match (self, windows) {
            (Self::Trunking | Self::ServiceConnect, true) => None,
            (Self::Exec, true) => Some(agent_version::EXEC_ON_WINDOWS),
            (Self::Trunking, false) => Some(agent_version::TRUNKING),
            (Self::Exec, false) => Some(agent_version::EXEC),
            (Self::ServiceConnect, false) => Some(agent_version::SERVICE_CONNECT),
        }
    }

    /// Whether tasks of a variant use it; `None` where that can't be seen.
    fn is_used(self, workload: &Workload<'_>, variant: &Variant<'_>, trunks: bool) -> Option<bool> {
        match self {
            Self::Trunking if !trunks => Some(false),
            Self::Trunking => match &variant.task_definition {
                Lookup::Found(definition) => Some(definition.network_mode == Some(NetworkMode::Awsvpc)),
                Lookup::Absent => Some(false),
                Lookup::Unread(_) => None,
            },
            Self::Exec => Some(workload.execute_command_enabled()),
            Self::ServiceConnect => Some(variant.service_connect.is_some()),
        }
    }
}

/// Instances with one version that one feature finds too old, and the services that use it.
#[derive(Default)]
struct Old<'s> {
    instances: BTreeMap<&'s str, &'s ContainerInstance>,
    services: BTreeSet<&'s str>,
}

/// By feature, version and whether the instances run Windows.
type Found<'s> = BTreeMap<(Feature, &'s str, bool), Old<'s>>;

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let topology = analyses.topology;
    let hosts = analyses.hosts(&cluster.arn);
    let mut gaps = hosts.gaps.clone();
    if hosts.all.is_empty() {
        return vec![if gaps.is_empty() { Outcome::NotApplicable } else { Outcome::Unknown(gaps) }];
    }
    let mut found = Found::new();
    // With agents that are new enough for everything it doesn't matter who uses what.
    let is_doubtful = |feature: &Feature| hosts.all.iter().any(|host| may_be_behind(host.instance, *feature));
    let doubtful: Vec<Feature> = Feature::ALL.into_iter().filter(is_doubtful).collect();
    if !doubtful.is_empty() {
        gaps.extend(topology.gap_in_cluster(Dataset::Services, &cluster.arn));
        let trunks = trunks(analyses, cluster, &mut gaps);
        let services = topology.workloads_of(&cluster.arn);
        for workload in services.filter(|workload| workload.service.is_some() && !workload.desires_nothing()) {
            for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
                for feature in &doubtful {
                    let used = feature.is_used(workload, variant, trunks);
                    if used != Some(false) {
                        judge(analyses, workload, variant, *feature, &mut found, &mut gaps);
                    }
                }
            }
        }
    }
    gaps.sort();
    gaps.dedup();
    vec![match (found.is_empty(), gaps.is_empty()) {
        (false, _) => Outcome::Fails(Box::new(Failing { gaps, ..failing(cluster, analyses, &found) })),
        (true, false) => Outcome::Unknown(gaps),
        (true, true) => Outcome::Holds,
    }]
}

/// Whether an agent is too old for a feature; `None` where its version can't be read.
fn is_behind(instance: &ContainerInstance, feature: Feature) -> Option<bool> {
    if feature == Feature::Trunking && !can_trunk(instance) {
        return Some(false);
    }
    let Some(first) = feature.first_agent(interfaces::is_windows(instance)) else { return Some(false) };
    agent_version::is_before(instance, first)
}

fn may_be_behind(instance: &ContainerInstance, feature: Feature) -> bool {
    is_behind(instance, feature).unwrap_or(true)
}

/// Whether the type is one that the guide lists for trunking.
fn can_trunk(instance: &ContainerInstance) -> bool {
    let limit = interfaces::attribute(instance, "ecs.instance-type").and_then(task_eni_limits::of);
    limit.is_some_and(|limit| limit.tasks.is_some())
}

/// Whether trunks are in use: an instance of the cluster has one, or the account's default turns them on.
fn trunks(analyses: &Analyses<'_>, cluster: &Cluster, gaps: &mut Vec<Gap>) -> bool {
    let topology = analyses.topology;
    let mut instances = topology.container_instances_of(&cluster.arn).iter();
    if instances.any(|instance| instance.attributes.contains_key("ecs.awsvpc-trunk-id"))
        || interfaces::trunking_is_account_default(topology)
    {
        return true;
    }
    let mut instances = topology.container_instances_of(&cluster.arn).iter();
    if instances.any(|instance| may_be_behind(instance, Feature::Trunking)) {
        gaps.extend(topology::gap_for(&topology.data().account_settings, Dataset::AccountSettings, ""));
    }
    false
}

/// Sorts in the instances that tasks which use a feature may be placed on.
fn judge<'s>(
    analyses: &Analyses<'s>,
    workload: &Workload<'s>,
    variant: &Variant<'s>,
    feature: Feature,
    found: &mut Found<'s>,
    gaps: &mut Vec<Gap>,
) {
    let Some(service) = workload.service else { return };
    let hosts = analyses.hosts(workload.cluster_arn);
    gaps.extend(variant.launches.gaps.iter().cloned());
    // Without the definition neither the mode nor the platform of the tasks is known.
    if let Lookup::Unread(gap) = &variant.task_definition {
        gaps.push(gap.clone());
        return;
    }
    for launch in variant.launches.known.iter().filter(|launch| launch.kind == LaunchKind::Ec2) {
        let eligible = analyses.eligible(workload, variant, launch);
        for instance in eligible.sure.iter().map(|position| hosts.all[*position].instance) {
            match (is_behind(instance, feature), instance.agent_version.as_deref()) {
                (Some(true), Some(version)) => {
                    let old = found.entry((feature, version, interfaces::is_windows(instance))).or_default();
                    old.instances.insert(id(instance), instance);
                    old.services.insert(&service.name);
                }
                (None, _) => gaps.push(unreadable(instance, feature)),
                _ => {}
            }
        }
        if eligible.perhaps.iter().any(|position| may_be_behind(hosts.all[*position].instance, feature)) {
            gaps.extend(eligible.gaps.iter().cloned());
        }
    }
}

fn unreadable(instance: &ContainerInstance, feature: Feature) -> Gap {
    let reason = text![
        "whether the agent of ",
        id(instance).to_owned(),
        " is new enough for ",
        feature.name(),
        " can't be told: its version is ",
        instance.agent_version.clone().unwrap_or_else(|| "not given".to_owned())
    ];
    Gap::Undecidable { kind: "agent-version", reason }
}

/// The id in EC2, which people know the instance by.
fn id(instance: &ContainerInstance) -> &str {
    instance.ec2_instance_id.as_ref().map_or_else(|| instance.arn.name(), |id| id.as_str())
}

fn failing<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>, found: &Found<'s>) -> Failing {
    let details: Vec<Text> =
        found.iter().map(|((feature, version, windows), old)| detail(*feature, version, *windows, old)).collect();
    let mut message = text!["Container agents in ", &cluster.name, " are older than what their tasks use needs: "];
    message.append(Text::joined(&details));
    let instances: BTreeMap<&str, &ContainerInstance> =
        found.values().flat_map(|old| old.instances.iter().map(|(id, instance)| (*id, *instance))).collect();
    let related = instances.values().filter_map(|instance| instance.ec2_instance_id.as_ref());
    let blockers = details.into_iter().map(|detail| Blocker {
        family: Family::Task,
        kind: "agent-outdated",
        need: None,
        origin: None,
        port: None,
        protocol: None,
        resource: Some(cluster.name.clone()),
        detail,
    });
    let facts = found.iter().map(|((feature, version, _), old)| {
        json!({
            "feature": feature.name(),
            "agent_version": version,
            "instances": old.instances.keys().collect::<Vec<_>>(),
            "services": old.services,
        })
    });
    let text = text![
        "Replace the instances by ones of a current ECS-optimized AMI, or update the agents of Linux instances in place; \
         a trunk comes only with a new instance."
    ];
    let mut failing = Failing {
        blockers: blockers.collect(),
        related: related
            .map(|id| Related { kind: "ec2:instance", id: id.as_str().to_owned(), role: "container-instance" })
            .collect(),
        facts: [("outdated", facts.collect())].into(),
        ..Failing::new(&RULE, message, Remediation { text, commands: update(cluster, analyses, found) })
    };
    let only_trunks = found.keys().all(|(feature, _, _)| *feature == Feature::Trunking);
    if only_trunks && trunks_are_told_of(cluster, analyses) {
        failing.severity = Severity::Info;
        failing.severity_reason = Some("trunking-ineffective tells of the same instances".to_owned());
    }
    failing
}

/// "1.40.0 on i-1 and i-2, where ECS Exec needs 1.50.2 (web)".
fn detail(feature: Feature, version: &str, windows: bool, old: &Old<'_>) -> Text {
    let first = feature.first_agent(windows).map(agent_version::shown).unwrap_or_default();
    let mut text = text![version.to_owned(), " on "];
    text.append(Text::list(old.instances.keys().map(|id| (*id).to_owned()), 4));
    text.append(text![", where ", feature.name(), " needs ", format_words(first), " ("]);
    text.append(Text::list(old.services.iter().map(|name| (*name).to_owned()), 4));
    text.push(")");
    text
}

/// One cause is loud once.
fn trunks_are_told_of<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> bool {
    let other = &trunking_ineffective::RULE;
    let Check::Cluster(check) = other.check else { return false };
    let tells = |outcome: Outcome| matches!(outcome, Outcome::Fails(failing) if failing.severity > Severity::Low);
    analyses.settings.rules.contains(&other.id) && check(cluster, analyses).into_iter().any(tells)
}

/// The API updates agents on Linux only, and a trunk comes with no update.
fn update(cluster: &Cluster, analyses: &Analyses<'_>, found: &Found<'_>) -> Vec<String> {
    let helped = found.iter().filter(|((feature, _, windows), _)| !windows && *feature != Feature::Trunking);
    let instances: BTreeMap<&str, &ContainerInstance> =
        helped.flat_map(|(_, old)| old.instances.iter().map(|(id, instance)| (*id, *instance))).collect();
    let command = |instance: &ContainerInstance| {
        let mut command = shell::Command::new("aws ecs update-container-agent");
        command.option("region", &analyses.topology.target.region);
        command.option("cluster", &cluster.name);
        command.option("container-instance", instance.arn.name());
        command.to_string()
    };
    instances.into_values().map(command).collect()
}
