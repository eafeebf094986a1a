//! Grace periods that end too soon.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "health-check-grace-missing";

fn killed(grace: Option<i32>) -> Pattern {
    killed_after(grace, SignedDuration::from_secs(45))
}

fn killed_after(grace: Option<i32>, lived: SignedDuration) -> Pattern {
    let mut pattern = patterns::fargate_nat();
    let service = pattern.service.clone();
    let reason =
        "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/1)";
    pattern.account.killed_task(&service, "killed", reason, lived);
    pattern.account.edit_service(&service, |service| service.health_check_grace_period_seconds = grace);
    pattern
}

#[test]
fn tasks_are_killed_before_they_can_have_started() {
    assert_snapshot!(shown(only(&audit_rule(&killed(None).account, RULE))), @r##"
    medium health-check-grace-missing prod/web (ecs:service)
    Tasks of web were killed for failing load-balancer health checks soon after their start (1 time), and the grace period of 0 s ends before the 60 s that a start may take (0 s start period, 60 s of checks)
    seen 1 x stopped-task
    fix Raise the grace period of the service above the time that a task needs to become healthy.
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --health-check-grace-period-seconds 60
    "##);
    only(&audit_rule(&killed(Some(30)).account, RULE));
}

#[test]
fn enough_grace_or_no_evidence_is_no_finding() {
    assert_silent(&audit_rule(&killed(Some(600)).account, RULE));
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
}

#[test]
fn a_task_that_fails_after_days_needs_no_grace() {
    assert_silent(&audit_rule(&killed_after(None, SignedDuration::from_hours(72)).account, RULE));
}

#[test]
fn checks_that_cannot_get_through_have_a_finding_of_their_own() {
    let mut pattern = killed(None);
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn unread() {
    let mut pattern = killed(None);
    pattern.account.deny(Dataset::TargetGroups, "elasticloadbalancing:DescribeTargetGroups");
    assert_unknown(&audit_rule(&pattern.account, RULE), "target-groups could not be read");
}
