//! What the rules about one setting of a task definition share.

use crate::analysis::Analyses;
use crate::finding::{Related, Remediation};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::revisions;
use crate::rules::{Failing, Outcome, Rule};
use crate::shell;
use crate::snapshot::ecs::TaskDefinition;
use crate::text;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Variant, Workload};

/// A setting that should not be.
pub(super) struct Setting {
    pub(super) rule: &'static Rule,
    /// Of the blockers.
    pub(super) kind: &'static str,
    /// Fargate takes it too.
    pub(super) on_fargate: bool,
    /// What tasks with it do.
    pub(super) headline: &'static str,
    pub(super) fix: Text,
    /// Shows it in the answer of DescribeTaskDefinition.
    pub(super) query: &'static str,
}

/// What a revision shows of a setting.
#[derive(Default)]
pub(super) struct Shown {
    /// What is wrong.
    pub(super) wrong: Vec<Text>,
    /// What can't be told.
    pub(super) gaps: Vec<Gap>,
}

/// Asks each revision in use for what is wrong with it.
pub(super) fn judge<'s>(
    workload: &Workload<'s>,
    analyses: &Analyses<'s>,
    setting: Setting,
    wrong: impl Fn(&TaskDefinition) -> Vec<Text>,
) -> Outcome {
    let shown = |_: &Variant<'s>, definition: &TaskDefinition| Shown { wrong: wrong(definition), gaps: Vec::new() };
    judge_where(workload, analyses, setting, shown)
}

/// The same where the answer hangs on more than the revision. Where it launches only matters when something is wrong.
pub(super) fn judge_where<'s>(
    workload: &Workload<'s>,
    analyses: &Analyses<'s>,
    setting: Setting,
    show: impl Fn(&Variant<'s>, &'s TaskDefinition) -> Shown,
) -> Outcome {
    let (mut definitions, mut blockers, mut gaps): (Vec<&TaskDefinition>, Vec<Blocker>, Vec<_>) = Default::default();
    let mut concerned = false;
    for variant in workload.variants.iter().filter(|variant| revisions::is_in_use(workload, variant)) {
        let definition = match &variant.task_definition {
            Lookup::Found(definition) => *definition,
            Lookup::Absent => continue,
            Lookup::Unread(gap) => {
                gaps.push(gap.clone());
                continue;
            }
        };
        concerned = true;
        let shown = show(variant, definition);
        gaps.extend(shown.gaps);
        if shown.wrong.is_empty() {
            continue;
        }
        let only_fargate = variant.launches.known.iter().all(|launch| launch.kind == LaunchKind::Fargate);
        if only_fargate && !setting.on_fargate {
            gaps.extend(variant.launches.gaps.iter().cloned());
            continue;
        }
        definitions.push(definition);
        blockers.extend(shown.wrong.into_iter().map(|detail| blocker(setting.kind, definition, detail)));
    }
    gaps.sort();
    gaps.dedup();
    definitions.sort_by_key(|definition| &definition.arn);
    definitions.dedup_by_key(|definition| &definition.arn);
    blockers.sort();
    blockers.dedup();
    let region = analyses.topology.target.region.as_str();
    let failing = (!blockers.is_empty()).then(|| {
        let mut message = text!["Tasks of ", &workload.short_name, " ", setting.headline, ": "];
        message.append(Text::joined(blockers.iter().map(|blocker| &blocker.detail)));
        let commands =
            definitions.iter().map(|definition| describe(region, definition.arn.name(), setting.query)).collect();
        let related = definitions.iter().map(|definition| Related {
            kind: "ecs:task-definition",
            id: definition.arn.as_str().to_owned(),
            role: "task-definition",
        });
        let remediation = Remediation { text: setting.fix, commands };
        Failing { related: related.collect(), blockers, ..Failing::new(setting.rule, message, remediation) }
    });
    revisions::outcome(concerned, gaps, failing)
}

/// One thing that is wrong with a revision.
pub(super) fn blocker(kind: &'static str, definition: &TaskDefinition, detail: Text) -> Blocker {
    let mut of = detail;
    of.append(text![" in ", definition.arn.name().to_owned()]);
    Blocker {
        family: Family::Definition,
        kind,
        need: None,
        origin: None,
        port: None,
        protocol: None,
        resource: Some(definition.arn.name().to_owned()),
        detail: of,
    }
}

/// Shows a part of a revision.
pub(super) fn describe(region: &str, definition: &str, query: &str) -> String {
    let mut command = shell::Command::new("aws ecs describe-task-definition");
    command.option("region", region);
    command.option("task-definition", definition);
    command.option("query", query);
    command.to_string()
}
