//! Percentages that leave a deployment no move.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::Service;
use ecs_network_audit::snapshot::enums::{DeploymentController, DeploymentStrategy, SchedulingStrategy};
use insta::assert_snapshot;

use crate::mocks::compute::set_counts;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "deployment-deadlock";

/// A service with so many tasks and these percentages.
fn deployed(mut pattern: Pattern, desired: i32, minimum: Option<i32>, maximum: Option<i32>) -> Pattern {
    pattern.account.edit_service(&pattern.service, |service| {
        set_counts(service, desired, desired);
        service.deployment_configuration.minimum_healthy_percent = minimum;
        service.deployment_configuration.maximum_percent = maximum;
    });
    pattern
}

/// AWS's first example, 75 % of 2 with at most 100 %, and something else about the service.
fn stuck(edit: impl FnOnce(&mut Service)) -> Pattern {
    let mut pattern = deployed(patterns::fargate_nat(), 2, Some(75), Some(100));
    pattern.account.edit_service(&pattern.service, edit);
    pattern
}

#[test]
fn neither_may_a_task_stop_nor_one_start() {
    let report = audit_rule(&stuck(|_| {}).account, RULE);
    assert_eq!(only(&report).severity, Severity::High);
    assert_snapshot!(shown(only(&report)), @r##"
    high deployment-deadlock prod/web (ecs:service)
    No deployment of web can ever move: 75 % of 2 rounds up to 2 that must run, 100 % rounds down to 2 that may
    blocker capacity/percentages - -> web: 75 % of 2 rounds up to 2 that must run, 100 % rounds down to 2 that may
    fix Raise maximumPercent until one task more fits, or lower minimumHealthyPercent until one may stop.
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --deployment-configuration minimumHealthyPercent=75,maximumPercent=200
    "##);
}

#[test]
fn the_examples_of_aws() {
    for (desired, minimum, maximum, is_stuck) in
        [(2, 75, 100, true), (3, 100, 125, true), (4, 100, 125, false), (4, 75, 100, false)]
    {
        let pattern = deployed(patterns::fargate_nat(), desired, Some(minimum), Some(maximum));
        let report = audit_rule(&pattern.account, RULE);
        assert_eq!(report.findings.len(), usize::from(is_stuck), "{minimum} to {maximum} % of {desired}");
        assert!(report.not_evaluated.is_empty());
    }
}

#[test]
fn percentages_that_fit_two_tasks_may_not_fit_one() {
    assert_silent(&audit_rule(&deployed(patterns::fargate_nat(), 2, Some(50), Some(150)).account, RULE));
    let report = audit_rule(&deployed(patterns::fargate_nat(), 1, Some(50), Some(150)).account, RULE);
    let facts = &only(&report).facts;
    assert_eq!((&facts["desired"], &facts["floor"], &facts["ceiling"]), (&1.into(), &1.into(), &1.into()));
}

#[test]
fn what_is_left_out_is_100_and_200_percent() {
    assert_silent(&audit_rule(&deployed(patterns::fargate_nat(), 1, None, None).account, RULE));
    assert_silent(&audit_rule(&deployed(patterns::fargate_nat(), 1, Some(0), Some(100)).account, RULE));
    only(&audit_rule(&deployed(patterns::fargate_nat(), 1, None, Some(100)).account, RULE));
}

#[test]
fn the_command_of_the_finding_lets_a_task_start() {
    for (desired, minimum, maximum) in [(2, 75, 100), (3, 100, 125), (1, 50, 150), (1, 100, 100)] {
        let pattern = deployed(patterns::fargate_nat(), desired, Some(minimum), Some(maximum));
        let report = audit_rule(&pattern.account, RULE);
        let told = format!("minimumHealthyPercent={minimum},maximumPercent=200");
        assert!(only(&report).remediation.commands[0].contains(&told), "{:?}", only(&report).remediation.commands);
        assert_silent(&audit_rule(&deployed(pattern, desired, Some(minimum), Some(200)).account, RULE));
    }
}

#[test]
fn it_does_not_matter_where_the_tasks_launch() {
    for pattern in [patterns::fargate_nat(), patterns::ec2_bridge(), patterns::ec2_awsvpc()] {
        assert_silent(&audit_rule(&pattern.account, RULE));
        let report = audit_rule(&deployed(pattern, 2, Some(100), Some(100)).account, RULE);
        assert_eq!(only(&report).severity, Severity::High);
    }
}

#[test]
fn other_deployments_use_the_percentages_in_other_ways() {
    for strategy in [DeploymentStrategy::BlueGreen, DeploymentStrategy::Linear, DeploymentStrategy::Canary] {
        let pattern = stuck(|service| service.deployment_configuration.strategy = Some(strategy));
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
    for controller in [DeploymentController::CodeDeploy, DeploymentController::External] {
        assert_silent(&audit_rule(&stuck(|service| service.deployment_controller = controller).account, RULE));
    }
    let rolling = stuck(|service| service.deployment_configuration.strategy = Some(DeploymentStrategy::Rolling));
    only(&audit_rule(&rolling.account, RULE));
}

#[test]
fn a_daemon_that_may_stop_its_tasks_moves() {
    let pattern = stuck(|service| {
        service.scheduling_strategy = SchedulingStrategy::Daemon;
        service.deployment_configuration.minimum_healthy_percent = Some(0);
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_service_that_wants_no_task_is_not_judged() {
    assert_silent(&audit_rule(&stuck(|service| set_counts(service, 0, 0)).account, RULE));
}

#[test]
fn the_event_that_names_it_confirms_it_until_the_service_is_steady_again() {
    let mut pattern = stuck(|_| {});
    let event = "(service web) was unable to stop or start tasks during a deployment because of the service deployment \
        configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";
    pattern.account.event(&pattern.service, event);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::High, 1));
    pattern.account.event(&pattern.service, "(service web) has reached a steady state.");
    assert!(only(&audit_rule(&pattern.account, RULE)).confirmed_by.is_empty());
}

#[test]
fn services_that_may_not_be_read() {
    let mut pattern = stuck(|_| {});
    pattern.account.deny(Dataset::Services, "ecs:ListServices");
    assert_unknown(&audit_rule(&pattern.account, RULE), "services could not be read");
}

#[test]
fn a_deadlock_is_proved_by_the_service_alone() {
    let mut pattern = stuck(|_| {});
    for (dataset, api) in [
        (Dataset::Tasks, "ecs:ListTasks"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::CapacityProviders, "ecs:DescribeCapacityProviders"),
        (Dataset::Clusters, "ecs:DescribeClusters"),
    ] {
        pattern.account.deny(dataset, api);
        assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::High);
    }
}
