//! Task ENIs of container instances behind an internet gateway.

use insta::assert_snapshot;

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;

use crate::mocks::accounts::fargate_public;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "ec2-task-in-public-subnet";

fn in_public_subnets() -> Pattern {
    let mut pattern = patterns::ec2_awsvpc();
    let [a, b] = pattern.public.clone();
    pattern.account.network(&pattern.service.clone(), &[&a, &b]);
    pattern
}

#[test]
fn pulls_work_and_the_application_is_alone() {
    let report = audit_rule(&in_public_subnets().account, RULE);
    assert_eq!(only(&report).severity, Severity::Low);
    assert_snapshot!(shown(only(&report)), @r##"
    low ec2-task-in-public-subnet prod/web (ecs:service)
    Task ENIs in subnet-0238e36be509fd2ee and subnet-088beb2fa9c2a7119 have private addresses only, and the only way out there is an internet gateway: whatever the application itself calls on the internet is out of reach (image pulls and awslogs leave through the instance and are not affected)
    blocker address/no-public-address subnet-0238e36be509fd2ee -> igw-0fce67db46f1d0c3b: igw-0fce67db46f1d0c3b drops what comes from an interface without a public address
    blocker address/no-public-address subnet-088beb2fa9c2a7119 -> igw-0fce67db46f1d0c3b: igw-0fce67db46f1d0c3b drops what comes from an interface without a public address
    fix Move the tasks to subnets of the same zones with a default route to a NAT gateway, use bridge or host mode, or run them on Fargate with a public address.
    "##);
}

#[test]
fn a_need_of_the_tasks_own_interface_makes_it_high() {
    let mut pattern = in_public_subnets();
    pattern.account.edit_service(&pattern.service.clone(), |service| service.enable_execute_command = true);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).severity, Severity::High);
    assert_eq!(only(&report).facts["unreached"], serde_json::json!(["ssmmessages"]));
    // The finding is this rule's alone.
    assert_silent(&audit_rule(&pattern.account, "exec-unreachable"));
    let [a, b] = pattern.public.clone();
    pattern.account.interface_endpoint(&pattern.vpc.clone(), "ssmmessages", &[&a, &b]);
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::Low);
}

#[test]
fn private_subnets_bridge_mode_and_fargate_are_not_concerned() {
    assert_silent(&audit_rule(&patterns::ec2_awsvpc().account, RULE));
    assert_silent(&audit_rule(&patterns::ec2_bridge().account, RULE));
    assert_silent(&audit_rule(&fargate_public().account, RULE));
}

#[test]
fn unread() {
    let mut pattern = in_public_subnets();
    pattern.account.deny(Dataset::RouteTables, "ec2:DescribeRouteTables");
    assert_unknown(&audit_rule(&pattern.account, RULE), "route-tables could not be read");
}
