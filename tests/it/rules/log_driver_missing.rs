//! Containers without a log configuration.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "log-driver-missing";

#[test]
fn a_container_that_logs_nowhere() {
    let mut pattern = patterns::fargate_nat();
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| definition.containers[0].log_configuration = None);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    medium log-driver-missing prod/web (ecs:service)
    Tasks of web have containers whose output ECS sends nowhere: container app has no logConfiguration in web:1
    blocker definition/no-log-configuration - -> web:1: container app has no logConfiguration in web:1
    fix Add a logConfiguration, awslogs with a log group of its own for instance.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query 'taskDefinition.containerDefinitions[?!logConfiguration].name'
    "##);
}

#[test]
fn every_driver_counts() {
    let mut pattern = patterns::ec2_bridge();
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        definition.containers[0].log_configuration.as_mut().unwrap().log_driver = "json-file".to_owned();
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
