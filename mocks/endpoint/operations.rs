//! The operations that the endpoint knows: who answers, how it pages, and what a request names.

use serde_json::Value;

use super::answer::Refusal;
use super::call::Call;
use super::{dns, ec2, ecs, elb, hosts, network, schedules, storage, sts};

type Answerer = fn(&Call<'_>) -> Result<Value, Refusal>;

/// An operation of AWS.
pub(super) struct Operation {
    /// `service:Operation`, as the collector spells it.
    pub(super) api: &'static str,
    pub(super) answer: Answerer,
    pub(super) paging: Option<Paging>,
    pub(super) named: Option<Named>,
}

/// How an operation pages.
#[derive(Clone, Copy)]
pub(super) struct Paging {
    /// The parameter with the size.
    pub(super) size: &'static str,
    /// The parameter with the token.
    pub(super) token: &'static str,
    /// The largest size that AWS takes; `None` where it isn't published.
    pub(super) most: Option<usize>,
    /// The size without the parameter; `None` where everything comes at once or it isn't published.
    pub(super) default: Option<usize>,
}

/// The parameter that names what is asked about.
#[derive(Clone, Copy)]
pub(super) enum Named {
    One(&'static str),
    /// A list with the most names that AWS takes.
    List(&'static str, usize),
    /// A filter of EC2.
    Filter(&'static str),
    /// Image identifiers of ECR.
    Images(&'static str),
}

impl Operation {
    const fn new(api: &'static str, answer: Answerer) -> Self {
        Self { api, answer, paging: None, named: None }
    }

    const fn names(self, named: Named) -> Self {
        Self { named: Some(named), ..self }
    }

    const fn pages(self, size: &'static str, token: &'static str, most: usize, default: usize) -> Self {
        Self { paging: Some(Paging { size, token, most: Some(most), default: Some(default) }), ..self }
    }

    /// EC2 answers with everything unless a page size is given; 0 for one whose largest size isn't published.
    const fn pages_ec2(self, most: usize) -> Self {
        let most = if most == 0 { None } else { Some(most) };
        Self { paging: Some(Paging { size: "MaxResults", token: "NextToken", most, default: None }), ..self }
    }

    /// The service's part of the name.
    pub(super) fn service(&self) -> &'static str {
        self.api.split(':').next().unwrap_or_default()
    }

    /// The name without the service.
    pub(super) fn name(&self) -> &'static str {
        self.api.split(':').nth(1).unwrap_or_default()
    }
}

/// The operation of a name such as `ecs:ListTasks`.
pub(super) fn find(api: &str) -> Option<&'static Operation> {
    ALL.iter().find(|operation| operation.api == api)
}

use Named::{Filter, Images, List, One};

/// All operations.
pub(super) static ALL: &[Operation] = &[
    Operation::new("sts:GetCallerIdentity", sts::caller_identity),
    Operation::new("sts:AssumeRole", sts::assume_role),
    Operation::new("ecs:ListClusters", ecs::list_clusters).pages("maxResults", "nextToken", 100, 100),
    Operation::new("ecs:DescribeClusters", ecs::describe_clusters).names(List("clusters", 100)),
    Operation::new("ecs:ListServices", ecs::list_services)
        .pages("maxResults", "nextToken", 100, 10)
        .names(One("cluster")),
    Operation::new("ecs:DescribeServices", ecs::describe_services).names(List("services", 10)),
    Operation::new("ecs:ListTasks", ecs::list_tasks).pages("maxResults", "nextToken", 100, 100).names(One("cluster")),
    Operation::new("ecs:DescribeTasks", ecs::describe_tasks).names(List("tasks", 100)),
    Operation::new("ecs:DescribeTaskDefinition", ecs::describe_task_definition).names(One("taskDefinition")),
    Operation::new("ecs:ListContainerInstances", ecs::list_container_instances)
        .pages("maxResults", "nextToken", 100, 100)
        .names(One("cluster")),
    Operation::new("ecs:DescribeContainerInstances", ecs::describe_container_instances)
        .names(List("containerInstances", 100)),
    Operation::new("ecs:DescribeCapacityProviders", ecs::describe_capacity_providers)
        .pages("maxResults", "nextToken", 10, 10)
        .names(List("capacityProviders", 100)),
    Operation::new("ecs:ListAccountSettings", ecs::list_account_settings).pages("maxResults", "nextToken", 10, 10),
    Operation::new("ec2:DescribeRegions", sts::regions),
    Operation::new("ec2:DescribeVpcs", ec2::vpcs).pages_ec2(1000),
    Operation::new("ec2:DescribeVpcAttribute", ec2::vpc_attribute).names(One("VpcId")),
    Operation::new("ec2:DescribeDhcpOptions", ec2::dhcp_options).pages_ec2(1000),
    Operation::new("ec2:DescribeSubnets", ec2::subnets).pages_ec2(1000),
    Operation::new("ec2:DescribeRouteTables", ec2::route_tables).pages_ec2(100),
    Operation::new("ec2:DescribeNatGateways", ec2::nat_gateways).pages_ec2(1000),
    Operation::new("ec2:DescribeInternetGateways", ec2::internet_gateways).pages_ec2(1000),
    Operation::new("ec2:DescribeEgressOnlyInternetGateways", ec2::egress_only_internet_gateways).pages_ec2(255),
    Operation::new("ec2:DescribeVpcEndpoints", ec2::vpc_endpoints).pages_ec2(1000),
    Operation::new("ec2:DescribeManagedPrefixLists", ec2::prefix_lists).pages_ec2(100),
    Operation::new("ec2:GetManagedPrefixListEntries", ec2::prefix_list_entries)
        .pages_ec2(100)
        .names(One("PrefixListId")),
    Operation::new("ec2:DescribeVpcBlockPublicAccessOptions", network::block_public_access),
    Operation::new("ec2:DescribeVpcBlockPublicAccessExclusions", network::block_public_access_exclusions)
        .pages_ec2(1000),
    Operation::new("ec2:DescribeSecurityGroups", network::security_groups).pages_ec2(1000),
    Operation::new("ec2:DescribeNetworkAcls", network::network_acls).pages_ec2(1000),
    Operation::new("ec2:DescribeNetworkInterfaces", network::network_interfaces).pages_ec2(1000),
    Operation::new("ec2:DescribeFlowLogs", network::flow_logs).pages_ec2(0),
    Operation::new("ec2:DescribeSecurityGroupVpcAssociations", network::security_group_vpc_associations)
        .pages_ec2(1000),
    Operation::new("ec2:DescribeVpcPeeringConnections", network::vpc_peering_connections).pages_ec2(1000),
    Operation::new("ec2:DescribeInstances", hosts::instances).pages_ec2(0).names(Filter("instance-id")),
    Operation::new("ec2:DescribeInstanceTypes", hosts::instance_types).pages_ec2(100).names(Filter("instance-type")),
    Operation::new("elasticloadbalancing:DescribeLoadBalancers", elb::load_balancers)
        .pages("PageSize", "Marker", 400, 400),
    Operation::new("elasticloadbalancing:DescribeTargetGroups", elb::target_groups)
        .pages("PageSize", "Marker", 400, 400),
    Operation::new("elasticloadbalancing:DescribeListeners", elb::listeners)
        .pages("PageSize", "Marker", 400, 400)
        .names(One("LoadBalancerArn")),
    Operation::new("elasticloadbalancing:DescribeRules", elb::rules)
        .pages("PageSize", "Marker", 400, 400)
        .names(One("ListenerArn")),
    Operation::new("elasticloadbalancing:DescribeLoadBalancerAttributes", elb::load_balancer_attributes)
        .names(One("LoadBalancerArn")),
    Operation::new("elasticloadbalancing:DescribeTargetGroupAttributes", elb::target_group_attributes)
        .names(One("TargetGroupArn")),
    Operation::new("elasticloadbalancing:DescribeTargetHealth", elb::target_health).names(One("TargetGroupArn")),
    Operation::new("autoscaling:DescribeAutoScalingGroups", hosts::auto_scaling_groups)
        .pages("MaxRecords", "NextToken", 100, 50)
        .names(List("AutoScalingGroupNames", 50)),
    Operation::new("route53:ListHostedZonesByVPC", dns::hosted_zones)
        .pages("maxitems", "nexttoken", 100, 100)
        .names(One("vpcid")),
    Operation::new("route53:ListResourceRecordSets", dns::records)
        .pages("maxitems", "identifier", 300, 300)
        .names(One("Id")),
    Operation::new("route53resolver:ListResolverRuleAssociations", dns::resolver_rule_associations).pages(
        "MaxResults",
        "NextToken",
        100,
        100,
    ),
    Operation::new("route53resolver:ListResolverRules", dns::resolver_rules).pages("MaxResults", "NextToken", 100, 100),
    Operation::new("route53profiles:ListProfileAssociations", dns::profile_associations).pages(
        "maxResults",
        "nextToken",
        100,
        100,
    ),
    Operation::new("elasticfilesystem:DescribeMountTargets", storage::mount_targets)
        .pages("MaxItems", "Marker", 100, 100)
        .names(One("FileSystemId")),
    Operation::new("elasticfilesystem:DescribeMountTargetSecurityGroups", storage::mount_target_security_groups)
        .names(One("Id")),
    Operation::new("ecr:DescribePullThroughCacheRules", storage::pull_through_cache_rules).pages(
        "maxResults",
        "nextToken",
        1000,
        100,
    ),
    Operation::new("ecr:DescribeImages", storage::images).names(Images("imageIds")),
    Operation::new("ecr:DescribeRepositories", storage::repositories).names(List("repositoryNames", 100)),
    Operation::new("ecr:GetRegistryScanningConfiguration", storage::registry_scanning),
    Operation::new("servicequotas:GetServiceQuota", storage::quota),
    Operation::new("events:ListEventBuses", schedules::event_buses).pages("Limit", "NextToken", 100, 100),
    Operation::new("events:ListRuleNamesByTarget", schedules::rule_names).pages("Limit", "NextToken", 100, 100),
    Operation::new("events:DescribeRule", schedules::rule).names(One("Name")),
    Operation::new("events:ListTargetsByRule", schedules::targets)
        .pages("Limit", "NextToken", 100, 100)
        .names(One("Rule")),
    Operation::new("scheduler:ListSchedules", schedules::schedules).pages("MaxResults", "NextToken", 100, 100),
    Operation::new("scheduler:GetSchedule", schedules::schedule).names(One("Name")),
];
