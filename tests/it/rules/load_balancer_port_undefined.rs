//! Load-balancer entries for what the definition lacks.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "load-balancer-port-undefined";

#[test]
fn a_container_or_port_that_is_not_there() {
    let mut pattern = patterns::fargate_nat();
    let service = pattern.service.clone();
    pattern.account.edit_service(&service, |s| s.load_balancers[0].container_port = Some(9090));
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high load-balancer-port-undefined prod/web (ecs:service)
    No task of web can be registered: container app of web:1 does not map port 9090
    blocker load-balancer/port-undefined - -> web:1: container app of web:1 does not map port 9090
    fix Point the service's load-balancer entry at a container and port of the task definition, or add the port mapping to it.
    "##);
    pattern.account.edit_service(&service, |s| s.load_balancers[0].container_name = Some("gone".to_owned()));
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).blockers[0].kind, "container-undefined");
}

#[test]
fn a_port_of_a_range_is_not_documented() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.edit_definition(&pattern.definition.clone(), |d| {
        d.containers[0].port_mappings[0].container_port = None;
        d.containers[0].port_mappings[0].container_port_range = Some("8000-8100".to_owned());
    });
    assert_unknown(&audit_rule(&pattern.account, RULE), "port of a range");
}

#[test]
fn what_fits_is_silent_and_unread_is_unknown() {
    let mut pattern = patterns::ec2_bridge();
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
