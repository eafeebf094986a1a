//! Layers that come through a NAT gateway.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;

use crate::mocks::accounts::{fargate_isolated_with_endpoints, fargate_private_with_nat, fargate_public};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "s3-gateway-absent";

#[test]
fn a_nat_gateway_charges_for_what_would_be_free() {
    assert_snapshot!(shown(only(&audit_rule(&fargate_private_with_nat().account, RULE))), @r##"
    low s3-gateway-absent prod/web (ecs:service)
    Every image layer comes through a NAT gateway, which charges by the byte: rtb-0caba01e8123d37b3 has no route to an S3 gateway endpoint, which would be free
    fix Create the S3 gateway endpoint, or add the route table to the one that is there.
    $ aws ec2 create-vpc-endpoint --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --vpc-endpoint-type Gateway --service-name com.amazonaws.eu-west-1.s3 --route-table-ids rtb-0caba01e8123d37b3
    "##);
}

#[test]
fn an_endpoint_on_another_table_only_has_to_be_added() {
    let mut fixture = fargate_private_with_nat();
    let main = fixture.account.main_table(&fixture.vpc);
    let endpoint = fixture.account.s3_gateway(&fixture.vpc, &[&main]);
    let report = audit_rule(&fixture.account, RULE);
    assert!(only(&report).remediation.commands[0].contains(&format!("--vpc-endpoint-id {endpoint}")));
}

#[test]
fn with_the_endpoint_or_without_nat_nothing_is_paid() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.s3_gateway(&fixture.vpc, &[&fixture.table]);
    assert_silent(&audit_rule(&fixture.account, RULE));
    assert_silent(&audit_rule(&fargate_public().account, RULE));
    assert_silent(&audit_rule(&fargate_isolated_with_endpoints().account, RULE));
}

#[test]
fn unread() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    assert_unknown(&audit_rule(&fixture.account, RULE), "vpc-endpoints could not be read");
}
