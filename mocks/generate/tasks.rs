//! The running tasks of a service, with their interfaces and their health.

use std::net::Ipv4Addr;

use ecs_network_audit::snapshot::ecs::{Service, Task, TaskContainer, TaskNetworkInterface};
use ecs_network_audit::snapshot::elb::TargetHealth;
use ecs_network_audit::snapshot::ids::{Arn, NetworkInterfaceId};
use ecs_network_audit::snapshot::vpc::{NetworkInterface, Subnet};
use jiff::SignedDuration;

use super::Random;
use super::cell::{Host, Made};
use crate::account::{ACCOUNT, Account, REGION, now, push};
use crate::interfaces::requester_managed;

/// Addresses that a cell's subnets keep for instances, endpoints and nodes.
const RESERVED: u32 = 512;

/// Starts the tasks, in each zone on one container instance after the other.
pub(super) fn run(account: &mut Account, made: &Made, at: usize, count: usize, hosts: &[Host], random: &mut Random) {
    let services = account.data.services.items();
    let service = services.iter().rfind(|service| service.arn == made.arn).expect("it was just made").clone();
    let network = service.network_configuration.as_ref().expect("every service has its network");
    let of_service = |subnet: &&Subnet| network.subnets.contains(&subnet.id);
    let subnets: Vec<Subnet> = account.data.subnets.items().iter().filter(of_service).cloned().collect();
    let template = requester_managed("task", &subnets[0], &[&made.group], "");
    account.event(&made.arn, &format!("(service {}) has reached a steady state.", service.name));
    let of_zone = |subnet: &Subnet| -> Vec<&Arn> {
        let near = hosts.iter().filter(|host| host.cluster == service.cluster_arn && host.subnet == subnet.id);
        near.filter(|_| !made.is_fargate).map(|host| &host.arn).collect()
    };
    let hosts: Vec<Vec<&Arn>> = subnets.iter().map(of_zone).collect();
    for number in 0..count {
        let (zone, round) = (number % subnets.len(), number / subnets.len());
        let (subnet, hosts) = (&subnets[zone], &hosts[zone]);
        let address = address(subnet, account.data.tasks.items().len());
        let host = (!hosts.is_empty()).then(|| hosts[(at / 9 + round) % hosts.len()]);
        let interface = NetworkInterfaceId::from(format!("eni-0{:016x}", random.number()));
        let shown = NetworkInterface {
            id: interface.clone(),
            subnet_id: subnet.id.clone(),
            availability_zone: subnet.availability_zone.clone().into(),
            private_ips: vec![address.clone().into()],
            ..template.clone()
        };
        push(&mut account.data.network_interfaces, shown);
        let task = task(&service, number, subnet, &address, interface, host, random);
        push(&mut account.data.tasks, task);
        if let Some((target_group, _)) = &made.balanced {
            push(
                &mut account.data.target_health,
                TargetHealth {
                    target_group_arn: target_group.clone(),
                    target_id: address.into(),
                    port: Some(8080),
                    availability_zone: Some(subnet.availability_zone.clone().into()),
                    state: "healthy".into(),
                    reason: None,
                    description: None,
                },
            );
        }
    }
}

/// An address that no other task of the cell has.
fn address(subnet: &Subnet, number: usize) -> String {
    let block = subnet.cidr_block.expect("generated subnets have IPv4");
    let offset = RESERVED + u32::try_from(number).expect("a cell has fewer tasks");
    Ipv4Addr::from(u32::from(block.network()) + offset).to_string()
}

fn task(
    service: &Service,
    number: usize,
    subnet: &Subnet,
    address: &str,
    interface: NetworkInterfaceId,
    host: Option<&Arn>,
    random: &mut Random,
) -> Task {
    let deployment = &service.deployments[number % service.deployments.len()];
    let definition = deployment.task_definition.clone().expect("every deployment has one");
    let cluster = service.cluster_arn.name();
    let name = format!("{:016x}{:016x}", random.number(), random.number());
    let started = deployment.created_at.map(|at| at + SignedDuration::from_secs(40)).unwrap_or(now());
    let ago = Some(started);
    Task {
        arn: Arn::from(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task/{cluster}/{name}")),
        cluster_arn: service.cluster_arn.clone(),
        task_definition_arn: definition,
        group: Some(format!("service:{}", service.name).into()),
        started_by: Some(deployment.id.clone().into()),
        last_status: "RUNNING".into(),
        desired_status: "RUNNING".into(),
        launch_type: service.launch_type.clone(),
        capacity_provider_name: None,
        container_instance_arn: host.cloned(),
        platform_version: host.is_none().then(|| "1.4.0".into()),
        platform_family: host.is_none().then(|| "Linux".into()),
        enable_execute_command: false,
        created_at: deployment.created_at,
        started_at: ago,
        stopped_at: None,
        stopping_at: None,
        stop_code: None,
        stopped_reason: None,
        network_interface: Some(TaskNetworkInterface {
            status: "ATTACHED".into(),
            network_interface_id: Some(interface),
            subnet_id: Some(subnet.id.clone()),
            private_ipv4_address: Some(address.into()),
            ipv6_address: None,
        }),
        containers: vec![TaskContainer {
            name: "app".into(),
            last_status: "RUNNING".into(),
            reason: None,
            network_bindings: Vec::new(),
        }],
    }
}

/// What clusters and instances say of how much runs on them.
pub(super) fn count(account: &mut Account) {
    let data = &mut account.data;
    let (services, tasks) = (data.services.items(), data.tasks.items());
    let mut clusters = data.clusters.clone();
    for cluster in clusters.items_mut().into_iter().flatten() {
        let of_cluster = |arn: &Arn| *arn == cluster.arn;
        let number = |count: usize| i32::try_from(count).expect("a cluster has fewer");
        cluster.active_services_count = number(services.iter().filter(|s| of_cluster(&s.cluster_arn)).count());
        cluster.running_tasks_count = number(tasks.iter().filter(|t| of_cluster(&t.cluster_arn)).count());
        let hosts = data.container_instances.items().iter();
        cluster.registered_container_instances_count = number(hosts.filter(|i| of_cluster(&i.cluster_arn)).count());
    }
    data.clusters = clusters;
    let on_hosts: Vec<&Arn> = tasks.iter().filter_map(|task| task.container_instance_arn.as_ref()).collect();
    for host in data.container_instances.items_mut().into_iter().flatten() {
        let running = on_hosts.iter().filter(|arn| ***arn == host.arn).count();
        host.running_tasks_count = i32::try_from(running).expect("an instance has fewer tasks");
        host.remaining_resources.cpu_units -= 256 * i64::from(host.running_tasks_count);
        host.remaining_resources.memory_mib -= 512 * i64::from(host.running_tasks_count);
    }
}
