//! Instances without a trunk beside others that have one.

use std::collections::BTreeMap;

use super::{shared, trunking};
use crate::analysis::Analyses;
use crate::analysis::agent_version;
use crate::analysis::interfaces::{self, InstanceSlots};
use crate::analysis::task_eni_limits;
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::ecs::Cluster;
use crate::text;
use crate::text::{Text, format_words};
use crate::topology::Topology;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "trunking-ineffective",
    group: Group::Capacity,
    severity: Severity::Medium,
    summary: "instances of types that can trunk, without a trunk although others have one",
    page: include_str!("trunking_ineffective.md"),
    needs: trunking::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/eni-trunking-launching-container-instance.html",
    ],
    check: Check::Cluster(check),
};

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let found = analyses.slots(cluster);
    let trunked = || found.types.iter().flat_map(|slots| &slots.instances).filter(|instance| instance.trunk);
    let is_on = interfaces::trunking_is_account_default(analyses.topology) || trunked().next().is_some();
    let oldest = trunked().filter_map(|slots| launched(analyses.topology, slots)).min();
    let mut outcomes = Vec::new();
    for slots in &found.types {
        let can = task_eni_limits::of(&slots.instance_type).is_some_and(|limit| limit.tasks.is_some());
        let without: Vec<&InstanceSlots<'s>> = slots.instances.iter().filter(|instance| !instance.trunk).collect();
        // Where all of them run Windows there is nothing to replace.
        let can = can && (without.is_empty() || !without.iter().all(|one| interfaces::is_windows(one.instance)));
        if !is_on || !can || slots.demand_at_most == 0 {
            outcomes.push(if slots.gaps.is_empty() {
                Outcome::NotApplicable
            } else {
                Outcome::Unknown(slots.gaps.clone())
            });
            continue;
        }
        if without.is_empty() {
            outcomes.push(Outcome::Holds);
            continue;
        }
        let mut causes: BTreeMap<&'static str, u32> = BTreeMap::new();
        for instance in &without {
            *causes.entry(cause(analyses.topology, instance, oldest)).or_default() += 1;
        }
        let named = causes.iter().map(|(cause, count)| format_words(format!("{count} × {cause}")));
        let (placed, room): (u32, u32) =
            without.iter().fold((0, 0), |(placed, room), one| (placed + one.placed, room + one.slots()));
        let mut message = text![
            without.len(),
            " of ",
            slots.instances.len(),
            " × ",
            &slots.instance_type,
            " in ",
            &cluster.name,
            if trunked().next().is_some() {
                " have no trunk although others in the cluster do ("
            } else {
                " have no trunk although it is the account's default ("
            },
            placed,
            " of ",
            room,
            " slots used): "
        ];
        let list = Text::list(named, 6);
        message.append(list.clone());
        let text = text![
            "Replace the instances after removing the cause: a trunk comes only at registration, on Linux with agent 1.28.1 \
             or later, outside of shared subnets and with resource-name DNS off."
        ];
        let mut failing = Failing {
            sub_key: slots.instance_type.clone(),
            blockers: vec![shared::short("trunk-missing", &slots.instance_type, list)],
            related: trunking::related(without.iter().copied()),
            facts: [
                ("causes", serde_json::json!(causes)),
                ("slots", serde_json::json!(room)),
                ("used", serde_json::json!(placed)),
            ]
            .into(),
            gaps: slots.gaps.clone(),
            ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
        };
        let percent = u64::from(analyses.settings.eni_limit_pressure_percent);
        if u64::from(placed) * 100 < u64::from(room) * percent {
            failing.severity = Severity::Info;
            failing.severity_reason = Some("most of their slots are free".to_owned());
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

fn launched(topology: &Topology<'_>, slots: &InstanceSlots<'_>) -> Option<jiff::Timestamp> {
    topology.instance(slots.instance.ec2_instance_id.as_ref()?).found()?.launch_time
}

/// The cause that can be seen.
fn cause(topology: &Topology<'_>, slots: &InstanceSlots<'_>, oldest: Option<jiff::Timestamp>) -> &'static str {
    let instance = slots.instance;
    let host = instance.ec2_instance_id.as_ref().and_then(|id| topology.instance(id).found());
    let subnet = host.and_then(|host| topology.subnet(host.subnet_id.as_ref()?).found());
    if interfaces::is_windows(instance) {
        return "Windows, which has no trunking";
    }
    if subnet.is_some_and(|subnet| subnet.owner_id != topology.target.account) {
        return "in a subnet shared by another account";
    }
    if agent_version::is_before(instance, agent_version::TRUNKING) == Some(true) {
        return "agent older than 1.28.1";
    }
    if host.is_some_and(|host| host.enable_resource_name_dns_a_record == Some(true)) {
        return "resource-name DNS A record on";
    }
    if launched(topology, slots).zip(oldest).is_some_and(|(own, oldest)| own < oldest) {
        return "launched before the oldest instance with a trunk";
    }
    match oldest {
        Some(_) => "the cause can't be seen; the setting of its instance role may differ",
        None => "launched before the default was turned on, or its instance role has a setting of its own",
    }
}
