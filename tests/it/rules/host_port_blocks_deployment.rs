//! Deployments that find no instance with their static host port free.

use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::snapshot::coverage::{Dataset, Failure, FailureClass, Fetched};
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use ecs_network_audit::snapshot::enums::{DeploymentController, NetworkMode, SchedulingStrategy};
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::compute::{set_counts, set_launch};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "host-port-blocks-deployment";

/// What a Linux agent keeps for itself.
const RESERVED: [u16; 5] = [22, 2375, 2376, 51678, 51679];

fn audit(pattern: &Pattern) -> Report {
    audit_rule(&pattern.account, RULE)
}

/// Two instances, each with one of the two tasks of a service on host port 80.
fn pinned() -> Pattern {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.edit_definition(&pattern.definition, |definition| {
        definition.containers[0].port_mappings[0].host_port = Some(80);
    });
    for instance in pattern.instances.clone() {
        register(&mut pattern, &instance);
        take(&mut pattern, &instance, 80);
    }
    pattern
}

/// An instance with nothing on it.
fn add_spare(pattern: &mut Pattern) -> Arn {
    let subnet = pattern.subnets[0].clone();
    let spare = pattern.account.container_instance(&pattern.cluster, "spare", "m5.large", &subnet);
    register(pattern, &spare);
    spare
}

fn register(pattern: &mut Pattern, instance: &Arn) {
    pattern.account.edit_instance(instance, |instance| {
        instance.registered_resources.ports = RESERVED.to_vec();
        instance.remaining_resources.ports = RESERVED.to_vec();
    });
}

/// A task holds a TCP port of an instance.
fn take(pattern: &mut Pattern, instance: &Arn, port: u16) {
    pattern.account.edit_instance(instance, |instance| instance.remaining_resources.ports.push(port));
}

fn set_percentages(pattern: &mut Pattern, minimum: i32, maximum: i32) {
    pattern.account.edit_service(&pattern.service, |service| {
        service.deployment_configuration.minimum_healthy_percent = Some(minimum);
        service.deployment_configuration.maximum_percent = Some(maximum);
    });
}

fn constrain(pattern: &mut Pattern, kind: &str, expression: Option<&str>) {
    let expression = expression.map(str::to_owned);
    pattern.account.edit_service(&pattern.service, |service| {
        service.placement_constraints.push(PlacementConstraint { kind: kind.to_owned(), expression });
    });
}

/// The instances in a provider with managed scaling.
fn managed(desired: i32, most: i32) -> Pattern {
    let mut pattern = pinned();
    let provider = pattern.account.capacity_provider("asg", desired, most, &[&pattern.subnets[0]]);
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |i| i.capacity_provider_name = Some(provider.clone()));
    }
    pattern.account.edit_service(&pattern.service, |service| set_launch(service, None, &[&provider]));
    pattern
}

#[test]
fn a_static_port_needs_one_spare_instance() {
    let mut pattern = pinned();
    let report = audit(&pattern);
    assert_eq!(only(&report).severity, Severity::High);
    assert_snapshot!(shown(only(&report)), @r##"
    high host-port-blocks-deployment prod/web (ecs:service)
    The next deployment of web is held by host port tcp 80: no new task can start: 2 of 2 have to keep running, and the 2 instances it may use have no such port free
    blocker capacity/host-port-taken - -> tcp 80: no new task can start: 2 of 2 have to keep running, and the 2 instances it may use have no such port free
    fix Let a task stop first (minimumHealthyPercent below 100), keep one instance more than tasks, or use dynamic host ports or awsvpc mode.
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --deployment-configuration minimumHealthyPercent=50,maximumPercent=100
    "##);
    add_spare(&mut pattern);
    assert_silent(&audit(&pattern));
}

#[test]
fn with_fewer_tasks_than_instances_there_is_a_spare_one() {
    let mut pattern = pinned();
    pattern.account.data.tasks.items_mut().unwrap().truncate(1);
    pattern.account.edit_service(&pattern.service, |service| set_counts(service, 1, 1));
    let empty = pattern.instances[1].clone();
    register(&mut pattern, &empty);
    assert_silent(&audit(&pattern));
}

#[test]
fn a_deployment_that_may_stop_a_task_first_is_not_held() {
    // 51 % of 2 are rounded up to 2.
    for (minimum, is_held) in [(100, true), (51, true), (50, false), (0, false)] {
        let mut pattern = pinned();
        set_percentages(&mut pattern, minimum, 200);
        let report = audit(&pattern);
        assert_eq!(report.findings.len(), usize::from(is_held), "{minimum} %");
        assert!(report.not_evaluated.is_empty());
    }
}

#[test]
fn the_command_of_the_finding_lets_it_move() {
    let mut pattern = pinned();
    let report = audit(&pattern);
    assert!(only(&report).remediation.commands[0].contains("minimumHealthyPercent=50,maximumPercent=100"));
    set_percentages(&mut pattern, 50, 100);
    assert_silent(&audit(&pattern));
    // A single task has to be away for a while.
    let mut pattern = pinned();
    let gone = pattern.instances[1].clone();
    pattern.account.data.container_instances.items_mut().unwrap().retain(|instance| instance.arn != gone);
    pattern.account.data.tasks.items_mut().unwrap().truncate(1);
    pattern.account.edit_service(&pattern.service, |service| set_counts(service, 1, 1));
    let report = audit(&pattern);
    assert!(only(&report).remediation.commands[0].contains("minimumHealthyPercent=0,maximumPercent=100"));
    set_percentages(&mut pattern, 0, 100);
    assert_silent(&audit(&pattern));
}

#[test]
fn dynamic_ports_and_ports_of_the_task_itself_are_not_concerned() {
    for dynamic in [None, Some(0)] {
        let mut pattern = pinned();
        pattern.account.edit_definition(&pattern.definition, |definition| {
            definition.containers[0].port_mappings[0].host_port = dynamic;
        });
        assert_silent(&audit(&pattern));
    }
    let mut awsvpc = patterns::ec2_awsvpc();
    awsvpc.account.edit_definition(&awsvpc.definition, |definition| {
        definition.containers[0].port_mappings[0].host_port = Some(8080);
    });
    for instance in awsvpc.instances.clone() {
        take(&mut awsvpc, &instance, 8080);
    }
    assert_silent(&audit(&awsvpc));
    assert_silent(&audit(&patterns::fargate_nat()));
}

#[test]
fn in_host_mode_the_container_port_is_static_whatever_the_host_port_says() {
    for host_port in [None, Some(0), Some(8080)] {
        let mut pattern = pinned();
        pattern.account.edit_definition(&pattern.definition, |definition| {
            definition.network_mode = Some(NetworkMode::Host);
            definition.containers[0].port_mappings[0].host_port = host_port;
        });
        for instance in pattern.instances.clone() {
            take(&mut pattern, &instance, 8080);
        }
        let report = audit(&pattern);
        assert!(only(&report).message.to_string().contains("host port tcp 8080"), "{}", only(&report).message);
    }
}

#[test]
fn the_default_mode_is_bridge() {
    let mut pattern = pinned();
    pattern.account.edit_definition(&pattern.definition, |definition| definition.network_mode = None);
    assert_eq!(only(&audit(&pattern)).severity, Severity::High);
}

#[test]
fn a_daemon_replaces_its_tasks_in_place() {
    let mut pattern = pinned();
    pattern.account.edit_service(&pattern.service, |service| service.scheduling_strategy = SchedulingStrategy::Daemon);
    assert_silent(&audit(&pattern));
}

#[test]
fn other_controllers_and_percentages_that_forbid_any_move_are_not_judged_here() {
    let mut pattern = pinned();
    pattern
        .account
        .edit_service(&pattern.service, |service| service.deployment_controller = DeploymentController::External);
    assert_silent(&audit(&pattern));
    let mut pattern = pinned();
    set_percentages(&mut pattern, 100, 100);
    assert_silent(&audit(&pattern));
}

#[test]
fn an_instance_where_somebody_else_has_the_port_is_no_spare_one() {
    let mut pattern = pinned();
    let spare = add_spare(&mut pattern);
    take(&mut pattern, &spare, 80);
    let report = audit(&pattern);
    assert_eq!((only(&report).severity, &only(&report).facts["eligible_instances"]), (Severity::High, &3.into()));
}

#[test]
fn an_instance_that_takes_no_new_task_is_no_spare_one() {
    let mut draining = pinned();
    let spare = add_spare(&mut draining);
    draining.account.edit_instance(&spare, |instance| instance.status = "DRAINING".to_owned());
    let mut disconnected = pinned();
    let spare = add_spare(&mut disconnected);
    disconnected.account.edit_instance(&spare, |instance| instance.agent_connected = false);
    let mut of_no_provider = managed(2, 2);
    add_spare(&mut of_no_provider);
    for pattern in [draining, disconnected, of_no_provider] {
        assert_eq!(only(&audit(&pattern)).severity, Severity::High);
    }
}

#[test]
fn a_constraint_keeps_tasks_from_the_spare_instance() {
    let mut pattern = pinned();
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |instance| {
            instance.attributes.insert("stack".to_owned(), Some("web".to_owned()));
        });
    }
    add_spare(&mut pattern);
    constrain(&mut pattern, "memberOf", Some("attribute:stack == web"));
    assert_eq!(only(&audit(&pattern)).severity, Severity::High);
}

#[test]
fn a_constraint_that_hangs_on_the_moment_leaves_it_open() {
    let mut pattern = pinned();
    add_spare(&mut pattern);
    constrain(&mut pattern, "memberOf", Some("runningTasksCount < 2"));
    assert_unknown(&audit(&pattern), "whether a placement constraint selects some of the instances can't be seen");
}

#[test]
fn whatever_a_constraint_selects_of_taken_instances_it_is_not_fine() {
    let mut pattern = pinned();
    constrain(&mut pattern, "memberOf", Some("runningTasksCount < 2"));
    let report = audit(&pattern);
    assert!(!report.findings.is_empty() || !report.not_evaluated.is_empty(), "held, or open, but not silent");
}

#[test]
fn a_constraint_on_distinct_instances_does_not_free_the_port() {
    let mut pattern = pinned();
    constrain(&mut pattern, "distinctInstance", None);
    let report = audit(&pattern);
    assert!(!report.findings.is_empty() || !report.not_evaluated.is_empty(), "held, or open, but not silent");
    add_spare(&mut pattern);
    assert_silent(&audit(&pattern));
}

#[test]
fn tcp_and_udp_are_ports_of_their_own() {
    let mut pattern = pinned();
    pattern.account.edit_definition(&pattern.definition, |definition| {
        let mapping = &mut definition.containers[0].port_mappings[0];
        (mapping.host_port, mapping.protocol) = (Some(514), "udp".to_owned());
    });
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |instance| instance.remaining_resources.ports_udp.push(514));
    }
    let report = audit(&pattern);
    assert!(only(&report).message.to_string().contains("host port udp 514"), "{}", only(&report).message);
    let spare = add_spare(&mut pattern);
    take(&mut pattern, &spare, 514);
    assert_silent(&audit(&pattern));
}

#[test]
fn a_group_that_can_grow_makes_it_low() {
    let report = audit(&managed(2, 3));
    assert_eq!(only(&report).severity, Severity::Low);
    assert!(only(&report).severity_reason.as_deref().unwrap().contains("managed scaling"));
    assert_eq!(only(&audit(&managed(2, 2))).severity, Severity::High);
}

#[test]
fn the_event_that_names_it_confirms_it_without_raising_it() {
    let mut pattern = pinned();
    let event = "(service web) was unable to place a task because no container instance met all of its requirements. \
        The closest matching (container-instance 1) is already using a port required by your task.";
    pattern.account.event(&pattern.service, event);
    let report = audit(&pattern);
    assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::High, 1));
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::Tasks, "ecs:ListTasks"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
        (Dataset::CapacityProviders, "ecs:DescribeCapacityProviders"),
        (Dataset::AutoScalingGroups, "autoscaling:DescribeAutoScalingGroups"),
    ] {
        let mut pattern = managed(2, 2);
        pattern.account.deny(dataset, api);
        let report = audit(&pattern);
        assert_unknown(&report, &format!("{} could not be read", dataset.name()));
        assert!(report.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some(api)));
    }
}

#[test]
fn what_ec2_says_of_the_instances_does_not_matter() {
    let mut pattern = pinned();
    pattern.account.deny(Dataset::Instances, "ec2:DescribeInstances");
    pattern.account.deny(Dataset::InstanceTypes, "ec2:DescribeInstanceTypes");
    assert_eq!(only(&audit(&pattern)).severity, Severity::High);
}

#[test]
fn an_instance_that_could_not_be_described_may_have_the_port_free() {
    let mut pattern = pinned();
    let described = pattern.account.data.container_instances.items().to_vec();
    let failure = Failure {
        class: FailureClass::Throttled,
        operation: "ecs:DescribeContainerInstances".to_owned(),
        iam_action: None,
        message: "ThrottlingException: Rate exceeded".to_owned(),
        affected: vec![pattern.cluster.as_str().to_owned()],
    };
    pattern.account.data.container_instances = Fetched::from_parts(described, vec![failure]);
    assert_unknown(&audit(&pattern), "container-instances could not be read");
}
