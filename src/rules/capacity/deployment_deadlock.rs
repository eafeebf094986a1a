//! A deployment that its own percentages forbid.

use super::shared;
use crate::analysis::Analyses;
use crate::analysis::{deployments, symptoms};
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::symptom::Trouble;
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "deployment-deadlock",
    group: Group::Capacity,
    severity: Severity::High,
    summary: "a deployment that may neither stop nor start a task",
    page: include_str!("deployment_deadlock.md"),
    needs: &[Dataset::Clusters, Dataset::Services],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let Some((service, rolling)) = workload.service.and_then(|service| Some((service, deployments::rolling(service)?)))
    else {
        return Outcome::NotApplicable;
    };
    if !rolling.is_deadlocked() {
        return Outcome::Holds;
    }
    let configuration = &service.deployment_configuration;
    let minimum = configuration.minimum_healthy_percent.unwrap_or(100);
    let maximum = configuration.maximum_percent.unwrap_or(200);
    let detail = text![
        minimum,
        " % of ",
        rolling.desired,
        " rounds up to ",
        rolling.floor,
        " that must run, ",
        maximum,
        " % rounds down to ",
        rolling.ceiling,
        " that may"
    ];
    let mut message = text!["No deployment of ", &workload.short_name, " can ever move: "];
    message.append(detail.clone());
    let text =
        text!["Raise maximumPercent until one task more fits, or lower minimumHealthyPercent until one may stop."];
    // Twice the desired tasks are at least one more.
    let minimum = u32::try_from(minimum).unwrap_or(100);
    let command = shared::deployment_configuration(workload, &analyses.topology.target.region, minimum, 200);
    let failing = Failing {
        blockers: vec![shared::short("percentages", workload.short_name.as_str(), detail)],
        facts: [
            ("desired", serde_json::json!(rolling.desired)),
            ("floor", serde_json::json!(rolling.floor)),
            ("ceiling", serde_json::json!(rolling.ceiling)),
        ]
        .into(),
        confirmed_by: symptoms::of_service_events([service], |trouble| trouble == Trouble::DeploymentLimits),
        ..Failing::new(&RULE, message, Remediation { text, commands: vec![command] })
    };
    Outcome::Fails(Box::new(failing))
}
