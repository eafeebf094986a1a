//! Fargate behind an internet gateway without a public address.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::DeploymentController;

use crate::mocks::accounts::{assign_public_ip, fargate_public};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "public-subnet-without-public-ip";

#[test]
fn the_gateway_drops_what_has_no_address() {
    let mut fixture = fargate_public();
    assign_public_ip(&mut fixture, false);
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high public-subnet-without-public-ip prod/web (ecs:service)
    Fargate tasks in subnet-0238e36be509fd2ee cannot reach ecr.api, ecr.dkr, logs and s3: igw-0fce67db46f1d0c3b drops what comes from an interface without a public address (assignPublicIp is DISABLED; what the subnet assigns by itself has no effect on Fargate); needed by app (image, logConfiguration)
    blocker address/no-public-address subnet-0238e36be509fd2ee -> igw-0fce67db46f1d0c3b: igw-0fce67db46f1d0c3b drops what comes from an interface without a public address
    blocker address/no-public-address subnet-0238e36be509fd2ee -> igw-0fce67db46f1d0c3b: igw-0fce67db46f1d0c3b drops what comes from an interface without a public address
    blocker address/no-public-address subnet-0238e36be509fd2ee -> igw-0fce67db46f1d0c3b: igw-0fce67db46f1d0c3b drops what comes from an interface without a public address
    blocker address/no-public-address subnet-0238e36be509fd2ee -> igw-0fce67db46f1d0c3b: igw-0fce67db46f1d0c3b drops what comes from an interface without a public address
    fix Set assignPublicIp to ENABLED, move the tasks to subnets behind a NAT gateway, or create endpoints for everything they need.
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --network-configuration 'awsvpcConfiguration={subnets=[subnet-0238e36be509fd2ee],securityGroups=[sg-00ee3097251c489aa],assignPublicIp=ENABLED}'
    "##);
}

#[test]
fn the_network_of_a_service_with_another_controller_is_not_updated() {
    let mut fixture = fargate_public();
    assign_public_ip(&mut fixture, false);
    fixture.account.edit_service(&fixture.service, |service| {
        service.deployment_controller = DeploymentController::CodeDeploy;
    });
    let report = audit_rule(&fixture.account, RULE);
    assert!(only(&report).remediation.text.to_string().contains("create a new CodeDeploy deployment"));
    assert!(only(&report).remediation.commands.is_empty());
}

#[test]
fn what_the_subnet_assigns_has_no_effect_on_fargate() {
    let mut fixture = fargate_public();
    assign_public_ip(&mut fixture, false);
    fixture.account.edit_subnet(&fixture.subnet.clone(), |subnet| subnet.map_public_ip_on_launch = true);
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn endpoints_for_everything_make_the_address_needless() {
    let mut fixture = fargate_public();
    assign_public_ip(&mut fixture, false);
    for service in ["ecr.api", "ecr.dkr", "logs"] {
        fixture.account.interface_endpoint(&fixture.vpc, service, &[&fixture.subnet]);
    }
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).facts["unreached"], serde_json::json!(["s3"]));
    fixture.account.s3_gateway(&fixture.vpc, &[&fixture.table]);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn with_an_address_and_unread() {
    let mut fixture = fargate_public();
    assert_silent(&audit_rule(&fixture.account, RULE));
    fixture.account.deny(Dataset::RouteTables, "ec2:DescribeRouteTables");
    assert_unknown(&audit_rule(&fixture.account, RULE), "route-tables could not be read");
}
