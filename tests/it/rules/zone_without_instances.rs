//! Subnets of an awsvpc service in zones where it has no instance to run on.

use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::{NetworkMode, SchedulingStrategy};
use ecs_network_audit::snapshot::ids::SubnetId;
use insta::assert_snapshot;

use crate::mocks::compute::{set_counts, set_launch};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "zone-without-instances";

fn audit(pattern: &Pattern) -> Report {
    audit_rule(&pattern.account, RULE)
}

/// Instances in zones a and b, and a service in the subnets of these zones.
fn in_zones(zones: &[&str]) -> Pattern {
    let mut pattern = patterns::ec2_awsvpc();
    let c = pattern.account.private_subnet(&pattern.vpc, "private-c", "10.0.48.0/20", "c", &pattern.nats[0]);
    let all = [("a", &pattern.subnets[0]), ("b", &pattern.subnets[1]), ("c", &c)];
    let named: Vec<&SubnetId> =
        all.into_iter().filter(|(zone, _)| zones.contains(zone)).map(|(_, subnet)| subnet).collect();
    pattern.account.network(&pattern.service, &named);
    pattern
}

/// The instances in a provider whose group has subnets in these zones.
fn managed(mut pattern: Pattern, zones: &[&str]) -> Pattern {
    let provider = pattern.account.capacity_provider("asg", 2, 4, &[&pattern.subnets[0], &pattern.subnets[1]]);
    let group = &mut pattern.account.data.auto_scaling_groups.items_mut().unwrap()[0];
    group.availability_zones = zones.iter().map(|zone| format!("eu-west-1{zone}")).collect();
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |i| i.capacity_provider_name = Some(provider.clone()));
    }
    pattern.account.edit_service(&pattern.service, |service| set_launch(service, None, &[&provider]));
    pattern
}

#[test]
fn a_service_alone_in_a_zone_without_instances_is_never_placed() {
    let report = audit(&in_zones(&["c"]));
    assert_eq!(only(&report).severity, Severity::High);
    assert_eq!(only(&report).facts["zones"], serde_json::json!(["eu-west-1c"]));
    assert_snapshot!(shown(only(&report)), @r##"
    high zone-without-instances prod/web (ecs:service)
    No task of web can be placed: neither an instance nor an Auto Scaling group is in eu-west-1c
    blocker capacity/zone-without-instances - -> web: no container instance in eu-west-1c
    fix Put instances into the zones of the service's subnets, give the Auto Scaling group a subnet there, or take the subnets of other zones away.
    "##);
}

#[test]
fn a_zone_without_instances_beside_others_is_low() {
    let report = audit(&in_zones(&["a", "b", "c"]));
    assert_eq!(only(&report).severity, Severity::Low);
    assert_eq!(only(&report).severity_reason.as_deref(), Some("other zones of the service have instances"));
    assert_snapshot!(shown(only(&report)), @r##"
    low zone-without-instances prod/web (ecs:service)
    Tasks of web never run in some of their zones: neither an instance nor an Auto Scaling group is in eu-west-1c
    blocker capacity/zone-without-instances - -> web: no container instance in eu-west-1c
    fix Put instances into the zones of the service's subnets, give the Auto Scaling group a subnet there, or take the subnets of other zones away.
    "##);
}

#[test]
fn instances_in_every_zone_of_the_service_are_enough() {
    for zones in [["a", "b"].as_slice(), &["a"], &["b"]] {
        assert_silent(&audit(&in_zones(zones)));
    }
    let mut pattern = in_zones(&["a", "b", "c"]);
    let c = pattern.account.data.subnets.items().iter().find(|s| s.availability_zone == "eu-west-1c").unwrap();
    let c = c.id.clone();
    pattern.account.container_instance(&pattern.cluster, "instance-c", "m5.large", &c);
    assert_silent(&audit(&pattern));
}

#[test]
fn a_draining_instance_serves_no_zone() {
    let mut pattern = in_zones(&["a", "b"]);
    pattern.account.edit_instance(&pattern.instances[1], |instance| instance.status = "DRAINING".to_owned());
    let report = audit(&pattern);
    assert_eq!(only(&report).facts["zones"], serde_json::json!(["eu-west-1b"]));
    pattern.account.edit_instance(&pattern.instances[0], |instance| instance.status = "DRAINING".to_owned());
    assert_eq!(only(&audit(&pattern)).severity, Severity::High);
}

#[test]
fn an_instance_of_another_provider_serves_no_zone() {
    let mut pattern = managed(in_zones(&["a", "b"]), &["a"]);
    assert_silent(&audit(&pattern));
    pattern.account.edit_instance(&pattern.instances[1], |instance| instance.capacity_provider_name = None);
    assert_eq!(only(&audit(&pattern)).severity, Severity::Low);
}

#[test]
fn a_group_that_reaches_the_zone_scales_from_zero() {
    let mut pattern = managed(in_zones(&["c"]), &["a", "b", "c"]);
    assert_silent(&audit(&pattern));
    pattern.account.data.container_instances.items_mut().unwrap().clear();
    assert_silent(&audit(&pattern));
    assert_eq!(only(&audit(&managed(in_zones(&["c"]), &["a", "b"]))).severity, Severity::High);
}

#[test]
fn only_awsvpc_tasks_on_instances_are_bound_to_zones() {
    assert_silent(&audit(&patterns::ec2_bridge()));
    assert_silent(&audit(&patterns::fargate_nat()));
    let mut pattern = in_zones(&["c"]);
    pattern.account.edit_definition(&pattern.definition, |d| d.network_mode = Some(NetworkMode::Bridge));
    assert_silent(&audit(&pattern));
}

#[test]
fn a_service_that_wants_no_task_is_not_judged_but_a_daemon_is() {
    let mut pattern = in_zones(&["c"]);
    pattern.account.edit_service(&pattern.service, |service| set_counts(service, 0, 0));
    assert_silent(&audit(&pattern));
    pattern.account.edit_service(&pattern.service, |service| service.scheduling_strategy = SchedulingStrategy::Daemon);
    assert_eq!(only(&audit(&pattern)).severity, Severity::High);
}

#[test]
fn a_subnet_that_is_gone_leaves_its_zone_open() {
    let mut pattern = in_zones(&["a", "c"]);
    pattern.account.data.subnets.items_mut().unwrap().retain(|subnet| subnet.availability_zone != "eu-west-1c");
    assert_unknown(&audit(&pattern), "does not exist any more");
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
        (Dataset::CapacityProviders, "ecs:DescribeCapacityProviders"),
        (Dataset::AutoScalingGroups, "autoscaling:DescribeAutoScalingGroups"),
        (Dataset::Subnets, "ec2:DescribeSubnets"),
    ] {
        let mut pattern = managed(in_zones(&["c"]), &["a", "b"]);
        assert_eq!(only(&audit(&pattern)).severity, Severity::High);
        pattern.account.deny(dataset, api);
        let report = audit(&pattern);
        assert_unknown(&report, &format!("{} could not be read", dataset.name()));
        assert!(report.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some(api)));
    }
}
