//! What the rules about the open internet share: the rules of security groups that open a port, and how to close them.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::analysis::Analyses;
use crate::analysis::balancing;
use crate::analysis::exposure::{Exposure, Opening, Source, SourcePeer};
use crate::analysis::ingress::{Flow, FlowPurpose, PortKind};
use crate::finding::{Cause, Related};
use crate::reach::filter::Amount;
use crate::reach::group::{self, Peer};
use crate::reach::space::AddressSet;
use crate::reach::traffic::{Ports, Protocol, Traffic};
use crate::reach::verdict::{Blocker, Family, Gap, Trace};
use crate::rules::{Check, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ids::SecurityGroupId;
use crate::snapshot::vpc::{IpPermission, SecurityGroup};
use crate::text;
use crate::text::{Text, format_words};
use crate::topology::workload::Workload;

/// What an interface needs to be reached from the internet, and what the load balancers before it need.
pub(super) const DATASETS: &[Dataset] = &[
    Dataset::Clusters,
    Dataset::Services,
    Dataset::Tasks,
    Dataset::TaskDefinitions,
    Dataset::ContainerInstances,
    Dataset::CapacityProviders,
    Dataset::AutoScalingGroups,
    Dataset::Instances,
    Dataset::NetworkInterfaces,
    Dataset::Vpcs,
    Dataset::Subnets,
    Dataset::RouteTables,
    Dataset::InternetGateways,
    Dataset::BlockPublicAccess,
    Dataset::PrefixLists,
    Dataset::SecurityGroups,
    Dataset::NetworkAcls,
    Dataset::LoadBalancers,
    Dataset::LoadBalancerAttributes,
    Dataset::TargetGroups,
    Dataset::TargetGroupAttributes,
    Dataset::TargetHealth,
];

/// A rule of a security group that opens something, in one sentence.
pub(super) fn blocker(source: &Source<'_>, protocol: Protocol) -> Blocker {
    let ports = ports_of(source.permission);
    Blocker {
        family: Family::Group,
        kind: "open-to-the-internet",
        need: None,
        origin: None,
        port: None,
        protocol: Some(protocol.name()),
        resource: Some(source.group.id.as_str().to_owned()),
        detail: text![&source.group.id, " admits ", peer_of(source), " on ", format_words(ports)],
    }
}

fn peer_of(source: &Source<'_>) -> String {
    match source.peer {
        SourcePeer::Block(block) => block.to_string(),
        SourcePeer::List(list) => list.as_str().to_owned(),
    }
}

/// `tcp 8080`, `all traffic`.
fn ports_of(permission: &IpPermission) -> String {
    match (permission.ip_protocol.as_str(), permission.from_port, permission.to_port) {
        ("-1", _, _) => "all traffic".to_owned(),
        (protocol, Some(from), Some(to)) if from == to => format!("{protocol} {from}"),
        (protocol, Some(from), Some(to)) => format!("{protocol} {from}-{to}"),
        (protocol, _, _) => protocol.to_owned(),
    }
}

/// How to close an opening without closing out those who are meant to come.
pub(super) struct Closing {
    /// First what admits the load balancers that need it, then what takes the openings away.
    pub(super) commands: Vec<String>,
    /// A load balancer hands on the addresses of its clients and has no group to admit in their place: the opening has to
    /// stay for its ports.
    pub(super) keeps_clients: bool,
    /// A load balancer uses the groups.
    pub(super) behind_load_balancer: bool,
}

/// Closes the openings of some groups that these workloads use.
pub(super) fn closing<'a, 's: 'a>(
    analyses: &'a Analyses<'s>,
    workloads: impl IntoIterator<Item = &'a Workload<'s>>,
    sources: &[&Source<'s>],
) -> Closing {
    let region = analyses.topology.target.region.as_str();
    let groups: BTreeMap<&SecurityGroupId, &SecurityGroup> =
        sources.iter().map(|source| (&source.group.id, source.group)).collect();
    let (mut admissions, mut keeps_clients, mut behind_load_balancer) = (BTreeSet::new(), false, false);
    for flow in workloads.into_iter().flat_map(|workload| &analyses.ingress(workload).flows) {
        let own = flow.to.security_groups.iter().flatten().find_map(|id| groups.get(id));
        let Some(group) = own else { continue };
        behind_load_balancer = true;
        if flow.purpose == FlowPurpose::Traffic && keeps_clients_of(analyses, flow) != Ok(false) {
            keeps_clients = true;
            continue;
        }
        let sent = admitted(flow);
        match flow.load_balancer.security_groups.first() {
            Some(balancer) if !is_admitted(group, balancer, sent) => {
                admissions.insert(admission(region, &group.id, ("source-group", balancer.as_str()), sent));
            }
            Some(_) => {}
            None => {
                let nodes = analyses.sources(flow.load_balancer, flow.target_group);
                let nodes = nodes.iter().flat_map(|nodes| nodes.iter());
                let blocks = nodes.filter_map(|nodes| nodes.nodes.addresses.enclosing_block());
                // Those of the nodes that have rules of their own need none.
                let has = |block: &IpNet| group.ingress.iter().any(|rule| rule.cidrs.contains(block));
                for block in blocks.filter(|block| !has(block)) {
                    admissions.insert(admission(region, &group.id, ("cidr", &block.to_string()), sent));
                }
            }
        }
    }
    let mut commands: Vec<String> = admissions.into_iter().collect();
    if !keeps_clients {
        let revocations: BTreeSet<String> = sources.iter().map(|source| revocation(region, source)).collect();
        commands.extend(revocations);
    }
    Closing { commands, keeps_clients, behind_load_balancer }
}

/// Whether the targets of a flow see clients that nothing but their addresses can admit ("Security groups for your Network
/// Load Balancer"): with a group on the load balancer, that group stands for them.
pub(super) fn keeps_clients_of(analyses: &Analyses<'_>, flow: &Flow<'_>) -> Result<bool, Gap> {
    let keeps = balancing::preserves_client_ip(analyses.topology, flow.load_balancer, flow.target_group)?;
    Ok(keeps && flow.load_balancer.security_groups.is_empty())
}

/// The port; of dynamic ones the whole range, for the next task has another.
fn admitted(flow: &Flow<'_>) -> Traffic {
    match (flow.port_kind, flow.to.is_windows) {
        (PortKind::Fixed, _) => flow.sent,
        (PortKind::Bound | PortKind::Range, false) => Traffic { ports: Ports::EPHEMERAL_LINUX, ..flow.sent },
        (PortKind::Bound | PortKind::Range, true) => Traffic { ports: Ports::EPHEMERAL_WINDOWS, ..flow.sent },
    }
}

fn is_admitted(group: &SecurityGroup, balancer: &SecurityGroupId, sent: Traffic) -> bool {
    let anywhere = AddressSet::internet();
    let by_name = group.ingress.iter().filter(|rule| rule.groups.iter().any(|pair| pair.group_id == *balancer));
    let peer = Peer { addresses: &anywhere, groups: Some(vec![balancer]), prefix_list: None };
    group::passage(by_name, &peer, sent, |_| None).refused() == Amount::Nothing
}

/// Takes a rule away, as AWS has it.
fn revocation(region: &str, source: &Source<'_>) -> String {
    let mut permission = format!("IpProtocol={}", source.permission.ip_protocol);
    if let (Some(from), Some(to)) = (source.permission.from_port, source.permission.to_port) {
        permission.push_str(&format!(",FromPort={from},ToPort={to}"));
    }
    permission.push_str(&match source.peer {
        SourcePeer::Block(IpNet::V4(block)) => format!(",IpRanges=[{{CidrIp={block}}}]"),
        SourcePeer::Block(IpNet::V6(block)) => format!(",Ipv6Ranges=[{{CidrIpv6={block}}}]"),
        SourcePeer::List(list) => format!(",PrefixListIds=[{{PrefixListId={list}}}]"),
    });
    let mut command = shell::Command::new("aws ec2 revoke-security-group-ingress");
    command.option("region", region);
    command.option("group-id", source.group.id.as_str());
    command.option("ip-permissions", &permission);
    command.to_string()
}

/// Lets those in who carry a group, or have an address.
fn admission(region: &str, target: &SecurityGroupId, from: (&'static str, &str), sent: Traffic) -> String {
    let Traffic { protocol, ports } = sent;
    let mut command = shell::Command::new("aws ec2 authorize-security-group-ingress");
    command.option("region", region);
    command.option("group-id", target.as_str());
    command.option("protocol", protocol.name());
    command.option("port", &ports.to_string());
    command.option(from.0, from.1);
    command.to_string()
}

/// The groups of some rules.
pub(super) fn related<'a, 's: 'a>(sources: impl IntoIterator<Item = &'a Source<'s>>) -> Vec<Related> {
    let ids: BTreeSet<&str> = sources.into_iter().map(|source| source.group.id.as_str()).collect();
    ids.into_iter().map(|id| Related { kind: "ec2:security-group", id: id.to_owned(), role: "origin" }).collect()
}

/// The group that opens it, where it is one.
pub(super) fn cause<'a, 's: 'a>(sources: impl IntoIterator<Item = &'a Source<'s>>) -> Option<Cause> {
    let ids: BTreeSet<&str> = sources.into_iter().map(|source| source.group.id.as_str()).collect();
    let only = ids.first().filter(|_| ids.len() == 1)?;
    Some(Cause { kind: "ec2:security-group", resource: (*only).to_owned() })
}

/// "tcp 8080 and tcp 8443".
pub(super) fn ports<'a, 's: 'a>(openings: impl IntoIterator<Item = (Protocol, &'a Opening<'s>)>) -> Text {
    let mut all = BTreeSet::new();
    for (protocol, opening) in openings {
        all.extend(opening.ports().into_iter().map(|ports| (protocol.name(), ports)));
    }
    Text::list(all.into_iter().map(|(protocol, ports)| format_words(format!("{protocol} {ports}"))), 4)
}

/// How it was proved.
pub(super) fn trace(protocol: Protocol, exposure: &Exposure<'_>) -> Trace {
    let ports: Vec<String> = exposure.opening.ports().iter().map(ToString::to_string).collect();
    Trace {
        need: format!("{} {}", protocol.name(), ports.join(", ")),
        origin: exposure.opening.internet.block().to_owned(),
        hops: exposure.hops.iter().map(|hop| (**hop).clone()).collect(),
    }
}

/// The cause that another selected rule gives for a workload, if it fires: one cause is loud once.
pub(super) fn told<'s>(rule: &Rule, workload: &Workload<'s>, analyses: &Analyses<'s>) -> Option<Option<Cause>> {
    let Check::Workload(check) = rule.check else { return None };
    if !analyses.settings.rules.contains(&rule.id) {
        return None;
    }
    match check(workload, analyses) {
        Outcome::Fails(failing) => Some(failing.cause),
        Outcome::NotApplicable | Outcome::Holds | Outcome::Unknown(_) => None,
    }
}
