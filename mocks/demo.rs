//! The account that ships with the program: an online shop whose platform team has had a bad week.
//!
//! Every rule fires at least once; the cluster `healthy` stays silent.

use ecs_network_audit::snapshot::Snapshot;
use ecs_network_audit::snapshot::enums::{LaunchType, NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::{Arn, NatGatewayId, SubnetId, VpcId};

use super::account::{ACCOUNT, Account, REGION};
use super::compute::{container, ecr, interface, set_counts, set_launch, web};

struct Network {
    vpc: VpcId,
    private: [SubnetId; 2],
    isolated: [SubnetId; 2],
}

/// The demo's snapshot.
pub fn snapshot() -> Snapshot {
    let mut account = Account::new();
    let network = network(&mut account);
    shop(&mut account, &network);
    batch(&mut account, &network);
    healthy(&mut account, &network);
    let mut snapshot = account.snapshot();
    snapshot.demo = true;
    snapshot
}

fn network(account: &mut Account) -> Network {
    let vpc = account.vpc("shop", "10.20.0.0/16");
    let public = [
        account.public_subnet(&vpc, "shop-public-a", "10.20.0.0/24", "a"),
        account.public_subnet(&vpc, "shop-public-b", "10.20.1.0/24", "b"),
    ];
    let nat: [NatGatewayId; 2] =
        [account.nat_gateway("shop-nat-a", &public[0]), account.nat_gateway("shop-nat-b", &public[1])];
    let private = [
        account.private_subnet(&vpc, "shop-private-a", "10.20.16.0/20", "a", &nat[0]),
        account.private_subnet(&vpc, "shop-private-b", "10.20.32.0/20", "b", &nat[1]),
    ];
    let isolated = [
        account.subnet(&vpc, "shop-data-a", "10.20.64.0/24", "a"),
        account.subnet(&vpc, "shop-data-b", "10.20.65.0/24", "b"),
    ];
    let data = account.route_table(&vpc, "shop-data", &[&isolated[0], &isolated[1]]);
    for service in ["ecr.api", "ecr.dkr"] {
        account.interface_endpoint(&vpc, service, &[&isolated[0], &isolated[1]]);
    }
    account.s3_gateway(&vpc, &[&data]);
    Network { vpc, private, isolated }
}

/// Fargate: a payment service in subnets without all endpoints, and one whose target group is of the wrong type.
fn shop(account: &mut Account, network: &Network) {
    let cluster = account.cluster("shop");
    let secret = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:payments/db-AbCdEf");
    let payments = container("payments", &ecr("payments")).awslogs().secret(&secret).port(8080, None);
    let payments = account.definition("payments", Some(NetworkMode::Awsvpc), vec![payments]);
    let [a, b] = &network.isolated;
    let payments = account.fargate_service(&cluster, "payments", &payments, &[a, b]);
    account.edit_service(&payments, |service| set_counts(service, 4, 2));
    for number in 0..3 {
        let reason = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval \
            failed: unable to retrieve secrets from asm: There is a connection issue between the task and AWS Secrets \
            Manager. Check your task network configuration.";
        account.stopped_task(&payments, &format!("payments-{number}"), reason);
    }
    let checkout = account.definition("checkout", Some(NetworkMode::Awsvpc), vec![web()]);
    let [a, b] = &network.private;
    let service = account.fargate_service(&cluster, "checkout", &checkout, &[a, b]);
    let group = account.target_group("checkout", TargetType::Instance, &network.vpc);
    account.register(&service, &group);
    let reports = container("reports", &ecr("reports")).awslogs();
    let reports = account.definition("reports", Some(NetworkMode::Awsvpc), vec![reports]);
    let [a, b] = &network.isolated;
    let reports = account.fargate_service(&cluster, "reports", &reports, &[a, b]);
    account.edit_service(&reports, |service| set_counts(service, 0, 0));
}

/// EC2: small instances without a trunk, all slots taken, one of them by an interface that somebody attached.
fn batch(account: &mut Account, network: &Network) {
    let cluster = account.cluster("batch");
    let definition = account.definition("importer", Some(NetworkMode::Awsvpc), vec![web()]);
    let service = account.service(&cluster, "importer", &definition);
    account.network(&service, &[&network.private[0], &network.private[1]]);
    account.edit_service(&service, |service| set_counts(service, 6, 5));
    for number in 0..3 {
        let subnet = &network.private[number % 2];
        let instance = account.container_instance(&cluster, &format!("batch-{number}"), "c5.large", subnet);
        for task in 0..(if number == 2 { 1 } else { 2 }) {
            account.task_on(&service, &instance, &format!("importer-{number}-{task}"));
        }
        if number == 2 {
            let subnet = subnet.clone();
            account.edit_host(&instance, |host| {
                host.network_interfaces.push(interface("debugging", 2, "left over from debugging", &subnet));
            });
        }
    }
    let message = "(service importer) was unable to place a task because no container instance met all of its \
        requirements. The closest matching (container-instance 0123456789abcdef0123456789abcdef) encountered error \
        \"RESOURCE:ENI\". For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
    account.event(&service, message);
}

/// One of each kind, as it should be.
fn healthy(account: &mut Account, network: &Network) {
    let cluster = account.cluster("healthy");
    let [a, b] = &network.private;
    let definition = account.definition("catalogue", Some(NetworkMode::Awsvpc), vec![web()]);
    let service = account.fargate_service(&cluster, "catalogue", &definition, &[a, b]);
    let group = account.target_group("catalogue", TargetType::Ip, &network.vpc);
    account.register(&service, &group);
    two_tasks(account, &service);

    let [c, d] = &network.isolated;
    let quiet = container("worker", &ecr("worker"));
    let definition = account.definition("worker", Some(NetworkMode::Awsvpc), vec![quiet]);
    let service = account.fargate_service(&cluster, "worker", &definition, &[c, d]);
    two_tasks(account, &service);

    let definition = account.definition("search", Some(NetworkMode::Awsvpc), vec![web()]);
    let service = account.service(&cluster, "search", &definition);
    account.network(&service, &[a, b]);
    for (number, subnet) in [a, b].into_iter().enumerate() {
        let instance = account.container_instance(&cluster, &format!("healthy-{number}"), "m5.large", subnet);
        account.trunk(&instance);
        account.task_on(&service, &instance, &format!("search-{number}"));
    }
    let definition = account.definition("legacy", Some(NetworkMode::Bridge), vec![web()]);
    let service = account.service(&cluster, "legacy", &definition);
    account.edit_service(&service, |service| set_launch(service, Some(LaunchType::Ec2), &[]));
    let group = account.target_group("legacy", TargetType::Instance, &network.vpc);
    account.register(&service, &group);
}

fn two_tasks(account: &mut Account, service: &Arn) {
    for number in 0..2 {
        account.task(service, &format!("{}-{number}", service.name()));
    }
}
