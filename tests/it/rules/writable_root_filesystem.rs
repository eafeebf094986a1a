//! Containers that may change the files of their image.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "writable-root-filesystem";

fn writable(family: Option<&str>) -> Pattern {
    let mut pattern = patterns::ec2_bridge();
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        definition.operating_system_family = family.map(str::to_owned);
        definition.containers[0].readonly_root_filesystem = false;
    });
    pattern
}

#[test]
fn the_default_of_the_api_is_writable() {
    assert_snapshot!(shown(only(&audit_rule(&writable(Some("LINUX")).account, RULE))), @r##"
    low writable-root-filesystem prod/web (ecs:service)
    Tasks of web may change the files of their image: container app in web:1
    blocker definition/writable - -> web:1: container app in web:1
    fix Set readonlyRootFilesystem, and mount a volume for every path that the application writes to.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query 'taskDefinition.containerDefinitions[?!readonlyRootFilesystem].name'
    "##);
}

/// Other tools advise both, a read-only file system and ECS Exec.
#[test]
fn exec_needs_what_this_takes_away() {
    let mut pattern = writable(Some("LINUX"));
    pattern.account.edit_service(&pattern.service, |service| service.enable_execute_command = true);
    assert_snapshot!(only(&audit_rule(&pattern.account, RULE)).remediation.text.to_string(), @r##"
    ECS Exec is on and its agent writes to the root file system: turn Exec off first, then set readonlyRootFilesystem and mount a volume for every path that the application writes to.
    "##);
}

#[test]
fn windows_does_not_take_it() {
    assert_silent(&audit_rule(&writable(Some("WINDOWS_SERVER_2022_CORE")).account, RULE));
}

#[test]
fn a_read_only_file_system() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
}

#[test]
fn a_platform_that_neither_the_revision_nor_the_instances_say() {
    let mut pattern = writable(None);
    pattern.account.data.container_instances.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&pattern.account, RULE), "operating system");
}

#[test]
fn unread() {
    let mut pattern = writable(None);
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
