//! Capacity providers that let a scale-in take instances with tasks.

use crate::analysis::Analyses;
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{CapacityProvider, CapacityProviderKind, Cluster};
use crate::snapshot::ids::Arn;
use crate::text;
use crate::topology::Lookup;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "termination-protection-off",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "managed scaling without managed termination protection",
    page: include_str!("termination_protection_off.md"),
    needs: &[Dataset::Clusters, Dataset::CapacityProviders],
    controls: &["ECS.19"],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AutoScalingGroupProvider.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-termination-protection.html",
    ],
    check: Check::Cluster(check),
};

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let own = cluster.capacity_providers.iter().filter(|name| !matches!(name.as_str(), "FARGATE" | "FARGATE_SPOT"));
    let judged = own.map(|name| match analyses.topology.capacity_provider(name) {
        Lookup::Found(provider) => judge(cluster, provider, &analyses.topology.target.region),
        Lookup::Absent => Outcome::NotApplicable,
        Lookup::Unread(gap) => Outcome::Unknown(vec![gap]),
    });
    judged.collect()
}

fn judge(cluster: &Cluster, provider: &CapacityProvider, region: &str) -> Outcome {
    match &provider.kind {
        // Without managed scaling ECS takes no instance away, and the protection has no effect.
        CapacityProviderKind::AutoScalingGroup {
            auto_scaling_group_arn,
            managed_scaling: true,
            managed_termination_protection,
            managed_draining,
            ..
        } if provider.status == "ACTIVE" => match managed_termination_protection {
            true => Outcome::Holds,
            false => {
                Outcome::Fails(Box::new(failing(cluster, provider, auto_scaling_group_arn, *managed_draining, region)))
            }
        },
        _ => Outcome::NotApplicable,
    }
}

fn failing(cluster: &Cluster, provider: &CapacityProvider, group: &Arn, draining: bool, region: &str) -> Failing {
    let group_name = name_of(group);
    let message = text![
        "Capacity provider ",
        &provider.name,
        " of ",
        &cluster.name,
        " scales Auto Scaling group ",
        group_name.to_owned(),
        " without managed termination protection: a scale-in may take an instance that runs tasks",
        if draining {
            ", which are moved first because managed draining is on"
        } else {
            ", and managed draining is off"
        }
    ];
    let mut protect = shell::Command::new("aws autoscaling update-auto-scaling-group");
    protect.option("region", region);
    protect.option("auto-scaling-group-name", group_name);
    protect.raw("--new-instances-protected-from-scale-in");
    let mut update = shell::Command::new("aws ecs update-capacity-provider");
    update.option("region", region);
    update.option("name", &provider.name);
    update.option("auto-scaling-group-provider", "managedTerminationProtection=ENABLED");
    let text = text![
        "Protect new instances of the group from scale-in, give the present ones the same protection (aws autoscaling \
         set-instance-protection), then turn managed termination protection on."
    ];
    let related = [
        ("ecs:capacity-provider", &provider.arn, "capacity-provider"),
        ("autoscaling:auto-scaling-group", group, "auto-scaling-group"),
    ];
    Failing {
        sub_key: provider.name.clone(),
        related: related.map(|(kind, arn, role)| Related { kind, id: arn.as_str().to_owned(), role }).to_vec(),
        cause: Some(Cause { kind: "ecs:capacity-provider", resource: provider.name.clone() }),
        ..Failing::new(&RULE, message, Remediation { text, commands: vec![protect.to_string(), update.to_string()] })
    }
}

/// The name at the end of a group's ARN, which may itself have slashes.
fn name_of(group: &Arn) -> &str {
    let whole = group.as_str();
    whole.split_once("autoScalingGroupName/").map_or(whole, |(_, name)| name)
}
