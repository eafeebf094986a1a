//! Whether a finding of another selected rule explains a symptom: such findings carry it as their `confirmed_by`.
//!
//! One cause is one finding, so what is explained is not told again. A rule that could not be judged because something
//! was not read leaves the question open.

use std::rc::Rc;

use super::{Check, Outcome, Rule, capacity, egress, exposure, operations};
use crate::analysis::Analyses;
use crate::analysis::symptoms::Told;
use crate::finding::Severity;
use crate::reach::verdict::Gap;
use crate::symptom::{self, Kind, Nature, Trouble};
use crate::topology::Lookup;
use crate::topology::workload::Workload;

/// The answer.
pub(super) enum Explained {
    /// A finding above low tells of it.
    Yes,
    /// No finding does.
    No,
    /// Something was not read that may show one.
    Open(Vec<Gap>),
}

/// What keeps a task from what it needs at its start.
static PATHS: &[&Rule] = &[
    &egress::vpc_endpoint_missing::RULE,
    &egress::s3_gateway_not_routed::RULE,
    &egress::vpc_endpoint_private_dns_off::RULE,
    &egress::vpc_endpoint_path_blocked::RULE,
    &egress::vpc_endpoint_unavailable::RULE,
    &egress::egress_blocked::RULE,
    &egress::nat_path_broken::RULE,
    &egress::public_subnet_without_public_ip::RULE,
    &egress::registry_unreachable::RULE,
    &egress::log_destination_unreachable::RULE,
    &egress::private_zone_mismatch::RULE,
];
static PERMISSIONS: &[&Rule] = &[&egress::vpc_endpoint_policy_denies::RULE, &exposure::execution_role_missing::RULE];
static ROLES: &[&Rule] = &[&exposure::execution_role_missing::RULE];
static FILES: &[&Rule] = &[&egress::efs_mount_unreachable::RULE];
static SLOTS: &[&Rule] = &[
    &capacity::eni_limit_pressure::RULE,
    &capacity::eni_limit_blocks_deployment::RULE,
    &capacity::foreign_network_interfaces::RULE,
    &capacity::capacity_provider_cannot_scale::RULE,
];
static ADDRESSES: &[&Rule] = &[&capacity::subnet_address_exhaustion::RULE];
static PORTS: &[&Rule] = &[
    &capacity::host_port_conflict::RULE,
    &capacity::host_port_blocks_deployment::RULE,
    &capacity::host_port_reserved::RULE,
    &capacity::host_port_limit::RULE,
    &capacity::capacity_provider_cannot_scale::RULE,
];
static ZONES: &[&Rule] = &[&capacity::zone_without_instances::RULE, &capacity::capacity_provider_cannot_scale::RULE];
static AGENTS: &[&Rule] = &[
    &operations::agent_disconnected::RULE,
    &egress::container_agent_unreachable::RULE,
    &capacity::capacity_provider_cannot_scale::RULE,
];
static ROOM: &[&Rule] = &[&capacity::capacity_provider_cannot_scale::RULE];

/// The rules whose findings can be confirmed by a symptom of that kind.
fn candidates(kind: Kind) -> &'static [&'static Rule] {
    match (kind.trouble, kind.nature) {
        (
            Trouble::Pull
            | Trouble::RegistryAuth
            | Trouble::SecretsManager
            | Trouble::Parameter
            | Trouble::SecretsOrAuth
            | Trouble::Logs
            | Trouble::EnvironmentFile,
            nature,
        ) => match nature {
            Nature::Network => PATHS,
            Nature::Permission => PERMISSIONS,
            Nature::Refused | Nature::Absent | Nature::RateLimit | Nature::Unsaid => &[],
        },
        (Trouble::Role, _) => ROLES,
        (Trouble::FileSystem, _) => FILES,
        (Trouble::Slots, _) => SLOTS,
        (Trouble::Addresses, _) => ADDRESSES,
        (Trouble::Ports, _) => PORTS,
        (Trouble::Attribute | Trouble::Zone | Trouble::Instances | Trouble::Placement, _) => ZONES,
        (Trouble::Agent, _) => AGENTS,
        (Trouble::Cpu | Trouble::Memory | Trouble::Gpu | Trouble::Constraint, _) => ROOM,
        _ => &[],
    }
}

/// Asks the selected rules about symptoms of one event or task of a workload.
pub(super) fn explained<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>, kinds: &[Kind]) -> Explained {
    let mut open = Vec::new();
    for kind in kinds {
        let selected = candidates(*kind).iter().filter(|rule| analyses.settings.rules.contains(&rule.id));
        for rule in selected.filter(|rule| rule.check.judges(analyses.settings)) {
            for told in told(rule, workload, analyses) {
                if told.explained.contains(kind) {
                    return Explained::Yes;
                }
                open.extend(told.unread.iter().cloned());
            }
        }
    }
    open.sort();
    open.dedup();
    if open.is_empty() { Explained::No } else { Explained::Open(open) }
}

/// What a rule says of the workload, or of what the workload shares with others.
fn told<'s>(rule: &'static Rule, workload: &Workload<'s>, analyses: &Analyses<'s>) -> Vec<Rc<Told>> {
    let topology = analyses.topology;
    let unread = |gap| vec![Rc::new(Told { unread: vec![gap], ..Told::default() })];
    match rule.check {
        Check::Workload(check) => {
            let ask = || read([check(workload, analyses)]);
            vec![analyses.told(rule.id, &workload.index.to_string(), ask)]
        }
        Check::Cluster(check) => match topology.cluster(workload.cluster_arn) {
            Lookup::Found(cluster) => {
                vec![analyses.told(rule.id, cluster.arn.as_str(), || read(check(cluster, analyses)))]
            }
            Lookup::Absent => Vec::new(),
            Lookup::Unread(gap) => unread(gap),
        },
        Check::Subnet(check) => {
            let answers = workload.task_subnets().flat_map(|id| match topology.subnet(id) {
                Lookup::Found(subnet) => {
                    vec![analyses.told(rule.id, id.as_str(), || read([check(subnet, analyses)]))]
                }
                Lookup::Absent => Vec::new(),
                Lookup::Unread(gap) => unread(gap),
            });
            answers.collect()
        }
        Check::Vpc(_) | Check::Zone(_) => Vec::new(),
    }
}

/// The symptoms in outcomes. A finding of low severity or less says that it is no trouble now, so it explains none.
fn read(outcomes: impl IntoIterator<Item = Outcome>) -> Told {
    let mut told = Told::default();
    let is_unread = |gap: &Gap| matches!(gap, Gap::Unread { .. });
    for outcome in outcomes {
        match outcome {
            Outcome::Fails(failing) => {
                if failing.severity > Severity::Low {
                    let texts = failing.confirmed_by.iter().filter_map(|evidence| symptom::read(&evidence.text));
                    told.explained.extend(texts.map(symptom::Symptom::kind));
                }
                told.unread.extend(failing.gaps.into_iter().filter(is_unread));
            }
            Outcome::Unknown(gaps) => told.unread.extend(gaps.into_iter().filter(is_unread)),
            Outcome::Holds | Outcome::NotApplicable => {}
        }
    }
    told
}
