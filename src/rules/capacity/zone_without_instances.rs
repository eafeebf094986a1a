//! Subnets of an awsvpc service in zones where it has no instance to run on.

use std::collections::BTreeSet;

use super::shared;
use crate::analysis::{Analyses, ends, symptoms};
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::CapacityProviderKind;
use crate::symptom::Trouble;
use crate::text;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::launch::{Launch, LaunchKind};
use crate::topology::origin;
use crate::topology::workload::{Role, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "zone-without-instances",
    group: Group::Capacity,
    severity: Severity::High,
    summary: "an awsvpc service whose subnets are in zones without a container instance",
    page: include_str!("zone_without_instances.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::AutoScalingGroups,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    let primary = workload.variants.iter().find(|variant| variant.role == Role::Primary);
    let (Some(variant), false) = (primary, workload.desires_nothing()) else { return Outcome::NotApplicable };
    let launches = &variant.launches;
    let on_ec2 = !launches.known.is_empty() && launches.known.iter().all(|launch| launch.kind == LaunchKind::Ec2);
    if variant.is_awsvpc() != Some(true) || !on_ec2 {
        return Outcome::NotApplicable;
    }
    let mut gaps = launches.gaps.clone();
    gaps.extend(topology.gap_in_cluster(Dataset::ContainerInstances, workload.cluster_arn));
    let (mut wanted, mut unseen) = (BTreeSet::new(), Vec::new());
    for id in variant.network.iter().flat_map(|network| &network.subnets) {
        match ends::subnet(topology, id) {
            Ok(subnet) => {
                wanted.insert(subnet.availability_zone.as_str());
            }
            Err(gap) => unseen.push(gap),
        }
    }
    let mut have = BTreeSet::new();
    for launch in &launches.known {
        have.extend(zones_now(analyses, workload, launch));
        match zones_to_come(analyses, launch) {
            Ok(zones) => have.extend(zones),
            Err(gap) => gaps.push(gap),
        }
    }
    let lacking: Vec<&str> = wanted.difference(&have).copied().collect();
    if lacking.is_empty() {
        return shared::outcome(!wanted.is_empty(), unseen, None);
    }
    gaps.extend(unseen);
    if !gaps.is_empty() {
        return Outcome::Unknown(gaps);
    }
    let all = lacking.len() == wanted.len();
    let zones = || Text::list(lacking.iter().map(|zone| (*zone).to_owned()), 4);
    let mut message = if all {
        text![
            "No task of ",
            &workload.short_name,
            " can be placed: neither an instance nor an Auto Scaling group is in "
        ]
    } else {
        text![
            "Tasks of ",
            &workload.short_name,
            " never run in some of their zones: neither an instance nor an Auto Scaling group is in "
        ]
    };
    message.append(zones());
    let mut detail = text!["no container instance in "];
    detail.append(zones());
    let text = text![
        "Put instances into the zones of the service's subnets, give the Auto Scaling group a subnet there, or take the \
         subnets of other zones away."
    ];
    let mut failing = Failing {
        blockers: vec![shared::short("zone-without-instances", workload.short_name.as_str(), detail)],
        facts: [("zones", serde_json::json!(lacking))].into(),
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    };
    if all {
        failing.confirmed_by = symptoms::of_workload(workload, tells);
    } else {
        failing.severity = Severity::Low;
        failing.severity_reason = Some("other zones of the service have instances".to_owned());
    }
    Outcome::Fails(Box::new(failing))
}

/// How ECS puts it that no instance is in a zone of the subnets.
fn tells(trouble: Trouble) -> bool {
    matches!(trouble, Trouble::Attribute | Trouble::Zone | Trouble::Instances | Trouble::Placement)
}

/// Zones of the ACTIVE instances that a way of launching may use.
fn zones_now<'s>(analyses: &Analyses<'s>, workload: &Workload<'s>, launch: &Launch<'s>) -> BTreeSet<&'s str> {
    let instances = analyses.topology.container_instances_of(workload.cluster_arn).iter().copied();
    let provider = launch.provider.map(|provider| provider.name.as_str());
    let own = instances.filter(|instance| {
        instance.status == "ACTIVE"
            && origin::is_on_ec2(instance)
            && !origin::is_managed_instance(analyses.topology, instance)
            && provider.is_none_or(|provider| instance.capacity_provider_name.as_deref() == Some(provider))
    });
    own.filter_map(origin::zone_of).collect()
}

/// Zones that the Auto Scaling group of a provider has a subnet in.
fn zones_to_come<'s>(analyses: &Analyses<'s>, launch: &Launch<'s>) -> Result<BTreeSet<&'s str>, Gap> {
    let Some(CapacityProviderKind::AutoScalingGroup { auto_scaling_group_arn, .. }) =
        launch.provider.map(|provider| &provider.kind)
    else {
        return Ok(BTreeSet::new());
    };
    match analyses.topology.auto_scaling_group(auto_scaling_group_arn) {
        Lookup::Found(group) => Ok(group.availability_zones.iter().map(String::as_str).collect()),
        Lookup::Absent => Ok(BTreeSet::new()),
        Lookup::Unread(gap) => Err(gap),
    }
}
