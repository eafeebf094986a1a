//! Plain hash maps from typed ids to what was read, built in one pass for each relation.

use std::hash::Hash;

use ipnet::IpNet;
use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::workload::{self, Workload};
use super::{Complete, Lookup, around, gap_for};
use crate::reach::verdict::Gap;
use crate::snapshot::coverage::{Dataset, FailureClass, Fetched};
use crate::snapshot::ecs::{CapacityProvider, Cluster, ContainerInstance, Service, Task, TaskDefinition};
use crate::snapshot::elb::{
    AutoScalingGroup, Listener, ListenerRule, LoadBalancer, LoadBalancerAttributes, TargetGroup, TargetGroupAttributes,
    TargetHealth,
};
use crate::snapshot::ids::{
    Arn, DhcpOptionsId, InstanceId, InternetGatewayId, NatGatewayId, NetworkInterfaceId, PrefixListId, RouteTableId,
    SecurityGroupId, SubnetId, VpcEndpointId, VpcId,
};
use crate::snapshot::storage::{EfsFileSystem, Repository};
use crate::snapshot::vpc::{
    BlockPublicAccess, DhcpOptions, Instance, InstanceType, InternetGateway, NatGateway, NetworkAcl, NetworkInterface,
    PrefixList, ProfileAssociation, ResolverRule, RouteTable, SecurityGroup, Subnet, Vpc, VpcDnsAttributes,
    VpcEndpoint, VpcHostedZones,
};
use crate::snapshot::{Scope, Snapshot, Target, TargetData};
use crate::text;

type Map<'s, K, V> = FxHashMap<&'s K, &'s V>;
type Groups<'s, K, V> = FxHashMap<&'s K, Vec<V>>;

/// One account and Region, indexed.
pub struct Topology<'s> {
    /// What it is built on.
    pub target: &'s Target,
    /// The time that ages are measured against: when the last answer came.
    pub now: Timestamp,
    /// What the scan was limited to.
    pub scope: &'s Scope,
    workloads: Vec<Workload<'s>>,
    workloads_of: Groups<'s, Arn, usize>,
    clusters: Map<'s, Arn, Cluster>,
    task_definitions: Map<'s, Arn, TaskDefinition>,
    capacity_providers: FxHashMap<&'s str, &'s CapacityProvider>,
    container_instances: Groups<'s, Arn, &'s ContainerInstance>,
    services: Groups<'s, Arn, &'s Service>,
    tasks: Groups<'s, Arn, &'s Task>,
    vpcs: Map<'s, VpcId, Vpc>,
    vpc_dns: Map<'s, VpcId, VpcDnsAttributes>,
    dhcp_options: Map<'s, DhcpOptionsId, DhcpOptions>,
    subnets: Map<'s, SubnetId, Subnet>,
    route_tables: Map<'s, RouteTableId, RouteTable>,
    route_table_of_subnet: Map<'s, SubnetId, RouteTable>,
    main_route_table: Map<'s, VpcId, RouteTable>,
    nat_gateways: Map<'s, NatGatewayId, NatGateway>,
    internet_gateways: Map<'s, InternetGatewayId, InternetGateway>,
    prefix_lists: Map<'s, PrefixListId, PrefixList>,
    endpoints: Groups<'s, VpcId, &'s VpcEndpoint>,
    vpc_endpoints: Map<'s, VpcEndpointId, VpcEndpoint>,
    hosted_zones: Map<'s, VpcId, VpcHostedZones>,
    resolver_rules: Groups<'s, VpcId, &'s ResolverRule>,
    profiles: Groups<'s, VpcId, &'s ProfileAssociation>,
    instances: Map<'s, InstanceId, Instance>,
    instance_types: FxHashMap<&'s str, &'s InstanceType>,
    security_groups: Map<'s, SecurityGroupId, SecurityGroup>,
    default_security_groups: Map<'s, VpcId, SecurityGroup>,
    network_acl_of_subnet: Map<'s, SubnetId, NetworkAcl>,
    network_interfaces: Map<'s, NetworkInterfaceId, NetworkInterface>,
    pub(super) balancer_interfaces: FxHashMap<&'s str, Vec<&'s NetworkInterface>>,
    target_groups: Map<'s, Arn, TargetGroup>,
    load_balancers: Map<'s, Arn, LoadBalancer>,
    listeners: Groups<'s, Arn, &'s Listener>,
    listener_rules: Groups<'s, Arn, &'s ListenerRule>,
    pub(super) rules_to: Groups<'s, Arn, &'s ListenerRule>,
    target_group_attributes: Map<'s, Arn, TargetGroupAttributes>,
    target_health: Groups<'s, Arn, &'s TargetHealth>,
    auto_scaling_groups: Map<'s, Arn, AutoScalingGroup>,
    pub(super) load_balancer_attributes: Map<'s, Arn, LoadBalancerAttributes>,
    pub(super) file_systems: FxHashMap<&'s str, &'s EfsFileSystem>,
    pub(super) repositories: FxHashMap<&'s str, &'s Repository>,
}

impl<'s> Topology<'s> {
    /// Indexes one target. Total: it never fails and reads nothing else.
    pub fn build(snapshot: &'s Snapshot, target: &'s Target) -> Self {
        let data = &target.data;
        let mut topology = Self {
            target,
            now: snapshot.finished_at,
            scope: &snapshot.scope,
            workloads: Vec::new(),
            workloads_of: FxHashMap::default(),
            clusters: by(&data.clusters, |c| &c.arn),
            task_definitions: by(&data.task_definitions, |d| &d.arn),
            capacity_providers: by_name(&data.capacity_providers, |p| &p.name),
            container_instances: grouped(&data.container_instances, |i| &i.cluster_arn),
            services: grouped(&data.services, |s| &s.cluster_arn),
            tasks: grouped(&data.tasks, |t| &t.cluster_arn),
            vpcs: by(&data.vpcs, |v| &v.id),
            vpc_dns: by(&data.vpc_dns_attributes, |v| &v.vpc_id),
            dhcp_options: by(&data.dhcp_options, |d| &d.id),
            subnets: by(&data.subnets, |s| &s.id),
            route_tables: by(&data.route_tables, |t| &t.id),
            route_table_of_subnet: explicit_associations(data),
            main_route_table: main_route_tables(data),
            nat_gateways: by(&data.nat_gateways, |n| &n.id),
            internet_gateways: by(&data.internet_gateways, |g| &g.id),
            prefix_lists: by(&data.prefix_lists, |p| &p.id),
            endpoints: grouped(&data.vpc_endpoints, |e| &e.vpc_id),
            vpc_endpoints: by(&data.vpc_endpoints, |e| &e.id),
            hosted_zones: by(&data.hosted_zones, |z| &z.vpc_id),
            resolver_rules: grouped(&data.resolver_rules, |r| &r.vpc_id),
            profiles: grouped(&data.profile_associations, |p| &p.vpc_id),
            instances: by(&data.instances, |i| &i.id),
            instance_types: by_name(&data.instance_types, |t| &t.name),
            security_groups: by(&data.security_groups, |g| &g.id),
            default_security_groups: default_security_groups(data),
            network_acl_of_subnet: network_acls(data),
            network_interfaces: by(&data.network_interfaces, |i| &i.id),
            balancer_interfaces: around::balancer_interfaces(data),
            target_groups: by(&data.target_groups, |t| &t.arn),
            load_balancers: by(&data.load_balancers, |b| &b.arn),
            listeners: grouped(&data.listeners, |l| &l.load_balancer_arn),
            listener_rules: grouped(&data.listener_rules, |r| &r.listener_arn),
            rules_to: around::rules_to(data),
            target_group_attributes: by(&data.target_group_attributes, |a| &a.target_group_arn),
            target_health: grouped(&data.target_health, |h| &h.target_group_arn),
            auto_scaling_groups: by(&data.auto_scaling_groups, |g| &g.arn),
            load_balancer_attributes: by(&data.load_balancer_attributes, |a| &a.load_balancer_arn),
            file_systems: by_name(&data.file_systems, |f| &f.file_system_id),
            repositories: by_name(&data.repositories, |r| &r.name),
        };
        topology.workloads = workload::all(&topology);
        for workload in &topology.workloads {
            topology.workloads_of.entry(workload.cluster_arn).or_default().push(workload.index);
        }
        topology
    }

    /// The datasets.
    pub fn data(&self) -> &'s TargetData {
        &self.target.data
    }

    /// Services and groups of standalone tasks, sorted by name.
    pub fn workloads(&self) -> &[Workload<'s>] {
        &self.workloads
    }

    /// The workloads of a cluster, sorted by name.
    pub fn workloads_of(&self, cluster: &Arn) -> impl Iterator<Item = &Workload<'s>> + Clone {
        self.workloads_of.get(cluster).into_iter().flatten().map(|index| &self.workloads[*index])
    }

    /// The cluster, when it could be described.
    pub fn cluster(&self, arn: &Arn) -> Lookup<&'s Cluster> {
        lookup(&self.clusters, &self.data().clusters, Dataset::Clusters, arn)
    }

    /// The revision that an ARN names.
    pub fn task_definition(&self, arn: &Arn) -> Lookup<&'s TaskDefinition> {
        lookup(&self.task_definitions, &self.data().task_definitions, Dataset::TaskDefinitions, arn)
    }

    /// The revision that an ARN names, or the newest one in the snapshot where it names a family only.
    pub fn task_definition_or_newest(&self, arn: &Arn) -> Lookup<&'s TaskDefinition> {
        if arn.name().contains(':') {
            return self.task_definition(arn);
        }
        let family = arn.name();
        let revisions = self.data().task_definitions.items().iter().filter(|definition| definition.family == family);
        match revisions.max_by_key(|definition| definition.revision) {
            Some(newest) => Lookup::Found(newest),
            None => missing(&self.data().task_definitions, Dataset::TaskDefinitions, arn.as_str()),
        }
    }

    /// The capacity provider of that name.
    pub fn capacity_provider(&self, name: &str) -> Lookup<&'s CapacityProvider> {
        match self.capacity_providers.get(name) {
            Some(provider) => Lookup::Found(provider),
            None => missing(&self.data().capacity_providers, Dataset::CapacityProviders, name),
        }
    }

    /// The services of a cluster that were read.
    pub fn services_of(&self, cluster: &Arn) -> &[&'s Service] {
        self.services.get(cluster).map_or(&[], Vec::as_slice)
    }

    /// The tasks of a cluster that were read, running and stopped.
    pub fn tasks_of(&self, cluster: &Arn) -> &[&'s Task] {
        self.tasks.get(cluster).map_or(&[], Vec::as_slice)
    }

    /// What hides services, tasks or instances of a cluster.
    pub fn gap_in_cluster(&self, dataset: Dataset, cluster: &Arn) -> Option<Gap> {
        let (data, id) = (self.data(), cluster.as_str());
        match dataset {
            Dataset::Services => gap_for(&data.services, dataset, id),
            Dataset::Tasks => gap_for(&data.tasks, dataset, id),
            Dataset::ContainerInstances => gap_for(&data.container_instances, dataset, id),
            _ => gap_for(&data.clusters, Dataset::Clusters, id),
        }
    }

    /// The container instances of a cluster that were read; see [`Self::gap_in_cluster`] for what may hide others.
    pub fn container_instances_of(&self, cluster: &Arn) -> &[&'s ContainerInstance] {
        self.container_instances.get(cluster).map_or(&[], Vec::as_slice)
    }

    /// All clusters that were described.
    pub fn clusters(&self) -> &'s [Cluster] {
        self.data().clusters.items()
    }

    /// The VPC.
    pub fn vpc(&self, id: &VpcId) -> Lookup<&'s Vpc> {
        lookup(&self.vpcs, &self.data().vpcs, Dataset::Vpcs, id)
    }

    /// The DNS attributes of a VPC; only read for VPCs with workloads and endpoints.
    pub fn vpc_dns(&self, id: &VpcId) -> Lookup<&'s VpcDnsAttributes> {
        lookup(&self.vpc_dns, &self.data().vpc_dns_attributes, Dataset::VpcDnsAttributes, id)
    }

    /// The DHCP options set.
    pub fn dhcp_options(&self, id: &DhcpOptionsId) -> Lookup<&'s DhcpOptions> {
        lookup(&self.dhcp_options, &self.data().dhcp_options, Dataset::DhcpOptions, id)
    }

    /// The subnet.
    pub fn subnet(&self, id: &SubnetId) -> Lookup<&'s Subnet> {
        lookup(&self.subnets, &self.data().subnets, Dataset::Subnets, id)
    }

    /// The route table.
    pub fn route_table(&self, id: &RouteTableId) -> Lookup<&'s RouteTable> {
        lookup(&self.route_tables, &self.data().route_tables, Dataset::RouteTables, id)
    }

    /// The table that a subnet's traffic follows: the one associated with it, else the main table of its VPC.
    ///
    /// A table that could not be read may hold the explicit association, so the fallback needs a complete dataset.
    pub fn route_table_of(&self, subnet: &Subnet) -> Lookup<&'s RouteTable> {
        if let Some(table) = self.route_table_of_subnet.get(&subnet.id) {
            return Lookup::Found(table);
        }
        match gap_for(&self.data().route_tables, Dataset::RouteTables, subnet.vpc_id.as_str()) {
            Some(gap) => Lookup::Unread(gap),
            None => self.main_route_table.get(&subnet.vpc_id).map_or(Lookup::Absent, |table| Lookup::Found(table)),
        }
    }

    /// The NAT gateway.
    pub fn nat_gateway(&self, id: &NatGatewayId) -> Lookup<&'s NatGateway> {
        lookup(&self.nat_gateways, &self.data().nat_gateways, Dataset::NatGateways, id)
    }

    /// The internet gateway.
    pub fn internet_gateway(&self, id: &InternetGatewayId) -> Lookup<&'s InternetGateway> {
        lookup(&self.internet_gateways, &self.data().internet_gateways, Dataset::InternetGateways, id)
    }

    /// The managed prefix list.
    pub fn prefix_list(&self, id: &PrefixListId) -> Lookup<&'s PrefixList> {
        lookup(&self.prefix_lists, &self.data().prefix_lists, Dataset::PrefixLists, id)
    }

    /// The endpoints of a VPC, all of them.
    ///
    /// # Errors
    /// The gap, when some may not have been read.
    pub fn endpoints_in(&self, vpc: &VpcId) -> Result<Complete<'_, &'s VpcEndpoint>, Gap> {
        let fetched = &self.data().vpc_endpoints;
        all_of(self.endpoints.get(vpc), gap_for(fetched, Dataset::VpcEndpoints, vpc.as_str()))
    }

    /// The endpoints of a VPC that were read, possibly not all.
    pub fn known_endpoints_in(&self, vpc: &VpcId) -> &[&'s VpcEndpoint] {
        self.endpoints.get(vpc).map_or(&[], Vec::as_slice)
    }

    /// The private hosted zones that answer in a VPC; `Absent` means that the VPC was not asked about.
    pub fn hosted_zones_in(&self, vpc: &VpcId) -> Lookup<&'s VpcHostedZones> {
        lookup(&self.hosted_zones, &self.data().hosted_zones, Dataset::HostedZones, vpc)
    }

    /// The Resolver rules associated with a VPC.
    ///
    /// # Errors
    /// The gap, when some may not have been read.
    pub fn resolver_rules_in(&self, vpc: &VpcId) -> Result<Complete<'_, &'s ResolverRule>, Gap> {
        let fetched = &self.data().resolver_rules;
        all_of(self.resolver_rules.get(vpc), gap_for(fetched, Dataset::ResolverRules, vpc.as_str()))
    }

    /// The Route 53 Profiles associated with a VPC.
    ///
    /// # Errors
    /// The gap, when some may not have been read.
    pub fn profiles_in(&self, vpc: &VpcId) -> Result<Complete<'_, &'s ProfileAssociation>, Gap> {
        let fetched = &self.data().profile_associations;
        if self.is_not_offered(fetched) {
            return Ok(Complete(&[]));
        }
        all_of(self.profiles.get(vpc), gap_for(fetched, Dataset::ProfileAssociations, vpc.as_str()))
    }

    /// Block public access of the Region; `Absent` means off.
    pub fn block_public_access(&self) -> Lookup<&'s BlockPublicAccess> {
        let fetched = &self.data().block_public_access;
        match fetched.items().first() {
            Some(options) => Lookup::Found(options),
            None if self.is_not_offered(fetched) => Lookup::Absent,
            None => missing(fetched, Dataset::BlockPublicAccess, ""),
        }
    }

    /// The EC2 instance.
    pub fn instance(&self, id: &InstanceId) -> Lookup<&'s Instance> {
        lookup(&self.instances, &self.data().instances, Dataset::Instances, id)
    }

    /// The instance type.
    pub fn instance_type(&self, name: &str) -> Lookup<&'s InstanceType> {
        match self.instance_types.get(name) {
            Some(kind) => Lookup::Found(kind),
            None => missing(&self.data().instance_types, Dataset::InstanceTypes, name),
        }
    }

    /// The security group.
    pub fn security_group(&self, id: &SecurityGroupId) -> Lookup<&'s SecurityGroup> {
        lookup(&self.security_groups, &self.data().security_groups, Dataset::SecurityGroups, id)
    }

    /// The default security group of a VPC, which an interface gets that is given none.
    pub fn default_security_group(&self, vpc: &VpcId) -> Lookup<&'s SecurityGroup> {
        lookup(&self.default_security_groups, &self.data().security_groups, Dataset::SecurityGroups, vpc)
    }

    /// The network ACL of a subnet; every subnet has one.
    pub fn network_acl_of(&self, subnet: &SubnetId) -> Lookup<&'s NetworkAcl> {
        lookup(&self.network_acl_of_subnet, &self.data().network_acls, Dataset::NetworkAcls, subnet)
    }

    /// The network interface.
    pub fn network_interface(&self, id: &NetworkInterfaceId) -> Lookup<&'s NetworkInterface> {
        lookup(&self.network_interfaces, &self.data().network_interfaces, Dataset::NetworkInterfaces, id)
    }

    /// The entries of a prefix list.
    ///
    /// # Errors
    /// The gap, when they are not known.
    pub fn prefix_list_entries(&self, id: &PrefixListId) -> Result<Vec<IpNet>, Gap> {
        let unknown = || {
            let reason = text!["the entries of prefix list ", id, " are not known"];
            Gap::Undecidable { kind: "prefix-list", reason }
        };
        match self.prefix_list(id) {
            Lookup::Found(list) => list.entries.clone().ok_or_else(unknown),
            Lookup::Absent => Err(unknown()),
            Lookup::Unread(gap) => Err(gap),
        }
    }

    /// The VPC endpoint.
    pub fn vpc_endpoint(&self, id: &VpcEndpointId) -> Lookup<&'s VpcEndpoint> {
        lookup(&self.vpc_endpoints, &self.data().vpc_endpoints, Dataset::VpcEndpoints, id)
    }

    /// The load balancer.
    pub fn load_balancer(&self, arn: &Arn) -> Lookup<&'s LoadBalancer> {
        lookup(&self.load_balancers, &self.data().load_balancers, Dataset::LoadBalancers, arn)
    }

    /// The listeners of a load balancer.
    ///
    /// # Errors
    /// The gap, when some may not have been read.
    pub fn listeners_of(&self, load_balancer: &Arn) -> Result<Complete<'_, &'s Listener>, Gap> {
        let gap = gap_for(&self.data().listeners, Dataset::Listeners, load_balancer.as_str());
        all_of(self.listeners.get(load_balancer), gap)
    }

    /// The rules of a listener, the default one included; only Application Load Balancers have any.
    ///
    /// # Errors
    /// The gap, when some may not have been read.
    pub fn listener_rules_of(&self, listener: &Arn) -> Result<Complete<'_, &'s ListenerRule>, Gap> {
        let gap = gap_for(&self.data().listener_rules, Dataset::ListenerRules, listener.as_str());
        all_of(self.listener_rules.get(listener), gap)
    }

    /// The attributes of a target group.
    pub fn target_group_attributes(&self, arn: &Arn) -> Lookup<&'s TargetGroupAttributes> {
        let fetched = &self.data().target_group_attributes;
        lookup(&self.target_group_attributes, fetched, Dataset::TargetGroupAttributes, arn)
    }

    /// The health of the targets of a target group.
    ///
    /// # Errors
    /// The gap, when it may not have been read.
    pub fn target_health_of(&self, target_group: &Arn) -> Result<Complete<'_, &'s TargetHealth>, Gap> {
        let gap = gap_for(&self.data().target_health, Dataset::TargetHealth, target_group.as_str());
        all_of(self.target_health.get(target_group), gap)
    }

    /// The target group.
    pub fn target_group(&self, arn: &Arn) -> Lookup<&'s TargetGroup> {
        lookup(&self.target_groups, &self.data().target_groups, Dataset::TargetGroups, arn)
    }

    /// The Auto Scaling group.
    pub fn auto_scaling_group(&self, arn: &Arn) -> Lookup<&'s AutoScalingGroup> {
        lookup(&self.auto_scaling_groups, &self.data().auto_scaling_groups, Dataset::AutoScalingGroups, arn)
    }

    /// A stand-in that replaces AWS's endpoint and doesn't know a feature's operation can't have the feature either.
    /// On AWS itself the same answer proves nothing.
    fn is_not_offered<T>(&self, fetched: &Fetched<T>) -> bool {
        self.target.endpoint_override.is_some()
            && matches!(fetched, Fetched::Unavailable { failure } if failure.class == FailureClass::NotSupported)
    }
}

fn by<'s, K: Eq + Hash, V>(fetched: &'s Fetched<V>, key: impl Fn(&'s V) -> &'s K) -> Map<'s, K, V> {
    fetched.items().iter().map(|item| (key(item), item)).collect()
}

fn by_name<'s, V>(fetched: &'s Fetched<V>, key: impl Fn(&'s V) -> &'s String) -> FxHashMap<&'s str, &'s V> {
    fetched.items().iter().map(|item| (key(item).as_str(), item)).collect()
}

fn grouped<'s, K: Eq + Hash, V>(fetched: &'s Fetched<V>, key: impl Fn(&'s V) -> &'s K) -> Groups<'s, K, &'s V> {
    let mut groups: Groups<'s, K, &'s V> = FxHashMap::default();
    for item in fetched.items() {
        groups.entry(key(item)).or_default().push(item);
    }
    groups
}

fn explicit_associations(data: &TargetData) -> Map<'_, SubnetId, RouteTable> {
    let tables = data.route_tables.items().iter();
    tables.flat_map(|table| table.subnets.iter().map(move |subnet| (subnet, table))).collect()
}

fn main_route_tables(data: &TargetData) -> Map<'_, VpcId, RouteTable> {
    data.route_tables.items().iter().filter(|table| table.main).map(|table| (&table.vpc_id, table)).collect()
}

fn default_security_groups(data: &TargetData) -> Map<'_, VpcId, SecurityGroup> {
    // The name is reserved: no other group can be called so.
    data.security_groups.items().iter().filter(|g| g.name == "default").map(|group| (&group.vpc_id, group)).collect()
}

fn network_acls(data: &TargetData) -> Map<'_, SubnetId, NetworkAcl> {
    data.network_acls.items().iter().flat_map(|acl| acl.subnets.iter().map(move |subnet| (subnet, acl))).collect()
}

fn lookup<'s, K, V>(map: &Map<'s, K, V>, fetched: &Fetched<V>, dataset: Dataset, id: &K) -> Lookup<&'s V>
where
    K: Eq + Hash + AsRef<str>,
{
    match map.get(id) {
        Some(found) => Lookup::Found(found),
        None => missing(fetched, dataset, id.as_ref()),
    }
}

pub(super) fn missing<T, V>(fetched: &Fetched<V>, dataset: Dataset, id: &str) -> Lookup<T> {
    gap_for(fetched, dataset, id).map_or(Lookup::Absent, Lookup::Unread)
}

fn all_of<'a, T>(items: Option<&'a Vec<T>>, gap: Option<Gap>) -> Result<Complete<'a, T>, Gap> {
    match gap {
        Some(gap) => Err(gap),
        None => Ok(Complete(items.map_or(&[], Vec::as_slice))),
    }
}
