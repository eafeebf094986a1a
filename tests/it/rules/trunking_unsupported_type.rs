//! Container instances of a type that can't have a trunk, with most of their slots in use.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::CapacityProviderKind;
use insta::assert_snapshot;

use crate::mocks::accounts::{
    Fixture, ec2_awsvpc_full, ec2_awsvpc_trunked, ec2_bridge_behind_alb, fargate_private_with_nat, in_provider,
    instances, remove_tasks, run_windows,
};
use crate::mocks::compute::set_counts;
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "trunking-unsupported-type";

/// The same account with instances of another type; the number of interfaces stays.
fn of_type(mut fixture: Fixture, instance_type: &str) -> Fixture {
    for instance in instances(&fixture) {
        fixture.account.edit_host(&instance, |host| host.instance_type = instance_type.to_owned());
    }
    fixture.account.data.instance_types.items_mut().unwrap()[0].name = instance_type.to_owned();
    fixture
}

/// Three t3.large, each with the two awsvpc tasks that it holds.
fn full() -> Fixture {
    of_type(ec2_awsvpc_full(), "t3.large")
}

/// The same in a provider with managed scaling.
fn managed() -> Fixture {
    in_provider(full(), 3, 3)
}

#[test]
fn the_slots_of_a_type_without_trunking_are_used_up() {
    let report = audit_rule(&full().account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    low trunking-unsupported-type prod (ecs:cluster)
    t3.large in prod is not among the types that ECS lists for ENI trunking, and 6 of its 6 task-ENI slots are wanted; of the same size m5.large (10), m5a.large (10), m5ad.large (10) and 29 more can trunk
    blocker capacity/type-without-trunking - -> t3.large: no trunking
    fix Move to a type that supports trunking, or to bridge mode or Fargate.
    "##);
    assert_eq!(only(&report).related.len(), 3);
}

#[test]
fn it_is_info_beside_the_pressure_and_silent_below_its_threshold() {
    for (removed, fires) in [(0, true), (1, true), (2, false)] {
        let mut fixture = full();
        remove_tasks(&mut fixture, removed);
        let report = audit_beside(&fixture.account, RULE, "eni-limit-pressure");
        if !fires {
            assert_silent(&report);
            continue;
        }
        let said = (only(&report).severity, only(&report).severity_reason.as_deref());
        assert_eq!(said, (Severity::Info, Some("eni-limit-pressure tells of the same instances")), "{removed} removed");
    }
}

#[test]
fn it_is_low_where_the_pressure_itself_cannot_be_judged() {
    let mut fixture = managed();
    fixture.account.deny(Dataset::AutoScalingGroups, "autoscaling:DescribeAutoScalingGroups");
    assert_unknown(&audit_rule(&fixture.account, "eni-limit-pressure"), "auto-scaling-groups could not be read");
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!((only(&report).severity, only(&report).severity_reason.as_deref()), (Severity::Low, None));
}

#[test]
fn it_names_types_of_the_same_size_and_class_where_there_are_any() {
    let said = |instance_type: &str| {
        let report = audit_rule(&of_type(ec2_awsvpc_full(), instance_type).account, RULE);
        only(&report).message.to_string()
    };
    assert!(said("c5n.large").contains("c5.large (10)"), "{}", said("c5n.large"));
    assert!(said("t3.large").contains("m5.large (10)"), "{}", said("t3.large"));
}

#[test]
fn a_type_that_can_trunk_is_another_matter() {
    for instance_type in ["c5.large", "m6i.large"] {
        assert_silent(&audit_rule(&of_type(ec2_awsvpc_full(), instance_type).account, RULE));
    }
    assert_silent(&audit_rule(&ec2_awsvpc_trunked().account, RULE));
}

#[test]
fn only_the_type_that_cannot_is_told_of() {
    let mut fixture = full();
    let other = fixture.account.container_instance(&fixture.cluster, "other", "m5.large", &fixture.subnet);
    for task in ["a", "b"] {
        fixture.account.task_on(&fixture.service, &other, task);
    }
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 8, 8));
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).blockers[0].resource.as_deref(), Some("t3.large"));
}

#[test]
fn a_trunk_proves_that_the_type_can() {
    // The guide's table lacks c5n.
    assert_silent(&audit_rule(&of_type(ec2_awsvpc_trunked(), "c5n.large").account, RULE));
}

#[test]
fn clusters_without_awsvpc_tasks_on_instances_are_not_concerned() {
    assert_silent(&audit_rule(&of_type(ec2_bridge_behind_alb(), "t3.large").account, RULE));
    assert_silent(&audit_rule(&fargate_private_with_nat().account, RULE));
}

#[test]
fn windows_has_no_trunking_on_any_type() {
    let mut fixture = full();
    run_windows(&mut fixture);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn instances_that_aws_manages_and_draining_ones_are_left_out() {
    let mut fixture = managed();
    fixture.account.data.capacity_providers.items_mut().unwrap()[0].kind =
        CapacityProviderKind::ManagedInstances { subnets: Vec::new(), security_groups: Vec::new() };
    assert_silent(&audit_rule(&fixture.account, RULE));
    let mut fixture = full();
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |instance| instance.status = "DRAINING".to_owned());
    }
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_limit_that_no_source_gives_is_unknown() {
    let two_limits = of_type(ec2_awsvpc_full(), "p5.48xlarge");
    assert_unknown(&audit_rule(&two_limits.account, RULE), "two limits");
    let no_limit = of_type(ec2_awsvpc_trunked(), "t3.large");
    assert_unknown(&audit_rule(&no_limit.account, RULE), "no source says how many tasks t3.large holds with a trunk");
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::InstanceTypes, "ec2:DescribeInstanceTypes"),
        (Dataset::Instances, "ec2:DescribeInstances"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
    ] {
        let mut fixture = full();
        fixture.account.deny(dataset, api);
        assert_unknown(&audit_rule(&fixture.account, RULE), &format!("{} could not be read", dataset.name()));
    }
}

#[test]
fn what_is_used_stays_proved_and_what_is_free_does_not() {
    let denied = |removed: usize| {
        let mut fixture = full();
        remove_tasks(&mut fixture, removed);
        fixture.account.deny(Dataset::Services, "ecs:ListServices");
        audit_rule(&fixture.account, RULE)
    };
    only(&denied(0));
    assert!(!denied(0).not_evaluated.is_empty());
    assert_unknown(&denied(4), "services could not be read");
}
