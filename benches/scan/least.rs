//! The fewest requests that can tell what is in an account, by the page and batch sizes that AWS documents.

use std::collections::{BTreeMap, BTreeSet};

use ecs_network_audit::snapshot::Snapshot;
use ecs_network_audit::snapshot::ecs::Task;
use ecs_network_audit::snapshot::ids::Arn;

/// Requests by operation, of those operations whose number hangs on the account. Every other one is needed once.
pub fn least(snapshot: &Snapshot) -> BTreeMap<&'static str, usize> {
    let data = &snapshot.targets[0].data;
    let clusters = data.clusters.items();
    let by_cluster = |arns: Vec<&Arn>| -> Vec<usize> {
        clusters.iter().map(|cluster| arns.iter().filter(|arn| **arn == &cluster.arn).count()).collect()
    };
    let services = by_cluster(data.services.items().iter().map(|service| &service.cluster_arn).collect());
    let instances = by_cluster(data.container_instances.items().iter().map(|i| &i.cluster_arn).collect());
    let tasks = by_cluster(data.tasks.items().iter().map(|task| &task.cluster_arn).collect());
    let is_running = |task: &&Task| task.desired_status == "RUNNING";
    let running = by_cluster(data.tasks.items().iter().filter(is_running).map(|task| &task.cluster_arn).collect());
    let stopped: Vec<usize> = tasks.iter().zip(&running).map(|(all, running)| all - running).collect();
    let (balancers, groups) = (data.load_balancers.items().len(), data.target_groups.items().len());
    let vpcs = data.vpcs.items().len();
    let zones = data.hosted_zones.items().iter().flat_map(|of_vpc| &of_vpc.zones).map(|zone| &zone.id);
    let zones = zones.collect::<BTreeSet<_>>().len();
    [
        ("ecs:ListClusters", pages(clusters.len(), 100)),
        ("ecs:DescribeClusters", batches(clusters.len(), 100)),
        ("ecs:ListServices", services.iter().map(|count| pages(*count, 100)).sum()),
        ("ecs:DescribeServices", services.iter().map(|count| batches(*count, 10)).sum()),
        ("ecs:ListTasks", running.iter().chain(&stopped).map(|count| pages(*count, 100)).sum()),
        ("ecs:DescribeTasks", tasks.iter().map(|count| batches(*count, 100)).sum()),
        ("ecs:ListContainerInstances", instances.iter().map(|count| pages(*count, 100)).sum()),
        ("ecs:DescribeContainerInstances", instances.iter().map(|count| batches(*count, 100)).sum()),
        ("ecs:DescribeTaskDefinition", data.task_definitions.items().len()),
        ("ecs:ListAccountSettings", pages(data.account_settings.items().len(), 10)),
        ("elasticloadbalancing:DescribeLoadBalancers", pages(balancers, 400)),
        ("elasticloadbalancing:DescribeTargetGroups", pages(groups, 400)),
        ("elasticloadbalancing:DescribeListeners", balancers),
        ("elasticloadbalancing:DescribeRules", data.listeners.items().len()),
        ("elasticloadbalancing:DescribeLoadBalancerAttributes", balancers),
        ("elasticloadbalancing:DescribeTargetGroupAttributes", groups),
        ("elasticloadbalancing:DescribeTargetHealth", groups),
        ("ec2:DescribeVpcs", pages(vpcs, 1000)),
        // Host names and the resolver are asked for apart.
        ("ec2:DescribeVpcAttribute", 2 * vpcs),
        ("ec2:DescribeSubnets", pages(data.subnets.items().len(), 1000)),
        ("ec2:DescribeRouteTables", pages(data.route_tables.items().len(), 100)),
        ("ec2:DescribeNatGateways", pages(data.nat_gateways.items().len(), 1000)),
        ("ec2:DescribeVpcEndpoints", pages(data.vpc_endpoints.items().len(), 1000)),
        ("ec2:DescribeSecurityGroups", pages(data.security_groups.items().len(), 1000)),
        ("ec2:DescribeNetworkAcls", pages(data.network_acls.items().len(), 1000)),
        ("ec2:DescribeNetworkInterfaces", pages(data.network_interfaces.items().len(), 1000)),
        ("ec2:DescribeInstances", batches(data.instances.items().len(), 200)),
        ("ec2:DescribeInstanceTypes", batches(data.instance_types.items().len(), 100)),
        ("ec2:GetManagedPrefixListEntries", data.prefix_lists.items().len()),
        ("route53:ListHostedZonesByVPC", vpcs),
        ("route53:ListResourceRecordSets", zones),
    ]
    .into()
}

/// A list is asked for once even where it is empty.
fn pages(items: usize, size: usize) -> usize {
    batches(items, size).max(1)
}

fn batches(items: usize, size: usize) -> usize {
    items.div_ceil(size)
}
