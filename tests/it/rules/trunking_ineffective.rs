//! Trunking that is on, and instances that have no trunk all the same.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::AccountSetting;
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::mocks::account::{now, push};
use crate::mocks::accounts::{
    Fixture, ec2_awsvpc_full, ec2_awsvpc_trunked, ec2_bridge_behind_alb, fargate_private_with_nat, instances,
};
use crate::mocks::compute::set_counts;
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "trunking-ineffective";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const NOT_VISIBLE: &str = "the cause can't be seen; the setting of its instance role may differ";

/// Three c5.large, all launched at the same time, two of them with a trunk; the third one is full.
fn one_without() -> (Fixture, Arn) {
    let mut fixture = ec2_awsvpc_full();
    let all = instances(&fixture);
    fixture.account.trunk(&all[0]);
    fixture.account.trunk(&all[1]);
    (fixture, all[2].clone())
}

/// The cause that is named when this tells the third instance apart.
#[track_caller]
fn cause(change: impl FnOnce(&mut Fixture, &Arn)) -> String {
    let (mut fixture, instance) = one_without();
    change(&mut fixture, &instance);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).severity, Severity::Medium);
    let causes = only(&report).facts["causes"].as_object().unwrap();
    assert_eq!(causes.len(), 1);
    causes.keys().next().unwrap().clone()
}

fn set_trunking(fixture: &mut Fixture, principal: &str, value: &str) {
    let setting = AccountSetting {
        name: "awsvpcTrunking".to_owned(),
        value: value.to_owned(),
        principal_arn: Some(Arn::from(principal)),
    };
    push(&mut fixture.account.data.account_settings, setting);
}

#[test]
fn some_have_a_trunk_and_one_has_none() {
    let (fixture, _) = one_without();
    let report = audit_rule(&fixture.account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium trunking-ineffective prod (ecs:cluster)
    1 of 3 × c5.large in prod have no trunk although others in the cluster do (2 of 2 slots used): 1 × the cause can't be seen; the setting of its instance role may differ
    blocker capacity/trunk-missing - -> c5.large: 1 × the cause can't be seen; the setting of its instance role may differ
    fix Replace the instances after removing the cause: a trunk comes only at registration, on Linux with agent 1.28.1 or later, outside of shared subnets and with resource-name DNS off.
    "##);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert_eq!((&only(&report).facts["used"], &only(&report).facts["slots"]), (&2.into(), &2.into()));
    assert_eq!(only(&report).related.len(), 1);
    assert_silent(&audit_rule(&fixture.account, "eni-limit-pressure"));
}

#[test]
fn windows_has_no_trunking_to_be_ineffective() {
    let (mut fixture, instance) = one_without();
    fixture.account.edit_instance(&instance, |instance| {
        instance.attributes.insert("ecs.os-type".to_owned(), Some("windows".to_owned()));
    });
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn it_is_in_a_subnet_of_another_account() {
    let shared = cause(|fixture, instance| {
        let subnet = fixture.account.subnet(&fixture.vpc, "shared-a", "10.0.2.0/24", "a");
        fixture.account.edit_subnet(&subnet, |subnet| subnet.owner_id = "999988887777".to_owned());
        fixture.account.edit_host(instance, |host| host.subnet_id = Some(subnet));
    });
    assert_eq!(shared, "in a subnet shared by another account");
}

#[test]
fn its_agent_is_too_old() {
    let agent = |version: &str| {
        cause(|fixture, instance| {
            fixture.account.edit_instance(instance, |instance| instance.agent_version = Some(version.to_owned()));
        })
    };
    for old in ["1.20.0", "1.20", "1.9.3", "1.28.0"] {
        assert_eq!(agent(old), "agent older than 1.28.1", "{old}");
    }
    for new in ["1.28.1", "1.28.10", "1.105.1", "2.0.0"] {
        assert_eq!(agent(new), NOT_VISIBLE, "{new}");
    }
}

#[test]
fn its_resource_name_has_a_dns_record() {
    let record = cause(|fixture, instance| {
        fixture.account.edit_host(instance, |host| host.enable_resource_name_dns_a_record = Some(true));
    });
    assert_eq!(record, "resource-name DNS A record on");
}

#[test]
fn it_was_launched_before_the_setting_worked() {
    let launched = |hours_ago: i64| {
        cause(|fixture, instance| {
            let at = now() - SignedDuration::from_hours(hours_ago);
            fixture.account.edit_host(instance, |host| host.launch_time = Some(at));
        })
    };
    assert_eq!(launched(200), "launched before the oldest instance with a trunk");
    assert_eq!(launched(1), NOT_VISIBLE);
}

#[test]
fn no_cause_is_visible() {
    assert_eq!(cause(|_, _| {}), NOT_VISIBLE);
}

#[test]
fn several_causes_are_counted() {
    let mut fixture = ec2_awsvpc_full();
    let all = instances(&fixture);
    fixture.account.trunk(&all[0]);
    fixture.account.edit_instance(&all[1], |instance| instance.agent_version = Some("1.20.0".to_owned()));
    let report = audit_rule(&fixture.account, RULE);
    let causes = &only(&report).facts["causes"];
    assert_eq!((&causes["agent older than 1.28.1"], &causes[NOT_VISIBLE]), (&1.into(), &1.into()));
    assert!(only(&report).message.to_string().starts_with("2 of 3 × c5.large"));
}

#[test]
fn the_default_of_the_account_is_on_and_no_instance_has_a_trunk() {
    let mut fixture = ec2_awsvpc_full();
    set_trunking(&mut fixture, ROOT, "enabled");
    let report = audit_rule(&fixture.account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium trunking-ineffective prod (ecs:cluster)
    3 of 3 × c5.large in prod have no trunk although it is the account's default (6 of 6 slots used): 3 × launched before the default was turned on, or its instance role has a setting of its own
    blocker capacity/trunk-missing - -> c5.large: 3 × launched before the default was turned on, or its instance role has a setting of its own
    fix Replace the instances after removing the cause: a trunk comes only at registration, on Linux with agent 1.28.1 or later, outside of shared subnets and with resource-name DNS off.
    "##);
    let causes = only(&report).facts["causes"].as_object().unwrap();
    assert!(causes.keys().all(|cause| cause.starts_with("launched before the default was turned on")));
    assert_silent(&audit_rule(&fixture.account, "trunking-disabled"));
}

#[test]
fn the_setting_of_another_principal_proves_nothing() {
    for principal in ["arn:aws:iam::111122223333:role/auditor", "arn:aws:iam::111122223333:user/somebody"] {
        let mut fixture = ec2_awsvpc_full();
        set_trunking(&mut fixture, principal, "enabled");
        assert_silent(&audit_rule(&fixture.account, RULE));
        only(&audit_rule(&fixture.account, "trunking-disabled"));
    }
    let mut fixture = ec2_awsvpc_full();
    set_trunking(&mut fixture, ROOT, "disabled");
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn it_is_info_where_the_pressure_tells_of_the_same_type() {
    let (mut fixture, _) = one_without();
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 20, 6));
    only(&audit_rule(&fixture.account, "eni-limit-pressure"));
    let report = audit_beside(&fixture.account, RULE, "eni-limit-pressure");
    let said = (only(&report).severity, only(&report).severity_reason.as_deref());
    assert_eq!(said, (Severity::Info, Some("eni-limit-pressure tells of the same instances")));
}

#[test]
fn it_is_info_while_its_slots_are_free() {
    let (mut fixture, instance) = one_without();
    let tasks = fixture.account.data.tasks.items_mut().unwrap();
    tasks.retain(|task| task.container_instance_arn.as_ref() != Some(&instance));
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 4, 4));
    let report = audit_rule(&fixture.account, RULE);
    let said = (only(&report).severity, only(&report).severity_reason.as_deref());
    assert_eq!(said, (Severity::Info, Some("most of their slots are free")));
}

#[test]
fn a_trunk_of_another_type_shows_that_it_is_on() {
    let mut fixture = ec2_awsvpc_trunked();
    let other = fixture.account.container_instance(&fixture.cluster, "other", "m5.large", &fixture.subnet);
    for task in ["a", "b"] {
        fixture.account.task_on(&fixture.service, &other, task);
    }
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 8, 8));
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).blockers[0].resource.as_deref(), Some("m5.large"));
    assert_silent(&audit_rule(&fixture.account, "trunking-disabled"));
}

#[test]
fn all_with_a_trunk_or_none_is_silent() {
    assert_silent(&audit_rule(&ec2_awsvpc_trunked().account, RULE));
    assert_silent(&audit_rule(&ec2_awsvpc_full().account, RULE));
}

#[test]
fn a_type_that_cannot_trunk_and_a_draining_instance_are_not_concerned() {
    let mut fixture = ec2_awsvpc_trunked();
    let burst = fixture.account.container_instance(&fixture.cluster, "burst", "t3.large", &fixture.subnet);
    fixture.account.task_on(&fixture.service, &burst, "a");
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 7, 7));
    assert_silent(&audit_rule(&fixture.account, RULE));
    let (mut fixture, instance) = one_without();
    fixture.account.edit_instance(&instance, |instance| instance.status = "DRAINING".to_owned());
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn clusters_without_awsvpc_tasks_on_instances_are_not_concerned() {
    for mut fixture in [ec2_bridge_behind_alb(), fargate_private_with_nat()] {
        set_trunking(&mut fixture, ROOT, "enabled");
        assert_silent(&audit_rule(&fixture.account, RULE));
    }
    let mut fixture = ec2_bridge_behind_alb();
    let first = instances(&fixture)[0].clone();
    fixture.account.trunk(&first);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::InstanceTypes, "ec2:DescribeInstanceTypes"),
        (Dataset::Instances, "ec2:DescribeInstances"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
    ] {
        let (mut fixture, _) = one_without();
        fixture.account.deny(dataset, api);
        assert_unknown(&audit_rule(&fixture.account, RULE), &format!("{} could not be read", dataset.name()));
    }
}

#[test]
fn without_any_trunk_it_takes_the_setting() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.deny(Dataset::AccountSettings, "ecs:ListAccountSettings");
    assert_unknown(&audit_rule(&fixture.account, RULE), "account-settings could not be read");
}

#[test]
fn what_is_used_stays_proved_when_subnets_may_not_be_read() {
    let (mut fixture, _) = one_without();
    fixture.account.deny(Dataset::Subnets, "ec2:DescribeSubnets");
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).facts["used"], 2);
    assert!(report.not_evaluated.iter().any(|entry| entry.dataset == Some(Dataset::Subnets)));
}
