//! Fargate tasks with a public address that works.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::accounts::assign_public_ip_of;
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "task-public-ip";

#[test]
fn an_address_that_one_rule_keeps_from_being_open() {
    let mut pattern = patterns::fargate_public_ip();
    pattern.account.admit(&pattern.group, "tcp", 22, 22, "198.51.0.0/16");
    pattern.account.admit(&pattern.group, "tcp", 443, 443, "8.8.8.0/24");
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    medium task-public-ip prod/web (ecs:service)
    Tasks of web have public addresses in subnet-0238e36be509fd2ee and subnet-088beb2fa9c2a7119, and only their security groups stand between them and the internet
    blocker address/public-address - -> web: tasks in subnet-0238e36be509fd2ee get a public address that an internet gateway serves
    blocker address/public-address - -> web: tasks in subnet-088beb2fa9c2a7119 get a public address that an internet gateway serves
    fix Set assignPublicIp to DISABLED and place the tasks in private subnets with a NAT gateway or VPC endpoints; public addresses only for the way out are cheaper for a few tasks and dearer for many.
    "##);
}

#[test]
fn an_address_just_for_the_way_out_is_low() {
    let mut pattern = patterns::fargate_public_ip();
    let balancer = pattern.account.security_group(&pattern.vpc, "alb");
    pattern.account.admit_group(&pattern.group, "tcp", 8080, 8080, &balancer);
    pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "10.0.0.0/16");
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    low task-public-ip prod/web (ecs:service)
    Tasks of web have public addresses in subnet-0238e36be509fd2ee and subnet-088beb2fa9c2a7119, though their security groups admit nobody of the internet
    blocker address/public-address - -> web: tasks in subnet-0238e36be509fd2ee get a public address that an internet gateway serves
    blocker address/public-address - -> web: tasks in subnet-088beb2fa9c2a7119 get a public address that an internet gateway serves
    fix Set assignPublicIp to DISABLED and place the tasks in private subnets with a NAT gateway or VPC endpoints; public addresses only for the way out are cheaper for a few tasks and dearer for many.
    "##);
}

#[test]
fn the_proof_that_everybody_gets_in_is_louder() {
    let mut pattern = patterns::fargate_public_ip();
    pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "0.0.0.0/0");
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity.name(), "medium");
    let report = audit_beside(&pattern.account, RULE, "task-reachable-from-internet");
    assert_eq!(only(&report).severity.name(), "info");
}

#[test]
fn an_address_that_nobody_can_use_is_another_matter() {
    let mut pattern = patterns::fargate_nat();
    assign_public_ip_of(&mut pattern.account, &pattern.service, true);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn assign_public_ip_left_out_is_disabled() {
    let mut pattern = patterns::fargate_public_ip();
    assign_public_ip_of(&mut pattern.account, &pattern.service, false);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn unread_groups_are_said_to_be_unread() {
    let mut pattern = patterns::fargate_public_ip();
    pattern.account.deny(Dataset::SecurityGroups, "ec2:DescribeSecurityGroups");
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).severity.name(), "medium");
    assert!(report.not_evaluated.iter().any(|entry| entry.resource.is_some()), "{:?}", report.not_evaluated);
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_public_ip();
    pattern.account.deny(Dataset::RouteTables, "ec2:DescribeRouteTables");
    assert_unknown(&audit_rule(&pattern.account, RULE), "route-tables could not be read");
}
