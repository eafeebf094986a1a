//! EFS volumes: for every place that tasks run in, whether its zone has a mount target and NFS gets through to it.
//!
//! Sources: "Using Amazon EFS volumes" in the ECS Developer Guide, "Managing mount targets" and "Using VPC security
//! groups" in the EFS User Guide. The file system's name resolves to the mount target of the caller's own zone.

use std::collections::BTreeSet;

use super::Analyses;
use super::ends;
use super::places::{Place, Places};
use crate::reach::leg::{self, Counts, End, Leg};
use crate::reach::traffic::{Ports, Traffic};
use crate::reach::verdict::Gap;
use crate::snapshot::ecs::EfsVolume;
use crate::snapshot::enums::NetworkMode;
use crate::snapshot::ids::SecurityGroupId;
use crate::snapshot::storage::{EfsFileSystem, EfsMountTarget};
use crate::text;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Variant, Workload};

/// The port of NFS.
pub const NFS: u16 = 2049;

/// How a file system is out of reach from one place.
#[derive(Clone, Debug)]
pub enum Trouble<'s> {
    /// It doesn't exist any more.
    Gone,
    /// No mount target in the zone of the place.
    NoMountTarget {
        /// The zone.
        zone: &'s str,
    },
    /// Security groups or network ACLs refuse NFS.
    Refused {
        /// The mount target.
        mount_target: &'s EfsMountTarget,
        /// How.
        leg: Leg,
    },
}

/// One volume from one place.
#[derive(Clone, Debug)]
pub struct Mount<'s> {
    /// The file system.
    pub file_system_id: &'s str,
    /// From where.
    pub place: Place<'s>,
    /// What is wrong; `None` when it is reached.
    pub trouble: Option<Trouble<'s>>,
}

/// All volumes of a workload, and what can't be told.
pub fn mounts<'s>(analyses: &Analyses<'s>, workload: &Workload<'s>) -> (Vec<Mount<'s>>, Vec<Gap>, bool) {
    let (mut mounts, mut gaps, mut concerned) = (Vec::new(), Vec::new(), false);
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        let definition = match &variant.task_definition {
            Lookup::Found(definition) => *definition,
            Lookup::Absent => continue,
            Lookup::Unread(gap) => {
                gaps.push(gap.clone());
                concerned = true;
                continue;
            }
        };
        let ids: BTreeSet<&str> = definition
            .volumes
            .iter()
            .filter_map(|v| v.efs.as_ref())
            .map(|efs: &EfsVolume| efs.file_system_id.as_str())
            .collect();
        if ids.is_empty() {
            continue;
        }
        concerned = true;
        let own_interface = definition.network_mode == Some(NetworkMode::Awsvpc);
        let places = places(analyses, workload, variant, own_interface);
        gaps.extend(places.gaps);
        for id in ids {
            let first = mounts.len();
            for place in &places.known {
                match judge(analyses, id, place) {
                    Ok(trouble) => mounts.push(Mount { file_system_id: id, place: place.clone(), trouble }),
                    Err(gap) => gaps.extend(gap),
                }
            }
            // Only what is wrong everywhere is wrong for sure where a constraint may keep tasks away.
            if places.may_be_narrower && mounts[first..].iter().any(|mount: &Mount<'_>| mount.trouble.is_none()) {
                let reason =
                    text!["a placement constraint may keep tasks from where ", id.to_owned(), " is out of reach"];
                let doubtful = mounts[first..].iter().any(|mount| mount.trouble.is_some());
                gaps.extend(doubtful.then_some(Gap::Undecidable { kind: "placement-constraint", reason }));
                mounts.truncate(first);
            }
        }
    }
    gaps.sort();
    gaps.dedup();
    (mounts, gaps, concerned)
}

/// NFS leaves from the task's network namespace.
fn places<'s>(
    analyses: &Analyses<'s>,
    workload: &Workload<'s>,
    variant: &Variant<'s>,
    own_interface: bool,
) -> Places<'s> {
    let mut all = Places { gaps: variant.launches.gaps.clone(), ..Places::default() };
    for launch in &variant.launches.known {
        let places = match launch.kind {
            LaunchKind::Fargate => analyses.task_places(workload, variant, launch),
            LaunchKind::Ec2 if own_interface => analyses.task_places(workload, variant, launch),
            LaunchKind::Ec2 => analyses.instance_places(workload, variant, launch),
            LaunchKind::ManagedInstances => {
                let reason = text!["which interface mounts EFS volumes on Managed Instances is not documented"];
                all.gaps.push(Gap::Undecidable { kind: "managed-instances", reason });
                continue;
            }
            LaunchKind::External => continue,
        };
        all.known.extend(places.known);
        all.gaps.extend(places.gaps);
        all.may_be_narrower |= places.may_be_narrower;
    }
    all
}

fn judge<'s>(analyses: &Analyses<'s>, id: &'s str, place: &Place<'s>) -> Result<Option<Trouble<'s>>, Vec<Gap>> {
    let topology = analyses.topology;
    let file_system: &EfsFileSystem = match topology.file_system(id) {
        Lookup::Found(found) => found,
        Lookup::Absent => {
            let reason = text!["file system ", id.to_owned(), " is not in the snapshot"];
            return Err(vec![Gap::Undecidable { kind: "file-system", reason }]);
        }
        Lookup::Unread(gap) => return Err(vec![gap]),
    };
    if !file_system.exists {
        return Ok(Some(Trouble::Gone));
    }
    let subnet = ends::subnet(topology, place.subnet_id).map_err(|gap| vec![gap])?;
    let elsewhere = |target: &EfsMountTarget| target.vpc_id.as_ref().is_some_and(|vpc| *vpc != subnet.vpc_id);
    if !file_system.mount_targets.is_empty() && file_system.mount_targets.iter().all(elsewhere) {
        let reason = text![
            "the mount targets of ",
            id.to_owned(),
            " are in another VPC than ",
            place.subnet_id,
            ": how its name resolves there can't be seen"
        ];
        return Err(vec![Gap::Undecidable { kind: "other-vpc", reason }]);
    }
    let zone = subnet.availability_zone.as_str();
    let mut here = file_system.mount_targets.iter().filter(|target| target.availability_zone == zone);
    let mut coming = here.clone().filter(|target| matches!(target.life_cycle_state.as_str(), "creating" | "updating"));
    let Some(mount_target) = here.find(|target| target.life_cycle_state == "available") else {
        return match coming.next() {
            Some(target) => {
                let reason = text!["mount target ", &target.id, " is ", target.life_cycle_state.clone()];
                Err(vec![Gap::Undecidable { kind: "mount-target-state", reason }])
            }
            None => Ok(Some(Trouble::NoMountTarget { zone })),
        };
    };
    let from = ends::of_origin(topology, place, subnet);
    let to = end_of(analyses, mount_target).map_err(|gap| vec![gap])?;
    let leg = leg::follow(&from, &to, Traffic::tcp(NFS), &|id| topology.prefix_list_entries(id), &analyses.acls);
    if !leg.blockers.is_empty() {
        return Ok(Some(Trouble::Refused { mount_target, leg }));
    }
    if leg.gaps.is_empty() { Ok(None) } else { Err(leg.gaps) }
}

fn end_of<'s>(analyses: &Analyses<'s>, target: &'s EfsMountTarget) -> Result<End<'s>, Gap> {
    let topology = analyses.topology;
    let subnet = ends::subnet(topology, &target.subnet_id)?;
    let own = ends::addresses(&target.ip_address);
    let (addresses, counts) = match own.is_empty() {
        true => (ends::subnet_addresses(subnet), Counts::SomePart),
        false => (own, Counts::Each),
    };
    let ids: Vec<&SecurityGroupId> = target.security_groups.iter().collect();
    Ok(End {
        name: text!["mount target ", &target.id, " in ", &target.subnet_id],
        addresses,
        counts,
        subnet_id: Some(&target.subnet_id),
        network_acl: Some(ends::network_acl(topology, &target.subnet_id)),
        groups: ends::groups(topology, Some(&ids), &subnet.vpc_id),
        prefix_list: None,
        client_ports: Ports::EPHEMERAL_AWS,
        alike: Some((target.id.as_str(), target.subnet_id.as_str())),
    })
}
