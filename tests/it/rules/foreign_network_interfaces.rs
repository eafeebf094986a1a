//! Interfaces on container instances that ECS did not attach.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::InstanceAttachment;
use ecs_network_audit::snapshot::ids::{Arn, NetworkInterfaceId};
use insta::assert_snapshot;

use crate::mocks::account::id;
use crate::mocks::accounts::{
    Fixture, ec2_awsvpc_full, ec2_awsvpc_trunked, ec2_bridge_behind_alb, fargate_private_with_nat, instances,
};
use crate::mocks::compute::{interface, set_counts};
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "foreign-network-interfaces";

fn attach(fixture: &mut Fixture, instance: &Arn, name: &str, interface_type: &str, description: &str) {
    let mut foreign = interface(name, 2, description, &fixture.subnet);
    foreign.interface_type = interface_type.to_owned();
    fixture.account.edit_host(instance, |host| host.network_interfaces.push(foreign));
}

/// Three c5.large without a task.
fn idle() -> Fixture {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.data.tasks.items_mut().unwrap().clear();
    for instance in instances(&fixture) {
        fixture.account.edit_host(&instance, |host| host.network_interfaces.retain(|i| i.device_index == 0));
    }
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 1, 1));
    fixture
}

/// The same with one awsvpc task, beside which somebody has attached an interface to its instance.
fn one_slot_taken() -> (Fixture, Arn) {
    let mut fixture = idle();
    let first = instances(&fixture)[0].clone();
    fixture.account.task_on(&fixture.service, &first, "web");
    attach(&mut fixture, &first, "foreign", "interface", "somebody's");
    (fixture, first)
}

#[test]
fn an_interface_takes_the_last_slot_of_an_instance() {
    let (fixture, _) = one_slot_taken();
    let report = audit_rule(&fixture.account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium foreign-network-interfaces prod (ecs:cluster)
    1 interface that ECS did not attach (1 × “somebody's”) takes a slot of 1 × c5.large in prod, which the scheduler believes free: tasks placed there stop with "unused device index"
    blocker capacity/foreign-interfaces - -> c5.large: 1 × “somebody's”
    fix Detach the interfaces, or launch what needs them on instances outside of the cluster.
    "##);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert_eq!(only(&report).facts["full_instances"], 1);
    assert_eq!(only(&report).related.len(), 1);
    assert_silent(&audit_rule(&fixture.account, "eni-limit-pressure"));
}

#[test]
fn detached_it_is_silent() {
    let (mut fixture, instance) = one_slot_taken();
    fixture
        .account
        .edit_host(&instance, |host| host.network_interfaces.retain(|interface| interface.description != "somebody's"));
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn with_a_slot_to_spare_it_is_info() {
    let mut fixture = idle();
    let all = instances(&fixture);
    fixture.account.task_on(&fixture.service, &all[0], "web");
    attach(&mut fixture, &all[1], "foreign", "interface", "somebody's");
    let report = audit_rule(&fixture.account, RULE);
    let said = (only(&report).severity, only(&report).severity_reason.as_deref());
    assert_eq!(said, (Severity::Info, Some("the instances have slots to spare")));
    // So it is beside a trunk.
    let mut fixture = ec2_awsvpc_trunked();
    let first = instances(&fixture)[0].clone();
    attach(&mut fixture, &first, "foreign", "interface", "somebody's");
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::Info);
}

#[test]
fn it_is_info_where_the_pressure_tells_of_the_same_type() {
    let mut fixture = ec2_awsvpc_full();
    let last = instances(&fixture)[2].clone();
    fixture.account.data.tasks.items_mut().unwrap().truncate(5);
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 5, 5));
    fixture.account.edit_host(&last, |host| host.network_interfaces.retain(|interface| interface.device_index != 2));
    attach(&mut fixture, &last, "foreign", "interface", "somebody's");
    only(&audit_rule(&fixture.account, "eni-limit-pressure"));
    let report = audit_beside(&fixture.account, RULE, "eni-limit-pressure");
    let said = (only(&report).severity, only(&report).severity_reason.as_deref());
    assert_eq!(said, (Severity::Info, Some("eni-limit-pressure tells of the same instances")));
}

#[test]
fn they_are_told_by_type_and_description() {
    let (mut fixture, instance) = one_slot_taken();
    attach(&mut fixture, &instance, "nameless", "interface", "");
    attach(&mut fixture, &instance, "fabric", "efa", "somebody's");
    let report = audit_rule(&fixture.account, RULE);
    let kinds = serde_json::json!({ "efa": 1, "an interface without a description": 1, "“somebody's”": 1 });
    assert_eq!(only(&report).facts["interfaces"], kinds);
}

#[test]
fn the_task_that_stopped_for_it_confirms_it() {
    let (mut fixture, _) = one_slot_taken();
    let reason = "Unable to attach network interface to unused device index";
    fixture.account.stopped_task(&fixture.service, "failed", reason);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::Medium, 1));
}

#[test]
fn interfaces_of_tasks_trunks_and_ecs_itself_are_not_foreign() {
    assert_silent(&audit_rule(&ec2_awsvpc_full().account, RULE));
    assert_silent(&audit_rule(&ec2_awsvpc_trunked().account, RULE));
    let mut fixture = ec2_awsvpc_full();
    let first = instances(&fixture)[0].clone();
    let of_ecs = "arn:aws:ecs:eu-west-1:111122223333:attachment/of-a-task-that-has-just-stopped";
    attach(&mut fixture, &first, "old", "interface", of_ecs);
    assert_silent(&audit_rule(&fixture.account, RULE));
    let (mut fixture, instance) = one_slot_taken();
    fixture.account.edit_instance(&instance, |instance| {
        instance.attachments.push(InstanceAttachment {
            kind: "eni".to_owned(),
            status: "ATTACHED".to_owned(),
            network_interface_id: Some(NetworkInterfaceId::from(id("eni", "foreign"))),
        });
    });
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn clusters_without_awsvpc_tasks_on_instances_are_not_concerned() {
    let mut fixture = ec2_bridge_behind_alb();
    let first = instances(&fixture)[0].clone();
    attach(&mut fixture, &first, "foreign", "interface", "somebody's");
    assert_silent(&audit_rule(&fixture.account, RULE));
    assert_silent(&audit_rule(&fargate_private_with_nat().account, RULE));
}

#[test]
fn a_draining_instance_gets_no_task_any_more() {
    let (mut fixture, instance) = one_slot_taken();
    fixture.account.edit_instance(&instance, |instance| instance.status = "DRAINING".to_owned());
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn two_types_are_two_subjects() {
    let (mut fixture, _) = one_slot_taken();
    let other = fixture.account.container_instance(&fixture.cluster, "other", "m5.large", &fixture.subnet);
    attach(&mut fixture, &other, "another", "interface", "somebody's");
    let report = audit_rule(&fixture.account, RULE);
    let mut types: Vec<&str> =
        report.findings.iter().map(|finding| finding.blockers[0].resource.as_deref().unwrap()).collect();
    types.sort_unstable();
    assert_eq!(types, ["c5.large", "m5.large"]);
    assert_ne!(report.findings[0].id, report.findings[1].id);
}

#[test]
fn a_limit_that_sources_disagree_on_is_unknown() {
    let (mut fixture, _) = one_slot_taken();
    for instance in instances(&fixture) {
        fixture.account.edit_host(&instance, |host| host.instance_type = "p5.48xlarge".to_owned());
    }
    fixture.account.data.instance_types.items_mut().unwrap()[0].name = "p5.48xlarge".to_owned();
    assert_unknown(&audit_rule(&fixture.account, RULE), "two limits");
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::InstanceTypes, "ec2:DescribeInstanceTypes"),
        (Dataset::Instances, "ec2:DescribeInstances"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
    ] {
        let (mut fixture, _) = one_slot_taken();
        fixture.account.deny(dataset, api);
        assert_unknown(&audit_rule(&fixture.account, RULE), &format!("{} could not be read", dataset.name()));
    }
    let mut fixture = ec2_awsvpc_full();
    fixture.account.deny(Dataset::Tasks, "ecs:ListTasks");
    assert_unknown(&audit_rule(&fixture.account, RULE), "tasks could not be read");
}
