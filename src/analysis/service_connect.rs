//! Service Connect: what a service offers to its namespace, and whether anybody there gets through to it.
//!
//! Sources: "Service Connect concepts" and "Service Connect configuration overview" in the ECS Developer Guide. The proxy
//! of a server listens in the task's network namespace, in awsvpc mode on the container's port or the override.

use super::Analyses;
use super::ends;
use super::places::Place;
use crate::reach::leg::{self, Leg};
use crate::reach::traffic::Traffic;
use crate::reach::verdict::Gap;
use crate::snapshot::ecs::{ServiceConnectConfiguration, ServiceConnectService, TaskDefinition};
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Variant, Workload};

/// The variants that a deployment moves to, with their configuration.
pub fn configured<'a, 's>(
    workload: &'a Workload<'s>,
) -> impl Iterator<Item = (&'a Variant<'s>, &'s ServiceConnectConfiguration)> {
    let current = workload.variants.iter().filter(|variant| variant.role == Role::Primary);
    current.filter_map(|variant| Some((variant, variant.service_connect?)))
}

/// The port that the proxy of a server listens on; `None` where it is dynamic or its name is not in the definition.
pub fn listening_port(definition: &TaskDefinition, offered: &ServiceConnectService) -> Option<u16> {
    let own = definition.network_mode == Some(NetworkMode::Awsvpc);
    let mappings = definition.containers.iter().flat_map(|container| &container.port_mappings);
    let mut named = mappings.filter(|mapping| mapping.name.as_ref() == Some(&offered.port_name));
    match offered.ingress_port_override {
        Some(port) => Some(port),
        None if own => named.find_map(|mapping| mapping.container_port),
        None => None,
    }
}

/// Whether the other services of a namespace get through to a port.
#[derive(Clone, Debug, Default)]
pub struct Reached<'s> {
    /// Names of services that don't, with the first leg that refuses.
    pub refused: Vec<(String, &'s str, Leg)>,
    /// Some do.
    pub somebody: bool,
    /// What can't be told.
    pub gaps: Vec<Gap>,
}

/// Tries the members of the namespace until one gets through: who really calls whom can't be seen, so only a server that
/// nobody reaches is proved wrong.
pub fn reached<'s>(analyses: &Analyses<'s>, server: &Workload<'s>, variant: &Variant<'s>, port: u16) -> Reached<'s> {
    let mut answer = Reached::default();
    // Its clients may all come by the load balancer: "client and server" is what the console sets.
    if !variant.load_balancers.is_empty() {
        return Reached { somebody: true, ..answer };
    }
    let mut unknown = |kind, reason| answer.gaps.push(Gap::Undecidable { kind, reason });
    let Some(namespace) = namespace_of(analyses, server, variant) else {
        unknown("namespace", text!["the namespace of ", &server.short_name, " is not shown"]);
        return answer;
    };
    if !analyses.topology.scope.is_everything() {
        unknown(
            "limited-scan",
            text!["other members of ", namespace.to_owned(), " may be outside of what was scanned"],
        );
    }
    let targets = interfaces(analyses, server, variant, &mut answer.gaps);
    for client in analyses.topology.workloads() {
        if client.index == server.index {
            continue;
        }
        let mut members = configured(client).map(|(own, _)| (own, namespace_of(analyses, client, own)));
        let Some((own, _)) = members.find(|(_, other)| other.is_some_and(|other| may_be_one(other, namespace))) else {
            continue;
        };
        match try_client(analyses, client, own, &targets, port) {
            Attempt::Through => {
                return Reached { somebody: true, ..Reached::default() };
            }
            Attempt::Refused(subnet, leg) => answer.refused.push((client.name(), subnet, *leg)),
            Attempt::Unknown(gaps) => answer.gaps.extend(gaps),
        }
    }
    answer
}

enum Attempt<'s> {
    Through,
    Refused(&'s str, Box<Leg>),
    Unknown(Vec<Gap>),
}

fn try_client<'s>(
    analyses: &Analyses<'s>,
    client: &Workload<'s>,
    variant: &Variant<'s>,
    targets: &[Place<'s>],
    port: u16,
) -> Attempt<'s> {
    let topology = analyses.topology;
    let (mut refused, mut gaps) = (None, Vec::new());
    for from in interfaces(analyses, client, variant, &mut gaps) {
        for to in targets {
            let (own, other) = match (ends::subnet(topology, from.subnet_id), ends::subnet(topology, to.subnet_id)) {
                (Ok(own), Ok(other)) => (own, other),
                (own, other) => {
                    gaps.extend(own.err().into_iter().chain(other.err()));
                    continue;
                }
            };
            let (sender, receiver) = (ends::of_origin(topology, &from, own), ends::of_origin(topology, to, other));
            let leg = leg::follow(
                &sender,
                &receiver,
                Traffic::tcp(port),
                &|id| topology.prefix_list_entries(id),
                &analyses.acls,
            );
            if leg.holds() || (!leg.blockers.is_empty() && !leg.is_shut) {
                return Attempt::Through;
            }
            if leg.is_shut {
                refused.get_or_insert_with(|| (from.subnet_id.as_str(), Box::new(leg)));
            } else {
                gaps.extend(leg.gaps);
            }
        }
    }
    match (refused, gaps.is_empty()) {
        (Some((subnet, leg)), true) => Attempt::Refused(subnet, leg),
        _ => Attempt::Unknown(gaps),
    }
}

/// The namespace of a configuration, or the default one of the cluster.
fn namespace_of<'s>(analyses: &Analyses<'s>, workload: &Workload<'s>, variant: &Variant<'s>) -> Option<&'s str> {
    let own = variant.service_connect.and_then(|configuration| configuration.namespace.as_deref());
    own.or_else(|| {
        analyses.topology.cluster(workload.cluster_arn).found()?.service_connect_default_namespace.as_deref()
    })
}

/// ECS shows a namespace as it was given, by name or by ARN: which ARN a name has can't be seen.
fn may_be_one(first: &str, second: &str) -> bool {
    first == second || first.starts_with("arn:") != second.starts_with("arn:")
}

fn interfaces<'s>(
    analyses: &Analyses<'s>,
    workload: &Workload<'s>,
    variant: &Variant<'s>,
    gaps: &mut Vec<Gap>,
) -> Vec<Place<'s>> {
    let mut all = Vec::new();
    gaps.extend(variant.launches.gaps.iter().cloned());
    for launch in &variant.launches.known {
        let own = launch.kind == LaunchKind::Fargate || variant.is_awsvpc() == Some(true);
        let found = match own {
            true => analyses.task_places(workload, variant, launch),
            false => analyses.instance_places(workload, variant, launch),
        };
        gaps.extend(found.gaps);
        all.extend(found.known);
    }
    all
}

/// The definition of a variant.
///
/// # Errors
/// The gap, when it is not known.
pub fn definition<'s>(variant: &Variant<'s>) -> Result<&'s TaskDefinition, Gap> {
    match &variant.task_definition {
        Lookup::Found(definition) => Ok(definition),
        Lookup::Absent => {
            let reason =
                text!["task definition ", variant.task_definition_arn.name().to_owned(), " does not exist any more"];
            Err(Gap::Undecidable { kind: "task-definition-absent", reason })
        }
        Lookup::Unread(gap) => Err(gap.clone()),
    }
}
