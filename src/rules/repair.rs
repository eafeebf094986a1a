//! AWS CLI commands that let refused traffic through.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::reach::leg::{Filtering, Repair, RepairPeer};
use crate::reach::traffic::{Ports, Protocol};
use crate::shell;
use crate::snapshot::ids::NetworkAclId;

/// Who the clients are is the owner's to say.
pub(super) const CLIENTS: &str = "--cidr \"$CLIENTS\"";

/// One command for each repair, in a stable order.
pub(super) fn commands<'a>(region: &str, repairs: impl IntoIterator<Item = &'a Repair>) -> Vec<String> {
    let repairs: BTreeSet<&Repair> = repairs.into_iter().collect();
    let mut taken = BTreeSet::new();
    repairs.into_iter().filter_map(|repair| command(region, repair, &mut taken)).collect()
}

/// Entries that were given out: a network ACL takes each number once for a direction.
type Taken<'a> = BTreeSet<(&'a NetworkAclId, bool, i32)>;

fn command<'a>(region: &str, repair: &'a Repair, taken: &mut Taken<'a>) -> Option<String> {
    match &repair.filter {
        Filtering::Group(id) => {
            let mut command = shell::Command::new(match repair.egress {
                true => "aws ec2 authorize-security-group-egress",
                false => "aws ec2 authorize-security-group-ingress",
            });
            command.option("region", region);
            command.option("group-id", id.as_str());
            let Ports { first, last } = repair.traffic.ports;
            let protocol = repair.traffic.protocol.name();
            let peer = match &repair.peer {
                RepairPeer::Group(id) => format!("UserIdGroupPairs=[{{GroupId={id}}}]"),
                RepairPeer::PrefixList(id) => format!("PrefixListIds=[{{PrefixListId={id}}}]"),
                RepairPeer::Block(IpNet::V4(block)) => format!("IpRanges=[{{CidrIp={block}}}]"),
                RepairPeer::Block(IpNet::V6(block)) => format!("Ipv6Ranges=[{{CidrIpv6={block}}}]"),
                RepairPeer::Clients => {
                    let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
                    command.option("protocol", protocol);
                    command.option("port", &range);
                    command.raw(CLIENTS);
                    return Some(command.to_string());
                }
            };
            let permission = format!("IpProtocol={protocol},FromPort={first},ToPort={last},{peer}");
            command.option("ip-permissions", &permission);
            Some(command.to_string())
        }
        Filtering::Acl(id, numbers) => {
            let number = numbers.iter().find(|number| taken.insert((id, repair.egress, **number)))?;
            let mut command = shell::Command::new("aws ec2 create-network-acl-entry");
            command.option("region", region);
            command.option("network-acl-id", id.as_str());
            command.raw(if repair.egress { "--egress" } else { "--ingress" });
            command.option("rule-number", &number.to_string());
            command.option("protocol", if repair.traffic.protocol == Protocol::Udp { "udp" } else { "tcp" });
            let ports = repair.traffic.ports;
            command.option("port-range", &format!("From={},To={}", ports.first, ports.last));
            match &repair.peer {
                RepairPeer::Block(IpNet::V6(block)) => command.option("ipv6-cidr-block", &block.to_string()),
                RepairPeer::Block(block) => command.option("cidr-block", &block.to_string()),
                RepairPeer::Clients => command.raw("--cidr-block \"$CLIENTS\""),
                RepairPeer::Group(_) | RepairPeer::PrefixList(_) => {}
            };
            command.option("rule-action", "allow");
            Some(command.to_string())
        }
    }
}
