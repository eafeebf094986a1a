//! What the rules of this group share.

use crate::analysis::Analyses;
use crate::analysis::deployments::{Plan, Planned, Verdict, plan};
use crate::analysis::interfaces::Headroom;
use crate::finding::{Remediation, Severity};
use crate::placement::room::Resource;
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::{Failing, Outcome, Rule};
use crate::shell;
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;

/// One thing that is short.
pub(super) fn short(kind: &'static str, resource: &str, detail: Text) -> Blocker {
    Blocker {
        family: Family::Capacity,
        kind,
        need: None,
        origin: None,
        port: None,
        protocol: None,
        resource: Some(resource.to_owned()),
        detail,
    }
}

/// The verdict of a rule that found a failure, or none.
pub(super) fn outcome(concerned: bool, mut gaps: Vec<Gap>, failing: Option<Failing>) -> Outcome {
    gaps.sort();
    gaps.dedup();
    match (failing, gaps.is_empty()) {
        (Some(failing), _) => Outcome::Fails(Box::new(Failing { gaps, ..failing })),
        (None, false) => Outcome::Unknown(gaps),
        (None, true) if concerned => Outcome::Holds,
        (None, true) => Outcome::NotApplicable,
    }
}

/// `aws ecs update-service` with a deployment configuration.
pub(super) fn deployment_configuration(workload: &Workload<'_>, region: &str, minimum: u32, maximum: u32) -> String {
    let mut command = shell::Command::new("aws ecs update-service");
    command.option("region", region);
    command.option("cluster", &workload.cluster_name);
    command.option("service", &workload.short_name);
    command.option("deployment-configuration", &format!("minimumHealthyPercent={minimum},maximumPercent={maximum}"));
    command.to_string()
}

/// A deployment that one resource holds.
pub(super) struct Held<'s> {
    pub(super) planned: Planned<'s>,
    /// Not one task can start; otherwise only so many at once as the resource leaves.
    pub(super) at_once: Option<u32>,
}

/// Whether the next deployment of a workload is held by a resource.
///
/// # Errors
/// The outcome, when it isn't: the question doesn't arise, it moves, or it can't be told.
pub(super) fn held<'s>(
    workload: &Workload<'s>,
    analyses: &Analyses<'s>,
    resource: Resource,
    concerns: impl Fn(&Planned<'s>) -> bool,
) -> Result<Held<'s>, Outcome> {
    let planned = match plan(analyses, workload) {
        Plan::NotApplicable => return Err(Outcome::NotApplicable),
        Plan::Unknown(gaps) => return Err(Outcome::Unknown(gaps)),
        Plan::Planned(planned) => *planned,
    };
    // A deployment that its own percentages forbid has a finding of its own.
    if !concerns(&planned) || planned.rolling.is_deadlocked() {
        return Err(Outcome::NotApplicable);
    }
    if planned.instances() == 0 {
        return Err(if planned.gaps.is_empty() { Outcome::NotApplicable } else { Outcome::Unknown(planned.gaps) });
    }
    match planned.verdict(None) {
        // What runs out of one resource everywhere is held by it, whatever else it lacks; for slots it has to be all it lacks.
        Verdict::Cannot if planned.running > 0 && planned.is_exhausted(resource) => {
            match planned.verdict(Some(resource)) {
                Verdict::Cannot if resource != Resource::Ports => Err(Outcome::Holds),
                Verdict::Unknown(gaps) if resource != Resource::Ports => Err(Outcome::Unknown(gaps)),
                _ => Ok(Held { planned, at_once: None }),
            }
        }
        Verdict::Unknown(gaps) => Err(Outcome::Unknown(gaps)),
        Verdict::Cannot if planned.held_by() == Some(resource) && planned.running > 0 => {
            Ok(Held { planned, at_once: None })
        }
        Verdict::Cannot => Err(Outcome::Holds),
        Verdict::Fits(_) | Verdict::Starts => {
            let (room, without_limit) = (planned.at_once(None), planned.at_once(Some(resource)));
            match room < without_limit && planned.rolling.may_stop(planned.running) == 0 {
                true => Ok(Held { planned, at_once: Some(room) }),
                false => Err(Outcome::Holds),
            }
        }
    }
}

/// The failure, low where an Auto Scaling group brings instances, unknown where that can't be told.
pub(super) fn fails(held: Held<'_>, rule: &'static Rule, message: Text, remediation: Remediation) -> Outcome {
    let mut failing = Failing::new(rule, message, remediation);
    match held.planned.headroom {
        Headroom::Unknown(gap) => return Outcome::Unknown(vec![gap]),
        Headroom::Yes => {
            failing.severity = Severity::Low;
            failing.severity_reason = Some("it moves after managed scaling has added an instance".to_owned());
        }
        Headroom::No | Headroom::NotManaged if held.at_once.is_some() => {
            failing.severity = Severity::Medium;
            failing.severity_reason = Some("it moves, but only in smaller batches".to_owned());
        }
        Headroom::No | Headroom::NotManaged => {}
    }
    let rolling = held.planned.rolling;
    failing.facts = [
        ("desired", serde_json::json!(rolling.desired)),
        ("floor", serde_json::json!(rolling.floor)),
        ("ceiling", serde_json::json!(rolling.ceiling)),
        ("running", serde_json::json!(held.planned.running)),
        ("eligible_instances", serde_json::json!(held.planned.instances())),
        ("start_at_once", serde_json::json!(held.at_once.unwrap_or(0))),
    ]
    .into();
    failing.gaps = held.planned.gaps;
    Outcome::Fails(Box::new(failing))
}

/// "4 of 4 tasks have to stay and none more fits on the 2 instances it may use".
pub(super) fn arithmetic(held: &Held<'_>, what: &'static str) -> Text {
    let rolling = held.planned.rolling;
    let instances = held.planned.instances();
    let mut text = match held.at_once {
        None => text!["no new task can start: ", rolling.floor, " of ", rolling.desired, " have to keep running, and "],
        Some(count) => text![
            "only ",
            count,
            " new ",
            if count == 1 { "task starts" } else { "tasks start" },
            " at once where ",
            rolling.may_start(held.planned.running),
            " may: "
        ],
    };
    text.append(text![
        if instances == 1 { "the instance" } else { "the " },
        if instances == 1 { String::new() } else { instances.to_string() },
        if instances == 1 { " it may use has no " } else { " instances it may use have no " },
        what,
        if held.at_once.is_none() { " free" } else { " for more" }
    ]);
    text
}
