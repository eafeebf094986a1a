//! Zones that the load balancer is not enabled in.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use insta::assert_snapshot;

use crate::mocks::compute::set_network;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "load-balancer-zone-missing";

fn in_one_zone(mut pattern: Pattern) -> Pattern {
    let balancer = pattern.balancer.clone().unwrap();
    pattern.account.edit_load_balancer(&balancer, |balancer| {
        balancer.availability_zones.retain(|zone| zone.zone_name.ends_with('a'));
    });
    pattern
}

#[test]
fn targets_by_address_of_an_alb_are_documented_both_ways() {
    let pattern = in_one_zone(patterns::fargate_nat());
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert_snapshot!(shown(only(&report)), @r##"
    medium load-balancer-zone-missing prod/web (ecs:service)
    Tasks of web may run where they get no traffic: load balancer web is not enabled in eu-west-1b
    blocker load-balancer/zone-not-enabled - -> arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0a50efc04472fbe20: load balancer web is not enabled in eu-west-1b
    fix Enable the zones on the load balancer, each with a subnet of its kind, or take the tasks' subnets there away.
    "##);
}

#[test]
fn network_load_balancers_instances_and_live_state_leave_no_doubt() {
    assert_eq!(only(&audit_rule(&in_one_zone(patterns::nlb_with_groups()).account, RULE)).severity, Severity::High);
    assert_eq!(only(&audit_rule(&in_one_zone(patterns::ec2_bridge()).account, RULE)).severity, Severity::High);
    let mut pattern = in_one_zone(patterns::fargate_nat());
    let group = pattern.target_group.clone().unwrap();
    pattern.account.target_health(&group, "10.0.32.7", 8080, "unused", Some("Target.NotInUse"));
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::Critical);
}

#[test]
fn a_healthy_target_there_contradicts_it() {
    let mut pattern = in_one_zone(patterns::fargate_nat());
    let group = pattern.target_group.clone().unwrap();
    pattern.account.target_health(&group, "10.0.32.7", 8080, "healthy", None);
    pattern.account.data.target_health.items_mut().unwrap()[0].availability_zone = Some("eu-west-1b".into());
    assert_unknown(&audit_rule(&pattern.account, RULE), "contradicted by live state");
}

#[test]
fn one_command_enables_all_zones() {
    let mut pattern = in_one_zone(patterns::fargate_nat());
    let third = pattern.account.subnet(&pattern.vpc, "private-c", "10.0.48.0/20", "c");
    pattern.account.edit_service(&pattern.service, |service| {
        let mut network = service.network_configuration.clone().unwrap();
        network.subnets.push(third.clone());
        set_network(service, network);
    });
    let balancer = pattern.balancer.clone().unwrap();
    pattern.account.edit_load_balancer(&balancer, |balancer| balancer.scheme = "internal".to_owned());
    let report = audit_rule(&pattern.account, RULE);
    let [command] = only(&report).remediation.commands.as_slice() else {
        panic!("one command, which replaces the list")
    };
    for subnet in [&pattern.public[0], &pattern.subnets[1], &third] {
        assert!(command.contains(subnet.as_str()), "{command} lacks {subnet}");
    }
}

#[test]
fn a_constraint_may_keep_tasks_out_of_a_zone() {
    let mut pattern = in_one_zone(patterns::ec2_bridge());
    pattern.account.edit_service(&pattern.service, |service| {
        service.placement_constraints.push(PlacementConstraint {
            kind: "memberOf".to_owned(),
            expression: Some("attribute:ecs.availability-zone == eu-west-1a".to_owned()),
        });
    });
    assert_unknown(&audit_rule(&pattern.account, RULE), "a placement constraint may keep tasks out");
}

#[test]
fn every_zone_enabled_is_silent_and_unread_is_unknown() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    let mut pattern = in_one_zone(patterns::fargate_nat());
    pattern.account.deny(Dataset::LoadBalancers, "elasticloadbalancing:DescribeLoadBalancers");
    assert_unknown(&audit_rule(&pattern.account, RULE), "load-balancers could not be read");
}

#[test]
fn tasks_start_only_where_instances_are() {
    let mut pattern = patterns::ec2_awsvpc();
    let third = pattern.account.subnet(&pattern.vpc, "private-c", "10.0.48.0/20", "c");
    pattern.account.edit_service(&pattern.service, |service| {
        let mut network = service.network_configuration.clone().unwrap();
        network.subnets.push(third);
        set_network(service, network);
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_constraint_is_no_doubt_where_every_zone_is_enabled() {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.edit_service(&pattern.service, |service| {
        service.placement_constraints.push(PlacementConstraint {
            kind: "memberOf".to_owned(),
            expression: Some("attribute:role == web".to_owned()),
        });
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}
