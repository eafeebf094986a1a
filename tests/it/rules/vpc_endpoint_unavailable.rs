//! An endpoint in a state in which it doesn't serve.

use insta::assert_snapshot;

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::VpcEndpointState;

use crate::mocks::accounts::{Fixture, fargate_isolated_with_endpoints, fargate_private_with_nat};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "vpc-endpoint-unavailable";

fn in_state(mut fixture: Fixture, state: VpcEndpointState) -> Fixture {
    let endpoints = fixture.account.data.vpc_endpoints.items_mut().unwrap();
    endpoints.iter_mut().find(|e| e.service_name.ends_with(".logs")).unwrap().state = state;
    fixture
}

fn with_nat() -> Fixture {
    let mut fixture = fargate_private_with_nat();
    fixture.account.interface_endpoint(&fixture.vpc, "logs", &[&fixture.subnet]);
    fixture
}

#[test]
fn without_another_way_any_state_but_available_is_a_fault() {
    let fixture = in_state(fargate_isolated_with_endpoints(), VpcEndpointState::PendingAcceptance);
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high vpc-endpoint-unavailable prod/web (ecs:service)
    Fargate tasks in subnet-0896d9a98e4df01a6 cannot reach logs: vpce-05ba3fc938154db2b is in state pendingAcceptance; needed by app (logConfiguration)
    blocker endpoint/endpoint-state subnet-0896d9a98e4df01a6 -> vpce-05ba3fc938154db2b: vpce-05ba3fc938154db2b is in state pendingAcceptance
    fix Bring vpce-05ba3fc938154db2b into state available: the owner of the endpoint service has to accept the connection.
    $ aws ec2 describe-vpc-endpoints --region eu-west-1 --vpc-endpoint-ids vpce-05ba3fc938154db2b --query 'VpcEndpoints[].[State,FailureReason,LastError]'
    "##);
    for state in [VpcEndpointState::Rejected, VpcEndpointState::Failed, VpcEndpointState::Deleting] {
        only(&audit_rule(&in_state(fargate_isolated_with_endpoints(), state).account, RULE));
    }
}

#[test]
fn a_pending_endpoint_does_not_take_the_name_from_a_way_out() {
    for state in [VpcEndpointState::Pending, VpcEndpointState::PendingAcceptance, VpcEndpointState::Rejected] {
        assert_silent(&audit_rule(&in_state(with_nat(), state).account, RULE));
    }
}

#[test]
fn whether_a_failed_one_still_has_the_name_cannot_be_seen() {
    for state in [VpcEndpointState::Failed, VpcEndpointState::Deleting] {
        assert_unknown(
            &audit_rule(&in_state(with_nat(), state).account, RULE),
            "whether its private name still answers",
        );
    }
}

#[test]
fn a_partial_one_serves_and_is_worth_a_word() {
    let report = audit_rule(&in_state(fargate_isolated_with_endpoints(), VpcEndpointState::Partial).account, RULE);
    assert_eq!(only(&report).severity, Severity::Low);
}

#[test]
fn healthy_and_unread() {
    let mut fixture = fargate_isolated_with_endpoints();
    assert_silent(&audit_rule(&fixture.account, RULE));
    fixture.account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    assert_unknown(&audit_rule(&fixture.account, RULE), "vpc-endpoints could not be read");
}
