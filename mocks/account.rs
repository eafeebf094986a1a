//! The fixture vocabulary: an account is a snapshot, put together from a few words with the defaults of AWS.
//!
//! Ids look real and depend on the given names only, so that they are the same in every run.

use ecs_network_audit::snapshot::coverage::{Dataset, Failure, FailureClass, Fetched};
use ecs_network_audit::snapshot::enums::{
    AvailabilityMode, ConnectivityType, NatGatewayState, RouteState, TargetType, VpcEndpointState, VpcEndpointType,
};
use ecs_network_audit::snapshot::ids::{
    Arn, InternetGatewayId, NatGatewayId, NetworkAclId, PrefixListId, RouteTableId, SecurityGroupId, SubnetId,
    VpcEndpointId, VpcId,
};
use ecs_network_audit::snapshot::storage::RegistryScanning;
use ecs_network_audit::snapshot::vpc::{
    BlockPublicAccess, DhcpOptions, FlowLog, GroupReference, HostedZone, InternetGateway, IpPermission, NatGateway,
    NetworkAcl, NetworkAclEntry, NetworkInterface, PrefixList, Route, RouteDestination, RouteTable, RouteTarget,
    SecurityGroup, Subnet, Vpc, VpcDnsAttributes, VpcEndpoint, VpcHostedZones,
};
use ecs_network_audit::snapshot::{SCHEMA_VERSION, Scope, Snapshot, Target, TargetData, elb};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::interfaces::requester_managed;

/// An entry of a network ACL: egress, number, protocol, ports, block, allow.
pub type AclEntry<'a> = (bool, i32, &'a str, Option<(i32, i32)>, &'a str, bool);

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-west-1";

/// The time of every fixture.
pub fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// What a subnet of this block shows with a few interfaces in it.
fn most_free(cidr: &str) -> i32 {
    let block: ipnet::Ipv4Net = cidr.parse().unwrap();
    i32::try_from((1_i64 << (32 - block.prefix_len())) - 16).unwrap()
}

/// An id like AWS's: a prefix and 17 hexadecimal digits made from a name.
pub fn id(prefix: &str, name: &str) -> String {
    let hash = Sha256::digest(format!("{prefix}/{name}"));
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}-0{}", &hex[..16])
}

/// An account that is being described.
#[derive(Clone, Debug)]
pub struct Account {
    pub data: TargetData,
    pub endpoint_override: Option<String>,
}

impl Default for Account {
    fn default() -> Self {
        Self::new()
    }
}

impl Account {
    /// An account that was read to its end and has nothing in it but the default DHCP options.
    pub fn new() -> Self {
        let mut data = TargetData::not_requested();
        data.set_empty();
        let mut account = Self { data, endpoint_override: None };
        push(
            &mut account.data.dhcp_options,
            DhcpOptions { id: "dopt-0a1b2c3d".into(), domain_name_servers: vec!["AmazonProvidedDNS".to_owned()] },
        );
        push(
            &mut account.data.block_public_access,
            BlockPublicAccess { internet_gateway_block_mode: "off".to_owned(), exclusions: Default::default() },
        );
        push(
            &mut account.data.registry_scanning,
            RegistryScanning { scan_type: "BASIC".to_owned(), rules: Vec::new() },
        );
        account
    }

    /// The snapshot, each dataset in its order.
    pub fn snapshot(&self) -> Snapshot {
        let mut data = self.data.clone();
        sort(&mut data);
        let target = Target {
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            partition: "aws".to_owned(),
            caller_arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/auditor/session"),
            endpoint_override: self.endpoint_override.clone(),
            data,
            calls: Default::default(),
            identity_calls: Default::default(),
        };
        Snapshot {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now() - jiff::SignedDuration::from_secs(4),
            finished_at: now(),
            demo: false,
            scope: Scope::default(),
            targets: vec![target],
            unread_targets: Vec::new(),
        }
    }

    /// The caller lacks the IAM action of a dataset.
    pub fn deny(&mut self, dataset: Dataset, api: &str) -> &mut Self {
        self.data.set_unavailable(
            dataset,
            Failure {
                class: FailureClass::AccessDenied,
                operation: api.to_owned(),
                iam_action: Some(api.to_owned()),
                message: format!("AccessDenied: not authorized to perform {api}"),
                affected: Vec::new(),
            },
        );
        self
    }

    /// A VPC with its main route table, default security group, a flow log and DNS on.
    pub fn vpc(&mut self, name: &str, cidr: &str) -> VpcId {
        let vpc_id = VpcId::from(id("vpc", name));
        push(
            &mut self.data.vpcs,
            Vpc {
                id: vpc_id.clone(),
                owner_id: ACCOUNT.to_owned(),
                cidr_blocks: vec![cidr.parse().unwrap()],
                ipv6_cidr_blocks: Vec::new(),
                dhcp_options_id: Some("dopt-0a1b2c3d".into()),
                is_default: false,
            },
        );
        push(
            &mut self.data.vpc_dns_attributes,
            VpcDnsAttributes { vpc_id: vpc_id.clone(), enable_dns_support: true, enable_dns_hostnames: true },
        );
        push(&mut self.data.hosted_zones, VpcHostedZones { vpc_id: vpc_id.clone(), zones: Vec::new() });
        self.table(&vpc_id, &format!("{name}-main"), true);
        let default = self.security_group(&vpc_id, &format!("{name}-default"));
        self.edit_group(&default, |group| group.name = "default".to_owned());
        self.admit_group(&default, "-1", 0, 0, &default);
        self.network_acl(&vpc_id, name);
        push(
            &mut self.data.flow_logs,
            FlowLog {
                id: id("fl", name),
                resource_id: vpc_id.as_str().to_owned(),
                status: "ACTIVE".to_owned(),
                deliver_logs_status: Some("SUCCESS".to_owned()),
                deliver_logs_error_message: None,
                traffic_type: Some("ALL".to_owned()),
            },
        );
        vpc_id
    }

    /// A private hosted zone that answers in a VPC.
    pub fn hosted_zone(&mut self, vpc: &VpcId, name: &str) {
        let answers = self.data.hosted_zones.items_mut().unwrap();
        answers.iter_mut().find(|answer| answer.vpc_id == *vpc).unwrap().zones.push(HostedZone {
            id: "Z1".to_owned(),
            name: name.to_owned(),
            owning_account: Some("999988887777".to_owned()),
            owning_service: None,
        });
    }

    fn table(&mut self, vpc: &VpcId, name: &str, main: bool) -> RouteTableId {
        let table = RouteTableId::from(id("rtb", name));
        let local = self.data.vpcs.items().iter().find(|v| v.id == *vpc).unwrap().cidr_blocks[0];
        push(
            &mut self.data.route_tables,
            RouteTable {
                id: table.clone(),
                vpc_id: vpc.clone(),
                owner_id: ACCOUNT.to_owned(),
                main,
                subnets: Vec::new(),
                routes: vec![Route {
                    destination: RouteDestination::Cidr(local.into()),
                    target: RouteTarget::Local,
                    state: RouteState::Active,
                    propagated: false,
                }],
            },
        );
        table
    }

    /// A subnet that follows the main route table.
    pub fn subnet(&mut self, vpc: &VpcId, name: &str, cidr: &str, zone: &str) -> SubnetId {
        let subnet = SubnetId::from(id("subnet", name));
        let acls = self.data.network_acls.items_mut().unwrap();
        let default = acls.iter_mut().find(|acl| acl.is_default && acl.vpc_id == *vpc).unwrap();
        default.subnets.push(subnet.clone());
        default.subnets.sort();
        push(
            &mut self.data.subnets,
            Subnet {
                id: subnet.clone(),
                vpc_id: vpc.clone(),
                owner_id: ACCOUNT.to_owned(),
                availability_zone: format!("{REGION}{zone}"),
                availability_zone_id: format!("euw1-az{}", zone.as_bytes()[0] - b'a' + 1),
                cidr_block: Some(cidr.parse().unwrap()),
                ipv6_cidr_blocks: Vec::new(),
                available_ip_address_count: most_free(cidr),
                map_public_ip_on_launch: false,
                ipv6_native: false,
            },
        );
        subnet
    }

    /// A route table of its own for these subnets.
    pub fn route_table(&mut self, vpc: &VpcId, name: &str, subnets: &[&SubnetId]) -> RouteTableId {
        let table = self.table(vpc, name, false);
        self.edit_table(&table, |table| table.subnets = sorted(subnets));
        table
    }

    /// An active route.
    pub fn route(&mut self, table: &RouteTableId, destination: &str, target: RouteTarget) {
        let destination = match destination.starts_with("pl-") {
            true => RouteDestination::PrefixList(destination.into()),
            false => RouteDestination::Cidr(destination.parse().unwrap()),
        };
        let route = Route { destination, target, state: RouteState::Active, propagated: false };
        self.edit_table(table, |table| table.routes.push(route));
    }

    pub fn edit_table(&mut self, id: &RouteTableId, edit: impl FnOnce(&mut RouteTable)) {
        let tables = self.data.route_tables.items_mut().unwrap();
        edit(tables.iter_mut().find(|table| table.id == *id).unwrap());
    }

    pub fn main_table(&self, vpc: &VpcId) -> RouteTableId {
        let mut tables = self.data.route_tables.items().iter();
        tables.find(|table| table.main && table.vpc_id == *vpc).unwrap().id.clone()
    }

    /// An attached internet gateway, one for each VPC.
    pub fn internet_gateway(&mut self, vpc: &VpcId) -> InternetGatewayId {
        let gateway = InternetGatewayId::from(id("igw", vpc.as_str()));
        if !self.data.internet_gateways.items().iter().any(|g| g.id == gateway) {
            push(
                &mut self.data.internet_gateways,
                InternetGateway { id: gateway.clone(), attached_vpcs: vec![vpc.clone()] },
            );
        }
        gateway
    }

    /// A subnet whose own table leads to the internet gateway.
    pub fn public_subnet(&mut self, vpc: &VpcId, name: &str, cidr: &str, zone: &str) -> SubnetId {
        let subnet = self.subnet(vpc, name, cidr, zone);
        let gateway = self.internet_gateway(vpc);
        let table = self.route_table(vpc, name, &[&subnet]);
        self.route(&table, "0.0.0.0/0", RouteTarget::InternetGateway(gateway));
        subnet
    }

    /// A subnet whose own table leads to a NAT gateway.
    pub fn private_subnet(&mut self, vpc: &VpcId, name: &str, cidr: &str, zone: &str, nat: &NatGatewayId) -> SubnetId {
        let subnet = self.subnet(vpc, name, cidr, zone);
        let table = self.route_table(vpc, name, &[&subnet]);
        self.route(&table, "0.0.0.0/0", RouteTarget::NatGateway(nat.clone()));
        subnet
    }

    /// A zonal public NAT gateway.
    pub fn nat_gateway(&mut self, name: &str, subnet: &SubnetId) -> NatGatewayId {
        let nat = NatGatewayId::from(id("nat", name));
        let vpc_id = self.vpc_of(subnet);
        push(
            &mut self.data.nat_gateways,
            NatGateway {
                id: nat.clone(),
                vpc_id,
                subnet_id: Some(subnet.clone()),
                state: NatGatewayState::Available,
                connectivity_type: ConnectivityType::Public,
                availability_mode: AvailabilityMode::Zonal,
                route_table_id: None,
                failure_code: None,
                failure_message: None,
                public_ips: vec!["198.51.100.7".to_owned()],
            },
        );
        nat
    }

    pub fn edit_nat(&mut self, id: &NatGatewayId, edit: impl FnOnce(&mut NatGateway)) {
        edit(self.data.nat_gateways.items_mut().unwrap().iter_mut().find(|nat| nat.id == *id).unwrap());
    }

    pub fn vpc_of(&self, subnet: &SubnetId) -> VpcId {
        self.data.subnets.items().iter().find(|s| s.id == *subnet).unwrap().vpc_id.clone()
    }

    pub fn edit_subnet(&mut self, id: &SubnetId, edit: impl FnOnce(&mut Subnet)) {
        edit(self.data.subnets.items_mut().unwrap().iter_mut().find(|subnet| subnet.id == *id).unwrap());
    }

    pub fn edit_vpc(&mut self, id: &VpcId, edit: impl FnOnce(&mut Vpc)) {
        edit(self.data.vpcs.items_mut().unwrap().iter_mut().find(|vpc| vpc.id == *id).unwrap());
    }

    /// The default network ACL of a VPC, which lets everything through.
    fn network_acl(&mut self, vpc: &VpcId, name: &str) {
        let entry = |egress, rule_number, allow| NetworkAclEntry {
            rule_number,
            egress,
            protocol: "-1".to_owned(),
            allow,
            cidr: "0.0.0.0/0".parse().unwrap(),
            port_range: None,
            icmp_type_code: None,
        };
        push(
            &mut self.data.network_acls,
            NetworkAcl {
                id: NetworkAclId::from(id("acl", name)),
                vpc_id: vpc.clone(),
                is_default: true,
                subnets: Vec::new(),
                entries: vec![
                    entry(false, 100, true),
                    entry(false, 32767, false),
                    entry(true, 100, true),
                    entry(true, 32767, false),
                ],
            },
        );
    }

    /// A network ACL of its own for these subnets, and nothing else in it.
    pub fn own_network_acl(&mut self, name: &str, subnets: &[&SubnetId], entries: &[AclEntry<'_>]) -> NetworkAclId {
        let vpc = self.vpc_of(subnets[0]);
        let acl = NetworkAclId::from(id("acl", name));
        for other in self.data.network_acls.items_mut().unwrap() {
            other.subnets.retain(|subnet| !subnets.contains(&subnet));
        }
        let entry = |(egress, rule_number, protocol, port_range, cidr, allow): &AclEntry<'_>| NetworkAclEntry {
            rule_number: *rule_number,
            egress: *egress,
            protocol: (*protocol).to_owned(),
            allow: *allow,
            cidr: cidr.parse().unwrap(),
            port_range: *port_range,
            icmp_type_code: None,
        };
        push(
            &mut self.data.network_acls,
            NetworkAcl {
                id: acl.clone(),
                vpc_id: vpc,
                is_default: false,
                subnets: sorted(subnets),
                entries: entries.iter().map(entry).collect(),
            },
        );
        acl
    }

    pub fn edit_acl(&mut self, id: &NetworkAclId, edit: impl FnOnce(&mut NetworkAcl)) {
        edit(self.data.network_acls.items_mut().unwrap().iter_mut().find(|acl| acl.id == *id).unwrap());
    }

    pub fn edit_group(&mut self, id: &SecurityGroupId, edit: impl FnOnce(&mut SecurityGroup)) {
        edit(self.data.security_groups.items_mut().unwrap().iter_mut().find(|group| group.id == *id).unwrap());
    }

    /// Adds an ingress rule for a CIDR.
    pub fn admit(&mut self, group: &SecurityGroupId, protocol: &str, from: i32, to: i32, cidr: &str) {
        let rule = permission(protocol, from, to, Some(cidr));
        self.edit_group(group, |group| group.ingress.push(rule));
    }

    /// Adds an ingress rule for a group.
    pub fn admit_group(
        &mut self,
        group: &SecurityGroupId,
        protocol: &str,
        from: i32,
        to: i32,
        source: &SecurityGroupId,
    ) {
        let mut rule = permission(protocol, from, to, None);
        rule.groups.push(reference(source));
        self.edit_group(group, |group| group.ingress.push(rule));
    }

    /// Replaces the egress of a group by rules for CIDRs and groups: `(protocol, from, to, cidr, group or list)`.
    pub fn let_out(&mut self, group: &SecurityGroupId, rules: &[(&str, i32, i32, &str)]) {
        let rules = rules.iter().map(|(protocol, from, to, peer)| {
            if let Some(list) = peer.strip_prefix("pl-") {
                let mut rule = permission(protocol, *from, *to, None);
                rule.prefix_lists.push(PrefixListId::from(format!("pl-{list}")));
                rule
            } else if peer.starts_with("sg-") {
                let mut rule = permission(protocol, *from, *to, None);
                rule.groups.push(reference(&SecurityGroupId::from(*peer)));
                rule
            } else {
                permission(protocol, *from, *to, Some(peer))
            }
        });
        let rules = rules.collect();
        self.edit_group(group, |group| group.egress = rules);
    }

    /// The group of that name, made in this VPC if it isn't there yet.
    pub fn ensure_group(&mut self, vpc: &VpcId, name: &str) -> SecurityGroupId {
        let group = SecurityGroupId::from(id("sg", name));
        match self.data.security_groups.items().iter().any(|found| found.id == group) {
            true => group,
            false => self.security_group(vpc, name),
        }
    }

    /// A security group that lets everything out.
    pub fn security_group(&mut self, vpc: &VpcId, name: &str) -> SecurityGroupId {
        let group = SecurityGroupId::from(id("sg", name));
        push(
            &mut self.data.security_groups,
            SecurityGroup {
                id: group.clone(),
                name: name.to_owned(),
                vpc_id: vpc.clone(),
                owner_id: ACCOUNT.to_owned(),
                ingress: Vec::new(),
                egress: vec![IpPermission {
                    ip_protocol: "-1".to_owned(),
                    from_port: None,
                    to_port: None,
                    cidrs: vec!["0.0.0.0/0".parse().unwrap()],
                    prefix_lists: Vec::new(),
                    groups: Vec::new(),
                }],
            },
        );
        group
    }

    /// An available interface endpoint with private DNS, an interface in each subnet, and a group `endpoints` that
    /// admits HTTPS from the whole VPC.
    pub fn interface_endpoint(&mut self, vpc: &VpcId, service: &str, subnets: &[&SubnetId]) -> VpcEndpointId {
        self.interface_endpoint_of(vpc, service, subnets, "endpoints")
    }

    /// The same with a group of that name.
    pub fn interface_endpoint_of(
        &mut self,
        vpc: &VpcId,
        service: &str,
        subnets: &[&SubnetId],
        group_name: &str,
    ) -> VpcEndpointId {
        let group = SecurityGroupId::from(id("sg", group_name));
        if !self.data.security_groups.items().iter().any(|found| found.id == group) {
            self.security_group(vpc, group_name);
            let all = self.data.vpcs.items().iter().find(|found| found.id == *vpc).unwrap().cidr_blocks[0];
            self.admit(&group, "tcp", 443, 443, &all.to_string());
        }
        let mut interfaces = Vec::new();
        for subnet in subnets {
            let found = self.data.subnets.items().iter().find(|s| s.id == **subnet).unwrap().clone();
            let number = 100 + service.bytes().map(usize::from).sum::<usize>() % 100;
            let address = found.cidr_block.unwrap().hosts().nth(number).unwrap().to_string();
            let interface = NetworkInterface {
                interface_type: "vpc_endpoint".into(),
                description: "VPC Endpoint Interface".into(),
                ..requester_managed(&format!("{service}/{subnet}"), &found, &[&group], &address)
            };
            interfaces.push(interface.id.clone());
            push(&mut self.data.network_interfaces, interface);
        }
        interfaces.sort();
        let groups = vec![group];
        self.endpoint(vpc, service, VpcEndpointType::Interface, |endpoint| {
            endpoint.private_dns_enabled = true;
            endpoint.subnet_ids = sorted(subnets);
            endpoint.security_group_ids = groups;
            endpoint.network_interface_ids = interfaces;
        })
    }

    /// The S3 gateway endpoint on these route tables, and Amazon's prefix list.
    pub fn s3_gateway(&mut self, vpc: &VpcId, tables: &[&RouteTableId]) -> VpcEndpointId {
        if self.data.prefix_lists.items().is_empty() {
            push(
                &mut self.data.prefix_lists,
                PrefixList {
                    id: "pl-6da54004".into(),
                    name: format!("com.amazonaws.{REGION}.s3"),
                    owner_id: "AWS".to_owned(),
                    address_family: "IPv4".to_owned(),
                    max_entries: None,
                    entries: Some(vec!["52.218.0.0/17".parse().unwrap(), "3.5.64.0/21".parse().unwrap()]),
                },
            );
        }
        let endpoint = self.endpoint(vpc, "s3", VpcEndpointType::Gateway, |endpoint| {
            endpoint.route_table_ids = sorted(tables);
        });
        for table in tables {
            self.route(table, "pl-6da54004", RouteTarget::VpcEndpoint(endpoint.clone()));
        }
        endpoint
    }

    /// A customer-managed prefix list.
    pub fn prefix_list(&mut self, id: &str, blocks: &[&str]) -> PrefixListId {
        let list = PrefixList {
            id: id.into(),
            name: id.to_owned(),
            owner_id: ACCOUNT.to_owned(),
            address_family: "IPv4".to_owned(),
            max_entries: Some(10),
            entries: Some(blocks.iter().map(|block| block.parse().unwrap()).collect()),
        };
        let id = list.id.clone();
        push(&mut self.data.prefix_lists, list);
        id
    }

    fn endpoint(
        &mut self,
        vpc: &VpcId,
        service: &str,
        endpoint_type: VpcEndpointType,
        edit: impl FnOnce(&mut VpcEndpoint),
    ) -> VpcEndpointId {
        let endpoint_id = VpcEndpointId::from(id("vpce", &format!("{vpc}/{service}/{endpoint_type}")));
        let mut endpoint = VpcEndpoint {
            id: endpoint_id.clone(),
            vpc_id: vpc.clone(),
            owner_id: ACCOUNT.to_owned(),
            endpoint_type,
            service_name: format!("com.amazonaws.{REGION}.{service}"),
            service_region: None,
            state: VpcEndpointState::Available,
            private_dns_enabled: false,
            private_dns_only_for_inbound_resolver: false,
            subnet_ids: Vec::new(),
            route_table_ids: Vec::new(),
            security_group_ids: Vec::new(),
            network_interface_ids: Vec::new(),
            policy_document: None,
        };
        edit(&mut endpoint);
        push(&mut self.data.vpc_endpoints, endpoint);
        endpoint_id
    }

    pub fn edit_endpoint(&mut self, id: &VpcEndpointId, edit: impl FnOnce(&mut VpcEndpoint)) {
        let endpoints = self.data.vpc_endpoints.items_mut().unwrap();
        edit(endpoints.iter_mut().find(|endpoint| endpoint.id == *id).unwrap());
    }

    /// A target group that listens for HTTP.
    pub fn target_group(&mut self, name: &str, target_type: TargetType, vpc: &VpcId) -> Arn {
        let arn = Arn::from(format!(
            "arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{name}/{}",
            &id("tg", name)[3..]
        ));
        push(
            &mut self.data.target_groups,
            elb::TargetGroup {
                arn: arn.clone(),
                name: name.to_owned(),
                target_type,
                protocol: Some("HTTP".to_owned()),
                port: Some(80),
                vpc_id: Some(vpc.clone()),
                ip_address_type: Some("ipv4".to_owned()),
                load_balancer_arns: Vec::new(),
                health_check: elb::TargetGroupHealthCheck {
                    enabled: true,
                    protocol: Some("HTTP".to_owned()),
                    port: Some("traffic-port".to_owned()),
                    path: Some("/".to_owned()),
                    matcher: Some("200".to_owned()),
                    interval_seconds: Some(30),
                    timeout_seconds: Some(5),
                    healthy_threshold_count: Some(5),
                    unhealthy_threshold_count: Some(2),
                },
            },
        );
        arn
    }
}

fn permission(protocol: &str, from: i32, to: i32, cidr: Option<&str>) -> IpPermission {
    let ports = (protocol != "-1").then_some((from, to));
    IpPermission {
        ip_protocol: protocol.to_owned(),
        from_port: ports.map(|(from, _)| from),
        to_port: ports.map(|(_, to)| to),
        cidrs: cidr.into_iter().map(|cidr| cidr.parse().unwrap()).collect(),
        prefix_lists: Vec::new(),
        groups: Vec::new(),
    }
}

fn reference(group: &SecurityGroupId) -> GroupReference {
    GroupReference {
        group_id: group.clone(),
        user_id: Some(ACCOUNT.to_owned()),
        vpc_id: None,
        vpc_peering_connection_id: None,
        peering_status: None,
    }
}

fn sorted<T: Clone + Ord>(ids: &[&T]) -> Vec<T> {
    let mut ids: Vec<T> = ids.iter().map(|id| (*id).clone()).collect();
    ids.sort();
    ids
}

/// Adds an item to a dataset that can be read.
pub fn push<T>(fetched: &mut Fetched<T>, item: T) {
    fetched.items_mut().expect("a fixture fills datasets before it denies them").push(item);
}

/// The order that the collector leaves the datasets in.
fn sort(data: &mut TargetData) {
    fn by<T, K: Ord>(fetched: &mut Fetched<T>, key: impl Fn(&T) -> K) {
        if let Some(items) = fetched.items_mut() {
            items.sort_by_key(key);
        }
    }
    by(&mut data.clusters, |c| c.arn.clone());
    by(&mut data.services, |s| s.arn.clone());
    by(&mut data.tasks, |t| t.arn.clone());
    by(&mut data.task_definitions, |d| d.arn.clone());
    by(&mut data.container_instances, |i| i.arn.clone());
    by(&mut data.capacity_providers, |p| p.arn.clone());
    by(&mut data.vpcs, |v| v.id.clone());
    by(&mut data.vpc_dns_attributes, |v| v.vpc_id.clone());
    by(&mut data.dhcp_options, |d| d.id.clone());
    by(&mut data.subnets, |s| s.id.clone());
    by(&mut data.route_tables, |t| t.id.clone());
    by(&mut data.nat_gateways, |n| n.id.clone());
    by(&mut data.internet_gateways, |g| g.id.clone());
    by(&mut data.egress_only_internet_gateways, |g| g.id.clone());
    by(&mut data.vpc_endpoints, |e| e.id.clone());
    by(&mut data.security_groups, |g| g.id.clone());
    by(&mut data.network_acls, |a| a.id.clone());
    for acl in data.network_acls.items_mut().into_iter().flatten() {
        acl.entries.sort_by_key(|entry| (entry.egress, entry.rule_number));
    }
    by(&mut data.network_interfaces, |i| i.id.clone());
    by(&mut data.prefix_lists, |l| l.id.clone());
    by(&mut data.flow_logs, |l| l.id.clone());
    by(&mut data.security_group_vpc_associations, |a| a.clone());
    by(&mut data.vpc_peering_connections, |c| c.clone());
    by(&mut data.hosted_zone_records, |z| z.zone_id.clone());
    by(&mut data.file_systems, |f| f.file_system_id.clone());
    by(&mut data.pull_through_cache_rules, |r| r.clone());
    by(&mut data.cached_images, |i| i.clone());
    by(&mut data.repositories, |r| r.clone());
    by(&mut data.event_rules, |r| (r.event_bus_name.clone(), r.name.clone()));
    by(&mut data.schedules, |s| (s.group_name.clone(), s.name.clone()));
    by(&mut data.load_balancers, |b| b.arn.clone());
    by(&mut data.load_balancer_attributes, |a| a.load_balancer_arn.clone());
    by(&mut data.listeners, |l| l.arn.clone());
    by(&mut data.listener_rules, |r| r.arn.clone());
    by(&mut data.target_group_attributes, |a| a.target_group_arn.clone());
    by(&mut data.target_health, |h| (h.target_group_arn.clone(), h.target_id.clone(), h.port));
    by(&mut data.instances, |i| i.id.clone());
    for instance in data.instances.items_mut().into_iter().flatten() {
        instance.network_interfaces.sort_by(|a, b| a.id.cmp(&b.id));
    }
    by(&mut data.instance_types, |t| t.name.clone());
    by(&mut data.target_groups, |g| g.arn.clone());
    by(&mut data.auto_scaling_groups, |g| g.arn.clone());
    by(&mut data.hosted_zones, |z| z.vpc_id.clone());
    by(&mut data.resolver_rules, |r| r.clone());
    by(&mut data.profile_associations, |p| p.clone());
}
