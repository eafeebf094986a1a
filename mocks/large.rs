//! A large account for benchmarks.

use std::collections::BTreeMap;

use ecs_network_audit::snapshot::ecs::{ContainerInstance, Service, ServiceEvent, Task, TaskContainer};
use ecs_network_audit::snapshot::elb::TargetHealth;
use ecs_network_audit::snapshot::enums::{LaunchType, NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::{Arn, NetworkInterfaceId, SecurityGroupId, SubnetId, VpcId};
use ecs_network_audit::snapshot::vpc::{NetworkInterface, NetworkInterfaceQuota, Subnet};
use jiff::SignedDuration;

use super::account::{ACCOUNT, Account, REGION, id, now, push};
use super::compute::{container, ecr, running_task, set_counts, set_launch, set_network, web};
use super::interfaces::requester_managed;

const VPCS: usize = 25;
const SERVICES_PER_VPC: usize = 400;
const SERVICES_PER_CLUSTER: usize = 100;
const TASKS_PER_SERVICE: usize = 10;

/// What DescribeVpcEndpoints shows where nobody wrote a policy.
const DEFAULT_POLICY: &str = r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;

/// How many VPCs, and how many container instances in each cluster.
#[derive(Clone, Copy)]
struct Size {
    vpcs: usize,
    instances: usize,
}

struct Network {
    vpc: VpcId,
    public: Vec<SubnetId>,
    private: Vec<SubnetId>,
    isolated: Vec<SubnetId>,
}

/// 10,000 services in 100 clusters and 200 subnets of 25 VPCs: most on Fargate behind NAT gateways or endpoints, a fifth on
/// container instances, half of them behind an ALB, each with a security group of its own. One in fifty may send nothing
/// out, and one in fifty doesn't admit its load balancer.
pub fn ten_thousand_services() -> Account {
    services_in(VPCS)
}

/// The same in fewer VPCs, 400 services in each.
pub fn services_in(vpcs: usize) -> Account {
    account(Size { vpcs, instances: 4 })
}

/// The 10,000 services with ten tasks of each, all running: ENIs, healthy targets, and a fifth of them on 2,500 container
/// instances.
pub fn hundred_thousand_tasks() -> Account {
    tasks_in(VPCS)
}

/// The same in fewer VPCs, 4,000 tasks in each.
pub fn tasks_in(vpcs: usize) -> Account {
    let mut account = account(Size { vpcs, instances: 25 });
    run(&mut account);
    account
}

fn account(size: Size) -> Account {
    let mut account = Account::new();
    for number in 0..size.vpcs {
        let network = network(&mut account, number);
        services(&mut account, size, number, &network);
    }
    account
}

fn network(account: &mut Account, number: usize) -> Network {
    let vpc = account.vpc(&format!("vpc-{number}"), &format!("10.{number}.0.0/16"));
    let cidr = |third: usize| format!("10.{number}.{third}.0/22");
    let public: Vec<_> = ["a", "b"]
        .iter()
        .enumerate()
        .map(|(n, zone)| account.public_subnet(&vpc, &format!("public-{number}-{zone}"), &cidr(n * 4), zone))
        .collect();
    let mut private = Vec::new();
    let mut isolated = Vec::new();
    for (n, zone) in ["a", "b"].iter().enumerate() {
        let nat = account.nat_gateway(&format!("nat-{number}-{zone}"), &public[n]);
        for part in 0..2 {
            let name = format!("private-{number}-{zone}{part}");
            private.push(account.private_subnet(&vpc, &name, &cidr(32 + n * 16 + part * 4), zone, &nat));
        }
        isolated.push(account.subnet(&vpc, &format!("isolated-{number}-{zone}"), &cidr(96 + n * 4), zone));
    }
    let table = account.route_table(&vpc, &format!("isolated-{number}"), &[&isolated[0], &isolated[1]]);
    let mut endpoints = vec![account.s3_gateway(&vpc, &[&table])];
    for service in ["ecr.api", "ecr.dkr", "logs", "secretsmanager"] {
        let group = format!("endpoints-{number}");
        endpoints.push(account.interface_endpoint_of(&vpc, service, &[&isolated[0], &isolated[1]], &group));
    }
    for endpoint in endpoints {
        account.edit_endpoint(&endpoint, |endpoint| endpoint.policy_document = Some(DEFAULT_POLICY.to_owned()));
    }
    Network { vpc, public, private, isolated }
}

fn services(account: &mut Account, size: Size, vpc: usize, network: &Network) {
    let alb = account.alb(&format!("alb-{vpc}"), &[&network.public[0], &network.public[1]]);
    let balancers = account.data.load_balancers.items();
    let alb_group = balancers.iter().find(|b| b.arn == alb).unwrap().security_groups[0].clone();
    let fallback = account.target_group(&format!("fallback-{vpc}"), TargetType::Ip, &network.vpc);
    let listener = account.listener(&alb, 80, &fallback);
    let mut cluster = None;
    for number in 0..SERVICES_PER_VPC {
        if number.is_multiple_of(SERVICES_PER_CLUSTER) {
            cluster = Some(new_cluster(account, size, vpc, number, network));
        }
        let cluster = cluster.as_ref().unwrap();
        let service = service(account, cluster, &format!("service-{vpc}-{number}"), number, network, &alb_group);
        if number.is_multiple_of(2) {
            let target_group = account.target_group(&format!("service-{vpc}-{number}"), TargetType::Ip, &network.vpc);
            let balancer = alb.clone();
            account.edit_target_group(&target_group, |group| group.load_balancer_arns.push(balancer));
            account.listener_rule(&listener, &(number + 1).to_string(), &[(&target_group, 1)]);
            account.register(&service, &target_group);
        }
    }
}

fn new_cluster(account: &mut Account, size: Size, vpc: usize, number: usize, network: &Network) -> Arn {
    let cluster = account.cluster(&format!("cluster-{vpc}-{number}"));
    for instance in 0..size.instances {
        let name = format!("instance-{vpc}-{number}-{instance}");
        let subnet = &network.private[instance % network.private.len()];
        let instance = account.container_instance(&cluster, &name, "m5.large", subnet);
        account.trunk(&instance);
    }
    cluster
}

fn service(
    account: &mut Account,
    cluster: &Arn,
    name: &str,
    number: usize,
    network: &Network,
    alb_group: &SecurityGroupId,
) -> Arn {
    let app = if number.is_multiple_of(3) {
        let secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:database-AbCdEf";
        container("app", &ecr(name)).awslogs().port(8080, None).secret(secret)
    } else {
        web()
    };
    let definition = account.definition(name, Some(NetworkMode::Awsvpc), vec![app]);
    let subnets = if number % 4 == 1 { &network.isolated } else { &network.private };
    let service = account.service(cluster, name, &definition);
    let group = account.security_group(&network.vpc, name);
    if number % 50 != 7 {
        account.admit_group(&group, "tcp", 8080, 8080, alb_group);
    }
    if number % 50 == 9 {
        account.let_out(&group, &[("tcp", 5432, 5432, "10.0.0.0/8")]);
    }
    account.network(&service, &subnets.iter().collect::<Vec<_>>());
    account.edit_service(&service, |service| {
        if !number.is_multiple_of(5) {
            set_launch(service, Some(LaunchType::Fargate), &[]);
        }
        let mut configuration = service.network_configuration.clone().unwrap();
        configuration.security_groups = vec![group];
        set_network(service, configuration);
    });
    service
}

/// Runs every service: its tasks with their ENIs, the health of its targets, and its last event.
fn run(account: &mut Account) {
    let subnets: Vec<Subnet> = account.data.subnets.items().to_vec();
    let mut room = Room::of(account, &subnets);
    for instance in account.data.instances.items() {
        let subnet = &subnets[room.subnets[instance.subnet_id.as_ref().unwrap()]];
        let primary = &instance.network_interfaces[0];
        let mut shown = requester_managed("", subnet, &[], &primary.private_ips[0]);
        shown.id = primary.id.clone();
        shown.security_group_ids.clone_from(&primary.security_group_ids);
        push(&mut account.data.network_interfaces, shown);
    }
    let count = i32::try_from(TASKS_PER_SERVICE).unwrap();
    for service in account.data.services.items_mut().unwrap() {
        set_counts(service, count, count);
        service.events = vec![steady(service)];
        for number in 0..TASKS_PER_SERVICE {
            let subnet = &service.network_configuration.as_ref().unwrap().subnets;
            let subnet = &subnets[room.subnets[&subnet[number % subnet.len()]]];
            let task = task(service, number, subnet, &mut room);
            for balancer in &service.load_balancers {
                let address = task.network_interface.as_ref().unwrap().private_ipv4_address.clone().unwrap();
                let target = TargetHealth {
                    target_group_arn: balancer.target_group_arn.clone().unwrap(),
                    target_id: address,
                    port: Some(8080),
                    availability_zone: Some(subnet.availability_zone.clone().into()),
                    state: "healthy".into(),
                    reason: None,
                    description: None,
                };
                push(&mut account.data.target_health, target);
            }
            let shown = shown(service, &task, subnet);
            push(&mut account.data.network_interfaces, shown);
            push(&mut account.data.tasks, task);
        }
    }
    for instance in account.data.container_instances.items_mut().unwrap() {
        let tasks = room.tasks_on.get(&instance.arn).copied().unwrap_or(0);
        instance.running_tasks_count = tasks;
        instance.remaining_resources.cpu_units -= 256 * i64::from(tasks);
        instance.remaining_resources.memory_mib -= 512 * i64::from(tasks);
    }
    for subnet in account.data.subnets.items_mut().unwrap() {
        subnet.available_ip_address_count -= i32::try_from(room.taken[room.subnets[&subnet.id]]).unwrap();
    }
    push(&mut account.data.network_interface_quota, NetworkInterfaceQuota { interfaces_per_zone: 100_000 });
}

/// Where tasks go: the next free address of each subnet, the next instance of each cluster and zone.
struct Room {
    /// Positions of the subnets.
    subnets: BTreeMap<SubnetId, usize>,
    /// Addresses taken, by the subnet's position.
    taken: Vec<usize>,
    instances: BTreeMap<(Arn, String), Vec<Arn>>,
    tasks_on: BTreeMap<Arn, i32>,
}

impl Room {
    fn of(account: &Account, subnets: &[Subnet]) -> Self {
        let zone = |instance: &ContainerInstance| instance.attributes["ecs.availability-zone"].clone().unwrap();
        let mut instances: BTreeMap<_, Vec<Arn>> = BTreeMap::new();
        for instance in account.data.container_instances.items() {
            let key = (instance.cluster_arn.clone(), zone(instance));
            instances.entry(key).or_default().push(instance.arn.clone());
        }
        Self {
            subnets: subnets.iter().enumerate().map(|(position, subnet)| (subnet.id.clone(), position)).collect(),
            taken: vec![0; subnets.len()],
            instances,
            tasks_on: BTreeMap::new(),
        }
    }

    fn address(&mut self, subnet: &Subnet) -> String {
        let taken = &mut self.taken[self.subnets[&subnet.id]];
        *taken += 1;
        // The instances and endpoints have the first ones.
        let first = u32::from(subnet.cidr_block.unwrap().network()) + 256;
        std::net::Ipv4Addr::from(first + u32::try_from(*taken).unwrap()).to_string()
    }

    /// The instance in a zone with the fewest tasks.
    fn instance(&mut self, cluster: &Arn, zone: &str) -> Arn {
        let instances = &self.instances[&(cluster.clone(), zone.to_owned())];
        let fewest = instances.iter().min_by_key(|arn| self.tasks_on.get(*arn).copied().unwrap_or(0)).unwrap().clone();
        *self.tasks_on.entry(fewest.clone()).or_default() += 1;
        fewest
    }
}

fn task(service: &Service, number: usize, subnet: &Subnet, room: &mut Room) -> Task {
    let mut task = running_task(service, &format!("{}-{number}", service.name));
    task.started_by = Some(format!("ecs-svc/{}", service.name).into());
    let seen = task.network_interface.as_mut().unwrap();
    seen.subnet_id = Some(subnet.id.clone());
    seen.private_ipv4_address = Some(room.address(subnet).into());
    if service.launch_type == Some(LaunchType::Fargate) {
        task.platform_version = Some("1.4.0".into());
        task.platform_family = Some("Linux".into());
    } else {
        task.container_instance_arn = Some(room.instance(&service.cluster_arn, &subnet.availability_zone));
    }
    task.containers.push(TaskContainer {
        name: "app".into(),
        last_status: "RUNNING".into(),
        reason: None,
        network_bindings: Vec::new(),
    });
    task
}

/// The ENI of a task as DescribeNetworkInterfaces shows it: a branch of the trunk on container instances.
fn shown(service: &Service, task: &Task, subnet: &Subnet) -> NetworkInterface {
    let seen = task.network_interface.as_ref().unwrap();
    let groups: Vec<_> = service.network_configuration.as_ref().unwrap().security_groups.iter().collect();
    let on_fargate = task.container_instance_arn.is_none();
    NetworkInterface {
        id: NetworkInterfaceId::from(seen.network_interface_id.as_ref().unwrap().as_str()),
        interface_type: if on_fargate { "interface" } else { "branch" }.into(),
        description: format!("arn:aws:ecs:{REGION}:{ACCOUNT}:attachment/{}", &id("a", task.arn.name())[2..]).into(),
        ..requester_managed("", subnet, &groups, seen.private_ipv4_address.as_ref().unwrap())
    }
}

fn steady(service: &Service) -> ServiceEvent {
    let message = format!("(service {}) has reached a steady state.", service.name);
    ServiceEvent { created_at: Some(now() - SignedDuration::from_hours(1)), message }
}

/// 5,000 container instances in ten clusters with ten awsvpc tasks on each, of five services a cluster, and a service
/// with a static host port in each.
pub fn five_thousand_instances() -> Account {
    let mut account = Account::new();
    let network = network(&mut account, 0);
    for number in 0..10 {
        let cluster = account.cluster(&format!("fleet-{number}"));
        let services: Vec<Arn> = (0..5)
            .map(|service| {
                let name = format!("fleet-{number}-{service}");
                let definition = account.definition(&name, Some(NetworkMode::Awsvpc), vec![web()]);
                let service = account.service(&cluster, &name, &definition);
                account.network(&service, &network.private.iter().collect::<Vec<_>>());
                account.edit_service(&service, |service| set_counts(service, 1000, 1000));
                service
            })
            .collect();
        let name = format!("edge-{number}");
        let edge = container(&name, &ecr("edge")).port(443, Some(443));
        let edge = account.definition(&name, Some(NetworkMode::Bridge), vec![edge]);
        let edge = account.service(&cluster, &name, &edge);
        account.edit_service(&edge, |service| set_counts(service, 400, 400));
        for instance in 0..500 {
            let name = format!("fleet-{number}-{instance}");
            let arn = account.container_instance(&cluster, &name, "m5.large", &network.private[instance % 4]);
            account.trunk(&arn);
            for task in 0..10 {
                account.task_on(&services[task % 5], &arn, &format!("{name}-{task}"));
            }
        }
    }
    account
}
