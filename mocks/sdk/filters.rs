//! Security groups, network ACLs, network interfaces and what joins VPCs, as Amazon EC2 answers.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::describe_egress_only_internet_gateways::DescribeEgressOnlyInternetGatewaysOutput;
use aws_sdk_ec2::operation::describe_flow_logs::DescribeFlowLogsOutput;
use aws_sdk_ec2::operation::describe_network_acls::DescribeNetworkAclsOutput;
use aws_sdk_ec2::operation::describe_network_interfaces::DescribeNetworkInterfacesOutput;
use aws_sdk_ec2::operation::describe_security_group_vpc_associations::DescribeSecurityGroupVpcAssociationsOutput;
use aws_sdk_ec2::operation::describe_security_groups::DescribeSecurityGroupsOutput;
use aws_sdk_ec2::operation::describe_vpc_peering_connections::DescribeVpcPeeringConnectionsOutput;
use aws_sdk_ec2::types as sdk;
use ecs_network_audit::snapshot::vpc as own;
use ipnet::IpNet;

use super::{Mock, answer};

pub(super) fn rules(mock: &mut Mock) {
    answer!(mock, "ec2:DescribeSecurityGroups", Client::describe_security_groups, |world, input| {
        let items: Vec<_> = world.target.data.security_groups.items().iter().map(security_group).collect();
        let (page, next) = world.page(&items, input.next_token());
        DescribeSecurityGroupsOutput::builder().set_security_groups(Some(page)).set_next_token(next).build()
    });
    answer!(mock, "ec2:DescribeNetworkAcls", Client::describe_network_acls, |world, input| {
        let items: Vec<_> = world.target.data.network_acls.items().iter().map(network_acl).collect();
        let (page, next) = world.page(&items, input.next_token());
        DescribeNetworkAclsOutput::builder().set_network_acls(Some(page)).set_next_token(next).build()
    });
    answer!(mock, "ec2:DescribeNetworkInterfaces", Client::describe_network_interfaces, |world, input| {
        let items: Vec<_> = world.target.data.network_interfaces.items().iter().map(interface).collect();
        let (page, next) = world.page(&items, input.next_token());
        DescribeNetworkInterfacesOutput::builder().set_network_interfaces(Some(page)).set_next_token(next).build()
    });
    answer!(mock, "ec2:DescribeFlowLogs", Client::describe_flow_logs, |world, input| {
        let items: Vec<_> = world.target.data.flow_logs.items().iter().map(flow_log).collect();
        let (page, next) = world.page(&items, input.next_token());
        DescribeFlowLogsOutput::builder().set_flow_logs(Some(page)).set_next_token(next).build()
    });
    answer!(
        mock,
        "ec2:DescribeEgressOnlyInternetGateways",
        Client::describe_egress_only_internet_gateways,
        |world, input| {
            let all = world.target.data.egress_only_internet_gateways.items().iter();
            let items: Vec<_> = all.map(egress_only_internet_gateway).collect();
            let (page, next) = world.page(&items, input.next_token());
            DescribeEgressOnlyInternetGatewaysOutput::builder()
                .set_egress_only_internet_gateways(Some(page))
                .set_next_token(next)
                .build()
        }
    );
    answer!(
        mock,
        "ec2:DescribeSecurityGroupVpcAssociations",
        Client::describe_security_group_vpc_associations,
        |world, input| {
            let all = world.target.data.security_group_vpc_associations.items().iter();
            let items: Vec<_> = all
                .map(|association| {
                    sdk::SecurityGroupVpcAssociation::builder()
                        .group_id(association.group_id.as_str())
                        .vpc_id(association.vpc_id.as_str())
                        .state(association.state.as_str().into())
                        .build()
                })
                .collect();
            let (page, next) = world.page(&items, input.next_token());
            DescribeSecurityGroupVpcAssociationsOutput::builder()
                .set_security_group_vpc_associations(Some(page))
                .set_next_token(next)
                .build()
        }
    );
    answer!(mock, "ec2:DescribeVpcPeeringConnections", Client::describe_vpc_peering_connections, |world, input| {
        let side = |vpc: &Option<ecs_network_audit::snapshot::ids::VpcId>| {
            let id = vpc.as_ref().map(|id| id.as_str().to_owned());
            sdk::VpcPeeringConnectionVpcInfo::builder().set_vpc_id(id).build()
        };
        let all = world.target.data.vpc_peering_connections.items().iter();
        let items: Vec<_> = all
            .map(|connection| {
                let status = sdk::VpcPeeringConnectionStateReason::builder().code(connection.status.as_str().into());
                sdk::VpcPeeringConnection::builder()
                    .vpc_peering_connection_id(&connection.id)
                    .requester_vpc_info(side(&connection.requester_vpc_id))
                    .accepter_vpc_info(side(&connection.accepter_vpc_id))
                    .status(status.build())
                    .build()
            })
            .collect();
        let (page, next) = world.page(&items, input.next_token());
        DescribeVpcPeeringConnectionsOutput::builder()
            .set_vpc_peering_connections(Some(page))
            .set_next_token(next)
            .build()
    });
}

fn flow_log(log: &own::FlowLog) -> sdk::FlowLog {
    sdk::FlowLog::builder()
        .flow_log_id(&log.id)
        .resource_id(&log.resource_id)
        .flow_log_status(&log.status)
        .set_deliver_logs_status(log.deliver_logs_status.clone())
        .set_deliver_logs_error_message(log.deliver_logs_error_message.clone())
        .set_traffic_type(log.traffic_type.as_deref().map(sdk::TrafficType::from))
        .build()
}

fn egress_only_internet_gateway(gateway: &own::InternetGateway) -> sdk::EgressOnlyInternetGateway {
    let attachments = gateway
        .attached_vpcs
        .iter()
        .map(|vpc| sdk::InternetGatewayAttachment::builder().vpc_id(vpc.as_str()).state("attached".into()).build());
    let builder = sdk::EgressOnlyInternetGateway::builder().egress_only_internet_gateway_id(gateway.id.as_str());
    builder.set_attachments(Some(attachments.collect())).build()
}

fn security_group(group: &own::SecurityGroup) -> sdk::SecurityGroup {
    sdk::SecurityGroup::builder()
        .group_id(group.id.as_str())
        .group_name(&group.name)
        .vpc_id(group.vpc_id.as_str())
        .owner_id(&group.owner_id)
        .set_ip_permissions(Some(group.ingress.iter().map(permission).collect()))
        .set_ip_permissions_egress(Some(group.egress.iter().map(permission).collect()))
        .build()
}

fn permission(permission: &own::IpPermission) -> sdk::IpPermission {
    let v4 = permission.cidrs.iter().filter(|cidr| matches!(cidr, IpNet::V4(_)));
    let v6 = permission.cidrs.iter().filter(|cidr| matches!(cidr, IpNet::V6(_)));
    let groups = permission.groups.iter().map(|pair| {
        sdk::UserIdGroupPair::builder()
            .group_id(pair.group_id.as_str())
            .set_user_id(pair.user_id.clone())
            .set_vpc_id(pair.vpc_id.as_ref().map(|id| id.as_str().to_owned()))
            .set_vpc_peering_connection_id(pair.vpc_peering_connection_id.clone())
            .set_peering_status(pair.peering_status.clone())
            .build()
    });
    let lists =
        permission.prefix_lists.iter().map(|id| sdk::PrefixListId::builder().prefix_list_id(id.as_str()).build());
    sdk::IpPermission::builder()
        .ip_protocol(&permission.ip_protocol)
        .set_from_port(permission.from_port)
        .set_to_port(permission.to_port)
        .set_ip_ranges(Some(v4.map(|cidr| sdk::IpRange::builder().cidr_ip(cidr.to_string()).build()).collect()))
        .set_ipv6_ranges(Some(v6.map(|cidr| sdk::Ipv6Range::builder().cidr_ipv6(cidr.to_string()).build()).collect()))
        .set_user_id_group_pairs(Some(groups.collect()))
        .set_prefix_list_ids(Some(lists.collect()))
        .build()
}

fn network_acl(acl: &own::NetworkAcl) -> sdk::NetworkAcl {
    let associations =
        acl.subnets.iter().map(|subnet| sdk::NetworkAclAssociation::builder().subnet_id(subnet.as_str()).build());
    sdk::NetworkAcl::builder()
        .network_acl_id(acl.id.as_str())
        .vpc_id(acl.vpc_id.as_str())
        .is_default(acl.is_default)
        .set_associations(Some(associations.collect()))
        .set_entries(Some(acl.entries.iter().map(entry).collect()))
        .build()
}

fn entry(entry: &own::NetworkAclEntry) -> sdk::NetworkAclEntry {
    let builder = sdk::NetworkAclEntry::builder()
        .rule_number(entry.rule_number)
        .egress(entry.egress)
        .protocol(&entry.protocol)
        .rule_action(if entry.allow { sdk::RuleAction::Allow } else { sdk::RuleAction::Deny })
        .set_port_range(entry.port_range.map(|(from, to)| sdk::PortRange::builder().from(from).to(to).build()))
        .set_icmp_type_code(
            entry.icmp_type_code.map(|(kind, code)| sdk::IcmpTypeCode::builder().r#type(kind).code(code).build()),
        );
    match entry.cidr {
        IpNet::V4(block) => builder.cidr_block(block.to_string()),
        IpNet::V6(block) => builder.ipv6_cidr_block(block.to_string()),
    }
    .build()
}

fn interface(interface: &own::NetworkInterface) -> sdk::NetworkInterface {
    let groups =
        interface.security_group_ids.iter().map(|id| sdk::GroupIdentifier::builder().group_id(id.as_str()).build());
    let ips = interface
        .private_ips
        .iter()
        .map(|ip| sdk::NetworkInterfacePrivateIpAddress::builder().private_ip_address(ip.as_str()).build());
    let public = interface
        .public_ip
        .as_ref()
        .map(|ip| sdk::NetworkInterfaceAssociation::builder().public_ip(ip.as_str()).build());
    let v6 = interface
        .ipv6_addresses
        .iter()
        .map(|ip| sdk::NetworkInterfaceIpv6Address::builder().ipv6_address(ip.as_str()).build());
    sdk::NetworkInterface::builder()
        .network_interface_id(interface.id.as_str())
        .vpc_id(interface.vpc_id.as_str())
        .subnet_id(interface.subnet_id.as_str())
        .availability_zone(interface.availability_zone.as_str())
        .interface_type(interface.interface_type.as_str().into())
        .status(interface.status.as_str().into())
        .description(interface.description.as_str())
        .set_groups(Some(groups.collect()))
        .set_private_ip_addresses(Some(ips.collect()))
        .set_ipv6_addresses(Some(v6.collect()))
        .set_association(public)
        .build()
}
