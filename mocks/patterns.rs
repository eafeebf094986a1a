//! One healthy account for each way in which people run ECS, in two zones and behind a load balancer where they have one.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::{NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::{
    Arn, NatGatewayId, RouteTableId, SecurityGroupId, SubnetId, VpcEndpointId, VpcId,
};

use ecs_network_audit::snapshot::vpc::{HostedZone, ZoneRecords};

use super::account::{ACCOUNT, Account, push};
use super::accounts::assign_public_ip_of;
use super::compute::{set_launch, web};

/// An account with one service, and the things that a test breaks.
pub struct Pattern {
    pub account: Account,
    pub vpc: VpcId,
    pub public: [SubnetId; 2],
    /// Where tasks or instances are.
    pub subnets: [SubnetId; 2],
    pub tables: Vec<RouteTableId>,
    pub nats: Vec<NatGatewayId>,
    pub endpoints: Vec<VpcEndpointId>,
    pub cluster: Arn,
    pub definition: Arn,
    pub service: Arn,
    /// Of the tasks, or of the instances where they share theirs.
    pub group: SecurityGroupId,
    pub balancer: Option<Arn>,
    pub balancer_group: Option<SecurityGroupId>,
    pub target_group: Option<Arn>,
    pub listener: Option<Arn>,
    pub instances: Vec<Arn>,
}

/// How the subnets of the tasks reach the world.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Nat,
    Endpoints,
    Public,
}

struct Network {
    account: Account,
    vpc: VpcId,
    public: [SubnetId; 2],
    subnets: [SubnetId; 2],
    tables: Vec<RouteTableId>,
    nats: Vec<NatGatewayId>,
    endpoints: Vec<VpcEndpointId>,
}

fn network(way: Way) -> Network {
    let mut account = Account::new();
    let vpc = account.vpc("main", "10.0.0.0/16");
    let public = [
        account.public_subnet(&vpc, "public-a", "10.0.0.0/24", "a"),
        account.public_subnet(&vpc, "public-b", "10.0.1.0/24", "b"),
    ];
    let (mut nats, mut endpoints, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    let subnets = match way {
        Way::Public => public.clone(),
        Way::Nat => {
            nats = vec![account.nat_gateway("nat-a", &public[0]), account.nat_gateway("nat-b", &public[1])];
            [
                account.private_subnet(&vpc, "private-a", "10.0.16.0/20", "a", &nats[0]),
                account.private_subnet(&vpc, "private-b", "10.0.32.0/20", "b", &nats[1]),
            ]
        }
        Way::Endpoints => {
            let subnets = [
                account.subnet(&vpc, "isolated-a", "10.0.16.0/20", "a"),
                account.subnet(&vpc, "isolated-b", "10.0.32.0/20", "b"),
            ];
            account.route_table(&vpc, "isolated", &[&subnets[0], &subnets[1]]);
            subnets
        }
    };
    for table in account.data.route_tables.items() {
        if table.subnets.iter().any(|subnet| subnets.contains(subnet)) {
            tables.push(table.id.clone());
        }
    }
    if way == Way::Endpoints {
        for service in ["ecr.api", "ecr.dkr", "logs"] {
            endpoints.push(account.interface_endpoint(&vpc, service, &[&subnets[0], &subnets[1]]));
        }
    }
    if way != Way::Public {
        endpoints.push(account.s3_gateway(&vpc, &tables.iter().collect::<Vec<_>>()));
    }
    Network { account, vpc, public, subnets, tables, nats, endpoints }
}

fn of(network: Network, cluster: Arn, definition: Arn, service: Arn) -> Pattern {
    let Network { account, vpc, public, subnets, tables, nats, endpoints } = network;
    let group = account.group_of(&service);
    Pattern {
        account,
        vpc,
        public,
        subnets,
        tables,
        nats,
        endpoints,
        cluster,
        definition,
        service,
        group,
        balancer: None,
        balancer_group: None,
        target_group: None,
        listener: None,
        instances: Vec::new(),
    }
}

fn on_fargate(way: Way) -> Pattern {
    let mut network = network(way);
    let account = &mut network.account;
    let cluster = account.cluster("prod");
    let definition = account.definition("web", Some(NetworkMode::Awsvpc), vec![web()]);
    let [a, b] = network.subnets.clone();
    let service = account.fargate_service(&cluster, "web", &definition, &[&a, &b]);
    of(network, cluster, definition, service)
}

fn on_ec2(mode: NetworkMode) -> Pattern {
    let mut network = network(Way::Nat);
    let account = &mut network.account;
    let cluster = account.cluster("prod");
    let definition = account.definition("web", Some(mode.clone()), vec![web()]);
    let service = account.service(&cluster, "web", &definition);
    let [a, b] = network.subnets.clone();
    if mode == NetworkMode::Awsvpc {
        account.network(&service, &[&a, &b]);
    }
    let instances = [("instance-a", &a), ("instance-b", &b)]
        .map(|(name, subnet)| account.container_instance(&cluster, name, "m5.large", subnet));
    let mut pattern = of(network, cluster, definition, service);
    pattern.instances = instances.to_vec();
    pattern
}

/// Behind an ALB in the public subnets, whose group the tasks or instances admit to these ports.
fn behind_alb(mut pattern: Pattern, target_type: TargetType, ports: (i32, i32)) -> Pattern {
    let [a, b] = pattern.public.clone();
    let alb = pattern.account.alb("web", &[&a, &b]);
    let group = pattern.account.data.load_balancers.items()[0].security_groups[0].clone();
    pattern.account.admit_group(&pattern.group.clone(), "tcp", ports.0, ports.1, &group);
    pattern.balancer_group = Some(group);
    attach(pattern, alb, 80, target_type)
}

fn attach(mut pattern: Pattern, balancer: Arn, port: u16, target_type: TargetType) -> Pattern {
    let target_group = pattern.account.target_group("web", target_type, &pattern.vpc);
    let listener = pattern.account.listener(&balancer, port, &target_group);
    pattern.account.register(&pattern.service, &target_group);
    pattern.balancer = Some(balancer);
    pattern.target_group = Some(target_group);
    pattern.listener = Some(listener);
    pattern
}

/// Fargate in private subnets with a NAT gateway in each zone, behind an ALB.
pub fn fargate_nat() -> Pattern {
    behind_alb(on_fargate(Way::Nat), TargetType::Ip, (8080, 8080))
}

/// Fargate in subnets without a way out, with every endpoint that it needs, behind an ALB.
pub fn fargate_endpoints() -> Pattern {
    behind_alb(on_fargate(Way::Endpoints), TargetType::Ip, (8080, 8080))
}

/// Fargate in public subnets with public addresses.
pub fn fargate_public_ip() -> Pattern {
    let mut pattern = on_fargate(Way::Public);
    assign_public_ip_of(&mut pattern.account, &pattern.service, true);
    pattern
}

/// EC2 in bridge mode with dynamic host ports behind an ALB; a task on each instance.
pub fn ec2_bridge() -> Pattern {
    let mut pattern = behind_alb(on_ec2(NetworkMode::Bridge), TargetType::Instance, (32768, 65535));
    for (number, instance) in pattern.instances.clone().iter().enumerate() {
        let task = pattern.account.task_on(&pattern.service, instance, &format!("web-{number}"));
        pattern.account.bind(&task, "app", 8080, 32768 + u16::try_from(number).unwrap());
    }
    pattern
}

/// EC2 in awsvpc mode on instances with a trunk, behind an ALB.
pub fn ec2_awsvpc() -> Pattern {
    let mut pattern = behind_alb(on_ec2(NetworkMode::Awsvpc), TargetType::Ip, (8080, 8080));
    for (number, instance) in pattern.instances.clone().iter().enumerate() {
        pattern.account.trunk(instance);
        pattern.account.task_on(&pattern.service, instance, &format!("web-{number}"));
    }
    pattern
}

/// Fargate behind an NLB with a security group.
pub fn nlb_with_groups() -> Pattern {
    let mut pattern = on_fargate(Way::Nat);
    let group = pattern.account.security_group(&pattern.vpc.clone(), "web-nlb");
    pattern.account.admit(&group, "tcp", 80, 80, "0.0.0.0/0");
    pattern.account.admit_group(&pattern.group.clone(), "tcp", 8080, 8080, &group);
    let [a, b] = pattern.public.clone();
    let nlb = pattern.account.nlb("web", &[&a, &b], &[&group]);
    pattern.balancer_group = Some(group);
    attach(pattern, nlb, 80, TargetType::Ip)
}

/// Fargate behind an NLB without groups: the tasks admit its two node addresses and nobody else.
pub fn nlb_without_groups() -> Pattern {
    let mut pattern = on_fargate(Way::Nat);
    let [a, b] = pattern.public.clone();
    let nlb = pattern.account.nlb("web", &[&a, &b], &[]);
    let nodes = pattern.account.data.network_interfaces.items().iter().flat_map(|node| node.private_ips.clone());
    for address in nodes.collect::<Vec<_>>() {
        pattern.account.admit(&pattern.group.clone(), "tcp", 8080, 8080, &format!("{address}/32"));
    }
    attach(pattern, nlb, 80, TargetType::Ip)
}

/// The service is in a capacity provider that may not be described.
pub fn on_unread_capacity(mut pattern: Pattern) -> Pattern {
    let provider = pattern.account.capacity_provider("asg", 2, 2, &[&pattern.subnets[0]]);
    pattern.account.edit_service(&pattern.service, |service| set_launch(service, None, &[&provider]));
    pattern.account.deny(Dataset::CapacityProviders, "ecs:DescribeCapacityProviders");
    pattern
}

/// All of them, by name.
pub fn all() -> Vec<(&'static str, Pattern)> {
    vec![
        ("Fargate private + NAT", fargate_nat()),
        ("Fargate isolated + endpoints", fargate_endpoints()),
        ("Fargate public + public IP", fargate_public_ip()),
        ("EC2 bridge + ALB dynamic ports", ec2_bridge()),
        ("EC2 awsvpc + trunk", ec2_awsvpc()),
        ("NLB with groups", nlb_with_groups()),
        ("NLB without groups", nlb_without_groups()),
    ]
}

impl Pattern {
    /// The instances are in the public subnets, with public addresses.
    pub fn publish_instances(&mut self) {
        for (instance, subnet) in self.instances.clone().iter().zip(self.public.clone()) {
            self.account.edit_host(instance, |host| {
                host.subnet_id = Some(subnet.clone());
                host.network_interfaces[0].subnet_id = Some(subnet);
                host.network_interfaces[0].public_ip = Some("203.0.113.9".to_owned());
            });
        }
    }

    /// A private hosted zone of the account with records for these labels only.
    pub fn own_zone(&mut self, name: &str, labels: &[&str]) {
        let id = format!("Z{}", name.len());
        let answers = self.account.data.hosted_zones.items_mut().unwrap();
        answers.iter_mut().find(|answer| answer.vpc_id == self.vpc).unwrap().zones.push(HostedZone {
            id: id.clone(),
            name: name.to_owned(),
            owning_account: Some(ACCOUNT.to_owned()),
            owning_service: None,
        });
        let records = labels.iter().map(|label| (format!("{label}.{name}"), "A".to_owned()));
        push(&mut self.account.data.hosted_zone_records, ZoneRecords { zone_id: id, records: records.collect() });
    }
}
