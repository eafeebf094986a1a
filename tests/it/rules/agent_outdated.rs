//! Agents that are too old for what runs there.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::{AccountSetting, PlacementConstraint, ServiceConnectConfiguration};
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::account::{ACCOUNT, push};
use crate::mocks::compute::{set_counts, set_launch};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "agent-outdated";

/// Both instances with this agent.
fn with_agent(mut pattern: Pattern, version: Option<&str>) -> Pattern {
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |i| i.agent_version = version.map(str::to_owned));
    }
    pattern
}

fn exec(mut pattern: Pattern) -> Pattern {
    let service = pattern.service.clone();
    pattern.account.edit_service(&service, |service| service.enable_execute_command = true);
    pattern
}

fn mesh(mut pattern: Pattern) -> Pattern {
    let service = pattern.service.clone();
    pattern.account.edit_service(&service, |service| {
        service.deployments[0].service_connect_configuration = Some(ServiceConnectConfiguration {
            namespace: Some("prod".to_owned()),
            services: Vec::new(),
            log_configuration: None,
        });
    });
    pattern
}

fn on_windows(mut pattern: Pattern) -> Pattern {
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |i| {
            i.attributes.insert("ecs.os-type".to_owned(), Some("windows".to_owned()));
        });
    }
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        definition.operating_system_family = Some("WINDOWS_SERVER_2022_CORE".to_owned());
    });
    pattern
}

/// One instance has a trunk, the other came too early for it.
fn half_trunked(version: &str) -> Pattern {
    let mut pattern = patterns::ec2_awsvpc();
    let old = pattern.instances[0].clone();
    pattern.account.edit_instance(&old, |instance| {
        instance.attributes.remove("ecs.awsvpc-trunk-id");
        instance.agent_version = Some(version.to_owned());
    });
    pattern
}

#[test]
fn exec_is_on_and_the_agents_do_not_know_it() {
    let report = audit_rule(&with_agent(exec(patterns::ec2_bridge()), Some("1.47.0")).account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    low agent-outdated prod (ecs:cluster)
    Container agents in prod are older than what their tasks use needs: 1.47.0 on i-02ac4c6bb1a66d01a and i-078618cd28be4b176, where ECS Exec needs 1.50.2 (web)
    blocker task/agent-outdated - -> prod: 1.47.0 on i-02ac4c6bb1a66d01a and i-078618cd28be4b176, where ECS Exec needs 1.50.2 (web)
    fix Replace the instances by ones of a current ECS-optimized AMI, or update the agents of Linux instances in place; a trunk comes only with a new instance.
    $ aws ecs update-container-agent --region eu-west-1 --cluster prod --container-instance 0f4b23e90d41e3f15
    $ aws ecs update-container-agent --region eu-west-1 --cluster prod --container-instance 0b3542497e9d6d246
    "##);
}

#[test]
fn every_feature_has_its_first_agent() {
    let both = || mesh(exec(patterns::ec2_bridge()));
    for (version, features) in [("1.67.2", 0), ("1.100.0", 0), ("1.67.1", 1), ("1.50.2", 1), ("1.50.1", 2)] {
        let report = audit_rule(&with_agent(both(), Some(version)).account, RULE);
        let found = report.findings.first().map_or(0, |finding| finding.blockers.len());
        assert_eq!(found, features, "{version}");
    }
}

#[test]
fn what_nobody_uses_needs_no_new_agent() {
    assert_silent(&audit_rule(&with_agent(patterns::ec2_bridge(), Some("1.20.0")).account, RULE));
    assert_silent(&audit_rule(&patterns::ec2_awsvpc().account, RULE));
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    let mut idle = with_agent(exec(patterns::ec2_bridge()), Some("1.47.0"));
    let service = idle.service.clone();
    idle.account.edit_service(&service, |service| set_counts(service, 0, 0));
    assert_silent(&audit_rule(&idle.account, RULE));
}

#[test]
fn a_trunk_needs_1_28_1() {
    let report = audit_rule(&half_trunked("1.28.0").account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    low agent-outdated prod (ecs:cluster)
    Container agents in prod are older than what their tasks use needs: 1.28.0 on i-078618cd28be4b176, where ENI trunking needs 1.28.1 (web)
    blocker task/agent-outdated - -> prod: 1.28.0 on i-078618cd28be4b176, where ENI trunking needs 1.28.1 (web)
    fix Replace the instances by ones of a current ECS-optimized AMI, or update the agents of Linux instances in place; a trunk comes only with a new instance.
    "##);
    assert_silent(&audit_rule(&half_trunked("1.28.1").account, RULE));
}

#[test]
fn without_trunks_in_use_an_old_agent_attaches_enough() {
    let mut pattern = half_trunked("1.28.0");
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |i| {
            i.attributes.remove("ecs.awsvpc-trunk-id");
        });
    }
    assert_silent(&audit_rule(&pattern.account, RULE));
    let mut unread = pattern.account.clone();
    unread.deny(Dataset::AccountSettings, "ecs:ListAccountSettings");
    assert_unknown(&audit_rule(&unread, RULE), "account-settings could not be read");
    let setting = AccountSetting {
        name: "awsvpcTrunking".to_owned(),
        value: "enabled".to_owned(),
        principal_arn: Some(Arn::from(format!("arn:aws:iam::{ACCOUNT}:root"))),
    };
    push(&mut pattern.account.data.account_settings, setting);
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn types_that_cannot_trunk_need_no_agent_for_it() {
    let mut pattern = half_trunked("1.28.0");
    let old = pattern.instances[0].clone();
    pattern.account.edit_instance(&old, |instance| {
        instance.attributes.insert("ecs.instance-type".to_owned(), Some("t3.large".to_owned()));
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn windows_has_no_trunks_and_no_mesh_and_a_later_exec() {
    assert_silent(&audit_rule(&on_windows(half_trunked("1.28.0")).account, RULE));
    let with = |version| with_agent(on_windows(exec(mesh(patterns::ec2_bridge()))), Some(version));
    let report = audit_rule(&with("1.55.0").account, RULE);
    assert!(only(&report).message.to_string().contains("ECS Exec needs 1.56.0"), "{}", only(&report).message);
    // The API updates no agent on Windows.
    assert!(only(&report).remediation.commands.is_empty());
    assert_silent(&audit_rule(&with("1.56.0").account, RULE));
}

#[test]
fn instances_that_the_service_cannot_use_do_not_matter() {
    let old = || with_agent(exec(patterns::ec2_bridge()), Some("1.47.0"));
    let mut elsewhere = old();
    let provider = elsewhere.account.capacity_provider("asg", 1, 1, &[&elsewhere.subnets[0]]);
    elsewhere.account.edit_service(&elsewhere.service, |service| set_launch(service, None, &[&provider]));
    assert_silent(&audit_rule(&elsewhere.account, RULE));
    let constrain = |expression: &str| {
        let mut pattern = old();
        pattern.account.edit_service(&pattern.service, |service| {
            service
                .placement_constraints
                .push(PlacementConstraint { kind: "memberOf".to_owned(), expression: Some(expression.to_owned()) });
        });
        pattern
    };
    let first = "attribute:ecs.availability-zone == eu-west-1a";
    let report = audit_rule(&constrain(first).account, RULE);
    assert_eq!(only(&report).related.len(), 1);
    assert_unknown(&audit_rule(&constrain("runningTasksCount == 0").account, RULE), "placement constraint");
}

#[test]
fn a_version_that_cannot_be_read_is_unknown() {
    for version in [None, Some("latest"), Some("1.50")] {
        let pattern = with_agent(exec(patterns::ec2_bridge()), version);
        assert_unknown(&audit_rule(&pattern.account, RULE), "is new enough for ECS Exec can't be told");
        assert_silent(&audit_rule(&with_agent(patterns::ec2_bridge(), version).account, RULE));
    }
}

#[test]
fn what_is_unread_only_matters_where_an_agent_is_old() {
    for (dataset, api) in [
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
    ] {
        let mut pattern = with_agent(exec(patterns::ec2_bridge()), Some("1.47.0"));
        pattern.account.deny(dataset, api);
        assert_unknown(&audit_rule(&pattern.account, RULE), &format!("{} could not be read", dataset.name()));
    }
    let unread = patterns::on_unread_capacity(with_agent(exec(patterns::ec2_bridge()), Some("1.47.0")));
    assert_unknown(&audit_rule(&unread.account, RULE), "capacity-providers could not be read");
}

#[test]
fn a_missing_trunk_that_is_told_of_elsewhere_is_a_detail_here() {
    let mut pattern = half_trunked("1.28.0");
    // Its three interfaces are in use, so that the missing trunk hurts.
    let old = pattern.instances[0].clone();
    pattern.account.edit_host(&old, |host| host.network_interfaces.truncate(1));
    pattern.account.data.tasks.items_mut().unwrap().retain(|t| t.container_instance_arn.as_ref() != Some(&old));
    for number in 0..3 {
        pattern.account.task_on(&pattern.service.clone(), &old, &format!("more-{number}"));
    }
    let report = audit_beside(&pattern.account, RULE, "trunking-ineffective");
    let said = (only(&report).severity, only(&report).severity_reason.as_deref());
    assert_eq!(said, (Severity::Info, Some("trunking-ineffective tells of the same instances")));
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::Low);
}
