//! Static host ports in the range that the operating system gives out by itself.

use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::{LaunchType, NetworkMode};
use insta::assert_snapshot;

use crate::mocks::accounts::{Fixture, ec2_bridge_behind_alb, instances};
use crate::mocks::compute::set_launch;
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "host-port-ephemeral";

const WINDOWS: Option<&str> = Some("WINDOWS_SERVER_2022_CORE");

fn audit(fixture: &Fixture) -> Report {
    audit_rule(&fixture.account, RULE)
}

/// A service in bridge mode on Linux with this host port.
fn with_host_port(port: u16) -> Fixture {
    let mut fixture = ec2_bridge_behind_alb();
    fixture.account.edit_definition(&fixture.definition, |d| d.containers[0].port_mappings[0].host_port = Some(port));
    fixture
}

fn set_platform(fixture: &mut Fixture, family: Option<&str>) {
    let family = family.map(str::to_owned);
    fixture.account.edit_definition(&fixture.definition, |d| d.operating_system_family = family);
}

#[test]
fn a_connection_may_have_the_port_first() {
    let report = audit(&with_host_port(40000));
    assert_eq!(only(&report).severity, Severity::Low);
    assert_snapshot!(shown(only(&report)), @r##"
    low host-port-ephemeral prod/web (ecs:service)
    A task of web may find its port taken by a connection or another task: host port tcp 40000 of web:1 is inside of 32768-60999
    blocker capacity/ephemeral-port - -> web:1: host port tcp 40000 of web:1 is inside of 32768-60999
    fix Choose a host port below the ephemeral range, or leave the host port to the agent.
    "##);
}

#[test]
fn the_ranges_of_linux_and_of_windows() {
    for (family, port, is_inside) in [
        (Some("LINUX"), 80, false),
        (Some("LINUX"), 32767, false),
        (Some("LINUX"), 32768, true),
        (Some("LINUX"), 60999, true),
        (Some("LINUX"), 61000, false),
        (WINDOWS, 40000, false),
        (WINDOWS, 49151, false),
        (WINDOWS, 49152, true),
        (WINDOWS, 65535, true),
    ] {
        let mut fixture = with_host_port(port);
        set_platform(&mut fixture, family);
        let report = audit(&fixture);
        assert_eq!(report.findings.len(), usize::from(is_inside), "{port} of {family:?}");
        assert!(report.findings.iter().all(|finding| finding.severity == Severity::Low));
        assert!(report.not_evaluated.is_empty());
    }
}

#[test]
fn instances_say_what_the_definition_leaves_out() {
    for (system, port, is_inside) in [("linux", 40000, true), ("windows", 40000, false), ("windows", 61000, true)] {
        let mut fixture = with_host_port(port);
        set_platform(&mut fixture, None);
        for instance in instances(&fixture) {
            fixture.account.edit_instance(&instance, |instance| {
                instance.attributes.insert("ecs.os-type".to_owned(), Some(system.to_owned()));
            });
        }
        assert_eq!(audit(&fixture).findings.len(), usize::from(is_inside), "{port} of {system}");
    }
}

#[test]
fn where_nobody_says_the_platform_it_may_not_matter() {
    let of_no_platform = |port| {
        let mut fixture = with_host_port(port);
        set_platform(&mut fixture, None);
        fixture.account.data.container_instances.items_mut().unwrap().clear();
        audit(&fixture)
    };
    assert_silent(&of_no_platform(80));
    assert_eq!(only(&of_no_platform(50000)).severity, Severity::Low);
    for port in [40000, 61000] {
        assert_unknown(&of_no_platform(port), "whether it is Linux or Windows");
    }
}

#[test]
fn every_port_of_the_range_is_named() {
    let mut fixture = with_host_port(40000);
    fixture.account.edit_definition(&fixture.definition, |definition| {
        let mut statistics = definition.containers[0].port_mappings[0].clone();
        (statistics.container_port, statistics.host_port) = (Some(8125), Some(40125));
        statistics.protocol = "udp".to_owned();
        definition.containers[0].port_mappings.push(statistics);
    });
    let report = audit(&fixture);
    assert_eq!(only(&report).blockers.len(), 2);
    assert!(only(&report).blockers.iter().any(|blocker| blocker.detail.to_string().contains("udp 40125")));
}

#[test]
fn dynamic_ports_and_ports_of_the_task_itself_are_not_concerned() {
    for dynamic in [None, Some(0)] {
        let mut fixture = with_host_port(40000);
        fixture.account.edit_definition(&fixture.definition, |d| d.containers[0].port_mappings[0].host_port = dynamic);
        assert_silent(&audit(&fixture));
    }
    for mut pattern in [patterns::ec2_awsvpc(), patterns::fargate_nat()] {
        pattern.account.edit_definition(&pattern.definition, |definition| {
            let mapping = &mut definition.containers[0].port_mappings[0];
            (mapping.container_port, mapping.host_port) = (Some(40000), Some(40000));
        });
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
}

#[test]
fn in_host_mode_the_container_port_is_the_host_port() {
    let mut fixture = with_host_port(0);
    fixture.account.edit_definition(&fixture.definition, |definition| {
        definition.network_mode = Some(NetworkMode::Host);
        definition.containers[0].port_mappings[0].container_port = Some(40000);
    });
    assert_eq!(only(&audit(&fixture)).severity, Severity::Low);
}

#[test]
fn a_task_that_runs_was_lucky() {
    let mut fixture = with_host_port(40000);
    let instance = instances(&fixture)[0].clone();
    fixture.account.task_on(&fixture.service, &instance, "web-0");
    assert_eq!(only(&audit(&fixture)).severity, Severity::Low);
}

#[test]
fn external_instances_have_the_same_range() {
    let mut fixture = with_host_port(40000);
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, Some(LaunchType::External), &[]));
    assert_eq!(only(&audit(&fixture)).severity, Severity::Low);
}

#[test]
fn datasets_that_may_not_be_read() {
    for (dataset, api) in [
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
        (Dataset::ContainerInstances, "ecs:ListContainerInstances"),
        (Dataset::CapacityProviders, "ecs:DescribeCapacityProviders"),
    ] {
        let mut fixture = with_host_port(40000);
        // Only the instances say the platform.
        set_platform(&mut fixture, None);
        let provider = fixture.account.capacity_provider("asg", 2, 2, &[&fixture.subnet]);
        for instance in instances(&fixture) {
            fixture.account.edit_instance(&instance, |i| i.capacity_provider_name = Some(provider.clone()));
        }
        fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &[&provider]));
        assert_eq!(only(&audit(&fixture)).severity, Severity::Low);
        fixture.account.deny(dataset, api);
        let report = audit(&fixture);
        assert_unknown(&report, &format!("{} could not be read", dataset.name()));
        assert!(report.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some(api)));
    }
}
