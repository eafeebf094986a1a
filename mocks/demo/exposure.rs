//! The cluster `campaigns`: services that a hurried team put on the internet, and what they carry with them.

use ecs_network_audit::snapshot::enums::{NetworkMode, TargetType};
use ecs_network_audit::snapshot::ids::{Arn, SecurityGroupId};

use super::{Network, balancing};
use crate::account::Account;
use crate::accounts::assign_public_ip_of;
use crate::compute::{container, ecr, variable, web};

pub(super) fn campaigns(account: &mut Account, network: &Network) {
    let cluster = account.cluster("campaigns");
    landing_page(account, network, &cluster);
    mailings(account, network, &cluster);
    let [a, b] = &network.private;

    let partners = account.definition("partner-api", Some(NetworkMode::Awsvpc), vec![web()]);
    let partners = account.fargate_service(&cluster, "partner-api", &partners, &[a, b]);
    balancing::attach(account, &partners, "partner-api", TargetType::Ip, network);
    account.admit(&account.group_of(&partners), "tcp", 8080, 8080, "0.0.0.0/0");

    let raffle = container("app", &ecr("raffle"))
        .log("awslogs", &[("awslogs-group", "/ecs/raffle"), ("awslogs-region", "eu-west-1"), ("mode", "blocking")]);
    let raffle = account.definition("raffle", Some(NetworkMode::Awsvpc), vec![raffle]);
    account.edit_definition(&raffle, |definition| definition.execution_role_arn = None);
    account.fargate_service(&cluster, "raffle", &raffle, &[a, b]);

    // Its instances are open to everyone who finds them.
    let banners = account.definition("banners", Some(NetworkMode::Bridge), vec![web()]);
    account.edit_definition(&banners, |definition| definition.task_role_arn = None);
    account.service(&cluster, "banners", &banners);
    account.ensure_group(&network.vpc, "campaign-instances");
    let group = SecurityGroupId::from(crate::account::id("sg", "campaign-instances"));
    account.admit(&group, "tcp", 32768, 65535, "0.0.0.0/0");
    for (number, subnet) in network.public.iter().enumerate() {
        let instance = account.container_instance(&cluster, &format!("campaigns-{number}"), "m5.large", subnet);
        account.edit_host(&instance, |host| {
            host.network_interfaces[0].security_group_ids = vec![group.clone()];
            host.network_interfaces[0].public_ip = Some(format!("203.0.113.{}", 20 + number));
        });
        account.instance_role(&instance, "optional", 2);
    }
}

fn landing_page(account: &mut Account, network: &Network, cluster: &Arn) {
    let page = container("page", &ecr("landing-page")).awslogs().port(443, None).with(|container| {
        container.user = None;
        container.readonly_root_filesystem = false;
    });
    let sidecar = container("metrics", &ecr("metrics"));
    let definition = account.definition("landing-page", Some(NetworkMode::Awsvpc), vec![page, sidecar]);
    let [a, b] = &network.public;
    let service = account.fargate_service(cluster, "landing-page", &definition, &[a, b]);
    assign_public_ip_of(account, &service, true);
    account.admit(&account.group_of(&service), "tcp", 443, 443, "0.0.0.0/0");
    for number in 0..2 {
        account.task(&service, &format!("landing-page-{number}"));
    }
}

fn mailings(account: &mut Account, network: &Network, cluster: &Arn) {
    let app = container("app", &ecr("mailings")).awslogs().with(|container| {
        container.environment = vec![
            variable("SMTP_HOST", None, None),
            variable("SMTP_PASSWORD", None, None),
            variable("UPLOAD_KEY", Some("aws-access-key-id"), None),
        ];
    });
    let definition = account.definition("mailings", Some(NetworkMode::Awsvpc), vec![app]);
    let [a, b] = &network.public;
    let service = account.fargate_service(cluster, "mailings", &definition, &[a, b]);
    assign_public_ip_of(account, &service, true);
}
