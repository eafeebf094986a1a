//! Task-ENI slots of container instances.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::{CapacityProviderKind, PlacementConstraint};
use ecs_network_audit::snapshot::enums::{LaunchType, NetworkMode, SchedulingStrategy};
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::accounts::{
    Fixture, ec2_awsvpc_full, ec2_awsvpc_trunked, ec2_bridge_behind_alb, fargate_private_with_nat, in_provider,
    instances, remove_tasks,
};
use crate::mocks::compute::{interface, set_counts, set_launch, web};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "eni-limit-pressure";

/// Three c5.large in a provider with managed scaling, all slots taken.
fn managed(desired: i32, most: i32) -> Fixture {
    in_provider(ec2_awsvpc_full(), desired, most)
}

#[test]
fn instances_without_a_free_slot() {
    let fixture = ec2_awsvpc_full();
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high eni-limit-pressure prod (ecs:cluster)
    3 × c5.large in prod hold 6 of 6 awsvpc tasks (2 each, without a trunk); 75 % of the CPU and 75 % of the memory lie idle; with trunking they would hold 30
    blocker capacity/task-eni-slots - -> c5.large: 6 awsvpc tasks for 6 slots
    fix Turn on ENI trunking as the account default, then replace the instances: those launched afterwards hold 10 awsvpc tasks each. Until then, add instances.
    $ aws ecs put-account-setting-default --region eu-west-1 --name awsvpcTrunking --value enabled
    "##);
}

#[test]
fn a_trunk_lifts_the_limit() {
    assert_silent(&audit_rule(&ec2_awsvpc_trunked().account, RULE));
}

#[test]
fn clusters_without_awsvpc_tasks_on_instances_are_not_concerned() {
    assert_silent(&audit_rule(&ec2_bridge_behind_alb().account, RULE));
    assert_silent(&audit_rule(&fargate_private_with_nat().account, RULE));
}

#[test]
fn it_fires_at_the_threshold_and_is_high_when_nothing_is_left() {
    for (removed, severity) in [(0, Some(Severity::High)), (1, Some(Severity::Medium)), (2, None)] {
        let mut fixture = ec2_awsvpc_full();
        remove_tasks(&mut fixture, removed);
        let report = audit_rule(&fixture.account, RULE);
        assert_eq!(report.findings.first().map(|finding| finding.severity), severity, "{removed} removed");
    }
}

#[test]
fn what_services_want_counts_like_what_is_there() {
    let mut fixture = ec2_awsvpc_full();
    remove_tasks(&mut fixture, 4);
    assert_silent(&audit_rule(&fixture.account, RULE));
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 9, 2));
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).facts["demand"], 9);
    assert!(only(&report).message.to_string().contains("9 are wanted there"));
}

#[test]
fn a_service_that_can_run_elsewhere_is_not_held_against_one_type() {
    let mut fixture = ec2_awsvpc_full();
    remove_tasks(&mut fixture, 4);
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 9, 2));
    fixture.account.container_instance(&fixture.cluster, "other", "m5.xlarge", &fixture.subnet);
    assert_unknown(&audit_rule(&fixture.account, RULE), "can also run elsewhere");
}

#[test]
fn a_constraint_may_keep_a_service_away() {
    let constrained = |expression: &str| {
        let mut fixture = ec2_awsvpc_full();
        remove_tasks(&mut fixture, 4);
        fixture.account.edit_service(&fixture.service, |service| {
            set_counts(service, 9, 2);
            let expression = Some(expression.to_owned());
            service.placement_constraints = vec![PlacementConstraint { kind: "memberOf".to_owned(), expression }];
        });
        audit_rule(&fixture.account, RULE)
    };
    assert_unknown(&constrained("runningTasksCount < 2"), "can also run elsewhere");
    assert_silent(&constrained("attribute:stack == gpu"));
}

#[test]
fn a_daemon_wants_one_slot_on_each_instance() {
    let mut fixture = ec2_awsvpc_full();
    remove_tasks(&mut fixture, 4);
    let agent = fixture.account.definition("agent", Some(NetworkMode::Awsvpc), vec![web()]);
    let daemon = fixture.account.service(&fixture.cluster, "agent", &agent);
    fixture.account.network(&daemon, &[&fixture.subnet.clone()]);
    fixture.account.edit_service(&daemon, |service| {
        service.scheduling_strategy = SchedulingStrategy::Daemon;
        set_counts(service, 0, 0);
    });
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).facts["demand"], 5);
}

#[test]
fn a_foreign_interface_takes_a_slot() {
    let mut fixture = ec2_awsvpc_full();
    remove_tasks(&mut fixture, 2);
    assert_silent(&audit_rule(&fixture.account, RULE));
    let (instance, subnet) = (instances(&fixture)[0].clone(), fixture.subnet.clone());
    fixture.account.edit_host(&instance, |host| {
        host.network_interfaces.retain(|interface| interface.device_index == 0);
        host.network_interfaces.push(interface("foreign", 1, "somebody's", &subnet));
    });
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!((&only(&report).facts["slots"], only(&report).severity), (&5.into(), Severity::Medium));
}

#[test]
fn interfaces_of_ecs_itself_are_not_foreign() {
    let mut fixture = ec2_awsvpc_full();
    let (instance, subnet) = (instances(&fixture)[0].clone(), fixture.subnet.clone());
    let description = "arn:aws:ecs:eu-west-1:111122223333:attachment/of-a-task-that-has-just-stopped";
    fixture
        .account
        .edit_host(&instance, |host| host.network_interfaces.push(interface("old", 3, description, &subnet)));
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).facts["slots"], 6);
}

#[test]
fn managed_scaling_with_room_to_grow_makes_it_low() {
    let fixture = managed(3, 10);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).severity, Severity::Low);
}

#[test]
fn managed_scaling_at_its_maximum_is_high_when_a_deployment_cannot_start() {
    let mut fixture = managed(3, 3);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).severity, Severity::High);
    assert!(only(&report).remediation.commands.iter().any(|command| command.contains("--max-size 4")));
    // A deployment that may stop a task first can go on.
    fixture.account.edit_service(&fixture.service, |service| {
        service.deployment_configuration.minimum_healthy_percent = Some(50);
    });
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::Medium);
    fixture.account.edit_service(&fixture.service, |service| service.desired_count = 7);
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::High);
}

#[test]
fn a_group_that_may_not_launch_cannot_grow() {
    let mut fixture = managed(3, 10);
    let group = &mut fixture.account.data.auto_scaling_groups.items_mut().unwrap()[0];
    group.suspended_processes.push("Launch".to_owned());
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::High);
}

#[test]
fn instances_that_aws_manages_are_left_out() {
    let mut fixture = managed(3, 3);
    fixture.account.data.capacity_providers.items_mut().unwrap()[0].kind =
        CapacityProviderKind::ManagedInstances { subnets: Vec::new(), security_groups: Vec::new() };
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn draining_instances_hold_nothing_any_more() {
    let mut fixture = ec2_awsvpc_full();
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |instance| instance.status = "DRAINING".to_owned());
    }
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn windows_is_never_told_to_use_a_trunk() {
    let mut fixture = ec2_awsvpc_full();
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |instance| {
            instance.attributes.insert("ecs.os-type".to_owned(), Some("windows".to_owned()));
        });
    }
    let report = audit_rule(&fixture.account, RULE);
    let text = shown(only(&report));
    assert!(!text.contains("trunking would") && !text.contains("awsvpcTrunking"), "{text}");
}

#[test]
fn a_type_that_cannot_trunk_is_not_promised_one() {
    let mut fixture = ec2_awsvpc_full();
    retype(&mut fixture, "t3.large");
    let report = audit_rule(&fixture.account, RULE);
    assert!(only(&report).facts["limit_with_trunk"].is_null());
}

#[test]
fn shared_subnets_are_not_told_to_use_a_trunk() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.edit_subnet(&fixture.subnet, |subnet| subnet.owner_id = "999988887777".to_owned());
    let report = audit_rule(&fixture.account, RULE);
    assert!(!only(&report).remediation.commands.iter().any(|command| command.contains("awsvpcTrunking")));
}

#[test]
fn a_limit_that_sources_disagree_on_is_unknown() {
    let mut fixture = ec2_awsvpc_full();
    retype(&mut fixture, "p5.48xlarge");
    assert_unknown(&audit_rule(&fixture.account, RULE), "two limits");
}

fn retype(fixture: &mut Fixture, instance_type: &str) {
    for instance in instances(fixture) {
        fixture.account.edit_host(&instance, |host| host.instance_type = instance_type.to_owned());
    }
    let types = fixture.account.data.instance_types.items_mut().unwrap();
    types[0].name = instance_type.to_owned();
}

#[test]
fn two_types_are_two_subjects() {
    let mut fixture = ec2_awsvpc_full();
    let other = fixture.account.container_instance(&fixture.cluster, "other", "t3.large", &fixture.subnet);
    for task in ["a", "b"] {
        fixture.account.task_on(&fixture.service, &other, task);
    }
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 8, 8));
    let report = audit_rule(&fixture.account, RULE);
    let mut types: Vec<&str> = report.findings.iter().map(|f| f.facts["instance_type"].as_str().unwrap()).collect();
    types.sort_unstable();
    assert_eq!(types, ["c5.large", "t3.large"]);
    assert_ne!(report.findings[0].id, report.findings[1].id);
}

#[test]
fn the_event_that_names_the_shortage_confirms_it_without_raising_it() {
    let mut fixture = ec2_awsvpc_full();
    let event = "(service web) was unable to place a task because no container instance met all of its requirements. \
        The closest matching (container-instance 1) encountered error \"RESOURCE:ENI\".";
    fixture.account.event(&fixture.service, event);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::High, 1));
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::InstanceTypes, "ec2:DescribeInstanceTypes"),
        (Dataset::Instances, "ec2:DescribeInstances"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
    ] {
        let mut fixture = ec2_awsvpc_full();
        fixture.account.deny(dataset, api);
        let report = audit_rule(&fixture.account, RULE);
        assert_unknown(&report, "could not be read");
        assert!(report.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some(api)));
    }
}

#[test]
fn what_is_full_stays_proved_when_services_may_not_be_read() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.deny(Dataset::Services, "ecs:ListServices");
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).facts["placed"], 6);
    assert!(!report.not_evaluated.is_empty());
}

#[test]
fn an_unreadable_group_leaves_the_severity_open() {
    let mut fixture = managed(3, 10);
    fixture.account.deny(Dataset::AutoScalingGroups, "autoscaling:DescribeAutoScalingGroups");
    assert_unknown(&audit_rule(&fixture.account, RULE), "auto-scaling-groups could not be read");
}

#[test]
fn fargate_tasks_take_no_slot() {
    let mut fixture = ec2_awsvpc_full();
    remove_tasks(&mut fixture, 4);
    let other: Arn =
        fixture.account.fargate_service(&fixture.cluster, "api", &fixture.definition, &[&fixture.subnet.clone()]);
    fixture.account.edit_service(&other, |service| {
        set_counts(service, 50, 50);
        set_launch(service, Some(LaunchType::Fargate), &[]);
    });
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn with_only_some_services_in_scope_a_cluster_is_not_judged() {
    use ecs_network_audit::engine::evaluate;
    use ecs_network_audit::settings::Settings;
    let settings = Settings { services: vec!["other".to_owned()], ..Settings::all_rules() };
    let report = evaluate(&ec2_awsvpc_full().account.snapshot(), &settings);
    assert!(report.findings.is_empty());
}
