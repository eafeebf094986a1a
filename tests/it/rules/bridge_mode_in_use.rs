//! Services in bridge mode.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::LaunchType;
use insta::assert_snapshot;

use crate::mocks::compute::set_launch;
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "bridge-mode-in-use";

#[test]
fn a_service_that_could_have_interfaces_of_its_own() {
    let pattern = patterns::ec2_bridge();
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).severity, Severity::Info);
    assert_snapshot!(shown(only(&report)), @r##"
    info bridge-mode-in-use prod/web (ecs:service)
    Tasks of web run in bridge mode: they have no security group and no flow log of their own, and every port of theirs is a port of the instance
    blocker address/bridge-mode - -> web:1: web:1 is in bridge mode and has no links
    fix Consider awsvpc mode; it needs an ENI slot for each task (trunking raises their number), target groups of type ip, and subnets and security groups in the service.
    "##);
}

#[test]
fn the_mode_left_out_is_bridge_on_linux() {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.edit_definition(&pattern.definition.clone(), |d| d.network_mode = None);
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn links_windows_and_external_instances_have_to_stay() {
    let mut links = patterns::ec2_bridge();
    links.account.edit_definition(&links.definition.clone(), |d| d.containers[0].links.push("db".to_owned()));
    let mut windows = patterns::ec2_bridge();
    windows.account.edit_definition(&windows.definition.clone(), |d| {
        d.network_mode = None;
        d.operating_system_family = Some("WINDOWS_SERVER_2022_CORE".to_owned());
    });
    let mut external = patterns::ec2_bridge();
    let service = external.service.clone();
    external.account.edit_service(&service, |s| set_launch(s, Some(LaunchType::External), &[]));
    for pattern in [links, windows, external, patterns::ec2_awsvpc(), patterns::fargate_nat()] {
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
}

#[test]
fn unread() {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
