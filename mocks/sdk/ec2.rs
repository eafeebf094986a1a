//! Amazon EC2 as it answers.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::describe_dhcp_options::DescribeDhcpOptionsOutput;
use aws_sdk_ec2::operation::describe_instance_types::DescribeInstanceTypesOutput;
use aws_sdk_ec2::operation::describe_instances::DescribeInstancesOutput;
use aws_sdk_ec2::operation::describe_internet_gateways::DescribeInternetGatewaysOutput;
use aws_sdk_ec2::operation::describe_managed_prefix_lists::DescribeManagedPrefixListsOutput;
use aws_sdk_ec2::operation::describe_nat_gateways::DescribeNatGatewaysOutput;
use aws_sdk_ec2::operation::describe_route_tables::DescribeRouteTablesOutput;
use aws_sdk_ec2::operation::describe_subnets::DescribeSubnetsOutput;
use aws_sdk_ec2::operation::describe_vpc_attribute::DescribeVpcAttributeOutput;
use aws_sdk_ec2::operation::describe_vpc_block_public_access_exclusions::DescribeVpcBlockPublicAccessExclusionsOutput;
use aws_sdk_ec2::operation::describe_vpc_block_public_access_options::DescribeVpcBlockPublicAccessOptionsOutput;
use aws_sdk_ec2::operation::describe_vpc_endpoints::DescribeVpcEndpointsOutput;
use aws_sdk_ec2::operation::describe_vpcs::DescribeVpcsOutput;
use aws_sdk_ec2::operation::get_managed_prefix_list_entries::GetManagedPrefixListEntriesOutput;
use aws_sdk_ec2::types as sdk;
use aws_smithy_types::DateTime;
use ecs_network_audit::snapshot::vpc as own;
use ipnet::IpNet;

use super::{Mock, answer};

/// A Describe call of the whole Region.
macro_rules! region_wide {
    ($mock:expr, $api:literal, $operation:ident, $output:ident, $dataset:ident, $set:ident, $convert:expr) => {
        answer!($mock, $api, Client::$operation, |world, input| {
            let items: Vec<_> = world.target.data.$dataset.items().iter().map($convert).collect();
            let (page, next) = world.page(&items, input.next_token());
            $output::builder().$set(Some(page)).set_next_token(next).build()
        });
    };
}

pub(super) fn rules(mock: &mut Mock) {
    region_wide!(mock, "ec2:DescribeVpcs", describe_vpcs, DescribeVpcsOutput, vpcs, set_vpcs, vpc);
    region_wide!(
        mock,
        "ec2:DescribeDhcpOptions",
        describe_dhcp_options,
        DescribeDhcpOptionsOutput,
        dhcp_options,
        set_dhcp_options,
        dhcp
    );
    region_wide!(mock, "ec2:DescribeSubnets", describe_subnets, DescribeSubnetsOutput, subnets, set_subnets, subnet);
    region_wide!(
        mock,
        "ec2:DescribeRouteTables",
        describe_route_tables,
        DescribeRouteTablesOutput,
        route_tables,
        set_route_tables,
        route_table
    );
    region_wide!(
        mock,
        "ec2:DescribeNatGateways",
        describe_nat_gateways,
        DescribeNatGatewaysOutput,
        nat_gateways,
        set_nat_gateways,
        nat_gateway
    );
    region_wide!(
        mock,
        "ec2:DescribeInternetGateways",
        describe_internet_gateways,
        DescribeInternetGatewaysOutput,
        internet_gateways,
        set_internet_gateways,
        internet_gateway
    );
    region_wide!(
        mock,
        "ec2:DescribeVpcEndpoints",
        describe_vpc_endpoints,
        DescribeVpcEndpointsOutput,
        vpc_endpoints,
        set_vpc_endpoints,
        vpc_endpoint
    );
    region_wide!(
        mock,
        "ec2:DescribeManagedPrefixLists",
        describe_managed_prefix_lists,
        DescribeManagedPrefixListsOutput,
        prefix_lists,
        set_prefix_lists,
        prefix_list
    );
    answer!(mock, "ec2:GetManagedPrefixListEntries", Client::get_managed_prefix_list_entries, |world, input| {
        let lists = world.target.data.prefix_lists.items();
        let list = lists.iter().find(|list| Some(list.id.as_str()) == input.prefix_list_id()).unwrap();
        let entries: Vec<_> = list
            .entries
            .iter()
            .flatten()
            .map(|block| sdk::PrefixListEntry::builder().cidr(block.to_string()).build())
            .collect();
        let (page, next) = world.page(&entries, input.next_token());
        GetManagedPrefixListEntriesOutput::builder().set_entries(Some(page)).set_next_token(next).build()
    });
    answer!(mock, "ec2:DescribeVpcAttribute", Client::describe_vpc_attribute, |world, input| {
        let all = world.target.data.vpc_dns_attributes.items();
        let dns = all.iter().find(|dns| Some(dns.vpc_id.as_str()) == input.vpc_id()).unwrap();
        let value = |on: bool| sdk::AttributeBooleanValue::builder().value(on).build();
        let output = DescribeVpcAttributeOutput::builder();
        match input.attribute() {
            Some(sdk::VpcAttributeName::EnableDnsSupport) => output.enable_dns_support(value(dns.enable_dns_support)),
            _ => output.enable_dns_hostnames(value(dns.enable_dns_hostnames)),
        }
        .build()
    });
    answer!(
        mock,
        "ec2:DescribeVpcBlockPublicAccessOptions",
        Client::describe_vpc_block_public_access_options,
        |world, _input| {
            let access = &world.target.data.block_public_access.items()[0];
            let mode = sdk::InternetGatewayBlockMode::from(access.internet_gateway_block_mode.as_str());
            let options = sdk::VpcBlockPublicAccessOptions::builder().internet_gateway_block_mode(mode).build();
            DescribeVpcBlockPublicAccessOptionsOutput::builder().vpc_block_public_access_options(options).build()
        }
    );
    answer!(
        mock,
        "ec2:DescribeVpcBlockPublicAccessExclusions",
        Client::describe_vpc_block_public_access_exclusions,
        |world, input| {
            let access = &world.target.data.block_public_access.items()[0];
            let exclusions: Vec<_> = access.exclusions.iter().map(exclusion).collect();
            let (page, next) = world.page(&exclusions, input.next_token());
            DescribeVpcBlockPublicAccessExclusionsOutput::builder()
                .set_vpc_block_public_access_exclusions(Some(page))
                .set_next_token(next)
                .build()
        }
    );
    answer!(mock, "ec2:DescribeInstances", Client::describe_instances, |world, input| {
        let wanted = values(input.filters(), "instance-id");
        let found = world.target.data.instances.items().iter().filter(|i| wanted.iter().any(|id| id == i.id.as_str()));
        let reservations: Vec<_> = found.map(|i| sdk::Reservation::builder().instances(instance(i)).build()).collect();
        let (page, next) = world.page(&reservations, input.next_token());
        DescribeInstancesOutput::builder().set_reservations(Some(page)).set_next_token(next).build()
    });
    answer!(mock, "ec2:DescribeInstanceTypes", Client::describe_instance_types, |world, input| {
        let wanted = values(input.filters(), "instance-type");
        let found = world.target.data.instance_types.items().iter().filter(|t| wanted.contains(&t.name));
        let types: Vec<_> = found.map(instance_type).collect();
        let (page, next) = world.page(&types, input.next_token());
        DescribeInstanceTypesOutput::builder().set_instance_types(Some(page)).set_next_token(next).build()
    });
}

fn values(filters: &[sdk::Filter], name: &str) -> Vec<String> {
    let filter = filters.iter().find(|filter| filter.name() == Some(name)).expect("the call is filtered");
    assert!(filter.values().len() <= 200, "at most 200 values in a filter");
    filter.values().to_vec()
}

fn strings<T: AsRef<str>>(ids: &[T]) -> Option<Vec<String>> {
    Some(ids.iter().map(|id| id.as_ref().to_owned()).collect())
}

fn vpc(vpc: &own::Vpc) -> sdk::Vpc {
    let associated = sdk::VpcCidrBlockState::builder().state(sdk::VpcCidrBlockStateCode::Associated).build();
    let blocks = vpc.cidr_blocks.iter().map(|block| {
        sdk::VpcCidrBlockAssociation::builder()
            .cidr_block(block.to_string())
            .cidr_block_state(associated.clone())
            .build()
    });
    sdk::Vpc::builder()
        .vpc_id(vpc.id.as_str())
        .owner_id(&vpc.owner_id)
        .set_cidr_block(vpc.cidr_blocks.first().map(ToString::to_string))
        .set_cidr_block_association_set(Some(blocks.collect()))
        .set_dhcp_options_id(vpc.dhcp_options_id.as_ref().map(|id| id.as_str().to_owned()))
        .is_default(vpc.is_default)
        .build()
}

fn dhcp(options: &own::DhcpOptions) -> sdk::DhcpOptions {
    let values = options.domain_name_servers.iter().map(|server| sdk::AttributeValue::builder().value(server).build());
    let servers =
        sdk::DhcpConfiguration::builder().key("domain-name-servers").set_values(Some(values.collect())).build();
    let domain = sdk::AttributeValue::builder().value("eu-west-1.compute.internal").build();
    let domain = sdk::DhcpConfiguration::builder().key("domain-name").values(domain).build();
    let builder = sdk::DhcpOptions::builder().dhcp_options_id(options.id.as_str());
    builder.dhcp_configurations(domain).dhcp_configurations(servers).build()
}

fn subnet(subnet: &own::Subnet) -> sdk::Subnet {
    sdk::Subnet::builder()
        .subnet_id(subnet.id.as_str())
        .vpc_id(subnet.vpc_id.as_str())
        .owner_id(&subnet.owner_id)
        .availability_zone(&subnet.availability_zone)
        .availability_zone_id(&subnet.availability_zone_id)
        .set_cidr_block(subnet.cidr_block.map(|block| block.to_string()))
        .available_ip_address_count(subnet.available_ip_address_count)
        .map_public_ip_on_launch(subnet.map_public_ip_on_launch)
        .ipv6_native(subnet.ipv6_native)
        .build()
}

fn route_table(table: &own::RouteTable) -> sdk::RouteTable {
    let explicit = table
        .subnets
        .iter()
        .map(|subnet| sdk::RouteTableAssociation::builder().main(false).subnet_id(subnet.as_str()).build());
    let main = table.main.then(|| sdk::RouteTableAssociation::builder().main(true).build());
    sdk::RouteTable::builder()
        .route_table_id(table.id.as_str())
        .vpc_id(table.vpc_id.as_str())
        .owner_id(&table.owner_id)
        .set_associations(Some(explicit.chain(main).collect()))
        .set_routes(Some(table.routes.iter().map(route).collect()))
        .build()
}

fn route(route: &own::Route) -> sdk::Route {
    use own::RouteTarget as T;
    let origin = if route.propagated { "EnableVgwRoutePropagation" } else { "CreateRoute" };
    let builder = sdk::Route::builder().state(sdk::RouteState::from(route.state.as_str())).origin(origin.into());
    let builder = match &route.destination {
        own::RouteDestination::Cidr(IpNet::V4(block)) => builder.destination_cidr_block(block.to_string()),
        own::RouteDestination::Cidr(IpNet::V6(block)) => builder.destination_ipv6_cidr_block(block.to_string()),
        own::RouteDestination::PrefixList(id) => builder.destination_prefix_list_id(id.as_str()),
    };
    match &route.target {
        T::Local => builder.gateway_id("local"),
        T::InternetGateway(id) => builder.gateway_id(id.as_str()),
        T::EgressOnlyInternetGateway(id) => builder.egress_only_internet_gateway_id(id.as_str()),
        T::NatGateway(id) => builder.nat_gateway_id(id.as_str()),
        T::VpcEndpoint(id) => builder.gateway_id(id.as_str()),
        T::TransitGateway(id) => builder.transit_gateway_id(id),
        T::VirtualPrivateGateway(id) => builder.gateway_id(id),
        T::VpcPeeringConnection(id) => builder.vpc_peering_connection_id(id),
        T::NetworkInterface(id) => builder.network_interface_id(id.as_str()),
        T::Instance(id) => builder.instance_id(id.as_str()).network_interface_id("eni-of-the-instance"),
        T::CoreNetwork(arn) => builder.core_network_arn(arn),
        T::LocalGateway(id) => builder.local_gateway_id(id),
        T::CarrierGateway(id) => builder.carrier_gateway_id(id),
        T::Other(_) => builder,
    }
    .build()
}

fn nat_gateway(nat: &own::NatGateway) -> sdk::NatGateway {
    let addresses = nat.public_ips.iter().map(|ip| sdk::NatGatewayAddress::builder().public_ip(ip).build());
    sdk::NatGateway::builder()
        .nat_gateway_id(nat.id.as_str())
        .vpc_id(nat.vpc_id.as_str())
        .set_subnet_id(nat.subnet_id.as_ref().map(|id| id.as_str().to_owned()))
        .state(sdk::NatGatewayState::from(nat.state.as_str()))
        .connectivity_type(sdk::ConnectivityType::from(nat.connectivity_type.as_str()))
        .availability_mode(sdk::AvailabilityMode::from(nat.availability_mode.as_str()))
        .set_nat_gateway_addresses(Some(addresses.collect()))
        .build()
}

fn internet_gateway(gateway: &own::InternetGateway) -> sdk::InternetGateway {
    let attachments = gateway
        .attached_vpcs
        .iter()
        .map(|vpc| sdk::InternetGatewayAttachment::builder().vpc_id(vpc.as_str()).state("available".into()).build());
    let builder = sdk::InternetGateway::builder().internet_gateway_id(gateway.id.as_str());
    builder.set_attachments(Some(attachments.collect())).build()
}

fn vpc_endpoint(endpoint: &own::VpcEndpoint) -> sdk::VpcEndpoint {
    let groups = endpoint
        .security_group_ids
        .iter()
        .map(|id| sdk::SecurityGroupIdentifier::builder().group_id(id.as_str()).build());
    sdk::VpcEndpoint::builder()
        .vpc_endpoint_id(endpoint.id.as_str())
        .vpc_id(endpoint.vpc_id.as_str())
        .owner_id(&endpoint.owner_id)
        .vpc_endpoint_type(sdk::VpcEndpointType::from(endpoint.endpoint_type.as_str()))
        .service_name(&endpoint.service_name)
        .set_service_region(endpoint.service_region.clone())
        .state(sdk::State::from(endpoint.state.as_str()))
        .private_dns_enabled(endpoint.private_dns_enabled)
        .set_subnet_ids(strings(&endpoint.subnet_ids))
        .set_network_interface_ids(strings(&endpoint.network_interface_ids))
        .set_route_table_ids(strings(&endpoint.route_table_ids))
        .set_groups(Some(groups.collect()))
        .set_policy_document(endpoint.policy_document.clone())
        .build()
}

fn prefix_list(list: &own::PrefixList) -> sdk::ManagedPrefixList {
    sdk::ManagedPrefixList::builder()
        .prefix_list_id(list.id.as_str())
        .prefix_list_name(&list.name)
        .owner_id(&list.owner_id)
        .address_family(&list.address_family)
        .set_max_entries(list.max_entries)
        .build()
}

fn exclusion((resource, mode): (&String, &String)) -> sdk::VpcBlockPublicAccessExclusion {
    sdk::VpcBlockPublicAccessExclusion::builder()
        .resource_arn(format!("arn:aws:ec2:eu-west-1:111122223333:vpc/{resource}"))
        .internet_gateway_exclusion_mode(sdk::InternetGatewayExclusionMode::from(mode.as_str()))
        .state(sdk::VpcBlockPublicAccessExclusionState::CreateComplete)
        .build()
}

fn instance(instance: &own::Instance) -> sdk::Instance {
    let placement = sdk::Placement::builder().availability_zone(&instance.availability_zone).build();
    let state = sdk::InstanceState::builder().name(sdk::InstanceStateName::from(instance.state.as_str())).build();
    let dns = instance
        .enable_resource_name_dns_a_record
        .map(|on| sdk::PrivateDnsNameOptionsResponse::builder().enable_resource_name_dns_a_record(on).build());
    sdk::Instance::builder()
        .instance_id(instance.id.as_str())
        .instance_type(sdk::InstanceType::from(instance.instance_type.as_str()))
        .state(state)
        .set_vpc_id(instance.vpc_id.as_ref().map(|id| id.as_str().to_owned()))
        .set_subnet_id(instance.subnet_id.as_ref().map(|id| id.as_str().to_owned()))
        .placement(placement)
        .set_private_ip_address(instance.private_ip_address.clone())
        .set_launch_time(instance.launch_time.map(|time| DateTime::from_secs(time.as_second())))
        .set_platform_details(instance.platform_details.clone())
        .set_private_dns_name_options(dns)
        .set_metadata_options(instance.metadata_options.as_ref().map(metadata_options))
        .set_iam_instance_profile(
            instance
                .iam_instance_profile_arn
                .as_ref()
                .map(|arn| sdk::IamInstanceProfile::builder().arn(arn.as_str()).build()),
        )
        .set_network_interfaces(Some(instance.network_interfaces.iter().map(interface).collect()))
        .build()
}

fn metadata_options(options: &own::InstanceMetadataOptions) -> sdk::InstanceMetadataOptionsResponse {
    sdk::InstanceMetadataOptionsResponse::builder()
        .set_http_tokens(options.http_tokens.as_deref().map(Into::into))
        .set_http_put_response_hop_limit(options.http_put_response_hop_limit)
        .set_http_endpoint(options.http_endpoint.as_deref().map(Into::into))
        .build()
}

fn interface(interface: &own::InstanceNetworkInterface) -> sdk::InstanceNetworkInterface {
    let attachment = sdk::InstanceNetworkInterfaceAttachment::builder()
        .device_index(interface.device_index)
        .network_card_index(interface.network_card_index)
        .build();
    let groups =
        interface.security_group_ids.iter().map(|id| sdk::GroupIdentifier::builder().group_id(id.as_str()).build());
    let ips = interface
        .private_ips
        .iter()
        .map(|ip| sdk::InstancePrivateIpAddress::builder().private_ip_address(ip.as_str()).build());
    let public = interface
        .public_ip
        .as_ref()
        .map(|ip| sdk::InstanceNetworkInterfaceAssociation::builder().public_ip(ip).build());
    sdk::InstanceNetworkInterface::builder()
        .network_interface_id(interface.id.as_str())
        .interface_type(&interface.interface_type)
        .description(&interface.description)
        .attachment(attachment)
        .set_subnet_id(interface.subnet_id.as_ref().map(|id| id.as_str().to_owned()))
        .set_groups(Some(groups.collect()))
        .set_private_ip_addresses(Some(ips.collect()))
        .set_association(public)
        .build()
}

fn instance_type(kind: &own::InstanceType) -> sdk::InstanceTypeInfo {
    let network = sdk::NetworkInfo::builder()
        .maximum_network_interfaces(kind.maximum_network_interfaces)
        .maximum_network_cards(kind.maximum_network_cards)
        .ipv4_addresses_per_interface(kind.ipv4_addresses_per_interface)
        .build();
    sdk::InstanceTypeInfo::builder()
        .instance_type(sdk::InstanceType::from(kind.name.as_str()))
        .network_info(network)
        .v_cpu_info(sdk::VCpuInfo::builder().default_v_cpus(kind.default_vcpus).build())
        .memory_info(sdk::MemoryInfo::builder().size_in_mib(kind.memory_mib).build())
        .build()
}
