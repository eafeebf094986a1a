//! Target groups that get no traffic.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::{DeploymentController, DeploymentStrategy};
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "target-group-unattached";

/// The listener answers by itself, and no rule forwards.
fn detached() -> Pattern {
    let mut pattern = patterns::fargate_nat();
    let p = &mut pattern;
    p.account.edit_listener(&p.listener.clone().unwrap(), |listener| {
        listener.default_actions[0].kind = "fixed-response".to_owned();
        listener.default_actions[0].target_groups.clear();
    });
    p.account.data.listener_rules.items_mut().unwrap().clear();
    pattern
}

#[test]
fn no_listener_forwards() {
    assert_snapshot!(shown(only(&audit_rule(&detached().account, RULE))), @r##"
    high target-group-unattached prod/web (ecs:service)
    Traffic never arrives at web: no listener or rule forwards to target group web
    blocker load-balancer/not-forwarded - -> arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/09b3358ba436a75eb: no listener or rule forwards to target group web
    fix Let a listener or rule forward to the target group, with a weight above 0.
    "##);
    let mut orphan = detached();
    orphan.account.edit_target_group(&orphan.target_group.clone().unwrap(), |group| group.load_balancer_arns.clear());
    let report = audit_rule(&orphan.account, RULE);
    assert!(only(&report).message.to_string().contains("belongs to no load balancer"));
}

#[test]
fn one_rule_with_a_weight_is_enough() {
    let mut pattern = detached();
    let (listener, group) = (pattern.listener.clone().unwrap(), pattern.target_group.clone().unwrap());
    let rule = pattern.account.listener_rule(&listener, "10", &[(&group, 0)]);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).blockers[0].kind, "weight-zero");
    pattern.account.edit_rule(&rule, |rule| rule.actions[0].target_groups[0].1 = 1);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn deployments_with_an_idle_side_keep_one_on_purpose() {
    let mut pattern = detached();
    let service = pattern.service.clone();
    for controller in [DeploymentController::CodeDeploy, DeploymentController::External] {
        pattern.account.edit_service(&service, |s| s.deployment_controller = controller);
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
    pattern.account.edit_service(&service, |s| s.deployment_controller = DeploymentController::Ecs);
    for strategy in [DeploymentStrategy::BlueGreen, DeploymentStrategy::Linear, DeploymentStrategy::Canary] {
        pattern.account.edit_service(&service, |s| s.deployment_configuration.strategy = Some(strategy));
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
}

#[test]
fn listeners_that_were_not_read_may_forward() {
    assert_silent(&audit_rule(&patterns::nlb_with_groups().account, RULE));
    let mut pattern = detached();
    pattern.account.deny(Dataset::Listeners, "elasticloadbalancing:DescribeListeners");
    assert_unknown(&audit_rule(&pattern.account, RULE), "listeners could not be read");
}

#[test]
fn load_balancers_that_were_not_read_may_forward() {
    let mut pattern = detached();
    pattern.account.deny(Dataset::LoadBalancers, "elasticloadbalancing:DescribeLoadBalancers");
    assert_unknown(&audit_rule(&pattern.account, RULE), "load-balancers could not be read");
    let mut gone = detached();
    gone.account.data.load_balancers.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&gone.account, RULE), "is not visible");
}

#[test]
fn a_target_group_that_is_gone_is_unknown() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.data.target_groups.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&pattern.account, RULE), "is not visible");
}
