//! What the rules about the open internet share: the rules of security groups that open a port, and how to close them.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::analysis::Analyses;
use crate::analysis::exposure::{Exposure, Opening, Source};
use crate::finding::{Cause, Related};
use crate::reach::traffic::{Protocol, Traffic};
use crate::reach::verdict::{Blocker, Family, Trace};
use crate::rules::{Check, Outcome, Rule};
use crate::shell;
use crate::snapshot::ids::SecurityGroupId;
use crate::snapshot::vpc::IpPermission;
use crate::text;
use crate::text::{Text, format_words};
use crate::topology::workload::Workload;

/// What an interface needs to be reached from the internet, and what every rule here reads of it.
macro_rules! exposure_datasets {
    ($($more:ident),* $(,)?) => {
        &[
            crate::snapshot::coverage::Dataset::Clusters,
            crate::snapshot::coverage::Dataset::Services,
            crate::snapshot::coverage::Dataset::Tasks,
            crate::snapshot::coverage::Dataset::TaskDefinitions,
            crate::snapshot::coverage::Dataset::ContainerInstances,
            crate::snapshot::coverage::Dataset::CapacityProviders,
            crate::snapshot::coverage::Dataset::AutoScalingGroups,
            crate::snapshot::coverage::Dataset::Instances,
            crate::snapshot::coverage::Dataset::NetworkInterfaces,
            crate::snapshot::coverage::Dataset::Vpcs,
            crate::snapshot::coverage::Dataset::Subnets,
            crate::snapshot::coverage::Dataset::RouteTables,
            crate::snapshot::coverage::Dataset::InternetGateways,
            crate::snapshot::coverage::Dataset::BlockPublicAccess,
            crate::snapshot::coverage::Dataset::PrefixLists,
            crate::snapshot::coverage::Dataset::SecurityGroups,
            crate::snapshot::coverage::Dataset::NetworkAcls,
            $(crate::snapshot::coverage::Dataset::$more,)*
        ]
    };
}
pub(super) use exposure_datasets;

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
        detail: text![&source.group.id, " admits ", source.block.to_string(), " on ", format_words(ports)],
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

/// Takes the rules away, each as AWS has it.
pub(super) fn revocations<'a>(region: &str, sources: impl IntoIterator<Item = &'a Source<'a>>) -> Vec<String> {
    let commands: BTreeSet<String> = sources.into_iter().map(|source| revocation(region, source)).collect();
    commands.into_iter().collect()
}

fn revocation(region: &str, source: &Source<'_>) -> String {
    let mut permission = format!("IpProtocol={}", source.permission.ip_protocol);
    if let (Some(from), Some(to)) = (source.permission.from_port, source.permission.to_port) {
        permission.push_str(&format!(",FromPort={from},ToPort={to}"));
    }
    permission.push_str(&match source.block {
        IpNet::V4(block) => format!(",IpRanges=[{{CidrIp={block}}}]"),
        IpNet::V6(block) => format!(",Ipv6Ranges=[{{CidrIpv6={block}}}]"),
    });
    let mut command = shell::Command::new("aws ec2 revoke-security-group-ingress");
    command.option("region", region);
    command.option("group-id", source.group.id.as_str());
    command.option("ip-permissions", &permission);
    command.to_string()
}

/// Lets those who carry a group in.
pub(super) fn admission(region: &str, target: &SecurityGroupId, from: &SecurityGroupId, sent: Traffic) -> String {
    let Traffic { protocol, ports } = sent;
    let mut command = shell::Command::new("aws ec2 authorize-security-group-ingress");
    command.option("region", region);
    command.option("group-id", target.as_str());
    command.option("protocol", protocol.name());
    command.option("port", &ports.to_string());
    command.option("source-group", from.as_str());
    command.to_string()
}

/// The groups of some rules.
pub(super) fn related<'a>(sources: impl IntoIterator<Item = &'a Source<'a>>) -> Vec<Related> {
    let ids: BTreeSet<&str> = sources.into_iter().map(|source| source.group.id.as_str()).collect();
    ids.into_iter().map(|id| Related { kind: "ec2:security-group", id: id.to_owned(), role: "origin" }).collect()
}

/// The group that opens it, where it is one.
pub(super) fn cause<'a>(sources: impl IntoIterator<Item = &'a Source<'a>>) -> Option<Cause> {
    let ids: BTreeSet<&str> = sources.into_iter().map(|source| source.group.id.as_str()).collect();
    let only = ids.first().filter(|_| ids.len() == 1)?;
    Some(Cause { kind: "ec2:security-group", resource: (*only).to_owned() })
}

/// "tcp 8080 and tcp 8443".
pub(super) fn ports<'a>(openings: impl IntoIterator<Item = (Protocol, &'a Opening<'a>)>) -> Text {
    let mut all = BTreeSet::new();
    for (protocol, opening) in openings {
        all.extend(opening.ports.iter().map(|ports| (protocol.name(), *ports)));
    }
    Text::list(all.into_iter().map(|(protocol, ports)| format_words(format!("{protocol} {ports}"))), 4)
}

/// How it was proved.
pub(super) fn trace(protocol: Protocol, exposure: &Exposure<'_>) -> Trace {
    let ports: Vec<String> = exposure.opening.ports.iter().map(ToString::to_string).collect();
    Trace {
        need: format!("{} {}", protocol.name(), ports.join(", ")),
        origin: exposure.opening.internet.block().to_owned(),
        hops: exposure.hops.iter().map(|hop| (**hop).clone()).collect(),
    }
}

/// One cause is loud once: whether another selected rule tells of the same workload.
pub(super) fn tells<'s>(rule: &Rule, workload: &Workload<'s>, analyses: &Analyses<'s>) -> bool {
    let Check::Workload(check) = rule.check else { return false };
    analyses.settings.rules.contains(&rule.id) && matches!(check(workload, analyses), Outcome::Fails(_))
}
