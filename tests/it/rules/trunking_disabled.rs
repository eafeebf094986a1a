//! Container instances that could have a trunk and have none.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::{AccountSetting, CapacityProviderKind};
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::account::push;
use crate::mocks::accounts::{
    Fixture, ec2_awsvpc_full, ec2_awsvpc_trunked, ec2_bridge_behind_alb, fargate_private_with_nat, in_provider,
    instances, remove_tasks, run_windows,
};
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "trunking-disabled";

/// Three full c5.large in a provider with managed scaling.
fn managed() -> Fixture {
    in_provider(ec2_awsvpc_full(), 3, 3)
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
fn a_type_that_can_trunk_has_none() {
    let report = audit_rule(&ec2_awsvpc_full().account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium trunking-disabled prod (ecs:cluster)
    3 × c5.large in prod without a trunk hold 6 awsvpc tasks; with ENI trunking they would hold 30
    blocker capacity/no-trunk - -> c5.large: 6 slots, 30 with trunking
    fix Turn on ENI trunking as the account default and replace the instances: only those launched afterwards get a trunk.
    $ aws ecs put-account-setting-default --region eu-west-1 --name awsvpcTrunking --value enabled
    "##);
    assert_eq!(only(&report).facts["slots"], 6);
    assert_eq!(only(&report).facts["slots_with_trunking"], 30);
    assert_eq!(only(&report).related.len(), 3);
}

#[test]
fn it_is_info_beside_the_pressure_and_while_most_slots_are_free() {
    let told = "eni-limit-pressure tells of the same instances";
    let free = "most of the slots are free";
    for (removed, reason) in [(0, told), (1, told), (2, free), (4, free)] {
        let mut fixture = ec2_awsvpc_full();
        remove_tasks(&mut fixture, removed);
        let report = audit_beside(&fixture.account, RULE, "eni-limit-pressure");
        let said = (only(&report).severity, only(&report).severity_reason.as_deref());
        assert_eq!(said, (Severity::Info, Some(reason)), "{removed} removed");
    }
}

#[test]
fn it_is_medium_where_the_pressure_itself_cannot_be_judged() {
    let mut fixture = managed();
    fixture.account.deny(Dataset::AutoScalingGroups, "autoscaling:DescribeAutoScalingGroups");
    assert_unknown(&audit_rule(&fixture.account, "eni-limit-pressure"), "auto-scaling-groups could not be read");
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!((only(&report).severity, only(&report).severity_reason.as_deref()), (Severity::Medium, None));
}

#[test]
fn that_the_agent_could_is_no_trunk() {
    let mut fixture = ec2_awsvpc_full();
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |instance| {
            instance.attributes.insert("ecs.capability.task-eni-trunking".to_owned(), None);
        });
    }
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_trunk_on_every_instance_or_on_some_is_not_its_matter() {
    assert_silent(&audit_rule(&ec2_awsvpc_trunked().account, RULE));
    let mut fixture = ec2_awsvpc_full();
    let first = instances(&fixture)[0].clone();
    fixture.account.trunk(&first);
    assert_silent(&audit_rule(&fixture.account, RULE));
    // The setting holds for all types.
    let mut fixture = ec2_awsvpc_full();
    let other = fixture.account.container_instance(&fixture.cluster, "other", "m5.large", &fixture.subnet);
    fixture.account.trunk(&other);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn clusters_without_awsvpc_tasks_on_instances_are_not_concerned() {
    assert_silent(&audit_rule(&ec2_bridge_behind_alb().account, RULE));
    assert_silent(&audit_rule(&fargate_private_with_nat().account, RULE));
}

#[test]
fn windows_has_no_trunking() {
    let mut fixture = ec2_awsvpc_full();
    run_windows(&mut fixture);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_type_that_cannot_trunk_is_another_matter() {
    let mut fixture = ec2_awsvpc_full();
    for instance in instances(&fixture) {
        fixture.account.edit_host(&instance, |host| host.instance_type = "t3.large".to_owned());
    }
    fixture.account.data.instance_types.items_mut().unwrap()[0].name = "t3.large".to_owned();
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn instances_that_aws_manages_and_draining_ones_are_left_out() {
    let mut fixture = managed();
    fixture.account.data.capacity_providers.items_mut().unwrap()[0].kind =
        CapacityProviderKind::ManagedInstances { subnets: Vec::new(), security_groups: Vec::new() };
    assert_silent(&audit_rule(&fixture.account, RULE));
    let mut fixture = ec2_awsvpc_full();
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |instance| instance.status = "DRAINING".to_owned());
    }
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn nobody_is_told_to_turn_it_on_in_a_subnet_of_another_account() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.edit_subnet(&fixture.subnet, |subnet| subnet.owner_id = "999988887777".to_owned());
    // With a trunk such instances fail to register.
    let report = audit_rule(&fixture.account, RULE);
    let mut commands = report.findings.iter().flat_map(|finding| &finding.remediation.commands);
    assert!(!commands.any(|command| command.contains("awsvpcTrunking")));
}

#[test]
fn the_default_of_the_account_is_on() {
    for value in ["enabled", "on"] {
        let mut fixture = ec2_awsvpc_full();
        set_trunking(&mut fixture, "arn:aws:iam::111122223333:root", value);
        assert_silent(&audit_rule(&fixture.account, RULE));
    }
    let mut fixture = ec2_awsvpc_full();
    set_trunking(&mut fixture, "arn:aws:iam::111122223333:root", "disabled");
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn the_setting_of_another_principal_proves_nothing() {
    for principal in ["arn:aws:iam::111122223333:role/auditor", "arn:aws:iam::111122223333:user/somebody"] {
        let mut fixture = ec2_awsvpc_full();
        set_trunking(&mut fixture, principal, "enabled");
        only(&audit_rule(&fixture.account, RULE));
    }
}

#[test]
fn two_types_are_two_subjects() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.container_instance(&fixture.cluster, "other", "m5.large", &fixture.subnet);
    let report = audit_rule(&fixture.account, RULE);
    let mut types: Vec<&str> =
        report.findings.iter().map(|finding| finding.blockers[0].resource.as_deref().unwrap()).collect();
    types.sort_unstable();
    assert_eq!(types, ["c5.large", "m5.large"]);
    assert_ne!(report.findings[0].id, report.findings[1].id);
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::InstanceTypes, "ec2:DescribeInstanceTypes"),
        (Dataset::Instances, "ec2:DescribeInstances"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
    ] {
        let mut fixture = ec2_awsvpc_full();
        fixture.account.deny(dataset, api);
        assert_unknown(&audit_rule(&fixture.account, RULE), &format!("{} could not be read", dataset.name()));
    }
}

#[test]
fn whether_idle_instances_are_wanted_takes_the_services() {
    let mut fixture = ec2_awsvpc_full();
    fixture.account.data.tasks.items_mut().unwrap().clear();
    fixture.account.deny(Dataset::Services, "ecs:ListServices");
    assert_unknown(&audit_rule(&fixture.account, RULE), "services could not be read");
}

#[test]
fn what_is_used_stays_proved_when_services_or_settings_may_not_be_read() {
    for (dataset, api) in
        [(Dataset::Services, "ecs:ListServices"), (Dataset::AccountSettings, "ecs:ListAccountSettings")]
    {
        let mut fixture = ec2_awsvpc_full();
        fixture.account.deny(dataset, api);
        let report = audit_rule(&fixture.account, RULE);
        assert_eq!(only(&report).facts["slots"], 6);
        assert!(report.not_evaluated.iter().any(|entry| entry.dataset == Some(dataset)));
    }
}
