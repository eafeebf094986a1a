//! EFS volumes and the zones that tasks run in.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use ecs_network_audit::snapshot::ids::SecurityGroupId;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "efs-mount-unreachable";

/// A file system with a mount target in each zone, whose group admits NFS from the tasks.
fn with_files(mut pattern: Pattern) -> (Pattern, SecurityGroupId) {
    let p = &mut pattern;
    let [a, b] = p.subnets.clone();
    let group = p.account.security_group(&p.vpc.clone(), "files");
    p.account.admit_group(&group, "tcp", 2049, 2049, &p.group.clone());
    p.account.file_system("fs-0a1b2c3d", &[&a, &b], &group);
    p.account.mount(&p.definition.clone(), "fs-0a1b2c3d");
    (pattern, group)
}

#[test]
fn a_zone_without_a_mount_target() {
    let (mut pattern, _) = with_files(patterns::fargate_nat());
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.data.file_systems.items_mut().unwrap()[0].mount_targets.truncate(1);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high efs-mount-unreachable prod/web (ecs:service)
    Tasks of web cannot mount fs-0a1b2c3d: fs-0a1b2c3d has no mount target in eu-west-1a
    blocker endpoint/no-mount-target subnet-04c2cb0f785a4be86 -> fs-0a1b2c3d: fs-0a1b2c3d has no mount target in eu-west-1a
    fix Give the file system a mount target in every zone that tasks run in, and let TCP 2049 through from the tasks to it in both security groups and in the network ACLs.
    $ aws efs create-mount-target --region eu-west-1 --file-system-id fs-0a1b2c3d --subnet-id subnet-04c2cb0f785a4be86 --security-groups "$MOUNT_TARGET_GROUP"
    "##);
}

#[test]
fn nfs_is_refused_on_either_side() {
    let (mut pattern, group) = with_files(patterns::fargate_nat());
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!((only(&report).severity, only(&report).blockers[0].kind), (Severity::High, "group-ingress"));
    let (mut pattern, _) = with_files(patterns::fargate_nat());
    pattern.account.let_out(&pattern.group.clone(), &[("tcp", 443, 443, "0.0.0.0/0")]);
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).blockers[0].kind, "group-egress");
}

#[test]
fn on_ec2_the_network_mode_says_which_interface_mounts() {
    // In awsvpc mode the task's own ENI, whose group is admitted; in bridge mode the instance's.
    assert_silent(&audit_rule(&with_files(patterns::ec2_awsvpc()).0.account, RULE));
    assert_silent(&audit_rule(&with_files(patterns::ec2_bridge()).0.account, RULE));
    let (mut pattern, group) = with_files(patterns::ec2_awsvpc());
    let instances = pattern.account.ensure_group(&pattern.vpc.clone(), "instances");
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.admit_group(&group, "tcp", 2049, 2049, &instances);
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_file_system_that_is_gone_and_one_in_another_vpc() {
    let (mut pattern, _) = with_files(patterns::fargate_nat());
    let file_system = &mut pattern.account.data.file_systems.items_mut().unwrap()[0];
    (file_system.exists, file_system.mount_targets) = (false, Vec::new());
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).blockers[0].kind, "file-system-gone");
    let (mut pattern, _) = with_files(patterns::fargate_nat());
    for target in &mut pattern.account.data.file_systems.items_mut().unwrap()[0].mount_targets {
        target.vpc_id = Some("vpc-other".into());
    }
    assert_unknown(&audit_rule(&pattern.account, RULE), "in another VPC");
}

#[test]
fn unread() {
    let (mut pattern, _) = with_files(patterns::fargate_nat());
    pattern.account.deny(Dataset::FileSystems, "elasticfilesystem:DescribeMountTargets");
    assert_unknown(&audit_rule(&pattern.account, RULE), "file-systems could not be read");
}

#[test]
fn a_placement_constraint_may_keep_tasks_from_the_zone_without_a_mount_target() {
    let (mut pattern, _) = with_files(patterns::ec2_bridge());
    pattern.account.data.file_systems.items_mut().unwrap()[0].mount_targets.truncate(1);
    only(&audit_rule(&pattern.account, RULE));
    pattern.account.edit_service(&pattern.service.clone(), |service| {
        service.placement_constraints.push(PlacementConstraint {
            kind: "memberOf".to_owned(),
            expression: Some("attribute:role == web".to_owned()),
        });
    });
    assert_unknown(&audit_rule(&pattern.account, RULE), "a placement constraint may keep tasks");
}

#[test]
fn a_mount_target_that_is_being_made_is_neither_there_nor_missing() {
    let (mut pattern, _) = with_files(patterns::fargate_nat());
    for target in &mut pattern.account.data.file_systems.items_mut().unwrap()[0].mount_targets {
        target.life_cycle_state = "creating".to_owned();
    }
    assert_unknown(&audit_rule(&pattern.account, RULE), "is creating");
}
