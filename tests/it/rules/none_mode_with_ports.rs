//! Mode none with something that needs a network.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::NetworkMode;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "none-mode-with-ports";

#[test]
fn ports_and_a_load_balancer_lead_nowhere() {
    let mut pattern = patterns::ec2_bridge();
    let p = &mut pattern;
    p.account.edit_definition(&p.definition, |definition| definition.network_mode = Some(NetworkMode::None));
    assert_snapshot!(shown(only(&audit_rule(&p.account, RULE))), @r##"
    high none-mode-with-ports prod/web (ecs:service)
    web runs in mode none, which has no network at all, yet a load balancer is to reach web:1; container app of web:1 maps ports
    blocker address/load-balancer-without-network - -> web:1: a load balancer is to reach web:1
    blocker address/ports-without-network - -> web:1: container app of web:1 maps ports
    fix Register a revision in awsvpc or bridge mode, or take the ports, load balancers and service registries away.
    "##);
    p.account.edit_definition(&p.definition, |definition| definition.containers[0].port_mappings.clear());
    p.account.edit_service(&p.service, |service| service.load_balancers.clear());
    assert_silent(&audit_rule(&p.account, RULE));
}

#[test]
fn other_modes_are_not_concerned_and_unread_is_unknown() {
    let mut pattern = patterns::ec2_bridge();
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
