//! More static host ports than an instance may have.

use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::NetworkMode;
use insta::assert_snapshot;

use crate::mocks::accounts::{Fixture, ec2_bridge_behind_alb, instances};
use crate::mocks::compute::set_launch;
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "host-port-limit";

fn audit(fixture: &Fixture) -> Report {
    audit_rule(&fixture.account, RULE)
}

/// A service with so many static host ports, without a task yet.
fn with_ports(count: u16) -> Fixture {
    let mut fixture = ec2_bridge_behind_alb();
    fixture.account.edit_definition(&fixture.definition, |definition| {
        let mapping = definition.containers[0].port_mappings.remove(0);
        for port in 9001..=9000 + count {
            let mut mapping = mapping.clone();
            (mapping.container_port, mapping.host_port) = (Some(port), Some(port));
            definition.containers[0].port_mappings.push(mapping);
        }
    });
    fixture
}

#[test]
fn a_hundred_and_one_ports_fit_on_no_instance() {
    let report = audit(&with_ports(101));
    assert_eq!(only(&report).severity, Severity::High);
    assert_snapshot!(shown(only(&report)), @r##"
    high host-port-limit prod/web (ecs:service)
    No task of web can be placed: web:1 has 101 static host ports, and an instance takes 100 with the reserved ones
    blocker capacity/host-port-limit - -> web:1: web:1 has 101 static host ports, and an instance takes 100 with the reserved ones
    fix Use dynamic host ports or awsvpc mode, where ports of the instance are not counted.
    "##);
}

#[test]
fn few_ports_fit_beside_those_that_agents_reserve() {
    for count in [1, 50, 89] {
        assert_silent(&audit(&with_ports(count)));
    }
}

#[test]
fn near_the_limit_it_hangs_on_what_the_agents_reserve() {
    let mut fixture = with_ports(98);
    assert_silent(&audit(&fixture));
    for instance in fixture.account.data.container_instances.items_mut().unwrap() {
        instance.registered_resources.ports = vec![22, 2375, 2376, 51678, 51679];
    }
    only(&audit(&fixture));
    fixture.account.data.container_instances.items_mut().unwrap().clear();
    assert_unknown(&audit(&fixture), "they may be more than 100");
}

#[test]
fn one_port_mapped_twice_counts_once() {
    let mut fixture = with_ports(60);
    fixture.account.edit_definition(&fixture.definition, |definition| {
        let again = definition.containers[0].clone();
        definition.containers.push(again);
    });
    assert_silent(&audit(&fixture));
}

#[test]
fn dynamic_ports_do_not_count() {
    for dynamic in [None, Some(0)] {
        let mut fixture = with_ports(200);
        fixture.account.edit_definition(&fixture.definition, |definition| {
            for mapping in &mut definition.containers[0].port_mappings {
                mapping.host_port = dynamic;
            }
        });
        assert_silent(&audit(&fixture));
    }
}

#[test]
fn a_task_with_an_interface_of_its_own_has_ports_of_its_own() {
    let mut fixture = with_ports(101);
    fixture.account.edit_definition(&fixture.definition, |d| d.network_mode = Some(NetworkMode::Awsvpc));
    assert_silent(&audit(&fixture));
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
}

#[test]
fn in_host_mode_container_ports_count() {
    let mut fixture = with_ports(101);
    fixture.account.edit_definition(&fixture.definition, |definition| {
        definition.network_mode = Some(NetworkMode::Host);
        for mapping in &mut definition.containers[0].port_mappings {
            mapping.host_port = None;
        }
    });
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
}

#[test]
fn what_runs_was_placed_after_all() {
    let mut fixture = with_ports(101);
    let instance = instances(&fixture)[0].clone();
    fixture.account.task_on(&fixture.service, &instance, "web-0");
    assert_silent(&audit(&fixture));
}

#[test]
fn no_instance_is_needed_to_see_it() {
    let mut fixture = with_ports(101);
    fixture.account.data.container_instances.items_mut().unwrap().clear();
    assert_eq!(only(&audit(&fixture)).severity, Severity::High);
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::Tasks, "ecs:ListTasks"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::CapacityProviders, "ecs:DescribeCapacityProviders"),
    ] {
        let mut fixture = with_ports(101);
        let provider = fixture.account.capacity_provider("asg", 2, 2, &[&fixture.subnet]);
        fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &[&provider]));
        assert_eq!(only(&audit(&fixture)).severity, Severity::High);
        fixture.account.deny(dataset, api);
        let report = audit(&fixture);
        assert_unknown(&report, &format!("{} could not be read", dataset.name()));
        assert!(report.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some(api)));
    }
}
