//! Instances that could have a trunk and have none.

use super::{shared, trunking};
use crate::analysis::{Analyses, interfaces};
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::ecs::Cluster;
use crate::text;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "trunking-disabled",
    group: Group::Capacity,
    severity: Severity::Medium,
    summary: "container instances of a type that can trunk, none with a trunk",
    page: include_str!("trunking_disabled.md"),
    needs: trunking::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/eni-trunking-supported-instance-types.html",
    ],
    check: Check::Cluster(check),
};

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let found = analyses.slots(cluster);
    // With a trunk somewhere the setting is on, and something else keeps the others from theirs.
    let mut instances = found.types.iter().flat_map(|slots| &slots.instances);
    let on_somewhere =
        interfaces::trunking_is_account_default(analyses.topology) || instances.any(|instance| instance.trunk);
    let mut outcomes = Vec::new();
    for slots in &found.types {
        let Some(total) = slots.total_with_trunk().filter(|_| slots.demand_at_most > 0) else {
            outcomes.push(if slots.gaps.is_empty() {
                Outcome::NotApplicable
            } else {
                Outcome::Unknown(slots.gaps.clone())
            });
            continue;
        };
        if on_somewhere {
            outcomes.push(Outcome::Holds);
            continue;
        }
        // Instances in subnets of another account would fail to register with a trunk.
        if slots.instances.iter().any(|instance| trunking::is_in_shared_subnet(analyses.topology, instance)) {
            outcomes.push(Outcome::NotApplicable);
            continue;
        }
        let message = text![
            slots.instances.len(),
            " × ",
            &slots.instance_type,
            " in ",
            &cluster.name,
            " without a trunk hold ",
            slots.slots(),
            " awsvpc tasks; with ENI trunking they would hold ",
            total
        ];
        let mut command = shell::Command::new("aws ecs put-account-setting-default");
        command.option("region", &analyses.topology.target.region);
        command.option("name", "awsvpcTrunking");
        command.option("value", "enabled");
        let text = text![
            "Turn on ENI trunking as the account default and replace the instances: only those launched afterwards get a trunk."
        ];
        let detail = text![slots.slots(), " slots, ", total, " with trunking"];
        let mut failing = Failing {
            sub_key: slots.instance_type.clone(),
            blockers: vec![shared::short("no-trunk", &slots.instance_type, detail)],
            related: trunking::related(&slots.instances),
            facts: [("slots", serde_json::json!(slots.slots())), ("slots_with_trunking", serde_json::json!(total))]
                .into(),
            gaps: slots.gaps.clone(),
            ..Failing::new(&RULE, message, Remediation { text, commands: vec![command.to_string()] })
        };
        if !trunking::reaches(slots, analyses.settings.eni_limit_pressure_percent) {
            failing.severity = Severity::Info;
            failing.severity_reason = Some("most of the slots are free".to_owned());
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
