//! An endpoint that the name leads to and that the connection doesn't get through to.

use insta::assert_snapshot;

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::vpc::RouteTarget;

use crate::mocks::accounts::{fargate_isolated_with_endpoints, fargate_private_with_nat};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "vpc-endpoint-path-blocked";

fn endpoint_group(pattern: &Pattern) -> ecs_network_audit::snapshot::ids::SecurityGroupId {
    pattern.account.data.vpc_endpoints.items()[0].security_group_ids[0].clone()
}

#[test]
fn the_group_of_the_endpoints_admits_one_subnet_of_two() {
    let mut pattern = patterns::fargate_endpoints();
    let group = endpoint_group(&pattern);
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.admit(&group, "tcp", 443, 443, "10.0.16.0/20");
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high vpc-endpoint-path-blocked prod/web (ecs:service)
    Fargate tasks in subnet-0a63441c31073a238 cannot reach ecr.api, ecr.dkr and logs: sg-05854e6280c284dd0 admits no tcp 443 from tasks in subnet-0a63441c31073a238 (10.0.32.0/20); needed by app (image, logConfiguration)
    blocker group/group-ingress subnet-0a63441c31073a238 -> sg-05854e6280c284dd0: sg-05854e6280c284dd0 admits no tcp 443 from tasks in subnet-0a63441c31073a238 (10.0.32.0/20)
    blocker group/group-ingress subnet-0a63441c31073a238 -> sg-05854e6280c284dd0: sg-05854e6280c284dd0 admits no tcp 443 from tasks in subnet-0a63441c31073a238 (10.0.32.0/20)
    blocker group/group-ingress subnet-0a63441c31073a238 -> sg-05854e6280c284dd0: sg-05854e6280c284dd0 admits no tcp 443 from tasks in subnet-0a63441c31073a238 (10.0.32.0/20)
    fix Let TCP 443 through from the tasks to the endpoints, in every group and network ACL that is named.
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-05854e6280c284dd0 --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,UserIdGroupPairs=[{GroupId=sg-00ee3097251c489aa}]'
    "##);
}

#[test]
fn a_way_out_does_not_help() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.interface_endpoint(&fixture.vpc, "logs", &[&fixture.subnet]);
    let group = fixture.account.data.vpc_endpoints.items()[0].security_group_ids[0].clone();
    fixture.account.edit_group(&group, |group| group.ingress.clear());
    let report = audit_rule(&fixture.account, RULE);
    assert!(only(&report).message.to_string().contains("the private name leads to the endpoint"));
    assert_eq!(only(&report).severity, Severity::High);
}

#[test]
fn only_a_dialled_address_that_can_be_the_endpoints_confirms_it() {
    for (address, confirms) in [("10.0.3.9", true), ("34.240.1.2", false)] {
        let mut pattern = patterns::fargate_endpoints();
        let group = endpoint_group(&pattern);
        pattern.account.edit_group(&group, |group| group.ingress.clear());
        let reason = format!("CannotPullContainerError: failed to resolve ref: dial tcp {address}:443: i/o timeout");
        pattern.account.stopped_task(&pattern.service, "s1", &reason);
        let report = audit_rule(&pattern.account, RULE);
        assert_eq!(only(&report).confirmed_by.len() == 1, confirms, "{address}");
        assert_eq!(only(&report).severity == Severity::Critical, confirms, "{address}");
    }
}

#[test]
fn one_permissive_group_of_several_is_enough() {
    let mut pattern = patterns::fargate_endpoints();
    let group = endpoint_group(&pattern);
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    let second = pattern.account.security_group(&pattern.vpc.clone(), "second");
    pattern.account.admit_group(&second, "-1", 0, 0, &pattern.group.clone());
    for endpoint in pattern.account.data.vpc_endpoints.items_mut().unwrap() {
        endpoint.security_group_ids.push(second.clone());
    }
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_shared_group_admits_nobody_without_a_rule_for_itself() {
    let mut pattern = patterns::fargate_endpoints();
    let shared = pattern.group.clone();
    for endpoint in pattern.account.data.vpc_endpoints.items_mut().unwrap() {
        if !endpoint.security_group_ids.is_empty() {
            endpoint.security_group_ids = vec![shared.clone()];
        }
    }
    only(&audit_rule(&pattern.account, RULE));
    pattern.account.admit_group(&shared, "tcp", 443, 443, &shared);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_block_that_admits_half_of_the_tasks_addresses_fails_some_of_them() {
    let mut fixture = fargate_isolated_with_endpoints();
    let group = fixture.account.data.vpc_endpoints.items()[0].security_group_ids[0].clone();
    fixture.account.edit_group(&group, |group| group.ingress.clear());
    fixture.account.admit(&group, "tcp", 443, 443, "10.0.1.0/25");
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert!(only(&report).message.to_string().contains("10.0.1.128/25"), "{}", only(&report).message);
}

#[test]
fn network_acls_are_asked_between_subnets_only() {
    let mut fixture = fargate_isolated_with_endpoints();
    // Everything stays in the one subnet.
    fixture.account.own_network_acl("shut", &[&fixture.subnet.clone()], &[]);
    assert_silent(&audit_rule(&fixture.account, RULE));
    let mut pattern = patterns::fargate_endpoints();
    let [_, b] = pattern.subnets.clone();
    pattern.account.own_network_acl("shut", &[&b], &[]);
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn what_cannot_be_seen_is_unknown() {
    let mut pattern = patterns::fargate_endpoints();
    let group = endpoint_group(&pattern);
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    let mut hidden = patterns::fargate_endpoints();
    hidden.account.data.security_groups.items_mut().unwrap().retain(|found| found.id != group);
    assert_unknown(&audit_rule(&hidden.account, RULE), "is not visible to this account");
    pattern.account.edit_table(&pattern.tables[0].clone(), |_| {});
    let mut middlebox = patterns::fargate_endpoints();
    let table = middlebox.tables[0].clone();
    middlebox.account.route(&table, "10.0.16.0/20", RouteTarget::NetworkInterface("eni-1".into()));
    assert_unknown(&audit_rule(&middlebox.account, RULE), "leads traffic through network interface eni-1");
    for (dataset, api) in
        [(Dataset::SecurityGroups, "ec2:DescribeSecurityGroups"), (Dataset::NetworkAcls, "ec2:DescribeNetworkAcls")]
    {
        let mut denied = patterns::fargate_endpoints();
        denied.account.deny(dataset, api);
        assert_unknown(&audit_rule(&denied.account, RULE), "could not be read");
    }
}

#[test]
fn own_name_servers_may_not_know_the_private_name() {
    let mut pattern = patterns::fargate_endpoints();
    let group = endpoint_group(&pattern);
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.data.dhcp_options.items_mut().unwrap()[0].domain_name_servers = vec!["10.0.9.9".to_owned()];
    let report = audit_rule(&pattern.account, RULE);
    assert!(report.findings.is_empty());
}
