//! A zone with nearly as many ENIs as the account may have.

use super::shared;
use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::text;
use crate::topology::gap_for;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "network-interface-quota",
    group: Group::Capacity,
    severity: Severity::Medium,
    summary: "a zone with nearly as many ENIs as the quota allows",
    page: include_str!("network_interface_quota.md"),
    needs: &[Dataset::NetworkInterfaces, Dataset::NetworkInterfaceQuota],
    controls: &[],
    references: &["https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"],
    check: Check::Zone(check),
};

/// The default quota, which Service Quotas only ever raises.
const DEFAULT: u32 = 5000;
/// The share of the quota, in percent, from which the rule fires.
const NEAR: u64 = 80;

fn check(zone: &str, analyses: &Analyses<'_>) -> Outcome {
    let data = analyses.topology.data();
    let here = data.network_interfaces.items().iter().filter(|interface| interface.availability_zone == zone).count();
    let used = u32::try_from(here).unwrap_or(u32::MAX);
    let is_near = |quota: u32| u64::from(used) * 100 >= u64::from(quota) * NEAR;
    let mut gaps: Vec<Gap> = gap_for(&data.network_interfaces, Dataset::NetworkInterfaces, "").into_iter().collect();
    let quota = match data.network_interface_quota.items().first() {
        Some(quota) => quota.interfaces_per_zone,
        None if is_near(DEFAULT) => {
            let unread = gap_for(&data.network_interface_quota, Dataset::NetworkInterfaceQuota, "");
            gaps.push(unread.unwrap_or_else(|| {
                let reason = text![zone.to_owned(), " has ", used, " ENIs, and the quota is not shown"];
                Gap::Undecidable { kind: "quota", reason }
            }));
            return Outcome::Unknown(gaps);
        }
        None => DEFAULT,
    };
    if !is_near(quota) {
        return shared::outcome(true, gaps, None);
    }
    let detail = text![used, " of ", quota, " network interfaces"];
    let mut message = text![zone.to_owned(), " has "];
    message.append(detail.clone());
    message.push(": when none is left, no task with an ENI of its own can start there");
    let mut command = shell::Command::new("aws service-quotas request-service-quota-increase");
    command.option("region", &analyses.topology.target.region);
    command.option("service-code", "vpc");
    command.option("quota-code", "L-DF5E4CA3");
    command.option("desired-value", &(u64::from(quota) * 2).to_string());
    let text = text![
        "Ask for a higher quota, and remove interfaces that nothing uses; trunk ENIs and their branches count too."
    ];
    let mut failing = Failing {
        blockers: vec![shared::short("network-interfaces", zone, detail)],
        facts: [("used", serde_json::json!(used)), ("quota", serde_json::json!(quota))].into(),
        ..Failing::new(&RULE, message, Remediation { text, commands: vec![command.to_string()] })
    };
    if used >= quota {
        failing.severity = Severity::High;
        failing.severity_reason = Some("none is left".to_owned());
    }
    shared::outcome(true, gaps, Some(failing))
}
