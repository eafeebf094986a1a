//! What the rules about starts and placements share: the failures of a workload that no other finding explains.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{network, troubles};
use crate::analysis::{Analyses, symptoms};
use crate::finding::{Evidence, Remediation};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::explained::{Explained, explained};
use crate::rules::update;
use crate::rules::{Failing, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::Task;
use crate::snapshot::ids::Arn;
use crate::symptom::{self, Kind, Trouble};
use crate::text;
use crate::text::{Span, Text, format_words};
use crate::topology::workload::Workload;

/// The rules' shares, so that one failure is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// Tasks that had their place.
    Starts,
    /// Tasks that were given none.
    Placements,
}

/// How a rule words its share.
pub(super) struct Wording {
    pub(super) rule: &'static Rule,
    pub(super) share: Share,
    /// Of the blockers.
    pub(super) kind: &'static str,
    /// "Tasks of web " comes before it.
    pub(super) headline: &'static str,
}

/// Failures of one kind.
struct Failure<'s> {
    /// `None` where only the message says what it was.
    kind: Option<Kind>,
    source: &'static str,
    count: u32,
    /// When it was last seen.
    at: Option<Timestamp>,
    /// What AWS said then.
    text: &'s str,
    /// The task that it said so of.
    task: Option<&'s Arn>,
}

#[derive(Default)]
struct Tally<'s> {
    failures: BTreeMap<(Option<Kind>, &'static str), Failure<'s>>,
    gaps: Vec<Gap>,
}

impl<'s> Tally<'s> {
    fn add(&mut self, seen: Failure<'s>) {
        let entry = self.failures.entry((seen.kind, seen.source)).or_insert(Failure { count: 0, ..seen });
        let count = entry.count + 1;
        if count == 1 || seen.at > entry.at {
            *entry = seen;
        }
        entry.count = count;
    }
}

/// Judges a workload by its share of failures.
pub(super) fn judge<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>, wording: &Wording) -> Outcome {
    let mut tally = Tally::default();
    tally.gaps.extend(analyses.topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn));
    for task in symptoms::stopped_tasks(workload).filter(|task| task.stop_code.as_deref() == Some("TaskFailedToStart"))
    {
        let (kind, text) = of_task(task);
        if share_of_task(task, kind) != wording.share {
            continue;
        }
        let kinds: Vec<Kind> = symptoms::of_task(task).map(|(symptom, _)| symptom.kind()).collect();
        let (source, at) = ("stopped-task", symptoms::stopped_at(task));
        let seen = Failure { kind, source, count: 1, at, text, task: Some(&task.arn) };
        sort_in(workload, analyses, &kinds, seen, &mut tally);
    }
    for event in symptoms::events(workload) {
        let Some(read) = symptom::read(&event.message) else { continue };
        if share_of_event(&event.message, read.trouble) != Some(wording.share) {
            continue;
        }
        let (kind, source) = (Some(read.kind()), "service-event");
        let seen = Failure { kind, source, count: 1, at: event.created_at, text: &event.message, task: None };
        sort_in(workload, analyses, &[read.kind()], seen, &mut tally);
    }
    let Tally { failures, mut gaps } = tally;
    gaps.sort();
    gaps.dedup();
    match (failures.is_empty(), gaps.is_empty()) {
        (false, _) => {
            let mut failures: Vec<Failure<'_>> = failures.into_values().collect();
            failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
            Outcome::Fails(Box::new(Failing { gaps, ..failing(workload, analyses, wording, &failures) }))
        }
        (true, false) => Outcome::Unknown(gaps),
        (true, true) => Outcome::Holds,
    }
}

fn sort_in<'s>(
    workload: &Workload<'s>,
    analyses: &Analyses<'s>,
    kinds: &[Kind],
    seen: Failure<'s>,
    tally: &mut Tally<'s>,
) {
    match explained(workload, analyses, kinds) {
        Explained::Yes => {}
        Explained::No => tally.add(seen),
        Explained::Open(gaps) => tally.gaps.extend(gaps),
    }
}

/// The closest of a task's reasons. The container's own comes last and says more than the task's.
fn of_task(task: &Task) -> (Option<Kind>, &str) {
    let clear = symptoms::of_task(task).find(|(symptom, _)| troubles::words(symptom.trouble).is_some());
    match clear {
        Some((symptom, text)) => (Some(symptom.kind()), text),
        None => (None, symptoms::reasons(task).last().unwrap_or("no reason given")),
    }
}

/// A task that has an instance was given its place, whatever it lacked there.
fn share_of_task(task: &Task, kind: Option<Kind>) -> Share {
    let unplaced = |trouble: Trouble| match trouble {
        Trouble::Capacity | Trouble::Quota => true,
        _ => trouble.is_placement() && task.container_instance_arn.is_none(),
    };
    if kind.is_some_and(|kind| unplaced(kind.trouble)) { Share::Placements } else { Share::Starts }
}

/// Events that tasks fail to start come with the tasks that did, other than those that keep tasks from being made.
fn share_of_event(message: &str, trouble: Trouble) -> Option<Share> {
    if message.to_lowercase().contains("unable to place") || trouble.is_placement() {
        return Some(Share::Placements);
    }
    let unmade = matches!(
        trouble,
        Trouble::Role | Trouble::NetworkInterface | Trouble::SecurityGroup | Trouble::Subnet | Trouble::Addresses
    );
    unmade.then_some(Share::Starts)
}

fn failing(workload: &Workload<'_>, analyses: &Analyses<'_>, wording: &Wording, failures: &[Failure<'_>]) -> Failing {
    let details: Vec<Text> = failures.iter().map(|failure| detail(workload, failure)).collect();
    let mut message = text!["Tasks of ", &workload.short_name, " ", wording.headline, ": "];
    message.append(Text::joined(&details));
    let advice: Vec<&'static str> = failures.iter().fold(Vec::new(), |mut all, failure| {
        let one = troubles::advice(failure.kind);
        if !all.contains(&one) {
            all.push(one);
        }
        all
    });
    let mut text: Text = [format_words(advice.join(" "))].into_iter().collect();
    let of_network = failures.iter().any(|failure| network::gone(failure.kind).is_some());
    if let Some(instead) = workload.service.filter(|_| of_network).and_then(update::instead) {
        text.push(instead);
    }
    let blockers = details.into_iter().map(|detail| Blocker {
        family: Family::Task,
        kind: wording.kind,
        need: None,
        origin: None,
        port: None,
        protocol: None,
        resource: Some(workload.short_name.clone()),
        detail,
    });
    let evidence = failures.iter().map(|failure| Evidence {
        source: failure.source,
        at: failure.at,
        count: failure.count,
        text: failure.text.to_owned(),
    });
    Failing {
        blockers: blockers.collect(),
        facts: [("failures", failures.iter().map(fact).collect())].into(),
        confirmed_by: evidence.collect(),
        ..Failing::new(wording.rule, message, Remediation { text, commands: commands(workload, analyses, failures) })
    }
}

/// "3 × the image could not be pulled, access was denied (last at 2026-11-20T11:50:00Z)".
fn detail(workload: &Workload<'_>, failure: &Failure<'_>) -> Text {
    let mut text = text![u64::from(failure.count), " × "];
    let words = failure.kind.and_then(|kind| Some((kind, troubles::words(kind.trouble)?)));
    match words {
        Some((kind, words)) => {
            text.push(words);
            text.append(network::named(workload, kind, failure.text, failure.at));
            if let Some(why) = troubles::why(kind) {
                text.push(", ");
                text.push(why);
            }
        }
        None => text.append(text!["another reason, “", shortened(failure.text), "”"]),
    }
    if let Some(at) = failure.at {
        text.push(format_words(format!(" (last at {at})")));
    }
    text
}

fn shortened(text: &str) -> Span {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Span::Name(format!("{}…", &text[..end])),
        None => Span::Name(text.to_owned()),
    }
}

fn fact(failure: &Failure<'_>) -> Value {
    json!({
        "trouble": failure.kind.map_or("other", |kind| troubles::name(kind.trouble)),
        "nature": failure.kind.map(|kind| troubles::nature_name(kind.nature)),
        "dialled": failure.kind.and_then(|kind| kind.dialled).map(troubles::side_name),
        "source": failure.source,
        "count": failure.count,
        "last_seen": failure.at.map(|at| at.to_string()),
    })
}

/// Show what AWS says: of the newest task of each kind, and of the service where events say it.
fn commands(workload: &Workload<'_>, analyses: &Analyses<'_>, failures: &[Failure<'_>]) -> Vec<String> {
    let region = &analyses.topology.target.region;
    let tasks: BTreeSet<&str> = failures.iter().filter_map(|failure| failure.task).map(Arn::as_str).collect();
    let mut commands = Vec::new();
    if !tasks.is_empty() {
        let mut command = shell::Command::new("aws ecs describe-tasks");
        command.option("region", region);
        command.option("cluster", &workload.cluster_name);
        command.options("tasks", tasks);
        command.option("query", "tasks[].[taskArn,stoppedReason,containers[].[name,reason]]");
        commands.push(command.to_string());
    }
    if failures.iter().any(|failure| failure.task.is_none()) {
        let mut command = shell::Command::new("aws ecs describe-services");
        command.option("region", region);
        command.option("cluster", &workload.cluster_name);
        command.option("services", &workload.short_name);
        command.option("query", "services[].events[:10].[createdAt,message]");
        commands.push(command.to_string());
    }
    let repairs = failures
        .iter()
        .filter_map(|failure| network::repair(workload, region, failure.kind?, failure.text, failure.at));
    commands.extend(repairs);
    commands
}
