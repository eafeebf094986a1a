//! A type that can't have a trunk, with most of its slots in use.

use super::{shared, trunking};
use crate::analysis::Analyses;
use crate::analysis::interfaces;
use crate::analysis::task_eni_limits;
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::ecs::Cluster;
use crate::text;
use crate::text::Text;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "trunking-unsupported-type",
    group: Group::Capacity,
    severity: Severity::Low,
    summary: "an instance type that can't have a trunk, with most of its slots in use",
    page: include_str!("trunking_unsupported_type.md"),
    needs: trunking::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/eni-trunking-supported-instance-types.html",
    ],
    check: Check::Cluster(check),
};

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let found = analyses.slots(cluster);
    let mut outcomes = Vec::new();
    for slots in &found.types {
        let listed = task_eni_limits::of(&slots.instance_type).is_some_and(|limit| limit.tasks.is_some());
        let windows = slots.instances.iter().any(|instance| interfaces::is_windows(instance.instance));
        let has_trunk = slots.instances.iter().any(|instance| instance.trunk);
        if listed || windows || has_trunk || slots.demand_at_most == 0 {
            outcomes.push(if slots.gaps.is_empty() {
                Outcome::NotApplicable
            } else {
                Outcome::Unknown(slots.gaps.clone())
            });
            continue;
        }
        let percent = analyses.settings.eni_limit_pressure_percent;
        if !trunking::reaches(slots, percent) {
            let open = !slots.gaps.is_empty();
            outcomes.push(if open { Outcome::Unknown(slots.gaps.clone()) } else { Outcome::Holds });
            continue;
        }
        let others = task_eni_limits::of_size(&slots.instance_type);
        let mut message = text![
            &slots.instance_type,
            " in ",
            &cluster.name,
            " is not among the types that ECS lists for ENI trunking, and ",
            slots.demand,
            " of its ",
            slots.slots(),
            " task-ENI slots are wanted"
        ];
        if !others.is_empty() {
            message.push("; of the same size ");
            message.append(Text::list(others.iter().map(|(name, tasks)| format!("{name} ({tasks})")), 4));
            message.push(" can trunk");
        }
        let text = text!["Move to a type that supports trunking, or to bridge mode or Fargate."];
        let mut failing = Failing {
            sub_key: slots.instance_type.clone(),
            blockers: vec![shared::short("type-without-trunking", &slots.instance_type, text!["no trunking"])],
            related: trunking::related(&slots.instances),
            gaps: slots.gaps.clone(),
            ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
        };
        trunking::behind_pressure(cluster, analyses, &mut failing, &slots.instance_type);
        outcomes.push(Outcome::Fails(Box::new(failing)));
    }
    if !found.gaps.is_empty() {
        outcomes.push(Outcome::Unknown(found.gaps.clone()));
    }
    outcomes
}
