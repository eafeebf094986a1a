//! Tasks that see the processes of their instance.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern, on_unread_capacity};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "host-process-namespace";

/// A healthy service whose revision has the setting.
fn wrong(mut pattern: Pattern) -> Pattern {
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        definition.pid_mode = Some("host".to_owned());
    });
    pattern
}

#[test]
fn pid_mode_host_shares_every_process() {
    let pattern = wrong(patterns::ec2_bridge());
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high host-process-namespace prod/web (ecs:service)
    Tasks of web see and signal every process of their instance: pidMode is host in web:1
    blocker definition/host-process-namespace - -> web:1: pidMode is host in web:1
    fix Take pidMode away, or use task, which shares one namespace among the containers of a task.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query taskDefinition.pidMode
    "##);
}

#[test]
fn without_it_nothing_is_said() {
    assert_silent(&audit_rule(&patterns::ec2_bridge().account, RULE));
    let mut task = patterns::ec2_bridge();
    task.account.edit_definition(&task.definition.clone(), |definition| definition.pid_mode = Some("task".to_owned()));
    assert_silent(&audit_rule(&task.account, RULE));
}

#[test]
fn fargate_does_not_take_it() {
    assert_silent(&audit_rule(&wrong(patterns::fargate_nat()).account, RULE));
}

#[test]
fn unread_capacity_may_be_fargate() {
    let pattern = on_unread_capacity(wrong(patterns::ec2_bridge()));
    assert_unknown(&audit_rule(&pattern.account, RULE), "capacity-providers could not be read");
}

#[test]
fn an_unread_definition_is_unknown() {
    let mut pattern = wrong(patterns::ec2_bridge());
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
