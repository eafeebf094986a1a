//! Tasks without a role of their own on instances whose role they can take.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::NetworkMode;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "task-role-missing-on-ec2";

/// A healthy service without a task role on instances with a profile and this hop limit.
fn roleless(mut pattern: Pattern, hop_limit: i32) -> Pattern {
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| definition.task_role_arn = None);
    for instance in pattern.instances.clone() {
        pattern.account.instance_role(&instance, "required", hop_limit);
    }
    pattern
}

#[test]
fn a_bridge_task_falls_back_to_the_role_of_its_instance() {
    let pattern = roleless(patterns::ec2_bridge(), 2);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    medium task-role-missing-on-ec2 prod/web (ecs:service)
    Tasks of web have no task role: what they ask of AWS they ask as ecsInstanceRole, the instance profile of i-02ac4c6bb1a66d01a and i-078618cd28be4b176
    blocker definition/no-task-role - -> web:1: no taskRoleArn in web:1
    fix Register a revision with a taskRoleArn that ecs-tasks.amazonaws.com may assume and that has what the application needs, an empty role where it calls nothing; then take from the instance role what only applications used.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query taskDefinition.taskRoleArn
    "##);
}

#[test]
fn in_host_mode_no_hop_limit_stops_it() {
    let mut pattern = roleless(patterns::ec2_bridge(), 1);
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |d| d.network_mode = Some(NetworkMode::Host));
    assert_eq!(audit_rule(&pattern.account, RULE).findings.len(), 1);
}

#[test]
fn behind_the_bridge_one_hop_is_too_few() {
    assert_silent(&audit_rule(&roleless(patterns::ec2_bridge(), 1).account, RULE));
}

#[test]
fn a_role_of_its_own_or_an_interface_of_its_own() {
    assert_silent(&audit_rule(&patterns::ec2_bridge().account, RULE));
    assert_silent(&audit_rule(&roleless(patterns::ec2_awsvpc(), 2).account, RULE));
    assert_silent(&audit_rule(&roleless(patterns::fargate_nat(), 2).account, RULE));
}

#[test]
fn who_runs_a_task_may_name_a_role_in_the_call() {
    let mut pattern = roleless(patterns::ec2_bridge(), 2);
    for task in pattern.account.data.tasks.items_mut().unwrap() {
        task.group = Some("family:web".into());
    }
    pattern.account.data.services.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&pattern.account, RULE), "may name a task role in the call");
}

#[test]
fn unread() {
    let mut pattern = roleless(patterns::ec2_bridge(), 2);
    pattern.account.deny(Dataset::Instances, "ec2:DescribeInstances");
    assert_unknown(&audit_rule(&pattern.account, RULE), "instances could not be read");
}
