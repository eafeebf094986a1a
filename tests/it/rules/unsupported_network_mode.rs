//! Network modes and the platforms that know them.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::{LaunchType, NetworkMode};
use insta::assert_snapshot;

use crate::mocks::compute::set_launch;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "unsupported-network-mode";

/// The revision on a platform, its tasks gone.
fn on(launch: LaunchType, mode: Option<NetworkMode>, family: Option<&str>) -> Pattern {
    let mut pattern = patterns::ec2_bridge();
    let p = &mut pattern;
    p.account.edit_service(&p.service, |service| set_launch(service, Some(launch), &[]));
    p.account.edit_definition(&p.definition, |definition| {
        definition.network_mode = mode;
        definition.operating_system_family = family.map(str::to_owned);
    });
    p.account.data.tasks.items_mut().unwrap().clear();
    pattern
}

#[test]
fn the_platform_matrix() {
    use NetworkMode as M;
    let windows = Some("WINDOWS_SERVER_2022_CORE");
    let linux = Some("LINUX");
    for (launch, mode, family, supported) in [
        (LaunchType::Fargate, Some(M::Awsvpc), linux, true),
        (LaunchType::Fargate, Some(M::Bridge), linux, false),
        (LaunchType::Fargate, None, linux, false),
        (LaunchType::Ec2, Some(M::Awsvpc), linux, true),
        (LaunchType::Ec2, Some(M::Bridge), linux, true),
        (LaunchType::Ec2, Some(M::Host), linux, true),
        (LaunchType::Ec2, Some(M::None), linux, true),
        (LaunchType::Ec2, None, linux, true),
        (LaunchType::Ec2, None, windows, true),
        (LaunchType::Ec2, Some(M::Awsvpc), windows, true),
        (LaunchType::Ec2, Some(M::Bridge), windows, false),
        (LaunchType::Ec2, Some(M::Host), windows, false),
        (LaunchType::ManagedInstances, Some(M::Awsvpc), linux, true),
        (LaunchType::ManagedInstances, Some(M::Host), linux, true),
        (LaunchType::ManagedInstances, Some(M::Bridge), linux, false),
        (LaunchType::ManagedInstances, None, linux, false),
        (LaunchType::External, Some(M::Bridge), linux, true),
        (LaunchType::External, Some(M::Awsvpc), linux, false),
    ] {
        let case = format!("{launch} {mode:?} {family:?}");
        let report = audit_rule(&on(launch, mode, family).account, RULE);
        assert_eq!(report.findings.is_empty(), supported, "{case}");
        assert!(report.not_evaluated.is_empty(), "{case}");
    }
}

#[test]
fn the_finding_says_what_the_platform_knows() {
    let pattern = on(LaunchType::Fargate, Some(NetworkMode::Bridge), Some("LINUX"));
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high unsupported-network-mode prod/web (ecs:service)
    web cannot start a task: web:1 asks for mode bridge, Fargate knows awsvpc only
    blocker address/mode-unsupported - -> web:1: web:1 asks for mode bridge, Fargate knows awsvpc only
    fix Register a revision with a network mode that the platform supports, or launch the workload on one that supports this mode.
    "##);
}

#[test]
fn without_a_family_the_instances_say_which_system_it_is() {
    let mut pattern = on(LaunchType::Ec2, Some(NetworkMode::Bridge), None);
    assert_silent(&audit_rule(&pattern.account, RULE));
    for instance in pattern.instances.clone() {
        pattern.account.edit_instance(&instance, |instance| {
            instance.attributes.insert("ecs.os-type".to_owned(), Some("windows".to_owned()));
        });
    }
    only(&audit_rule(&pattern.account, RULE));
    pattern.account.edit_instance(&pattern.instances[0].clone(), |instance| {
        instance.attributes.insert("ecs.os-type".to_owned(), Some("linux".to_owned()));
    });
    assert_unknown(&audit_rule(&pattern.account, RULE), "Linux or Windows");
}

#[test]
fn what_runs_contradicts_what_is_documented() {
    let mut pattern = on(LaunchType::ManagedInstances, Some(NetworkMode::Bridge), Some("LINUX"));
    pattern.account.task(&pattern.service.clone(), "alive");
    assert_unknown(&audit_rule(&pattern.account, RULE), "contradicted by live state");
    let none = on(LaunchType::ManagedInstances, Some(NetworkMode::None), Some("LINUX"));
    assert_unknown(&audit_rule(&none.account, RULE), "documented both ways");
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}

#[test]
fn tasks_that_still_run_elsewhere_contradict_nothing() {
    let mut moved = patterns::ec2_bridge();
    moved.account.task(&moved.service.clone(), "old");
    moved.account.data.tasks.items_mut().unwrap()[0].launch_type = Some(LaunchType::Ec2);
    moved.account.edit_service(&moved.service.clone(), |service| set_launch(service, Some(LaunchType::Fargate), &[]));
    only(&audit_rule(&moved.account, RULE));
}

#[test]
fn without_an_instance_to_ask_the_system_is_unknown() {
    let mut pattern = on(LaunchType::Ec2, Some(NetworkMode::Bridge), None);
    pattern.account.data.container_instances.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&pattern.account, RULE), "whether it is Linux or Windows");
}

#[test]
fn two_providers_of_one_platform_are_one_fault() {
    let mut pattern = on(LaunchType::Fargate, Some(NetworkMode::Bridge), Some("LINUX"));
    let service = pattern.service.clone();
    pattern.account.edit_service(&service, |service| set_launch(service, None, &["FARGATE", "FARGATE_SPOT"]));
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).blockers.len(), 1);
}

#[test]
fn what_runs_is_supported_whatever_the_operating_system() {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.edit_definition(&pattern.definition.clone(), |d| d.operating_system_family = None);
    pattern.account.edit_instance(&pattern.instances[0].clone(), |instance| {
        instance.attributes.insert("ecs.os-type".to_owned(), Some("windows".to_owned()));
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.data.tasks.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&pattern.account, RULE), "Linux or Windows");
}
