//! Container instances whose dynamic host ports are open to everyone.

use std::collections::{BTreeMap, BTreeSet};

use super::{openings, task_reachable_from_internet};
use crate::analysis::Analyses;
use crate::analysis::ends;
use crate::analysis::exposure::{self, Opening, Source};
use crate::analysis::inbound::{self, Internet, WayIn};
use crate::analysis::ingress::{FlowPurpose, PortKind};
use crate::analysis::places::Place;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::traffic::{Ports, Protocol, Traffic};
use crate::reach::verdict::{Blocker, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::Cluster;
use crate::snapshot::ids::SecurityGroupId;
use crate::text;
use crate::text::Text;
use crate::topology::origin::PublicAddress;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "instance-ports-exposed",
    group: Group::Exposure,
    severity: Severity::Medium,
    summary: "container instances admit everyone to their dynamic host ports",
    page: include_str!("instance_ports_exposed.md"),
    needs: openings::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    ],
    check: Check::Cluster(check),
};

/// The lowest port that somebody means by "the dynamic ports": older guides begin at 31000.
const RANGES_BEGIN: u16 = 31000;

/// Instances with the same groups.
struct Alike<'s> {
    places: Vec<Place<'s>>,
    openings: Vec<(Protocol, Opening<'s>)>,
}

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let places = analyses.cluster_places(&cluster.arn);
    let mut gaps = places.gaps;
    gaps.extend(analyses.topology.gap_in_cluster(Dataset::ContainerInstances, &cluster.arn));
    let concerned = !places.known.is_empty();
    let (exempt, unknown) = kept_clients(cluster, analyses);
    let mut alike: BTreeMap<Vec<&SecurityGroupId>, Alike<'s>> = BTreeMap::new();
    for place in places.known {
        match openings_of(analyses, &place, exempt) {
            Ok(openings) if openings.is_empty() => {}
            Ok(openings) => {
                let key = place.security_groups.clone().unwrap_or_default();
                let entry = alike.entry(key).or_insert_with(|| Alike { places: Vec::new(), openings });
                entry.places.push(place);
            }
            Err(gap) => gaps.push(gap),
        }
    }
    if !alike.is_empty() && !exempt && !unknown.is_empty() {
        // Whether clients have to be admitted can't be told.
        return vec![Outcome::Unknown(unknown)];
    }
    let mut outcomes: Vec<Outcome> =
        alike.values().map(|alike| Outcome::Fails(Box::new(failing(cluster, analyses, alike)))).collect();
    gaps.sort();
    gaps.dedup();
    if !gaps.is_empty() {
        outcomes.push(Outcome::Unknown(gaps));
    }
    if outcomes.is_empty() {
        outcomes.push(if concerned { Outcome::Holds } else { Outcome::NotApplicable });
    }
    outcomes
}

/// What is open of the ports that ECS takes dynamic ones from. Behind a load balancer that keeps the addresses of clients
/// that range has to be open, and only more than it counts.
fn openings_of<'s>(
    analyses: &Analyses<'s>,
    place: &Place<'s>,
    exempt: bool,
) -> Result<Vec<(Protocol, Opening<'s>)>, Gap> {
    let subnet = ends::subnet(analyses.topology, place.subnet_id)?;
    let groups = ends::of_origin(analyses.topology, place, subnet).groups;
    let range = if place.is_windows { Ports::EPHEMERAL_WINDOWS } else { Ports::EPHEMERAL_LINUX };
    let mut found = Vec::new();
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        for opening in exposure::openings(analyses.topology, &groups, Traffic { protocol, ports: Ports::ALL })? {
            let ports = opening.ports();
            let in_range = ports.iter().filter_map(|ports| ports.and(range)).map(width).sum::<u32>();
            // A range for dynamic ports that begins a little lower is one all the same.
            let more = ports.iter().any(|ports| ports.and(range) == Some(range) && ports.first < RANGES_BEGIN);
            if in_range * 2 >= width(range) && (more || !exempt) {
                found.push((protocol, opening));
            }
        }
    }
    Ok(found)
}

fn width(ports: Ports) -> u32 {
    u32::from(ports.last) - u32::from(ports.first) + 1
}

/// Whether dynamic ports of the cluster are behind a load balancer that keeps the addresses of clients.
fn kept_clients<'s>(cluster: &Cluster, analyses: &Analyses<'s>) -> (bool, Vec<Gap>) {
    let (mut exempt, mut gaps) = (false, Vec::new());
    for workload in analyses.topology.workloads_of(&cluster.arn) {
        let flows = &analyses.ingress(workload).flows;
        for flow in flows.iter().filter(|f| f.purpose == FlowPurpose::Traffic && f.port_kind == PortKind::Range) {
            match openings::keeps_clients_of(analyses, flow) {
                Ok(keeps) => exempt |= keeps,
                Err(gap) => gaps.push(gap),
            }
        }
    }
    (exempt, gaps)
}

fn failing<'s>(cluster: &Cluster, analyses: &Analyses<'s>, alike: &Alike<'s>) -> Failing {
    let instances: BTreeSet<_> = alike
        .places
        .iter()
        .flat_map(|place| &place.instances)
        .filter_map(|instance| instance.ec2_instance_id.as_ref())
        .collect();
    let sources: Vec<&Source<'s>> = alike.openings.iter().flat_map(|(_, opening)| &opening.sources).collect();
    let blockers: BTreeSet<Blocker> = alike
        .openings
        .iter()
        .flat_map(|(protocol, opening)| opening.sources.iter().map(|source| openings::blocker(source, *protocol)))
        .collect();
    let mut message = text!["Everyone is admitted to "];
    message.append(openings::ports(alike.openings.iter().map(|(protocol, opening)| (*protocol, opening))));
    message.push(" of the container instances ");
    message.append(Text::list(instances.iter().copied(), 3));
    message.push(" of ");
    message.push(&cluster.name);
    message.push(", where every task in bridge mode gets its host ports: ");
    message.append(Text::joined(blockers.iter().map(|blocker| &blocker.detail)));
    let groups: BTreeSet<&str> = sources.iter().map(|source| source.group.id.as_str()).collect();
    let related = instances
        .iter()
        .map(|id| Related { kind: "ec2:instance", id: id.as_str().to_owned(), role: "container-instance" })
        .chain(openings::related(sources.iter().copied()));
    let workloads: Vec<&Workload<'s>> = analyses.topology.workloads_of(&cluster.arn).collect();
    let closing = openings::closing(analyses, workloads.iter().copied(), &sources);
    let text = match closing.keeps_clients {
        true => text![
            "A Network Load Balancer without a security group hands on the addresses of its clients, so the dynamic ports have \
             to stay open: replace the rule by one for that range, and close everything else."
        ],
        false => text![
            "Admit the load balancers to the range of dynamic ports first, then take the rules for everyone away; tasks in \
             awsvpc mode need no port of the instance."
        ],
    };
    let cause = openings::cause(sources.iter().copied());
    let tells = |workload: &&Workload<'s>| {
        openings::told(&task_reachable_from_internet::RULE, workload, analyses).is_some_and(|other| other == cause)
    };
    let told = cause.is_some() && workloads.iter().any(tells);
    let (severity, reason) = match told {
        true => (Severity::Info, Some("task-reachable-from-internet tells of the same security group")),
        false => severity(analyses, &alike.places),
    };
    Failing {
        severity,
        severity_reason: reason.map(str::to_owned),
        sub_key: groups.into_iter().collect::<Vec<_>>().join(","),
        related: related.collect(),
        blockers: blockers.iter().cloned().collect(),
        cause,
        ..Failing::new(&RULE, message, Remediation { text, commands: closing.commands })
    }
}

fn severity(analyses: &Analyses<'_>, places: &[Place<'_>]) -> (Severity, Option<&'static str>) {
    let way = |place: &Place<'_>| inbound::way_in(analyses.topology, place.subnet_id, Internet::V4);
    let exposed = |place: &Place<'_>| place.public_address == PublicAddress::Yes && matches!(way(place), WayIn::By(..));
    let hidden = |place: &Place<'_>| place.public_address == PublicAddress::No && way(place) == WayIn::None;
    if places.iter().any(exposed) {
        (Severity::High, Some("the instances have public addresses that an internet gateway serves"))
    } else if places.iter().all(hidden) {
        (Severity::Low, Some("the instances have neither a public address nor a route to an internet gateway"))
    } else {
        (Severity::Medium, None)
    }
}
