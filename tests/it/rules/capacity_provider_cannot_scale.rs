//! Tasks that wait for an instance that does not come.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::CapacityProviderKind;
use ecs_network_audit::snapshot::elb::AutoScalingGroup;
use ecs_network_audit::snapshot::enums::LaunchType;
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::mocks::account::now;
use crate::mocks::accounts::{Fixture, ec2_awsvpc_full, ec2_bridge_behind_alb, fargate_private_with_nat, instances};
use crate::mocks::compute::{set_counts, set_launch};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "capacity-provider-cannot-scale";

/// A task that has been PROVISIONING for so many minutes.
fn wait(fixture: &mut Fixture, minutes: i64) {
    let task = fixture.account.task(&fixture.service, "waiting");
    fixture.account.edit_task(&task, |task| {
        task.last_status = "PROVISIONING".into();
        task.created_at = Some(now() - SignedDuration::from_mins(minutes));
        task.started_at = None;
        task.network_interface = None;
    });
}

/// The instances of an account in a provider whose group has three of at most so many.
fn provided(mut fixture: Fixture, most: i32) -> Fixture {
    let provider = fixture.account.capacity_provider("asg", 3, most, &[&fixture.subnet]);
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |i| i.capacity_provider_name = Some(provider.clone()));
    }
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &[&provider]));
    fixture
}

/// Three full c5.large in such a provider, and a seventh task that has waited for so many minutes.
fn waiting(minutes: i64, most: i32) -> Fixture {
    let mut fixture = provided(ec2_awsvpc_full(), most);
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 7, 6));
    wait(&mut fixture, minutes);
    fixture
}

fn group(fixture: &mut Fixture) -> &mut AutoScalingGroup {
    &mut fixture.account.data.auto_scaling_groups.items_mut().unwrap()[0]
}

#[test]
fn the_group_is_at_its_maximum() {
    let report = audit_rule(&waiting(10, 3).account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium capacity-provider-cannot-scale prod/web (ecs:service)
    Tasks of web wait for an instance that does not come: Auto Scaling group asg is at its maximum of 3
    blocker capacity/auto-scaling-group - -> prod: Auto Scaling group asg is at its maximum of 3
    seen 1 x task
    fix Raise the maximum of the Auto Scaling group, resume its processes, or give it a subnet in the zones of the tasks.
    $ aws autoscaling update-auto-scaling-group --region eu-west-1 --auto-scaling-group-name asg --max-size 4
    "##);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert!(only(&report).remediation.commands.iter().any(|command| command.contains("--max-size 4")));
}

#[test]
fn its_launch_process_is_suspended() {
    let mut fixture = waiting(10, 10);
    group(&mut fixture).suspended_processes.push("Launch".to_owned());
    let report = audit_rule(&fixture.account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium capacity-provider-cannot-scale prod/web (ecs:service)
    Tasks of web wait for an instance that does not come: Auto Scaling group asg has its Launch process suspended
    blocker capacity/auto-scaling-group - -> prod: Auto Scaling group asg has its Launch process suspended
    seen 1 x task
    fix Raise the maximum of the Auto Scaling group, resume its processes, or give it a subnet in the zones of the tasks.
    "##);
    assert_eq!(only(&report).severity, Severity::Medium);
    // The maximum is not in the way.
    assert!(!only(&report).remediation.commands.iter().any(|command| command.contains("--max-size")));
}

#[test]
fn it_has_no_subnet_in_the_zones_of_the_tasks() {
    let mut fixture = waiting(10, 10);
    group(&mut fixture).availability_zones = vec!["eu-west-1c".to_owned()];
    let report = audit_rule(&fixture.account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium capacity-provider-cannot-scale prod/web (ecs:service)
    Tasks of web wait for an instance that does not come: Auto Scaling group asg has no subnet in the zones of the tasks
    blocker capacity/auto-scaling-group - -> prod: Auto Scaling group asg has no subnet in the zones of the tasks
    seen 1 x task
    fix Raise the maximum of the Auto Scaling group, resume its processes, or give it a subnet in the zones of the tasks.
    "##);
    assert_eq!(only(&report).severity, Severity::Medium);
    group(&mut fixture).availability_zones.push("eu-west-1a".to_owned());
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn zones_bind_awsvpc_tasks_only() {
    let mut fixture = provided(ec2_bridge_behind_alb(), 10);
    wait(&mut fixture, 10);
    group(&mut fixture).availability_zones = vec!["eu-west-1c".to_owned()];
    assert_silent(&audit_rule(&fixture.account, RULE));
    group(&mut fixture).max_size = 3;
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn its_group_was_deleted() {
    let mut fixture = waiting(10, 10);
    fixture.account.data.auto_scaling_groups.items_mut().unwrap().clear();
    let report = audit_rule(&fixture.account, RULE);
    assert!(only(&report).message.to_string().contains("the Auto Scaling group of asg does not exist"));
}

#[test]
fn nothing_of_the_service_runs() {
    let mut fixture = waiting(10, 3);
    fixture.account.data.tasks.items_mut().unwrap().retain(|task| task.last_status == "PROVISIONING");
    let report = audit_rule(&fixture.account, RULE);
    let said = (only(&report).severity, only(&report).severity_reason.as_deref());
    assert_eq!(said, (Severity::High, Some("no task of it runs")));
}

#[test]
fn an_instance_takes_a_few_minutes_to_come() {
    for minutes in [1, 4] {
        assert_silent(&audit_rule(&waiting(minutes, 3).account, RULE));
    }
    only(&audit_rule(&waiting(6, 3).account, RULE));
}

#[test]
fn a_group_with_room_to_grow_is_fine() {
    assert_silent(&audit_rule(&waiting(10, 10).account, RULE));
    let mut fixture = waiting(10, 10);
    group(&mut fixture).suspended_processes.push("AZRebalance".to_owned());
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn nobody_waits() {
    assert_silent(&audit_rule(&provided(ec2_awsvpc_full(), 3).account, RULE));
}

#[test]
fn the_event_that_no_instance_was_found_is_waiting_too() {
    let mut fixture = provided(ec2_awsvpc_full(), 3);
    let event = "(service web) was unable to place a task because no container instance met all of its requirements.";
    fixture.account.event(&fixture.service, event);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).confirmed_by[0].source, "service-event");
    fixture.account.event(&fixture.service, "(service web) has reached a steady state.");
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn so_is_a_task_that_stopped_without_a_place() {
    let mut fixture = provided(ec2_awsvpc_full(), 3);
    fixture.account.stopped_task(&fixture.service, "unplaced", "TaskFailedToStart: RESOURCE:CPU");
    // Its service lacks a task, so the older ones that run heal nothing.
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 7, 6));
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).confirmed_by[0].source, "stopped-task");
}

#[test]
fn tasks_that_wait_for_something_else_are_not_concerned() {
    // Without a provider nothing scales.
    let mut fixture = waiting(10, 3);
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, Some(LaunchType::Ec2), &[]));
    assert_silent(&audit_rule(&fixture.account, RULE));
    let mut fixture = fargate_private_with_nat();
    wait(&mut fixture, 10);
    assert_silent(&audit_rule(&fixture.account, RULE));
    let mut fixture = waiting(10, 3);
    fixture.account.data.capacity_providers.items_mut().unwrap()[0].kind =
        CapacityProviderKind::ManagedInstances { subnets: Vec::new(), security_groups: Vec::new() };
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_provider_that_is_not_visible_is_unknown() {
    let mut fixture = waiting(10, 3);
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &["gone"]));
    assert_unknown(&audit_rule(&fixture.account, RULE), "capacity provider gone does not exist");
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::Tasks, "ecs:ListTasks"),
        (Dataset::CapacityProviders, "ecs:DescribeCapacityProviders"),
        (Dataset::AutoScalingGroups, "autoscaling:DescribeAutoScalingGroups"),
    ] {
        let mut fixture = waiting(10, 3);
        fixture.account.deny(dataset, api);
        assert_unknown(&audit_rule(&fixture.account, RULE), &format!("{} could not be read", dataset.name()));
    }
    let mut fixture = waiting(10, 10);
    fixture.account.deny(Dataset::Subnets, "ec2:DescribeSubnets");
    assert_unknown(&audit_rule(&fixture.account, RULE), "subnets could not be read");
}
