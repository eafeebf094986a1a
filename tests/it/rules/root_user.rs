//! Containers that run as root.

use ecs_network_audit::finding::Report;
use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "root-user";

/// What is said of a healthy service whose container has this user on this operating system.
fn with_user(user: Option<&str>, family: Option<&str>) -> Report {
    let mut pattern = patterns::fargate_nat();
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        definition.operating_system_family = family.map(str::to_owned);
        definition.containers[0].user = user.map(str::to_owned);
    });
    audit_rule(&pattern.account, RULE)
}

#[test]
fn a_container_that_names_no_user() {
    assert_snapshot!(shown(only(&with_user(None, Some("LINUX")))), @r##"
    low root-user prod/web (ecs:service)
    Tasks of web run as root, or as whoever their image says: container app names no user in web:1
    blocker definition/root - -> web:1: container app names no user in web:1
    fix Set user to a number other than 0 that may read what the application needs, and register a revision with it.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query 'taskDefinition.containerDefinitions[].{name: name, user: user}'
    "##);
}

/// Prowler 5.46 takes only `root` and the empty string for root.
#[test]
fn root_by_whatever_name() {
    for user in ["root", "0", "0:0", "root:root", "0:1000", "root:staff", "", " "] {
        assert_eq!(with_user(Some(user), Some("LINUX")).findings.len(), 1, "{user:?}");
    }
    assert_snapshot!(only(&with_user(Some("0:0"), Some("LINUX"))).message.to_string(), @r##"
    Tasks of web run as root, or as whoever their image says: container app has user 0:0 in web:1
    "##);
}

#[test]
fn other_users() {
    for user in ["1000", "1000:0", "app", "app:root", "rooty", "00root"] {
        assert_silent(&with_user(Some(user), Some("LINUX")));
    }
    assert_silent(&with_user(Some("ContainerUser"), Some("WINDOWS_SERVER_2022_CORE")));
}

#[test]
fn the_administrator_of_a_windows_container() {
    assert_eq!(with_user(Some("containeradministrator"), Some("WINDOWS_SERVER_2022_CORE")).findings.len(), 1);
}

#[test]
fn the_user_of_a_windows_image_cannot_be_seen() {
    assert_unknown(&with_user(None, Some("WINDOWS_SERVER_2022_CORE")), "that of its image");
}

#[test]
fn without_a_platform_the_instances_say_it() {
    let unset = |linux: bool| {
        let mut pattern = patterns::ec2_bridge();
        let definition = pattern.definition.clone();
        pattern.account.edit_definition(&definition, |definition| {
            definition.operating_system_family = None;
            definition.containers[0].user = None;
        });
        for instance in pattern.instances.clone().iter().filter(|_| !linux) {
            pattern.account.edit_instance(instance, |instance| {
                instance.attributes.remove("ecs.os-type");
            });
        }
        audit_rule(&pattern.account, RULE)
    };
    assert_eq!(unset(true).findings.len(), 1);
    assert_unknown(&unset(false), "operating system");
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
