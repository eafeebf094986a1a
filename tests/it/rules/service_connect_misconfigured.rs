//! Service Connect that can't work.

use insta::assert_snapshot;

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::{ServiceConnectConfiguration, ServiceConnectService};
use ecs_network_audit::snapshot::enums::{DeploymentController, NetworkMode};
use ecs_network_audit::snapshot::ids::Arn;

use crate::mocks::account::Account;
use crate::mocks::compute::{load_balancer, web};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "service-connect-misconfigured";

fn connect(account: &mut Account, service: &Arn, offers: &[&str]) {
    let offered = |name: &&str| ServiceConnectService {
        port_name: (*name).to_owned(),
        discovery_name: None,
        ingress_port_override: None,
        client_ports: vec![80],
        tls: false,
    };
    let configuration = ServiceConnectConfiguration {
        namespace: Some("internal".to_owned()),
        services: offers.iter().map(offered).collect(),
        log_configuration: None,
    };
    account.edit_service(service, |service| {
        service.deployments[0].service_connect_configuration = Some(configuration);
    });
}

/// A server `web` that offers its port `http`, and clients of the namespace that it admits.
fn server_and_clients(clients: &[&str]) -> Pattern {
    let mut pattern = patterns::fargate_nat();
    let (service, group) = (pattern.service.clone(), pattern.group.clone());
    pattern.account.edit_definition(&pattern.definition.clone(), |definition| {
        definition.containers[0].port_mappings[0].name = Some("http".to_owned());
    });
    connect(&mut pattern.account, &service, &["http"]);
    pattern.account.edit_service(&service, |service| service.load_balancers.clear());
    for client in clients {
        let definition = pattern.account.definition(client, Some(NetworkMode::Awsvpc), vec![web()]);
        let [a, b] = pattern.subnets.clone();
        let arn = pattern.account.fargate_service(&pattern.cluster.clone(), client, &definition, &[&a, &b]);
        connect(&mut pattern.account, &arn, &[]);
        let own = pattern.account.group_of(&arn);
        pattern.account.admit_group(&group, "tcp", 8080, 8080, &own);
    }
    pattern
}

fn shut(pattern: &mut Pattern) {
    let alb = pattern.balancer_group.clone().unwrap();
    pattern.account.edit_group(&pattern.group.clone(), |group| group.ingress.retain(|r| r.groups[0].group_id == alb));
}

#[test]
fn nobody_of_the_namespace_gets_through() {
    let mut pattern = server_and_clients(&["shop", "orders"]);
    assert_silent(&audit_rule(&pattern.account, RULE));
    shut(&mut pattern);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high service-connect-misconfigured prod/web (ecs:service)
    Service Connect of web cannot work: of the other members of the namespace (prod/orders and prod/shop) none gets through to http on tcp 8080: sg-00ee3097251c489aa admits no tcp 8080 from tasks in subnet-04c2cb0f785a4be86 (10.0.16.0/20)
    blocker group/group-ingress subnet-04c2cb0f785a4be86 -> sg-00ee3097251c489aa: of the other members of the namespace (prod/orders and prod/shop) none gets through to http on tcp 8080: sg-00ee3097251c489aa admits no tcp 8080 from tasks in subnet-04c2cb0f785a4be86 (10.0.16.0/20)
    fix Admit the client services to the server's port in its security group.
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,UserIdGroupPairs=[{GroupId=sg-03c8221689a498a97}]'
    "##);
}

#[test]
fn who_calls_whom_is_the_owners_matter() {
    // One of two members is admitted: the other may have no business there.
    let mut pattern = server_and_clients(&["shop", "orders"]);
    pattern.account.edit_group(&pattern.group.clone(), |group| {
        group.ingress.pop();
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_port_name_that_the_definition_lacks() {
    let mut pattern = server_and_clients(&["shop"]);
    connect(&mut pattern.account, &pattern.service.clone(), &["grpc"]);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).blockers[0].kind, "port-name-undefined");
}

#[test]
fn controllers_modes_and_systems_that_do_not_support_it() {
    let mut pattern = server_and_clients(&[]);
    let service = pattern.service.clone();
    pattern.account.edit_service(&service, |s| s.deployment_controller = DeploymentController::CodeDeploy);
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).blockers[0].kind, "controller-unsupported");
    let mut pattern = server_and_clients(&[]);
    pattern.account.edit_definition(&pattern.definition.clone(), |definition| {
        definition.operating_system_family = Some("WINDOWS_SERVER_2022_CORE".to_owned());
    });
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).blockers[0].kind, "windows-unsupported");
}

#[test]
fn a_client_alone_and_no_service_connect_are_fine() {
    let mut pattern = patterns::fargate_nat();
    assert_silent(&audit_rule(&pattern.account, RULE));
    connect(&mut pattern.account, &pattern.service.clone(), &[]);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn dynamic_proxy_ports_and_unread_definitions_are_unknown() {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.edit_definition(&pattern.definition.clone(), |definition| {
        definition.containers[0].port_mappings[0].name = Some("http".to_owned());
    });
    connect(&mut pattern.account, &pattern.service.clone(), &["http"]);
    assert_unknown(&audit_rule(&pattern.account, RULE), "dynamic port");
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}

#[test]
fn a_server_behind_a_load_balancer_has_clients_that_nobody_sees() {
    let mut pattern = server_and_clients(&["api"]);
    shut(&mut pattern);
    only(&audit_rule(&pattern.account, RULE));
    let entry = load_balancer(&pattern.target_group.clone().unwrap());
    pattern.account.edit_service(&pattern.service.clone(), |service| service.load_balancers.push(entry));
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn members_that_were_not_scanned_may_be_the_clients() {
    let mut pattern = server_and_clients(&["api"]);
    shut(&mut pattern);
    let mut snapshot = pattern.account.snapshot();
    snapshot.scope.services = vec!["web".to_owned()];
    let report = evaluate(&snapshot, &Settings { rules: vec![RULE], ..Settings::all_rules() });
    assert_unknown(&report, "may be outside of what was scanned");
}

#[test]
fn a_namespace_that_is_left_out_is_the_clusters() {
    let mut pattern = server_and_clients(&["api"]);
    shut(&mut pattern);
    for service in pattern.account.data.services.items_mut().unwrap() {
        service.deployments[0].service_connect_configuration.as_mut().unwrap().namespace = None;
    }
    assert_unknown(&audit_rule(&pattern.account, RULE), "the namespace of web is not shown");
    pattern.account.edit_cluster(&pattern.cluster.clone(), |cluster| {
        cluster.service_connect_default_namespace = Some("internal".to_owned());
    });
    only(&audit_rule(&pattern.account, RULE));
}
