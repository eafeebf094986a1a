//! Whole accounts that tests start from; each is healthy unless its name says otherwise.

use ecs_network_audit::snapshot::enums::{NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::{Arn, RouteTableId, SubnetId, VpcId};

use super::account::Account;
use super::compute::{set_counts, set_launch, web};

/// An account with one service, and what tests change about it.
pub struct Fixture {
    pub account: Account,
    pub vpc: VpcId,
    pub subnet: SubnetId,
    pub table: RouteTableId,
    pub cluster: Arn,
    pub definition: Arn,
    pub service: Arn,
}

/// Fargate in a private subnet behind a NAT gateway.
pub fn fargate_private_with_nat() -> Fixture {
    let mut account = Account::new();
    let vpc = account.vpc("main", "10.0.0.0/16");
    let public = account.public_subnet(&vpc, "public-a", "10.0.0.0/24", "a");
    let nat = account.nat_gateway("nat-a", &public);
    let subnet = account.private_subnet(&vpc, "private-a", "10.0.1.0/24", "a", &nat);
    fargate(account, vpc, subnet)
}

/// Fargate in a subnet that falls back to the main route table, which leads nowhere.
pub fn fargate_isolated_without_endpoints() -> Fixture {
    let mut account = Account::new();
    let vpc = account.vpc("main", "10.0.0.0/16");
    let subnet = account.subnet(&vpc, "isolated-a", "10.0.1.0/24", "a");
    fargate(account, vpc, subnet)
}

/// The same with every endpoint that the service needs.
pub fn fargate_isolated_with_endpoints() -> Fixture {
    let mut fixture = fargate_isolated_without_endpoints();
    for service in ["ecr.api", "ecr.dkr", "logs"] {
        fixture.account.interface_endpoint(&fixture.vpc, service, &[&fixture.subnet]);
    }
    fixture.account.s3_gateway(&fixture.vpc, &[&fixture.table]);
    fixture
}

/// Fargate in a public subnet with a public address.
pub fn fargate_public() -> Fixture {
    let mut account = Account::new();
    let vpc = account.vpc("main", "10.0.0.0/16");
    let subnet = account.public_subnet(&vpc, "public-a", "10.0.0.0/24", "a");
    let mut fixture = fargate(account, vpc, subnet);
    assign_public_ip(&mut fixture, true);
    fixture
}

/// Sets `assignPublicIp` of the fixture's service.
pub fn assign_public_ip(fixture: &mut Fixture, assign: bool) {
    assign_public_ip_of(&mut fixture.account, &fixture.service, assign);
}

/// Sets `assignPublicIp` of a service.
pub fn assign_public_ip_of(account: &mut Account, service: &Arn, assign: bool) {
    account.edit_service(service, |service| {
        let deployments = service.deployments.iter_mut().filter_map(|d| d.network_configuration.as_mut());
        for network in deployments.chain(&mut service.network_configuration) {
            network.assign_public_ip = assign;
        }
    });
}

fn fargate(mut account: Account, vpc: VpcId, subnet: SubnetId) -> Fixture {
    let cluster = account.cluster("prod");
    let definition = account.definition("web", Some(NetworkMode::Awsvpc), vec![web()]);
    let service = account.fargate_service(&cluster, "web", &definition, &[&subnet]);
    let own = account.data.route_tables.items().iter().find(|table| table.subnets.contains(&subnet));
    let table = own.map(|table| table.id.clone()).unwrap_or_else(|| account.main_table(&vpc));
    Fixture { account, vpc, subnet, table, cluster, definition, service }
}

/// EC2 in bridge mode behind an Application Load Balancer, in a subnet with a NAT gateway.
pub fn ec2_bridge_behind_alb() -> Fixture {
    let mut fixture = ec2(Some(NetworkMode::Bridge), "m5.large", 2);
    let group = fixture.account.target_group("web", TargetType::Instance, &fixture.vpc);
    fixture.account.register(&fixture.service, &group);
    fixture
}

/// Three c5.large without a trunk, each with the two awsvpc tasks that it holds: nothing is free.
pub fn ec2_awsvpc_full() -> Fixture {
    let mut fixture = ec2(Some(NetworkMode::Awsvpc), "c5.large", 3);
    let (service, subnet) = (fixture.service.clone(), fixture.subnet.clone());
    fixture.account.network(&service, &[&subnet]);
    fixture.account.edit_service(&service, |service| set_counts(service, 6, 6));
    fill(&mut fixture, 2);
    fixture
}

/// The same instances with a trunk each, so that most slots are free.
pub fn ec2_awsvpc_trunked() -> Fixture {
    let mut fixture = ec2(Some(NetworkMode::Awsvpc), "c5.large", 3);
    let (service, subnet) = (fixture.service.clone(), fixture.subnet.clone());
    fixture.account.network(&service, &[&subnet]);
    fixture.account.edit_service(&service, |service| set_counts(service, 6, 6));
    for instance in instances(&fixture) {
        fixture.account.trunk(&instance);
    }
    fill(&mut fixture, 2);
    fixture
}

/// The instances in a provider with managed scaling, which the service uses.
pub fn in_provider(mut fixture: Fixture, desired: i32, most: i32) -> Fixture {
    let provider = fixture.account.capacity_provider("asg", desired, most, &[&fixture.subnet]);
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |i| i.capacity_provider_name = Some(provider.clone()));
    }
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &[&provider]));
    fixture
}

/// So many tasks fewer, wanted and running.
pub fn remove_tasks(fixture: &mut Fixture, count: usize) {
    let left = fixture.account.data.tasks.items().len() - count;
    fixture.account.data.tasks.items_mut().unwrap().truncate(left);
    let wanted = i32::try_from(left).unwrap();
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, wanted, wanted));
}

/// The same account on Windows.
pub fn run_windows(fixture: &mut Fixture) {
    fixture.account.edit_definition(&fixture.definition, |definition| {
        definition.operating_system_family = Some("WINDOWS_SERVER_2022_CORE".to_owned());
    });
    for instance in instances(fixture) {
        fixture.account.edit_instance(&instance, |instance| {
            instance.attributes.insert("ecs.os-type".to_owned(), Some("windows".to_owned()));
        });
    }
}

/// The container instances of the fixture, in the order of their making.
pub fn instances(fixture: &Fixture) -> Vec<Arn> {
    fixture.account.data.container_instances.items().iter().map(|instance| instance.arn.clone()).collect()
}

fn fill(fixture: &mut Fixture, tasks_each: usize) {
    for (number, instance) in instances(fixture).iter().enumerate() {
        for task in 0..tasks_each {
            fixture.account.task_on(&fixture.service, instance, &format!("task-{number}-{task}"));
        }
    }
}

fn ec2(mode: Option<NetworkMode>, instance_type: &str, count: usize) -> Fixture {
    let mut account = Account::new();
    let vpc = account.vpc("main", "10.0.0.0/16");
    let public = account.public_subnet(&vpc, "public-a", "10.0.0.0/24", "a");
    let nat = account.nat_gateway("nat-a", &public);
    let subnet = account.private_subnet(&vpc, "private-a", "10.0.1.0/24", "a", &nat);
    let cluster = account.cluster("prod");
    let definition = account.definition("web", mode, vec![web()]);
    let service = account.service(&cluster, "web", &definition);
    for number in 0..count {
        account.container_instance(&cluster, &format!("instance-{number}"), instance_type, &subnet);
    }
    let table = account.data.route_tables.items().iter().find(|table| table.subnets.contains(&subnet)).unwrap();
    let table = table.id.clone();
    Fixture { account, vpc, subnet, table, cluster, definition, service }
}
