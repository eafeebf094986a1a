//! An S3 gateway endpoint that the subnet's route table doesn't lead to.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::vpc::RouteTarget;

use crate::mocks::accounts::{fargate_isolated_with_endpoints, fargate_private_with_nat};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "s3-gateway-not-routed";

#[test]
fn an_explicit_association_takes_the_subnet_off_the_main_table_and_its_endpoint() {
    let mut fixture = fargate_isolated_with_endpoints();
    let other = fixture.account.route_table(&fixture.vpc, "other", &[&fixture.subnet]);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).cause.clone().unwrap().resource, other.as_str());
    assert_snapshot!(shown(only(&report)), @r##"
    high s3-gateway-not-routed prod/web (ecs:service)
    Fargate tasks in subnet-0896d9a98e4df01a6 cannot reach s3: vpce-0c13be0aa0fac5855 is not on the route table of subnet-0896d9a98e4df01a6; needed by app (image)
    blocker endpoint/gateway-not-routed subnet-0896d9a98e4df01a6 -> vpce-0c13be0aa0fac5855: vpce-0c13be0aa0fac5855 is not on the route table of subnet-0896d9a98e4df01a6
    fix Add the gateway endpoint to rtb-0898890e1a2e69a7b; it costs nothing.
    $ aws ec2 modify-vpc-endpoint --region eu-west-1 --vpc-endpoint-id vpce-0c13be0aa0fac5855 --add-route-table-ids rtb-0898890e1a2e69a7b
    "##);
}

#[test]
fn the_main_table_counts_for_a_subnet_without_a_table_of_its_own() {
    assert_silent(&audit_rule(&fargate_isolated_with_endpoints().account, RULE));
}

#[test]
fn a_way_out_serves_as_well() {
    let mut fixture = fargate_private_with_nat();
    let main = fixture.account.main_table(&fixture.vpc);
    fixture.account.s3_gateway(&fixture.vpc, &[&main]);
    assert_silent(&audit_rule(&fixture.account, RULE));
    let mut fixture = fargate_isolated_with_endpoints();
    let other = fixture.account.route_table(&fixture.vpc, "other", &[&fixture.subnet]);
    fixture.account.route(&other, "0.0.0.0/0", RouteTarget::TransitGateway("tgw-1".to_owned()));
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn endpoints_that_were_not_read_prove_nothing() {
    let mut fixture = fargate_isolated_with_endpoints();
    fixture.account.route_table(&fixture.vpc, "other", &[&fixture.subnet]);
    fixture.account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    assert_unknown(&audit_rule(&fixture.account, RULE), "vpc-endpoints could not be read");
}
