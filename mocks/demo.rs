//! The account that ships with the program: an online shop whose platform team has had a bad week.
//!
//! Every rule fires at least once; the cluster `healthy` stays silent.

mod balancing;
mod capacity;
mod egress;
mod exposure;
mod hygiene;
mod operations;
mod posture;

use ecs_network_audit::snapshot::Snapshot;
use ecs_network_audit::snapshot::enums::{LaunchType, NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::{Arn, NatGatewayId, SecurityGroupId, SubnetId, VpcId};

use super::account::{ACCOUNT, Account, REGION, id};
use super::compute::{container, ecr, interface, set_counts, set_launch, web};

struct Network {
    vpc: VpcId,
    public: [SubnetId; 2],
    private: [SubnetId; 2],
    isolated: [SubnetId; 2],
}

/// The demo's snapshot.
pub fn snapshot() -> Snapshot {
    let mut account = Account::new();
    let network = network(&mut account);
    shop(&mut account, &network);
    batch(&mut account, &network);
    balancing::edge(&mut account, &network);
    egress::backoffice(&mut account, &network);
    capacity::fleet(&mut account, &network);
    posture::tooling(&mut account, &network);
    exposure::campaigns(&mut account, &network);
    hygiene::legacy(&mut account, &network);
    operations::support(&mut account, &network);
    healthy(&mut account);
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
    // Somebody saved a NAT gateway: zone b leaves through zone a.
    let nat: NatGatewayId = account.nat_gateway("shop-nat-a", &public[0]);
    let private = [
        account.private_subnet(&vpc, "shop-private-a", "10.20.16.0/20", "a", &nat),
        account.private_subnet(&vpc, "shop-private-b", "10.20.32.0/20", "b", &nat),
    ];
    let isolated = [
        account.subnet(&vpc, "shop-data-a", "10.20.64.0/24", "a"),
        account.subnet(&vpc, "shop-data-b", "10.20.65.0/24", "b"),
    ];
    let data_table = account.route_table(&vpc, "shop-data", &[&isolated[0], &isolated[1]]);
    for service in ["ecr.api", "ecr.dkr"] {
        account.interface_endpoint(&vpc, service, &[&isolated[0], &isolated[1]]);
    }
    account.s3_gateway(&vpc, &[&data_table]);
    Network { vpc, public, private, isolated }
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
    balancing::attach(account, &service, "checkout", TargetType::Instance, network);
    let reports = container("reports", &ecr("reports")).awslogs();
    let reports = account.definition("reports", Some(NetworkMode::Awsvpc), vec![reports]);
    let [a, b] = &network.isolated;
    let reports = account.fargate_service(&cluster, "reports", &reports, &[a, b]);
    account.edit_service(&reports, |service| set_counts(service, 0, 0));
}

/// EC2: small instances without a trunk, all slots taken, one of them by an interface that somebody attached; and
/// revisions whose network mode is not what the team believes.
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

    let sidecar = || container("metrics", &ecr("metrics")).port(8080, None);
    let named = |account: &mut Account, name: &str, mode: NetworkMode, containers| {
        let definition = account.definition(name, Some(mode), containers);
        account.service(&cluster, name, &definition)
    };
    named(account, "resizer", NetworkMode::Bridge, vec![web()]);
    named(account, "collector", NetworkMode::Host, vec![container("collector", &ecr("collector"))]);
    named(account, "converter", NetworkMode::None, vec![web()]);
    let mismatch = web().with(|c| c.port_mappings[0].host_port = Some(80));
    named(account, "gateway", NetworkMode::Host, vec![mismatch]);
    let pair = named(account, "thumbnails", NetworkMode::Host, vec![web(), sidecar()]);
    account.task(&pair, "thumbnails-0");
    let mailer = account.definition("mailer", Some(NetworkMode::Bridge), vec![web()]);
    let mailer = account.fargate_service(&cluster, "mailer", &mailer, &[&network.private[0]]);
    account.edit_service(&mailer, |service| set_launch(service, Some(LaunchType::Fargate), &[]));
}

/// One of each kind, as it should be, in a VPC of its own.
fn healthy(account: &mut Account) {
    let vpc = account.vpc("platform", "10.40.0.0/16");
    let public = [
        account.public_subnet(&vpc, "platform-public-a", "10.40.0.0/24", "a"),
        account.public_subnet(&vpc, "platform-public-b", "10.40.1.0/24", "b"),
    ];
    let nats = [account.nat_gateway("platform-nat-a", &public[0]), account.nat_gateway("platform-nat-b", &public[1])];
    let private = [
        account.private_subnet(&vpc, "platform-private-a", "10.40.16.0/20", "a", &nats[0]),
        account.private_subnet(&vpc, "platform-private-b", "10.40.32.0/20", "b", &nats[1]),
    ];
    let isolated = [
        account.subnet(&vpc, "platform-data-a", "10.40.64.0/24", "a"),
        account.subnet(&vpc, "platform-data-b", "10.40.65.0/24", "b"),
    ];
    let mut tables = vec![account.route_table(&vpc, "platform-data", &[&isolated[0], &isolated[1]])];
    let all = account.data.route_tables.items().iter();
    let own = all.filter(|table| table.subnets.iter().any(|subnet| private.contains(subnet)));
    tables.extend(own.map(|table| table.id.clone()));
    account.s3_gateway(&vpc, &tables.iter().collect::<Vec<_>>());
    for service in ["ecr.api", "ecr.dkr", "logs"] {
        account.interface_endpoint_of(&vpc, service, &[&isolated[0], &isolated[1]], "platform-endpoints");
    }
    let cluster = account.cluster("healthy");
    let [a, b] = &private;
    let definition = account.definition("catalogue", Some(NetworkMode::Awsvpc), vec![web()]);
    let service = account.fargate_service(&cluster, "catalogue", &definition, &[a, b]);
    let alb = account.alb("catalogue", &[&public[0], &public[1]]);
    let group = account.target_group("catalogue", TargetType::Ip, &vpc);
    account.listener(&alb, 80, &group);
    account.register(&service, &group);
    let balancer = account.data.load_balancers.items().last().unwrap().security_groups[0].clone();
    account.admit_group(&account.group_of(&service), "tcp", 8080, 8080, &balancer);
    two_tasks(account, &service);

    let quiet = container("worker", &ecr("worker")).awslogs();
    let definition = account.definition("worker", Some(NetworkMode::Awsvpc), vec![quiet]);
    let service = account.fargate_service(&cluster, "worker", &definition, &[&isolated[0], &isolated[1]]);
    two_tasks(account, &service);

    let definition = account.definition("search", Some(NetworkMode::Awsvpc), vec![web()]);
    let service = account.service(&cluster, "search", &definition);
    account.network(&service, &[a, b]);
    account.ensure_group(&vpc, "platform-instances");
    for (number, subnet) in [a, b].into_iter().enumerate() {
        let instance = account.container_instance(&cluster, &format!("healthy-{number}"), "m5.large", subnet);
        account.trunk(&instance);
        let group = SecurityGroupId::from(id("sg", "platform-instances"));
        account.edit_host(&instance, |host| host.network_interfaces[0].security_group_ids = vec![group]);
        account.task_on(&service, &instance, &format!("search-{number}"));
    }
}

fn two_tasks(account: &mut Account, service: &Arn) {
    for number in 0..2 {
        account.task(service, &format!("{}-{number}", service.name()));
    }
}
