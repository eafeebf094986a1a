//! Host ports that differ from container ports.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "host-port-mismatch";

#[test]
fn in_awsvpc_mode_both_are_one_port() {
    let mut pattern = patterns::fargate_nat();
    let definition = pattern.definition.clone();
    let mut host_port = |port| {
        pattern.account.edit_definition(&definition, |d| d.containers[0].port_mappings[0].host_port = port);
        audit_rule(&pattern.account, RULE)
    };
    for fine in [None, Some(0), Some(8080)] {
        assert_silent(&host_port(fine));
    }
    assert_snapshot!(shown(only(&host_port(Some(80)))), @r##"
    high host-port-mismatch prod/web (ecs:service)
    web shares one port space between host and container: container app of web:1 maps host port 80 to container port 8080
    blocker address/host-port-differs - -> web:1: container app of web:1 maps host port 80 to container port 8080
    fix Leave the host port out, or give it the container port's number.
    "##);
}

#[test]
fn in_bridge_mode_they_may_differ_and_unread_is_unknown() {
    let mut pattern = patterns::ec2_bridge();
    pattern
        .account
        .edit_definition(&pattern.definition.clone(), |d| d.containers[0].port_mappings[0].host_port = Some(80));
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
