//! What is left of clusters, as `audit capacity` counts it.

use ecs_network_audit::capacity::{self, TypeCapacity};
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::coverage::Dataset;

use crate::mocks::account::Account;
use crate::mocks::accounts::{Fixture, ec2_awsvpc_full, ec2_awsvpc_trunked, instances};
use crate::mocks::compute::{interface, set_counts};
use crate::mocks::patterns;
use crate::support::audit_rule;

/// The only instance type of the account.
fn only_type(account: &Account) -> TypeCapacity {
    let mut counted = capacity::of(&account.snapshot(), &Settings::all_rules());
    assert_eq!((counted.clusters.len(), counted.clusters[0].types.len()), (1, 1));
    counted.clusters.remove(0).types.remove(0)
}

/// How many more tasks fit, and what binds.
fn room(fit: Option<&capacity::Fit>) -> (i64, &str) {
    let fit = fit.unwrap();
    (fit.tasks, fit.binds)
}

#[test]
fn full_slots_bind_and_a_trunk_would_lift_them_up_to_the_cpu() {
    let kind = only_type(&ec2_awsvpc_full().account);
    assert_eq!((kind.slots_used, kind.slots, kind.trunked), (Some(6), 6, 0));
    assert_eq!(room(kind.now.as_ref()), (0, "task-ENI slots"));
    // 6 of 8 parts of each of three instances are idle, and a task takes one.
    assert_eq!(room(kind.with_trunking.as_ref()), (18, "CPU"));
    // c5.xlarge holds three without a trunk, two of which are taken.
    let next = kind.next_size.unwrap();
    assert_eq!((next.instance_type.as_str(), room(Some(&next.fit))), ("c5.xlarge", (3, "task-ENI slots")));
}

#[test]
fn an_instance_with_a_trunk_keeps_it_on_the_next_size() {
    let kind = only_type(&ec2_awsvpc_trunked().account);
    assert_eq!((kind.trunked, kind.with_trunking.is_none()), (3, true));
    let now = room(kind.now.as_ref());
    // 14 parts of 16 are idle there, and 18 slots of 20.
    assert_eq!((now, room(Some(&kind.next_size.unwrap().fit))), ((18, "CPU"), (42, "CPU")));
}

#[test]
fn nothing_more_is_placed_where_the_agent_is_gone() {
    let mut fixture = ec2_awsvpc_trunked();
    let first = instances(&fixture)[0].clone();
    fixture.account.edit_instance(&first, |instance| instance.agent_connected = false);
    assert_eq!(room(only_type(&fixture.account).now.as_ref()), (12, "CPU"));
}

#[test]
fn an_interface_that_ecs_did_not_attach_is_taken_off_with_and_without_a_trunk() {
    let mut fixture = ec2_awsvpc_full();
    let (instance, subnet) = (instances(&fixture)[0].clone(), fixture.subnet.clone());
    fixture.account.edit_host(&instance, |host| {
        host.network_interfaces.retain(|interface| interface.device_index == 0);
        host.network_interfaces.push(interface("foreign", 1, "somebody's", &subnet));
    });
    let report = audit_rule(&fixture.account, "eni-limit-pressure");
    assert_eq!(
        (&report.findings[0].facts["slots"], &report.findings[0].facts["slots_with_trunking"]),
        (&5.into(), &29.into())
    );
}

#[test]
fn tasks_that_may_not_be_read_leave_the_slots_in_use_open() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.deny(Dataset::Tasks, "ecs:ListTasks");
    let kind = only_type(&fixture.account);
    assert_eq!((kind.slots_used, kind.slots, kind.now), (None, 6, None));
}

#[test]
fn an_instance_takes_a_static_port_once() {
    let mut pattern = patterns::ec2_bridge();
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        definition.containers[0].port_mappings[0].host_port = Some(80);
    });
    let kind = only_type(&pattern.account);
    assert!(kind.typical_task.unwrap().static_host_port);
    assert_eq!(room(kind.now.as_ref()), (0, "host ports"));
    let subnet = pattern.subnets[0].clone();
    pattern.account.container_instance(&pattern.cluster, "spare", "m5.large", &subnet);
    assert_eq!(room(only_type(&pattern.account).now.as_ref()), (1, "host ports"));
}

#[test]
fn absurd_numbers_are_counted_without_panic() {
    let huge = |fixture: &mut Fixture| {
        let service = fixture.service.clone();
        fixture.account.edit_service(&service, |service| {
            set_counts(service, i32::MAX, i32::MAX);
            service.pending_count = i32::MAX;
            service.deployment_configuration.maximum_percent = Some(i32::MAX);
            service.deployment_configuration.minimum_healthy_percent = Some(i32::MIN);
        });
        for instance in instances(fixture) {
            fixture.account.edit_instance(&instance, |instance| {
                instance.registered_resources.cpu_units = i64::MAX;
                instance.remaining_resources.cpu_units = i64::MIN;
                instance.remaining_resources.memory_mib = i64::MAX;
            });
        }
    };
    for mut fixture in [ec2_awsvpc_full(), ec2_awsvpc_trunked()] {
        huge(&mut fixture);
        let kind = only_type(&fixture.account);
        assert_eq!(kind.cpu_units.used, i64::MAX);
        let report = ecs_network_audit::engine::evaluate(&fixture.account.snapshot(), &Settings::all_rules());
        assert!(!report.findings.is_empty());
    }
}
