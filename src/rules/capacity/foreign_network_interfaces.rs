//! ENIs on container instances that ECS did not attach and does not know of.

use std::collections::BTreeMap;

use super::{shared, trunking};
use crate::analysis::Analyses;
use crate::analysis::interfaces::InstanceSlots;
use crate::analysis::symptoms;
use crate::finding::{Evidence, Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::ecs::Cluster;
use crate::snapshot::vpc::InstanceNetworkInterface;
use crate::symptom::Trouble;
use crate::text;
use crate::text::Text;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "foreign-network-interfaces",
    group: Group::Capacity,
    severity: Severity::Medium,
    summary: "ENIs that ECS did not attach, on instances whose slots it believes free",
    page: include_str!("foreign_network_interfaces.md"),
    needs: trunking::DATASETS,
    controls: &[],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html"],
    check: Check::Cluster(check),
};

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let found = analyses.slots(cluster);
    let mut outcomes = Vec::new();
    for slots in &found.types {
        let with: Vec<&InstanceSlots<'s>> = slots.instances.iter().filter(|one| !one.foreign.is_empty()).collect();
        if with.is_empty() || slots.demand_at_most == 0 {
            outcomes.push(match (slots.demand_at_most, slots.gaps.is_empty()) {
                (_, false) => Outcome::Unknown(slots.gaps.clone()),
                (0, true) => Outcome::NotApplicable,
                (_, true) => Outcome::Holds,
            });
            continue;
        }
        let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
        for interface in with.iter().flat_map(|one| &one.foreign) {
            *kinds.entry(kind(interface)).or_default() += 1;
        }
        let count: u32 = kinds.values().sum();
        let named = || Text::list(kinds.iter().map(|(kind, count)| format!("{count} × {kind}")), 4);
        let full = with.iter().filter(|one| one.placed >= one.slots()).count();
        let mut message =
            text![count, if count == 1 { " interface" } else { " interfaces" }, " that ECS did not attach (",];
        message.append(named());
        message.append(text![
            ") ",
            if count == 1 { "takes a slot" } else { "take slots" },
            " of ",
            with.len(),
            " × ",
            &slots.instance_type,
            " in ",
            &cluster.name,
            ", which the scheduler believes free: tasks placed there stop with \"unused device index\""
        ]);
        let text = text!["Detach the interfaces, or launch what needs them on instances outside of the cluster."];
        let tasks = analyses.topology.tasks_of(&cluster.arn).iter().copied();
        let evidence: Vec<Evidence> = symptoms::of_stopped_tasks(tasks, |symptom| symptom.trouble == Trouble::Slots);
        let mut failing = Failing {
            sub_key: slots.instance_type.clone(),
            blockers: vec![shared::short("foreign-interfaces", &slots.instance_type, named())],
            related: trunking::related(with.iter().copied()),
            facts: [("interfaces", serde_json::json!(kinds)), ("full_instances", serde_json::json!(full))].into(),
            confirmed_by: evidence,
            gaps: slots.gaps.clone(),
            ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
        };
        if full == 0 {
            failing.severity = Severity::Info;
            failing.severity_reason = Some("the instances have slots to spare".to_owned());
        } else {
            trunking::behind_pressure(cluster, analyses, &mut failing, &slots.instance_type);
        }
        outcomes.push(Outcome::Fails(Box::new(failing)));
    }
    if !found.gaps.is_empty() {
        outcomes.push(Outcome::Unknown(found.gaps.clone()));
    }
    outcomes
}

/// Who it seems to belong to.
fn kind(interface: &InstanceNetworkInterface) -> String {
    match (interface.interface_type.as_str(), interface.description.as_str()) {
        ("interface" | "", "") => "an interface without a description".to_owned(),
        ("interface" | "", description) => format!("“{description}”"),
        (kind, _) => kind.to_owned(),
    }
}
