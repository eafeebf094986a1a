//! Internet-facing load balancers in private subnets.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::RouteState;
use ecs_network_audit::snapshot::vpc::{RouteDestination, RouteTarget};
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "load-balancer-subnet-private";

fn leading_to(target: Option<RouteTarget>) -> Pattern {
    let mut pattern = patterns::fargate_nat();
    let public = pattern.public[0].clone();
    let tables = pattern.account.data.route_tables.items_mut().unwrap();
    let table = tables.iter_mut().find(|table| table.subnets.contains(&public)).unwrap();
    match target {
        Some(target) => table.routes[1].target = target,
        None => table.routes.truncate(1),
    }
    pattern
}

#[test]
fn clients_get_no_answer_from_a_subnet_without_an_internet_gateway() {
    assert_snapshot!(shown(only(&audit_rule(&leading_to(None).account, RULE))), @r##"
    high load-balancer-subnet-private prod/web (ecs:service)
    Clients of web time out in some zones: load balancer web is internet-facing, but subnet-0238e36be509fd2ee has no default route (rtb-0bc149612220e54d9)
    blocker route/subnet-private - -> subnet-0238e36be509fd2ee: load balancer web is internet-facing, but subnet-0238e36be509fd2ee has no default route (rtb-0bc149612220e54d9)
    fix Give the subnets a default route to an internet gateway, or put the load balancer into public subnets of the same zones.
    "##);
    let nat = RouteTarget::NatGateway("nat-1".into());
    assert!(only(&audit_rule(&leading_to(Some(nat)).account, RULE)).message.to_string().contains("NAT gateway nat-1"));
}

#[test]
fn firewalls_and_appliances_are_a_healthy_design() {
    for target in [RouteTarget::VpcEndpoint("vpce-fw".into()), RouteTarget::NetworkInterface("eni-1".into())] {
        assert_unknown(&audit_rule(&leading_to(Some(target)).account, RULE), "can't be seen through");
    }
}

#[test]
fn internal_ones_and_public_subnets_are_fine_and_unread_is_unknown() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    let mut pattern = leading_to(None);
    let balancer = pattern.balancer.clone().unwrap();
    pattern.account.edit_load_balancer(&balancer, |balancer| balancer.scheme = "internal".to_owned());
    assert_silent(&audit_rule(&pattern.account, RULE));
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::RouteTables, "ec2:DescribeRouteTables");
    assert_unknown(&audit_rule(&pattern.account, RULE), "route-tables could not be read");
}

#[test]
fn block_public_access_is_consulted() {
    let mut pattern = patterns::fargate_nat();
    let options = &mut pattern.account.data.block_public_access.items_mut().unwrap()[0];
    options.internet_gateway_block_mode = "block-ingress".to_owned();
    assert_unknown(&audit_rule(&pattern.account, RULE), "block-ingress");
}

#[test]
fn an_exclusion_for_egress_lets_no_client_in() {
    for (mode, is_silent) in [("allow-bidirectional", true), ("allow-egress", false)] {
        let mut pattern = patterns::fargate_nat();
        let vpc = pattern.vpc.to_string();
        let options = &mut pattern.account.data.block_public_access.items_mut().unwrap()[0];
        options.internet_gateway_block_mode = "block-bidirectional".to_owned();
        options.exclusions.insert(vpc, mode.to_owned());
        let report = audit_rule(&pattern.account, RULE);
        assert_eq!(report.not_evaluated.is_empty(), is_silent, "{mode}");
    }
}

#[test]
fn a_gateway_that_is_gone_leads_nowhere_and_a_part_of_the_internet_may_be_enough() {
    let mut pattern = patterns::fargate_nat();
    let public = pattern.public[0].clone();
    let tables = pattern.account.data.route_tables.items_mut().unwrap();
    let table = tables.iter_mut().find(|table| table.subnets.contains(&public)).unwrap();
    table.routes[1].state = RouteState::Blackhole;
    assert!(only(&audit_rule(&pattern.account, RULE)).message.to_string().contains("is gone"));
    let tables = pattern.account.data.route_tables.items_mut().unwrap();
    let table = tables.iter_mut().find(|table| table.subnets.contains(&public)).unwrap();
    table.routes[1].state = RouteState::Active;
    table.routes[1].destination = RouteDestination::Cidr("93.184.216.0/24".parse().unwrap());
    assert_unknown(&audit_rule(&pattern.account, RULE), "a part of the internet");
}
