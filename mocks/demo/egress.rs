//! The cluster `backoffice`: everything that can stand between a task and what it needs.

use ecs_network_audit::snapshot::ecs::{ServiceConnectConfiguration, ServiceConnectService};
use ecs_network_audit::snapshot::enums::{NatGatewayState, NetworkMode, VpcEndpointState};
use ecs_network_audit::snapshot::ids::{Arn, SubnetId};
use ecs_network_audit::snapshot::vpc::{HostedZone, ZoneRecords};

use super::Network;
use crate::account::{ACCOUNT, Account, push};
use crate::accounts::assign_public_ip_of;
use crate::compute::{Container, container, ecr, web};

fn fargate(account: &mut Account, cluster: &Arn, name: &str, app: Container, subnets: &[&SubnetId]) -> Arn {
    let definition = account.definition(name, Some(NetworkMode::Awsvpc), vec![app]);
    account.fargate_service(cluster, name, &definition, subnets)
}

/// An application that needs nothing but its image.
fn plain(name: &str) -> Container {
    container("app", &ecr(name)).port(8080, None)
}

pub(super) fn backoffice(account: &mut Account, network: &Network) {
    let cluster = account.cluster("backoffice");
    endpoints(account, network, &cluster);
    ways_out(account, network, &cluster);
    others(account, network, &cluster);
}

/// Endpoints that are there and do not serve.
fn endpoints(account: &mut Account, network: &Network, cluster: &Arn) {
    let [a, b] = &network.isolated;
    let off = account.interface_endpoint(&network.vpc, "ssm", &[a, b]);
    account.edit_endpoint(&off, |endpoint| endpoint.private_dns_enabled = false);
    fargate(account, cluster, "accounting", plain("accounting").secret("/accounting/db"), &[a, b]);

    let pending = account.interface_endpoint(&network.vpc, "kinesis-firehose", &[a, b]);
    account.edit_endpoint(&pending, |endpoint| endpoint.state = VpcEndpointState::Failed);
    let app = plain("clickstream").log("awsfirelens", &[("Name", "firehose"), ("region", "eu-west-1")]);
    fargate(account, cluster, "clickstream", app, &[a, b]);

    let denying = account.interface_endpoint(&network.vpc, "kinesis-streams", &[a]);
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"kinesis:Get*","Resource":"*"}]}"#;
    account.edit_endpoint(&denying, |endpoint| endpoint.policy_document = Some(policy.to_owned()));
    let app = plain("events").log("awsfirelens", &[("Name", "kinesis"), ("region", "eu-west-1")]);
    fargate(account, cluster, "events", app, &[a, b]);

    // One interface for two zones.
    let api =
        account.data.vpc_endpoints.items().iter().find(|e| e.service_name.ends_with("ecr.api")).unwrap().id.clone();
    let only = a.clone();
    account.edit_endpoint(&api, |endpoint| endpoint.subnet_ids = vec![only]);

    let shut = fargate(account, cluster, "invoices", plain("invoices"), &[a, b]);
    account.let_out(&account.group_of(&shut), &[("tcp", 443, 443, "pl-6da54004")]);

    let archive = account.subnet(&network.vpc, "shop-archive-a", "10.20.66.0/24", "a");
    account.route_table(&network.vpc, "shop-archive", &[&archive]);
    fargate(account, cluster, "archive", plain("archive"), &[&archive]);

    fargate(account, cluster, "proxy", container("app", "nginx:1.27"), &[a, b]);
    fargate(account, cluster, "compliance", plain("compliance").awslogs_in("us-east-1"), &[a, b]);
    let shell = fargate(account, cluster, "console", plain("console"), &[a, b]);
    account.edit_service(&shell, |service| service.enable_execute_command = true);
}

/// Ways out that are there and broken, or refused.
fn ways_out(account: &mut Account, network: &Network, cluster: &Arn) {
    let [a, b] = &network.private;
    let failed = account.nat_gateway("shop-nat-old", &network.public[0]);
    account.edit_nat(&failed, |nat| nat.state = NatGatewayState::Failed);
    let stranded = account.private_subnet(&network.vpc, "shop-stranded-a", "10.20.67.0/24", "a", &failed);
    fargate(account, cluster, "exports", web(), &[&stranded]);

    let strict = fargate(account, cluster, "fraud", web(), &[a, b]);
    account.let_out(&account.group_of(&strict), &[("tcp", 5432, 5432, "10.20.0.0/16")]);
    let [c, d] = &network.public;
    fargate(account, cluster, "geo", web(), &[c, d]);
    let needless = fargate(account, cluster, "ledger", web(), &[a, b]);
    assign_public_ip_of(account, &needless, true);

    let definition = account.definition("webhooks", Some(NetworkMode::Awsvpc), vec![web()]);
    let webhooks = account.service(cluster, "webhooks", &definition);
    account.network(&webhooks, &[c, d]);
    for (number, subnet) in [a, b].into_iter().enumerate() {
        let instance = account.container_instance(cluster, &format!("backoffice-{number}"), "m5.large", subnet);
        account.trunk(&instance);
    }
    let lost = account.container_instance(cluster, "backoffice-lost", "m5.large", &network.isolated[1]);
    account.trunk(&lost);
    account.edit_instance(&lost, |instance| {
        instance.agent_connected = false;
        instance.agent_connected_at_end = Some(false);
    });
}

/// Names, files, meshes and schedules.
fn others(account: &mut Account, network: &Network, cluster: &Arn) {
    let vpc = account.vpc("partner", "10.50.0.0/16");
    let public = account.public_subnet(&vpc, "partner-public-a", "10.50.0.0/24", "a");
    let nat = account.nat_gateway("partner-nat-a", &public);
    let subnet = account.private_subnet(&vpc, "partner-private-a", "10.50.16.0/20", "a", &nat);
    let name = "eu-west-1.amazonaws.com".to_owned();
    let zone = HostedZone {
        id: "Z0PARTNER".to_owned(),
        name: name.clone(),
        owning_account: Some(ACCOUNT.to_owned()),
        owning_service: None,
    };
    account.data.hosted_zones.items_mut().unwrap().last_mut().unwrap().zones.push(zone);
    let records = vec![(format!("logs.{name}"), "A".to_owned())];
    push(&mut account.data.hosted_zone_records, ZoneRecords { zone_id: "Z0PARTNER".to_owned(), records });
    fargate(account, cluster, "partner-feed", web(), &[&subnet]);

    let [a, b] = &network.private;
    let mesh = fargate(account, cluster, "tax", web(), &[a, b]);
    account.edit_service(&mesh, |service| {
        service.deployments[0].service_connect_configuration = Some(ServiceConnectConfiguration {
            namespace: Some("backoffice".to_owned()),
            services: vec![ServiceConnectService {
                port_name: "tax-api".to_owned(),
                discovery_name: None,
                ingress_port_override: None,
                client_ports: vec![80],
                tls: false,
            }],
            log_configuration: None,
        });
    });

    let documents = fargate(account, cluster, "documents", web(), &[a, b]);
    let definition = account.data.services.items().iter().find(|s| s.arn == documents).unwrap().task_definition.clone();
    let files = account.security_group(&network.vpc, "documents-files");
    account.admit_group(&files, "tcp", 2049, 2049, &account.group_of(&documents));
    account.file_system("fs-0d0c5a1b2c3d4e5f6", &[a], &files);
    account.mount(&definition.clone().unwrap(), "fs-0d0c5a1b2c3d4e5f6");

    account.schedule("nightly-export", cluster, &definition.unwrap(), &[a]);
    let schedule = account.data.schedules.items_mut().unwrap().last_mut().unwrap();
    schedule.target.network_configuration.as_mut().unwrap().subnets = vec!["subnet-0deadbeefdeadbeef".into()];
}
