//! Dynamic host ports and the load balancer.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "dynamic-ports-blocked";

/// The instances admit the load balancer to these ports only.
fn admitting(from: i32, to: i32) -> Pattern {
    let mut pattern = patterns::ec2_bridge();
    let (group, alb) = (pattern.group.clone(), pattern.balancer_group.clone().unwrap());
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.admit_group(&group, "tcp", from, to, &alb);
    pattern
}

#[test]
fn a_port_that_a_task_has_bound_is_shut() {
    let report = audit_rule(&admitting(80, 80).account, RULE);
    assert_eq!(only(&report).severity, Severity::High);
    assert_snapshot!(shown(only(&report)), @r##"
    high dynamic-ports-blocked prod/web (ecs:service)
    Load balancer web cannot reach the instances of web on tcp 32768 and tcp 32769 (subnet-0238e36be509fd2ee to subnet-04c2cb0f785a4be86, subnet-0238e36be509fd2ee to subnet-0efda74836b6450f9 and 2 more): sg-07e77904572ff8efc admits no tcp 32768 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24); sg-07e77904572ff8efc admits no tcp 32768 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24); sg-07e77904572ff8efc admits no tcp 32769 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24); sg-07e77904572ff8efc admits no tcp 32769 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    blocker group/group-ingress subnet-0238e36be509fd2ee -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits no tcp 32768 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24)
    blocker group/group-ingress subnet-0238e36be509fd2ee -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits no tcp 32769 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24)
    blocker group/group-ingress subnet-088beb2fa9c2a7119 -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits no tcp 32768 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    blocker group/group-ingress subnet-088beb2fa9c2a7119 -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits no tcp 32769 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    blocker group/group-ingress subnet-0238e36be509fd2ee -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits no tcp 32768 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24)
    blocker group/group-ingress subnet-0238e36be509fd2ee -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits no tcp 32769 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24)
    blocker group/group-ingress subnet-088beb2fa9c2a7119 -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits no tcp 32768 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    blocker group/group-ingress subnet-088beb2fa9c2a7119 -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits no tcp 32769 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    fix Let the load balancer through in every group and network ACL that is named; where the load balancer has a security group, name that group as the source rather than addresses.
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-07e77904572ff8efc --ip-permissions 'IpProtocol=tcp,FromPort=32768,ToPort=32768,UserIdGroupPairs=[{GroupId=sg-03610344ba25fce94}]'
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-07e77904572ff8efc --ip-permissions 'IpProtocol=tcp,FromPort=32769,ToPort=32769,UserIdGroupPairs=[{GroupId=sg-03610344ba25fce94}]'
    "##);
}

#[test]
fn a_part_of_the_range_is_low_while_all_bindings_pass() {
    let report = audit_rule(&admitting(32768, 40000).account, RULE);
    assert_eq!(only(&report).severity, Severity::Low);
}

#[test]
fn without_tasks_the_whole_range_has_to_be_shut() {
    let mut pattern = admitting(80, 80);
    pattern.account.data.tasks.items_mut().unwrap().clear();
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::High);
    let mut pattern = admitting(49153, 65535);
    pattern.account.data.tasks.items_mut().unwrap().clear();
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::Low);
}

#[test]
fn the_whole_range_or_a_static_port_is_fine() {
    assert_silent(&audit_rule(&admitting(32768, 65535).account, RULE));
    assert_silent(&audit_rule(&admitting(0, 65535).account, RULE));
    let mut pattern = admitting(80, 80);
    pattern
        .account
        .edit_definition(&pattern.definition.clone(), |d| d.containers[0].port_mappings[0].host_port = Some(80));
    assert_silent(&audit_rule(&pattern.account, RULE));
    assert_silent(&audit_rule(&pattern.account, "load-balancer-path-blocked"));
}

#[test]
fn unread() {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.deny(Dataset::SecurityGroups, "ec2:DescribeSecurityGroups");
    assert_unknown(&audit_rule(&pattern.account, RULE), "security-groups could not be read");
}

#[test]
fn ports_outside_of_the_usual_range_show_that_the_instance_has_another() {
    let mut pattern = admitting(20000, 25000);
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::High);
    for task in pattern.account.data.tasks.items_mut().unwrap() {
        task.containers[0].network_bindings[0].host_port = Some(20001);
    }
    assert_unknown(&audit_rule(&pattern.account, RULE), "host port 20001 is in use");
    pattern.account.deny(Dataset::Tasks, "ecs:ListTasks");
    assert_unknown(&audit_rule(&pattern.account, RULE), "tasks could not be read");
}

#[test]
fn a_healthy_target_on_an_open_port_says_nothing_of_the_others() {
    let mut pattern = admitting(32768, 40000);
    let group = pattern.target_group.clone().unwrap();
    let hosts: Vec<String> = pattern.account.data.instances.items().iter().map(|host| host.id.to_string()).collect();
    for (host, port) in hosts.iter().zip([32768, 32769]) {
        pattern.account.target_health(&group, host, port, "healthy", None);
    }
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::Low);
    pattern.account.target_health(&group, &hosts[0], 41000, "healthy", None);
    pattern.account.target_health(&group, &hosts[1], 41001, "healthy", None);
    assert_unknown(&audit_rule(&pattern.account, RULE), "contradicted by live state");
}

#[test]
fn windows_takes_dynamic_ports_from_another_range() {
    let mut pattern = admitting(49152, 65535);
    pattern.account.data.tasks.items_mut().unwrap().clear();
    only(&audit_rule(&pattern.account, RULE));
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |instance| {
            instance.attributes.insert("ecs.os-type".to_owned(), Some("windows".to_owned()));
        });
    }
    assert_silent(&audit_rule(&pattern.account, RULE));
}
