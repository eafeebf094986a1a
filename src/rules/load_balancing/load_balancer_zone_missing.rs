//! A zone that tasks can run in and that the load balancer is not enabled in.

use std::collections::{BTreeMap, BTreeSet};

use super::attachments::{self, Attachment};
use crate::analysis::{Analyses, ends};
use crate::finding::Evidence;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Family;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::elb::TargetHealth;
use crate::snapshot::enums::{LoadBalancerType, TargetType};
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "load-balancer-zone-missing",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "a zone that tasks run in and the load balancer is not enabled in",
    page: include_str!("load_balancer_zone_missing.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
        Dataset::ContainerInstances,
        Dataset::AutoScalingGroups,
        Dataset::Instances,
        Dataset::TargetGroups,
        Dataset::LoadBalancers,
        Dataset::TargetHealth,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshoot-service-load-balancers.html",
    ],
    check: Check::Workload(check),
};

struct Lacking<'a, 's> {
    attachment: &'a Attachment<'a, 's>,
    balancer: &'s crate::snapshot::elb::LoadBalancer,
    /// Zones with a subnet of the tasks in each, where one is known.
    zones: BTreeMap<&'s str, Option<&'s str>>,
    unused: Vec<&'s TargetHealth>,
}

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let found = attachments::of(workload, analyses);
    let mut gaps = found.gaps.clone();
    let mut lacking = Vec::new();
    for attachment in &found.all {
        if matches!(attachment.target_group.target_type, TargetType::Alb | TargetType::Lambda) {
            continue;
        }
        let zones = task_zones(workload, analyses, attachment, &mut gaps);
        for balancer in &attachment.load_balancers {
            if balancer.kind == LoadBalancerType::Gateway {
                continue;
            }
            let enabled: BTreeSet<&str> =
                balancer.availability_zones.iter().map(|zone| zone.zone_name.as_str()).collect();
            let mut missing = zones.known.clone();
            missing.retain(|zone, _| !enabled.contains(zone));
            if zones.doubtful.keys().any(|zone| !enabled.contains(zone)) {
                gaps.extend(
                    zones.doubtful.iter().filter(|(zone, _)| !enabled.contains(*zone)).map(|(_, gap)| gap.clone()),
                );
            }
            let health = match analyses.topology.target_health_of(&attachment.target_group.arn) {
                Ok(health) => health.items().to_vec(),
                Err(gap) => {
                    if !missing.is_empty() {
                        gaps.push(gap);
                    }
                    Vec::new()
                }
            };
            let serves = |zone: &str| {
                health.iter().any(|t| t.state == "healthy" && t.availability_zone.as_deref() == Some(zone))
            };
            for zone in missing.keys().filter(|zone| serves(zone)) {
                let reason = text![
                    "contradicted by live state: a target in ",
                    (*zone).to_owned(),
                    " is healthy although ",
                    &balancer.name,
                    " is not enabled there"
                ];
                gaps.push(Gap::Undecidable { kind: "live-state", reason });
            }
            missing.retain(|zone, _| !serves(zone));
            if !missing.is_empty() {
                let unused = |target: &&TargetHealth| {
                    let here = target.availability_zone.as_deref().is_none_or(|zone| missing.contains_key(zone));
                    here && target.reason.as_deref() == Some("Target.NotInUse")
                };
                let unused = health.iter().copied().filter(unused).collect();
                lacking.push(Lacking { attachment, balancer, zones: missing, unused });
            }
        }
    }
    let failing = (!lacking.is_empty()).then(|| failing(analyses, workload, &lacking));
    attachments::outcome(found.concerned, gaps, failing)
}

/// Where the tasks of a variant may run.
#[derive(Default)]
struct Zones<'s> {
    /// Zones for sure, with a subnet of the tasks in each, where one is known.
    known: BTreeMap<&'s str, Option<&'s str>>,
    /// Zones that they may be kept out of, and why.
    doubtful: BTreeMap<&'s str, Gap>,
}

fn task_zones<'s>(
    workload: &Workload<'s>,
    analyses: &Analyses<'s>,
    attachment: &Attachment<'_, 's>,
    gaps: &mut Vec<Gap>,
) -> Zones<'s> {
    let topology = analyses.topology;
    let mut zones = Zones::default();
    let variant = attachment.variant;
    gaps.extend(variant.launches.gaps.iter().cloned());
    for launch in &variant.launches.known {
        let mut of_subnets: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let is_awsvpc = launch.kind == LaunchKind::Fargate || variant.is_awsvpc() == Some(true);
        if is_awsvpc {
            for id in variant.network.iter().flat_map(|network| &network.subnets) {
                match ends::subnet(topology, id) {
                    Ok(subnet) => {
                        of_subnets.insert(&subnet.availability_zone, Some(subnet.id.as_str()));
                    }
                    Err(gap) => gaps.push(gap),
                }
            }
        }
        match launch.kind {
            LaunchKind::Ec2 => {
                // A task starts only where an instance is, whatever its subnets are.
                let places = analyses.instance_places(workload, variant, launch);
                gaps.extend(places.gaps);
                for place in &places.known {
                    let subnet = match ends::subnet(topology, place.subnet_id) {
                        Ok(subnet) => subnet,
                        Err(gap) => {
                            gaps.push(gap);
                            continue;
                        }
                    };
                    let zone = subnet.availability_zone.as_str();
                    if places.may_be_narrower {
                        let reason = text!["a placement constraint may keep tasks out of ", zone.to_owned()];
                        zones.doubtful.insert(zone, Gap::Undecidable { kind: "placement-constraint", reason });
                    } else if !is_awsvpc {
                        zones.known.insert(zone, None);
                    } else if let Some(subnet) = of_subnets.get(zone) {
                        zones.known.insert(zone, *subnet);
                    }
                }
            }
            _ if is_awsvpc => zones.known.extend(of_subnets),
            LaunchKind::ManagedInstances => {
                let reason = text!["the zones of Managed Instances are not read"];
                gaps.push(Gap::Undecidable { kind: "managed-instances", reason });
            }
            LaunchKind::Fargate | LaunchKind::External => {}
        }
    }
    zones
}

fn failing(analyses: &Analyses<'_>, workload: &Workload<'_>, lacking: &[Lacking<'_, '_>]) -> Failing {
    let region = &analyses.topology.target.region;
    let mut wrong = Vec::new();
    let mut commands = Vec::new();
    for one in lacking {
        for zone in one.zones.keys() {
            let detail = text!["load balancer ", &one.balancer.name, " is not enabled in ", (*zone).to_owned()];
            let id = one.balancer.arn.as_str();
            wrong.push(attachments::wrong(Family::LoadBalancer, "zone-not-enabled", id, None, detail));
        }
        // An internet-facing balancer needs a public subnet of the zone, which is not the tasks'.
        let added: Option<Vec<&str>> = one.zones.values().copied().collect();
        if let (Some(added), "internal") = (added, one.balancer.scheme.as_str()) {
            // The call replaces the list: it must name them all.
            let mut command = shell::Command::new("aws elbv2 set-subnets");
            command.option("region", region);
            command.option("load-balancer-arn", one.balancer.arn.as_str());
            let own = one.balancer.availability_zones.iter().map(|zone| zone.subnet_id.as_str());
            command.options("subnets", own.chain(added));
            commands.push(command.to_string());
        }
    }
    wrong.sort();
    wrong.dedup();
    commands.dedup();
    let lead = text!["Tasks of ", &workload.short_name, " may run where they get no traffic: "];
    let text = text![
        "Enable the zones on the load balancer, each with a subnet of its kind, or take the tasks' subnets there away."
    ];
    let mut failing = Failing::new(&RULE, attachments::sentence(lead, &wrong), Remediation { text, commands });
    let unused: usize = lacking.iter().map(|one| one.unused.len()).sum();
    let strict = lacking.iter().any(|one| {
        one.balancer.kind == LoadBalancerType::Network
            || one.attachment.target_group.target_type == TargetType::Instance
            || !one.unused.is_empty()
    });
    if !strict {
        failing.severity = Severity::Medium;
        failing.severity_reason =
            Some("AWS documents both that such targets are used and that they are not".to_owned());
    }
    if unused > 0 {
        failing.confirmed_by = vec![Evidence {
            source: "target-health",
            at: None,
            count: u32::try_from(unused).unwrap_or(u32::MAX),
            text: "Target.NotInUse".to_owned(),
        }];
    }
    let zones: BTreeSet<&str> = lacking.iter().flat_map(|one| one.zones.keys().copied()).collect();
    failing.facts = [("zones", serde_json::json!(zones))].into();
    failing.related = attachments::related(lacking.iter().map(|one| one.attachment));
    failing.blockers = wrong;
    failing
}
