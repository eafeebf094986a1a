//! What was read of Amazon VPC, EC2 and Route 53. Field names are the API's; tags are not kept.

use std::collections::BTreeMap;

use compact_str::CompactString;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::enums::{
    AvailabilityMode, ConnectivityType, NatGatewayState, RouteState, VpcEndpointState, VpcEndpointType,
};
use super::ids::{
    DhcpOptionsId, InstanceId, InternetGatewayId, NatGatewayId, NetworkAclId, NetworkInterfaceId, PrefixListId,
    RouteTableId, SecurityGroupId, SubnetId, VpcEndpointId, VpcId,
};

/// A VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// `VpcId`.
    pub id: VpcId,
    /// `OwnerId`: another account's for a shared VPC.
    pub owner_id: String,
    /// All associated IPv4 blocks, the primary first.
    pub cidr_blocks: Vec<Ipv4Net>,
    /// All associated IPv6 blocks.
    pub ipv6_cidr_blocks: Vec<Ipv6Net>,
    /// `DhcpOptionsId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp_options_id: Option<DhcpOptionsId>,
    /// `IsDefault`.
    pub is_default: bool,
}

/// The two DNS attributes of a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct VpcDnsAttributes {
    pub vpc_id: VpcId,
    pub enable_dns_support: bool,
    pub enable_dns_hostnames: bool,
}

/// A DHCP options set: only its name servers matter here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpOptions {
    /// `DhcpOptionsId`.
    pub id: DhcpOptionsId,
    /// `domain-name-servers`; `AmazonProvidedDNS` is the VPC resolver.
    pub domain_name_servers: Vec<String>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Subnet {
    /// `SubnetId`.
    pub id: SubnetId,
    pub vpc_id: VpcId,
    pub owner_id: String,
    pub availability_zone: String,
    pub availability_zone_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<Ipv4Net>,
    pub ipv6_cidr_blocks: Vec<Ipv6Net>,
    pub available_ip_address_count: i32,
    pub map_public_ip_on_launch: bool,
    pub ipv6_native: bool,
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// `RouteTableId`.
    pub id: RouteTableId,
    /// `VpcId`.
    pub vpc_id: VpcId,
    /// `OwnerId`.
    pub owner_id: String,
    /// It is the main table of its VPC.
    pub main: bool,
    /// Subnets with an explicit association, sorted.
    pub subnets: Vec<SubnetId>,
    /// The routes as the API ordered them.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub destination: RouteDestination,
    /// By what.
    pub target: RouteTarget,
    /// `State`.
    pub state: RouteState,
    /// `Origin` is `EnableVgwRoutePropagation`: a static route of the same length wins.
    pub propagated: bool,
}

/// The destination of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteDestination {
    /// `DestinationCidrBlock` or `DestinationIpv6CidrBlock`.
    Cidr(IpNet),
    /// `DestinationPrefixListId`.
    PrefixList(PrefixListId),
}

/// The target of a route, whichever field of the API named it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type", content = "id")]
#[allow(missing_docs, reason = "the names are the API's")]
pub enum RouteTarget {
    Local,
    InternetGateway(InternetGatewayId),
    EgressOnlyInternetGateway(InternetGatewayId),
    NatGateway(NatGatewayId),
    /// A gateway endpoint, or a Gateway Load Balancer endpoint.
    VpcEndpoint(VpcEndpointId),
    TransitGateway(String),
    VirtualPrivateGateway(String),
    VpcPeeringConnection(String),
    NetworkInterface(NetworkInterfaceId),
    Instance(InstanceId),
    CoreNetwork(String),
    LocalGateway(String),
    CarrierGateway(String),
    /// A target of a kind that this version doesn't know, or none.
    Other(String),
}

/// A NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct NatGateway {
    /// `NatGatewayId`.
    pub id: NatGatewayId,
    pub vpc_id: VpcId,
    /// None for a regional NAT gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<SubnetId>,
    pub state: NatGatewayState,
    pub connectivity_type: ConnectivityType,
    pub availability_mode: AvailabilityMode,
    /// The route table of a regional NAT gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_table_id: Option<RouteTableId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_message: Option<String>,
    pub public_ips: Vec<String>,
}

/// An internet gateway, or an egress-only one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// `InternetGatewayId` or `EgressOnlyInternetGatewayId`.
    pub id: InternetGatewayId,
    /// VPCs with an attachment in state `available` or `attached`.
    pub attached_vpcs: Vec<VpcId>,
}

/// A VPC endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct VpcEndpoint {
    /// `VpcEndpointId`.
    pub id: VpcEndpointId,
    pub vpc_id: VpcId,
    pub owner_id: String,
    pub endpoint_type: VpcEndpointType,
    pub service_name: String,
    /// Set for a cross-Region endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_region: Option<String>,
    pub state: VpcEndpointState,
    pub private_dns_enabled: bool,
    /// `DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint`.
    pub private_dns_only_for_inbound_resolver: bool,
    pub subnet_ids: Vec<SubnetId>,
    pub route_table_ids: Vec<RouteTableId>,
    pub security_group_ids: Vec<SecurityGroupId>,
    pub network_interface_ids: Vec<NetworkInterfaceId>,
    /// The policy as AWS gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_document: Option<String>,
}

/// A security group with its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct SecurityGroup {
    /// `GroupId`.
    pub id: SecurityGroupId,
    pub name: String,
    pub vpc_id: VpcId,
    pub owner_id: String,
    pub ingress: Vec<IpPermission>,
    pub egress: Vec<IpPermission>,
}

/// A rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IpPermission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub ip_protocol: String,
    /// First port, or ICMP type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_port: Option<i32>,
    /// Last port, or ICMP code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_port: Option<i32>,
    /// `IpRanges` and `Ipv6Ranges`.
    pub cidrs: Vec<IpNet>,
    /// `PrefixListIds`.
    pub prefix_lists: Vec<PrefixListId>,
    /// `UserIdGroupPairs`.
    pub groups: Vec<GroupReference>,
}

/// A security group named by a rule of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct GroupReference {
    pub group_id: SecurityGroupId,
    /// The account of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<VpcId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_peering_connection_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peering_status: Option<String>,
}

/// A network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct NetworkAcl {
    /// `NetworkAclId`.
    pub id: NetworkAclId,
    pub vpc_id: VpcId,
    pub is_default: bool,
    pub subnets: Vec<SubnetId>,
    /// Sorted by direction and rule number.
    pub entries: Vec<NetworkAclEntry>,
}

/// An entry of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct NetworkAclEntry {
    pub rule_number: i32,
    pub egress: bool,
    /// A protocol number, `-1` for all.
    pub protocol: String,
    /// `RuleAction` is `allow`.
    pub allow: bool,
    pub cidr: IpNet,
    /// `PortRange`, first and last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_range: Option<(i32, i32)>,
    /// `IcmpTypeCode`, type and code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp_type_code: Option<(i32, i32)>,
}

/// A managed prefix list with its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct PrefixList {
    /// `PrefixListId`.
    pub id: PrefixListId,
    /// `com.amazonaws.eu-west-1.s3` for one of AWS.
    pub name: String,
    pub owner_id: String,
    pub address_family: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_entries: Option<i32>,
    /// None when the entries were not read: only lists that a route, group or rule names are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<IpNet>>,
}

/// An EC2 instance of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Instance {
    /// `InstanceId`.
    pub id: InstanceId,
    pub instance_type: String,
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<VpcId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<SubnetId>,
    pub availability_zone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_ip_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_time: Option<Timestamp>,
    /// `PlatformDetails`, `Windows` for instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_details: Option<String>,
    /// `PrivateDnsNameOptions.EnableResourceNameDnsARecord`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_resource_name_dns_a_record: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_options: Option<InstanceMetadataOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam_instance_profile_arn: Option<super::ids::Arn>,
    pub network_interfaces: Vec<InstanceNetworkInterface>,
}

/// `MetadataOptions` of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct InstanceMetadataOptions {
    /// `required` or `optional`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_tokens: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_put_response_hop_limit: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_endpoint: Option<String>,
}

/// A network interface as DescribeInstances shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct InstanceNetworkInterface {
    /// `NetworkInterfaceId`.
    pub id: NetworkInterfaceId,
    /// `interface`, `trunk`, `efa` …
    pub interface_type: String,
    pub description: String,
    pub device_index: i32,
    pub network_card_index: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<SubnetId>,
    pub security_group_ids: Vec<SecurityGroupId>,
    pub private_ips: Vec<CompactString>,
    /// `Association.PublicIp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<String>,
    pub ipv6_addresses: Vec<String>,
}

/// The limits of an instance type, from DescribeInstanceTypes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceType {
    /// `InstanceType`.
    pub name: String,
    /// `NetworkInfo.MaximumNetworkInterfaces`, all network cards together.
    pub maximum_network_interfaces: i32,
    /// `NetworkInfo.MaximumNetworkCards`.
    pub maximum_network_cards: i32,
    /// `NetworkInfo.Ipv4AddressesPerInterface`.
    pub ipv4_addresses_per_interface: i32,
    /// `VCpuInfo.DefaultVCpus`.
    pub default_vcpus: i32,
    /// `MemoryInfo.SizeInMiB`.
    pub memory_mib: i64,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct NetworkInterface {
    /// `NetworkInterfaceId`.
    pub id: NetworkInterfaceId,
    pub vpc_id: VpcId,
    pub subnet_id: SubnetId,
    pub availability_zone: CompactString,
    pub interface_type: CompactString,
    pub status: CompactString,
    pub description: CompactString,
    pub security_group_ids: Vec<SecurityGroupId>,
    pub private_ips: Vec<CompactString>,
    pub ipv6_addresses: Vec<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<CompactString>,
}

/// A flow log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowLog {
    /// `FlowLogId`.
    pub id: String,
    /// The VPC, subnet or ENI that it records.
    pub resource_id: String,
    /// `FlowLogStatus`, of which ACTIVE is the only value.
    pub status: String,
    /// `DeliverLogsStatus`: SUCCESS or FAILED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver_logs_status: Option<String>,
    /// `DeliverLogsErrorMessage`: `Access error`, `Rate limited` or `Unknown error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver_logs_error_message: Option<String>,
    /// `TrafficType`: ACCEPT, REJECT or ALL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_type: Option<String>,
}

/// VPC block public access of the account and Region: the options with the exclusions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockPublicAccess {
    /// `InternetGatewayBlockMode`: `off`, `block-bidirectional` or `block-ingress`.
    pub internet_gateway_block_mode: String,
    /// Excluded VPCs and subnets (id, or the last part of the ARN) with their mode, `allow-bidirectional` or `allow-egress`.
    pub exclusions: BTreeMap<String, String>,
}

/// The private hosted zones that answer in a VPC, whoever owns them. A VPC without an item was not asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VpcHostedZones {
    /// The VPC.
    pub vpc_id: VpcId,
    /// Its zones, sorted.
    pub zones: Vec<HostedZone>,
}

/// A private hosted zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostedZone {
    /// `HostedZoneId`.
    pub id: String,
    /// The name without its closing dot.
    pub name: String,
    /// `Owner.OwningAccount`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owning_account: Option<String>,
    /// `Owner.OwningService`: the zones that AWS makes for interface endpoints and EFS name a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owning_service: Option<String>,
}

/// A Route 53 Resolver rule associated with a VPC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResolverRule {
    /// The VPC it is associated with.
    pub vpc_id: VpcId,
    /// `ResolverRuleId`.
    pub id: String,
    /// The domain without its closing dot; `None` when the rule itself could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
    /// FORWARD, SYSTEM, RECURSIVE or DELEGATE; `None` when the rule itself could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_type: Option<String>,
}

/// A Route 53 Profile associated with a VPC: it can bring zones and rules that nothing else shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProfileAssociation {
    /// The VPC.
    pub vpc_id: VpcId,
    /// `ProfileId`.
    pub profile_id: String,
    /// `Name` of the association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A security group that is associated with another VPC than its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct SecurityGroupVpcAssociation {
    pub group_id: SecurityGroupId,
    pub vpc_id: VpcId,
    /// `associated` when it is in force.
    pub state: String,
}

/// A VPC peering connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct VpcPeeringConnection {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester_vpc_id: Option<VpcId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepter_vpc_id: Option<VpcId>,
    /// `active` when it is in force.
    pub status: String,
}

/// The records of a private hosted zone of this account that covers names of AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ZoneRecords {
    /// `HostedZoneId`.
    pub zone_id: String,
    /// Names of its records in lower case, without the closing dot, `*` for a wildcard; with their types. Sorted.
    pub records: Vec<(String, String)>,
}

/// How many network interfaces the account may have, as Service Quotas says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterfaceQuota {
    /// "Network interfaces per Region" (L-DF5E4CA3), which EC2 enforces for each zone.
    pub interfaces_per_zone: u32,
}
