//! DAEMON services in awsvpc mode.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::{CapacityProviderKind, PlacementConstraint};
use ecs_network_audit::snapshot::enums::{NetworkMode, SchedulingStrategy};
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::accounts::{
    Fixture, ec2_awsvpc_full, ec2_awsvpc_trunked, ec2_bridge_behind_alb, fargate_private_with_nat, instances,
};
use crate::mocks::compute::{set_counts, web};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "daemon-takes-network-interface";

/// An agent for each instance of an account.
fn with_agent(mut fixture: Fixture, mode: NetworkMode) -> (Fixture, Arn) {
    let definition = fixture.account.definition("agent", Some(mode.clone()), vec![web()]);
    let agent = fixture.account.service(&fixture.cluster, "agent", &definition);
    if mode == NetworkMode::Awsvpc {
        fixture.account.network(&agent, &[&fixture.subnet]);
    }
    let all = i32::try_from(instances(&fixture).len()).unwrap();
    fixture.account.edit_service(&agent, |service| {
        service.scheduling_strategy = SchedulingStrategy::Daemon;
        set_counts(service, all, all);
    });
    (fixture, agent)
}

fn on_plain_instances() -> (Fixture, Arn) {
    with_agent(ec2_awsvpc_full(), NetworkMode::Awsvpc)
}

fn edit_all(fixture: &mut Fixture, attribute: &str, value: &str) {
    for instance in instances(fixture) {
        fixture.account.edit_instance(&instance, |instance| {
            instance.attributes.insert(attribute.to_owned(), Some(value.to_owned()));
        });
    }
}

#[test]
fn an_agent_takes_a_slot_of_every_instance() {
    let (fixture, _) = on_plain_instances();
    let report = audit_rule(&fixture.account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    info daemon-takes-network-interface prod/agent (ecs:service)
    agent takes a task-ENI slot on each instance it runs on: 3 of the 6 slots of instances without a trunk
    blocker capacity/daemon-slot - -> agent: 3 of 6 slots
    fix Run the daemon in bridge or host mode, or turn on ENI trunking and replace the instances.
    "##);
    assert_eq!(only(&report).severity, Severity::Info);
    assert_eq!((&only(&report).facts["instances"], &only(&report).facts["slots"]), (&3.into(), &6.into()));
}

#[test]
fn instances_with_a_trunk_have_slots_enough() {
    let (fixture, _) = with_agent(ec2_awsvpc_trunked(), NetworkMode::Awsvpc);
    assert_silent(&audit_rule(&fixture.account, RULE));
    let (mut fixture, _) = on_plain_instances();
    let first = instances(&fixture)[0].clone();
    fixture.account.trunk(&first);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!((&only(&report).facts["instances"], &only(&report).facts["slots"]), (&2.into(), &4.into()));
}

#[test]
fn in_bridge_or_host_mode_it_shares_the_instances_interface() {
    for mode in [NetworkMode::Bridge, NetworkMode::Host] {
        let (fixture, _) = with_agent(ec2_awsvpc_full(), mode);
        assert_silent(&audit_rule(&fixture.account, RULE));
    }
}

#[test]
fn a_service_that_is_no_daemon_chooses_its_instances() {
    let (mut fixture, agent) = on_plain_instances();
    fixture.account.edit_service(&agent, |service| service.scheduling_strategy = SchedulingStrategy::Replica);
    assert_silent(&audit_rule(&fixture.account, RULE));
    assert_silent(&audit_rule(&ec2_awsvpc_full().account, RULE));
    assert_silent(&audit_rule(&ec2_bridge_behind_alb().account, RULE));
}

#[test]
fn fargate_has_no_daemons() {
    assert_silent(&audit_rule(&fargate_private_with_nat().account, RULE));
}

#[test]
fn it_takes_nothing_where_it_does_not_run() {
    // A Linux agent on Windows instances.
    let (mut fixture, _) = on_plain_instances();
    edit_all(&mut fixture, "ecs.os-type", "windows");
    assert_silent(&audit_rule(&fixture.account, RULE));
    let (mut fixture, _) = on_plain_instances();
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |instance| instance.status = "DRAINING".to_owned());
    }
    assert_silent(&audit_rule(&fixture.account, RULE));
    let (mut fixture, _) = on_plain_instances();
    let provider = fixture.account.capacity_provider("managed", 3, 3, &[&fixture.subnet]);
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |i| i.capacity_provider_name = Some(provider.clone()));
    }
    fixture.account.data.capacity_providers.items_mut().unwrap()[0].kind =
        CapacityProviderKind::ManagedInstances { subnets: Vec::new(), security_groups: Vec::new() };
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn windows_is_never_told_to_use_a_trunk() {
    let (mut fixture, agent) = on_plain_instances();
    edit_all(&mut fixture, "ecs.os-type", "windows");
    let service = fixture.account.data.services.items().iter().find(|service| service.arn == agent).unwrap();
    let definition = service.task_definition.clone().unwrap();
    fixture.account.edit_definition(&definition, |definition| {
        definition.operating_system_family = Some("WINDOWS_SERVER_2022_CORE".to_owned());
    });
    let report = audit_rule(&fixture.account, RULE);
    let text = only(&report).remediation.text.to_string();
    assert!(!text.contains("trunking"), "{text}");
}

#[test]
fn a_constraint_keeps_it_away_or_may_do_so() {
    let constrained = |expression: &str| {
        let (mut fixture, agent) = on_plain_instances();
        fixture.account.edit_service(&agent, |service| {
            let expression = Some(expression.to_owned());
            service.placement_constraints = vec![PlacementConstraint { kind: "memberOf".to_owned(), expression }];
        });
        audit_rule(&fixture.account, RULE)
    };
    assert_silent(&constrained("attribute:stack == gpu"));
    only(&constrained("attribute:ecs.instance-type == c5.large"));
    assert_unknown(&constrained("runningTasksCount < 2"), "placement constraint");
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
        (Dataset::Instances, "ec2:DescribeInstances"),
        (Dataset::InstanceTypes, "ec2:DescribeInstanceTypes"),
    ] {
        let (mut fixture, _) = on_plain_instances();
        fixture.account.deny(dataset, api);
        assert_unknown(&audit_rule(&fixture.account, RULE), &format!("{} could not be read", dataset.name()));
    }
}
