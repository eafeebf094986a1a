//! Public addresses that nobody can use.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::vpc::RouteTarget;

use crate::mocks::accounts::{assign_public_ip, fargate_private_with_nat, fargate_public};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "public-ip-unusable";

#[test]
fn an_address_behind_a_nat_gateway() {
    let mut fixture = fargate_private_with_nat();
    assign_public_ip(&mut fixture, true);
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    low public-ip-unusable prod/web (ecs:service)
    Tasks get a public address in subnet-04c2cb0f785a4be86, where no route leads to an internet gateway: nobody can reach them by it, they do not send from it, and it costs money
    fix Set assignPublicIp to DISABLED, or place the tasks in subnets with a route to an internet gateway.
    "##);
}

#[test]
fn where_a_gateway_takes_it_or_none_is_given_it_is_fine() {
    assert_silent(&audit_rule(&fargate_public().account, RULE));
    assert_silent(&audit_rule(&fargate_private_with_nat().account, RULE));
}

#[test]
fn unread() {
    let mut fixture = fargate_public();
    fixture.account.deny(Dataset::RouteTables, "ec2:DescribeRouteTables");
    assert_unknown(&audit_rule(&fixture.account, RULE), "route-tables could not be read");
}

#[test]
fn a_firewall_before_the_gateway_leaves_the_address_in_use() {
    let mut fixture = fargate_public();
    let tables = fixture.account.data.route_tables.items_mut().unwrap();
    for route in tables.iter_mut().flat_map(|table| &mut table.routes) {
        if matches!(route.target, RouteTarget::InternetGateway(_)) {
            route.target = RouteTarget::VpcEndpoint("vpce-firewall".into());
        }
    }
    assert_unknown(&audit_rule(&fixture.account, RULE), "vpce-firewall");
}
