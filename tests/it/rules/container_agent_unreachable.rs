//! Container instances cut off from the control plane.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "container-agent-unreachable";

fn cut_off() -> Pattern {
    let mut pattern = patterns::ec2_bridge();
    for table in pattern.tables.clone() {
        pattern.account.edit_table(&table, |table| table.routes.truncate(1));
    }
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |instance| instance.agent_connected = false);
    }
    pattern
}

#[test]
fn instances_without_endpoints_and_without_a_way_out() {
    assert_snapshot!(shown(only(&audit_rule(&cut_off().account, RULE))), @r##"
    critical container-agent-unreachable prod (ecs:cluster)
    The 2 container instances in subnet-04c2cb0f785a4be86 and subnet-0efda74836b6450f9 cannot reach ecs, ecs-agent and ecs-telemetry, all of which their agent needs: there is no endpoint, and route table rtb-0caba01e8123d37b3 of subnet-04c2cb0f785a4be86 has no route to the internet; there is no endpoint, and route table rtb-01c528558e5990c85 of subnet-0efda74836b6450f9 has no route to the internet
    blocker route/no-route subnet-04c2cb0f785a4be86 -> rtb-0caba01e8123d37b3: rtb-0caba01e8123d37b3 of subnet-04c2cb0f785a4be86 has no route to the internet
    blocker route/no-route subnet-0efda74836b6450f9 -> rtb-01c528558e5990c85: rtb-01c528558e5990c85 of subnet-0efda74836b6450f9 has no route to the internet
    blocker route/no-route subnet-04c2cb0f785a4be86 -> rtb-0caba01e8123d37b3: rtb-0caba01e8123d37b3 of subnet-04c2cb0f785a4be86 has no route to the internet
    blocker route/no-route subnet-0efda74836b6450f9 -> rtb-01c528558e5990c85: rtb-01c528558e5990c85 of subnet-0efda74836b6450f9 has no route to the internet
    blocker route/no-route subnet-04c2cb0f785a4be86 -> rtb-0caba01e8123d37b3: rtb-0caba01e8123d37b3 of subnet-04c2cb0f785a4be86 has no route to the internet
    blocker route/no-route subnet-0efda74836b6450f9 -> rtb-01c528558e5990c85: rtb-01c528558e5990c85 of subnet-0efda74836b6450f9 has no route to the internet
    blocker endpoint/no-endpoint subnet-04c2cb0f785a4be86 -> ecs: no endpoint and no usable route to the internet
    blocker endpoint/no-endpoint subnet-0efda74836b6450f9 -> ecs: no endpoint and no usable route to the internet
    blocker endpoint/no-endpoint subnet-04c2cb0f785a4be86 -> ecs-agent: no endpoint and no usable route to the internet
    blocker endpoint/no-endpoint subnet-0efda74836b6450f9 -> ecs-agent: no endpoint and no usable route to the internet
    blocker endpoint/no-endpoint subnet-04c2cb0f785a4be86 -> ecs-telemetry: no endpoint and no usable route to the internet
    blocker endpoint/no-endpoint subnet-0efda74836b6450f9 -> ecs-telemetry: no endpoint and no usable route to the internet
    seen 2 x container-instance
    fix Give the instances a default route to a NAT gateway, or endpoints for ecs, ecs-agent and ecs-telemetry with private DNS and TCP 443 admitted from them; restart the agents afterwards.
    "##);
}

#[test]
fn all_three_endpoints_are_needed() {
    let mut pattern = cut_off();
    let [a, b] = pattern.subnets.clone();
    for service in ["ecs", "ecs-agent"] {
        pattern.account.interface_endpoint(&pattern.vpc.clone(), service, &[&a, &b]);
    }
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).facts["unreached"], serde_json::json!(["ecs-telemetry"]));
    pattern.account.interface_endpoint(&pattern.vpc.clone(), "ecs-telemetry", &[&a, &b]);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_connected_agent_contradicts_the_model() {
    let mut pattern = cut_off();
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |instance| instance.agent_connected = true);
    }
    assert_unknown(&audit_rule(&pattern.account, RULE), "contradicted by live state");
}

#[test]
fn an_agent_that_came_back_during_the_scan_contradicts_it_too() {
    let mut pattern = cut_off();
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |instance| instance.agent_connected_at_end = Some(true));
    }
    assert_unknown(&audit_rule(&pattern.account, RULE), "contradicted by live state");
}

#[test]
fn a_lost_agent_alone_is_no_proof() {
    let mut pattern = patterns::ec2_bridge();
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |instance| instance.agent_connected = false);
    }
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn fargate_has_no_agent_and_unread_is_unknown() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    let mut pattern = cut_off();
    pattern.account.deny(Dataset::Instances, "ec2:DescribeInstances");
    assert_unknown(&audit_rule(&pattern.account, RULE), "instances could not be read");
}

#[test]
fn instances_that_are_stopped_have_no_agent_and_no_address() {
    let mut pattern = cut_off();
    for host in pattern.account.data.instances.items_mut().unwrap() {
        host.state = "stopped".to_owned();
    }
    assert_silent(&audit_rule(&pattern.account, RULE));
}
