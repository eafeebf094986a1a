//! Amazon EC2: the network of the Region in full pages, and the instances behind the clusters.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, VpcAttributeName};

use super::convert::Tight;
use super::ec2_convert as convert;
use super::ecs::sorted;
use super::plan::{Reader, each, gather, whole};
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::ids::{PrefixListId, SubnetId, VpcId};
use crate::snapshot::vpc::{BlockPublicAccess, Instance, InstanceType, PrefixList, RouteDestination, VpcDnsAttributes};

const PAGE: i32 = 1000;
const SMALL_PAGE: i32 = 100;
const EGRESS_ONLY_PAGE: i32 = 255;
/// EC2 takes up to 200 values in a filter.
const FILTER_VALUES: usize = 200;

/// Reads all pages of a Describe call of the whole Region.
macro_rules! region_wide {
    ($reader:expr, $operation:ident, $output:ident, $api:literal, $page:expr, $items:ident, $convert:expr, $order:expr) => {{
        let client = &$reader.clients.ec2;
        let request = |token| client.$operation().max_results($page).set_next_token(token).send();
        let take = |page: aws_sdk_ec2::operation::$operation::$output| {
            (page.$items.unwrap_or_default().into_iter().map($convert).tight(), page.next_token)
        };
        whole($reader.caller.pages($api, &[], request, take).await, $order)
    }};
}

/// A dataset that one paged call of the Region reads, sorted by id.
macro_rules! whole_region {
    ($r:expr, $dataset:ident, $field:ident, $operation:ident, $output:ident, $api:literal, $page:expr, $items:ident, $convert:expr) => {
        $r.read(Dataset::$dataset, |data| &mut data.$field, async {
            region_wide!($r, $operation, $output, $api, $page, $items, $convert, |a, b| a.id.cmp(&b.id))
        })
    };
}

/// What is read for the Region as a whole.
pub(super) async fn read(r: &Reader) {
    tokio::join!(
        whole_region!(r, Vpcs, vpcs, describe_vpcs, DescribeVpcsOutput, "ec2:DescribeVpcs", PAGE, vpcs, convert::vpc),
        whole_region!(
            r,
            DhcpOptions,
            dhcp_options,
            describe_dhcp_options,
            DescribeDhcpOptionsOutput,
            "ec2:DescribeDhcpOptions",
            PAGE,
            dhcp_options,
            convert::dhcp_options
        ),
        whole_region!(
            r,
            Subnets,
            subnets,
            describe_subnets,
            DescribeSubnetsOutput,
            "ec2:DescribeSubnets",
            PAGE,
            subnets,
            convert::subnet
        ),
        whole_region!(
            r,
            RouteTables,
            route_tables,
            describe_route_tables,
            DescribeRouteTablesOutput,
            "ec2:DescribeRouteTables",
            SMALL_PAGE,
            route_tables,
            convert::route_table
        ),
        whole_region!(
            r,
            NatGateways,
            nat_gateways,
            describe_nat_gateways,
            DescribeNatGatewaysOutput,
            "ec2:DescribeNatGateways",
            PAGE,
            nat_gateways,
            convert::nat_gateway
        ),
        whole_region!(
            r,
            InternetGateways,
            internet_gateways,
            describe_internet_gateways,
            DescribeInternetGatewaysOutput,
            "ec2:DescribeInternetGateways",
            PAGE,
            internet_gateways,
            convert::internet_gateway
        ),
        whole_region!(
            r,
            EgressOnlyInternetGateways,
            egress_only_internet_gateways,
            describe_egress_only_internet_gateways,
            DescribeEgressOnlyInternetGatewaysOutput,
            "ec2:DescribeEgressOnlyInternetGateways",
            EGRESS_ONLY_PAGE,
            egress_only_internet_gateways,
            convert::egress_only_internet_gateway
        ),
        whole_region!(
            r,
            VpcEndpoints,
            vpc_endpoints,
            describe_vpc_endpoints,
            DescribeVpcEndpointsOutput,
            "ec2:DescribeVpcEndpoints",
            PAGE,
            vpc_endpoints,
            convert::vpc_endpoint
        ),
        whole_region!(
            r,
            SecurityGroups,
            security_groups,
            describe_security_groups,
            DescribeSecurityGroupsOutput,
            "ec2:DescribeSecurityGroups",
            PAGE,
            security_groups,
            convert::security_group
        ),
        whole_region!(
            r,
            NetworkAcls,
            network_acls,
            describe_network_acls,
            DescribeNetworkAclsOutput,
            "ec2:DescribeNetworkAcls",
            PAGE,
            network_acls,
            convert::network_acl
        ),
        whole_region!(
            r,
            NetworkInterfaces,
            network_interfaces,
            describe_network_interfaces,
            DescribeNetworkInterfacesOutput,
            "ec2:DescribeNetworkInterfaces",
            PAGE,
            network_interfaces,
            convert::network_interface
        ),
        whole_region!(
            r,
            FlowLogs,
            flow_logs,
            describe_flow_logs,
            DescribeFlowLogsOutput,
            "ec2:DescribeFlowLogs",
            PAGE,
            flow_logs,
            convert::flow_log
        ),
        r.read(Dataset::BlockPublicAccess, |data| &mut data.block_public_access, block_public_access(r)),
    );
}

/// What hangs on the workloads: their hosts, the DNS settings of their VPCs, and the prefix lists that routes and rules name.
pub(super) async fn read_derived(reader: &Reader) {
    tokio::join!(
        reader.derive(Dataset::Instances, |data| &mut data.instances, host_ids, |ids| instances(reader, ids)),
        reader.derive(
            Dataset::InstanceTypes,
            |data| &mut data.instance_types,
            host_types,
            |types| instance_types(reader, types)
        ),
        reader.derive(
            Dataset::VpcDnsAttributes,
            |data| &mut data.vpc_dns_attributes,
            workload_vpcs,
            |vpcs| vpc_dns_attributes(reader, vpcs)
        ),
        reader.derive(
            Dataset::PrefixLists,
            |data| &mut data.prefix_lists,
            named_prefix_lists,
            |named| prefix_lists(reader, named)
        ),
    );
}

/// The mode, and the exclusions if there is anything to be excluded from.
async fn block_public_access(reader: &Reader) -> Fetched<BlockPublicAccess> {
    let client = &reader.clients.ec2;
    let request = client.describe_vpc_block_public_access_options();
    let answer =
        match reader.caller.send("ec2:DescribeVpcBlockPublicAccessOptions", &[], || request.clone().send()).await {
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

/// The EC2 instances of the container instances.
fn host_ids(data: &TargetData) -> BTreeSet<String> {
    let hosts = data.container_instances.items().iter().filter_map(|instance| instance.ec2_instance_id.as_ref());
    hosts.map(|id| id.as_str().to_owned()).filter(|id| id.starts_with("i-")).collect()
}

fn host_types(data: &TargetData) -> BTreeSet<String> {
    let instances = data.instances.items().iter().map(|instance| instance.instance_type.clone());
    let registered = data.container_instances.items().iter().filter_map(|i| i.attributes.get("ecs.instance-type"));
    instances.chain(registered.flatten().cloned()).collect()
}

/// By filter and not by id: an id that is gone would fail the whole call.
async fn instances(reader: &Reader, ids: BTreeSet<String>) -> Fetched<Instance> {
    let ids: Vec<String> = ids.into_iter().collect();
    let batches = ids.chunks(FILTER_VALUES).map(<[String]>::to_vec).collect();
    let parts = each(batches, |batch| describe_instances(reader.clone(), batch)).await;
    sorted(gather(parts), |a, b| a.id.cmp(&b.id))
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
        (instances.map(convert::instance).tight(), page.next_token)
    };
    reader.caller.pages("ec2:DescribeInstances", &affected, request, take).await
}

/// By filter too: a type that the Region doesn't know would fail the whole call.
async fn instance_types(reader: &Reader, types: BTreeSet<String>) -> Fetched<InstanceType> {
    let types: Vec<String> = types.into_iter().collect();
    let batches = types.chunks(FILTER_VALUES).map(<[String]>::to_vec).collect();
    let parts = each(batches, |batch| describe_instance_types(reader.clone(), batch)).await;
    sorted(gather(parts), |a, b| a.name.cmp(&b.name))
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

async fn vpc_dns_attributes(reader: &Reader, vpcs: BTreeSet<VpcId>) -> Fetched<VpcDnsAttributes> {
    let parts = each(vpcs.into_iter().collect(), |vpc| attributes_of(reader.clone(), vpc)).await;
    sorted(gather(parts), |a, b| a.vpc_id.cmp(&b.vpc_id))
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
    let request = reader.clients.ec2.describe_vpc_attribute().vpc_id(vpc.as_str()).attribute(name.clone());
    let answer = reader.caller.send("ec2:DescribeVpcAttribute", &[vpc.as_str()], || request.clone().send()).await?;
    let value = if name == VpcAttributeName::EnableDnsSupport {
        answer.enable_dns_support
    } else {
        answer.enable_dns_hostnames
    };
    Ok(value.and_then(|attribute| attribute.value).unwrap_or(false))
}

/// Lists that something names: routes, those of gateway endpoints too, since groups are judged against their entries,
/// and rules of security groups.
fn named_prefix_lists(data: &TargetData) -> BTreeSet<PrefixListId> {
    let routes = data.route_tables.items().iter().flat_map(|table| &table.routes);
    let routed = routes.filter_map(|route| match &route.destination {
        RouteDestination::PrefixList(id) => Some(id),
        RouteDestination::Cidr(_) => None,
    });
    let groups = data.security_groups.items().iter();
    let permissions = groups.flat_map(|group| group.ingress.iter().chain(&group.egress));
    routed.chain(permissions.flat_map(|permission| &permission.prefix_lists)).cloned().collect()
}

async fn prefix_lists(reader: &Reader, named: BTreeSet<PrefixListId>) -> Fetched<PrefixList> {
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
        |a: &PrefixList, b: &PrefixList| a.id.cmp(&b.id)
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
