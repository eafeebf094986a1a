//! AWS CLI commands that let refused traffic through.

use crate::reach::leg::{Filtering, Repair, RepairPeer};
use crate::reach::traffic::Protocol;
use crate::shell;

/// One command for each repair, in a stable order.
pub(super) fn commands<'a>(region: &str, repairs: impl IntoIterator<Item = &'a Repair>) -> Vec<String> {
    let repairs: std::collections::BTreeSet<&Repair> = repairs.into_iter().collect();
    repairs.into_iter().map(|repair| command(region, repair)).collect()
}

fn command(region: &str, repair: &Repair) -> String {
    match &repair.filter {
        Filtering::Group(id) => {
            let mut command = shell::Command::new(match repair.egress {
                true => "aws ec2 authorize-security-group-egress",
                false => "aws ec2 authorize-security-group-ingress",
            });
            command.option("region", region);
            command.option("group-id", id.as_str());
            let ports = repair.traffic.ports;
            let peer = match &repair.peer {
                RepairPeer::Group(id) => format!("UserIdGroupPairs=[{{GroupId={id}}}]"),
                RepairPeer::PrefixList(id) => format!("PrefixListIds=[{{PrefixListId={id}}}]"),
                RepairPeer::Block(block) => format!("IpRanges=[{{CidrIp={block}}}]"),
            };
            command.option(
                "ip-permissions",
                &format!(
                    "IpProtocol={},FromPort={},ToPort={},{peer}",
                    repair.traffic.protocol.name(),
                    ports.first,
                    ports.last
                ),
            );
            command.to_string()
        }
        Filtering::Acl(id, number) => {
            let mut command = shell::Command::new("aws ec2 create-network-acl-entry");
            command.option("region", region);
            command.option("network-acl-id", id.as_str());
            command.raw(if repair.egress { "--egress" } else { "--ingress" });
            command.option("rule-number", &number.to_string());
            command.option("protocol", if repair.traffic.protocol == Protocol::Udp { "udp" } else { "tcp" });
            let ports = repair.traffic.ports;
            command.option("port-range", &format!("From={},To={}", ports.first, ports.last));
            if let RepairPeer::Block(block) = &repair.peer {
                command.option("cidr-block", &block.to_string());
            }
            command.option("rule-action", "allow");
            command.to_string()
        }
    }
}
