//! What the rules of this group share: the revisions that a workload runs or moves to, each where it launches.

use std::collections::BTreeSet;

use crate::analysis::Analyses;
use crate::finding::{Related, Remediation};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::{Failing, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{Task, TaskDefinition};
use crate::snapshot::enums::NetworkMode;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::launch::{Launch, LaunchKind};
use crate::topology::origin::{self, Pool};
use crate::topology::workload::{Role, Variant, Workload};

/// What it takes to know the revisions in use and where they launch.
pub(super) const NEEDS: &[Dataset] = &[
    Dataset::Clusters,
    Dataset::Services,
    Dataset::Tasks,
    Dataset::TaskDefinitions,
    Dataset::CapacityProviders,
    Dataset::ContainerInstances,
];

/// A revision in one way of launching.
pub(super) struct Revision<'a, 's> {
    pub(super) workload: &'a Workload<'s>,
    pub(super) variant: &'a Variant<'s>,
    pub(super) launch: &'a Launch<'s>,
    pub(super) definition: &'s TaskDefinition,
}

/// The operating system of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Os {
    Linux,
    Windows,
    /// Neither the definition nor the instances say.
    Unknown,
}

impl Revision<'_, '_> {
    pub(super) fn mode(&self) -> Option<&NetworkMode> {
        self.definition.network_mode.as_ref()
    }

    /// `awsvpc`, or what the API leaves out.
    pub(super) fn mode_word(&self) -> &str {
        self.mode().map_or("default", NetworkMode::as_str)
    }

    /// Of the definition, else of the instances that it may be placed on.
    pub(super) fn os(&self, analyses: &Analyses<'_>) -> Os {
        match self.definition.operating_system_family.as_deref() {
            Some(family) if family.starts_with("WINDOWS") => return Os::Windows,
            Some(_) => return Os::Linux,
            None => {}
        }
        if self.launch.kind == LaunchKind::Fargate {
            return Os::Linux;
        }
        let topology = analyses.topology;
        let instances = match self.launch.kind {
            LaunchKind::Ec2 => Pool::of(topology, self.workload, self.variant, self.launch).instances(topology),
            _ => topology.container_instances_of(self.workload.cluster_arn).to_vec(),
        };
        let kinds: BTreeSet<Option<&str>> = instances.into_iter().map(origin::os_type).collect();
        match kinds.into_iter().collect::<Vec<_>>().as_slice() {
            [Some("linux")] => Os::Linux,
            [Some("windows")] => Os::Windows,
            _ => Os::Unknown,
        }
    }

    /// Whether tasks of the revision run.
    pub(super) fn is_running(&self) -> bool {
        self.running().next().is_some()
    }

    /// Whether tasks of the revision run where it launches, as far as they say where they run.
    pub(super) fn is_running_here(&self) -> bool {
        let own = match self.launch.kind {
            LaunchKind::Fargate => Some("FARGATE"),
            LaunchKind::Ec2 => Some("EC2"),
            LaunchKind::External => Some("EXTERNAL"),
            LaunchKind::ManagedInstances => None,
        };
        self.running().any(|task| match (own, task.launch_type.as_ref()) {
            (Some(own), Some(of_task)) => of_task.as_str() == own,
            _ => true,
        })
    }

    fn running(&self) -> impl Iterator<Item = &Task> {
        let of_revision = |task: &&Task| task.task_definition_arn == *self.variant.task_definition_arn;
        self.workload.tasks.iter().copied().filter(|task| task.last_status == "RUNNING").filter(of_revision)
    }
}

/// The operating system of a revision wherever it launches.
pub(super) fn os_of<'s>(
    analyses: &Analyses<'s>,
    workload: &Workload<'s>,
    variant: &Variant<'s>,
    definition: &'s TaskDefinition,
) -> Os {
    let revision = |launch| Revision { workload, variant, launch, definition };
    let mut all: Vec<Os> = variant.launches.known.iter().map(|launch| revision(launch).os(analyses)).collect();
    all.dedup();
    match all.as_slice() {
        [os] if variant.launches.gaps.is_empty() || definition.operating_system_family.is_some() => *os,
        _ => Os::Unknown,
    }
}

/// Whether tasks of a variant start or run: an older deployment starts none any more.
pub(super) fn is_in_use(workload: &Workload<'_>, variant: &Variant<'_>) -> bool {
    let runs = |task: &Task| task.last_status == "RUNNING" && task.task_definition_arn == *variant.task_definition_arn;
    variant.role != Role::Active || workload.tasks.iter().any(|task| runs(task))
}

/// Every revision in every way of launching; older deployments only finish what they run and are left out.
pub(super) fn of<'a, 's>(workload: &'a Workload<'s>) -> (Vec<Revision<'a, 's>>, Vec<Gap>) {
    of_variants(workload, |variant| variant.role != Role::Active)
}

/// The same with older deployments whose tasks still run.
pub(super) fn in_use<'a, 's>(workload: &'a Workload<'s>) -> (Vec<Revision<'a, 's>>, Vec<Gap>) {
    of_variants(workload, |variant| is_in_use(workload, variant))
}

fn of_variants<'a, 's>(
    workload: &'a Workload<'s>,
    picks: impl Fn(&Variant<'s>) -> bool,
) -> (Vec<Revision<'a, 's>>, Vec<Gap>) {
    let (mut revisions, mut gaps) = (Vec::new(), Vec::new());
    for variant in workload.variants.iter().filter(|variant| picks(variant)) {
        gaps.extend(variant.launches.gaps.iter().cloned());
        match &variant.task_definition {
            Lookup::Found(definition) => revisions.extend(variant.launches.known.iter().map(|launch| Revision {
                workload,
                variant,
                launch,
                definition,
            })),
            Lookup::Absent => {}
            Lookup::Unread(gap) => gaps.push(gap.clone()),
        }
    }
    gaps.sort();
    gaps.dedup();
    (revisions, gaps)
}

/// The verdict of a rule that found these blockers, or none.
pub(super) fn outcome(concerned: bool, gaps: Vec<Gap>, failing: Option<Failing>) -> Outcome {
    match (failing, gaps.is_empty()) {
        (Some(failing), _) => Outcome::Fails(Box::new(Failing { gaps, ..failing })),
        (None, false) => Outcome::Unknown(gaps),
        (None, true) if concerned => Outcome::Holds,
        (None, true) => Outcome::NotApplicable,
    }
}

/// One thing that is wrong with a revision.
pub(super) fn wrong(kind: &'static str, revision: &Revision<'_, '_>, port: Option<u16>, detail: Text) -> Blocker {
    Blocker {
        family: Family::Address,
        kind,
        need: None,
        origin: None,
        port,
        protocol: None,
        resource: Some(revision.definition.arn.name().to_owned()),
        detail,
    }
}

/// A failure with its blockers and the revisions they name.
pub(super) fn failing(
    rule: &'static Rule,
    revisions: &[&Revision<'_, '_>],
    message: Text,
    mut blockers: Vec<Blocker>,
    remediation: Remediation,
) -> Failing {
    blockers.sort();
    blockers.dedup();
    let arns: BTreeSet<&str> = revisions.iter().map(|revision| revision.definition.arn.as_str()).collect();
    let related = arns.into_iter().map(|arn| Related {
        kind: "ecs:task-definition",
        id: arn.to_owned(),
        role: "task-definition",
    });
    Failing { related: related.collect(), blockers, ..Failing::new(rule, message, remediation) }
}
