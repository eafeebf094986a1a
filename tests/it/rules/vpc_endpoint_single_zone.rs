//! Endpoints with an interface in some zones only.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;

use crate::mocks::accounts::fargate_private_with_nat;
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "vpc-endpoint-single-zone";

#[test]
fn tasks_of_one_zone_depend_on_another() {
    let mut pattern = patterns::fargate_endpoints();
    let a = pattern.subnets[0].clone();
    pattern.account.edit_endpoint(&pattern.endpoints[0].clone(), |endpoint| endpoint.subnet_ids = vec![a]);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    low vpc-endpoint-single-zone prod/web (ecs:service)
    Tasks run in eu-west-1b, where vpce-013424d09dd8e876a has no interface: they depend on another zone, whose loss stops them too
    fix Add a subnet of each of these zones to the endpoints.
    "##);
    // Resilience, not reach.
    assert_silent(&audit_rule(&pattern.account, "vpc-endpoint-missing"));
}

#[test]
fn in_every_zone_or_without_endpoints_it_is_silent() {
    assert_silent(&audit_rule(&patterns::fargate_endpoints().account, RULE));
    assert_silent(&audit_rule(&fargate_private_with_nat().account, RULE));
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_endpoints();
    pattern.account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    assert_unknown(&audit_rule(&pattern.account, RULE), "vpc-endpoints could not be read");
}
