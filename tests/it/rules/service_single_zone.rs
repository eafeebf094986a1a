//! Services whose tasks are all in one zone.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use insta::assert_snapshot;

use crate::mocks::accounts::{ec2_bridge_behind_alb, fargate_private_with_nat};
use crate::mocks::compute::{set_counts, set_launch, set_network};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "service-single-zone";

#[test]
fn all_subnets_are_in_one_zone() {
    let report = audit_rule(&fargate_private_with_nat().account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    low service-single-zone prod/web (ecs:service)
    The 2 tasks of web all run in eu-west-1a: its subnets are in no other zone
    blocker capacity/single-zone - -> web: one zone only: eu-west-1a
    fix Add a subnet, or instances, in a second zone, so that the loss of one leaves tasks running.
    "##);
    assert_eq!(only(&report).severity, Severity::Low);
    // Two subnets are not two zones.
    for mut pattern in [patterns::fargate_nat(), patterns::ec2_awsvpc()] {
        pattern.account.edit_subnet(&pattern.subnets[1], |subnet| {
            subnet.availability_zone = "eu-west-1a".to_owned();
        });
        assert_eq!(only(&audit_rule(&pattern.account, RULE)).facts["zone"], "eu-west-1a");
    }
}

#[test]
fn all_instances_are_in_one_zone() {
    let report = audit_rule(&ec2_bridge_behind_alb().account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    low service-single-zone prod/web (ecs:service)
    The 2 tasks of web all run in eu-west-1a: the instances that they may use are in no other zone today
    blocker capacity/single-zone - -> web: one zone only: eu-west-1a
    fix Add a subnet, or instances, in a second zone, so that the loss of one leaves tasks running.
    "##);
    assert_eq!(only(&report).severity, Severity::Low);
}

#[test]
fn two_zones_are_fine() {
    for (name, pattern) in patterns::all() {
        let report = audit_rule(&pattern.account, RULE);
        assert!(report.findings.is_empty() && report.not_evaluated.is_empty(), "{name}");
    }
}

#[test]
fn one_task_is_in_one_zone_anyway() {
    for desired in [0, 1] {
        let mut fixture = fargate_private_with_nat();
        fixture.account.edit_service(&fixture.service, |service| set_counts(service, desired, desired));
        assert_silent(&audit_rule(&fixture.account, RULE));
    }
}

#[test]
fn scheduled_tasks_are_not_concerned() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 1, 1));
    fixture.account.schedule("nightly", &fixture.cluster, &fixture.definition, &[&fixture.subnet]);
    fixture.account.data.schedules.items_mut().unwrap()[0].target.task_count = 2;
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_draining_instance_is_no_second_zone() {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.edit_instance(&pattern.instances[1], |instance| instance.status = "DRAINING".to_owned());
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).facts["zone"], "eu-west-1a");
}

fn constrained(mut pattern: Pattern, expression: &str) -> Pattern {
    let expression = Some(expression.to_owned());
    let constraint = PlacementConstraint { kind: "memberOf".to_owned(), expression };
    pattern.account.edit_service(&pattern.service, |service| service.placement_constraints = vec![constraint]);
    pattern
}

#[test]
fn a_constraint_keeps_all_tasks_in_one_zone() {
    let pattern = constrained(patterns::ec2_bridge(), "attribute:ecs.availability-zone == eu-west-1b");
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).facts["zone"], "eu-west-1b");
    let pattern = constrained(patterns::ec2_bridge(), "attribute:ecs.availability-zone in [eu-west-1a, eu-west-1b]");
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn subnets_decide_for_awsvpc_tasks_wherever_instances_are() {
    let mut pattern = patterns::ec2_awsvpc();
    pattern.account.edit_instance(&pattern.instances[1], |instance| instance.status = "DRAINING".to_owned());
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn without_an_instance_there_is_no_zone() {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.data.container_instances.items_mut().unwrap().clear();
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_subnet_that_is_not_visible_may_be_in_another_zone() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.data.subnets.items_mut().unwrap().retain(|subnet| subnet.id != pattern.subnets[1]);
    assert_unknown(&audit_rule(&pattern.account, RULE), "does not exist any more");
    // Two zones are enough, wherever the third subnet is.
    let mut pattern = patterns::fargate_nat();
    pattern.account.edit_service(&pattern.service, |service| {
        let mut network = service.network_configuration.clone().unwrap();
        network.subnets.push("subnet-gone".into());
        set_network(service, network);
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [(Dataset::Services, "ecs:ListServices"), (Dataset::Subnets, "ec2:DescribeSubnets")] {
        let mut fixture = fargate_private_with_nat();
        fixture.account.deny(dataset, api);
        assert_unknown(&audit_rule(&fixture.account, RULE), &format!("{} could not be read", dataset.name()));
    }
    let mut fixture = ec2_bridge_behind_alb();
    fixture.account.deny(Dataset::ContainerInstances, "ecs:ListContainerInstances");
    assert_unknown(&audit_rule(&fixture.account, RULE), "container-instances could not be read");
    // In awsvpc mode the subnets would count, in the others the instances.
    let mut fixture = ec2_bridge_behind_alb();
    fixture.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&fixture.account, RULE), "task-definitions could not be read");
    let mut fixture = ec2_bridge_behind_alb();
    let provider = fixture.account.capacity_provider("asg", 2, 4, &[&fixture.subnet]);
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &[&provider]));
    fixture.account.deny(Dataset::CapacityProviders, "ecs:DescribeCapacityProviders");
    assert_unknown(&audit_rule(&fixture.account, RULE), "capacity-providers could not be read");
}
