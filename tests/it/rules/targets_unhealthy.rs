//! Unhealthy targets that nothing else explains.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::mocks::account::now;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "targets-unhealthy";

fn with_target(reason: &str) -> Pattern {
    let mut pattern = patterns::fargate_nat();
    pattern.account.task(&pattern.service.clone(), "web-0");
    let group = pattern.target_group.clone().unwrap();
    pattern.account.target_health(&group, "10.0.16.7", 8080, "unhealthy", Some(reason));
    pattern
}

#[test]
fn the_reason_says_where_to_look() {
    assert_snapshot!(shown(only(&audit_rule(&with_target("Target.FailedHealthChecks").account, RULE))), @r##"
    medium targets-unhealthy prod/web (ecs:service)
    1 target of web is unhealthy: 1 × Target.FailedHealthChecks, no connection could be made, or the answer was malformed
    blocker load-balancer/target-unhealthy - -> 10.0.16.7: 10.0.16.7: no connection could be made, or the answer was malformed
    seen 1 x target-health
    fix The path, the zones and the ports are not in the way, so look at the application: whether it listens on the port, on all addresses, and answers the health check's path with an expected code in time.
    "##);
    let report = audit_rule(&with_target("Target.ResponseCodeMismatch").account, RULE);
    assert!(only(&report).message.to_string().contains("answered with another code"));
}

#[test]
fn young_tasks_and_running_rollouts_are_given_time() {
    let mut young = with_target("Target.Timeout");
    for task in young.account.data.tasks.items_mut().unwrap() {
        task.started_at = Some(now() - SignedDuration::from_secs(20));
    }
    assert_silent(&audit_rule(&young.account, RULE));
    let mut rolling = with_target("Target.Timeout");
    rolling.account.edit_service(&rolling.service.clone(), |service| {
        service.deployments[0].rollout_state = Some("IN_PROGRESS".to_owned());
    });
    assert_silent(&audit_rule(&rolling.account, RULE));
}

#[test]
fn what_another_rule_explains_is_its_evidence() {
    let mut pattern = with_target("Target.Timeout");
    pattern.account.edit_group(&pattern.group.clone(), |group| group.ingress.clear());
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_call_that_fails_brings_no_finding_forth() {
    let mut pattern = with_target("Target.Timeout");
    pattern.account.deny(Dataset::NetworkAcls, "ec2:DescribeNetworkAcls");
    assert_unknown(&audit_rule(&pattern.account, RULE), "network-acls could not be read");
    // Whoever answered was reached.
    let mut pattern = with_target("Target.ResponseCodeMismatch");
    pattern.account.deny(Dataset::NetworkAcls, "ec2:DescribeNetworkAcls");
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn healthy_and_unread() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    let mut pattern = with_target("Target.Timeout");
    pattern.account.deny(Dataset::TargetHealth, "elasticloadbalancing:DescribeTargetHealth");
    assert_unknown(&audit_rule(&pattern.account, RULE), "target-health could not be read");
}

#[test]
fn an_answer_proves_that_the_path_is_open_whatever_else_is_wrong() {
    let mut pattern = with_target("Target.ResponseCodeMismatch");
    let balancer = pattern.balancer.clone().unwrap();
    pattern.account.edit_load_balancer(&balancer, |balancer| {
        balancer.availability_zones.retain(|zone| zone.zone_name.ends_with('a'));
    });
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn each_target_is_as_old_as_its_own_task() {
    let mut pattern = with_target("Target.FailedHealthChecks");
    let old = pattern.account.task(&pattern.service.clone(), "web-1");
    pattern.account.edit_task(&old, |task| {
        task.network_interface.as_mut().unwrap().private_ipv4_address = Some("10.0.16.7".into());
    });
    let young = pattern.account.task(&pattern.service.clone(), "web-2");
    pattern.account.edit_task(&young, |task| task.started_at = Some(now() - SignedDuration::from_secs(20)));
    only(&audit_rule(&pattern.account, RULE));
    pattern.account.edit_task(&old, |task| task.started_at = Some(now() - SignedDuration::from_secs(20)));
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn tasks_that_could_not_be_read_have_no_age() {
    let mut pattern = with_target("Target.FailedHealthChecks");
    pattern.account.deny(Dataset::Tasks, "ecs:ListTasks");
    assert_unknown(&audit_rule(&pattern.account, RULE), "tasks could not be read");
}
