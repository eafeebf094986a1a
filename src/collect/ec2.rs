//! Amazon EC2: the network of the Region in full pages, and the instances behind the clusters.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, VpcAttributeName};

use super::ec2_convert as convert;
use super::ecs::sorted;
use super::plan::{self, Reader, after, dependency, each, gather, whole};
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::ids::{PrefixListId, SubnetId, VpcId};
use crate::snapshot::vpc::{
    BlockPublicAccess, DhcpOptions, FlowLog, Instance, InstanceType, InternetGateway, NatGateway, NetworkAcl,
    NetworkInterface, PrefixList, RouteDestination, RouteTable, SecurityGroup, Subnet, Vpc, VpcDnsAttributes,
    VpcEndpoint,
};

const PAGE: i32 = 1000;
const SMALL_PAGE: i32 = 100;
const EGRESS_ONLY_PAGE: i32 = 255;
/// EC2 takes up to 200 values in a filter.
const FILTER_VALUES: usize = 200;

/// What is read for the Region as a whole.
pub(super) struct Network {
    vpcs: Fetched<Vpc>,
    dhcp_options: Fetched<DhcpOptions>,
    subnets: Fetched<Subnet>,
    route_tables: Fetched<RouteTable>,
    nat_gateways: Fetched<NatGateway>,
    internet_gateways: Fetched<InternetGateway>,
    egress_only_internet_gateways: Fetched<InternetGateway>,
    vpc_endpoints: Fetched<VpcEndpoint>,
    security_groups: Fetched<SecurityGroup>,
    network_acls: Fetched<NetworkAcl>,
    network_interfaces: Fetched<NetworkInterface>,
    flow_logs: Fetched<FlowLog>,
    block_public_access: Fetched<BlockPublicAccess>,
}

impl Network {
    pub(super) fn store(self, data: &mut TargetData) {
        data.vpcs = self.vpcs;
        data.dhcp_options = self.dhcp_options;
        data.subnets = self.subnets;
        data.route_tables = self.route_tables;
        data.nat_gateways = self.nat_gateways;
        data.internet_gateways = self.internet_gateways;
        data.egress_only_internet_gateways = self.egress_only_internet_gateways;
        data.vpc_endpoints = self.vpc_endpoints;
        data.security_groups = self.security_groups;
        data.network_acls = self.network_acls;
        data.network_interfaces = self.network_interfaces;
        data.flow_logs = self.flow_logs;
        data.block_public_access = self.block_public_access;
    }
}

/// Reads all pages of a Describe call of the whole Region.
macro_rules! region_wide {
    ($reader:expr, $operation:ident, $output:ident, $api:literal, $page:expr, $items:ident, $convert:expr, $key:expr) => {{
        let client = &$reader.clients.ec2;
        let request = |token| client.$operation().max_results($page).set_next_token(token).send();
        let take = |page: aws_sdk_ec2::operation::$operation::$output| {
            (page.$items.unwrap_or_default().into_iter().map($convert).collect::<Vec<_>>(), page.next_token)
        };
        whole($reader.caller.pages($api, &[], request, take).await, $key)
    }};
}

pub(super) async fn read(r: &Reader) -> Network {
    let (vpcs, dhcp_options, subnets, route_tables, nat_gateways, internet_gateways, egress_only_internet_gateways) = tokio::join!(
        r.read(Dataset::Vpcs, async {
            region_wide!(r, describe_vpcs, DescribeVpcsOutput, "ec2:DescribeVpcs", PAGE, vpcs, convert::vpc, |v| v
                .id
                .clone())
        }),
        r.read(Dataset::DhcpOptions, async {
            region_wide!(
                r,
                describe_dhcp_options,
                DescribeDhcpOptionsOutput,
                "ec2:DescribeDhcpOptions",
                PAGE,
                dhcp_options,
                convert::dhcp_options,
                |d| d.id.clone()
            )
        }),
        r.read(Dataset::Subnets, async {
            region_wide!(
                r,
                describe_subnets,
                DescribeSubnetsOutput,
                "ec2:DescribeSubnets",
                PAGE,
                subnets,
                convert::subnet,
                |s| s.id.clone()
            )
        }),
        r.read(Dataset::RouteTables, async {
            region_wide!(
                r,
                describe_route_tables,
                DescribeRouteTablesOutput,
                "ec2:DescribeRouteTables",
                SMALL_PAGE,
                route_tables,
                convert::route_table,
                |t| t.id.clone()
            )
        }),
        r.read(Dataset::NatGateways, async {
            region_wide!(
                r,
                describe_nat_gateways,
                DescribeNatGatewaysOutput,
                "ec2:DescribeNatGateways",
                PAGE,
                nat_gateways,
                convert::nat_gateway,
                |n| n.id.clone()
            )
        }),
        r.read(Dataset::InternetGateways, async {
            region_wide!(
                r,
                describe_internet_gateways,
                DescribeInternetGatewaysOutput,
                "ec2:DescribeInternetGateways",
                PAGE,
                internet_gateways,
                convert::internet_gateway,
                |g| g.id.clone()
            )
        }),
        r.read(Dataset::EgressOnlyInternetGateways, async {
            region_wide!(
                r,
                describe_egress_only_internet_gateways,
                DescribeEgressOnlyInternetGatewaysOutput,
                "ec2:DescribeEgressOnlyInternetGateways",
                EGRESS_ONLY_PAGE,
                egress_only_internet_gateways,
                convert::egress_only_internet_gateway,
                |g| g.id.clone()
            )
        }),
    );
    let (vpc_endpoints, security_groups, network_acls, network_interfaces, flow_logs, block_public_access) = tokio::join!(
        r.read(Dataset::VpcEndpoints, async {
            region_wide!(
                r,
                describe_vpc_endpoints,
                DescribeVpcEndpointsOutput,
                "ec2:DescribeVpcEndpoints",
                PAGE,
                vpc_endpoints,
                convert::vpc_endpoint,
                |e| e.id.clone()
            )
        }),
        r.read(Dataset::SecurityGroups, async {
            region_wide!(
                r,
                describe_security_groups,
                DescribeSecurityGroupsOutput,
                "ec2:DescribeSecurityGroups",
                PAGE,
                security_groups,
                convert::security_group,
                |g| g.id.clone()
            )
        }),
        r.read(Dataset::NetworkAcls, async {
            region_wide!(
                r,
                describe_network_acls,
                DescribeNetworkAclsOutput,
                "ec2:DescribeNetworkAcls",
                PAGE,
                network_acls,
                convert::network_acl,
                |a| a.id.clone()
            )
        }),
        r.read(Dataset::NetworkInterfaces, async {
            region_wide!(
                r,
                describe_network_interfaces,
                DescribeNetworkInterfacesOutput,
                "ec2:DescribeNetworkInterfaces",
                PAGE,
                network_interfaces,
                convert::network_interface,
                |i| i.id.clone()
            )
        }),
        r.read(Dataset::FlowLogs, async {
            region_wide!(
                r,
                describe_flow_logs,
                DescribeFlowLogsOutput,
                "ec2:DescribeFlowLogs",
                PAGE,
                flow_logs,
                convert::flow_log,
                |l| l.id.clone()
            )
        }),
        r.read(Dataset::BlockPublicAccess, block_public_access(r)),
    );
    Network {
        vpcs,
        dhcp_options,
        subnets,
        route_tables,
        nat_gateways,
        internet_gateways,
        egress_only_internet_gateways,
        vpc_endpoints,
        security_groups,
        network_acls,
        network_interfaces,
        flow_logs,
        block_public_access,
    }
}

/// The mode, and the exclusions if there is anything to be excluded from.
async fn block_public_access(reader: &Reader) -> Fetched<BlockPublicAccess> {
    let client = &reader.clients.ec2;
    let request = client.describe_vpc_block_public_access_options().send();
    let answer = match reader.caller.send("ec2:DescribeVpcBlockPublicAccessOptions", &[], request).await {
        Ok(answer) => answer,
        Err(failure) => return Fetched::Unavailable { failure },
    };
    let options = answer.vpc_block_public_access_options;
    let mode = options.and_then(|options| options.internet_gateway_block_mode);
    let mode = mode.map_or_else(|| "off".to_owned(), |mode| mode.as_str().to_owned());
    let mut access = BlockPublicAccess { internet_gateway_block_mode: mode, exclusions: Default::default() };
    if access.internet_gateway_block_mode == "off" {
        return Fetched::complete(vec![access]);
    }
    let request =
        |token| client.describe_vpc_block_public_access_exclusions().max_results(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_ec2::operation::describe_vpc_block_public_access_exclusions::DescribeVpcBlockPublicAccessExclusionsOutput| {
        let exclusions = page.vpc_block_public_access_exclusions.unwrap_or_default();
        (exclusions.into_iter().filter_map(convert::exclusion).collect::<Vec<_>>(), page.next_token)
    };
    let (exclusions, failure) =
        reader.caller.pages("ec2:DescribeVpcBlockPublicAccessExclusions", &[], request, take).await;
    match failure {
        // A mode without its exclusions says nothing of any one VPC.
        Some(failure) => Fetched::Unavailable { failure },
        None => {
            access.exclusions.extend(exclusions);
            Fetched::complete(vec![access])
        }
    }
}

/// The EC2 instances of the container instances, and the limits of their types.
pub(super) async fn hosts(reader: &Reader, data: &TargetData) -> (Fetched<Instance>, Fetched<InstanceType>) {
    let ids: BTreeSet<String> = data
        .container_instances
        .items()
        .iter()
        .filter_map(|instance| instance.ec2_instance_id.as_ref())
        .map(|id| id.as_str().to_owned())
        .filter(|id| id.starts_with("i-"))
        .collect();
    let inherited = dependency(data, Dataset::Instances);
    let instances = reader.read(Dataset::Instances, after(inherited, || instances(reader, ids))).await;
    let mut types: BTreeSet<String> = instances.items().iter().map(|instance| instance.instance_type.clone()).collect();
    let registered = data.container_instances.items().iter().filter_map(|i| i.attributes.get("ecs.instance-type"));
    types.extend(registered.flatten().cloned());
    let failed = instances.failures().iter().chain(data.container_instances.failures()).take(1);
    let inherited: Vec<Failure> =
        failed.map(|failure| plan::passed_on(Dataset::InstanceTypes, Dataset::Instances, failure)).collect();
    let types = reader.read(Dataset::InstanceTypes, after(inherited, || instance_types(reader, types))).await;
    (instances, types)
}

/// By filter and not by id: an id that is gone would fail the whole call.
async fn instances(reader: &Reader, ids: BTreeSet<String>) -> Fetched<Instance> {
    let ids: Vec<String> = ids.into_iter().collect();
    let batches = ids.chunks(FILTER_VALUES).map(<[String]>::to_vec).collect();
    let parts = each(batches, |batch| describe_instances(reader.clone(), batch)).await;
    sorted(gather(parts), |instance| instance.id.clone())
}

async fn describe_instances(reader: Reader, ids: Vec<String>) -> (Vec<Instance>, Option<Failure>) {
    let client = &reader.clients.ec2;
    let affected: Vec<&str> = ids.iter().map(String::as_str).collect();
    let filter = Filter::builder().name("instance-id").set_values(Some(ids.clone())).build();
    let request =
        |token| client.describe_instances().filters(filter.clone()).max_results(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_ec2::operation::describe_instances::DescribeInstancesOutput| {
        let reservations = page.reservations.unwrap_or_default().into_iter();
        let instances = reservations.flat_map(|reservation| reservation.instances.unwrap_or_default());
        (instances.map(convert::instance).collect(), page.next_token)
    };
    reader.caller.pages("ec2:DescribeInstances", &affected, request, take).await
}

/// By filter too: a type that the Region doesn't know would fail the whole call.
async fn instance_types(reader: &Reader, types: BTreeSet<String>) -> Fetched<InstanceType> {
    let types: Vec<String> = types.into_iter().collect();
    let batches = types.chunks(FILTER_VALUES).map(<[String]>::to_vec).collect();
    let parts = each(batches, |batch| describe_instance_types(reader.clone(), batch)).await;
    sorted(gather(parts), |kind| kind.name.clone())
}

async fn describe_instance_types(reader: Reader, types: Vec<String>) -> (Vec<InstanceType>, Option<Failure>) {
    let client = &reader.clients.ec2;
    let affected: Vec<&str> = types.iter().map(String::as_str).collect();
    let filter = Filter::builder().name("instance-type").set_values(Some(types.clone())).build();
    let request = |token| {
        client.describe_instance_types().filters(filter.clone()).max_results(SMALL_PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_ec2::operation::describe_instance_types::DescribeInstanceTypesOutput| {
        (page.instance_types.unwrap_or_default().into_iter().map(convert::instance_type).collect(), page.next_token)
    };
    let (mut found, failure) = reader.caller.pages("ec2:DescribeInstanceTypes", &affected, request, take).await;
    // A stand-in that ignores the filter answers with every type there is.
    found.retain(|kind: &InstanceType| types.contains(&kind.name));
    (found, failure)
}

/// VPCs that workloads have or may get an interface in.
pub(super) fn workload_vpcs(data: &TargetData) -> BTreeSet<VpcId> {
    let mut subnets: BTreeSet<&SubnetId> = BTreeSet::new();
    for service in data.services.items() {
        let networks = service.network_configuration.iter();
        let networks = networks.chain(service.deployments.iter().filter_map(|d| d.network_configuration.as_ref()));
        let networks = networks.chain(service.task_sets.iter().filter_map(|set| set.network_configuration.as_ref()));
        subnets.extend(networks.flat_map(|network| &network.subnets));
    }
    let scheduled = data.scheduled_targets().filter_map(|target| target.network_configuration.as_ref());
    subnets.extend(scheduled.flat_map(|network| &network.subnets));
    let interfaces = data.tasks.items().iter().filter_map(|task| task.network_interface.as_ref());
    subnets.extend(interfaces.filter_map(|interface| interface.subnet_id.as_ref()));
    subnets.extend(data.instances.items().iter().filter_map(|instance| instance.subnet_id.as_ref()));
    subnets.extend(data.auto_scaling_groups.items().iter().flat_map(|group| &group.subnets));
    let known = data.subnets.items().iter().filter(|subnet| subnets.contains(&subnet.id));
    known.map(|subnet| subnet.vpc_id.clone()).collect()
}

pub(super) async fn vpc_dns_attributes(reader: &Reader, vpcs: BTreeSet<VpcId>) -> Fetched<VpcDnsAttributes> {
    let parts = each(vpcs.into_iter().collect(), |vpc| attributes_of(reader.clone(), vpc)).await;
    sorted(gather(parts), |attributes| attributes.vpc_id.clone())
}

async fn attributes_of(reader: Reader, vpc: VpcId) -> (Vec<VpcDnsAttributes>, Option<Failure>) {
    let (support, hostnames) = tokio::join!(
        attribute(&reader, &vpc, VpcAttributeName::EnableDnsSupport),
        attribute(&reader, &vpc, VpcAttributeName::EnableDnsHostnames),
    );
    match (support, hostnames) {
        (Ok(enable_dns_support), Ok(enable_dns_hostnames)) => {
            (vec![VpcDnsAttributes { vpc_id: vpc, enable_dns_support, enable_dns_hostnames }], None)
        }
        (Err(failure), _) | (_, Err(failure)) => (Vec::new(), Some(failure)),
    }
}

async fn attribute(reader: &Reader, vpc: &VpcId, name: VpcAttributeName) -> Result<bool, Failure> {
    let request = reader.clients.ec2.describe_vpc_attribute().vpc_id(vpc.as_str()).attribute(name.clone()).send();
    let answer = reader.caller.send("ec2:DescribeVpcAttribute", &[vpc.as_str()], request).await?;
    let value = if name == VpcAttributeName::EnableDnsSupport {
        answer.enable_dns_support
    } else {
        answer.enable_dns_hostnames
    };
    Ok(value.and_then(|attribute| attribute.value).unwrap_or(false))
}

/// Lists that something names: routes, those of gateway endpoints too, since groups are judged against their entries,
/// and rules of security groups.
pub(super) fn named_prefix_lists(data: &TargetData) -> BTreeSet<PrefixListId> {
    let routes = data.route_tables.items().iter().flat_map(|table| &table.routes);
    let routed = routes.filter_map(|route| match &route.destination {
        RouteDestination::PrefixList(id) => Some(id),
        RouteDestination::Cidr(_) => None,
    });
    let groups = data.security_groups.items().iter();
    let permissions = groups.flat_map(|group| group.ingress.iter().chain(&group.egress));
    routed.chain(permissions.flat_map(|permission| &permission.prefix_lists)).cloned().collect()
}

pub(super) async fn prefix_lists(reader: &Reader, named: BTreeSet<PrefixListId>) -> Fetched<PrefixList> {
    if named.is_empty() {
        return Fetched::complete(Vec::new());
    }
    let lists: Fetched<PrefixList> = region_wide!(
        reader,
        describe_managed_prefix_lists,
        DescribeManagedPrefixListsOutput,
        "ec2:DescribeManagedPrefixLists",
        SMALL_PAGE,
        prefix_lists,
        convert::prefix_list,
        |list: &PrefixList| list.id.clone()
    );
    let failures = lists.failures().to_vec();
    let parts = each(lists.items().to_vec(), |list| {
        let (reader, named) = (reader.clone(), named.contains(&list.id));
        async move { if named { with_entries(reader, list).await } else { (vec![list], None) } }
    })
    .await;
    let (mut items, mut all) = (Vec::new(), failures);
    for (list, failure) in parts {
        items.extend(list);
        all.extend(failure);
    }
    Fetched::from_parts(items, all)
}

async fn with_entries(reader: Reader, mut list: PrefixList) -> (Vec<PrefixList>, Option<Failure>) {
    let client = &reader.clients.ec2;
    let request = |token| {
        let get = client.get_managed_prefix_list_entries().prefix_list_id(list.id.as_str());
        get.max_results(SMALL_PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_ec2::operation::get_managed_prefix_list_entries::GetManagedPrefixListEntriesOutput| {
        let entries = page.entries.unwrap_or_default().into_iter();
        (entries.filter_map(|entry| super::convert::block(entry.cidr.as_deref())).collect(), page.next_token)
    };
    let affected = [list.id.as_str()];
    let (entries, failure) = reader.caller.pages("ec2:GetManagedPrefixListEntries", &affected, request, take).await;
    if failure.is_none() {
        list.entries = Some(entries);
    }
    (vec![list], failure)
}
