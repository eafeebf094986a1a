//! NAT gateways in another zone than their tasks.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::AvailabilityMode;
use ecs_network_audit::snapshot::vpc::RouteTarget;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "nat-cross-zone";

#[test]
fn two_zones_share_one_gateway() {
    let mut pattern = patterns::fargate_nat();
    let nat = pattern.nats[0].clone();
    let tables = pattern.tables.clone();
    for table in &tables {
        pattern.account.edit_table(table, |table| {
            for route in table.routes.iter_mut().filter(|r| matches!(r.target, RouteTarget::NatGateway(_))) {
                route.target = RouteTarget::NatGateway(nat.clone());
            }
        });
    }
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    low nat-cross-zone prod/web (ecs:service)
    Tasks in subnet-0efda74836b6450f9 (eu-west-1b) leave through nat-078cff31e5cec0f96 in eu-west-1a: the loss of that zone cuts them off, and the traffic between the zones is charged
    fix Give each zone a NAT gateway of its own, or use a regional one.
    "##);
}

#[test]
fn one_in_each_zone_or_a_regional_one_is_fine() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    assert_silent(&audit_rule(&patterns::fargate_endpoints().account, RULE));
    let mut pattern = patterns::fargate_nat();
    let gateway = pattern.account.internet_gateway(&pattern.vpc.clone());
    let table = pattern.account.route_table(&pattern.vpc.clone(), "regional-nat", &[]);
    pattern.account.route(&table, "0.0.0.0/0", RouteTarget::InternetGateway(gateway));
    for nat in pattern.nats.clone() {
        pattern.account.edit_nat(&nat, |nat| {
            nat.availability_mode = AvailabilityMode::Regional;
            nat.subnet_id = None;
            nat.route_table_id = Some(table.clone());
        });
    }
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::NatGateways, "ec2:DescribeNatGateways");
    assert_unknown(&audit_rule(&pattern.account, RULE), "nat-gateways could not be read");
}
