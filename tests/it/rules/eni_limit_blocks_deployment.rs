//! Deployments that find no slot for the ENI of a new task.

use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::snapshot::coverage::{Dataset, Failure, FailureClass, Fetched};
use ecs_network_audit::snapshot::ecs::{CapacityProviderKind, PlacementConstraint};
use ecs_network_audit::snapshot::enums::{DeploymentController, NetworkMode, SchedulingStrategy};
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::accounts::{
    Fixture, ec2_awsvpc_full, ec2_awsvpc_trunked, ec2_bridge_behind_alb, fargate_private_with_nat, in_provider,
    instances,
};
use crate::mocks::compute::{interface, set_counts, web};
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "eni-limit-blocks-deployment";

fn audit(fixture: &Fixture) -> Report {
    audit_rule(&fixture.account, RULE)
}

/// Three c5.large with room for two tasks each, some of them taken away from the last one on.
fn with_free_slots(free: usize) -> Fixture {
    let mut fixture = ec2_awsvpc_full();
    let left = fixture.account.data.tasks.items().len() - free;
    fixture.account.data.tasks.items_mut().unwrap().truncate(left);
    let wanted = i32::try_from(left).unwrap();
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, wanted, wanted));
    fixture
}

fn set_percentages(fixture: &mut Fixture, minimum: i32, maximum: i32) {
    fixture.account.edit_service(&fixture.service, |service| {
        service.deployment_configuration.minimum_healthy_percent = Some(minimum);
        service.deployment_configuration.maximum_percent = Some(maximum);
    });
}

/// The full instances in a provider with managed scaling.
fn managed(desired: i32, most: i32) -> Fixture {
    in_provider(ec2_awsvpc_full(), desired, most)
}

/// The full instances of stack `web`, and one beside them with ten free slots and no stack.
fn with_spare_instance() -> (Fixture, Arn) {
    let mut fixture = ec2_awsvpc_full();
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |instance| {
            instance.attributes.insert("stack".to_owned(), Some("web".to_owned()));
        });
    }
    let spare = fixture.account.container_instance(&fixture.cluster, "spare", "c5.large", &fixture.subnet);
    fixture.account.trunk(&spare);
    (fixture, spare)
}

fn member_of(expression: &str) -> PlacementConstraint {
    PlacementConstraint { kind: "memberOf".to_owned(), expression: Some(expression.to_owned()) }
}

#[test]
fn full_instances_have_no_slot_for_a_first_new_task() {
    let report = audit(&ec2_awsvpc_full());
    assert_eq!(only(&report).severity, Severity::High);
    assert_eq!(only(&report).facts["eligible_instances"], 3);
    assert_snapshot!(shown(only(&report)), @r##"
    high eni-limit-blocks-deployment prod/web (ecs:service)
    The next deployment of web is held by ENI limits: no new task can start: 6 of 6 have to keep running, and the 3 instances it may use have no slot for a task ENI free
    blocker capacity/task-eni-slots - -> prod: no new task can start: 6 of 6 have to keep running, and the 3 instances it may use have no slot free
    fix Let tasks stop first (minimumHealthyPercent below 100), turn on ENI trunking and replace the instances, or add instances or a larger type.
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --deployment-configuration minimumHealthyPercent=50,maximumPercent=200
    "##);
}

#[test]
fn a_deployment_that_may_stop_a_task_first_is_not_held() {
    // 84 % of 6 are rounded up to 6, 83 % to 5.
    for (minimum, is_held) in [(100, true), (84, true), (83, false), (50, false), (0, false)] {
        let mut fixture = ec2_awsvpc_full();
        set_percentages(&mut fixture, minimum, 200);
        let report = audit(&fixture);
        assert_eq!(report.findings.len(), usize::from(is_held), "{minimum} %");
        assert!(report.not_evaluated.is_empty());
    }
}

#[test]
fn with_one_slot_free_it_goes_task_by_task() {
    let report = audit(&with_free_slots(1));
    assert_eq!(only(&report).severity, Severity::Medium);
    assert_eq!(only(&report).severity_reason.as_deref(), Some("it moves, but only in smaller batches"));
    assert_eq!(only(&report).facts["start_at_once"], 1);
    // No percentages make slots.
    assert!(only(&report).remediation.commands.is_empty());
}

#[test]
fn as_many_free_slots_as_may_start_at_once_are_enough() {
    assert_silent(&audit(&with_free_slots(3)));
    // 120 % of 5 let one start.
    let mut fixture = with_free_slots(1);
    set_percentages(&mut fixture, 100, 120);
    assert_silent(&audit(&fixture));
}

#[test]
fn trunks_make_room() {
    assert_silent(&audit(&ec2_awsvpc_trunked()));
    assert_silent(&audit_rule(&patterns::ec2_awsvpc().account, RULE));
}

#[test]
fn a_group_that_can_grow_makes_it_low() {
    let report = audit(&managed(3, 10));
    assert_eq!(only(&report).severity, Severity::Low);
    assert!(only(&report).severity_reason.as_deref().unwrap().contains("managed scaling"));
}

#[test]
fn a_group_that_cannot_grow_does_not() {
    assert_eq!(only(&audit(&managed(3, 3))).severity, Severity::High);
    let mut suspended = managed(3, 10);
    suspended.account.data.auto_scaling_groups.items_mut().unwrap()[0].suspended_processes.push("Launch".to_owned());
    assert_eq!(only(&audit(&suspended)).severity, Severity::High);
    let mut unmanaged = managed(3, 10);
    match &mut unmanaged.account.data.capacity_providers.items_mut().unwrap()[0].kind {
        CapacityProviderKind::AutoScalingGroup { managed_scaling, .. } => *managed_scaling = false,
        other => panic!("{other:?}"),
    }
    assert_eq!(only(&audit(&unmanaged)).severity, Severity::High);
}

#[test]
fn a_spare_instance_is_enough_where_the_tasks_may_go_there() {
    assert_silent(&audit(&with_spare_instance().0));
    let (mut fixture, _) = with_spare_instance();
    fixture.account.edit_service(&fixture.service, |service| {
        service.placement_constraints = vec![member_of("attribute:stack == web or attribute:stack !exists")];
    });
    assert_silent(&audit(&fixture));
}

#[test]
fn a_constraint_keeps_tasks_from_the_spare_instance() {
    let (mut fixture, _) = with_spare_instance();
    fixture.account.edit_service(&fixture.service, |service| {
        service.placement_constraints = vec![member_of("attribute:stack == web")];
    });
    let report = audit(&fixture);
    assert_eq!((only(&report).severity, &only(&report).facts["eligible_instances"]), (Severity::High, &3.into()));
    // The task definition's constraints bind as the service's do.
    let (mut fixture, _) = with_spare_instance();
    fixture.account.edit_definition(&fixture.definition, |definition| {
        definition.placement_constraints = vec![member_of("attribute:stack == web")];
    });
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
}

#[test]
fn a_constraint_that_hangs_on_the_moment_leaves_it_open() {
    let (mut fixture, _) = with_spare_instance();
    fixture.account.edit_service(&fixture.service, |service| {
        service.placement_constraints = vec![member_of("runningTasksCount < 2")];
    });
    assert_unknown(&audit(&fixture), "whether a placement constraint selects some of the instances can't be seen");
}

#[test]
fn a_constraint_that_cannot_be_read_leaves_it_open() {
    let (mut fixture, _) = with_spare_instance();
    fixture.account.edit_service(&fixture.service, |service| {
        service.placement_constraints = vec![member_of("attribute:stack ~~ web")];
    });
    assert_unknown(&audit(&fixture), "can't be followed");
}

#[test]
fn whatever_a_constraint_selects_of_full_instances_it_is_not_fine() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.edit_service(&fixture.service, |service| {
        service.placement_constraints = vec![member_of("runningTasksCount < 2")];
    });
    let report = audit(&fixture);
    assert!(!report.findings.is_empty() || !report.not_evaluated.is_empty(), "held, or open, but not silent");
}

#[test]
fn a_constraint_on_distinct_instances_does_not_make_slots() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.edit_service(&fixture.service, |service| {
        service.placement_constraints =
            vec![PlacementConstraint { kind: "distinctInstance".to_owned(), expression: None }];
    });
    let report = audit(&fixture);
    assert!(!report.findings.is_empty() || !report.not_evaluated.is_empty(), "held, or open, but not silent");
}

#[test]
fn instances_that_take_no_new_task_are_no_spare_ones() {
    let (mut draining, spare) = with_spare_instance();
    draining.account.edit_instance(&spare, |instance| instance.status = "DRAINING".to_owned());
    let (mut disconnected, spare) = with_spare_instance();
    disconnected.account.edit_instance(&spare, |instance| instance.agent_connected = false);
    for fixture in [draining, disconnected] {
        assert_eq!(only(&audit(&fixture)).severity, Severity::High);
    }
}

#[test]
fn an_instance_in_another_zone_or_of_no_provider_is_no_spare_one() {
    let mut fixture = ec2_awsvpc_full();
    let other = fixture.account.subnet(&fixture.vpc, "private-b", "10.0.2.0/24", "b");
    fixture.account.container_instance(&fixture.cluster, "spare", "m5.xlarge", &other);
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
    let mut fixture = managed(3, 3);
    fixture.account.container_instance(&fixture.cluster, "spare", "m5.xlarge", &fixture.subnet);
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
}

#[test]
fn more_slots_are_no_help_where_something_else_is_missing_too() {
    let mut fixture = ec2_awsvpc_full();
    let all = instances(&fixture);
    for instance in &all[1..] {
        fixture.account.edit_instance(instance, |instance| instance.remaining_resources.cpu_units = 0);
    }
    // On the first one slots are all that is missing.
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
    fixture.account.edit_instance(&all[0], |instance| instance.remaining_resources.memory_mib = 100);
    assert_silent(&audit(&fixture));
}

#[test]
fn a_foreign_interface_takes_the_last_slot() {
    let mut fixture = with_free_slots(1);
    let (instance, subnet) = (instances(&fixture)[2].clone(), fixture.subnet.clone());
    fixture.account.edit_host(&instance, |host| {
        host.network_interfaces.truncate(2);
        host.network_interfaces.push(interface("foreign", 2, "somebody's", &subnet));
    });
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
}

#[test]
fn tasks_of_others_take_slots_and_a_single_task_has_to_stop_first() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 1, 1));
    for task in fixture.account.data.tasks.items_mut().unwrap().iter_mut().skip(1) {
        task.group = Some("family:batch".into());
    }
    let report = audit(&fixture);
    assert_eq!(only(&report).severity, Severity::High);
    assert!(only(&report).remediation.commands[0].contains("minimumHealthyPercent=0,maximumPercent=200"));
    set_percentages(&mut fixture, 0, 200);
    assert_silent(&audit(&fixture));
}

#[test]
fn a_deployment_that_is_stuck_already_is_held_all_the_same() {
    let mut fixture = ec2_awsvpc_full();
    let next = fixture.account.definition("web-next", Some(NetworkMode::Awsvpc), vec![web()]);
    fixture.account.edit_service(&fixture.service, |service| {
        service.task_definition = Some(next.clone());
        service.deployments[0].task_definition = Some(next);
    });
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
}

#[test]
fn a_deployment_under_way_is_not_judged() {
    let mut fixture = ec2_awsvpc_full();
    let previous = fixture.account.definition("web-previous", Some(NetworkMode::Awsvpc), vec![web()]);
    fixture.account.data.tasks.items_mut().unwrap()[0].task_definition_arn = previous;
    assert_unknown(&audit(&fixture), "a deployment is under way");
}

#[test]
fn others_are_not_concerned() {
    assert_silent(&audit(&ec2_bridge_behind_alb()));
    assert_silent(&audit(&fargate_private_with_nat()));
    let mut daemon = ec2_awsvpc_full();
    daemon.account.edit_service(&daemon.service, |service| service.scheduling_strategy = SchedulingStrategy::Daemon);
    assert_silent(&audit(&daemon));
    let mut external = ec2_awsvpc_full();
    external
        .account
        .edit_service(&external.service, |service| service.deployment_controller = DeploymentController::External);
    assert_silent(&audit(&external));
    // What its own percentages forbid is another rule's.
    let mut deadlocked = ec2_awsvpc_full();
    set_percentages(&mut deadlocked, 100, 100);
    assert_silent(&audit(&deadlocked));
    let mut without_instances = ec2_awsvpc_full();
    without_instances.account.data.container_instances.items_mut().unwrap().clear();
    assert_silent(&audit(&without_instances));
}

#[test]
fn the_event_that_names_the_shortage_confirms_it_without_raising_it() {
    let mut fixture = ec2_awsvpc_full();
    let event = "(service web) was unable to place a task because no container instance met all of its requirements. \
        The closest matching (container-instance 1) encountered error \"RESOURCE:ENI\".";
    fixture.account.event(&fixture.service, event);
    let report = audit(&fixture);
    assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::High, 1));
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::Tasks, "ecs:ListTasks"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
        (Dataset::Instances, "ec2:DescribeInstances"),
        (Dataset::InstanceTypes, "ec2:DescribeInstanceTypes"),
        (Dataset::Subnets, "ec2:DescribeSubnets"),
        (Dataset::CapacityProviders, "ecs:DescribeCapacityProviders"),
        (Dataset::AutoScalingGroups, "autoscaling:DescribeAutoScalingGroups"),
    ] {
        let mut fixture = managed(3, 3);
        fixture.account.deny(dataset, api);
        let report = audit(&fixture);
        assert_unknown(&report, &format!("{} could not be read", dataset.name()));
        assert!(report.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some(api)));
    }
}

#[test]
fn an_instance_that_could_not_be_described_may_have_free_slots() {
    let mut fixture = ec2_awsvpc_full();
    let described = fixture.account.data.container_instances.items().to_vec();
    let failure = Failure {
        class: FailureClass::Throttled,
        operation: "ecs:DescribeContainerInstances".to_owned(),
        iam_action: None,
        message: "ThrottlingException: Rate exceeded".to_owned(),
        affected: vec![fixture.cluster.as_str().to_owned()],
    };
    fixture.account.data.container_instances = Fetched::from_parts(described, vec![failure]);
    assert_unknown(&audit(&fixture), "container-instances could not be read");
}

#[test]
fn an_open_question_has_its_reason() {
    // Whether old tasks count for distinctInstance is nowhere said.
    let mut pattern = patterns::ec2_awsvpc();
    pattern.account.edit_service(&pattern.service, |service| {
        service.placement_constraints =
            vec![PlacementConstraint { kind: "distinctInstance".to_owned(), expression: None }];
    });
    let report = audit_rule(&pattern.account, RULE);
    assert!(report.findings.is_empty());
    assert_eq!(report.rules[0].unknown > 0, !report.not_evaluated.is_empty());
}
