//! EFS volumes that tasks cannot mount where they run.

use std::collections::{BTreeMap, BTreeSet};

use super::view::{self};
use crate::analysis::efs::{self, Mount, NFS, Trouble};
use crate::analysis::{Analyses, symptoms};
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Trace};
use crate::rules::{Check, Failing, Group, Outcome, Rule, repair};
use crate::shell;
use crate::symptom::{Nature, Trouble as Symptom};
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "efs-mount-unreachable",
    group: Group::Egress,
    severity: Severity::High,
    summary: "an EFS volume that tasks cannot mount where they run",
    page: include_str!("efs_mount_unreachable.md"),
    needs: view::path_datasets![FileSystems],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html",
        "https://docs.aws.amazon.com/efs/latest/ug/accessing-fs.html",
        "https://docs.aws.amazon.com/efs/latest/ug/network-access.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (mounts, gaps, concerned) = efs::mounts(analyses, workload);
    let failing: Vec<(&Mount<'s>, &Trouble<'s>)> =
        mounts.iter().filter_map(|mount| Some((mount, mount.trouble.as_ref()?))).collect();
    match (concerned, failing.is_empty(), gaps.is_empty()) {
        (false, _, _) => Outcome::NotApplicable,
        (true, false, _) => Outcome::Fails(Box::new(Failing { gaps, ..finding(analyses, workload, &failing) })),
        (true, true, true) => Outcome::Holds,
        (true, true, false) => Outcome::Unknown(gaps),
    }
}

fn finding(analyses: &Analyses<'_>, workload: &Workload<'_>, failing: &[(&Mount<'_>, &Trouble<'_>)]) -> Failing {
    let mut blockers: BTreeSet<Blocker> = BTreeSet::new();
    let (mut traces, mut repairs) = (Vec::new(), Vec::new());
    for (mount, trouble) in failing {
        match trouble {
            Trouble::Gone => {
                let detail = text!["file system ", mount.file_system_id.to_owned(), " does not exist"];
                blockers.insert(of_kind("file-system-gone", mount, None, detail));
            }
            Trouble::NoMountTarget { zone } => {
                let detail = text![mount.file_system_id.to_owned(), " has no mount target in ", (*zone).to_owned()];
                blockers.insert(of_kind("no-mount-target", mount, None, detail));
            }
            Trouble::Refused { mount_target, leg } => {
                for blocker in &leg.blockers {
                    blockers.insert(Blocker {
                        need: Some(mount.file_system_id.to_owned()),
                        origin: Some(mount.place.subnet_id.as_str().to_owned()),
                        ..blocker.clone()
                    });
                }
                repairs.extend(&leg.repairs);
                let origin = mount.place.subnet_id.as_str().to_owned();
                traces.push(Trace { need: mount_target.id.clone(), origin, hops: leg.trace() });
            }
        }
    }
    let mut details: Vec<&Text> = Vec::new();
    for blocker in &blockers {
        if !details.contains(&&blocker.detail) {
            details.push(&blocker.detail);
        }
    }
    let ids: BTreeSet<&str> = failing.iter().map(|(mount, _)| mount.file_system_id).collect();
    let mut message = text!["Tasks of ", &workload.short_name, " cannot mount "];
    message.append(Text::list(ids.iter().map(|id| (*id).to_owned()), 3));
    message.push(": ");
    message.append(Text::joined(details));
    let region = &analyses.topology.target.region;
    let mut commands = create_mount_targets(region, failing);
    commands.extend(repair::commands(region, repairs));
    let text = text![
        "Give the file system a mount target in every zone that tasks run in, and let TCP 2049 through from the tasks to it \
         in both security groups and in the network ACLs."
    ];
    let partial = failing.iter().all(|(_, trouble)| matches!(trouble, Trouble::Refused { leg, .. } if !leg.is_shut));
    let mut found = Failing::new(&RULE, message, Remediation { text, commands });
    if partial {
        found.severity = Severity::Medium;
        found.severity_reason = Some("only a part of the connections is refused".to_owned());
    }
    if let (Some(id), 1) = (ids.first(), ids.len()) {
        found.cause = Some(Cause { kind: "elasticfilesystem:file-system", resource: (*id).to_owned() });
    }
    found.blockers = blockers.into_iter().collect();
    found.traces = traces;
    found.related = related(failing);
    found.facts = facts(failing);
    found.confirmed_by = symptoms::of_stopped_tasks(symptoms::stopped_tasks(workload), |symptom| {
        symptom.trouble == Symptom::FileSystem && symptom.nature != Nature::Permission
    });
    found
}

fn of_kind(kind: &'static str, mount: &Mount<'_>, resource: Option<String>, detail: Text) -> Blocker {
    Blocker {
        family: Family::Endpoint,
        kind,
        need: Some(mount.file_system_id.to_owned()),
        origin: Some(mount.place.subnet_id.as_str().to_owned()),
        port: Some(NFS),
        protocol: Some("tcp"),
        resource: resource.or_else(|| Some(mount.file_system_id.to_owned())),
        detail,
    }
}

/// One for each zone that lacks one, in the first subnet of it that tasks run in.
fn create_mount_targets(region: &str, failing: &[(&Mount<'_>, &Trouble<'_>)]) -> Vec<String> {
    let mut lacking: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (mount, trouble) in failing {
        if let Trouble::NoMountTarget { zone } = trouble {
            lacking.entry((mount.file_system_id, zone)).or_insert(mount.place.subnet_id.as_str());
        }
    }
    let command = |((file_system, _), subnet): ((&str, &str), &str)| {
        let mut command = shell::Command::new("aws efs create-mount-target");
        command.option("region", region);
        command.option("file-system-id", file_system);
        command.option("subnet-id", subnet);
        command.raw("--security-groups \"$MOUNT_TARGET_GROUP\"");
        command.to_string()
    };
    lacking.into_iter().map(command).collect()
}

fn related(failing: &[(&Mount<'_>, &Trouble<'_>)]) -> Vec<Related> {
    let mut ids: BTreeSet<(&'static str, &str, &'static str)> = BTreeSet::new();
    for (mount, trouble) in failing {
        ids.insert(("elasticfilesystem:file-system", mount.file_system_id, "file-system"));
        ids.insert(("ec2:subnet", mount.place.subnet_id.as_str(), "origin"));
        if let Trouble::Refused { mount_target, .. } = trouble {
            ids.insert(("elasticfilesystem:mount-target", &mount_target.id, "mount-target"));
        }
    }
    ids.into_iter().map(|(kind, id, role)| Related { kind, id: id.to_owned(), role }).collect()
}

fn facts(failing: &[(&Mount<'_>, &Trouble<'_>)]) -> BTreeMap<&'static str, serde_json::Value> {
    let zones: BTreeSet<&str> = failing
        .iter()
        .filter_map(|(_, trouble)| match trouble {
            Trouble::NoMountTarget { zone } => Some(*zone),
            Trouble::Gone | Trouble::Refused { .. } => None,
        })
        .collect();
    [("zones_without_mount_target", serde_json::json!(zones))].into()
}
