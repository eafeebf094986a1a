//! Makes the wiring of workloads from the analyses that the rules use.

use std::collections::BTreeMap;

use crate::analysis::Analyses;
use crate::analysis::balancing::{self, Admission};
use crate::analysis::egress::Cell;
use crate::analysis::ingress::{Flow, FlowPurpose, PortKind};
use crate::analysis::needs::Destination;
use crate::analysis::path::Reach;
use crate::finding::Report;
use crate::reach::verdict::{self, Gap};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::{self, InterfaceKind, PublicAddress};
use crate::topology::workload::{Role, Workload};
use crate::topology::{Lookup, Topology};
use crate::wiring::{
    Blocker, Cause, Finding, Hop, Launch, Listener, LoadBalancerPath, Need, Origin, Outcome, Wiring,
    Workload as WorkloadWiring,
};
use crate::{glob, wiring};

/// The version of the wiring's JSON form.
pub const SCHEMA_VERSION: u32 = 1;

/// The wiring of the workloads in the scope of `settings` whose name `picks` accepts, with the findings of `report`.
pub fn explain(snapshot: &Snapshot, settings: &Settings, report: &Report, picks: impl Fn(&str) -> bool) -> Wiring {
    let settings = &settings.within(&snapshot.scope);
    let mut workloads = Vec::new();
    for target in &snapshot.targets {
        let topology = Topology::build(snapshot, target);
        let analyses = Analyses::new(&topology, settings);
        let in_scope = |workload: &&Workload<'_>| {
            glob::in_scope(&settings.clusters, &workload.cluster_name)
                && glob::in_scope(&settings.services, &workload.short_name)
                && picks(&workload.name())
        };
        let picked = topology.workloads().iter().filter(in_scope);
        workloads.extend(picked.map(|workload| of_workload(&topology, &analyses, workload, report)));
    }
    workloads.sort_by(|a, b| (&a.account, &a.region, &a.name).cmp(&(&b.account, &b.region, &b.name)));
    Wiring { schema_version: SCHEMA_VERSION, workloads }
}

fn of_workload<'s>(
    topology: &Topology<'s>,
    analyses: &Analyses<'s>,
    workload: &Workload<'s>,
    report: &Report,
) -> WorkloadWiring {
    let target = topology.target;
    let resource = workload.resource();
    let cells = analyses.egress(workload);
    let ingress = analyses.ingress(workload);
    let hidden = cells.iter().filter(|cell| cell.need.is_none()).flat_map(|cell| match &cell.reach {
        Reach::Unknown(gaps) => gaps.clone(),
        Reach::Holds(_) | Reach::Fails(_) => Vec::new(),
    });
    let mut gaps: Vec<String> = hidden.chain(ingress.gaps.iter().cloned()).map(|gap| said(&gap)).collect();
    gaps.sort();
    gaps.dedup();
    let mine = report.findings.iter().filter(|finding| {
        finding.account == target.account && finding.region == target.region && finding.resource.name == resource.name
    });
    WorkloadWiring {
        account: target.account.clone(),
        region: target.region.clone(),
        resource_type: resource.kind,
        arn: resource.arn,
        name: resource.name.clone(),
        launches: launches(workload),
        origins: origins(topology, workload),
        needs: cells.iter().filter_map(|cell| of_cell(analyses, cell)).collect(),
        load_balancers: ingress.flows.iter().map(|flow| of_flow(analyses, flow)).collect(),
        listeners: listeners(topology, workload),
        gaps,
        findings: mine
            .map(|finding| Finding {
                id: finding.id.clone(),
                rule: finding.rule,
                severity: finding.severity.name(),
                level: finding.severity,
                message: finding.message.clone(),
            })
            .collect(),
    }
}

fn launches(workload: &Workload<'_>) -> Vec<Launch> {
    let mut launches = Vec::new();
    for variant in &workload.variants {
        let mode = match &variant.task_definition {
            Lookup::Found(definition) => definition.network_mode.as_ref().map(|mode| mode.as_str().to_owned()),
            Lookup::Absent | Lookup::Unread(_) => None,
        };
        launches.extend(variant.launches.known.iter().map(|launch| Launch {
            role: match variant.role {
                Role::Primary => "primary",
                Role::TaskSet => "task-set",
                Role::Active => "active",
                Role::Standalone => "standalone",
                Role::Scheduled => "scheduled",
            },
            task_definition: variant.task_definition_arn.name().to_owned(),
            network_mode: mode.clone(),
            launch: launch.kind.name(),
            capacity_provider: launch.provider.map(|provider| provider.name.clone()),
        }));
    }
    launches
}

fn origins(topology: &Topology<'_>, workload: &Workload<'_>) -> Vec<Origin> {
    let mut all = Vec::new();
    for variant in &workload.variants {
        for launch in &variant.launches.known {
            let own = launch.kind == LaunchKind::Fargate || variant.is_awsvpc() == Some(true);
            let mut origins = if own { origin::task_interfaces(topology, variant, launch).known } else { Vec::new() };
            if launch.kind == LaunchKind::Ec2 {
                origins.extend(origin::Pool::of(topology, workload, variant, launch).interfaces(topology).known);
            }
            for origin in origins {
                let origin = of_origin(topology, &origin);
                if !all.contains(&origin) {
                    all.push(origin);
                }
            }
        }
    }
    all
}

fn of_cell<'s>(analyses: &Analyses<'s>, cell: &Cell<'s>) -> Option<Need> {
    let topology = analyses.topology;
    let (need, from) = (cell.need.as_ref()?, cell.origin.as_ref()?);
    let (host_kind, host) = match &need.destination {
        Destination::Service { host, .. } => ("aws-service", host),
        Destination::PublicHost(host) => ("public-host", host),
        Destination::OtherHost(host) => ("other-host", host),
    };
    let hops = analyses.hops(cell);
    let hops = hops.as_slice();
    let outcome = match &cell.reach {
        Reach::Holds(_) => outcome("holds", false, &[], &[], hops),
        Reach::Fails(failure) => outcome("fails", failure.is_partial, &failure.blockers, &[], hops),
        Reach::Unknown(gaps) => outcome("unknown", false, &[], gaps, hops),
    };
    Some(Need {
        need: need.name(&topology.target.region),
        service: need.service(),
        host_kind,
        host: host.clone(),
        region: need.region().map(str::to_owned),
        port: 443,
        causes: need
            .causes
            .iter()
            .map(|cause| Cause { container: cause.container.clone(), field: cause.field })
            .collect(),
        launch: cell.launch.name(),
        origin: of_origin(topology, from),
        outcome,
    })
}

fn of_flow<'s>(analyses: &Analyses<'s>, flow: &Flow<'s>) -> LoadBalancerPath {
    let gaps = flow.gaps();
    let (word, partial, blockers) = match (flow.is_refused(), gaps.is_empty()) {
        (true, _) => ("fails", !flow.leg.is_shut, flow.leg.blockers.as_slice()),
        (false, true) => ("holds", false, &[][..]),
        (false, false) => ("unknown", false, &[][..]),
    };
    LoadBalancerPath {
        load_balancer: flow.load_balancer.name.clone(),
        load_balancer_arn: flow.load_balancer.arn.as_str().to_owned(),
        target_group: flow.target_group.name.clone(),
        purpose: match flow.purpose {
            FlowPurpose::Traffic => "traffic",
            FlowPurpose::Health => "health-check",
        },
        from_subnet: flow.from.as_str().to_owned(),
        to: of_origin(analyses.topology, &flow.to),
        protocol: flow.sent.protocol.name(),
        first_port: flow.sent.ports.first,
        last_port: flow.sent.ports.last,
        port_kind: match flow.port_kind {
            PortKind::Fixed => "fixed",
            PortKind::Bound => "bound",
            PortKind::Range => "range",
        },
        outcome: outcome(word, partial, blockers, &gaps, &analyses.hops_of_flow(flow)),
    }
}

fn listeners(topology: &Topology<'_>, workload: &Workload<'_>) -> Vec<Listener> {
    let entries = workload.variants.iter().flat_map(|variant| variant.load_balancers);
    let mut found: BTreeMap<&str, Listener> = BTreeMap::new();
    for arn in entries.flat_map(|entry| entry.target_group_arn.iter().chain(&entry.alternate_target_group_arn)) {
        let Lookup::Found(group) = topology.target_group(arn) else { continue };
        let balancers = group.load_balancer_arns.iter().filter_map(|arn| topology.load_balancer(arn).found());
        for balancer in balancers {
            let listeners = match balancing::listeners_to(topology, balancer, arn) {
                Ok(listeners) => listeners,
                Err(gap) => {
                    found.entry(balancer.arn.as_str()).or_insert_with(|| Listener {
                        load_balancer: balancer.name.clone(),
                        scheme: balancer.scheme.clone(),
                        port: None,
                        protocol: None,
                        verdict: "unknown",
                        detail: said(&gap),
                    });
                    continue;
                }
            };
            for listener in listeners {
                let (verdict, detail) = match balancing::admission(topology, balancer, listener) {
                    Admission::Somebody => ("holds", "clients get through".to_owned()),
                    Admission::Nobody { ids, .. } => ("fails", format!("{} admits nobody", ids.join(", "))),
                    Admission::Unknown(gap) => ("unknown", said(&gap)),
                };
                found.entry(listener.arn.as_str()).or_insert_with(|| Listener {
                    load_balancer: balancer.name.clone(),
                    scheme: balancer.scheme.clone(),
                    port: listener.port,
                    protocol: listener.protocol.clone(),
                    verdict,
                    detail,
                });
            }
        }
    }
    found.into_values().collect()
}

fn of_origin(topology: &Topology<'_>, from: &origin::Origin<'_>) -> Origin {
    let subnet = topology.subnet(from.subnet_id).found();
    let ids = |groups: &Vec<_>| {
        groups.iter().map(|id: &&crate::snapshot::ids::SecurityGroupId| id.as_str().to_owned()).collect()
    };
    Origin {
        interface: match from.interface {
            InterfaceKind::TaskEni => "task-eni",
            InterfaceKind::InstanceEni => "instance-eni",
        },
        subnet: from.subnet_id.as_str().to_owned(),
        availability_zone: subnet.map(|subnet| subnet.availability_zone.clone()),
        security_groups: from.security_groups.as_ref().map(ids),
        public_address: match from.public_address {
            PublicAddress::Yes => "yes",
            PublicAddress::No => "no",
            PublicAddress::Unknown => "unknown",
        },
        instances: from
            .instances
            .iter()
            .filter_map(|instance| instance.ec2_instance_id.as_ref())
            .map(|id| id.as_str().to_owned())
            .collect(),
    }
}

fn outcome(
    verdict: &'static str,
    partial: bool,
    blockers: &[verdict::Blocker],
    gaps: &[Gap],
    hops: &[std::rc::Rc<verdict::Hop>],
) -> Outcome {
    let blocker = |blocker: &verdict::Blocker| Blocker {
        family: blocker.family.name(),
        kind: blocker.kind,
        resource: blocker.resource.clone(),
        detail: blocker.detail.to_string(),
    };
    let hop = |hop: &std::rc::Rc<verdict::Hop>| Hop {
        hop: hop.hop,
        resource: hop.resource.clone(),
        verdict: hop.verdict,
        detail: hop.detail.to_string(),
    };
    wiring::Outcome {
        verdict,
        partial,
        blockers: blockers.iter().map(blocker).collect(),
        gaps: gaps.iter().map(said).collect(),
        hops: hops.iter().map(hop).collect(),
    }
}

fn said(gap: &Gap) -> String {
    match gap {
        Gap::Unread { dataset, failure } => format!("{} could not be read: {}", dataset.name(), failure.message),
        Gap::Undecidable { reason, .. } => reason.to_string(),
    }
}
