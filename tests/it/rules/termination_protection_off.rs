//! Capacity providers that let a scale-in take instances with tasks.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::{CapacityProvider, CapacityProviderKind};
use insta::assert_snapshot;

use crate::mocks::account::Account;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "termination-protection-off";

/// A cluster with a protected provider for each name.
fn with_providers(names: &[&str]) -> Pattern {
    let mut pattern = patterns::ec2_bridge();
    for name in names {
        let provider = pattern.account.capacity_provider(name, 2, 4, &[&pattern.subnets[0]]);
        pattern.account.edit_cluster(&pattern.cluster, |cluster| cluster.capacity_providers.push(provider));
    }
    pattern
}

fn edit(account: &mut Account, edit: impl FnOnce(&mut CapacityProvider)) {
    edit(&mut account.data.capacity_providers.items_mut().unwrap()[0]);
}

#[test]
fn a_provider_without_protection_may_lose_instances_with_tasks() {
    let mut pattern = with_providers(&["workers"]);
    pattern.account.termination_protection("workers", false);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    low termination-protection-off prod (ecs:cluster)
    Capacity provider workers of prod scales Auto Scaling group workers without managed termination protection: a scale-in may take an instance that runs tasks, which are moved first because managed draining is on
    fix Protect new instances of the group from scale-in, give the present ones the same protection (aws autoscaling set-instance-protection), then turn managed termination protection on.
    $ aws autoscaling update-auto-scaling-group --region eu-west-1 --auto-scaling-group-name workers --new-instances-protected-from-scale-in
    $ aws ecs update-capacity-provider --region eu-west-1 --name workers --auto-scaling-group-provider managedTerminationProtection=ENABLED
    "##);
}

#[test]
fn each_provider_has_a_finding_of_its_own() {
    let mut pattern = with_providers(&["workers", "batch", "quiet"]);
    pattern.account.termination_protection("workers", false);
    pattern.account.termination_protection("batch", false);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(report.findings.len(), 2);
    assert_ne!(report.findings[0].id, report.findings[1].id);
}

#[test]
fn without_managed_draining_tasks_are_not_even_moved() {
    let mut pattern = with_providers(&["workers"]);
    pattern.account.termination_protection("workers", false);
    edit(&mut pattern.account, |provider| {
        if let CapacityProviderKind::AutoScalingGroup { managed_draining, .. } = &mut provider.kind {
            *managed_draining = false;
        }
    });
    let report = audit_rule(&pattern.account, RULE);
    assert!(only(&report).message.to_string().ends_with("and managed draining is off"));
}

#[test]
fn a_protected_provider_is_fine() {
    assert_silent(&audit_rule(&with_providers(&["workers"]).account, RULE));
}

#[test]
fn without_managed_scaling_the_protection_has_no_effect() {
    let mut pattern = with_providers(&["workers"]);
    pattern.account.termination_protection("workers", false);
    edit(&mut pattern.account, |provider| {
        if let CapacityProviderKind::AutoScalingGroup { managed_scaling, .. } = &mut provider.kind {
            *managed_scaling = false;
        }
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn providers_of_aws_have_no_such_setting() {
    let mut pattern = with_providers(&["managed"]);
    edit(&mut pattern.account, |provider| {
        provider.kind = CapacityProviderKind::ManagedInstances { subnets: Vec::new(), security_groups: Vec::new() };
    });
    pattern.account.edit_cluster(&pattern.cluster, |cluster| {
        cluster.capacity_providers.extend(["FARGATE".to_owned(), "FARGATE_SPOT".to_owned()]);
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn an_unread_provider_is_unknown() {
    let mut pattern = with_providers(&["workers"]);
    pattern.account.deny(Dataset::CapacityProviders, "ecs:DescribeCapacityProviders");
    assert_unknown(&audit_rule(&pattern.account, RULE), "capacity-providers could not be read");
}
