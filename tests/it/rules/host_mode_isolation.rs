//! Tasks in the instance's network namespace.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::NetworkMode;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "host-mode-isolation";

#[test]
fn host_mode_shares_everything() {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.edit_definition(&pattern.definition.clone(), |d| d.network_mode = Some(NetworkMode::Host));
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!((only(&report).severity, only(&report).controls), (Severity::Medium, ["ECS.17"].as_slice()));
    assert_snapshot!(shown(only(&report)), @r##"
    medium host-mode-isolation prod/web (ecs:service)
    Tasks of web run in host mode: they share the instance's network namespace, reach what listens on its localhost (the container agent included) and its metadata service, and have no security group of their own
    blocker address/host-mode - -> web:1: web:1 is in host mode
    fix Use awsvpc mode, which gives each task an interface and security groups of its own, unless the workload has to see the host's network.
    "##);
}

#[test]
fn other_modes_do_not_and_unread_is_unknown() {
    for mut pattern in [patterns::ec2_bridge(), patterns::fargate_nat()] {
        assert_silent(&audit_rule(&pattern.account, RULE));
        pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
        assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
    }
}
