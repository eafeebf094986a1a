//! Workloads with the VPC's default group.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ids::SecurityGroupId;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "default-security-group-in-use";

fn with_groups(groups: &[SecurityGroupId]) -> Pattern {
    let mut pattern = patterns::fargate_public_ip();
    pattern.account.edit_service(&pattern.service.clone(), |service| {
        let deployments = service.deployments.iter_mut().filter_map(|d| d.network_configuration.as_mut());
        deployments.chain(&mut service.network_configuration).for_each(|n| n.security_groups = groups.to_vec());
    });
    pattern
}

#[test]
fn no_group_means_the_default_one() {
    assert_snapshot!(shown(only(&audit_rule(&with_groups(&[]).account, RULE))), @r##"
    medium default-security-group-in-use prod/web (ecs:service)
    The network configuration of web names no security group and falls back to the VPC's default group sg-06d2f6864b971a7e5: every rule in it opens the tasks to everything else that uses it
    blocker group/default-group - -> sg-06d2f6864b971a7e5: sg-06d2f6864b971a7e5 is the default security group
    fix Give the workload a security group of its own that admits its load balancer or callers, and name it in the network configuration.
    "##);
}

#[test]
fn named_it_is_the_same() {
    let default = patterns::fargate_public_ip().account.data.security_groups.items()[0].id.clone();
    assert!(only(&audit_rule(&with_groups(&[default]).account, RULE)).message.to_string().contains("names"));
}

#[test]
fn a_group_of_its_own_or_no_interface_of_its_own_is_fine_and_unread_is_unknown() {
    assert_silent(&audit_rule(&patterns::fargate_public_ip().account, RULE));
    assert_silent(&audit_rule(&patterns::ec2_bridge().account, RULE));
    let mut pattern = with_groups(&[]);
    pattern.account.deny(Dataset::SecurityGroups, "ec2:DescribeSecurityGroups");
    assert_unknown(&audit_rule(&pattern.account, RULE), "security-groups could not be read");
}
