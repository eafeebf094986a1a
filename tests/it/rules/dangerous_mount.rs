//! Paths of the instance that give control over it.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::{MountPoint, Volume};
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern, on_unread_capacity};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "dangerous-mount";

/// The container mounts a path of its instance.
fn mount(pattern: &mut Pattern, path: &str, read_only: bool) {
    let volume = Volume {
        name: "host".to_owned(),
        host_source_path: Some(path.to_owned()),
        efs: None,
        fsx_credentials_parameter: None,
    };
    pattern.account.edit_definition(&pattern.definition, |definition| {
        definition.volumes.push(volume);
        definition.containers[0].mount_points.push(MountPoint {
            source_volume: Some("host".to_owned()),
            container_path: Some("/host".to_owned()),
            read_only,
        });
    });
}

/// A healthy service whose revision has the setting.
fn wrong(mut pattern: Pattern) -> Pattern {
    mount(&mut pattern, "/var/run/docker.sock", true);
    pattern
}

#[test]
fn the_socket_of_docker_gives_control() {
    let pattern = wrong(patterns::ec2_bridge());
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    medium dangerous-mount prod/web (ecs:service)
    Tasks of web mount paths that give control over their instance: container app mounts /var/run/docker.sock read-only in web:1
    blocker definition/host-path - -> web:1: container app mounts /var/run/docker.sock read-only in web:1
    fix Take the mount away, or mount only the files that are needed.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query 'taskDefinition.volumes[?host.sourcePath]'
    "##);
}

#[test]
fn without_it_nothing_is_said() {
    assert_silent(&audit_rule(&patterns::ec2_bridge().account, RULE));
    let mut data = patterns::ec2_bridge();
    mount(&mut data, "/data", false);
    assert_silent(&audit_rule(&data.account, RULE));
}

#[test]
fn what_holds_the_agents_data_or_leads_to_the_root_is_dangerous_too() {
    for path in ["/var", "/var/lib", "/proc/1/root", r"C:\", "//./pipe/docker_engine"] {
        let mut pattern = patterns::ec2_bridge();
        mount(&mut pattern, path, false);
        assert!(only(&audit_rule(&pattern.account, RULE)).message.to_string().contains(path), "{path}");
    }
}

#[test]
fn a_volume_that_nobody_mounts_is_harmless() {
    let mut pattern = wrong(patterns::ec2_bridge());
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| definition.containers[0].mount_points.clear());
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn fargate_does_not_take_it() {
    assert_silent(&audit_rule(&wrong(patterns::fargate_nat()).account, RULE));
}

#[test]
fn unread_capacity_may_be_fargate() {
    let pattern = on_unread_capacity(wrong(patterns::ec2_bridge()));
    assert_unknown(&audit_rule(&pattern.account, RULE), "capacity-providers could not be read");
}

#[test]
fn an_unread_definition_is_unknown() {
    let mut pattern = wrong(patterns::ec2_bridge());
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
