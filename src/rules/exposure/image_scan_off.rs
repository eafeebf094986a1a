//! Images in use that nobody looks into for known vulnerabilities.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::Analyses;
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::glob;
use crate::image::{self, Image, Registry};
use crate::reach::verdict::Gap;
use crate::rules::revisions;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::storage::{RegistryScanning, ScanningRule};
use crate::text;
use crate::text::Text;
use crate::topology::workload::{Role, Workload};
use crate::topology::{Lookup, Topology};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "image-scan-off",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "images come from ECR repositories that are not scanned",
    page: include_str!("image_scan_off.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::Repositories,
        Dataset::RegistryScanning,
    ],
    controls: &["ECR.1"],
    references: &[
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html",
        "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_RegistryScanningRule.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    let (mut unscanned, mut gaps, mut concerned) = (BTreeSet::<String>::new(), Vec::new(), false);
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        let definition = match &variant.task_definition {
            Lookup::Found(definition) => *definition,
            Lookup::Absent => continue,
            Lookup::Unread(gap) => {
                gaps.push(gap.clone());
                continue;
            }
        };
        for container in &definition.containers {
            let image = image::parse(&container.image);
            match is_scanned(topology, &image) {
                None => continue,
                Some(Ok(true)) => {}
                Some(Ok(false)) => {
                    unscanned.insert(image.repository);
                }
                Some(Err(gap)) => gaps.push(gap),
            }
            concerned = true;
        }
    }
    gaps.sort();
    gaps.dedup();
    let failing = (!unscanned.is_empty()).then(|| failing(workload, topology, &unscanned));
    revisions::outcome(concerned, gaps, failing)
}

/// Whether new images of its repository are scanned; `None` for images that Amazon ECR doesn't keep.
fn is_scanned(topology: &Topology<'_>, image: &Image) -> Option<Result<bool, Gap>> {
    let Registry::Ecr { account, region, .. } = &image.registry else { return None };
    let target = topology.target;
    if !image.is_in(&target.account, &target.region) {
        let reason = text![
            "whether repository ",
            &image.repository,
            " of account ",
            account,
            " in ",
            region,
            " is scanned can't be read from here"
        ];
        return Some(Err(Gap::Undecidable { kind: "foreign-registry", reason }));
    }
    let registry = topology.registry_scanning();
    if let Lookup::Found(scanning) = &registry
        && covers(scanning, &image.repository)
    {
        return Some(Ok(true));
    }
    let scan_on_push = match topology.repository(&image.repository) {
        Lookup::Found(repository) if repository.exists => repository.scan_on_push,
        // Whoever pulls from it has another problem.
        Lookup::Found(_) | Lookup::Absent => return None,
        Lookup::Unread(gap) => return Some(Err(gap)),
    };
    Some(match registry {
        Lookup::Unread(gap) if !scan_on_push => Err(gap),
        // A registry that has filters scans what they select; what becomes of a repository's own setting isn't said.
        Lookup::Found(scanning) if scan_on_push && chooses(scanning) => {
            let reason = text![
                "repository ",
                &image.repository,
                " asks for a scan on push, and the scanning configuration of the registry leaves it out"
            ];
            Err(Gap::Undecidable { kind: "scanning-contradicts", reason })
        }
        _ => Ok(scan_on_push),
    })
}

fn is_automatic(rule: &&ScanningRule) -> bool {
    matches!(rule.scan_frequency.as_str(), "SCAN_ON_PUSH" | "CONTINUOUS_SCAN")
}

/// Whether the registry scans the images of a repository by itself.
fn covers(scanning: &RegistryScanning, repository: &str) -> bool {
    let mut filters = scanning.rules.iter().filter(is_automatic).flat_map(|rule| &rule.filters);
    filters.any(|filter| match filter.contains('*') {
        true => glob::matches(filter, repository),
        // A filter without a wildcard selects every name that has it somewhere.
        false => repository.contains(filter.as_str()),
    })
}

/// Whether the registry's own configuration decides what is scanned.
fn chooses(scanning: &RegistryScanning) -> bool {
    scanning.scan_type == "ENHANCED" || scanning.rules.iter().any(|rule| is_automatic(&rule))
}

fn failing(workload: &Workload<'_>, topology: &Topology<'_>, unscanned: &BTreeSet<String>) -> Failing {
    let target = topology.target;
    let one = unscanned.len() == 1;
    let mut message = text![
        "Tasks of ",
        &workload.short_name,
        " run images of ECR ",
        if one { "repository " } else { "repositories " }
    ];
    message.append(Text::list(unscanned.iter(), 6));
    message.push(", which ");
    message.push(if one { "is" } else { "are" });
    message.push(" not scanned for vulnerabilities: neither scan on push nor the registry's configuration covers ");
    message.push(if one { "it" } else { "them" });
    let repository = |name: &String| Related {
        kind: "ecr:repository",
        id: format!("arn:{}:ecr:{}:{}:repository/{name}", target.partition, target.region, target.account),
        role: "image",
    };
    let scanning = topology.registry_scanning().found();
    let enhanced = scanning.is_some_and(|scanning| scanning.scan_type == "ENHANCED");
    let (how, commands) = match scanning.filter(|scanning| chooses(scanning)) {
        Some(scanning) => (
            "Add the repositories to what the registry scans; the command keeps the rules that are there.",
            vec![put_configuration(&target.region, scanning, unscanned)],
        ),
        // The first rule of a registry would take the scans from every other repository that asks for them itself.
        None => (
            "Turn on scan on push, or let the registry scan every repository on push with the filter *.",
            unscanned.iter().map(|name| scan_on_push(&target.region, name)).collect(),
        ),
    };
    let mut text = text![how];
    text.push(" Images that are there already are scanned when they are pushed again");
    // Only basic scanning takes requests for single images.
    text.push(if enhanced { "." } else { ", or by aws ecr start-image-scan." });
    Failing {
        related: unscanned.iter().map(repository).collect(),
        cause: Some(Cause { kind: "ecr:registry", resource: target.account.clone() }),
        facts: BTreeMap::from([("repositories", json!(unscanned))]),
        ..Failing::new(&RULE, message, Remediation { text, commands })
    }
}

fn scan_on_push(region: &str, repository: &str) -> String {
    let mut command = shell::Command::new("aws ecr put-image-scanning-configuration");
    command.option("region", region);
    command.option("repository-name", repository);
    command.option("image-scanning-configuration", "scanOnPush=true");
    command.to_string()
}

/// The present configuration with the repositories added. ECR takes one rule for each frequency.
fn put_configuration(region: &str, scanning: &RegistryScanning, unscanned: &BTreeSet<String>) -> String {
    let mut rules: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for rule in &scanning.rules {
        rules.entry(&rule.scan_frequency).or_default().extend(&rule.filters);
    }
    rules.entry("SCAN_ON_PUSH").or_default().extend(unscanned);
    let rule = |(frequency, filters): (&str, Vec<&String>)| {
        let filters: Vec<_> = filters.iter().map(|name| json!({ "filter": name, "filterType": "WILDCARD" })).collect();
        json!({ "scanFrequency": frequency, "repositoryFilters": filters })
    };
    let rules: Vec<_> = rules.into_iter().map(rule).collect();
    let mut command = shell::Command::new("aws ecr put-registry-scanning-configuration");
    command.option("region", region);
    command.option("scan-type", &scanning.scan_type);
    command.option("rules", &json!(rules).to_string());
    command.to_string()
}
