//! Container instances that cannot reach the control plane of ECS.

use std::collections::{BTreeMap, BTreeSet};

use super::view::{self};
use crate::analysis::Analyses;
use crate::analysis::egress;
use crate::analysis::needs::{self, Need};
use crate::analysis::path::{Failure, Fault, Reach};
use crate::analysis::places::Place;
use crate::analysis::symptoms;
use crate::finding::{Evidence, Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Gap, Trace};
use crate::rules::{Check, Failing, Group, Outcome, Rule, repair};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::Cluster;
use crate::snapshot::ids::SubnetId;
use crate::symptom::Trouble;
use crate::text;
use crate::text::{Text, format_words};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "container-agent-unreachable",
    group: Group::Egress,
    severity: Severity::High,
    summary: "container instances that cannot reach the ECS control plane",
    page: include_str!("container_agent_unreachable.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html",
    ],
    check: Check::Cluster(check),
};

struct Cut<'s> {
    origin: Place<'s>,
    failures: Vec<(Need, Failure<'s>, Trace)>,
}

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let topology = analyses.topology;
    let origins = analyses.cluster_places(&cluster.arn);
    let mut gaps = origins.gaps;
    gaps.extend(topology.gap_in_cluster(Dataset::ContainerInstances, &cluster.arn));
    if origins.known.is_empty() {
        return if gaps.is_empty() { vec![Outcome::NotApplicable] } else { vec![Outcome::Unknown(gaps)] };
    }
    let mut cut = Vec::new();
    for origin in origins.known {
        let (failures, more) = judge(analyses, &origin);
        gaps.extend(more);
        if failures.is_empty() {
            continue;
        }
        match egress::connected_agent(&origin) {
            // Old connections outlive a change; that they are there is proof enough that something leads out.
            Some(connected) => gaps.push(contradicted(connected)),
            None => cut.push(Cut { origin, failures }),
        }
    }
    gaps.sort();
    gaps.dedup();
    let outcome = match (cut.is_empty(), gaps.is_empty()) {
        (false, _) => Outcome::Fails(Box::new(failing(analyses, &cut, gaps))),
        (true, true) => Outcome::Holds,
        (true, false) => Outcome::Unknown(gaps),
    };
    vec![outcome]
}

fn judge<'s>(analyses: &Analyses<'s>, origin: &Place<'s>) -> (Vec<(Need, Failure<'s>, Trace)>, Vec<Gap>) {
    let region = &analyses.topology.target.region;
    let (mut failures, mut gaps) = (Vec::new(), Vec::new());
    for need in needs::of_container_instances(analyses.topology) {
        let path = analyses.path(&need.destination, origin);
        let mut hops = path.hops.clone();
        let reach = match &path.reach {
            Reach::Holds(Some(endpoint)) => {
                egress::by_policy(analyses, &need, endpoint, egress::Roles::default(), path.vpc, &mut hops)
            }
            other => other.clone(),
        };
        match reach {
            Reach::Holds(_) => {}
            Reach::Unknown(more) => gaps.extend(more),
            Reach::Fails(failure) => {
                let origin = origin.subnet_id.as_str().to_owned();
                let hops = hops.iter().map(|hop| (**hop).clone()).collect();
                let trace = Trace { need: need.name(region), origin, hops };
                failures.push((need, *failure, trace));
            }
        }
    }
    (failures, gaps)
}

fn contradicted(agent: &str) -> Gap {
    let reason = text![
        "contradicted by live state: the agent of ",
        agent.to_owned(),
        " is connected although no way to the ECS control plane is visible; it may use a proxy"
    ];
    Gap::Undecidable { kind: "live-state", reason }
}

fn failing(analyses: &Analyses<'_>, cut: &[Cut<'_>], gaps: Vec<Gap>) -> Failing {
    let region = &analyses.topology.target.region;
    let subnets: BTreeSet<&SubnetId> = cut.iter().map(|cut| cut.origin.subnet_id).collect();
    let count: usize = cut.iter().map(|cut| cut.origin.instances.len()).sum();
    let all = || cut.iter().flat_map(|cut| &cut.failures);
    let services: BTreeSet<String> = all().map(|(need, _, _)| need.name(region)).collect();
    let mut message = match count {
        1 => text!["The container instance in "],
        count => [format_words(format!("The {count} container instances in "))].into_iter().collect(),
    };
    message.append(Text::list(subnets.iter().copied(), 3));
    message.push(" cannot reach ");
    message.append(Text::list(services.iter().cloned().map(format_words), 4));
    message.push(", all of which their agent needs: ");
    let mut details: Vec<Text> = Vec::new();
    for (_, failure, trace) in all() {
        let nothing = matches!(failure.fault, Fault::Missing);
        let blockers = failure.blockers.iter().filter(|_| !nothing).map(|blocker| blocker.detail.clone());
        let missing = matches!(failure.fault, Fault::Missing).then(|| {
            let failed = trace.hops.iter().rev().find(|hop| hop.verdict == "fails");
            let mut text = text!["there is no endpoint"];
            if let Some(hop) = failed {
                text.push(", and ");
                text.append(hop.detail.clone());
            }
            text
        });
        for detail in blockers.chain(missing) {
            if !details.contains(&detail) {
                details.push(detail);
            }
        }
    }
    message.append(Text::joined(&details));
    let blockers: BTreeSet<Blocker> = cut
        .iter()
        .flat_map(|cut| cut.failures.iter().flat_map(|(need, failure, _)| named(region, need, failure, cut)))
        .collect();
    let traces: BTreeSet<Trace> = all().map(|(_, _, trace)| trace.clone()).collect();
    let repairs = all().flat_map(|(_, failure, _)| &failure.repairs);
    let text = text![
        "Give the instances a default route to a NAT gateway, or endpoints for ecs, ecs-agent and ecs-telemetry with \
         private DNS and TCP 443 admitted from them; restart the agents afterwards."
    ];
    Failing {
        related: related(cut),
        blockers: blockers.into_iter().collect(),
        traces: traces.into_iter().collect(),
        facts: facts(cut, &services),
        confirmed_by: disconnected(analyses, cut),
        gaps,
        ..Failing::new(&RULE, message, Remediation { text, commands: repair::commands(region, repairs) })
    }
}

fn named(region: &str, need: &Need, failure: &Failure<'_>, cut: &Cut<'_>) -> Vec<Blocker> {
    let missing = Blocker {
        family: crate::reach::verdict::Family::Endpoint,
        kind: "no-endpoint",
        need: None,
        origin: None,
        port: Some(443),
        protocol: Some("tcp"),
        resource: need.service().map(str::to_owned),
        detail: text!["no endpoint and no usable route to the internet"],
    };
    let mut blockers = failure.blockers.clone();
    if matches!(failure.fault, Fault::Missing) {
        blockers.push(missing);
    }
    for blocker in &mut blockers {
        blocker.need = Some(need.name(region));
        blocker.origin = Some(cut.origin.subnet_id.as_str().to_owned());
    }
    blockers
}

fn related(cut: &[Cut<'_>]) -> Vec<Related> {
    let mut ids: BTreeSet<(&'static str, &str)> = BTreeSet::new();
    for cut in cut {
        ids.insert(("ec2:subnet", cut.origin.subnet_id.as_str()));
        let instances = cut.origin.instances.iter().filter_map(|instance| instance.ec2_instance_id.as_ref());
        ids.extend(instances.map(|id| ("ec2:instance", id.as_str())));
    }
    ids.into_iter().map(|(kind, id)| Related { kind, id: id.to_owned(), role: "origin" }).collect()
}

fn facts(cut: &[Cut<'_>], services: &BTreeSet<String>) -> BTreeMap<&'static str, serde_json::Value> {
    let instances: usize = cut.iter().map(|cut| cut.origin.instances.len()).sum();
    [("unreached", serde_json::json!(services)), ("container_instances", serde_json::json!(instances))].into()
}

/// A lost agent is the symptom; short losses are normal, so it only confirms.
fn disconnected(analyses: &Analyses<'_>, cut: &[Cut<'_>]) -> Vec<Evidence> {
    let instances: Vec<_> = cut.iter().flat_map(|cut| &cut.origin.instances).collect();
    let count = u32::try_from(instances.len()).unwrap_or(u32::MAX);
    let Some(first) = instances.first() else { return Vec::new() };
    let text = format!("agentConnected is false for {}", first.arn.name());
    let mut evidence = vec![Evidence { source: "container-instance", at: None, count, text }];
    evidence.extend(symptoms::of_cluster(analyses.topology, &first.cluster_arn, |trouble| trouble == Trouble::Agent));
    evidence
}
