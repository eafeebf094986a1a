//! Workloads that want one host port on more instances than there are.

use std::collections::BTreeMap;

use super::ports::{self, HostPort};
use super::{host_port_blocks_deployment, shared};
use crate::analysis::interfaces::{self, Headroom};
use crate::analysis::{Analyses, symptoms};
use crate::finding::{Related, Remediation, Severity};
use crate::placement::matching::placeable;
use crate::placement::room::total;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::Cluster;
use crate::snapshot::enums::SchedulingStrategy;
use crate::symptom::Trouble;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "host-port-conflict",
    group: Group::Capacity,
    severity: Severity::High,
    summary: "workloads that want one host port on more instances than there are",
    page: include_str!("host_port_conflict.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::AutoScalingGroups,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html",
    ],
    check: Check::Cluster(check),
};

/// One workload with the instances that it could have the port on.
struct Claim<'a, 's> {
    workload: &'a Workload<'s>,
    is_daemon: bool,
    desired: u32,
    sure: Vec<usize>,
    at_most: Vec<usize>,
}

impl Claim<'_, '_> {
    /// A daemon wants each instance that it may use: at least those that are sure.
    fn wants_at_least(&self) -> u32 {
        let all = u32::try_from(self.sure.len()).unwrap_or(u32::MAX);
        if self.is_daemon { all } else { self.desired }
    }

    fn wants_at_most(&self) -> u32 {
        let all = u32::try_from(self.at_most.len()).unwrap_or(u32::MAX);
        if self.is_daemon { all } else { self.desired }
    }
}

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let topology = analyses.topology;
    let mut gaps: Vec<Gap> = topology.gap_in_cluster(Dataset::Services, &cluster.arn).into_iter().collect();
    // Instances that could not be read may have the port free.
    let hidden = analyses.hosts(&cluster.arn).gaps.clone();
    let mut claims: BTreeMap<HostPort, Vec<Claim<'_, 's>>> = BTreeMap::new();
    for workload in topology.workloads_of(&cluster.arn) {
        claim(workload, analyses, &mut claims, &mut gaps);
    }
    if claims.is_empty() {
        return vec![if gaps.is_empty() { Outcome::NotApplicable } else { Outcome::Unknown(gaps) }];
    }
    if !hidden.is_empty() {
        return claims.keys().map(|_| Outcome::Unknown(hidden.clone())).collect();
    }
    claims.iter().map(|(port, claims)| judge(cluster, analyses, *port, claims, &gaps)).collect()
}

fn claim<'a, 's>(
    workload: &'a Workload<'s>,
    analyses: &Analyses<'s>,
    claims: &mut BTreeMap<HostPort, Vec<Claim<'a, 's>>>,
    gaps: &mut Vec<Gap>,
) {
    let Some(service) = workload.service else { return };
    let (revisions, more) = ports::revisions(workload);
    gaps.extend(more);
    let is_daemon = service.scheduling_strategy == SchedulingStrategy::Daemon;
    let desired = u32::try_from(service.desired_count).unwrap_or(0);
    let mut by_port: BTreeMap<HostPort, Claim<'a, 's>> = BTreeMap::new();
    let primary = |role: Role| role == Role::Primary;
    for (revision, ports) in revisions.iter().filter(|(revision, _)| primary(revision.variant.role)) {
        // With a share on Fargate or elsewhere the port is wanted less often than the service.
        let only_ec2 = revision.variant.launches.known.iter().all(|launch| launch.kind == LaunchKind::Ec2);
        if !only_ec2 || (desired == 0 && !is_daemon) {
            continue;
        }
        let hosts = analyses.hosts(workload.cluster_arn);
        let eligible = analyses.eligible(workload, revision.variant, revision.launch);
        gaps.extend(eligible.gaps.iter().cloned());
        for port in ports {
            let claim = by_port.entry(*port).or_insert_with(|| Claim {
                workload,
                is_daemon,
                desired,
                sure: Vec::new(),
                at_most: Vec::new(),
            });
            let free = |position: &usize| !ports::reserved_by(hosts.all[*position].instance, *port);
            claim.sure.extend(eligible.sure.iter().copied().filter(free));
            claim.at_most.extend(eligible.at_most().filter(free));
        }
    }
    for (port, claim) in by_port {
        claims.entry(port).or_default().push(claim);
    }
}

fn judge<'s>(
    cluster: &Cluster,
    analyses: &Analyses<'s>,
    port: HostPort,
    claims: &[Claim<'_, 's>],
    gaps: &[Gap],
) -> Outcome {
    if claims.iter().all(|claim| claim.at_most.is_empty()) {
        // Nothing is there to share yet.
        return if gaps.is_empty() { Outcome::NotApplicable } else { Outcome::Unknown(gaps.to_vec()) };
    }
    let fits = |wants: Vec<u32>, may_use: Vec<Vec<usize>>| (total(wants.iter().copied()), placeable(&wants, &may_use));
    let (wanted, placed) = fits(
        claims.iter().map(Claim::wants_at_least).collect(),
        claims.iter().map(|claim| claim.at_most.clone()).collect(),
    );
    if wanted == placed {
        let (wanted, placed) = fits(
            claims.iter().map(Claim::wants_at_most).collect(),
            claims.iter().map(|claim| claim.sure.clone()).collect(),
        );
        return match (wanted == placed, gaps.is_empty()) {
            (true, true) => Outcome::Holds,
            (_, false) => Outcome::Unknown(gaps.to_vec()),
            (false, true) => Outcome::Unknown(vec![Gap::Undecidable {
                kind: "placement-constraint",
                reason: text!["whether enough instances have host port ", port.name(), " free can't be seen"],
            }]),
        };
    }
    let names = Text::list(claims.iter().map(|claim| claim.workload.short_name.clone()), 4);
    let detail = text![
        wanted,
        " tasks want host port ",
        port.name(),
        ", and at most ",
        placed,
        if placed == 1 { " can have it" } else { " can have it at once" }
    ];
    let mut message =
        if claims.len() == 1 { text!["Not every task of "] } else { text!["Not every task of the services "] };
    message.append(names);
    message.append(text![" in ", &cluster.name, " finds an instance: "]);
    message.append(detail.clone());
    let text = text![
        "Add instances, give the services different host ports, or use dynamic host ports or awsvpc mode; a port is one \
         task's on an instance."
    ];
    let mut failing = Failing {
        sub_key: format!("{}/{}", port.protocol(), port.port),
        blockers: vec![shared::short("host-port-wanted", &port.name(), detail)],
        related: claims
            .iter()
            .map(|claim| Related { kind: "ecs:service", id: claim.workload.resource().arn, role: "claimant" })
            .collect(),
        facts: [("wanted", serde_json::json!(wanted)), ("placeable", serde_json::json!(placed))].into(),
        confirmed_by: claims
            .iter()
            .flat_map(|claim| symptoms::of_workload(claim.workload, |trouble| trouble == Trouble::Ports))
            .collect(),
        gaps: gaps.to_vec(),
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    };
    match headroom(claims, analyses) {
        Headroom::Unknown(gap) => return Outcome::Unknown(vec![gap]),
        Headroom::Yes => {
            failing.severity = Severity::Low;
            failing.severity_reason = Some("managed scaling can add instances".to_owned());
        }
        Headroom::No | Headroom::NotManaged => {}
    }
    if claims.iter().any(|claim| is_held(claim.workload, analyses)) {
        failing.severity = Severity::Info;
        failing.severity_reason = Some("host-port-blocks-deployment tells of the same port".to_owned());
    }
    Outcome::Fails(Box::new(failing))
}

fn headroom(claims: &[Claim<'_, '_>], analyses: &Analyses<'_>) -> Headroom {
    let variants = claims.iter().filter_map(|claim| claim.workload.variants.iter().find(|v| v.role == Role::Primary));
    let launches = variants.flat_map(|variant| &variant.launches.known);
    let providers = launches.map(|launch| launch.provider.map(|provider| provider.name.as_str()));
    interfaces::headroom(analyses.topology, providers)
}

fn is_held<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> bool {
    let Check::Workload(check) = host_port_blocks_deployment::RULE.check else { return false };
    matches!(check(workload, analyses), Outcome::Fails(failing) if failing.severity == Severity::High)
}
