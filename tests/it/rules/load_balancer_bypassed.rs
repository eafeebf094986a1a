//! Targets that everyone may call past their load balancer.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "load-balancer-bypassed";

#[test]
fn a_private_service_that_admits_everyone() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "0.0.0.0/0");
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    low load-balancer-bypassed prod/web (ecs:service)
    The targets of web are behind web and admit everyone to tcp 8080: sg-00ee3097251c489aa admits 0.0.0.0/0 on tcp 8080
    blocker group/open-to-the-internet - -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits 0.0.0.0/0 on tcp 8080
    fix Admit the load balancer, by its security group or, without one, by the addresses of its nodes; then take the rules for everyone away.
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,IpRanges=[{CidrIp=0.0.0.0/0}]'
    "##);
}

#[test]
fn instances_with_public_addresses_that_admit_everyone_to_a_bound_port() {
    let mut pattern = patterns::ec2_bridge();
    pattern.publish_instances();
    pattern.account.admit(&pattern.group, "-1", 0, 0, "0.0.0.0/0");
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    medium load-balancer-bypassed prod/web (ecs:service)
    The targets of web are behind web and admit everyone to tcp 32768 and tcp 32769: sg-07e77904572ff8efc admits 0.0.0.0/0 on all traffic
    blocker group/open-to-the-internet - -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits 0.0.0.0/0 on all traffic
    fix Admit the load balancer, by its security group or, without one, by the addresses of its nodes; then take the rules for everyone away.
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-07e77904572ff8efc --ip-permissions 'IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/0}]'
    "##);
}

#[test]
fn targets_that_admit_their_load_balancer_only() {
    for (name, pattern) in patterns::all() {
        let report = audit_rule(&pattern.account, RULE);
        assert!(report.findings.is_empty() && report.not_evaluated.is_empty(), "{name}");
    }
}

#[test]
fn everyone_is_admitted_to_another_port() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.admit(&pattern.group, "tcp", 22, 22, "0.0.0.0/0");
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn clients_whose_addresses_are_kept_have_to_be_admitted() {
    let mut pattern = patterns::nlb_without_groups();
    pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "0.0.0.0/0");
    let group = pattern.target_group.clone().unwrap();
    pattern.account.attribute(&group, "preserve_client_ip.enabled", "true");
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.attribute(&group, "preserve_client_ip.enabled", "false");
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).severity.name(), "low");
    // Its nodes are admitted by their addresses, which they are already: there is no group to name.
    assert_snapshot!(only(&report).remediation.commands.join("\n"), @r##"
    aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,IpRanges=[{CidrIp=0.0.0.0/0}]'
    "##);
}

/// The group of the load balancer stands for its clients, even where their addresses are kept.
#[test]
fn a_network_load_balancer_with_a_group_can_be_named() {
    let mut pattern = patterns::nlb_with_groups();
    let group = pattern.target_group.clone().unwrap();
    pattern.account.attribute(&group, "preserve_client_ip.enabled", "true");
    pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "0.0.0.0/0");
    assert_eq!(audit_rule(&pattern.account, RULE).findings.len(), 1);
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "0.0.0.0/0");
    pattern.account.deny(Dataset::SecurityGroups, "ec2:DescribeSecurityGroups");
    assert_unknown(&audit_rule(&pattern.account, RULE), "security-groups could not be read");
}
