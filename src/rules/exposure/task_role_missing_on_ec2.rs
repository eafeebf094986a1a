//! Tasks without a role of their own, whose application falls back to the role of the instance.

use std::collections::BTreeSet;

use super::metadata;
use crate::analysis::Analyses;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Gap};
use crate::rules::definitions;
use crate::rules::revisions::{self, Os, Revision};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "task-role-missing-on-ec2",
    group: Group::Exposure,
    severity: Severity::Medium,
    summary: "a bridge or host task has no role, so its calls use the instance's",
    page: include_str!("task_role_missing_on_ec2.md"),
    needs: metadata::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (revisions, mut gaps) = revisions::of(workload);
    let (mut wrong, mut profiles, mut instances): (Vec<&Revision<'_, '_>>, BTreeSet<&str>, BTreeSet<&str>) =
        Default::default();
    let mut concerned = false;
    let shares = |revision: &&Revision<'_, '_>| {
        matches!(revision.mode(), None | Some(NetworkMode::Bridge | NetworkMode::Host))
            && revision.launch.kind == LaunchKind::Ec2
            && revision.os(analyses) != Os::Windows
    };
    for revision in revisions.iter().filter(shares) {
        concerned = true;
        if revision.definition.task_role_arn.is_some() {
            continue;
        }
        if matches!(revision.variant.role, Role::Standalone | Role::Scheduled) {
            let name = revision.definition.arn.name().to_owned();
            let reason = text!["whoever runs ", name, " may name a task role in the call"];
            gaps.push(Gap::Undecidable { kind: "task-override", reason });
            continue;
        }
        let (hosts, unseen) = metadata::instances_of(revision, analyses);
        gaps.extend(unseen);
        if hosts.is_empty() {
            let reason = text!["no instance shows whether tasks would get to its role"];
            gaps.push(Gap::Undecidable { kind: "no-container-instance", reason });
        }
        let before = instances.len();
        for host in hosts {
            match metadata::within_reach(revision, host, analyses.topology) {
                Ok(None) => {}
                Ok(Some(reach)) => {
                    profiles.insert(reach.profile.name());
                    instances.insert(reach.id.as_str());
                }
                Err(gap) => gaps.push(gap),
            }
        }
        if instances.len() > before {
            wrong.push(revision);
        }
    }
    let failing = (!wrong.is_empty()).then(|| {
        let mut message = text!["Tasks of ", &workload.short_name, " have no task role: what they ask of AWS they ask as "];
        message.append(Text::list(profiles.iter().map(|profile| (*profile).to_owned()), 3));
        message.push(", the instance profile of ");
        message.append(Text::list(instances.iter().map(|id| (*id).to_owned()), 3));
        let region = analyses.topology.target.region.as_str();
        let definitions: BTreeSet<&str> = wrong.iter().map(|revision| revision.definition.arn.name()).collect();
        let describe = |name| definitions::describe(region, name, "taskDefinition.taskRoleArn");
        let commands = definitions.into_iter().map(describe).collect();
        let text = text![
            "Register a revision with a taskRoleArn that ecs-tasks.amazonaws.com may assume and that has what the application \
             needs, an empty role where it calls nothing; then take from the instance role what only applications used."
        ];
        let blockers: BTreeSet<Blocker> = wrong
            .iter()
            .map(|revision| definitions::blocker("no-task-role", revision.definition, text!["no taskRoleArn"]))
            .collect();
        let mut failing = revisions::failing(
            &RULE,
            &wrong,
            message,
            blockers.into_iter().collect(),
            Remediation { text, commands },
        );
        let hosts = instances.iter().map(|id| Related {
            kind: "ec2:instance",
            id: (*id).to_owned(),
            role: "container-instance",
        });
        failing.related.extend(hosts);
        failing
    });
    gaps.sort();
    gaps.dedup();
    revisions::outcome(concerned, gaps, failing)
}
