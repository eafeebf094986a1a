//! Tasks that need an execution role and have none.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{Analyses, symptoms};
use crate::finding::{Evidence, Remediation, Severity};
use crate::image::{self, Registry};
use crate::reach::verdict::{Blocker, Gap};
use crate::rules::definitions;
use crate::rules::revisions::{self, Revision};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::ecs::{ContainerDefinition, TaskDefinition};
use crate::snapshot::ids::Arn;
use crate::symptom::{Nature, Symptom, Trouble};
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "execution-role-missing",
    group: Group::Exposure,
    severity: Severity::High,
    summary: "tasks need an execution role to start and have none",
    page: include_str!("execution_role_missing.md"),
    needs: revisions::NEEDS,
    controls: &[],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"],
    check: Check::Workload(check),
};

/// What is done with the execution role, each with the troubles that its lack gives.
type Uses = BTreeMap<Text, &'static [Trouble]>;

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (revisions, mut gaps) = revisions::of(workload);
    let (mut wrong, mut blockers): (Vec<&Revision<'_, '_>>, BTreeSet<Blocker>) = Default::default();
    let (mut concerned, mut troubles) = (false, BTreeMap::<&Arn, BTreeSet<Trouble>>::new());
    for revision in &revisions {
        let uses = uses(revision.definition, revision.launch.kind);
        concerned |= !uses.is_empty();
        if uses.is_empty() || revision.definition.execution_role_arn.is_some() {
            continue;
        }
        match doubt(revision) {
            Some(gap) => gaps.push(gap),
            None => {
                wrong.push(revision);
                let of = |detail| definitions::blocker("no-execution-role", revision.definition, detail);
                troubles.entry(&revision.definition.arn).or_default().extend(uses.values().copied().flatten());
                blockers.extend(uses.into_keys().map(of));
            }
        }
    }
    let failing = (!wrong.is_empty()).then(|| {
        let mut message = text!["Tasks of ", &workload.short_name, " cannot start: nobody may "];
        message.append(Text::joined(blockers.iter().map(|blocker| &blocker.detail)));
        message.push(", because the task definition names no executionRoleArn");
        let region = analyses.topology.target.region.as_str();
        let definitions: BTreeSet<&str> = wrong.iter().map(|revision| revision.definition.arn.name()).collect();
        let describe = |name| definitions::describe(region, name, "taskDefinition.executionRoleArn");
        let commands = definitions.into_iter().map(describe).collect();
        let text = text![
            "Register a revision with an execution role that ecs-tasks.amazonaws.com may assume and that has \
             AmazonECSTaskExecutionRolePolicy, with read access to the secrets and files that the revision names."
        ];
        let blockers = blockers.into_iter().collect();
        let failing = revisions::failing(&RULE, &wrong, message, blockers, Remediation { text, commands });
        Failing { confirmed_by: evidence(workload, &troubles), ..failing }
    });
    gaps.sort();
    gaps.dedup();
    revisions::outcome(concerned, gaps, failing)
}

const SECRETS: &[Trouble] = &[Trouble::SecretsManager, Trouble::Parameter, Trouble::SecretsOrAuth];
const CREDENTIALS: &[Trouble] = &[Trouble::SecretsManager, Trouble::SecretsOrAuth, Trouble::Pull];
const PULL: &[Trouble] = &[Trouble::Pull, Trouble::RegistryAuth, Trouble::SecretsOrAuth];

/// Tasks of the revisions that stopped for lack of a permission which the role would give them.
fn evidence(workload: &Workload<'_>, troubles: &BTreeMap<&Arn, BTreeSet<Trouble>>) -> Vec<Evidence> {
    let mut all = Vec::new();
    for (arn, troubles) in troubles {
        // A role that is named is another one.
        let matters = |symptom: Symptom, reason: &str| match symptom.trouble {
            Trouble::Role => !reason.contains(":role/"),
            trouble => symptom.nature == Nature::Permission && troubles.contains(&trouble),
        };
        let tasks = symptoms::stopped_tasks(workload).filter(|task| task.task_definition_arn == **arn);
        all.extend(symptoms::of_reasons(tasks, matters));
    }
    all
}

/// What the agent does in the name of the execution role. On container instances the role of the instance pulls and logs.
fn uses(definition: &TaskDefinition, launch: LaunchKind) -> Uses {
    let on_instance = launch == LaunchKind::Ec2;
    // Fargate takes no configuration from S3 for FireLens.
    let by_agent = matches!(launch, LaunchKind::Ec2 | LaunchKind::External);
    let mut uses = Uses::new();
    for container in &definition.containers {
        let log = container.log_configuration.as_ref();
        let secrets = !container.secrets.is_empty() || log.is_some_and(|log| !log.secret_options.is_empty());
        let mut add = |what: &'static str, troubles| uses.insert(text![what, &container.name], troubles);
        if secrets {
            add("read the secrets of container ", SECRETS);
        }
        if container.repository_credentials.is_some() {
            add("read the registry credentials of container ", CREDENTIALS);
        }
        if !container.environment_files.is_empty() {
            add("read the environment files of container ", &[Trouble::EnvironmentFile]);
        }
        if by_agent && container.firelens_config_file_type.as_deref() == Some("s3") {
            add("read the FireLens configuration in S3 of container ", &[]);
        }
        if on_instance && mounts_fsx(definition, container) {
            add("read the FSx credentials for container ", SECRETS);
        }
        if !on_instance && matches!(image::parse(&container.image).registry, Registry::Ecr { .. }) {
            add("pull the image of container ", PULL);
        }
        if !on_instance && log.is_some_and(|log| log.log_driver == "awslogs") {
            add("write the logs of container ", &[Trouble::Logs]);
        }
    }
    uses
}

fn mounts_fsx(definition: &TaskDefinition, container: &ContainerDefinition) -> bool {
    let mut volumes = definition.volumes.iter().filter(|volume| volume.fsx_credentials_parameter.is_some());
    volumes.any(|volume| container.mount_points.iter().any(|mount| mount.source_volume.as_ref() == Some(&volume.name)))
}

fn doubt(revision: &Revision<'_, '_>) -> Option<Gap> {
    let name = revision.definition.arn.name().to_owned();
    if matches!(revision.variant.role, Role::Standalone | Role::Scheduled) {
        let reason = text!["whoever runs ", name, " may name an execution role in the call"];
        return Some(Gap::Undecidable { kind: "task-override", reason });
    }
    revision.is_running_here().then(|| {
        let reason = text!["contradicted by live state: tasks of ", name, " run without an execution role"];
        Gap::Undecidable { kind: "live-state", reason }
    })
}
