//! The cluster `support`: what fails while nobody looks.

use ecs_network_audit::snapshot::enums::NetworkMode;
use jiff::SignedDuration;

use super::Network;
use crate::account::{Account, now};
use crate::compute::{container, ecr, set_counts, web};

pub(super) fn support(account: &mut Account, network: &Network) {
    let cluster = account.cluster("support");
    let [a, b] = &network.private;
    let old = account.container_instance(&cluster, "support-0", "m5.large", a);
    account.edit_instance(&old, |instance| instance.agent_version = Some("1.47.0".to_owned()));
    let lost = account.container_instance(&cluster, "support-1", "m5.large", b);
    account.edit_instance(&lost, |instance| {
        instance.agent_connected = false;
        instance.agent_connected_at_end = Some(false);
    });

    let helpdesk = account.definition("helpdesk", Some(NetworkMode::Bridge), vec![web()]);
    let helpdesk = account.service(&cluster, "helpdesk", &helpdesk);
    account.edit_service(&helpdesk, |service| service.enable_execute_command = true);

    let scanner = container("scanner", &ecr("virus-scanner"));
    let scanner = account.definition("virus-scanner", Some(NetworkMode::Bridge), vec![scanner]);
    let scanner = account.service(&cluster, "virus-scanner", &scanner);
    account.edit_service(&scanner, |service| set_counts(service, 4, 2));
    let message = "(service virus-scanner) was unable to place a task because no container instance met all of its \
        requirements. The closest matching (container-instance 0123456789abcdef0123456789abcdef) has insufficient memory \
        available. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
    account.event(&scanner, message);

    // Somebody deployed a tag that was never pushed, three days ago.
    let tickets = account.definition("tickets", Some(NetworkMode::Awsvpc), vec![web()]);
    let tickets = account.fargate_service(&cluster, "tickets", &tickets, &[a, b]);
    account.edit_service(&tickets, |service| {
        service.deployment_configuration.circuit_breaker = false;
        set_counts(service, 2, 0);
        let deployment = &mut service.deployments[0];
        deployment.rollout_state = Some("IN_PROGRESS".to_owned());
        deployment.failed_tasks = 212;
        deployment.updated_at = Some(now() - SignedDuration::from_mins(10));
    });
    for number in 0..2 {
        let reason = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
            111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1: \
            111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1: not found";
        account.stopped_task(&tickets, &format!("tickets-{number}"), reason);
    }
}
