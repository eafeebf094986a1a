//! Logs that go to another Region.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::NetworkMode;

use crate::mocks::accounts::{Fixture, fargate_isolated_with_endpoints, fargate_private_with_nat};
use crate::mocks::compute::{container, ecr};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "log-destination-unreachable";

fn logging_to(mut fixture: Fixture, region: &str) -> Fixture {
    let containers = vec![container("app", &ecr("web")).awslogs_in(region)];
    let definition = fixture.account.definition("other", Some(NetworkMode::Awsvpc), containers);
    fixture.account.edit_service(&fixture.service, |s| s.deployments[0].task_definition = Some(definition));
    fixture
}

#[test]
fn an_endpoint_here_does_not_serve_a_region_elsewhere() {
    let fixture = logging_to(fargate_isolated_with_endpoints(), "us-east-1");
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high log-destination-unreachable prod/web (ecs:service)
    Fargate tasks in subnet-0896d9a98e4df01a6 cannot reach logs (us-east-1): the main route table rtb-0e2cf09ced8df5cbb has no route to the internet; needed by app (logConfiguration)
    blocker route/no-route subnet-0896d9a98e4df01a6 -> rtb-0e2cf09ced8df5cbb: rtb-0e2cf09ced8df5cbb of subnet-0896d9a98e4df01a6 has no route to the internet
    fix Log to eu-west-1, where an endpoint can serve it, or give the subnets a default route to a NAT gateway.
    "##);
}

#[test]
fn a_cross_region_endpoint_does() {
    let mut fixture = logging_to(fargate_isolated_with_endpoints(), "us-east-1");
    let endpoints = fixture.account.data.vpc_endpoints.items_mut().unwrap();
    let logs = endpoints.iter_mut().find(|e| e.service_name.ends_with(".logs")).unwrap();
    logs.service_region = Some("us-east-1".to_owned());
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn at_home_and_with_a_way_out_it_is_fine_and_unread_is_unknown() {
    assert_silent(&audit_rule(&logging_to(fargate_isolated_with_endpoints(), "eu-west-1").account, RULE));
    assert_silent(&audit_rule(&logging_to(fargate_private_with_nat(), "us-east-1").account, RULE));
    let mut fixture = logging_to(fargate_isolated_with_endpoints(), "us-east-1");
    fixture.account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    assert_unknown(&audit_rule(&fixture.account, RULE), "vpc-endpoints could not be read");
}

#[test]
fn other_drivers_go_where_nobody_can_see() {
    let mut fixture = fargate_isolated_with_endpoints();
    let containers = vec![container("app", &ecr("web")).log("splunk", &[])];
    let definition = fixture.account.definition("other", Some(NetworkMode::Awsvpc), containers);
    fixture.account.edit_service(&fixture.service, |s| s.deployments[0].task_definition = Some(definition));
    assert!(audit_rule(&fixture.account, RULE).findings.is_empty());
}
