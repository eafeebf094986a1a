//! The cluster `legacy`: nobody has looked at its settings for years.

use ecs_network_audit::snapshot::enums::{NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::Arn;

use super::Network;
use crate::account::{ACCOUNT, Account, REGION};
use crate::compute::{container, ecr, set_launch, set_network, set_platform};

pub(super) fn legacy(account: &mut Account, network: &Network) {
    let cluster = account.cluster("legacy");
    let provider = account.capacity_provider("legacy", 1, 3, &[&network.private[0]]);
    account.edit_cluster(&cluster, |cluster| {
        cluster.settings.insert("containerInsights".to_owned(), "disabled".to_owned());
        cluster.capacity_providers.push(provider.clone());
    });
    account.termination_protection(&provider, false);
    let instance = account.container_instance(&cluster, "legacy-0", "m5.large", &network.private[0]);
    account.edit_instance(&instance, |instance| instance.capacity_provider_name = Some(provider.clone()));
    account.instance_role(&instance, "optional", 2);
    let checker = account.definition(
        "link-checker",
        Some(NetworkMode::Bridge),
        vec![container("link-checker", &ecr("link-checker")).awslogs()],
    );
    let service = account.service(&cluster, "link-checker", &checker);
    account.edit_service(&service, |service| set_launch(service, None, &[&provider]));
    subscriptions(account, &cluster);
}

/// An old platform, an image that nobody scans, and one group for all, in a VPC without a flow log.
fn subscriptions(account: &mut Account, cluster: &Arn) {
    let vpc = account.vpc("acquired", "10.60.0.0/16");
    account.data.flow_logs.items_mut().unwrap().retain(|log| log.resource_id != vpc.as_str());
    let public = [
        account.public_subnet(&vpc, "acquired-public-a", "10.60.0.0/24", "a"),
        account.public_subnet(&vpc, "acquired-public-b", "10.60.1.0/24", "b"),
    ];
    let nats = [account.nat_gateway("acquired-nat-a", &public[0]), account.nat_gateway("acquired-nat-b", &public[1])];
    let [a, b] = [
        account.private_subnet(&vpc, "acquired-private-a", "10.60.16.0/20", "a", &nats[0]),
        account.private_subnet(&vpc, "acquired-private-b", "10.60.32.0/20", "b", &nats[1]),
    ];
    let secret = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:subscriptions/db-AbCdEf");
    let app = container("app", &ecr("subscriptions")).awslogs().secret(&secret).port(8080, None);
    let definition = account.definition("subscriptions", Some(NetworkMode::Awsvpc), vec![app]);
    account.edit_repository("subscriptions", |repository| repository.scan_on_push = false);
    let service = account.fargate_service(cluster, "subscriptions", &definition, &[&a, &b]);
    let alb = account.alb("subscriptions", &[&public[0], &public[1]]);
    let target_group = account.target_group("subscriptions", TargetType::Ip, &vpc);
    account.listener(&alb, 80, &target_group);
    account.register(&service, &target_group);
    let group = account.data.load_balancers.items().last().unwrap().security_groups[0].clone();
    account.admit(&group, "tcp", 443, 443, "10.60.0.0/16");
    account.admit_group(&group, "tcp", 8080, 8080, &group);
    account.interface_endpoint_of(&vpc, "logs", &[&a, &b], "subscriptions-alb");
    account.edit_service(&service, |service| {
        let mut network = service.network_configuration.clone().unwrap();
        network.security_groups = vec![group];
        set_network(service, network);
        set_platform(service, "1.3.0");
    });
}
