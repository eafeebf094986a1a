//! Workloads that want one host port on more instances than there are.

use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use ecs_network_audit::snapshot::enums::{NetworkMode, SchedulingStrategy};
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::account::Account;
use crate::mocks::compute::{container, ecr, set_counts};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "host-port-conflict";

fn audit(pattern: &Pattern) -> Report {
    audit_rule(&pattern.account, RULE)
}

/// Two instances, each with one of the two tasks of service `web` on host port 80, which may stop before others start.
fn web() -> Pattern {
    let mut pattern = patterns::ec2_bridge();
    set_host_port(&mut pattern.account, &pattern.definition, Some(80));
    stop_first(&mut pattern.account, &pattern.service);
    for instance in pattern.instances.clone() {
        take(&mut pattern.account, &instance);
    }
    pattern
}

/// A third instance, with the one task that runs of the two that service `admin` wants on the same port.
fn web_and_admin() -> (Pattern, Arn, Arn) {
    let mut pattern = web();
    let (admin, definition) = add_admin(&mut pattern, 2, 1);
    let third = add_instance(&mut pattern, "instance-c");
    pattern.account.task_on(&admin, &third, "admin-0");
    take(&mut pattern.account, &third);
    (pattern, admin, definition)
}

fn add_admin(pattern: &mut Pattern, desired: i32, running: i32) -> (Arn, Arn) {
    let app = container("app", &ecr("admin")).port(8080, Some(80));
    let definition = pattern.account.definition("admin", Some(NetworkMode::Bridge), vec![app]);
    let admin = pattern.account.service(&pattern.cluster, "admin", &definition);
    pattern.account.edit_service(&admin, |service| set_counts(service, desired, running));
    stop_first(&mut pattern.account, &admin);
    (admin, definition)
}

fn add_instance(pattern: &mut Pattern, name: &str) -> Arn {
    let instance = pattern.account.container_instance(&pattern.cluster, name, "m5.large", &pattern.subnets[0]);
    pattern.instances.push(instance.clone());
    instance
}

fn set_host_port(account: &mut Account, definition: &Arn, port: Option<u16>) {
    account.edit_definition(definition, |d| d.containers[0].port_mappings[0].host_port = port);
}

fn set_percentages(account: &mut Account, service: &Arn, minimum: i32, maximum: i32) {
    account.edit_service(service, |service| {
        service.deployment_configuration.minimum_healthy_percent = Some(minimum);
        service.deployment_configuration.maximum_percent = Some(maximum);
    });
}

fn stop_first(account: &mut Account, service: &Arn) {
    set_percentages(account, service, 0, 100);
}

/// A task holds port 80 of an instance.
fn take(account: &mut Account, instance: &Arn) {
    account.edit_instance(instance, |instance| instance.remaining_resources.ports.push(80));
}

fn put_into_stack(account: &mut Account, instance: &Arn, stack: &str) {
    account.edit_instance(instance, |instance| {
        instance.attributes.insert("stack".to_owned(), Some(stack.to_owned()));
    });
}

fn constrain(account: &mut Account, service: &Arn, expression: &str) {
    let expression = Some(expression.to_owned());
    account.edit_service(service, |service| {
        service.placement_constraints = vec![PlacementConstraint { kind: "memberOf".to_owned(), expression }];
    });
}

fn make_daemon(account: &mut Account, service: &Arn) {
    account.edit_service(service, |service| service.scheduling_strategy = SchedulingStrategy::Daemon);
}

#[test]
fn an_instance_has_its_port_for_one_task_only() {
    let (pattern, admin, _) = web_and_admin();
    let report = audit(&pattern);
    let finding = only(&report);
    assert_eq!(finding.severity, Severity::High);
    assert_eq!((&finding.facts["wanted"], &finding.facts["placeable"]), (&4.into(), &3.into()));
    let claimants: Vec<&str> = finding.related.iter().map(|related| related.id.as_str()).collect();
    assert_eq!(claimants, [admin.as_str(), pattern.service.as_str()]);
    assert_snapshot!(shown(finding), @r##"
    high host-port-conflict prod (ecs:cluster)
    Not every task of the services admin and web in prod finds an instance: 4 tasks want host port tcp 80, and at most 3 can have it at once
    blocker capacity/host-port-wanted - -> tcp 80: 4 tasks want host port tcp 80, and at most 3 can have it at once
    fix Add instances, give the services different host ports, or use dynamic host ports or awsvpc mode; a port is one task's on an instance.
    "##);
}

#[test]
fn with_an_instance_for_each_task_there_is_none() {
    let (mut pattern, ..) = web_and_admin();
    add_instance(&mut pattern, "instance-d");
    assert_silent(&audit(&pattern));
    let (mut pattern, admin, _) = web_and_admin();
    pattern.account.edit_service(&admin, |service| set_counts(service, 1, 1));
    assert_silent(&audit(&pattern));
    let (mut pattern, ..) = web_and_admin();
    pattern.account.edit_service(&pattern.service, |service| set_counts(service, 0, 0));
    assert_silent(&audit(&pattern));
}

#[test]
fn other_ports_are_in_nobodys_way() {
    for port in [Some(8080), Some(0), None] {
        let (mut pattern, _, definition) = web_and_admin();
        set_host_port(&mut pattern.account, &definition, port);
        assert_silent(&audit(&pattern));
    }
    let (mut pattern, _, definition) = web_and_admin();
    pattern.account.edit_definition(&definition, |d| d.containers[0].port_mappings[0].protocol = "udp".to_owned());
    assert_silent(&audit(&pattern));
    let (mut pattern, _, definition) = web_and_admin();
    pattern.account.edit_definition(&definition, |d| d.network_mode = Some(NetworkMode::Awsvpc));
    assert_silent(&audit(&pattern));
}

#[test]
fn each_port_is_judged_by_itself() {
    let (mut pattern, _, definition) = web_and_admin();
    for definition in [pattern.definition.clone(), definition] {
        pattern.account.edit_definition(&definition, |definition| {
            let mut tls = definition.containers[0].port_mappings[0].clone();
            (tls.container_port, tls.host_port) = (Some(8443), Some(443));
            definition.containers[0].port_mappings.push(tls);
        });
    }
    let report = audit(&pattern);
    assert_eq!(report.findings.len(), 2);
    assert_ne!(report.findings[0].id, report.findings[1].id);
}

#[test]
fn in_host_mode_the_container_port_is_the_host_port() {
    let (mut pattern, _, definition) = web_and_admin();
    pattern.account.edit_definition(&definition, |definition| {
        definition.network_mode = Some(NetworkMode::Host);
        let mapping = &mut definition.containers[0].port_mappings[0];
        (mapping.container_port, mapping.host_port) = (Some(80), None);
    });
    assert_eq!(only(&audit(&pattern)).facts["wanted"], 4);
}

#[test]
fn a_lone_service_can_want_more_instances_than_there_are() {
    let mut pattern = web();
    assert_silent(&audit(&pattern));
    pattern.account.edit_service(&pattern.service, |service| set_counts(service, 3, 2));
    let report = audit(&pattern);
    assert_eq!(only(&report).severity, Severity::High);
    assert!(only(&report).message.to_string().starts_with("Not every task of web in prod finds an instance"));
}

#[test]
fn clusters_do_not_share_instances() {
    let mut pattern = web();
    let staging = pattern.account.cluster("staging");
    for (name, subnet) in [("staging-a", &pattern.subnets[0]), ("staging-b", &pattern.subnets[1])] {
        pattern.account.container_instance(&staging, name, "m5.large", subnet);
    }
    pattern.account.service(&staging, "web", &pattern.definition);
    assert_silent(&audit(&pattern));
}

#[test]
fn a_daemon_wants_the_port_of_every_instance() {
    let mut pattern = web();
    let (agent, _) = add_admin(&mut pattern, 0, 0);
    pattern.account.edit_service(&pattern.service, |service| set_counts(service, 0, 0));
    make_daemon(&mut pattern.account, &agent);
    assert_silent(&audit(&pattern));
    pattern.account.edit_service(&pattern.service, |service| set_counts(service, 1, 1));
    let report = audit(&pattern);
    assert_eq!(only(&report).severity, Severity::High);
    assert_eq!((&only(&report).facts["wanted"], &only(&report).facts["placeable"]), (&3.into(), &2.into()));
}

#[test]
fn a_daemon_kept_to_other_instances_is_in_nobodys_way() {
    let mut pattern = web();
    let (agent, _) = add_admin(&mut pattern, 0, 0);
    make_daemon(&mut pattern.account, &agent);
    let edge = add_instance(&mut pattern, "edge");
    put_into_stack(&mut pattern.account, &edge, "edge");
    constrain(&mut pattern.account, &agent, "attribute:stack == edge");
    assert_silent(&audit(&pattern));
}

#[test]
fn services_on_instances_of_their_own_are_in_nobodys_way() {
    let stacks = |of_web: &str, of_admin: &str| {
        let (mut pattern, admin, _) = web_and_admin();
        pattern.account.edit_service(&admin, |service| set_counts(service, 1, 1));
        for (instance, stack) in pattern.instances.iter().zip(["web", "web", "admin"]) {
            put_into_stack(&mut pattern.account, instance, stack);
        }
        constrain(&mut pattern.account, &pattern.service, &format!("attribute:stack == {of_web}"));
        constrain(&mut pattern.account, &admin, &format!("attribute:stack == {of_admin}"));
        audit(&pattern)
    };
    assert_silent(&stacks("web", "admin"));
    // There are three instances for three tasks, but not these.
    let report = stacks("web", "web");
    assert_eq!((&only(&report).facts["wanted"], &only(&report).facts["placeable"]), (&3.into(), &2.into()));
    let report = stacks("admin", "web");
    assert_eq!((&only(&report).facts["wanted"], &only(&report).facts["placeable"]), (&3.into(), &2.into()));
}

#[test]
fn instances_that_take_no_task_or_reserve_the_port_do_not_count() {
    let cases: [fn(&mut Account, &Arn); 3] = [
        |account, instance| account.edit_instance(instance, |i| i.status = "DRAINING".to_owned()),
        |account, instance| account.edit_instance(instance, |i| i.agent_connected = false),
        |account, instance| account.edit_instance(instance, |i| i.registered_resources.ports = vec![22, 80]),
    ];
    for unusable in cases {
        let (mut pattern, ..) = web_and_admin();
        let fourth = add_instance(&mut pattern, "instance-d");
        assert_silent(&audit(&pattern));
        unusable(&mut pattern.account, &fourth);
        assert_eq!(only(&audit(&pattern)).facts["placeable"], 3);
    }
}

#[test]
fn a_deployment_that_the_port_holds_tells_of_it_first() {
    let (mut pattern, ..) = web_and_admin();
    set_percentages(&mut pattern.account, &pattern.service, 100, 200);
    only(&audit_rule(&pattern.account, "host-port-blocks-deployment"));
    let report = audit(&pattern);
    assert_eq!(only(&report).severity, Severity::Info);
    assert!(only(&report).severity_reason.as_deref().unwrap().contains("host-port-blocks-deployment"));
}

#[test]
fn tasks_that_never_ran_hold_no_deployment() {
    let mut pattern = web();
    add_admin(&mut pattern, 2, 0);
    let report = audit_rule(&pattern.account, "host-port-blocks-deployment");
    assert!(report.findings.is_empty(), "admin may stop whatever it has: it lacks instances");
    assert_eq!(only(&audit(&pattern)).severity, Severity::High);
}

#[test]
fn a_constraint_that_cannot_be_followed_leaves_it_open() {
    let (mut pattern, admin, _) = web_and_admin();
    add_instance(&mut pattern, "instance-d");
    constrain(&mut pattern.account, &admin, "runningTasksCount < 2");
    assert_unknown(&audit(&pattern), "whether a placement constraint selects some of the instances can't be seen");
}

#[test]
fn a_daemon_that_may_be_kept_to_other_instances_proves_nothing() {
    let mut pattern = web();
    let (agent, _) = add_admin(&mut pattern, 0, 0);
    make_daemon(&mut pattern.account, &agent);
    add_instance(&mut pattern, "instance-c");
    constrain(&mut pattern.account, &agent, "runningTasksCount < 1");
    assert_unknown(&audit(&pattern), "placement constraint");
}

#[test]
fn more_tasks_than_instances_are_proved_whatever_a_constraint_selects() {
    let (mut pattern, admin, _) = web_and_admin();
    constrain(&mut pattern.account, &admin, "runningTasksCount < 2");
    assert_eq!(only(&audit(&pattern)).facts["wanted"], 4);
}

#[test]
fn datasets_that_may_not_be_read_leave_it_open() {
    for (dataset, api) in [
        (Dataset::Clusters, "ecs:ListClusters"),
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::Tasks, "ecs:ListTasks"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::CapacityProviders, "ecs:DescribeCapacityProviders"),
    ] {
        let mut pattern = web();
        pattern.account.deny(dataset, api);
        let report = audit(&pattern);
        assert_unknown(&report, &format!("{} could not be read", dataset.name()));
        assert!(report.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some(api)));
    }
}

#[test]
fn instances_that_may_not_be_read_are_not_missing() {
    let (mut pattern, ..) = web_and_admin();
    pattern.account.deny(Dataset::ContainerInstances, "ecs:ListContainerInstances");
    assert_unknown(&audit(&pattern), "container-instances could not be read");
}
