//! Deployments that nothing ends.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::Service;
use ecs_network_audit::snapshot::enums::{DeploymentController, DeploymentStrategy, SchedulingStrategy};
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::mocks::account::now;
use crate::mocks::compute::set_counts;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "deployment-circuit-breaker-off";

fn without(edit: impl FnOnce(&mut Service)) -> Pattern {
    let mut pattern = patterns::fargate_nat();
    let service = pattern.service.clone();
    pattern.account.edit_service(&service, |service| {
        service.deployment_configuration.circuit_breaker = false;
        edit(service);
    });
    pattern
}

/// A deployment that began so long ago and has failed so often.
fn failing(hours: i64, failed_tasks: i32) -> Pattern {
    without(|service| {
        let deployment = &mut service.deployments[0];
        deployment.rollout_state = Some("IN_PROGRESS".to_owned());
        deployment.created_at = Some(now() - SignedDuration::from_hours(hours));
        deployment.failed_tasks = failed_tasks;
    })
}

#[test]
fn neither_a_circuit_breaker_nor_alarms() {
    assert_snapshot!(shown(only(&audit_rule(&without(|_| ()).account, RULE))), @r##"
    low deployment-circuit-breaker-off prod/web (ecs:service)
    Nothing ends a deployment of web whose tasks fail: neither deploymentCircuitBreaker nor alarms is enabled
    blocker definition/no-circuit-breaker - -> web: neither deploymentCircuitBreaker nor alarms is enabled
    fix Turn the circuit breaker on with rollback: a deployment that can't start its tasks fails, and the last one that completed comes back.
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --deployment-configuration 'minimumHealthyPercent=100,maximumPercent=200,deploymentCircuitBreaker={enable=true,rollback=true}'
    "##);
}

#[test]
fn a_deployment_that_has_been_failing_for_hours() {
    let report = audit_rule(&failing(72, 212).account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium deployment-circuit-breaker-off prod/web (ecs:service)
    Nothing ends a deployment of web whose tasks fail: neither deploymentCircuitBreaker nor alarms is enabled; deployment ecs-svc/web has been in progress for 72 hours, and 212 tasks of it have failed in a row
    blocker definition/no-circuit-breaker - -> web: neither deploymentCircuitBreaker nor alarms is enabled
    seen 212 x deployment
    fix Turn the circuit breaker on with rollback: a deployment that can't start its tasks fails, and the last one that completed comes back.
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --deployment-configuration 'minimumHealthyPercent=100,maximumPercent=200,deploymentCircuitBreaker={enable=true,rollback=true}'
    "##);
    assert_eq!(only(&report).severity_reason.as_deref(), Some("a deployment has been failing for hours"));
    assert_eq!(only(&report).confirmed_by[0].count, 212);
}

#[test]
fn a_deployment_that_is_young_or_whose_tasks_run_is_only_unguarded() {
    for pattern in [failing(2, 5), failing(72, 0), without(|service| service.deployments[0].failed_tasks = 5)] {
        assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::Low);
    }
}

#[test]
fn the_breaker_or_alarms_are_enough() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    assert_silent(&audit_rule(&without(|service| service.deployment_configuration.alarms = true).account, RULE));
}

#[test]
fn other_ways_to_deploy_are_not_concerned() {
    let strategies = [DeploymentStrategy::BlueGreen, DeploymentStrategy::Linear, DeploymentStrategy::Canary];
    for strategy in strategies {
        let pattern = without(|service| service.deployment_configuration.strategy = Some(strategy));
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
    for controller in [DeploymentController::CodeDeploy, DeploymentController::External] {
        let pattern = without(|service| service.deployment_controller = controller);
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
    let rolling = without(|s| s.deployment_configuration.strategy = Some(DeploymentStrategy::Rolling));
    only(&audit_rule(&rolling.account, RULE));
}

#[test]
fn what_the_breaker_does_for_a_daemon_is_not_documented() {
    let pattern = without(|service| service.scheduling_strategy = SchedulingStrategy::Daemon);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_service_that_wants_no_task_is_one_step_less() {
    let pattern = without(|service| set_counts(service, 0, 0));
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::Info);
}

#[test]
fn unread_services_are_unknown() {
    let mut pattern = without(|_| ());
    pattern.account.deny(Dataset::Services, "ecs:ListServices");
    assert_unknown(&audit_rule(&pattern.account, RULE), "services could not be read");
}

#[test]
fn a_deployment_configuration_that_is_not_shown() {
    let pattern = without(|service| {
        let configuration = &mut service.deployment_configuration;
        (configuration.minimum_healthy_percent, configuration.maximum_percent) = (None, None);
    });
    assert_unknown(&audit_rule(&pattern.account, RULE), "is not shown");
}
