//! The catalogue as a contract.

use std::collections::BTreeSet;

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::rules;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::Snapshot;
use ecs_network_audit::snapshot::coverage::{Dataset, Failure, FailureClass};

use crate::mocks::{demo, patterns};

#[test]
fn ids_are_a_contract() {
    let ids: Vec<&str> = rules::ALL.iter().map(|rule| rule.id).collect();
    let contract = [
        "unsupported-network-mode",
        "none-mode-with-ports",
        "container-port-clash",
        "host-port-mismatch",
        "host-mode-isolation",
        "bridge-mode-in-use",
        "target-type-mismatch",
        "target-group-unattached",
        "load-balancer-port-undefined",
        "target-group-vpc-mismatch",
        "load-balancer-zone-missing",
        "load-balancer-path-blocked",
        "health-check-path-blocked",
        "dynamic-ports-blocked",
        "health-check-port-fixed",
        "listener-path-blocked",
        "load-balancer-subnet-private",
        "load-balancer-address-space",
        "default-security-group-in-use",
        "security-group-vpc-mismatch",
        "health-check-grace-missing",
        "targets-unhealthy",
        "vpc-endpoint-missing",
        "s3-gateway-not-routed",
        "vpc-endpoint-private-dns-off",
        "vpc-endpoint-path-blocked",
        "vpc-endpoint-unavailable",
        "vpc-endpoint-policy-denies",
        "egress-blocked",
        "nat-path-broken",
        "public-subnet-without-public-ip",
        "ec2-task-in-public-subnet",
        "public-ip-unusable",
        "container-agent-unreachable",
        "registry-unreachable",
        "log-destination-unreachable",
        "exec-unreachable",
        "private-zone-mismatch",
        "service-connect-misconfigured",
        "efs-mount-unreachable",
        "scheduled-task-network",
        "vpc-endpoint-single-zone",
        "nat-cross-zone",
        "s3-gateway-absent",
        "eni-limit-pressure",
        "eni-limit-blocks-deployment",
        "trunking-disabled",
        "trunking-ineffective",
        "trunking-unsupported-type",
        "foreign-network-interfaces",
        "daemon-takes-network-interface",
        "subnet-address-exhaustion",
        "network-interface-quota",
        "host-port-conflict",
        "host-port-blocks-deployment",
        "host-port-reserved",
        "host-port-ephemeral",
        "deployment-deadlock",
        "zone-without-instances",
        "capacity-provider-cannot-scale",
        "host-port-limit",
        "service-single-zone",
        "task-reachable-from-internet",
        "task-public-ip",
        "load-balancer-bypassed",
        "instance-ports-exposed",
        "shared-security-group",
        "metadata-reachable-from-tasks",
        "flow-logs-off",
        "execution-role-missing",
        "task-role-missing-on-ec2",
        "privileged-container",
        "host-process-namespace",
        "root-user",
        "writable-root-filesystem",
        "secret-in-environment",
        "dangerous-mount",
        "log-driver-missing",
        "log-driver-blocking",
        "fargate-platform-outdated",
        "container-insights-off",
        "efs-transit-encryption-off",
        "termination-protection-off",
        "image-scan-off",
        "agent-disconnected",
        "agent-outdated",
        "task-start-failures",
        "placement-failures",
        "deployment-circuit-breaker-off",
        "app-mesh-proxy",
    ];
    assert_eq!(ids, contract);
}

#[test]
fn every_page_has_its_sections_in_order() {
    let sections = ["## Why it matters", "## How it is decided", "## When it is unknown", "## How to fix it"];
    for rule in rules::ALL {
        let places: Vec<usize> =
            sections.iter().map(|s| rule.page.find(s).unwrap_or_else(|| panic!("{}: {s}", rule.id))).collect();
        assert!(places.is_sorted(), "{}", rule.id);
        assert!(rule.summary.len() <= 80 && !rule.summary.ends_with('.'), "{}", rule.id);
        assert!(rule.references.iter().any(|page| page.starts_with("https://docs.aws.amazon.com/")), "{}", rule.id);
        assert!(!rule.needs.is_empty(), "{}", rule.id);
    }
}

/// The account as a scan for one rule alone reads it.
fn reduced(snapshot: &Snapshot, needs: &[Dataset]) -> Snapshot {
    let mut snapshot = snapshot.clone();
    // What is scheduled is judged by every rule, where it was read.
    let workloads = [Dataset::EventRules, Dataset::Schedules];
    let needs: BTreeSet<Dataset> = needs.iter().copied().chain(workloads).collect();
    for dataset in Dataset::ALL.iter().filter(|dataset| !needs.contains(dataset)) {
        let failure = Failure {
            class: FailureClass::NotRequested,
            operation: dataset.name().to_owned(),
            iam_action: None,
            message: "no selected rule asked for it".to_owned(),
            affected: Vec::new(),
        };
        for target in &mut snapshot.targets {
            target.data.set_unavailable(*dataset, failure.clone());
        }
    }
    snapshot
}

#[test]
fn what_a_rule_needs_is_all_that_it_looks_at() {
    let snapshots = patterns::all().into_iter().map(|(name, pattern)| (name, pattern.account.snapshot()));
    for (name, snapshot) in snapshots.chain([("demo", demo::snapshot())]) {
        for rule in rules::ALL {
            let settings = Settings { rules: vec![rule.id], ..Settings::all_rules() };
            let whole = evaluate(&snapshot, &settings);
            let alone = evaluate(&reduced(&snapshot, rule.needs), &settings);
            assert_eq!(alone.not_evaluated, whole.not_evaluated, "{} in {name}", rule.id);
            assert_eq!(alone.findings, whole.findings, "{} in {name}", rule.id);
        }
    }
}
