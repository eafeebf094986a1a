//! A large account for benchmarks.

use ecs_network_audit::snapshot::enums::{LaunchType, NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::{Arn, SecurityGroupId, SubnetId, VpcId};

use super::account::Account;
use super::compute::{container, ecr, set_counts, set_launch, set_network, web};

const VPCS: usize = 25;
const SERVICES_PER_VPC: usize = 400;
const SERVICES_PER_CLUSTER: usize = 100;
const INSTANCES_PER_CLUSTER: usize = 4;

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
    let mut account = Account::new();
    for number in 0..vpcs {
        let network = network(&mut account, number);
        services(&mut account, number, &network);
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
    account.s3_gateway(&vpc, &[&table]);
    for service in ["ecr.api", "ecr.dkr", "logs", "secretsmanager"] {
        let group = format!("endpoints-{number}");
        account.interface_endpoint_of(&vpc, service, &[&isolated[0], &isolated[1]], &group);
    }
    Network { vpc, public, private, isolated }
}

fn services(account: &mut Account, vpc: usize, network: &Network) {
    let alb = account.alb(&format!("alb-{vpc}"), &[&network.public[0], &network.public[1]]);
    let balancers = account.data.load_balancers.items();
    let alb_group = balancers.iter().find(|b| b.arn == alb).unwrap().security_groups[0].clone();
    let fallback = account.target_group(&format!("fallback-{vpc}"), TargetType::Ip, &network.vpc);
    let listener = account.listener(&alb, 80, &fallback);
    let mut cluster = None;
    for number in 0..SERVICES_PER_VPC {
        if number.is_multiple_of(SERVICES_PER_CLUSTER) {
            cluster = Some(new_cluster(account, vpc, number, network));
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

fn new_cluster(account: &mut Account, vpc: usize, number: usize, network: &Network) -> Arn {
    let cluster = account.cluster(&format!("cluster-{vpc}-{number}"));
    for instance in 0..INSTANCES_PER_CLUSTER {
        let name = format!("instance-{vpc}-{number}-{instance}");
        let instance = account.container_instance(&cluster, &name, "m5.large", &network.private[instance]);
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
