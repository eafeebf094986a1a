//! EFS over the network in clear text.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "efs-transit-encryption-off";

/// A healthy service whose revision has the setting.
fn wrong(mut pattern: Pattern) -> Pattern {
    let definition = pattern.definition.clone();
    pattern.account.mount(&definition, "fs-0a1b2c3d");
    pattern.account.edit_definition(&definition, |definition| {
        definition.volumes[0].efs.as_mut().unwrap().transit_encryption = false;
    });
    pattern
}

#[test]
fn a_volume_without_it_is_named() {
    let pattern = wrong(patterns::fargate_nat());
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    medium efs-transit-encryption-off prod/web (ecs:service)
    Tasks of web mount EFS file systems without encryption in transit: volume files (fs-0a1b2c3d) in web:1
    blocker definition/transit-encryption-off - -> web:1: volume files (fs-0a1b2c3d) in web:1
    fix Register a revision whose efsVolumeConfiguration has transitEncryption ENABLED; access points and IAM authorization ask for it anyway.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query 'taskDefinition.volumes[?efsVolumeConfiguration]'
    "##);
}

#[test]
fn without_it_nothing_is_said() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    let mut encrypted = patterns::fargate_nat();
    encrypted.account.mount(&encrypted.definition.clone(), "fs-0a1b2c3d");
    assert_silent(&audit_rule(&encrypted.account, RULE));
}

#[test]
fn an_unread_definition_is_unknown() {
    let mut pattern = wrong(patterns::fargate_nat());
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
