//! The cluster `fleet`: interfaces, addresses, ports and deployments that will not fit.

use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use ecs_network_audit::snapshot::enums::{NetworkMode, SchedulingStrategy};
use ecs_network_audit::snapshot::ids::{Arn, SubnetId};
use jiff::SignedDuration;

use super::Network;
use crate::account::{Account, now};
use crate::compute::{container, ecr, set_counts, set_launch, web};

pub(super) fn fleet(account: &mut Account, network: &Network) {
    let cluster = account.cluster("fleet");
    let [a, b] = &network.private;
    // One instance came up before trunking was turned on.
    let old = instance(account, &cluster, "fleet-0", "m5.large", a);
    let new = instance(account, &cluster, "fleet-1", "m5.large", b);
    account.trunk(&new);
    account.edit_host(&old, |host| host.launch_time = Some(now() - SignedDuration::from_hours(5000)));
    let burst = instance(account, &cluster, "fleet-2", "t3.large", a);
    role(account, &burst, "burst");

    let agent = account.definition("agent", Some(NetworkMode::Awsvpc), vec![container("agent", &ecr("agent"))]);
    let daemon = account.service(&cluster, "agent", &agent);
    account.network(&daemon, &[a, b]);
    account.edit_service(&daemon, |service| {
        service.scheduling_strategy = SchedulingStrategy::Daemon;
        set_counts(service, 0, 0);
    });

    let sessions = account.definition("sessions", Some(NetworkMode::Awsvpc), vec![web()]);
    let sessions = account.service(&cluster, "sessions", &sessions);
    account.network(&sessions, &[a]);
    confine(account, &sessions, "burst");
    for number in 0..2 {
        account.task_on(&sessions, &burst, &format!("sessions-{number}"));
    }

    ports(account, &cluster, &[&old, &new]);
    deployments(account, &cluster, network);
}

fn instance(account: &mut Account, cluster: &Arn, name: &str, instance_type: &str, subnet: &SubnetId) -> Arn {
    let instance = account.container_instance(cluster, name, instance_type, subnet);
    account.edit_instance(&instance, |instance| {
        let reserved = vec![22, 2375, 2376, 51678, 51679];
        instance.registered_resources.ports.clone_from(&reserved);
        instance.remaining_resources.ports = reserved;
    });
    instance
}

fn role(account: &mut Account, instance: &Arn, role: &str) {
    account.edit_instance(instance, |instance| {
        instance.attributes.insert("role".to_owned(), Some(role.to_owned()));
    });
}

fn confine(account: &mut Account, service: &Arn, role: &str) {
    account.edit_service(service, |service| {
        service.placement_constraints.push(PlacementConstraint {
            kind: "memberOf".to_owned(),
            expression: Some(format!("attribute:role == {role}")),
        });
    });
}

/// Static host ports, on the two general-purpose instances.
fn ports(account: &mut Account, cluster: &Arn, instances: &[&Arn; 2]) {
    for instance in instances {
        role(account, instance, "edge");
    }
    let bridge = |account: &mut Account, name: &str, ports: &[u16]| {
        let all = ports.iter().fold(container(name, &ecr(name)), |all, port| all.port(*port, Some(*port)));
        let definition = account.definition(name, Some(NetworkMode::Bridge), vec![all]);
        let service = account.service(cluster, name, &definition);
        confine(account, &service, "edge");
        service
    };
    let proxy = bridge(account, "ingress-proxy", &[8443]);
    for (number, instance) in instances.iter().enumerate() {
        account.task_on(&proxy, instance, &format!("ingress-proxy-{number}"));
        account.edit_instance(instance, |instance| {
            instance.remaining_resources.ports.push(8443);
            instance.remaining_resources.ports.sort_unstable();
        });
    }
    for name in ["statsd", "telegraf"] {
        let service = bridge(account, name, &[9125]);
        account.edit_service(&service, |service| {
            service.deployment_configuration.minimum_healthy_percent = Some(0);
            set_counts(service, 2, 0);
        });
    }
    bridge(account, "introspection", &[51678]);
    bridge(account, "tracing", &[40000]);
    let many: Vec<u16> = (12000..12120).collect();
    bridge(account, "gameserver", &many);
}

fn deployments(account: &mut Account, cluster: &Arn, network: &Network) {
    let fargate = |account: &mut Account, name: &str, subnets: &[&SubnetId]| {
        let definition = account.definition(name, Some(NetworkMode::Awsvpc), vec![web()]);
        account.fargate_service(cluster, name, &definition, subnets)
    };
    let [a, b] = &network.private;
    let pricing = fargate(account, "pricing", &[a, b]);
    account.edit_service(&pricing, |service| {
        service.deployment_configuration.minimum_healthy_percent = Some(75);
        service.deployment_configuration.maximum_percent = Some(100);
    });
    let tiny = account.subnet(&network.vpc, "fleet-tiny-a", "10.20.3.0/28", "a");
    account.edit_subnet(&tiny, |subnet| subnet.available_ip_address_count = 2);
    let crawler = fargate(account, "crawler", &[&tiny]);
    account.edit_service(&crawler, |service| set_counts(service, 6, 6));

    let third = account.subnet(&network.vpc, "fleet-private-c", "10.20.48.0/20", "c");
    let indexer = account.definition("indexer", Some(NetworkMode::Awsvpc), vec![web()]);
    let indexer = account.service(cluster, "indexer", &indexer);
    account.network(&indexer, &[&third]);

    let provider = account.capacity_provider("fleet-spot", 2, 2, &[a]);
    let encoder = account.definition("encoder", Some(NetworkMode::Bridge), vec![web()]);
    let encoder = account.service(cluster, "encoder", &encoder);
    account.edit_service(&encoder, |service| {
        set_launch(service, None, &[&provider]);
        set_counts(service, 2, 0);
    });
    let task = account.task(&encoder, "encoder-0");
    account.edit_task(&task, |task| {
        task.last_status = "PROVISIONING".into();
        task.created_at = Some(now() - SignedDuration::from_mins(12));
        task.started_at = None;
    });
}
