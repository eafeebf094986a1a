//! Container instances whose dynamic host ports are open to everyone.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "instance-ports-exposed";

fn open(ports: (i32, i32)) -> Pattern {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.admit(&pattern.group, "tcp", ports.0, ports.1, "0.0.0.0/0");
    pattern
}

#[test]
fn private_instances_that_admit_everyone_are_low() {
    assert_snapshot!(shown(only(&audit_rule(&open((32768, 65535)).account, RULE))), @r##"
    low instance-ports-exposed prod (ecs:cluster)
    Everyone is admitted to tcp 32768-65535 of the container instances i-02ac4c6bb1a66d01a and i-078618cd28be4b176 of prod, where every task in bridge mode gets its host ports: sg-07e77904572ff8efc admits 0.0.0.0/0 on tcp 32768-65535
    blocker group/open-to-the-internet - -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits 0.0.0.0/0 on tcp 32768-65535
    fix Admit the load balancers to the range of dynamic ports first, then take the rules for everyone away; tasks in awsvpc mode need no port of the instance.
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-07e77904572ff8efc --ip-permissions 'IpProtocol=tcp,FromPort=32768,ToPort=65535,IpRanges=[{CidrIp=0.0.0.0/0}]'
    "##);
}

#[test]
fn public_instances_that_admit_everyone_are_high() {
    let mut pattern = open((0, 65535));
    pattern.publish_instances();
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high instance-ports-exposed prod (ecs:cluster)
    Everyone is admitted to tcp 0-65535 of the container instances i-02ac4c6bb1a66d01a and i-078618cd28be4b176 of prod, where every task in bridge mode gets its host ports: sg-07e77904572ff8efc admits 0.0.0.0/0 on tcp 0-65535
    blocker group/open-to-the-internet - -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits 0.0.0.0/0 on tcp 0-65535
    fix Admit the load balancers to the range of dynamic ports first, then take the rules for everyone away; tasks in awsvpc mode need no port of the instance.
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-07e77904572ff8efc --ip-permissions 'IpProtocol=tcp,FromPort=0,ToPort=65535,IpRanges=[{CidrIp=0.0.0.0/0}]'
    "##);
}

#[test]
fn a_port_of_the_application_is_not_the_range() {
    assert_silent(&audit_rule(&open((80, 80)).account, RULE));
    assert_silent(&audit_rule(&open((32768, 32800)).account, RULE));
}

#[test]
fn the_load_balancer_alone_is_admitted() {
    assert_silent(&audit_rule(&patterns::ec2_bridge().account, RULE));
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
}

#[test]
fn clients_whose_addresses_are_kept_need_the_range_and_no_more() {
    let behind_nlb = |ports| {
        let mut pattern = open(ports);
        let [a, b] = pattern.public.clone();
        let nlb = pattern.account.nlb("web", &[&a, &b], &[]);
        let group = pattern.target_group.clone().unwrap();
        pattern.account.edit_target_group(&group, |group| group.protocol = Some("TCP".to_owned()));
        pattern.account.listener(&nlb, 80, &group);
        pattern.account.edit_target_group(&group, |group| group.load_balancer_arns = vec![nlb.clone()]);
        pattern
    };
    assert_silent(&audit_rule(&behind_nlb((32768, 65535)).account, RULE));
    for ports in [(0, 65535), (1, 65535), (22, 65535)] {
        let report = audit_rule(&behind_nlb(ports).account, RULE);
        let commands = &only(&report).remediation.commands;
        assert!(commands.iter().all(|command| !command.contains("revoke")), "the range has to stay open");
    }
}

#[test]
fn the_proof_that_a_task_is_reached_is_louder() {
    let mut pattern = open((32768, 65535));
    pattern.publish_instances();
    let report = audit_beside(&pattern.account, RULE, "task-reachable-from-internet");
    assert_eq!(only(&report).severity.name(), "info");
}

#[test]
fn unread() {
    let mut pattern = open((32768, 65535));
    pattern.account.deny(Dataset::Instances, "ec2:DescribeInstances");
    assert_unknown(&audit_rule(&pattern.account, RULE), "instances could not be read");
}
