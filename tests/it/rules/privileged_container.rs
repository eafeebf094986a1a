//! Containers with all rights on their instance.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern, on_unread_capacity};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "privileged-container";

/// A healthy service whose revision has the setting.
fn wrong(mut pattern: Pattern) -> Pattern {
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        definition.containers[0].privileged = true;
    });
    pattern
}

#[test]
fn a_privileged_container_owns_its_instance() {
    let pattern = wrong(patterns::ec2_bridge());
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high privileged-container prod/web (ecs:service)
    Tasks of web run with all rights of root on their instance: container app is privileged in web:1
    blocker definition/privileged - -> web:1: container app is privileged in web:1
    fix Take privileged away, and name the capabilities that are needed in linuxParameters.capabilities.add, or the devices in linuxParameters.devices.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query 'taskDefinition.containerDefinitions[?privileged].name'
    "##);
}

#[test]
fn without_it_nothing_is_said() {
    assert_silent(&audit_rule(&patterns::ec2_bridge().account, RULE));
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
