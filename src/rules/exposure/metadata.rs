//! Which tasks get to the role of their instance by its metadata service.
//!
//! Sources: "Amazon EC2 container instance security considerations" in the ECS Developer Guide and "Configure the instance
//! metadata options" in the EC2 User Guide.

use std::collections::BTreeSet;

use crate::analysis::Analyses;
use crate::reach::verdict::Gap;
use crate::rules::revisions::Revision;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::ContainerInstance;
use crate::snapshot::enums::NetworkMode;
use crate::snapshot::ids::{Arn, InstanceId};
use crate::snapshot::vpc::{Instance, InstanceMetadataOptions};
use crate::text;
use crate::text::Text;
use crate::topology::origin;
use crate::topology::workload::Role;
use crate::topology::{Lookup, Topology};

/// What it takes to know that.
pub(super) const DATASETS: &[Dataset] = &[
    Dataset::Clusters,
    Dataset::Services,
    Dataset::Tasks,
    Dataset::TaskDefinitions,
    Dataset::CapacityProviders,
    Dataset::ContainerInstances,
    Dataset::Instances,
    Dataset::Subnets,
];

/// The agent registers it exactly where `ECS_AWSVPC_BLOCK_IMDS` is true (`agent/app/agent_capability.go`).
const BLOCKS_TASK_ENIS: &str = "ecs.capability.task-eni-block-instance-metadata";

/// The role that tasks of a revision can take on an instance.
pub(super) struct Reach<'s> {
    pub(super) id: &'s InstanceId,
    /// The network mode that lets them.
    pub(super) mode: &'static str,
    pub(super) options: &'s InstanceMetadataOptions,
    /// The instance profile with the role.
    pub(super) profile: &'s Arn,
}

/// Where tasks of a revision run, and where the service may place the next one.
pub(super) fn instances_of<'s>(
    revision: &Revision<'_, 's>,
    analyses: &Analyses<'s>,
) -> (Vec<&'s ContainerInstance>, Vec<Gap>) {
    let workload = revision.workload;
    let running = workload.tasks.iter().filter(|task| {
        task.last_status == "RUNNING" && task.task_definition_arn == *revision.variant.task_definition_arn
    });
    let mut arns: BTreeSet<&Arn> = running.filter_map(|task| task.container_instance_arn.as_ref()).collect();
    let mut gaps = Vec::new();
    // Whoever runs tasks by itself can name constraints that nobody sees.
    if !matches!(revision.variant.role, Role::Standalone | Role::Scheduled) {
        let hosts = analyses.hosts(workload.cluster_arn);
        let eligible = analyses.eligible(workload, revision.variant, revision.launch);
        arns.extend(eligible.sure.iter().map(|position| &hosts.all[*position].instance.arn));
        gaps.extend(eligible.gaps.iter().cloned());
    }
    let all = analyses.topology.container_instances_of(workload.cluster_arn).iter().copied();
    let own = all.filter(|instance| {
        arns.contains(&instance.arn)
            && origin::is_on_ec2(instance)
            && !origin::is_managed_instance(analyses.topology, instance)
    });
    (own.collect(), gaps)
}

/// What tasks of a revision can take on an instance; `None` where they can't.
///
/// # Errors
/// The gap, when it can't be told.
pub(super) fn within_reach<'s>(
    revision: &Revision<'_, 's>,
    instance: &'s ContainerInstance,
    topology: &Topology<'s>,
) -> Result<Option<Reach<'s>>, Gap> {
    let Some(id) = &instance.ec2_instance_id else { return Ok(None) };
    let host = match topology.instance(id) {
        Lookup::Found(host) => host,
        Lookup::Absent => return Ok(None),
        Lookup::Unread(gap) => return Err(gap),
    };
    // Without a profile there is no role to take.
    let Some(profile) = &host.iam_instance_profile_arn else { return Ok(None) };
    let Some(options) = &host.metadata_options else {
        return Err(unknown(text!["the metadata options of ", id, " are not shown"]));
    };
    let mode = gets_through(revision, instance, host, options)?;
    Ok(mode.map(|mode| Reach { id, mode, options, profile }))
}

fn unknown(reason: Text) -> Gap {
    Gap::Undecidable { kind: "metadata-service", reason }
}

/// The mode in which tasks get an answer from the metadata service, if they do.
fn gets_through(
    revision: &Revision<'_, '_>,
    instance: &ContainerInstance,
    host: &Instance,
    options: &InstanceMetadataOptions,
) -> Result<Option<&'static str>, Gap> {
    if options.http_endpoint.as_deref() == Some("disabled") {
        return Ok(None);
    }
    let awsvpc = revision.mode() == Some(&NetworkMode::Awsvpc);
    if awsvpc && instance.attributes.contains_key(BLOCKS_TASK_ENIS) {
        return Ok(None);
    }
    if origin::os_type(instance) != Some("linux") {
        let reason = text!["how tasks on ", &host.id, " reach the metadata service is known for Linux only"];
        return Err(unknown(reason));
    }
    match revision.mode() {
        // Their own interface leads to the service, without a hop in between.
        Some(NetworkMode::Awsvpc) => Ok(Some("awsvpc")),
        // The agent needs the service in the same namespace, so it can't be closed there.
        Some(NetworkMode::Host) => Ok(Some("host")),
        Some(NetworkMode::None) => Ok(None),
        None | Some(NetworkMode::Bridge) => behind_bridge(host, options),
        Some(NetworkMode::Other(mode)) => Err(unknown(text!["network mode ", mode, " is not known to this version"])),
    }
}

/// Docker's bridge is one hop, which only the answer that carries a token counts.
fn behind_bridge(host: &Instance, options: &InstanceMetadataOptions) -> Result<Option<&'static str>, Gap> {
    match (options.http_tokens.as_deref(), options.http_put_response_hop_limit) {
        (Some("optional"), _) | (_, Some(2..)) => Ok(Some("bridge")),
        (Some("required"), Some(_)) => Ok(None),
        _ => Err(unknown(text!["the metadata options of ", &host.id, " are not all shown"])),
    }
}
