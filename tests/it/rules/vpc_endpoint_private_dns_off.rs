//! An endpoint whose private name nobody resolves.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;

use crate::mocks::accounts::{fargate_isolated_with_endpoints, fargate_private_with_nat};
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "vpc-endpoint-private-dns-off";

#[test]
fn the_endpoints_own_switch() {
    let mut pattern = patterns::fargate_endpoints();
    pattern.account.edit_endpoint(&pattern.endpoints[1].clone(), |endpoint| endpoint.private_dns_enabled = false);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high vpc-endpoint-private-dns-off prod/web (ecs:service)
    Fargate tasks in subnet-0896d9a98e4df01a6 and subnet-0a63441c31073a238 cannot reach ecr.dkr: private DNS of vpce-09cac2309daffaee3 is off; needed by app (image)
    blocker dns/private-dns-off subnet-0896d9a98e4df01a6 -> vpce-09cac2309daffaee3: private DNS of vpce-09cac2309daffaee3 is off
    blocker dns/private-dns-off subnet-0a63441c31073a238 -> vpce-09cac2309daffaee3: private DNS of vpce-09cac2309daffaee3 is off
    fix Let the VPC resolve the private names of vpce-09cac2309daffaee3: private DNS of the endpoint and both DNS attributes of the VPC have to be on.
    $ aws ec2 modify-vpc-endpoint --region eu-west-1 --vpc-endpoint-id vpce-09cac2309daffaee3 --private-dns-enabled
    "##);
}

#[test]
fn an_attribute_of_the_vpc_takes_all_private_names_away_and_is_the_cause() {
    let mut fixture = fargate_isolated_with_endpoints();
    fixture.account.data.vpc_dns_attributes.items_mut().unwrap()[0].enable_dns_hostnames = false;
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).cause.clone().unwrap().resource, fixture.vpc.as_str());
    assert_eq!(only(&report).facts["unreached"], serde_json::json!(["ecr.api", "ecr.dkr", "logs"]));
    assert!(only(&report).remediation.commands[0].contains("--enable-dns-hostnames"));
}

#[test]
fn names_for_the_inbound_resolver_only_are_none_inside() {
    let mut fixture = fargate_isolated_with_endpoints();
    let endpoint = fixture.account.data.vpc_endpoints.items()[0].id.clone();
    fixture.account.edit_endpoint(&endpoint, |endpoint| endpoint.private_dns_only_for_inbound_resolver = true);
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn with_a_way_out_the_public_name_serves() {
    let mut fixture = fargate_private_with_nat();
    let logs = fixture.account.interface_endpoint(&fixture.vpc, "logs", &[&fixture.subnet]);
    fixture.account.edit_endpoint(&logs, |endpoint| endpoint.private_dns_enabled = false);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_hosted_zone_for_the_name_may_stand_in() {
    // The central-endpoints pattern: private DNS off on purpose, the name in a private zone.
    let mut fixture = fargate_isolated_with_endpoints();
    let endpoint = fixture.account.data.vpc_endpoints.items().iter().find(|e| e.service_name.ends_with(".logs"));
    let endpoint = endpoint.unwrap().id.clone();
    fixture.account.edit_endpoint(&endpoint, |endpoint| endpoint.private_dns_enabled = false);
    fixture.account.hosted_zone(&fixture.vpc.clone(), "logs.eu-west-1.amazonaws.com");
    assert_unknown(&audit_rule(&fixture.account, RULE), "private hosted zone");
}

#[test]
fn attributes_that_were_not_read_prove_nothing() {
    let mut fixture = fargate_isolated_with_endpoints();
    fixture.account.deny(Dataset::VpcDnsAttributes, "ec2:DescribeVpcAttribute");
    assert_unknown(&audit_rule(&fixture.account, RULE), "vpc-dns-attributes could not be read");
}
