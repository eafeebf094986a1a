//! One port declared by two containers.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::NetworkMode;
use insta::assert_snapshot;

use crate::mocks::account::Account;
use crate::mocks::accounts::{Fixture, ec2_bridge_behind_alb, fargate_private_with_nat};
use crate::mocks::compute::{Container, container, ecr, web};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "container-port-clash";

fn with(mut fixture: Fixture, mode: NetworkMode, containers: Vec<Container>) -> Fixture {
    let definition = fixture.account.definition("pair", Some(mode), containers);
    fixture.account.edit_service(&fixture.service, |service| {
        service.deployments[0].task_definition = Some(definition.clone());
        service.task_definition = Some(definition);
    });
    fixture
}

fn side(port: u16) -> Container {
    container("side", &ecr("side")).port(port, None)
}

fn run(account: &mut Account, fixture: &ecs_network_audit::snapshot::ids::Arn) {
    account.task(fixture, "alive");
}

#[test]
fn the_second_container_cannot_listen() {
    let mut fixture = with(fargate_private_with_nat(), NetworkMode::Awsvpc, vec![web(), side(8080)]);
    let service = fixture.service.clone();
    run(&mut fixture.account, &service);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).severity, Severity::Low);
    assert_snapshot!(shown(only(&report)), @r##"
    low container-port-clash prod/web (ecs:service)
    Only one of two containers can listen: containers app and side of pair:1 both declare tcp 8080
    blocker address/port-declared-twice - -> pair:1: containers app and side of pair:1 both declare tcp 8080
    fix Let each container of the task listen on a port of its own, or drop the second declaration.
    "##);
}

#[test]
fn ranges_overlap_too() {
    let range = side(1).with(|c| {
        c.port_mappings[0].container_port = None;
        c.port_mappings[0].container_port_range = Some("8000-8100".to_owned());
    });
    let fixture = with(fargate_private_with_nat(), NetworkMode::Awsvpc, vec![web(), range]);
    assert!(only(&audit_rule(&fixture.account, RULE)).message.to_string().contains("tcp 8080"));
}

#[test]
fn evidence_makes_it_high() {
    // Nothing of the revision runs although tasks are wanted.
    let mut fixture = with(fargate_private_with_nat(), NetworkMode::Awsvpc, vec![web(), side(8080)]);
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::High);
    let service = fixture.service.clone();
    run(&mut fixture.account, &service);
    fixture.account.stopped_task(&service, "s", "listen tcp :8080: bind: address already in use");
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::High);
}

#[test]
fn different_protocols_and_namespaces_do_not_clash() {
    let udp = side(8080).with(|c| c.port_mappings[0].protocol = "udp".to_owned());
    assert_silent(&audit_rule(&with(fargate_private_with_nat(), NetworkMode::Awsvpc, vec![web(), udp]).account, RULE));
    let bridge = with(ec2_bridge_behind_alb(), NetworkMode::Bridge, vec![web(), side(8080)]);
    assert_silent(&audit_rule(&bridge.account, RULE));
}

#[test]
fn unread() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&fixture.account, RULE), "task-definitions could not be read");
}
