//! Demand for task-ENI slots on the instances of one type is near or above what they hold.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::trunking;

use crate::analysis::interfaces::{Headroom, InstanceSlots, TypeSlots};
use crate::analysis::{Analyses, symptoms};
use crate::finding::{Evidence, Related, Remediation, Severity};
use crate::placement::room::total_amount;
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{CapacityProviderKind, Cluster};
use crate::symptom::Trouble;
use crate::text;
use crate::text::{Text, format_words};
use crate::topology::Topology;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "eni-limit-pressure",
    group: Group::Capacity,
    severity: Severity::Medium,
    summary: "container instances with few or no slots left for the ENIs of awsvpc tasks",
    page: include_str!("eni_limit_pressure.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::AutoScalingGroups,
        Dataset::Instances,
        Dataset::InstanceTypes,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/eni-trunking-supported-instance-types.html",
    ],
    check: Check::Cluster(check),
};

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let found = analyses.slots(cluster);
    let mut outcomes: Vec<Outcome> = found.types.iter().map(|slots| judge(cluster, analyses, slots)).collect();
    if !found.gaps.is_empty() {
        outcomes.push(Outcome::Unknown(found.gaps.clone()));
    }
    if outcomes.is_empty() {
        outcomes.push(Outcome::NotApplicable);
    }
    outcomes
}

fn judge<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>, slots: &TypeSlots<'s>) -> Outcome {
    let threshold = u64::from(analyses.settings.eni_limit_pressure_percent);
    let total = u64::from(slots.slots());
    let reaches = |demand: u32, percent: u64| demand > 0 && u64::from(demand) * 100 >= total * percent;
    if slots.demand_at_most == 0 && slots.gaps.is_empty() {
        return Outcome::NotApplicable;
    }
    if !reaches(slots.demand, threshold) {
        if !slots.gaps.is_empty() {
            return Outcome::Unknown(slots.gaps.clone());
        }
        if reaches(slots.demand_at_most, threshold) {
            let reason = text![
                "whether the slots of ",
                &slots.instance_type,
                " run short depends on services that can also run elsewhere"
            ];
            return Outcome::Unknown(vec![Gap::Undecidable { kind: "placement-not-confined", reason }]);
        }
        return Outcome::Holds;
    }
    match severity(slots, reaches(slots.demand, 100)) {
        Ok((severity, reason)) => {
            Outcome::Fails(Box::new(failing(cluster, analyses.topology, slots, severity, reason)))
        }
        Err(gap) => Outcome::Unknown(vec![gap]),
    }
}

fn severity(slots: &TypeSlots<'_>, full: bool) -> Result<(Severity, Option<&'static str>), Gap> {
    match &slots.headroom {
        Headroom::Unknown(gap) => Err(gap.clone()),
        Headroom::Yes => Ok((Severity::Low, Some("managed scaling can add instances"))),
        Headroom::No if full && (slots.missing > 0 || slots.deployment_stuck) => {
            Ok((Severity::High, Some("no slot is left and the Auto Scaling group cannot grow")))
        }
        Headroom::NotManaged if full => Ok((Severity::High, Some("no slot is left"))),
        Headroom::No | Headroom::NotManaged => Ok((Severity::Medium, None)),
    }
}

fn failing(
    cluster: &Cluster,
    topology: &Topology<'_>,
    slots: &TypeSlots<'_>,
    severity: Severity,
    reason: Option<&'static str>,
) -> Failing {
    Failing {
        severity,
        severity_reason: reason.map(str::to_owned),
        sub_key: slots.instance_type.clone(),
        message: message(cluster, slots),
        related: slots.instances.iter().filter_map(related).collect(),
        blockers: vec![blocker(slots)],
        traces: Vec::new(),
        cause: None,
        facts: facts(slots),
        confirmed_by: evidence(topology, cluster),
        remediation: remediation(topology, slots),
        gaps: slots.gaps.clone(),
    }
}

fn message(cluster: &Cluster, slots: &TypeSlots<'_>) -> Text {
    let (count, placed, total) = (slots.instances.len(), slots.placed(), slots.slots());
    let mut text =
        text![count, " × ", &slots.instance_type, " in ", &cluster.name, if count == 1 { " holds " } else { " hold " }];
    if slots.placed_is_unknown() {
        text.append(text!["at most ", total, " awsvpc tasks"]);
    } else {
        text.append(text![placed, " of ", total, " awsvpc tasks"]);
    }
    let trunked = slots.instances.iter().filter(|instance| instance.trunk).count();
    text.append(per_instance(slots, trunked));
    if slots.demand > placed {
        text.append(text![", and ", slots.demand, " are wanted there"]);
    }
    if let Some((cpu, memory)) = idle_percent(slots) {
        text.append(text!["; ", cpu, " % of the CPU and ", memory, " % of the memory lie idle"]);
    }
    let foreign: usize = slots.instances.iter().map(|instance| instance.foreign.len()).sum();
    if foreign > 0 {
        text.append(text![
            "; ",
            foreign,
            if foreign == 1 {
                " interface that ECS did not attach takes a slot"
            } else {
                " interfaces that ECS did not attach take slots"
            }
        ]);
    }
    if let Some(total) = slots.total_with_trunk() {
        text.append(text!["; with trunking ", if count == 1 { "it" } else { "they" }, " would hold ", total]);
    }
    text
}

fn per_instance(slots: &TypeSlots<'_>, trunked: usize) -> Text {
    let limits: BTreeSet<u32> = slots.instances.iter().map(|instance| instance.limit).collect();
    let derived = slots.instances.iter().any(|instance| instance.derived);
    let each = limits.iter().map(u32::to_string).collect::<Vec<_>>().join(" or ");
    let how = match trunked {
        0 => "without a trunk",
        _ if trunked == slots.instances.len() && derived => "with a trunk, a derived number",
        _ if trunked == slots.instances.len() => "with a trunk",
        _ => "only some with a trunk",
    };
    [format_words(format!(" ({each} each, {how})"))].into_iter().collect()
}

fn idle_percent(slots: &TypeSlots<'_>) -> Option<(i64, i64)> {
    let sum = |part: fn(&InstanceSlots<'_>) -> i64| total_amount(slots.instances.iter().map(part));
    let cpu = sum(|slots| slots.instance.registered_resources.cpu_units);
    let memory = sum(|slots| slots.instance.registered_resources.memory_mib);
    let idle_cpu = sum(|slots| slots.instance.remaining_resources.cpu_units);
    let idle_memory = sum(|slots| slots.instance.remaining_resources.memory_mib);
    (cpu > 0 && memory > 0).then(|| (idle_cpu.saturating_mul(100) / cpu, idle_memory.saturating_mul(100) / memory))
}

fn related(slots: &InstanceSlots<'_>) -> Option<Related> {
    let id = slots.instance.ec2_instance_id.as_ref()?;
    Some(Related { kind: "ec2:instance", id: id.as_str().to_owned(), role: "container-instance" })
}

fn blocker(slots: &TypeSlots<'_>) -> Blocker {
    Blocker {
        family: Family::Capacity,
        kind: "task-eni-slots",
        need: None,
        origin: None,
        port: None,
        protocol: None,
        resource: Some(slots.instance_type.clone()),
        detail: text![slots.demand, " awsvpc tasks for ", slots.slots(), " slots"],
    }
}

fn facts(slots: &TypeSlots<'_>) -> BTreeMap<&'static str, Value> {
    let instances = slots.instances.iter().map(|instance| {
        json!({
            "instance": instance.instance.ec2_instance_id.as_ref().map(|id| id.as_str()),
            "limit": instance.limit,
            "used": instance.placed,
            "foreign_interfaces": instance.foreign.len(),
            "trunk": instance.trunk,
        })
    });
    let idle = idle_percent(slots);
    [
        ("instance_type", json!(slots.instance_type)),
        ("slots", json!(slots.slots())),
        ("placed", json!(slots.placed())),
        ("demand", json!(slots.demand)),
        ("slots_with_trunking", json!(slots.total_with_trunk())),
        ("limit_with_trunk", json!(slots.with_trunk)),
        ("limit_derived", json!(slots.instances.iter().any(|instance| instance.derived))),
        ("idle_cpu_percent", json!(idle.map(|(cpu, _)| cpu))),
        ("idle_memory_percent", json!(idle.map(|(_, memory)| memory))),
        ("instances", instances.collect()),
    ]
    .into()
}

fn evidence(topology: &Topology<'_>, cluster: &Cluster) -> Vec<Evidence> {
    let services = topology.services_of(&cluster.arn).iter().copied();
    let mut evidence = symptoms::of_service_events(services, |trouble| trouble == Trouble::Slots);
    let tasks = topology.tasks_of(&cluster.arn).iter().copied();
    evidence.extend(symptoms::of_stopped_tasks(tasks, |symptom| symptom.trouble == Trouble::Slots));
    evidence
}

fn remediation(topology: &Topology<'_>, slots: &TypeSlots<'_>) -> Remediation {
    let region = topology.target.region.as_str();
    let untrunked = slots.instances.iter().any(|instance| !instance.trunk);
    let shared = slots.instances.iter().any(|instance| trunking::is_in_shared_subnet(topology, instance));
    match slots.with_trunk {
        Some(each) if untrunked && !shared => {
            let mut command = shell::Command::new("aws ecs put-account-setting-default");
            command.option("region", region);
            command.option("name", "awsvpcTrunking");
            command.option("value", "enabled");
            let text = text![
                "Turn on ENI trunking as the account default, then replace the instances: those launched afterwards hold ",
                each,
                " awsvpc tasks each. Until then, add instances."
            ];
            Remediation { text, commands: vec![command.to_string()].into_iter().chain(grow(topology, slots)).collect() }
        }
        _ => {
            let text = text![
                "Add instances, use a larger instance type or one that supports ENI trunking, or run the service on Fargate or in bridge mode."
            ];
            Remediation { text, commands: grow(topology, slots) }
        }
    }
}

/// One more instance for each Auto Scaling group that is at its maximum.
fn grow(topology: &Topology<'_>, slots: &TypeSlots<'_>) -> Vec<String> {
    let names: BTreeSet<&String> =
        slots.instances.iter().filter_map(|s| s.instance.capacity_provider_name.as_ref()).collect();
    let groups = names.into_iter().filter_map(|name| match &topology.capacity_provider(name).found()?.kind {
        CapacityProviderKind::AutoScalingGroup { auto_scaling_group_arn, .. } => {
            topology.auto_scaling_group(auto_scaling_group_arn).found()
        }
        _ => None,
    });
    let full = groups.filter(|group| group.desired_capacity >= group.max_size);
    full.map(|group| {
        let mut command = shell::Command::new("aws autoscaling update-auto-scaling-group");
        command.option("region", topology.target.region.as_str());
        command.option("auto-scaling-group-name", &group.name);
        command.option("max-size", &group.max_size.saturating_add(1).to_string());
        command.to_string()
    })
    .collect()
}
