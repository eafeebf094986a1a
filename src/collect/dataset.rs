//! The table of what a scan may ask AWS: each dataset, its API operations, and the datasets it is derived from.
//!
//! An operation is written like its IAM action, which for every call here is the same. `audit policy` prints from this
//! table, and a test holds every action in it to List, Get or Describe.

use std::collections::BTreeSet;

use crate::snapshot::coverage::Dataset;

/// The call that names the account; it needs no permission.
pub const IDENTITY: &str = "sts:GetCallerIdentity";

/// The call that names the Regions, where all of them are to be read.
pub const ALL_REGIONS: &str = "ec2:DescribeRegions";

/// The operations that a dataset is read with.
pub fn operations(dataset: Dataset) -> &'static [&'static str] {
    match dataset {
        Dataset::Clusters => &["ecs:ListClusters", "ecs:DescribeClusters"],
        Dataset::Services => &["ecs:ListServices", "ecs:DescribeServices"],
        Dataset::Tasks => &["ecs:ListTasks", "ecs:DescribeTasks"],
        Dataset::TaskDefinitions => &["ecs:DescribeTaskDefinition"],
        Dataset::ContainerInstances => &["ecs:ListContainerInstances", "ecs:DescribeContainerInstances"],
        Dataset::CapacityProviders => &["ecs:DescribeCapacityProviders"],
        Dataset::AccountSettings => &["ecs:ListAccountSettings"],
        Dataset::Vpcs => &["ec2:DescribeVpcs"],
        Dataset::VpcDnsAttributes => &["ec2:DescribeVpcAttribute"],
        Dataset::DhcpOptions => &["ec2:DescribeDhcpOptions"],
        Dataset::Subnets => &["ec2:DescribeSubnets"],
        Dataset::RouteTables => &["ec2:DescribeRouteTables"],
        Dataset::NatGateways => &["ec2:DescribeNatGateways"],
        Dataset::InternetGateways => &["ec2:DescribeInternetGateways"],
        Dataset::EgressOnlyInternetGateways => &["ec2:DescribeEgressOnlyInternetGateways"],
        Dataset::VpcEndpoints => &["ec2:DescribeVpcEndpoints"],
        Dataset::SecurityGroups => &["ec2:DescribeSecurityGroups"],
        Dataset::NetworkAcls => &["ec2:DescribeNetworkAcls"],
        Dataset::PrefixLists => &["ec2:DescribeManagedPrefixLists", "ec2:GetManagedPrefixListEntries"],
        Dataset::Instances => &["ec2:DescribeInstances"],
        Dataset::InstanceTypes => &["ec2:DescribeInstanceTypes"],
        Dataset::NetworkInterfaces => &["ec2:DescribeNetworkInterfaces"],
        Dataset::FlowLogs => &["ec2:DescribeFlowLogs"],
        Dataset::BlockPublicAccess => {
            &["ec2:DescribeVpcBlockPublicAccessOptions", "ec2:DescribeVpcBlockPublicAccessExclusions"]
        }
        Dataset::HostedZones => &["route53:ListHostedZonesByVPC"],
        Dataset::ResolverRules => {
            &["route53resolver:ListResolverRuleAssociations", "route53resolver:ListResolverRules"]
        }
        Dataset::ProfileAssociations => &["route53profiles:ListProfileAssociations"],
        Dataset::LoadBalancers => &["elasticloadbalancing:DescribeLoadBalancers"],
        Dataset::Listeners => &["elasticloadbalancing:DescribeListeners"],
        Dataset::ListenerRules => &["elasticloadbalancing:DescribeRules"],
        Dataset::TargetGroups => &["elasticloadbalancing:DescribeTargetGroups"],
        Dataset::TargetGroupAttributes => &["elasticloadbalancing:DescribeTargetGroupAttributes"],
        Dataset::TargetHealth => &["elasticloadbalancing:DescribeTargetHealth"],
        Dataset::AutoScalingGroups => &["autoscaling:DescribeAutoScalingGroups"],
        Dataset::SecurityGroupVpcAssociations => &["ec2:DescribeSecurityGroupVpcAssociations"],
        Dataset::VpcPeeringConnections => &["ec2:DescribeVpcPeeringConnections"],
        Dataset::HostedZoneRecords => &["route53:ListResourceRecordSets"],
        Dataset::LoadBalancerAttributes => &["elasticloadbalancing:DescribeLoadBalancerAttributes"],
        Dataset::FileSystems => {
            &["elasticfilesystem:DescribeMountTargets", "elasticfilesystem:DescribeMountTargetSecurityGroups"]
        }
        Dataset::PullThroughCacheRules => &["ecr:DescribePullThroughCacheRules"],
        Dataset::NetworkInterfaceQuota => &["servicequotas:GetServiceQuota"],
        Dataset::CachedImages => &["ecr:DescribeImages"],
        Dataset::Repositories => &["ecr:DescribeRepositories"],
        Dataset::RegistryScanning => &["ecr:GetRegistryScanningConfiguration"],
        Dataset::EventRules => &[
            "events:ListEventBuses",
            "events:ListRuleNamesByTarget",
            "events:DescribeRule",
            "events:ListTargetsByRule",
        ],
        Dataset::Schedules => &["scheduler:ListSchedules", "scheduler:GetSchedule"],
    }
}

/// The datasets that have to be read first.
pub fn sources(dataset: Dataset) -> &'static [Dataset] {
    use Dataset as D;
    match dataset {
        D::Services | D::Tasks | D::ContainerInstances => &[D::Clusters],
        D::TaskDefinitions => &[D::Services, D::Tasks],
        D::CapacityProviders => &[D::Clusters, D::Services, D::ContainerInstances],
        D::AutoScalingGroups => &[D::CapacityProviders],
        D::Instances => &[D::ContainerInstances],
        D::InstanceTypes => &[D::ContainerInstances, D::Instances],
        D::VpcDnsAttributes => {
            &[D::Services, D::Tasks, D::Instances, D::AutoScalingGroups, D::Subnets, D::VpcEndpoints]
        }
        D::HostedZones => &[D::Services, D::Tasks, D::Instances, D::AutoScalingGroups, D::Subnets],
        D::PrefixLists => &[D::RouteTables],
        D::Listeners => &[D::TargetGroups, D::Services],
        D::LoadBalancerAttributes => &[D::LoadBalancers, D::TargetGroups, D::Services],
        D::HostedZoneRecords => &[D::HostedZones],
        D::FileSystems | D::Repositories => &[D::TaskDefinitions],
        D::CachedImages => &[D::TaskDefinitions, D::PullThroughCacheRules],
        D::EventRules | D::Schedules => &[D::Clusters],
        D::ListenerRules => &[D::Listeners, D::LoadBalancers],
        D::TargetGroupAttributes | D::TargetHealth => &[D::TargetGroups, D::Services],
        D::Clusters
        | D::AccountSettings
        | D::Vpcs
        | D::DhcpOptions
        | D::Subnets
        | D::RouteTables
        | D::NatGateways
        | D::InternetGateways
        | D::EgressOnlyInternetGateways
        | D::VpcEndpoints
        | D::SecurityGroups
        | D::NetworkAcls
        | D::NetworkInterfaces
        | D::FlowLogs
        | D::BlockPublicAccess
        | D::ResolverRules
        | D::ProfileAssociations
        | D::SecurityGroupVpcAssociations
        | D::VpcPeeringConnections
        | D::PullThroughCacheRules
        | D::RegistryScanning
        | D::NetworkInterfaceQuota
        | D::LoadBalancers
        | D::TargetGroups => &[],
    }
}

/// Datasets that name more of it where they are read, but that it is not worth reading them for.
pub fn further_sources(dataset: Dataset) -> &'static [Dataset] {
    use Dataset as D;
    match dataset {
        D::PrefixLists => &[D::SecurityGroups],
        D::VpcDnsAttributes | D::HostedZones => &[D::EventRules, D::Schedules],
        _ => &[],
    }
}

/// The datasets with all that they are derived from. Clusters always come first: without one nothing else is read.
pub fn closure(wanted: &BTreeSet<Dataset>) -> BTreeSet<Dataset> {
    let mut all = BTreeSet::new();
    let mut open: Vec<Dataset> = wanted.iter().copied().chain([Dataset::Clusters]).collect();
    while let Some(dataset) = open.pop() {
        if all.insert(dataset) {
            open.extend(sources(dataset));
        }
    }
    all
}

/// The dataset that an operation reads, by the operation's name without its service.
pub(super) fn of_operation(operation: &str) -> Option<Dataset> {
    let is_it = |api: &&str| api.split_once(':').is_some_and(|(_, name)| name == operation);
    Dataset::ALL.iter().copied().find(|dataset| operations(*dataset).iter().any(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_table_can_change_anything() {
        for dataset in Dataset::ALL {
            assert!(!operations(*dataset).is_empty(), "{}", dataset.name());
            for api in operations(*dataset) {
                let (_, name) = api.split_once(':').expect("service:Operation");
                assert!(["List", "Get", "Describe"].iter().any(|verb| name.starts_with(verb)), "{api}");
            }
        }
    }

    #[test]
    fn an_operation_reads_one_dataset() {
        let names: Vec<&str> =
            Dataset::ALL.iter().flat_map(|d| operations(*d)).map(|api| api.split_once(':').unwrap().1).collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len());
        assert_eq!(of_operation("DescribeServices"), Some(Dataset::Services));
        assert_eq!(of_operation("GetCallerIdentity"), None);
    }

    #[test]
    fn the_closure_has_every_source() {
        let all = closure(&[Dataset::HostedZones].into());
        assert!(
            all.contains(&Dataset::Clusters) && all.contains(&Dataset::Instances) && all.contains(&Dataset::Subnets)
        );
        assert!(!all.contains(&Dataset::LoadBalancers));
    }
}
