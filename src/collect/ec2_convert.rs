//! Conversions of Amazon EC2 answers, one function for each type.

use aws_sdk_ec2::types as sdk;

use super::convert::{Tight, block, block_v4, block_v6, id, ids, maybe_id, maybe_word, text, time, word};
use crate::snapshot::enums::{
    AvailabilityMode, ConnectivityType, NatGatewayState, RouteState, VpcEndpointState, VpcEndpointType,
};
use crate::snapshot::ids::{Arn, SecurityGroupId, SubnetId, VpcId};
use crate::snapshot::vpc::{
    DhcpOptions, FlowLog, GroupReference, Instance, InstanceMetadataOptions, InstanceNetworkInterface, InstanceType,
    InternetGateway, IpPermission, NatGateway, NetworkAcl, NetworkAclEntry, NetworkInterface, PrefixList, Route,
    RouteDestination, RouteTable, RouteTarget, SecurityGroup, Subnet, Vpc, VpcEndpoint,
};

pub(super) fn vpc(vpc: sdk::Vpc) -> Vpc {
    let associated = |state: Option<&sdk::VpcCidrBlockState>| {
        let state = state.and_then(|state| state.state.as_ref());
        state.is_none_or(|state| *state == sdk::VpcCidrBlockStateCode::Associated)
    };
    let primary = block_v4(vpc.cidr_block.as_deref());
    let v4 = vpc.cidr_block_association_set.unwrap_or_default();
    let v4 =
        v4.iter().filter(|a| associated(a.cidr_block_state.as_ref())).filter_map(|a| block_v4(a.cidr_block.as_deref()));
    let mut cidr_blocks: Vec<_> = primary.into_iter().tight();
    cidr_blocks.extend(v4.filter(|block| Some(*block) != primary));
    let v6 = vpc.ipv6_cidr_block_association_set.unwrap_or_default();
    let v6 = v6.iter().filter(|a| associated(a.ipv6_cidr_block_state.as_ref()));
    Vpc {
        id: id(vpc.vpc_id),
        owner_id: text(vpc.owner_id),
        cidr_blocks,
        ipv6_cidr_blocks: v6.filter_map(|a| block_v6(a.ipv6_cidr_block.as_deref())).tight(),
        dhcp_options_id: maybe_id(vpc.dhcp_options_id),
        is_default: vpc.is_default.unwrap_or(false),
    }
}

pub(super) fn dhcp_options(options: sdk::DhcpOptions) -> DhcpOptions {
    let configurations = options.dhcp_configurations.unwrap_or_default().into_iter();
    let servers = configurations.filter(|configuration| configuration.key.as_deref() == Some("domain-name-servers"));
    let servers = servers.flat_map(|configuration| configuration.values.unwrap_or_default());
    DhcpOptions {
        id: id(options.dhcp_options_id),
        domain_name_servers: servers.filter_map(|server| server.value).tight(),
    }
}

pub(super) fn subnet(subnet: sdk::Subnet) -> Subnet {
    let v6 = subnet.ipv6_cidr_block_association_set.unwrap_or_default();
    let associated = v6.iter().filter(|association| {
        let state = association.ipv6_cidr_block_state.as_ref().and_then(|state| state.state.as_ref());
        state.is_none_or(|state| *state == sdk::SubnetCidrBlockStateCode::Associated)
    });
    Subnet {
        id: id(subnet.subnet_id),
        vpc_id: id(subnet.vpc_id),
        owner_id: text(subnet.owner_id),
        availability_zone: text(subnet.availability_zone),
        availability_zone_id: text(subnet.availability_zone_id),
        cidr_block: block_v4(subnet.cidr_block.as_deref()),
        ipv6_cidr_blocks: associated.filter_map(|a| block_v6(a.ipv6_cidr_block.as_deref())).tight(),
        available_ip_address_count: subnet.available_ip_address_count.unwrap_or_default(),
        map_public_ip_on_launch: subnet.map_public_ip_on_launch.unwrap_or(false),
        ipv6_native: subnet.ipv6_native.unwrap_or(false),
    }
}

pub(super) fn route_table(table: sdk::RouteTable) -> RouteTable {
    let associations = table.associations.unwrap_or_default();
    let mut subnets: Vec<SubnetId> =
        associations.iter().filter_map(|a| a.subnet_id.as_deref()).map(SubnetId::from).tight();
    subnets.sort();
    RouteTable {
        id: id(table.route_table_id),
        vpc_id: id(table.vpc_id),
        owner_id: text(table.owner_id),
        main: associations.iter().any(|association| association.main.unwrap_or(false)),
        subnets,
        routes: table.routes.unwrap_or_default().into_iter().filter_map(route).tight(),
    }
}

/// `None` for a route without a destination that can be read: there is none in the API's model.
fn route(route: sdk::Route) -> Option<Route> {
    let cidr = route.destination_cidr_block.as_deref().or(route.destination_ipv6_cidr_block.as_deref());
    let destination = match route.destination_prefix_list_id.as_deref() {
        Some(list) => RouteDestination::PrefixList(list.into()),
        None => RouteDestination::Cidr(block(cidr)?),
    };
    let state = route.state.as_ref().map_or(RouteState::Active, |state| RouteState::from(state.as_str()));
    let propagated = route.origin == Some(sdk::RouteOrigin::EnableVgwRoutePropagation);
    Some(Route { destination, target: route_target(route), state, propagated })
}

fn route_target(route: sdk::Route) -> RouteTarget {
    if let Some(gateway) = route.gateway_id {
        return gateway_target(gateway);
    }
    if let Some(id) = route.nat_gateway_id {
        return RouteTarget::NatGateway(id.into());
    }
    if let Some(id) = route.egress_only_internet_gateway_id {
        return RouteTarget::EgressOnlyInternetGateway(id.into());
    }
    if let Some(id) = route.transit_gateway_id {
        return RouteTarget::TransitGateway(id);
    }
    if let Some(id) = route.vpc_peering_connection_id {
        return RouteTarget::VpcPeeringConnection(id);
    }
    // A route to an instance names its interface as well.
    if let Some(id) = route.instance_id {
        return RouteTarget::Instance(id.into());
    }
    if let Some(id) = route.network_interface_id {
        return RouteTarget::NetworkInterface(id.into());
    }
    if let Some(arn) = route.core_network_arn {
        return RouteTarget::CoreNetwork(arn);
    }
    if let Some(id) = route.local_gateway_id {
        return RouteTarget::LocalGateway(id);
    }
    if let Some(id) = route.carrier_gateway_id {
        return RouteTarget::CarrierGateway(id);
    }
    RouteTarget::Other(route.odb_network_arn.unwrap_or_default())
}

fn gateway_target(gateway: String) -> RouteTarget {
    match gateway.split_once('-').map(|(kind, _)| kind) {
        _ if gateway == "local" => RouteTarget::Local,
        Some("igw") => RouteTarget::InternetGateway(gateway.into()),
        Some("eigw") => RouteTarget::EgressOnlyInternetGateway(gateway.into()),
        Some("vgw") => RouteTarget::VirtualPrivateGateway(gateway),
        Some("vpce") => RouteTarget::VpcEndpoint(gateway.into()),
        Some("nat") => RouteTarget::NatGateway(gateway.into()),
        _ => RouteTarget::Other(gateway),
    }
}

pub(super) fn nat_gateway(nat: sdk::NatGateway) -> NatGateway {
    let addresses = nat.nat_gateway_addresses.unwrap_or_default().into_iter();
    let (connectivity, mode) = (nat.connectivity_type, nat.availability_mode);
    NatGateway {
        id: id(nat.nat_gateway_id),
        vpc_id: id(nat.vpc_id),
        subnet_id: maybe_id(nat.subnet_id),
        state: NatGatewayState::from(nat.state.as_ref().map_or("", |state| state.as_str())),
        // Public and zonal are the API's defaults.
        connectivity_type: connectivity.map_or(ConnectivityType::Public, |kind| ConnectivityType::from(kind.as_str())),
        availability_mode: mode.map_or(AvailabilityMode::Zonal, |mode| AvailabilityMode::from(mode.as_str())),
        route_table_id: maybe_id(nat.route_table_id),
        failure_code: nat.failure_code,
        failure_message: nat.failure_message,
        public_ips: addresses.filter_map(|address| address.public_ip).tight(),
    }
}

fn attached(attachments: Option<Vec<sdk::InternetGatewayAttachment>>) -> Vec<VpcId> {
    let attachments = attachments.unwrap_or_default().into_iter();
    // EC2 says `available` for an attached gateway, which is not in its own model.
    let attached =
        attachments.filter(|a| a.state.as_ref().is_some_and(|s| matches!(s.as_str(), "available" | "attached")));
    let mut vpcs: Vec<VpcId> = attached.filter_map(|attachment| maybe_id(attachment.vpc_id)).tight();
    vpcs.sort();
    vpcs
}

pub(super) fn internet_gateway(gateway: sdk::InternetGateway) -> InternetGateway {
    InternetGateway { id: id(gateway.internet_gateway_id), attached_vpcs: attached(gateway.attachments) }
}

pub(super) fn egress_only_internet_gateway(gateway: sdk::EgressOnlyInternetGateway) -> InternetGateway {
    InternetGateway { id: id(gateway.egress_only_internet_gateway_id), attached_vpcs: attached(gateway.attachments) }
}

pub(super) fn vpc_endpoint(endpoint: sdk::VpcEndpoint) -> VpcEndpoint {
    let dns = endpoint.dns_options;
    let groups = endpoint.groups.unwrap_or_default().into_iter();
    let mut security_group_ids: Vec<SecurityGroupId> = groups.filter_map(|group| maybe_id(group.group_id)).tight();
    security_group_ids.sort();
    VpcEndpoint {
        id: id(endpoint.vpc_endpoint_id),
        vpc_id: id(endpoint.vpc_id),
        owner_id: text(endpoint.owner_id),
        endpoint_type: VpcEndpointType::from(endpoint.vpc_endpoint_type.as_ref().map_or("", |kind| kind.as_str())),
        service_name: text(endpoint.service_name),
        service_region: endpoint.service_region,
        state: VpcEndpointState::from_api(endpoint.state.as_ref().map_or("", |state| state.as_str())),
        private_dns_enabled: endpoint.private_dns_enabled.unwrap_or(false),
        private_dns_only_for_inbound_resolver: dns
            .and_then(|dns| dns.private_dns_only_for_inbound_resolver_endpoint)
            .unwrap_or(false),
        subnet_ids: ids(endpoint.subnet_ids),
        route_table_ids: ids(endpoint.route_table_ids),
        security_group_ids,
        network_interface_ids: ids(endpoint.network_interface_ids),
        policy_document: endpoint.policy_document,
    }
}

pub(super) fn security_group(group: sdk::SecurityGroup) -> SecurityGroup {
    let permissions = |permissions: Option<Vec<sdk::IpPermission>>| {
        permissions.unwrap_or_default().into_iter().map(permission).tight()
    };
    SecurityGroup {
        id: id(group.group_id),
        name: text(group.group_name),
        vpc_id: id(group.vpc_id),
        owner_id: text(group.owner_id),
        ingress: permissions(group.ip_permissions),
        egress: permissions(group.ip_permissions_egress),
    }
}

fn permission(permission: sdk::IpPermission) -> IpPermission {
    let v4 = permission.ip_ranges.unwrap_or_default();
    let v6 = permission.ipv6_ranges.unwrap_or_default();
    let v4 = v4.iter().filter_map(|range| block(range.cidr_ip.as_deref()));
    let v6 = v6.iter().filter_map(|range| block(range.cidr_ipv6.as_deref()));
    let lists = permission.prefix_list_ids.unwrap_or_default().into_iter();
    let groups = permission.user_id_group_pairs.unwrap_or_default().into_iter().map(|pair| GroupReference {
        group_id: id(pair.group_id),
        user_id: pair.user_id,
        vpc_id: maybe_id(pair.vpc_id),
        vpc_peering_connection_id: pair.vpc_peering_connection_id,
        peering_status: pair.peering_status,
    });
    IpPermission {
        ip_protocol: text(permission.ip_protocol),
        from_port: permission.from_port,
        to_port: permission.to_port,
        cidrs: v4.chain(v6).tight(),
        prefix_lists: lists.filter_map(|list| maybe_id(list.prefix_list_id)).tight(),
        groups: groups.tight(),
    }
}

pub(super) fn network_acl(acl: sdk::NetworkAcl) -> NetworkAcl {
    let associations = acl.associations.unwrap_or_default().into_iter();
    let mut subnets: Vec<SubnetId> = associations.filter_map(|association| maybe_id(association.subnet_id)).tight();
    subnets.sort();
    let mut entries: Vec<NetworkAclEntry> = acl.entries.unwrap_or_default().into_iter().filter_map(acl_entry).tight();
    entries.sort_by_key(|entry| (entry.egress, entry.rule_number, entry.cidr));
    NetworkAcl {
        id: id(acl.network_acl_id),
        vpc_id: id(acl.vpc_id),
        is_default: acl.is_default.unwrap_or(false),
        subnets,
        entries,
    }
}

fn acl_entry(entry: sdk::NetworkAclEntry) -> Option<NetworkAclEntry> {
    let cidr = block(entry.cidr_block.as_deref().or(entry.ipv6_cidr_block.as_deref()))?;
    Some(NetworkAclEntry {
        rule_number: entry.rule_number.unwrap_or_default(),
        egress: entry.egress.unwrap_or(false),
        protocol: text(entry.protocol),
        allow: entry.rule_action == Some(sdk::RuleAction::Allow),
        cidr,
        port_range: entry.port_range.and_then(|range| Some((range.from?, range.to?))),
        icmp_type_code: entry.icmp_type_code.and_then(|icmp| Some((icmp.r#type?, icmp.code?))),
    })
}

pub(super) fn prefix_list(list: sdk::ManagedPrefixList) -> PrefixList {
    PrefixList {
        id: id(list.prefix_list_id),
        name: text(list.prefix_list_name),
        owner_id: text(list.owner_id),
        address_family: text(list.address_family),
        max_entries: list.max_entries,
        entries: None,
    }
}

/// The last part of the resource's ARN with the mode, for an exclusion that is in force.
pub(super) fn exclusion(exclusion: sdk::VpcBlockPublicAccessExclusion) -> Option<(String, String)> {
    let state = exclusion.state.as_ref().map_or("", |state| state.as_str());
    let in_force = matches!(state, "create-complete" | "update-complete");
    let resource = Arn::from(exclusion.resource_arn?).name().to_owned();
    let mode = text(exclusion.internet_gateway_exclusion_mode.map(|mode| mode.as_str().to_owned()));
    in_force.then_some((resource, mode))
}

pub(super) fn instance(instance: sdk::Instance) -> Instance {
    let interfaces = instance.network_interfaces.unwrap_or_default().into_iter();
    let mut network_interfaces: Vec<_> = interfaces.map(instance_network_interface).tight();
    network_interfaces.sort_by(|a, b| a.id.cmp(&b.id));
    Instance {
        id: id(instance.instance_id),
        instance_type: text(instance.instance_type.map(|kind| kind.as_str().to_owned())),
        state: text(instance.state.and_then(|state| state.name).map(|name| name.as_str().to_owned())),
        vpc_id: maybe_id(instance.vpc_id),
        subnet_id: maybe_id(instance.subnet_id),
        availability_zone: text(instance.placement.and_then(|placement| placement.availability_zone)),
        private_ip_address: instance.private_ip_address,
        launch_time: time(instance.launch_time),
        platform_details: instance.platform_details,
        enable_resource_name_dns_a_record: instance
            .private_dns_name_options
            .and_then(|options| options.enable_resource_name_dns_a_record),
        metadata_options: instance.metadata_options.map(|options| InstanceMetadataOptions {
            http_tokens: options.http_tokens.map(|tokens| tokens.as_str().to_owned()),
            http_put_response_hop_limit: options.http_put_response_hop_limit,
            http_endpoint: options.http_endpoint.map(|endpoint| endpoint.as_str().to_owned()),
        }),
        iam_instance_profile_arn: instance.iam_instance_profile.and_then(|profile| maybe_id(profile.arn)),
        network_interfaces,
    }
}

fn groups(groups: Option<Vec<sdk::GroupIdentifier>>) -> Vec<SecurityGroupId> {
    let mut groups: Vec<SecurityGroupId> =
        groups.unwrap_or_default().into_iter().filter_map(|group| maybe_id(group.group_id)).tight();
    groups.sort();
    groups
}

fn instance_network_interface(interface: sdk::InstanceNetworkInterface) -> InstanceNetworkInterface {
    let addresses = interface.private_ip_addresses.unwrap_or_default().into_iter();
    let attachment = interface.attachment.as_ref();
    InstanceNetworkInterface {
        id: id(interface.network_interface_id),
        interface_type: interface.interface_type.unwrap_or_else(|| "interface".to_owned()),
        description: text(interface.description),
        device_index: attachment.and_then(|attachment| attachment.device_index).unwrap_or_default(),
        network_card_index: attachment.and_then(|attachment| attachment.network_card_index).unwrap_or_default(),
        subnet_id: maybe_id(interface.subnet_id),
        security_group_ids: groups(interface.groups),
        private_ips: addresses.filter_map(|address| maybe_word(address.private_ip_address)).tight(),
        public_ip: interface.association.and_then(|association| association.public_ip).filter(|ip| !ip.is_empty()),
        ipv6_addresses: interface.ipv6_addresses.unwrap_or_default().into_iter().filter_map(|a| a.ipv6_address).tight(),
    }
}

pub(super) fn instance_type(info: sdk::InstanceTypeInfo) -> InstanceType {
    let network = info.network_info.as_ref();
    InstanceType {
        maximum_network_interfaces: network.and_then(|network| network.maximum_network_interfaces).unwrap_or_default(),
        maximum_network_cards: network.and_then(|network| network.maximum_network_cards).unwrap_or(1),
        ipv4_addresses_per_interface: network.and_then(|n| n.ipv4_addresses_per_interface).unwrap_or_default(),
        name: text(info.instance_type.map(|kind| kind.as_str().to_owned())),
        default_vcpus: info.v_cpu_info.and_then(|cpus| cpus.default_v_cpus).unwrap_or_default(),
        memory_mib: info.memory_info.and_then(|memory| memory.size_in_mib).unwrap_or_default(),
    }
}

pub(super) fn network_interface(interface: sdk::NetworkInterface) -> NetworkInterface {
    let addresses = interface.private_ip_addresses.unwrap_or_default().into_iter();
    let public = interface.association.and_then(|association| association.public_ip);
    NetworkInterface {
        id: id(interface.network_interface_id),
        vpc_id: id(interface.vpc_id),
        subnet_id: id(interface.subnet_id),
        availability_zone: word(interface.availability_zone),
        interface_type: word(interface.interface_type.as_ref().map(|kind| kind.as_str())),
        status: word(interface.status.as_ref().map(|status| status.as_str())),
        description: word(interface.description),
        security_group_ids: groups(interface.groups),
        private_ips: addresses.filter_map(|address| maybe_word(address.private_ip_address)).tight(),
        ipv6_addresses: interface
            .ipv6_addresses
            .unwrap_or_default()
            .into_iter()
            .filter_map(|a| maybe_word(a.ipv6_address))
            .tight(),
        public_ip: maybe_word(public.filter(|ip| !ip.is_empty())),
    }
}

pub(super) fn flow_log(log: sdk::FlowLog) -> FlowLog {
    FlowLog {
        id: text(log.flow_log_id),
        resource_id: text(log.resource_id),
        status: text(log.flow_log_status),
        deliver_logs_status: log.deliver_logs_status,
        deliver_logs_error_message: log.deliver_logs_error_message,
        traffic_type: log.traffic_type.map(|kind| kind.as_str().to_owned()),
    }
}
