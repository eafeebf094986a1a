//! Rules and schedules whose network is no longer there.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::schedule::Schedule;
use insta::assert_snapshot;

use crate::mocks::accounts::{fargate_isolated_without_endpoints, fargate_private_with_nat};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "scheduled-task-network";

#[test]
fn a_schedule_runs_tasks_in_a_subnet_that_was_deleted() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.schedule("nightly", &fixture.cluster, &fixture.definition, &[&fixture.subnet]);
    assert_silent(&audit_rule(&fixture.account, RULE));
    fixture.account.data.schedules.items_mut().unwrap()[0].target.network_configuration.as_mut().unwrap().subnets =
        vec!["subnet-gone".into()];
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high scheduled-task-network prod/nightly (scheduler:schedule)
    Schedule nightly runs tasks on prod with subnet-gone, which no longer exists: every run fails before a task is made
    blocker address/subnet-gone - -> subnet-gone: subnet-gone does not exist
    fix Put subnets and security groups that exist into the network configuration of its target.
    $ aws scheduler get-schedule --region eu-west-1 --name nightly --query Target.EcsParameters
    "##);
    fixture.account.data.schedules.items_mut().unwrap()[0].state = "DISABLED".to_owned();
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_rule_names_a_security_group_that_was_deleted() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.event_rule("hourly", &fixture.cluster, &fixture.definition, &[&fixture.subnet]);
    let target = &mut fixture.account.data.event_rules.items_mut().unwrap()[0].targets[0];
    target.network_configuration.as_mut().unwrap().security_groups = vec!["sg-gone".into()];
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).resource.kind, "events:rule");
    assert_eq!(only(&report).blockers[0].kind, "security-group-gone");
}

#[test]
fn living_ones_are_workloads_for_every_other_rule() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.data.services.items_mut().unwrap().clear();
    // Without a revision the newest one counts.
    let family = ecs_network_audit::snapshot::ids::Arn::from(fixture.definition.as_str().rsplit_once(':').unwrap().0);
    fixture.account.schedule("nightly", &fixture.cluster, &family, &[&fixture.subnet]);
    let report = audit_rule(&fixture.account, "vpc-endpoint-missing");
    assert_eq!(only(&report).resource.name, "prod/nightly");
    assert_eq!(only(&report).resource.kind, "scheduler:schedule");
}

#[test]
fn schedules_that_were_not_read_are_said_so() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.deny(Dataset::Schedules, "scheduler:ListSchedules");
    assert_unknown(&audit_rule(&fixture.account, RULE), "schedules could not be read");
}

#[test]
fn a_schedule_that_will_not_run_again_is_nobodys_business() {
    let over = |edit: fn(&mut Schedule)| {
        let mut fixture = fargate_private_with_nat();
        fixture.account.schedule("nightly", &fixture.cluster, &fixture.definition, &[&fixture.subnet]);
        let schedule = &mut fixture.account.data.schedules.items_mut().unwrap()[0];
        schedule.target.network_configuration.as_mut().unwrap().subnets = vec!["subnet-gone".into()];
        edit(schedule);
        audit_rule(&fixture.account, RULE)
    };
    only(&over(|schedule| schedule.schedule_expression = Some("at(2026-12-01T02:00:00)".to_owned())));
    assert_silent(&over(|schedule| schedule.schedule_expression = Some("at(2025-03-01T02:00:00)".to_owned())));
    assert_silent(&over(|schedule| schedule.end_date = Some("2026-01-01T00:00:00Z".parse().unwrap())));
}
