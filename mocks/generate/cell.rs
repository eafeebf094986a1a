//! A VPC with its network, its clusters and its services.

use ecs_network_audit::snapshot::enums::{LaunchType, NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::{Arn, SecurityGroupId, SubnetId, VpcId};
use jiff::SignedDuration;

use super::{Random, Size, tasks};
use crate::account::{Account, id, now};
use crate::compute::{container, ecr, set_counts, set_launch, web};

const ZONES: [&str; 2] = ["a", "b"];
/// Load balancers take no more than 100 rules.
const SERVICES_A_BALANCER: usize = 50;

/// A VPC and what is in it.
pub(super) struct Cell {
    pub(super) account: Account,
    pub(super) vpc: VpcId,
    pub(super) public: Vec<SubnetId>,
    pub(super) private: Vec<SubnetId>,
    pub(super) isolated: Vec<SubnetId>,
    pub(super) services: Vec<Made>,
}

/// A container instance and where it is.
pub(super) struct Host {
    pub(super) arn: Arn,
    pub(super) cluster: Arn,
    pub(super) subnet: SubnetId,
}

/// A service as it was made.
pub(super) struct Made {
    pub(super) arn: Arn,
    pub(super) group: SecurityGroupId,
    /// The target group, behind a load balancer with this security group.
    pub(super) balanced: Option<(Arn, SecurityGroupId)>,
    pub(super) is_fargate: bool,
    pub(super) is_isolated: bool,
}

impl Made {
    /// `cluster/service`, as reports name it.
    pub(super) fn name(&self) -> String {
        let parts: Vec<&str> = self.arn.as_str().rsplitn(3, '/').collect();
        format!("{}/{}", parts[1], parts[0])
    }
}

impl Cell {
    pub(super) fn new(number: usize, size: &Size, random: &mut Random) -> Self {
        let mut cell = Self::network(number);
        let clusters: Vec<Arn> =
            (0..size.clusters).map(|cluster| cell.account.cluster(&format!("cluster-{number}-{cluster}"))).collect();
        let hosts = cell.hosts(number, &clusters, size.instances);
        let mut balancer = None;
        for at in 0..size.services {
            let cluster = &clusters[at % clusters.len()];
            let name = format!("service-{number}-{at}");
            let made = cell.service(cluster, &name, at, random, &hosts, &mut balancer);
            let count = size.tasks * (at + 1) / size.services - size.tasks * at / size.services;
            let has_two = size.revisions.saturating_sub(size.services) > at;
            if has_two {
                cell.roll_out(&made, count);
            }
            let desired = i32::try_from(count).expect("a service has fewer tasks");
            if !has_two {
                cell.account.edit_service(&made.arn, |service| set_counts(service, desired, desired));
            }
            tasks::run(&mut cell.account, &made, at, count, &hosts, random);
            cell.services.push(made);
        }
        tasks::count(&mut cell.account);
        cell
    }

    fn network(number: usize) -> Self {
        let mut account = Account::new();
        let vpc = account.vpc(&format!("vpc-{number}"), &format!("10.{number}.0.0/16"));
        let (mut public, mut private, mut isolated) = (Vec::new(), Vec::new(), Vec::new());
        for (at, zone) in ZONES.iter().enumerate() {
            let cidr = |third: usize, length: u8| format!("10.{number}.{third}.0/{length}");
            let open = account.public_subnet(&vpc, &format!("public-{number}-{zone}"), &cidr(at * 8, 21), zone);
            let nat = account.nat_gateway(&format!("nat-{number}-{zone}"), &open);
            let name = format!("private-{number}-{zone}");
            private.push(account.private_subnet(&vpc, &name, &cidr(64 + at * 32, 19), zone, &nat));
            isolated.push(account.subnet(&vpc, &format!("isolated-{number}-{zone}"), &cidr(128 + at * 32, 19), zone));
            public.push(open);
        }
        let table = account.route_table(&vpc, &format!("isolated-{number}"), &[&isolated[0], &isolated[1]]);
        let mut tables = vec![table];
        // The NAT gateways charge for what the S3 endpoint carries for nothing.
        let of_private =
            account.data.route_tables.items().iter().filter(|t| t.subnets.iter().any(|s| private.contains(s)));
        tables.extend(of_private.map(|table| table.id.clone()));
        account.s3_gateway(&vpc, &tables.iter().collect::<Vec<_>>());
        for service in ["ecr.api", "ecr.dkr", "logs", "secretsmanager"] {
            let group = format!("endpoints-{number}");
            account.interface_endpoint_of(&vpc, service, &[&isolated[0], &isolated[1]], &group);
        }
        Self { account, vpc, public, private, isolated, services: Vec::new() }
    }

    /// Container instances, the same number in each cluster and in each of its zones.
    fn hosts(&mut self, number: usize, clusters: &[Arn], count: usize) -> Vec<Host> {
        let mut hosts = Vec::with_capacity(count);
        for at in 0..count {
            let (cluster, zone) = (clusters[at % clusters.len()].clone(), at / clusters.len() % ZONES.len());
            let subnet = self.private[zone].clone();
            let name = format!("instance-{number}-{at}");
            let arn = self.account.container_instance(&cluster, &name, "m5.large", &subnet);
            self.account.trunk(&arn);
            hosts.push(Host { arn, cluster, subnet });
        }
        self.own_host_group(number);
        hosts
    }

    /// The vocabulary has one security group for all instances, but a group belongs to one VPC.
    fn own_host_group(&mut self, number: usize) {
        let (shared, own) = (id("sg", "instances"), SecurityGroupId::from(id("sg", &format!("instances-{number}"))));
        let data = &mut self.account.data;
        for group in data.security_groups.items_mut().into_iter().flatten().filter(|g| g.id.as_str() == shared) {
            group.id = own.clone();
        }
        for host in data.instances.items_mut().into_iter().flatten() {
            for interface in &mut host.network_interfaces {
                interface.id = id("eni", &format!("{}/{}", host.id, interface.device_index)).into();
                interface.security_group_ids = vec![own.clone()];
            }
        }
        // The trunk is named by the instance as well.
        let hosts = data.instances.items().iter();
        let trunks: Vec<_> = hosts.map(|host| (host.id.clone(), host.network_interfaces[1].id.clone())).collect();
        for instance in data.container_instances.items_mut().into_iter().flatten() {
            let trunk = trunks.iter().find(|(host, _)| Some(host) == instance.ec2_instance_id.as_ref());
            let trunk = trunk.map(|(_, trunk)| trunk.as_str().to_owned());
            instance.attributes.insert("ecs.awsvpc-trunk-id".to_owned(), trunk);
        }
    }

    fn service(
        &mut self,
        cluster: &Arn,
        name: &str,
        at: usize,
        random: &mut Random,
        hosts: &[Host],
        balancer: &mut Option<(Arn, SecurityGroupId, Arn)>,
    ) -> Made {
        let has_secret = random.one_in(3);
        let is_isolated = random.one_in(4);
        // A tenth of them, at odd and even places in turn, so that two clusters have some each.
        let is_fargate = (at + at / 10) % 10 != 9;
        let app = match has_secret {
            true => container("app", &ecr(&format!("team-{}/app", at % 40)))
                .awslogs()
                .port(8080, None)
                .secret("arn:aws:secretsmanager:eu-west-1:111122223333:secret:database-AbCdEf"),
            false => web(),
        };
        let definition = self.account.definition(name, Some(NetworkMode::Awsvpc), vec![app]);
        let is_isolated = is_isolated && is_fargate;
        let subnets = if is_isolated { &self.isolated } else { &self.private };
        let mut subnets: Vec<SubnetId> = subnets.clone();
        if !is_fargate {
            // Tasks start where instances are.
            let of_cluster = || hosts.iter().filter(|host| host.cluster == *cluster);
            subnets.retain(|subnet| of_cluster().next().is_none() || of_cluster().any(|host| host.subnet == *subnet));
        }
        let subnets: Vec<&SubnetId> = subnets.iter().collect();
        let group = self.account.security_group(&self.vpc, name);
        let arn = match is_fargate {
            true => self.account.fargate_service(cluster, name, &definition, &subnets),
            false => {
                let arn = self.account.service(cluster, name, &definition);
                self.account.network(&arn, &subnets);
                self.account.edit_service(&arn, |service| set_launch(service, Some(LaunchType::Ec2), &[]));
                arn
            }
        };
        let balanced = at.is_multiple_of(2).then(|| self.balance(&arn, name, &group, at, balancer));
        Made { arn, group, balanced, is_fargate, is_isolated }
    }

    /// Puts a service behind the current load balancer.
    fn balance(
        &mut self,
        service: &Arn,
        name: &str,
        group: &SecurityGroupId,
        at: usize,
        balancer: &mut Option<(Arn, SecurityGroupId, Arn)>,
    ) -> (Arn, SecurityGroupId) {
        let target_group = self.account.target_group(name, TargetType::Ip, &self.vpc);
        let priority = (at / 2) % SERVICES_A_BALANCER;
        if priority == 0 {
            let alb = self.account.alb(name, &[&self.public[0], &self.public[1]]);
            let balancers = self.account.data.load_balancers.items();
            let own = balancers.iter().find(|b| b.arn == alb).expect("it was just made").security_groups[0].clone();
            let listener = self.account.listener(&alb, 80, &target_group);
            *balancer = Some((alb, own, listener));
        }
        let (alb, alb_group, listener) = balancer.clone().expect("the first service makes it");
        if priority > 0 {
            self.account.edit_target_group(&target_group, |group| group.load_balancer_arns.push(alb));
            self.account.listener_rule(&listener, &priority.to_string(), &[(&target_group, 1)]);
        }
        self.account.register(service, &target_group);
        self.account.admit_group(group, "tcp", 8080, 8080, &alb_group);
        self.account.edit_service(service, |service| service.health_check_grace_period_seconds = Some(60));
        (target_group, alb_group)
    }

    /// A deployment that began two minutes ago: half of the tasks are of the revision before.
    fn roll_out(&mut self, made: &Made, count: usize) {
        let definitions = self.account.data.task_definitions.items();
        let family = made.arn.name().to_owned();
        let mut newer = definitions.iter().rfind(|d| d.family == family).expect("it was just made").clone();
        let older = newer.arn.clone();
        newer.arn = Arn::from(older.as_str().replace(&format!("{family}:1"), &format!("{family}:2")));
        newer.revision = 2;
        let arn = newer.arn.clone();
        crate::account::push(&mut self.account.data.task_definitions, newer);
        let half = i32::try_from(count / 2).expect("a service has fewer tasks");
        let all = i32::try_from(count).expect("a service has fewer tasks");
        self.account.edit_service(&made.arn, |service| {
            set_counts(service, all, all);
            service.task_definition = Some(arn.clone());
            let mut first = service.deployments[0].clone();
            (first.id, first.status) = (format!("{}/2", first.id), "PRIMARY".to_owned());
            (first.task_definition, first.running_count) = (Some(arn), half);
            first.rollout_state = Some("IN_PROGRESS".to_owned());
            first.created_at = Some(now() - SignedDuration::from_mins(2));
            first.updated_at = first.created_at;
            let before = &mut service.deployments[0];
            before.status = "ACTIVE".to_owned();
            before.running_count = all - half;
            service.deployments.insert(0, first);
        });
    }
}
