//! Static host ports that the container instances keep for themselves.

use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use ecs_network_audit::snapshot::enums::NetworkMode;
use insta::assert_snapshot;

use crate::mocks::accounts::{Fixture, ec2_bridge_behind_alb, instances};
use crate::mocks::compute::{set_counts, set_launch};
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "host-port-reserved";

fn audit(fixture: &Fixture) -> Report {
    audit_rule(&fixture.account, RULE)
}

/// A service that wants a host port, without a task yet, and two instances that reserve what Linux agents do.
fn wanting(port: u16) -> Fixture {
    let mut fixture = ec2_bridge_behind_alb();
    fixture.account.edit_definition(&fixture.definition, |d| d.containers[0].port_mappings[0].host_port = Some(port));
    for number in 0..2 {
        reserve(&mut fixture, number, &[22, 2375, 2376, 51678, 51679]);
    }
    fixture
}

fn reserve(fixture: &mut Fixture, number: usize, ports: &[u16]) {
    let instance = instances(fixture)[number].clone();
    fixture.account.edit_instance(&instance, |instance| {
        instance.registered_resources.ports = ports.to_vec();
        instance.remaining_resources.ports = ports.to_vec();
    });
}

fn without_instances(mut fixture: Fixture) -> Fixture {
    fixture.account.data.container_instances.items_mut().unwrap().clear();
    fixture
}

fn set_platform(fixture: &mut Fixture, family: Option<&str>) {
    let family = family.map(str::to_owned);
    fixture.account.edit_definition(&fixture.definition, |d| d.operating_system_family = family);
}

#[test]
fn no_instance_gives_away_the_port_of_ssh() {
    let report = audit(&wanting(22));
    assert_eq!(only(&report).severity, Severity::High);
    assert_snapshot!(shown(only(&report)), @r##"
    high host-port-reserved prod/web (ecs:service)
    No task of web can be placed: host port tcp 22 of web:1 is reserved on 2 of 2 instances it may use
    blocker capacity/reserved-port - -> web:1: host port tcp 22 of web:1 is reserved on 2 of 2 instances it may use
    fix Choose another host port, or take it out of ECS_RESERVED_PORTS in the agent's configuration and restart the agents.
    "##);
}

#[test]
fn a_port_that_nobody_reserves_is_free_to_take() {
    assert_silent(&audit(&wanting(80)));
    // The agents were told to leave it alone.
    let mut fixture = wanting(22);
    for number in 0..2 {
        reserve(&mut fixture, number, &[]);
    }
    assert_silent(&audit(&fixture));
}

#[test]
fn a_port_that_only_some_reserve_is_medium() {
    let mut fixture = wanting(22);
    reserve(&mut fixture, 1, &[51678]);
    let report = audit(&fixture);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert_eq!(only(&report).severity_reason.as_deref(), Some("only some of the instances reserve it"));
    assert!(only(&report).message.to_string().contains("reserved on 1 of 2 instances"), "{}", only(&report).message);
}

#[test]
fn every_reserved_port_is_named() {
    let mut fixture = wanting(22);
    fixture.account.edit_definition(&fixture.definition, |definition| {
        let mut docker = definition.containers[0].port_mappings[0].clone();
        (docker.container_port, docker.host_port) = (Some(2375), Some(2375));
        definition.containers[0].port_mappings.push(docker);
    });
    assert_eq!(only(&audit(&fixture)).blockers.len(), 2);
}

#[test]
fn instances_that_the_service_may_not_use_do_not_count() {
    let mut fixture = wanting(8080);
    reserve(&mut fixture, 1, &[22, 8080]);
    assert_eq!(only(&audit(&fixture)).severity, Severity::Medium);
    let instance = instances(&fixture)[0].clone();
    fixture.account.edit_instance(&instance, |instance| {
        instance.attributes.insert("stack".to_owned(), Some("web".to_owned()));
    });
    let constrained = |mut fixture: Fixture, expression: &str| {
        let expression = Some(expression.to_owned());
        fixture.account.edit_service(&fixture.service, |service| {
            service.placement_constraints = vec![PlacementConstraint { kind: "memberOf".to_owned(), expression }];
        });
        audit(&fixture)
    };
    let again = Fixture { account: fixture.account.clone(), ..wanting(8080) };
    assert_silent(&constrained(again, "attribute:stack == web"));
    assert_eq!(only(&constrained(fixture, "attribute:stack !exists")).severity, Severity::High);
}

#[test]
fn another_provider_may_have_instances_that_do_not_reserve_it() {
    let mut fixture = wanting(22);
    let subnet = fixture.subnet.clone();
    for (number, name) in ["blue", "green"].into_iter().enumerate() {
        let provider = fixture.account.capacity_provider(name, 1, 1, &[&subnet]);
        let instance = instances(&fixture)[number].clone();
        fixture.account.edit_instance(&instance, |instance| instance.capacity_provider_name = Some(provider));
    }
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &["blue", "green"]));
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
    reserve(&mut fixture, 1, &[51678]);
    assert_eq!(only(&audit(&fixture)).severity, Severity::Medium);
}

#[test]
fn tcp_and_udp_are_reserved_apart() {
    let mut fixture = wanting(22);
    fixture
        .account
        .edit_definition(&fixture.definition, |d| d.containers[0].port_mappings[0].protocol = "udp".to_owned());
    assert_silent(&audit(&fixture));
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |instance| instance.registered_resources.ports_udp = vec![22]);
    }
    let report = audit(&fixture);
    assert!(only(&report).message.to_string().contains("host port udp 22"), "{}", only(&report).message);
}

#[test]
fn dynamic_ports_and_ports_of_the_task_itself_are_not_concerned() {
    for dynamic in [None, Some(0)] {
        let mut fixture = wanting(22);
        fixture.account.edit_definition(&fixture.definition, |d| d.containers[0].port_mappings[0].host_port = dynamic);
        assert_silent(&audit(&fixture));
    }
    let mut fixture = wanting(22);
    fixture.account.edit_definition(&fixture.definition, |d| d.network_mode = Some(NetworkMode::Awsvpc));
    assert_silent(&audit(&fixture));
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
}

#[test]
fn in_host_mode_the_container_port_is_the_host_port() {
    let mut fixture = wanting(80);
    fixture.account.edit_definition(&fixture.definition, |definition| {
        definition.network_mode = Some(NetworkMode::Host);
        let mapping = &mut definition.containers[0].port_mappings[0];
        (mapping.container_port, mapping.host_port) = (Some(22), None);
    });
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
}

#[test]
fn what_runs_with_the_port_was_placed_after_all() {
    let mut fixture = wanting(22);
    let instance = instances(&fixture)[0].clone();
    fixture.account.task_on(&fixture.service, &instance, "web-0");
    assert_silent(&audit(&fixture));
}

#[test]
fn without_instances_nobody_knows_what_agents_will_reserve() {
    assert_unknown(&audit(&without_instances(wanting(22))), "agents reserve by default");
    assert_silent(&audit(&without_instances(wanting(80))));
    // Windows reserves the port of its remote desktop, Linux doesn't.
    let mut fixture = without_instances(wanting(3389));
    assert_silent(&audit(&fixture));
    set_platform(&mut fixture, Some("WINDOWS_SERVER_2022_CORE"));
    assert_unknown(&audit(&fixture), "agents reserve by default");
    set_platform(&mut fixture, None);
    assert_unknown(&audit(&fixture), "agents reserve by default");
}

#[test]
fn a_port_that_neither_platform_reserves_needs_no_platform() {
    let mut fixture = without_instances(wanting(80));
    set_platform(&mut fixture, None);
    assert_silent(&audit(&fixture));
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::Tasks, "ecs:ListTasks"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
        (Dataset::CapacityProviders, "ecs:DescribeCapacityProviders"),
    ] {
        let mut fixture = wanting(22);
        let provider = fixture.account.capacity_provider("asg", 2, 2, &[&fixture.subnet]);
        for instance in instances(&fixture) {
            fixture.account.edit_instance(&instance, |i| i.capacity_provider_name = Some(provider.clone()));
        }
        fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &[&provider]));
        assert_eq!(only(&audit(&fixture)).severity, Severity::High);
        fixture.account.deny(dataset, api);
        let report = audit(&fixture);
        assert_unknown(&report, &format!("{} could not be read", dataset.name()));
        assert!(report.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some(api)));
    }
}

#[test]
fn the_next_deployment_is_not_told_of_again() {
    let mut fixture = wanting(22);
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 2, 2));
    only(&audit(&fixture));
    assert_silent(&audit_rule(&fixture.account, "host-port-blocks-deployment"));
}
