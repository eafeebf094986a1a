//! A subnet without the addresses that its tasks need.

use super::shared;
use crate::analysis::addresses::{self, Claim};
use crate::analysis::{Analyses, symptoms};
use crate::finding::{Related, Remediation, Severity};
use crate::placement::room::total;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::vpc::Subnet;
use crate::symptom::Trouble;
use crate::text;
use crate::text::Text;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "subnet-address-exhaustion",
    group: Group::Capacity,
    severity: Severity::Medium,
    summary: "a subnet without the addresses that deployments need",
    page: include_str!("subnet_address_exhaustion.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &["https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"],
    check: Check::Subnet(check),
};

fn check<'s>(subnet: &'s Subnet, analyses: &Analyses<'s>) -> Outcome {
    let all = analyses.addresses();
    let claims = all.claims(&subnet.id);
    let free = addresses::free(subnet);
    let wanting = || claims.iter().filter(|claim| claim.next > 0 || claim.missing > 0);
    let workloads = || claims.iter().map(|claim| &analyses.topology.workloads()[claim.workload]);
    let services = workloads().filter_map(|workload| workload.service);
    let mut evidence = symptoms::of_service_events(services, |trouble| trouble == Trouble::Addresses);
    // A task's reason names the subnet.
    evidence.extend(symptoms::of_reasons(workloads().flat_map(symptoms::stopped_tasks), |symptom, reason| {
        symptom.trouble == Trouble::Addresses && reason.contains(subnet.id.as_str())
    }));
    // Fewer than are missing now, or none at all anywhere.
    let starved = wanting().find(|claim| claim.free() < claim.missing || claim.free() == 0);
    let largest = wanting().filter(|claim| claim.free() < claim.next).max_by_key(|claim| claim.next);
    let together = total(wanting().map(|claim| claim.share()));
    let (severity, reason, detail) = match (starved, largest) {
        (Some(claim), _) => (Severity::High, Some("tasks that are wanted now find no address"), wants(claim)),
        (_, Some(claim)) if !evidence.is_empty() => (Severity::High, Some("ENIs could not be made"), wants(claim)),
        (_, Some(claim)) => (Severity::Medium, None, wants(claim)),
        (_, None) if free == 0 && wanting().next().is_some() => {
            let detail = text!["the other subnets of its services still have some"];
            match evidence.is_empty() {
                true => (Severity::Medium, None, detail),
                false => (Severity::High, Some("ENIs could not be made"), detail),
            }
        }
        (_, None) if together > free => {
            let detail = text!["all next deployments at once would start ", together, " tasks there"];
            (Severity::Low, Some("each deployment by itself fits"), detail)
        }
        (_, None) => return shared::outcome(!claims.is_empty(), all.gaps.clone(), None),
    };
    let mut message = text![&subnet.id, " in ", &subnet.availability_zone, " has ", free];
    if let Some(usable) = addresses::usable(subnet) {
        message.append(text![" of ", usable]);
    }
    message.push(" addresses free: ");
    message.append(detail.clone());
    let text = text![
        "Add a larger subnet of the same zone to the services (a VPC can get another block), remove interfaces that are no \
         longer used, or deploy in smaller steps with a lower maximumPercent."
    ];
    let resources = claims.iter().map(|claim| analyses.topology.workloads()[claim.workload].resource());
    let related = resources.map(|resource| Related { kind: resource.kind, id: resource.arn, role: "claimant" });
    let mut failing = Failing {
        severity,
        severity_reason: reason.map(str::to_owned),
        blockers: vec![shared::short("addresses", subnet.id.as_str(), detail)],
        related: related.collect(),
        facts: [
            ("free", serde_json::json!(free)),
            ("usable", serde_json::json!(addresses::usable(subnet))),
            ("wanted_at_once", serde_json::json!(together)),
        ]
        .into(),
        gaps: all.gaps.clone(),
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    };
    failing.confirmed_by = evidence;
    Outcome::Fails(Box::new(failing))
}

fn wants(claim: &Claim<'_>) -> Text {
    let count = claim.next.max(claim.missing);
    text![
        "the next deployment of ",
        claim.name.clone(),
        " starts ",
        count,
        if count == 1 { " task" } else { " tasks" },
        ", and its ",
        claim.subnets.len(),
        if claim.subnets.len() == 1 { " subnet has " } else { " subnets have " },
        claim.free(),
        if claim.free() == 1 { " address free" } else { " addresses free" }
    ]
}
