//! EC2 Auto Scaling: the groups behind capacity providers.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types as sdk;

use super::convert::{id, text};
use super::ecs::sorted;
use super::plan::{Reader, each, gather};
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::ecs::CapacityProviderKind;
use crate::snapshot::elb::AutoScalingGroup;
use crate::snapshot::ids::{Arn, InstanceId, SubnetId};

const NAMES_A_CALL: usize = 50;
const PAGE: i32 = 100;

/// The groups that capacity providers scale.
pub(super) async fn read(reader: &Reader) {
    let of_providers = |data: &TargetData| -> BTreeSet<Arn> {
        let kinds = data.capacity_providers.items().iter().map(|provider| &provider.kind);
        let groups = kinds.filter_map(|kind| match kind {
            CapacityProviderKind::AutoScalingGroup { auto_scaling_group_arn, .. } => Some(auto_scaling_group_arn),
            _ => None,
        });
        groups.cloned().collect()
    };
    let read = |arns| groups(reader, arns);
    reader.derive(Dataset::AutoScalingGroups, |data| &mut data.auto_scaling_groups, of_providers, read).await;
}

/// The groups with these ARNs. A name is looked up because the API takes no ARNs.
async fn groups(reader: &Reader, arns: BTreeSet<Arn>) -> Fetched<AutoScalingGroup> {
    let names: Vec<String> =
        arns.iter().filter_map(|arn| Some(arn.as_str().rsplit_once("autoScalingGroupName/")?.1.to_owned())).collect();
    let batches: Vec<_> = names.chunks(NAMES_A_CALL).map(<[String]>::to_vec).collect();
    let parts = each(batches, |batch| describe(reader.clone(), batch)).await;
    sorted(gather(parts), |a, b| a.arn.cmp(&b.arn))
}

async fn describe(reader: Reader, names: Vec<String>) -> (Vec<AutoScalingGroup>, Option<Failure>) {
    let client = &reader.clients.autoscaling;
    let request = |token| {
        let describe = client.describe_auto_scaling_groups().set_auto_scaling_group_names(Some(names.clone()));
        describe.max_records(PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_autoscaling::operation::describe_auto_scaling_groups::DescribeAutoScalingGroupsOutput| {
        (page.auto_scaling_groups.unwrap_or_default().into_iter().map(group).collect(), page.next_token)
    };
    reader.caller.pages("autoscaling:DescribeAutoScalingGroups", &[], request, take).await
}

fn group(group: sdk::AutoScalingGroup) -> AutoScalingGroup {
    let zones = group.vpc_zone_identifier.unwrap_or_default();
    let mut subnets: Vec<SubnetId> =
        zones.split(',').map(str::trim).filter(|subnet| !subnet.is_empty()).map(SubnetId::from).collect();
    subnets.sort();
    let mut instances: Vec<InstanceId> = group
        .instances
        .unwrap_or_default()
        .into_iter()
        .filter_map(|instance| instance.instance_id)
        .map(Into::into)
        .collect();
    instances.sort();
    let template = group.mixed_instances_policy.and_then(|policy| policy.launch_template);
    let overrides = template.and_then(|template| template.overrides).unwrap_or_default();
    let processes = group.suspended_processes.unwrap_or_default();
    let mut availability_zones = group.availability_zones.unwrap_or_default();
    availability_zones.sort();
    AutoScalingGroup {
        arn: id(group.auto_scaling_group_arn),
        name: text(group.auto_scaling_group_name),
        min_size: group.min_size.unwrap_or_default(),
        max_size: group.max_size.unwrap_or_default(),
        desired_capacity: group.desired_capacity.unwrap_or_default(),
        availability_zones,
        subnets,
        suspended_processes: processes.into_iter().filter_map(|process| process.process_name).collect(),
        instances,
        instance_types: overrides.into_iter().filter_map(|o| o.instance_type).collect(),
    }
}
