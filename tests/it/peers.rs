//! What other tools get wrong, each with the right answer. Their versions are in docs/comparison.md, where the errors are
//! described. Those about one setting are tests of their rules: users by number (root_user), log modes
//! (log_driver_blocking), platform versions (fargate_platform_outdated), Container Insights (container_insights_off).

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::Report;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::enums::{NetworkMode, VpcEndpointState};

use crate::mocks::accounts::{assign_public_ip_of, fargate_isolated_with_endpoints, fargate_private_with_nat};
use crate::mocks::compute::{container, ecr, interface, web};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, audit_rule, only};

fn audit(pattern: &Pattern) -> Report {
    evaluate(&pattern.account.snapshot(), &Settings::all_rules())
}

fn rules_of(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.rule).collect()
}

/// Prowler takes any endpoint with `ec2` in its name for the endpoint of EC2.
#[test]
fn an_endpoint_whose_name_only_contains_the_service() {
    let mut fixture = fargate_isolated_with_endpoints();
    for endpoint in fixture.account.data.vpc_endpoints.items_mut().unwrap() {
        if endpoint.service_name.ends_with(".logs") {
            endpoint.service_name.push_str("-data");
        }
    }
    let report = audit_rule(&fixture.account, "vpc-endpoint-missing");
    assert!(only(&report).message.to_string().contains("logs"));
}

/// Prowler wants two subnets of every endpoint, wherever the callers are; zones are what counts.
#[test]
fn an_endpoint_in_the_one_zone_that_tasks_run_in() {
    let mut fixture = fargate_isolated_with_endpoints();
    assert_silent(&audit_rule(&fixture.account, "vpc-endpoint-single-zone"));
    let second = fixture.account.subnet(&fixture.vpc, "isolated-b", "10.0.2.0/24", "b");
    let subnet = fixture.subnet.clone();
    fixture.account.network(&fixture.service.clone(), &[&subnet, &second]);
    assert_eq!(audit_rule(&fixture.account, "vpc-endpoint-single-zone").findings.len(), 1);
}

/// Prowler describes every ACTIVE revision; what nothing runs says nothing of the account.
#[test]
fn a_revision_that_nothing_uses() {
    let mut pattern = patterns::ec2_bridge();
    let unused = pattern.account.definition("debug", Some(NetworkMode::Host), vec![container("app", &ecr("debug"))]);
    pattern.account.edit_definition(&unused, |definition| definition.containers[0].privileged = true);
    let report = audit(&pattern);
    assert!(!rules_of(&report).contains(&"privileged-container"));
    assert!(!rules_of(&report).contains(&"host-mode-isolation"));
}

/// Powerpipe wants ECR endpoints in each VPC: here a NAT gateway serves, and nobody needs them.
#[test]
fn no_endpoint_where_a_nat_gateway_serves() {
    assert_silent(&audit_rule(&fargate_private_with_nat().account, "vpc-endpoint-missing"));
}

/// Powerpipe is content with an endpoint in whatever state.
#[test]
fn an_endpoint_that_is_there_and_does_not_serve() {
    let mut fixture = fargate_isolated_with_endpoints();
    for endpoint in fixture.account.data.vpc_endpoints.items_mut().unwrap() {
        if endpoint.service_name.ends_with(".ecr.api") {
            endpoint.state = VpcEndpointState::Rejected;
        }
    }
    assert_eq!(audit_rule(&fixture.account, "vpc-endpoint-unavailable").findings.len(), 1);
}

/// Powerpipe alarms on every service without a load balancer.
#[test]
fn a_queue_worker_needs_no_load_balancer() {
    let mut pattern = patterns::fargate_nat();
    let worker = pattern.account.definition("worker", Some(NetworkMode::Awsvpc), vec![web()]);
    pattern.account.edit_definition(&worker, |definition| definition.containers[0].port_mappings.clear());
    let [a, b] = pattern.subnets.clone();
    pattern.account.fargate_service(&pattern.cluster.clone(), "worker", &worker, &[&a, &b]);
    let report = audit(&pattern);
    let of_worker: Vec<_> = report.findings.iter().filter(|finding| finding.resource.name == "prod/worker").collect();
    assert!(of_worker.is_empty(), "{of_worker:?}");
}

/// CloudSploit fails whatever is not the word `disabled`; the API's default is DISABLED.
#[test]
fn assign_public_ip_that_is_left_out() {
    let mut pattern = patterns::fargate_public_ip();
    assign_public_ip_of(&mut pattern.account, &pattern.service, false);
    assert_silent(&audit_rule(&pattern.account, "task-public-ip"));
}

/// CloudSploit divides by the whole block, ElectricEye fails at one free address: what counts is the next deployment.
#[test]
fn a_small_subnet_with_room_for_what_comes_next() {
    let mut pattern = patterns::fargate_nat();
    for subnet in pattern.subnets.clone() {
        pattern.account.edit_subnet(&subnet, |subnet| {
            subnet.cidr_block = Some("10.0.16.0/28".parse().unwrap());
            subnet.available_ip_address_count = 8;
        });
    }
    assert_silent(&audit_rule(&pattern.account, "subnet-address-exhaustion"));
    for subnet in pattern.subnets.clone() {
        pattern.account.edit_subnet(&subnet, |subnet| subnet.available_ip_address_count = 0);
    }
    assert_eq!(audit_rule(&pattern.account, "subnet-address-exhaustion").findings.len(), 2);
}

/// The ECS Exec checker is content in a VPC without any endpoint.
#[test]
fn exec_without_any_endpoint_and_without_a_way_out() {
    let mut fixture = fargate_isolated_with_endpoints();
    fixture.account.edit_service(&fixture.service, |service| service.enable_execute_command = true);
    assert_eq!(audit_rule(&fixture.account, "exec-unreachable").findings.len(), 1);
    let mut fixture = fargate_private_with_nat();
    fixture.account.edit_service(&fixture.service, |service| service.enable_execute_command = true);
    assert_silent(&audit_rule(&fixture.account, "exec-unreachable"));
}

/// Security Hub's EC2.17 fails every container instance for the ENIs that ECS attaches to it.
#[test]
fn interfaces_of_tasks_are_no_fault_of_an_instance() {
    let mut pattern = patterns::ec2_awsvpc();
    assert_silent(&audit_rule(&pattern.account, "foreign-network-interfaces"));
    let subnet = pattern.subnets[0].clone();
    let instance = pattern.instances[0].clone();
    pattern.account.edit_host(&instance, |host| {
        host.network_interfaces.push(interface("debugging", 2, "left over from debugging", &subnet));
    });
    assert_eq!(audit_rule(&pattern.account, "foreign-network-interfaces").findings.len(), 1);
}

/// Some scanners check reachability by comparing names and tags: a group called like the load balancer's lets nobody in.
#[test]
fn names_say_nothing_of_paths() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.edit_group(&pattern.group.clone(), |group| {
        group.name = "web-alb".to_owned();
        group.ingress.clear();
    });
    assert_eq!(audit_rule(&pattern.account, "load-balancer-path-blocked").findings.len(), 1);
}
