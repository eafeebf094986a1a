//! ECS Exec without a way to its services.

use insta::assert_snapshot;

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::ExecuteCommandConfiguration;

use crate::mocks::accounts::{
    Fixture, fargate_isolated_with_endpoints, fargate_isolated_without_endpoints, fargate_private_with_nat,
};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "exec-unreachable";

fn with_exec(mut fixture: Fixture) -> Fixture {
    fixture.account.edit_service(&fixture.service, |service| service.enable_execute_command = true);
    fixture
}

#[test]
fn endpoints_for_the_start_are_not_enough() {
    let fixture = with_exec(fargate_isolated_with_endpoints());
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert_snapshot!(shown(only(&report)), @r##"
    medium exec-unreachable prod/web (ecs:service)
    Fargate tasks in subnet-0896d9a98e4df01a6 cannot reach ssmmessages: the main route table rtb-0e2cf09ced8df5cbb has no route to the internet; needed by enableExecuteCommand
    blocker route/no-route subnet-0896d9a98e4df01a6 -> rtb-0e2cf09ced8df5cbb: rtb-0e2cf09ced8df5cbb of subnet-0896d9a98e4df01a6 has no route to the internet
    fix Create endpoints for what Exec needs and let TCP 443 through to them, or give the subnets a way out; without it `aws ecs execute-command` fails although the tasks run.
    $ aws ec2 create-vpc-endpoint --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --vpc-endpoint-type Interface --service-name com.amazonaws.eu-west-1.ssmmessages --subnet-ids subnet-0896d9a98e4df01a6 --security-group-ids sg-05854e6280c284dd0 --private-dns-enabled
    "##);
}

#[test]
fn the_clusters_configuration_asks_for_more() {
    let mut fixture = with_exec(fargate_isolated_with_endpoints());
    fixture.account.edit_cluster(&fixture.cluster.clone(), |cluster| {
        cluster.execute_command_configuration = Some(ExecuteCommandConfiguration {
            kms_key_id: Some("alias/exec".to_owned()),
            logging: Some("OVERRIDE".to_owned()),
            logs_to_cloud_watch: true,
            logs_to_s3: false,
        });
    });
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).facts["unreached"], serde_json::json!(["kms", "ssmmessages"]));
}

#[test]
fn off_or_reached_it_is_silent() {
    assert_silent(&audit_rule(&fargate_isolated_with_endpoints().account, RULE));
    assert_silent(&audit_rule(&with_exec(fargate_private_with_nat()).account, RULE));
    let mut fixture = with_exec(fargate_isolated_with_endpoints());
    fixture.account.interface_endpoint(&fixture.vpc, "ssmmessages", &[&fixture.subnet]);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn what_stops_the_start_is_told_once() {
    let mut fixture = with_exec(fargate_private_with_nat());
    let group = fixture.account.group_of(&fixture.service);
    fixture.account.let_out(&group, &[]);
    assert_silent(&audit_rule(&fixture.account, RULE));
    only(&audit_rule(&with_exec(fargate_isolated_without_endpoints()).account, RULE));
}

#[test]
fn unread() {
    let mut fixture = with_exec(fargate_isolated_with_endpoints());
    fixture.account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    assert_unknown(&audit_rule(&fixture.account, RULE), "vpc-endpoints could not be read");
}

#[test]
fn another_endpoint_with_the_same_fault_is_another_cause() {
    let mut fixture = with_exec(fargate_isolated_with_endpoints());
    let (vpc, subnet) = (fixture.vpc.clone(), fixture.subnet.clone());
    fixture.account.interface_endpoint_of(&vpc, "ssmmessages", &[&subnet], "sessions");
    let closed: Vec<_> =
        fixture.account.data.vpc_endpoints.items().iter().flat_map(|e| e.security_group_ids.clone()).collect();
    for group in closed {
        fixture.account.edit_group(&group, |group| group.ingress.clear());
    }
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).facts["unreached"], serde_json::json!(["ssmmessages"]));
}
