//! Fargate tasks on an old platform.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::{Analyses, needs};
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::revisions;
use crate::rules::update;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::TaskDefinition;
use crate::snapshot::enums::LaunchType;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Variant, Workload};
use crate::topology::{Lookup, Topology};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "fargate-platform-outdated",
    group: Group::Exposure,
    severity: Severity::Medium,
    summary: "Fargate tasks on a platform version that is not the latest",
    page: include_str!("fargate_platform_outdated.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
    ],
    controls: &["ECS.10"],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-fargate.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-version-migration.html",
    ],
    check: Check::Workload(check),
};

type Version = (u32, u32, u32);

/// What LATEST stands for; Linux and Windows count by themselves.
const LATEST_LINUX: Version = (1, 4, 0);
const LATEST_WINDOWS: Version = (1, 0, 0);

/// A revision on an old platform.
struct Outdated<'a, 's> {
    variant: &'a Variant<'s>,
    version: &'s str,
    windows: bool,
}

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (mut outdated, mut gaps, mut concerned) = (Vec::new(), Vec::new(), false);
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        let on_fargate = variant.launches.known.iter().any(|launch| launch.kind == LaunchKind::Fargate);
        if !on_fargate && variant.launches.gaps.is_empty() {
            continue;
        }
        concerned |= on_fargate;
        for version in versions(workload, variant) {
            match judge(variant, version) {
                Ok(Some(windows)) if on_fargate => outdated.push(Outdated { variant, version, windows }),
                Ok(Some(_)) => gaps.extend(variant.launches.gaps.iter().cloned()),
                Ok(None) => {}
                Err(gap) => gaps.push(gap),
            }
        }
    }
    gaps.sort();
    gaps.dedup();
    let failing = (!outdated.is_empty()).then(|| failing(workload, analyses.topology, &outdated));
    revisions::outcome(concerned, gaps, failing)
}

/// What its tasks run on: the configuration says it, or the tasks themselves where nobody keeps one.
fn versions<'s>(workload: &Workload<'s>, variant: &Variant<'s>) -> BTreeSet<&'s str> {
    if variant.role != Role::Standalone {
        return variant.platform_version.into_iter().collect();
    }
    let running = workload.tasks.iter().filter(|task| task.desired_status == "RUNNING");
    let own = running.filter(|task| {
        task.task_definition_arn == *variant.task_definition_arn && task.launch_type == Some(LaunchType::Fargate)
    });
    own.filter_map(|task| task.platform_version.as_deref()).collect()
}

/// Whether a version is older than the latest, and if so whether it is one of Windows.
fn judge(variant: &Variant<'_>, version: &str) -> Result<Option<bool>, Gap> {
    if version == "LATEST" {
        return Ok(None);
    }
    let Some(number) = parse(version) else {
        let reason = text!["Fargate platform version ", version.to_owned(), " is not known to this version"];
        return Err(Gap::Undecidable { kind: "platform-version", reason });
    };
    // Newer than both tables: whichever family it is of, it is not old.
    if number >= LATEST_LINUX {
        return Ok(None);
    }
    let windows = is_windows(variant)?;
    let latest = if windows { LATEST_WINDOWS } else { LATEST_LINUX };
    Ok((number < latest).then_some(windows))
}

fn parse(version: &str) -> Option<Version> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(version)
}

/// Fargate says what it runs, and before the first task the definition; without either it is Linux.
fn is_windows(variant: &Variant<'_>) -> Result<bool, Gap> {
    let is_windows = |family: &str| family.to_ascii_uppercase().starts_with("WINDOWS");
    match (variant.platform_family, &variant.task_definition) {
        (Some(family), _) => Ok(is_windows(family)),
        (None, Lookup::Found(definition)) => Ok(definition.operating_system_family.as_deref().is_some_and(is_windows)),
        (None, Lookup::Unread(gap)) => Err(gap.clone()),
        (None, Lookup::Absent) => Ok(false),
    }
}

fn printed((major, minor, patch): Version) -> String {
    format!("{major}.{minor}.{patch}")
}

fn failing<'s>(workload: &Workload<'s>, topology: &Topology<'s>, outdated: &[Outdated<'_, 's>]) -> Failing {
    let kinds: BTreeSet<(&str, bool)> = outdated.iter().map(|one| (one.version, one.windows)).collect();
    let mut message = text!["Tasks of ", &workload.short_name, " run on Fargate platform version "];
    for (index, (version, windows)) in kinds.iter().enumerate() {
        if index > 0 {
            message.push(" and ");
        }
        let (latest, family) = if *windows { (LATEST_WINDOWS, "Windows") } else { (LATEST_LINUX, "Linux") };
        message.append(text![(*version).to_owned(), ", where the latest for ", family, " is ", printed(latest)]);
    }
    let mut text = match (workload.service, workload.schedule) {
        (Some(service), _) => {
            text!["Deploy the service with platform version LATEST.", update::instead(service).unwrap_or_default()]
        }
        (None, Some(_)) => text!["Take the platform version out of the target, or make it LATEST."],
        (None, None) => text!["Start the tasks again with platform version LATEST."],
    };
    let wanted = wanted_anew(workload, topology, outdated);
    if kinds.iter().any(|(_, windows)| !windows) {
        text.push(
            " From 1.4.0 on the image, secrets and files are fetched through the task's own interface, no \
             longer over a network of AWS's",
        );
        if wanted.is_empty() {
            text.push(".");
        } else {
            text.push(": first make sure that its subnets and security groups reach ");
            text.append(Text::list(wanted.iter().cloned(), 8));
            text.push(", by a NAT gateway or VPC endpoints.");
        }
    }
    let definitions: BTreeSet<&str> = outdated.iter().map(|one| one.variant.task_definition_arn.as_str()).collect();
    let related = definitions.into_iter().map(|arn| Related {
        kind: "ecs:task-definition",
        id: arn.to_owned(),
        role: "task-definition",
    });
    let versions: Vec<&str> = kinds.iter().map(|(version, _)| *version).collect();
    Failing {
        related: related.collect(),
        facts: BTreeMap::from([("platform_versions", json!(versions)), ("needed_from_1_4_0", json!(wanted))]),
        ..Failing::new(&RULE, message, Remediation { text, commands: commands(workload, topology, outdated) })
    }
}

/// What the interface of a task has to reach on 1.4.0 that it needn't now.
fn wanted_anew<'s>(
    workload: &Workload<'s>,
    topology: &Topology<'s>,
    outdated: &[Outdated<'_, 's>],
) -> BTreeSet<String> {
    let mut anew = BTreeSet::new();
    for Outdated { variant, version, .. } in outdated.iter().filter(|one| !one.windows) {
        let Lookup::Found(definition) = &variant.task_definition else { continue };
        let on = |version| {
            let variant = Variant { platform_version: Some(version), ..(*variant).clone() };
            named_needs(workload, topology, &variant, definition)
        };
        anew.extend(on("LATEST").difference(&on(version)).cloned());
    }
    anew
}

fn named_needs<'s>(
    workload: &Workload<'s>,
    topology: &Topology<'s>,
    variant: &Variant<'s>,
    definition: &TaskDefinition,
) -> BTreeSet<String> {
    let needs = needs::of(topology, workload, variant, definition, LaunchKind::Fargate);
    needs.iter().map(|need| need.name(&topology.target.region)).collect()
}

fn commands(workload: &Workload<'_>, topology: &Topology<'_>, outdated: &[Outdated<'_, '_>]) -> Vec<String> {
    let of_deployment = outdated.iter().any(|one| one.variant.role == Role::Primary);
    if !of_deployment || workload.service.is_none_or(|service| update::instead(service).is_some()) {
        return Vec::new();
    }
    let mut command = shell::Command::new("aws ecs update-service");
    command.option("region", &topology.target.region);
    command.option("cluster", &workload.cluster_name);
    command.option("service", &workload.short_name);
    command.option("platform-version", "LATEST");
    command.raw("--force-new-deployment");
    vec![command.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!(parse("1.4.0"), Some(LATEST_LINUX));
        assert!(parse("1.10.0") > parse("1.4.0") && parse("1.3.9") < parse("1.4.0"));
        for odd in ["", "1.4", "1.4.0.1", "v1.4.0", "1.4.x"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
