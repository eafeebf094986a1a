//! Target groups of another VPC.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::vpc::{RouteTarget, VpcPeeringConnection};
use insta::assert_snapshot;

use crate::mocks::account::push;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "target-group-vpc-mismatch";

fn elsewhere(mut pattern: Pattern) -> Pattern {
    let other = pattern.account.vpc("other", "10.9.0.0/16");
    let group = pattern.target_group.clone().unwrap();
    pattern.account.edit_target_group(&group, |group| group.vpc_id = Some(other));
    pattern
}

#[test]
fn targets_are_in_their_target_groups_vpc() {
    assert_snapshot!(shown(only(&audit_rule(&elsewhere(patterns::fargate_nat()).account, RULE))), @r##"
    high target-group-vpc-mismatch prod/web (ecs:service)
    The load balancer of web cannot reach its tasks: target group web is in vpc-0aff43e0f1f63124c, the tasks are in vpc-01f40ac3d5852ad3a
    blocker load-balancer/other-vpc - -> arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/09b3358ba436a75eb: target group web is in vpc-0aff43e0f1f63124c, the tasks are in vpc-01f40ac3d5852ad3a
    fix Create the target group, and the load balancer, in the VPC of the tasks.
    "##);
    only(&audit_rule(&elsewhere(patterns::ec2_bridge()).account, RULE));
}

#[test]
fn addresses_of_a_peered_vpc_may_be_targets_instances_may_not() {
    let peer = |pattern: &mut Pattern| {
        let other = pattern.account.data.vpcs.items().last().unwrap().id.clone();
        push(
            &mut pattern.account.data.vpc_peering_connections,
            VpcPeeringConnection {
                id: "pcx-1".to_owned(),
                requester_vpc_id: Some(pattern.vpc.clone()),
                accepter_vpc_id: Some(other),
                status: "active".to_owned(),
            },
        );
    };
    let mut addresses = elsewhere(patterns::fargate_nat());
    peer(&mut addresses);
    assert_unknown(&audit_rule(&addresses.account, RULE), "are peered");
    let mut instances = elsewhere(patterns::ec2_bridge());
    peer(&mut instances);
    only(&audit_rule(&instances.account, RULE));
}

#[test]
fn a_transit_gateway_may_lead_there() {
    let mut pattern = elsewhere(patterns::fargate_nat());
    let other = pattern.account.data.vpcs.items().last().unwrap().id.clone();
    let table = pattern.account.main_table(&other);
    pattern.account.route(&table, "10.0.0.0/8", RouteTarget::TransitGateway("tgw-1".to_owned()));
    assert_unknown(&audit_rule(&pattern.account, RULE), "which may lead to");
}

#[test]
fn one_vpc_is_fine_and_unread_is_unknown() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    let mut pattern = elsewhere(patterns::fargate_nat());
    pattern.account.deny(Dataset::VpcPeeringConnections, "ec2:DescribeVpcPeeringConnections");
    assert_unknown(&audit_rule(&pattern.account, RULE), "vpc-peering-connections could not be read");
}
