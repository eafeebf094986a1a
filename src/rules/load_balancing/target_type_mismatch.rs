//! A target group of type `instance` with awsvpc tasks, or of type `ip` with tasks that share their host's interface.

use serde_json::json;

use crate::analysis::{Analyses, symptoms};
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{ServiceLoadBalancer, TaskDefinition};
use crate::snapshot::elb::TargetGroup;
use crate::snapshot::enums::{DeploymentController, NetworkMode, TargetType};
use crate::snapshot::ids::Arn;
use crate::symptom::Trouble;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Variant, Workload};
use crate::topology::{Lookup, Topology};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "target-type-mismatch",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "a target group whose target type does not fit the network mode of the tasks",
    page: include_str!("target_type_mismatch.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
        Dataset::TargetGroups,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html",
    ],
    check: Check::Workload(check),
};

struct Mismatch<'s> {
    definition: &'s TaskDefinition,
    mode: &'static str,
    entry: &'s ServiceLoadBalancer,
    group: &'s TargetGroup,
    expected: TargetType,
}

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (mut judged, mut gaps, mut mismatches) = (false, Vec::new(), Vec::new());
    for variant in workload.variants.iter().filter(|v| matches!(v.role, Role::Primary | Role::TaskSet)) {
        for entry in variant.load_balancers {
            let groups = entry.target_group_arn.iter().chain(&entry.alternate_target_group_arn);
            for arn in groups {
                match judge(analyses.topology, variant, entry, arn) {
                    Judgement::NotApplicable => {}
                    Judgement::Fits => judged = true,
                    Judgement::Mismatch(mismatch) => mismatches.push(mismatch),
                    Judgement::Unknown(gap) => gaps.push(gap),
                }
            }
        }
    }
    match (mismatches.is_empty(), gaps.is_empty()) {
        (false, _) => Outcome::Fails(Box::new(failing(workload, analyses.topology, &mismatches, gaps))),
        (true, false) => Outcome::Unknown(gaps),
        (true, true) if judged => Outcome::Holds,
        (true, true) => Outcome::NotApplicable,
    }
}

enum Judgement<'s> {
    NotApplicable,
    Fits,
    Mismatch(Mismatch<'s>),
    Unknown(Gap),
}

fn judge<'s>(
    topology: &Topology<'s>,
    variant: &Variant<'s>,
    entry: &'s ServiceLoadBalancer,
    arn: &Arn,
) -> Judgement<'s> {
    let definition = match &variant.task_definition {
        Lookup::Found(definition) => *definition,
        Lookup::Absent => {
            let reason =
                text!["task definition ", variant.task_definition_arn.name().to_owned(), " does not exist any more"];
            return Judgement::Unknown(Gap::Undecidable { kind: "task-definition-absent", reason });
        }
        Lookup::Unread(gap) => return Judgement::Unknown(gap.clone()),
    };
    let group = match topology.target_group(arn) {
        Lookup::Found(group) => group,
        Lookup::Absent => {
            let reason = text!["target group ", arn, " does not exist any more"];
            return Judgement::Unknown(Gap::Undecidable { kind: "target-group-absent", reason });
        }
        Lookup::Unread(gap) => return Judgement::Unknown(gap),
    };
    let (mode, expected) = match expected_type(variant, definition) {
        Ok(Some(expected)) => expected,
        Ok(None) => return Judgement::NotApplicable,
        Err(gap) => return Judgement::Unknown(gap),
    };
    match (&group.target_type, &expected) {
        (TargetType::Instance, TargetType::Ip) | (TargetType::Ip, TargetType::Instance) => {
            Judgement::Mismatch(Mismatch { definition, mode, entry, group, expected })
        }
        (TargetType::Instance, TargetType::Instance) | (TargetType::Ip, TargetType::Ip) => Judgement::Fits,
        _ => Judgement::NotApplicable,
    }
}

/// The network mode in words with the target type that it asks for; none where no load balancer is possible.
fn expected_type(
    variant: &Variant<'_>,
    definition: &TaskDefinition,
) -> Result<Option<(&'static str, TargetType)>, Gap> {
    let launches = |kind| variant.launches.known.iter().any(|launch| launch.kind == kind);
    let on_instances = launches(LaunchKind::Ec2) || launches(LaunchKind::ManagedInstances);
    let answer = match definition.network_mode {
        Some(NetworkMode::Awsvpc) => Some(("awsvpc", TargetType::Ip)),
        Some(NetworkMode::None) => None,
        // Fargate knows only awsvpc: the definition's mode is another rule's matter.
        _ if launches(LaunchKind::Fargate) && !on_instances => Some(("awsvpc", TargetType::Ip)),
        _ if launches(LaunchKind::Fargate) => None,
        Some(NetworkMode::Bridge) => Some(("bridge", TargetType::Instance)),
        Some(NetworkMode::Host) => Some(("host", TargetType::Instance)),
        None if is_windows(definition) => Some(("default", TargetType::Instance)),
        None => Some(("bridge", TargetType::Instance)),
        Some(NetworkMode::Other(_)) => None,
    };
    let external = launches(LaunchKind::External);
    match (variant.launches.known.is_empty(), variant.launches.gaps.first()) {
        // Where it launches decides only for modes that Fargate overrides.
        (true, Some(gap)) if definition.network_mode != Some(NetworkMode::Awsvpc) => Err(gap.clone()),
        _ if external => Ok(None),
        _ => Ok(answer),
    }
}

fn is_windows(definition: &TaskDefinition) -> bool {
    definition.operating_system_family.as_deref().is_some_and(|family| family.starts_with("WINDOWS"))
}

fn failing(workload: &Workload<'_>, topology: &Topology<'_>, mismatches: &[Mismatch<'_>], gaps: Vec<Gap>) -> Failing {
    let first = &mismatches[0];
    let mut message = text!["Target group "];
    message.append(Text::list(mismatches.iter().map(|m| &m.group.name), 3));
    message.append(consequence(first));
    Failing {
        severity: RULE.severity,
        severity_reason: None,
        sub_key: String::new(),
        message,
        related: mismatches.iter().flat_map(related).collect(),
        blockers: mismatches.iter().map(blocker).collect(),
        traces: Vec::new(),
        cause: None,
        facts: [
            ("network_mode", json!(first.mode)),
            ("task_definition", json!(first.definition.arn.as_str())),
            ("target_groups", mismatches.iter().map(target_group_facts).collect()),
        ]
        .into(),
        confirmed_by: symptoms::of_service_events(workload.service, |trouble| trouble == Trouble::TargetType),
        remediation: remediation(workload, topology, mismatches),
        gaps,
    }
}

fn consequence(mismatch: &Mismatch<'_>) -> Text {
    let revision = mismatch.definition.arn.name().to_owned();
    match mismatch.expected {
        TargetType::Ip => text![
            " registers instances, but ",
            revision,
            " runs in awsvpc mode: an instance target is the primary ENI of the host, and the tasks listen on their own ENIs; it has to be of type ip"
        ],
        _ => text![
            " registers IP addresses, but ",
            revision,
            " runs in ",
            mismatch.mode,
            " mode: its tasks share the interface of their container instance and are registered by instance id and host port; it has to be of type instance"
        ],
    }
}

fn target_group_facts(mismatch: &Mismatch<'_>) -> serde_json::Value {
    json!({
        "arn": mismatch.group.arn.as_str(),
        "target_type": mismatch.group.target_type.as_str(),
        "expected_target_type": mismatch.expected.as_str(),
        "container_name": mismatch.entry.container_name,
        "container_port": mismatch.entry.container_port,
    })
}

fn related(mismatch: &Mismatch<'_>) -> [Related; 2] {
    let group = mismatch.group.arn.as_str().to_owned();
    let definition = mismatch.definition.arn.as_str().to_owned();
    [
        Related { kind: "elasticloadbalancing:targetgroup", id: group, role: "target-group" },
        Related { kind: "ecs:task-definition", id: definition, role: "task-definition" },
    ]
}

fn blocker(mismatch: &Mismatch<'_>) -> Blocker {
    let kind = match mismatch.expected {
        TargetType::Ip => "instance-target-for-awsvpc",
        _ => "ip-target-for-shared-interface",
    };
    Blocker {
        family: Family::LoadBalancer,
        kind,
        need: None,
        origin: None,
        port: mismatch.entry.container_port,
        protocol: None,
        resource: Some(mismatch.group.arn.as_str().to_owned()),
        detail: text![
            &mismatch.group.name,
            " is of type ",
            mismatch.group.target_type.as_str().to_owned(),
            ", ",
            mismatch.mode,
            " tasks need type ",
            mismatch.expected.as_str().to_owned()
        ],
    }
}

fn remediation(workload: &Workload<'_>, topology: &Topology<'_>, mismatches: &[Mismatch<'_>]) -> Remediation {
    let first = &mismatches[0];
    let mut text = text![
        "Create a target group of type ",
        first.expected.as_str().to_owned(),
        ", forward the listener rules of ",
        &first.group.name,
        " to it, and point the service at it; the target type of an existing one cannot be changed."
    ];
    let region = &topology.target.region;
    let mut commands: Vec<String> = mismatches.iter().map(|m| create_target_group(m, region)).collect();
    let controller = workload.service.map(|service| &service.deployment_controller);
    if matches!(controller, Some(DeploymentController::Ecs)) {
        // With several groups or a blue/green pair the service's whole load-balancer list has to be written anew.
        if let [only] = mismatches
            && only.entry.alternate_target_group_arn.is_none()
        {
            commands.push(update_service(workload, only, region));
        }
    } else {
        text.push(
            " The deployment controller is not ECS, so the new target group goes into the next deployment or task set.",
        );
    }
    Remediation { text, commands }
}

fn create_target_group(mismatch: &Mismatch<'_>, region: &str) -> String {
    let group = mismatch.group;
    // Names have at most 32 characters.
    let suffix = if mismatch.expected == TargetType::Ip { "-ip" } else { "-in" };
    let kept: String = group.name.chars().take(32 - suffix.len()).collect();
    let mut command = shell::Command::new("aws elbv2 create-target-group");
    command.option("region", region);
    command.option("name", &format!("{}{suffix}", kept.trim_end_matches('-')));
    command.option("target-type", mismatch.expected.as_str());
    let check = &group.health_check;
    let port = group.port.map(|port| port.to_string());
    let options = [
        ("protocol", group.protocol.as_deref()),
        ("port", port.as_deref()),
        ("vpc-id", group.vpc_id.as_ref().map(|id| id.as_str())),
        ("health-check-protocol", check.protocol.as_deref()),
        ("health-check-path", check.path.as_deref()),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            command.option(name, value);
        }
    }
    command.option("query", "TargetGroups[0].TargetGroupArn");
    command.option("output", "text");
    format!("TARGET_GROUP=$({command})")
}

fn update_service(workload: &Workload<'_>, mismatch: &Mismatch<'_>, region: &str) -> String {
    let mut command = shell::Command::new("aws ecs update-service");
    command.option("region", region);
    command.option("cluster", &workload.cluster_name);
    command.option("service", &workload.short_name);
    let others = workload.service.iter().flat_map(|service| &service.load_balancers);
    let others = others.filter(|entry| entry.target_group_arn.as_ref() != Some(&mismatch.group.arn));
    command.raw("--load-balancers");
    for entry in std::iter::once(mismatch.entry).chain(others) {
        let container = entry.container_name.as_deref().unwrap_or_default();
        let port = entry.container_port.unwrap_or_default();
        let rest = shell::quote(&format!("containerName={container},containerPort={port}"));
        if std::ptr::eq(entry, mismatch.entry) {
            command.raw(&format!("targetGroupArn=\"$TARGET_GROUP\",{rest}"));
        } else if let Some(arn) = &entry.target_group_arn {
            command.raw(&shell::quote(&format!("targetGroupArn={arn},containerName={container},containerPort={port}")));
        }
    }
    command.to_string()
}
