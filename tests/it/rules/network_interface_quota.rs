//! Zones that run out of ENIs.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ids::SubnetId;
use ecs_network_audit::snapshot::vpc::NetworkInterfaceQuota;
use insta::assert_snapshot;

use crate::mocks::account::{Account, push};
use crate::mocks::interfaces::requester_managed;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "network-interface-quota";

/// So many ENIs in one zone and one in another.
fn with_interfaces(count: usize, quota: Option<u32>) -> Account {
    let mut account = Account::new();
    let vpc = account.vpc("main", "10.0.0.0/16");
    let busy = account.subnet(&vpc, "busy-a", "10.0.0.0/18", "a");
    let quiet = account.subnet(&vpc, "quiet-b", "10.0.64.0/18", "b");
    let mut add = |subnet: &SubnetId, name: String| {
        let found = account.data.subnets.items().iter().find(|found| found.id == *subnet).unwrap().clone();
        push(&mut account.data.network_interfaces, requester_managed(&name, &found, &[], "10.0.0.9"));
    };
    (0..count).for_each(|number| add(&busy, format!("busy-{number}")));
    add(&quiet, "quiet".to_owned());
    if let Some(interfaces_per_zone) = quota {
        push(&mut account.data.network_interface_quota, NetworkInterfaceQuota { interfaces_per_zone });
    }
    account
}

#[test]
fn a_zone_near_the_quota() {
    let report = audit_rule(&with_interfaces(4000, Some(5000)), RULE);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert_snapshot!(shown(only(&report)), @r##"
    medium network-interface-quota eu-west-1a (ec2:availability-zone)
    eu-west-1a has 4000 of 5000 network interfaces: when none is left, no task with an ENI of its own can start there
    blocker capacity/network-interfaces - -> eu-west-1a: 4000 of 5000 network interfaces
    fix Ask for a higher quota, and remove interfaces that nothing uses; trunk ENIs and their branches count too.
    $ aws service-quotas request-service-quota-increase --region eu-west-1 --service-code vpc --quota-code L-DF5E4CA3 --desired-value 10000
    "##);
    assert_eq!(only(&audit_rule(&with_interfaces(5000, Some(5000)), RULE)).severity, Severity::High);
}

#[test]
fn each_zone_counts_for_itself_and_a_raised_quota_is_believed() {
    assert_silent(&audit_rule(&with_interfaces(3999, Some(5000)), RULE));
    assert_silent(&audit_rule(&with_interfaces(5000, Some(10_000)), RULE));
}

#[test]
fn an_unread_quota_matters_only_near_the_default() {
    let mut few = with_interfaces(100, None);
    few.deny(Dataset::NetworkInterfaceQuota, "servicequotas:GetServiceQuota");
    assert!(audit_rule(&few, RULE).findings.is_empty());
    let mut many = with_interfaces(4500, None);
    many.deny(Dataset::NetworkInterfaceQuota, "servicequotas:GetServiceQuota");
    assert_unknown(&audit_rule(&many, RULE), "network-interface-quota could not be read");
    assert_unknown(&audit_rule(&with_interfaces(4500, None), RULE), "the quota is not shown");
}
