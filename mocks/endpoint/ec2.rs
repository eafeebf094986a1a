//! VPCs, subnets, routes and gateways as Amazon EC2 says them.

use ecs_network_audit::snapshot::vpc::{
    DhcpOptions, InternetGateway, NatGateway, PrefixList, Route, RouteDestination, RouteTable, RouteTarget, Subnet,
    Vpc, VpcEndpoint,
};
use ipnet::IpNet;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;
use super::ecs_shapes::texts;

/// What an operation takes to describe only some, and what it says of one that isn't there.
pub(super) struct ByIds {
    /// The parameter, numbered from 1.
    pub(super) ids: &'static str,
    pub(super) not_found: &'static str,
}

/// All items of the Region in pages, or those that are named.
pub(super) fn whole<'a, T>(
    call: &Call<'_>,
    set: &str,
    by: ByIds,
    items: &'a [T],
    id: impl Fn(&T) -> &str,
    shape: impl Fn(&'a T) -> Value,
) -> Result<Value, Refusal> {
    let wanted = call.params.strings(by.ids);
    if wanted.is_empty() {
        let all: Vec<&T> = items.iter().collect();
        let page = call.page(&all)?;
        let shown: Vec<Value> = page.items.into_iter().map(shape).collect();
        return Ok(json!({set: shown, "nextToken": page.next}));
    }
    if call.params.text("MaxResults").is_some() {
        let message = format!("The parameter {}s cannot be used with the parameter maxResults", by.ids);
        return Err(Refusal::bad("InvalidParameterCombination", message));
    }
    let mut shown = Vec::with_capacity(wanted.len());
    for name in wanted {
        let found = items.iter().find(|item| id(item) == name);
        let missing = || Refusal::bad(by.not_found, format!("The ID '{name}' does not exist"));
        shown.push(shape(found.ok_or_else(missing)?));
    }
    Ok(json!({set: shown}))
}

pub(super) fn vpcs(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "VpcId", not_found: "InvalidVpcID.NotFound" };
    whole(call, "vpcSet", by, call.world.data().vpcs.items(), |vpc| vpc.id.as_str(), vpc)
}

pub(super) fn vpc_attribute(call: &Call<'_>) -> Result<Value, Refusal> {
    let vpc = call.required("VpcId")?;
    let data = call.world.data();
    if call.is_gone(vpc) || !data.vpcs.items().iter().any(|known| known.id.as_str() == vpc) {
        return Err(Refusal::bad("InvalidVpcID.NotFound", format!("The vpc ID '{vpc}' does not exist")));
    }
    // What nobody changed: support is on, hostnames are off.
    let known = data.vpc_dns_attributes.items().iter().find(|attributes| attributes.vpc_id.as_str() == vpc);
    let (support, hostnames) =
        known.map_or((true, false), |known| (known.enable_dns_support, known.enable_dns_hostnames));
    match call.required("Attribute")? {
        "enableDnsSupport" => Ok(json!({"vpcId": vpc, "enableDnsSupport": {"value": support}})),
        "enableDnsHostnames" => Ok(json!({"vpcId": vpc, "enableDnsHostnames": {"value": hostnames}})),
        other => Err(Refusal::parameter("ec2", format!("Value ({other}) for parameter attribute is invalid"))),
    }
}

pub(super) fn dhcp_options(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "DhcpOptionsId", not_found: "InvalidDhcpOptionID.NotFound" };
    let items = call.world.data().dhcp_options.items();
    whole(call, "dhcpOptionsSet", by, items, |options| options.id.as_str(), dhcp)
}

pub(super) fn subnets(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "SubnetId", not_found: "InvalidSubnetID.NotFound" };
    whole(call, "subnetSet", by, call.world.data().subnets.items(), |subnet| subnet.id.as_str(), subnet)
}

pub(super) fn route_tables(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "RouteTableId", not_found: "InvalidRouteTableID.NotFound" };
    let items = call.world.data().route_tables.items();
    whole(call, "routeTableSet", by, items, |table| table.id.as_str(), route_table)
}

pub(super) fn nat_gateways(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "NatGatewayId", not_found: "NatGatewayNotFound" };
    let items = call.world.data().nat_gateways.items();
    whole(call, "natGatewaySet", by, items, |nat| nat.id.as_str(), nat_gateway)
}

pub(super) fn internet_gateways(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "InternetGatewayId", not_found: "InvalidInternetGatewayID.NotFound" };
    let items = call.world.data().internet_gateways.items();
    let shape = |own: &InternetGateway| json!({"internetGatewayId": own.id.as_str(), "attachmentSet": attachments(own, "available")});
    whole(call, "internetGatewaySet", by, items, |gateway| gateway.id.as_str(), shape)
}

pub(super) fn egress_only_internet_gateways(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "EgressOnlyInternetGatewayId", not_found: "InvalidGatewayID.NotFound" };
    let items = call.world.data().egress_only_internet_gateways.items();
    let shape = |own: &InternetGateway| json!({"egressOnlyInternetGatewayId": own.id.as_str(), "attachmentSet": attachments(own, "attached")});
    whole(call, "egressOnlyInternetGatewaySet", by, items, |gateway| gateway.id.as_str(), shape)
}

pub(super) fn vpc_endpoints(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "VpcEndpointId", not_found: "InvalidVpcEndpointId.NotFound" };
    let items = call.world.data().vpc_endpoints.items();
    whole(call, "vpcEndpointSet", by, items, |endpoint| endpoint.id.as_str(), vpc_endpoint)
}

pub(super) fn prefix_lists(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "PrefixListId", not_found: "InvalidPrefixListID.NotFound" };
    let items = call.world.data().prefix_lists.items();
    whole(call, "prefixListSet", by, items, |list| list.id.as_str(), prefix_list)
}

pub(super) fn prefix_list_entries(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.required("PrefixListId")?;
    let known = call.world.data().prefix_lists.items().iter().find(|list| list.id.as_str() == id);
    let missing = || Refusal::bad("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist"));
    let list = known.filter(|_| !call.is_gone(id)).ok_or_else(missing)?;
    let entries: Vec<&IpNet> = list.entries.iter().flatten().collect();
    let page = call.page(&entries)?;
    let entries: Vec<Value> = page.items.into_iter().map(|block| json!({"cidr": block.to_string()})).collect();
    Ok(json!({"entrySet": entries, "nextToken": page.next}))
}

fn vpc(vpc: &Vpc) -> Value {
    let state = json!({"state": "associated"});
    let v4: Vec<Value> =
        vpc.cidr_blocks.iter().map(|block| json!({"cidrBlock": block.to_string(), "cidrBlockState": state})).collect();
    json!({
        "vpcId": vpc.id.as_str(),
        "ownerId": vpc.owner_id,
        "state": "available",
        "cidrBlock": vpc.cidr_blocks.first().map(ToString::to_string),
        "cidrBlockAssociationSet": v4,
        "ipv6CidrBlockAssociationSet": ipv6_blocks(&vpc.ipv6_cidr_blocks),
        "dhcpOptionsId": vpc.dhcp_options_id.as_ref().map(|id| id.as_str()),
        "isDefault": vpc.is_default,
    })
}

fn ipv6_blocks(blocks: &[ipnet::Ipv6Net]) -> Vec<Value> {
    let block = |block: &ipnet::Ipv6Net| json!({"ipv6CidrBlock": block.to_string(), "ipv6CidrBlockState": {"state": "associated"}});
    blocks.iter().map(block).collect()
}

fn dhcp(options: &DhcpOptions) -> Value {
    let servers: Vec<Value> = options.domain_name_servers.iter().map(|server| json!({"value": server})).collect();
    json!({
        "dhcpOptionsId": options.id.as_str(),
        "dhcpConfigurationSet": [
            {"key": "domain-name", "valueSet": [{"value": "eu-west-1.compute.internal"}]},
            {"key": "domain-name-servers", "valueSet": servers},
        ],
    })
}

fn subnet(subnet: &Subnet) -> Value {
    json!({
        "subnetId": subnet.id.as_str(),
        "vpcId": subnet.vpc_id.as_str(),
        "ownerId": subnet.owner_id,
        "state": "available",
        "availabilityZone": subnet.availability_zone,
        "availabilityZoneId": subnet.availability_zone_id,
        "cidrBlock": subnet.cidr_block.map(|block| block.to_string()),
        "ipv6CidrBlockAssociationSet": ipv6_blocks(&subnet.ipv6_cidr_blocks),
        "availableIpAddressCount": subnet.available_ip_address_count,
        "mapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
        "ipv6Native": subnet.ipv6_native,
    })
}

fn route_table(table: &RouteTable) -> Value {
    let explicit = table.subnets.iter().map(|subnet| json!({"main": false, "subnetId": subnet.as_str()}));
    let main = table.main.then(|| json!({"main": true}));
    json!({
        "routeTableId": table.id.as_str(),
        "vpcId": table.vpc_id.as_str(),
        "ownerId": table.owner_id,
        "associationSet": explicit.chain(main).collect::<Vec<_>>(),
        "routeSet": table.routes.iter().map(route).collect::<Vec<_>>(),
    })
}

fn route(route: &Route) -> Value {
    let destination = match &route.destination {
        RouteDestination::Cidr(IpNet::V4(block)) => ("destinationCidrBlock", block.to_string()),
        RouteDestination::Cidr(IpNet::V6(block)) => ("destinationIpv6CidrBlock", block.to_string()),
        RouteDestination::PrefixList(id) => ("destinationPrefixListId", id.as_str().to_owned()),
    };
    let target: (&str, &str) = match &route.target {
        RouteTarget::Local => ("gatewayId", "local"),
        RouteTarget::InternetGateway(id) => ("gatewayId", id.as_str()),
        RouteTarget::EgressOnlyInternetGateway(id) => ("egressOnlyInternetGatewayId", id.as_str()),
        RouteTarget::NatGateway(id) => ("natGatewayId", id.as_str()),
        RouteTarget::VpcEndpoint(id) => ("gatewayId", id.as_str()),
        RouteTarget::TransitGateway(id) => ("transitGatewayId", id),
        RouteTarget::VirtualPrivateGateway(id) => ("gatewayId", id),
        RouteTarget::VpcPeeringConnection(id) => ("vpcPeeringConnectionId", id),
        RouteTarget::NetworkInterface(id) => ("networkInterfaceId", id.as_str()),
        RouteTarget::Instance(id) => ("instanceId", id.as_str()),
        RouteTarget::CoreNetwork(arn) => ("coreNetworkArn", arn),
        RouteTarget::LocalGateway(id) => ("localGatewayId", id),
        RouteTarget::CarrierGateway(id) => ("carrierGatewayId", id),
        RouteTarget::Other(id) if id.starts_with("arn:") => ("odbNetworkArn", id),
        RouteTarget::Other(id) => ("gatewayId", id),
    };
    let origin = if route.propagated { "EnableVgwRoutePropagation" } else { "CreateRoute" };
    let mut answer = json!({"state": route.state.as_str(), "origin": origin, destination.0: destination.1});
    // A route whose target is gone may name none.
    if !target.1.is_empty() {
        answer[target.0] = json!(target.1);
    }
    // One to an instance names its interface as well.
    if matches!(route.target, RouteTarget::Instance(_)) {
        answer["networkInterfaceId"] = json!("eni-of-the-instance");
    }
    answer
}

fn nat_gateway(nat: &NatGateway) -> Value {
    let addresses: Vec<Value> = nat.public_ips.iter().map(|ip| json!({"publicIp": ip})).collect();
    json!({
        "natGatewayId": nat.id.as_str(),
        "vpcId": nat.vpc_id.as_str(),
        "subnetId": nat.subnet_id.as_ref().map(|id| id.as_str()),
        "state": nat.state.as_str(),
        "connectivityType": nat.connectivity_type.as_str(),
        "availabilityMode": nat.availability_mode.as_str(),
        "routeTableId": nat.route_table_id.as_ref().map(|id| id.as_str()),
        "failureCode": nat.failure_code,
        "failureMessage": nat.failure_message,
        "natGatewayAddressSet": addresses,
    })
}

fn attachments(gateway: &InternetGateway, state: &str) -> Vec<Value> {
    gateway.attached_vpcs.iter().map(|vpc| json!({"vpcId": vpc.as_str(), "state": state})).collect()
}

fn vpc_endpoint(endpoint: &VpcEndpoint) -> Value {
    let groups: Vec<Value> = endpoint.security_group_ids.iter().map(|id| json!({"groupId": id.as_str()})).collect();
    let dns = json!({"privateDnsOnlyForInboundResolverEndpoint": endpoint.private_dns_only_for_inbound_resolver});
    json!({
        "vpcEndpointId": endpoint.id.as_str(),
        "vpcId": endpoint.vpc_id.as_str(),
        "ownerId": endpoint.owner_id,
        "vpcEndpointType": endpoint.endpoint_type.as_str(),
        "serviceName": endpoint.service_name,
        "serviceRegion": endpoint.service_region,
        "state": endpoint.state.as_str(),
        "privateDnsEnabled": endpoint.private_dns_enabled,
        "dnsOptions": dns,
        "subnetIdSet": texts(&endpoint.subnet_ids),
        "routeTableIdSet": texts(&endpoint.route_table_ids),
        "groupSet": groups,
        "networkInterfaceIdSet": texts(&endpoint.network_interface_ids),
        "policyDocument": endpoint.policy_document,
    })
}

fn prefix_list(list: &PrefixList) -> Value {
    json!({
        "prefixListId": list.id.as_str(),
        "prefixListName": list.name,
        "ownerId": list.owner_id,
        "addressFamily": list.address_family,
        "maxEntries": list.max_entries,
        "state": "create-complete",
    })
}
