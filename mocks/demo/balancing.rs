//! The cluster `edge`: everything that can stand between a load balancer and its tasks.

use ecs_network_audit::snapshot::enums::{LaunchType, NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::{Arn, SecurityGroupId, SubnetId};

use jiff::SignedDuration;

use super::Network;
use crate::account::Account;
use crate::compute::{set_counts, set_launch, web};

/// A target group behind a load balancer in the public subnets, whose group the tasks admit.
pub(super) fn attach(
    account: &mut Account,
    service: &Arn,
    name: &str,
    target_type: TargetType,
    network: &Network,
) -> (Arn, Arn, SecurityGroupId) {
    let [a, b] = &network.public;
    attach_in(account, service, name, target_type, network, &[a, b])
}

fn attach_in(
    account: &mut Account,
    service: &Arn,
    name: &str,
    target_type: TargetType,
    network: &Network,
    subnets: &[&SubnetId],
) -> (Arn, Arn, SecurityGroupId) {
    let alb = account.alb(name, subnets);
    let group = account.target_group(name, target_type, &network.vpc);
    account.listener(&alb, 80, &group);
    account.register(service, &group);
    let balancer = account.data.load_balancers.items().last().unwrap().security_groups[0].clone();
    let own = account.group_of(service);
    account.admit_group(&own, "tcp", 8080, 8080, &balancer);
    (alb, group, balancer)
}

/// A Fargate service behind a load balancer, with all that tests and stories change about it.
struct Service {
    arn: Arn,
    alb: Arn,
    target_group: Arn,
    group: SecurityGroupId,
    balancer_group: SecurityGroupId,
}

fn fargate(account: &mut Account, cluster: &Arn, name: &str, network: &Network) -> Service {
    let definition = account.definition(name, Some(NetworkMode::Awsvpc), vec![web()]);
    let [a, b] = &network.private;
    let arn = account.fargate_service(cluster, name, &definition, &[a, b]);
    let (alb, target_group, balancer_group) = attach(account, &arn, name, TargetType::Ip, network);
    let group = account.group_of(&arn);
    Service { arn, alb, target_group, group, balancer_group }
}

pub(super) fn edge(account: &mut Account, network: &Network) {
    let cluster = account.cluster("edge");
    let legacy = account.vpc("legacy", "10.30.0.0/16");

    // The listener was deleted with the old stack.
    let basket = fargate(account, &cluster, "basket", network);
    account.data.listener_rules.items_mut().unwrap().retain(|rule| {
        !rule.actions.iter().any(|action| action.target_groups.iter().any(|(arn, _)| *arn == basket.target_group))
    });
    for listener in account.data.listeners.items_mut().unwrap() {
        if listener.load_balancer_arn == basket.alb {
            listener.default_actions[0].kind = "fixed-response".to_owned();
            listener.default_actions[0].target_groups.clear();
        }
    }
    let cart = fargate(account, &cluster, "cart", network);
    account.edit_service(&cart.arn, |service| service.load_balancers[0].container_port = Some(9090));
    account.admit_group(&cart.group, "tcp", 9090, 9090, &cart.balancer_group);
    let coupons = fargate(account, &cluster, "coupons", network);
    account.edit_target_group(&coupons.target_group, |group| group.vpc_id = Some(legacy.clone()));
    let images = fargate(account, &cluster, "images", network);
    account.edit_load_balancer(&images.alb, |balancer| balancer.availability_zones.truncate(1));
    let login = fargate(account, &cluster, "login", network);
    account.edit_group(&login.group, |group| group.ingress.clear());
    account.target_health(&login.target_group, "10.20.16.20", 8080, "unhealthy", Some("Target.Timeout"));
    let orders = fargate(account, &cluster, "orders", network);
    account.edit_target_group(&orders.target_group, |group| group.health_check.port = Some("9000".to_owned()));
    let prices = fargate(account, &cluster, "prices", network);
    account.edit_group(&prices.balancer_group, |group| group.ingress.clear());
    let slow = fargate(account, &cluster, "recommendations", network);
    let reason = "Task failed ELB health checks in (target-group \
        arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/recommendations/0123456789abcdef)";
    account.killed_task(&slow.arn, "recommendations-0", reason, SignedDuration::from_secs(50));
    let reviews = fargate(account, &cluster, "reviews", network);
    account.task(&reviews.arn, "reviews-0");
    account.target_health(&reviews.target_group, "10.20.16.21", 8080, "unhealthy", Some("Target.ResponseCodeMismatch"));

    let tiny = account.public_subnet(&network.vpc, "shop-tiny-a", "10.20.2.0/28", "a");
    let wishlist = account.definition("wishlist", Some(NetworkMode::Awsvpc), vec![web()]);
    let [a, b] = &network.private;
    let wishlist = account.fargate_service(&cluster, "wishlist", &wishlist, &[a, b]);
    attach_in(account, &wishlist, "wishlist", TargetType::Ip, network, &[&tiny, &network.private[1]]);

    let vouchers = account.definition("vouchers", Some(NetworkMode::Awsvpc), vec![web()]);
    let vouchers = account.fargate_service(&cluster, "vouchers", &vouchers, &[a, b]);
    set_groups(account, &vouchers, &[]);
    let stock = account.definition("stock", Some(NetworkMode::Awsvpc), vec![web()]);
    let stock = account.fargate_service(&cluster, "stock", &stock, &[a, b]);
    let foreign = account.security_group(&legacy, "legacy-stock");
    set_groups(account, &stock, &[foreign]);

    // EC2 in bridge mode: dynamic ports that the instances do not admit, and a check of a port nobody maps.
    for (number, subnet) in [a, b].into_iter().enumerate() {
        account.container_instance(&cluster, &format!("edge-{number}"), "m5.large", subnet);
    }
    for (name, port) in [("forum", None), ("newsletter", Some("8080"))] {
        let definition = account.definition(name, Some(NetworkMode::Bridge), vec![web()]);
        let service = account.service(&cluster, name, &definition);
        account.edit_service(&service, |service| {
            set_launch(service, Some(LaunchType::Ec2), &[]);
            set_counts(service, 2, 0);
        });
        let (_, group, _) = attach(account, &service, name, TargetType::Instance, network);
        account.edit_target_group(&group, |group| group.health_check.port = port.map(str::to_owned));
    }
}

fn set_groups(account: &mut Account, service: &Arn, groups: &[SecurityGroupId]) {
    account.edit_service(service, |service| {
        let deployments = service.deployments.iter_mut().filter_map(|d| d.network_configuration.as_mut());
        deployments.chain(&mut service.network_configuration).for_each(|n| n.security_groups = groups.to_vec());
    });
}
