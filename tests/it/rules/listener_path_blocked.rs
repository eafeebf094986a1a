//! Listeners that no client gets through to.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "listener-path-blocked";

#[test]
fn the_group_of_the_load_balancer_admits_nobody() {
    let mut pattern = patterns::fargate_nat();
    let group = pattern.balancer_group.clone().unwrap();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high listener-path-blocked prod/web (ecs:service)
    No client of web gets through a listener: sg-03610344ba25fce94 admits nobody to port 80 of load balancer web
    blocker group/listener-refused - -> sg-03610344ba25fce94: sg-03610344ba25fce94 admits nobody to port 80 of load balancer web
    fix Admit the clients to the listener's port in the load balancer's groups and network ACLs.
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-03610344ba25fce94 --protocol tcp --port 80 --cidr "$CLIENTS"
    "##);
}

#[test]
fn anybody_is_enough() {
    let mut pattern = patterns::fargate_nat();
    let group = pattern.balancer_group.clone().unwrap();
    let own = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.admit(&group, "tcp", 80, 80, "203.0.113.9/32");
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.admit_group(&group, "tcp", 80, 80, &own);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn network_acls_shut_a_listener_only_in_all_subnets() {
    let mut pattern = patterns::nlb_without_groups();
    let [a, b] = pattern.public.clone();
    pattern.account.own_network_acl("shut", &[&a], &[]);
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.own_network_acl("shut-too", &[&b], &[]);
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::Listeners, "elasticloadbalancing:DescribeListeners");
    assert_unknown(&audit_rule(&pattern.account, RULE), "listeners could not be read");
}

#[test]
fn a_forgotten_listener_beside_one_that_works_is_low() {
    let mut pattern = patterns::fargate_nat();
    let (balancer, group) = (pattern.balancer.clone().unwrap(), pattern.target_group.clone().unwrap());
    pattern.account.listener(&balancer, 9000, &group);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).severity, Severity::Low);
    assert!(only(&report).message.to_string().contains("port 9000"));
}

#[test]
fn clients_behind_private_link_are_not_asked_where_that_is_off() {
    let mut pattern = patterns::nlb_with_groups();
    let group = pattern.balancer_group.clone().unwrap();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    only(&audit_rule(&pattern.account, RULE));
    pattern.account.edit_load_balancer(&pattern.balancer.clone().unwrap(), |balancer| {
        balancer.enforce_security_group_inbound_rules_on_private_link_traffic = Some("off".to_owned());
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_udp_listener_needs_udp() {
    let mut pattern = patterns::nlb_with_groups();
    let group = pattern.balancer_group.clone().unwrap();
    let listener = pattern.listener.clone().unwrap();
    pattern.account.edit_listener(&listener, |listener| listener.protocol = Some("TCP_UDP".to_owned()));
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    let report = audit_rule(&pattern.account, RULE);
    let commands = only(&report).remediation.commands.join(" ");
    assert!(commands.contains("--protocol tcp") && commands.contains("--protocol udp"), "{commands}");
}
