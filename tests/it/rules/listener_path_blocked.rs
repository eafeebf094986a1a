//! Listeners that no client gets through to.

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
    No client gets through to the service: sg-03610344ba25fce94 admits nobody to port 80 of load balancer web
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
