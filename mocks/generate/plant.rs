//! Known mistakes, each in a service that has no other.

use ecs_network_audit::snapshot::ecs::SecretReference;
use ecs_network_audit::snapshot::enums::TargetType;
use ecs_network_audit::snapshot::ids::SubnetId;

use super::cell::{Cell, Made};
use crate::compute::set_network;

/// The rules that find them.
pub(super) const RULES: &[&str] = &[
    "egress-blocked",
    "load-balancer-path-blocked",
    "s3-gateway-not-routed",
    "target-type-mismatch",
    "vpc-endpoint-missing",
];

/// Services in which each mistake is made once.
const EVERY: usize = 100;

/// Plants the mistakes, and says what has to be found.
pub(super) fn mistakes(cell: &mut Cell, number: usize) -> Vec<(&'static str, String)> {
    let rounds = cell.services.len().div_ceil(EVERY);
    let mut expected = Vec::new();
    for round in 0..rounds {
        let start = round * EVERY;
        let services = start..(start + EVERY).min(cell.services.len());
        let mut left: Vec<usize> = services.collect();
        let mut take = |fits: &dyn Fn(&Made) -> bool, cell: &Cell| {
            let place = left.iter().position(|at| fits(&cell.services[*at]))?;
            Some(left.remove(place))
        };
        // Not in the first one: its target group is the default of the listener.
        let balanced = |made: &Made| made.balanced.is_some() && made.is_fargate && !made.arn.name().ends_with("-0");
        if let Some(at) = take(&balanced, cell) {
            expected.push(("load-balancer-path-blocked", shut_out(cell, at)));
        }
        if let Some(at) = take(&balanced, cell) {
            expected.push(("target-type-mismatch", instance_targets(cell, at)));
        }
        let plain = |made: &Made| made.balanced.is_none() && made.is_fargate && !made.is_isolated;
        if let Some(at) = take(&plain, cell) {
            expected.push(("egress-blocked", shut_in(cell, at)));
        }
        if let Some(at) = take(&plain, cell) {
            expected.push(("s3-gateway-not-routed", in_the_dark(cell, at, number, round)));
        }
        if let Some(at) = take(&plain, cell) {
            expected.push(("vpc-endpoint-missing", without_an_endpoint(cell, at)));
        }
    }
    expected
}

/// The security group of the tasks doesn't admit the load balancer.
fn shut_out(cell: &mut Cell, at: usize) -> String {
    let made = &cell.services[at];
    cell.account.edit_group(&made.group, |group| group.ingress.clear());
    let target_group = made.balanced.as_ref().map(|(target_group, _)| target_group.clone());
    for health in cell.account.data.target_health.items_mut().into_iter().flatten() {
        if Some(&health.target_group_arn) == target_group.as_ref() {
            (health.state, health.reason) = ("unhealthy".into(), Some("Target.Timeout".into()));
        }
    }
    made.name()
}

/// Targets are instances, but tasks of awsvpc mode are addresses.
fn instance_targets(cell: &mut Cell, at: usize) -> String {
    let made = &cell.services[at];
    let (target_group, _) = made.balanced.clone().expect("it was chosen for that");
    cell.account.edit_target_group(&target_group, |group| group.target_type = TargetType::Instance);
    made.name()
}

/// The security group of the tasks lets nothing out but PostgreSQL.
fn shut_in(cell: &mut Cell, at: usize) -> String {
    let made = &cell.services[at];
    cell.account.let_out(&made.group, &[("tcp", 5432, 5432, "10.0.0.0/8")]);
    made.name()
}

/// Subnets that lead nowhere, and whose route table the endpoint of Amazon S3 is not on.
fn in_the_dark(cell: &mut Cell, at: usize, number: usize, round: usize) -> String {
    let mut dark: Vec<SubnetId> = Vec::new();
    for (place, zone) in ["a", "b"].iter().enumerate() {
        let cidr = format!("10.{number}.{}.0/24", 192 + round * 2 + place);
        dark.push(cell.account.subnet(&cell.vpc, &format!("dark-{number}-{round}-{zone}"), &cidr, zone));
    }
    move_to(cell, at, dark)
}

/// A parameter of Systems Manager, which has no endpoint where there is no other way out.
fn without_an_endpoint(cell: &mut Cell, at: usize) -> String {
    let family = cell.services[at].arn.name().to_owned();
    let parameter = "arn:aws:ssm:eu-west-1:111122223333:parameter/app/settings";
    let secret = SecretReference { name: "SETTINGS".to_owned(), value_from: parameter.to_owned() };
    let revisions = cell.account.data.task_definitions.items_mut().into_iter().flatten();
    for definition in revisions.filter(|definition| definition.family == family) {
        definition.containers[0].secrets.push(secret.clone());
    }
    move_to(cell, at, cell.isolated.clone())
}

/// Lets a service start its tasks in other subnets.
fn move_to(cell: &mut Cell, at: usize, mut subnets: Vec<SubnetId>) -> String {
    let made = &cell.services[at];
    subnets.sort();
    cell.account.edit_service(&made.arn, |service| {
        let mut network = service.network_configuration.clone().expect("every service has its network");
        network.subnets = subnets;
        set_network(service, network);
    });
    made.name()
}
