//! Ways out that are there and lead nowhere.

use insta::assert_snapshot;

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::{AvailabilityMode, ConnectivityType, NatGatewayState, RouteState};
use ecs_network_audit::snapshot::vpc::RouteTarget;

use crate::mocks::accounts::{
    Fixture, fargate_isolated_with_endpoints, fargate_isolated_without_endpoints, fargate_private_with_nat,
    fargate_public,
};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "nat-path-broken";

fn with_nat(edit: impl FnOnce(&mut ecs_network_audit::snapshot::vpc::NatGateway)) -> Fixture {
    let mut fixture = fargate_private_with_nat();
    let nat = fixture.account.data.nat_gateways.items()[0].id.clone();
    fixture.account.edit_nat(&nat, edit);
    fixture
}

#[test]
fn a_gateway_that_was_deleted_leaves_a_blackhole() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.edit_table(&fixture.table, |table| table.routes[1].state = RouteState::Blackhole);
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high nat-path-broken prod/web (ecs:service)
    Fargate tasks in subnet-04c2cb0f785a4be86 cannot reach ecr.api, ecr.dkr, logs and s3: the default route of rtb-0caba01e8123d37b3 leads to a target that is gone (blackhole); needed by app (image, logConfiguration)
    blocker route/blackhole subnet-04c2cb0f785a4be86 -> rtb-0caba01e8123d37b3: the default route of rtb-0caba01e8123d37b3 leads to a target that is gone (blackhole)
    blocker route/blackhole subnet-04c2cb0f785a4be86 -> rtb-0caba01e8123d37b3: the default route of rtb-0caba01e8123d37b3 leads to a target that is gone (blackhole)
    blocker route/blackhole subnet-04c2cb0f785a4be86 -> rtb-0caba01e8123d37b3: the default route of rtb-0caba01e8123d37b3 leads to a target that is gone (blackhole)
    blocker route/blackhole subnet-04c2cb0f785a4be86 -> rtb-0caba01e8123d37b3: the default route of rtb-0caba01e8123d37b3 leads to a target that is gone (blackhole)
    fix Point the default route of rtb-0caba01e8123d37b3 at a NAT gateway that exists.
    $ aws ec2 replace-route --region eu-west-1 --route-table-id rtb-0caba01e8123d37b3 --destination-cidr-block 0.0.0.0/0 --nat-gateway-id "$NAT_GATEWAY"
    "##);
}

#[test]
fn a_gateway_that_failed() {
    let fixture = with_nat(|nat| nat.state = NatGatewayState::Failed);
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high nat-path-broken prod/web (ecs:service)
    Fargate tasks in subnet-04c2cb0f785a4be86 cannot reach ecr.api, ecr.dkr, logs and s3: nat-078cff31e5cec0f96 is in state failed; needed by app (image, logConfiguration)
    blocker route/nat-gateway-state subnet-04c2cb0f785a4be86 -> nat-078cff31e5cec0f96: nat-078cff31e5cec0f96 is in state failed
    blocker route/nat-gateway-state subnet-04c2cb0f785a4be86 -> nat-078cff31e5cec0f96: nat-078cff31e5cec0f96 is in state failed
    blocker route/nat-gateway-state subnet-04c2cb0f785a4be86 -> nat-078cff31e5cec0f96: nat-078cff31e5cec0f96 is in state failed
    blocker route/nat-gateway-state subnet-04c2cb0f785a4be86 -> nat-078cff31e5cec0f96: nat-078cff31e5cec0f96 is in state failed
    fix Create a NAT gateway in place of nat-078cff31e5cec0f96 and point the default route at it.
    $ aws ec2 describe-nat-gateways --region eu-west-1 --nat-gateway-ids nat-078cff31e5cec0f96 --query 'NatGateways[].[State,FailureCode,FailureMessage,SubnetId]'
    "##);
}

#[test]
fn a_gateway_in_a_subnet_that_leads_nowhere_itself() {
    let mut fixture = fargate_private_with_nat();
    let private = fixture.subnet.clone();
    let nat = fixture.account.data.nat_gateways.items()[0].id.clone();
    fixture.account.edit_nat(&nat, |nat| nat.subnet_id = Some(private));
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).blockers[0].kind, "nat-gateway-subnet");
    assert_eq!(only(&report).cause.clone().unwrap().resource, nat.as_str());
}

#[test]
fn what_nothing_needs_today_is_medium() {
    let mut fixture = fargate_isolated_with_endpoints();
    let gone = RouteTarget::NatGateway("nat-0123".into());
    fixture.account.route(&fixture.table, "0.0.0.0/0", gone);
    fixture.account.edit_table(&fixture.table, |table| table.routes.last_mut().unwrap().state = RouteState::Blackhole);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert!(only(&report).message.to_string().contains("though endpoints serve"), "{}", only(&report).message);
}

#[test]
fn private_and_regional_gateways_are_judged_by_what_they_are() {
    assert_silent_but_open(with_nat(|nat| nat.connectivity_type = ConnectivityType::Private));
    assert_silent_but_open(with_nat(|nat| {
        nat.availability_mode = AvailabilityMode::Regional;
        nat.subnet_id = None;
    }));
    assert_silent(&audit_rule(&fargate_private_with_nat().account, RULE));
}

/// No finding of this rule; the rule that owns the need says that it is unknown.
fn assert_silent_but_open(fixture: Fixture) {
    assert!(audit_rule(&fixture.account, RULE).findings.is_empty());
    assert!(!audit_rule(&fixture.account, "vpc-endpoint-missing").not_evaluated.is_empty());
}

#[test]
fn unread() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.deny(Dataset::NatGateways, "ec2:DescribeNatGateways");
    assert_unknown(&audit_rule(&fixture.account, RULE), "nat-gateways could not be read");
}

#[test]
fn a_stale_route_for_some_range_is_not_the_way_out() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.route(&fixture.table, "93.184.0.0/16", RouteTarget::TransitGateway("tgw-gone".into()));
    fixture.account.edit_table(&fixture.table, |table| table.routes.last_mut().unwrap().state = RouteState::Blackhole);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn block_public_access_stops_gateways_by_its_mode_and_exclusions() {
    let judged = |mode: &str, exclusion: Option<&str>, fixture: Fixture| {
        let mut fixture = fixture;
        let vpc = fixture.vpc.to_string();
        let options = &mut fixture.account.data.block_public_access.items_mut().unwrap()[0];
        options.internet_gateway_block_mode = mode.to_owned();
        options.exclusions.extend(exclusion.map(|mode| (vpc, mode.to_owned())));
        audit_rule(&fixture.account, RULE).findings.len()
    };
    let (nat, public) = (fargate_private_with_nat, fargate_public);
    assert_eq!(judged("block-bidirectional", None, nat()), 1);
    assert_eq!(judged("block-bidirectional", Some("allow-egress"), nat()), 0);
    assert_eq!(judged("block-bidirectional", Some("allow-bidirectional"), nat()), 0);
    assert_eq!(judged("block-ingress", None, nat()), 0);
    assert_eq!(judged("block-ingress", None, public()), 1);
    assert_eq!(judged("block-ingress", Some("allow-egress"), public()), 1);
    assert_eq!(judged("block-bidirectional", Some("allow-egress"), public()), 1);
    assert_eq!(judged("block-bidirectional", Some("allow-bidirectional"), public()), 0);
}
