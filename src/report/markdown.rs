//! Markdown for pull requests and GitHub's job summaries: the numbers, then a row for each thing to repair with all the
//! workloads that it would repair, then how it was found. A job summary holds 1 MiB, so what is left out is counted.

use std::collections::BTreeMap;

use super::escape;
use super::places::Places;
use super::shown::{self, VERSION, all_well, counted, cut, sizes};
use super::table::minute;
use super::{View, mermaid};
use crate::finding::{Evidence, Finding, NotEvaluated, NotEvaluatedKind, Report, Severity, Status};
use crate::text::{Span, Text};
use crate::wiring::{Wiring, Workload};

const KIB: usize = 1024;
/// The rows end here, the details and then the whole; the difference leaves room for what says how much is missing.
const ROWS_UNTIL: usize = 500 * KIB;
const DETAILS_UNTIL: usize = 800 * KIB;
const ALL_UNTIL: usize = 890 * KIB;
/// Pictures take long to draw in a browser.
const MOST_PICTURES: usize = 5;
const PICTURE: usize = 20 * KIB;
/// What is told in detail.
const DETAILED: Severity = Severity::High;
/// Of one row.
const MOST_NAMES: usize = 12;
/// Findings of one group that are told one by one.
const MOST_TOLD: usize = 5;
const NAME: usize = 256;
const EVIDENCE: usize = 200;
const COMMAND: usize = 4096;

/// Renders the open findings; those that don't count come after them.
pub(super) fn render(report: &Report, wiring: Option<&Wiring>, view: &View) -> String {
    let open = shown::findings(report, view.min_severity).filter(|finding| finding.status == Status::Open);
    let groups = groups(open);
    let mut page = Page { text: String::new(), pictures: 0 };
    page.head(report);
    page.rows(report, &groups);
    page.details(&groups, wiring);
    page.closed(report, view.min_severity);
    page.not_judged(report);
    let hidden = report.findings.iter().filter(|finding| finding.severity < view.min_severity).count();
    if hidden > 0 {
        page.line(&format!("\n{} below {} hidden.", counted(hidden, "finding"), view.min_severity.name()));
    }
    page.line(&format!("\n<sub>audit {VERSION}</sub>"));
    page.text
}

/// Findings that one repair ends: of one cause, or where no cause is known of one rule.
struct Group<'a> {
    /// The worst comes first.
    findings: Vec<&'a Finding>,
}

impl<'a> Group<'a> {
    fn worst(&self) -> &'a Finding {
        self.findings[0]
    }

    fn rules(&self) -> Vec<&'a str> {
        distinct(self.findings.iter().map(|finding| finding.rule))
    }

    fn workloads(&self) -> Vec<&'a str> {
        distinct(self.findings.iter().map(|finding| finding.resource.name.as_str()))
    }
}

fn groups<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut index: BTreeMap<(&str, &str, &str, &str), usize> = BTreeMap::new();
    for finding in findings {
        let (kind, of) = finding.cause.as_ref().map_or(("", finding.rule), |cause| (cause.kind, &cause.resource));
        let key = (finding.account.as_str(), finding.region.as_str(), kind, of);
        let group = *index.entry(key).or_insert_with(|| {
            groups.push(Group { findings: Vec::new() });
            groups.len() - 1
        });
        groups[group].findings.push(finding);
    }
    groups
}

struct Page {
    text: String,
    pictures: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds a line, or says that there is no room for it.
    fn fits(&mut self, text: &str, until: usize) -> bool {
        let fits = self.text.len() + text.len() < until;
        if fits {
            self.line(text);
        }
        fits
    }

    fn head(&mut self, report: &Report) {
        let scan = &report.scan;
        self.line("## ECS network audit\n");
        let places = Places::of(report);
        let place = match &places {
            Some(places) => places.sizes(),
            None => {
                scan.targets.iter().map(|t| format!("account {} · {}", name(&t.account), name(&t.region))).collect()
            }
        };
        self.line(&format!("{place} · {}  ", minute(scan.finished_at)));
        let endpoints = distinct(scan.targets.iter().filter_map(|target| target.endpoint_override.as_deref()));
        for endpoint in endpoints {
            self.line(&format!("not AWS itself: the endpoint is {}  ", name(endpoint)));
        }
        self.line(&sizes(report.counts).join(" · "));
        if scan.demo {
            self.line("\n> [!NOTE]\n> An account that ships with this program; nothing was read from AWS.");
        }
        if !scan.complete {
            self.line("\n> [!WARNING]\n> The scan is incomplete: what could not be read is listed under “Not judged”.");
        }
        let heads: Vec<&str> = Severity::ALL.into_iter().map(Severity::name).collect();
        let numbers: Vec<String> =
            Severity::ALL.into_iter().map(|severity| report.open(severity).to_string()).collect();
        self.line(&format!("\n| {} | not judged |", heads.join(" | ")));
        self.line(&format!("|{}", "---:|".repeat(heads.len() + 1)));
        self.line(&format!("| {} | {} |", numbers.join(" | "), report.not_evaluated.len()));
        if let Some(places) = places {
            self.places(&places);
        }
    }

    fn places(&mut self, places: &Places<'_>) {
        if !places.rows.is_empty() {
            self.line("\n| Account | Region | Services | Tasks | Open findings |\n|---|---|---:|---:|---|");
        }
        for row in &places.rows {
            let (target, counts) = (row.target, row.target.counts);
            let unread = if target.is_complete() { "" } else { " · incomplete" };
            let place = format!("{} | {}", name(&target.account), name(&target.region));
            self.line(&format!("| {place} | {} | {} | {}{unread} |", counts.services, counts.tasks, row.open()));
        }
        if !places.idle.is_empty() {
            let of =
                |(account, regions): (&&str, &Vec<&str>)| format!("{} ({})", name(account), name(&regions.join(", ")));
            let idle: Vec<String> = places.idle.iter().map(of).collect();
            self.line(&format!("\nNo clusters: {}", idle.join(", ")));
        }
        for failed in &places.failed {
            let what = format!("{} was not scanned: {}", name(&failed.name()), name(failed.error));
            let help: Vec<String> = failed.help.iter().map(|help| format!("\n> {}", name(help))).collect();
            self.line(&format!("\n> [!WARNING]\n> {what}{}", help.concat()));
        }
    }

    fn rows(&mut self, report: &Report, groups: &[Group<'_>]) {
        if groups.is_empty() {
            let all = report.scan.complete && report.not_evaluated.is_empty();
            let well = format!(": {}", all_well(report));
            let rest = if all { &well } else { ", but not everything could be judged" };
            self.line(&format!("\nNo findings{rest}."));
            return;
        }
        self.line("\n### What to repair\n\n| Severity | Finding | Where | Fix |\n|---|---|---|---|");
        let mut hidden = 0;
        for group in groups {
            if hidden > 0 || !self.fits(&row(report, group), ROWS_UNTIL) {
                hidden += group.findings.len();
            }
        }
        self.missing(hidden, "finding");
    }

    fn missing(&mut self, hidden: usize, what: &str) {
        if hidden > 0 {
            let note = format!("{} more {what}{} not fit here", hidden, if hidden == 1 { " does" } else { "s do" });
            self.line(&format!("\n**{note}**; the JSON report has all of them."));
        }
    }

    fn details(&mut self, groups: &[Group<'_>], wiring: Option<&Wiring>) {
        let detailed = groups.iter().filter(|group| group.worst().severity >= DETAILED);
        let (mut hidden, mut first) = (0, true);
        for group in detailed {
            if first {
                self.line("\n### How it was found");
                first = false;
            }
            let picture = wiring.filter(|_| self.pictures < MOST_PICTURES).and_then(|wiring| drawn(group, wiring));
            self.pictures += usize::from(picture.is_some());
            if hidden > 0 || !self.fits(&detail(group, picture.as_deref()), DETAILS_UNTIL) {
                hidden += 1;
            }
        }
        self.missing(hidden, "row");
    }

    fn closed(&mut self, report: &Report, least: Severity) {
        let closed: Vec<&Finding> =
            shown::findings(report, least).filter(|finding| finding.status != Status::Open).collect();
        if closed.is_empty() {
            return;
        }
        let count = counted(closed.len(), "finding");
        self.line(&format!("\n<details><summary>{count} that do not count</summary>\n"));
        self.line("| Severity | Rule | Where | Why not |\n|---|---|---|---|");
        let mut hidden = 0;
        for finding in closed {
            let why = name(&shown::closed_because(finding).unwrap_or_default());
            let row = [finding.severity.name(), finding.rule, &name(&finding.resource.name), &why].join(" | ");
            if hidden > 0 || !self.fits(&format!("| {row} |"), ALL_UNTIL) {
                hidden += 1;
            }
        }
        self.missing(hidden, "finding");
        self.line("\n</details>");
    }

    fn not_judged(&mut self, report: &Report) {
        if report.not_evaluated.is_empty() {
            return;
        }
        self.line("\n### Not judged\n\n| Why | Rules | Where | Allow |\n|---|---|---|---|");
        let mut reasons: BTreeMap<(NotEvaluatedKind, String, Option<&str>), Vec<&NotEvaluated>> = BTreeMap::new();
        for entry in &report.not_evaluated {
            let key = (entry.kind, sentence(&entry.reason), entry.iam_action.as_deref());
            reasons.entry(key).or_default().push(entry);
        }
        let mut hidden = 0;
        for ((kind, reason, action), entries) in reasons {
            let rules = distinct(entries.iter().map(|entry| entry.rule)).join(", ");
            let subjects = entries.iter().filter_map(|entry| entry.resource.as_ref());
            let subjects = list(&distinct(subjects.map(|resource| resource.name.as_str())));
            let action = action.map_or(String::new(), name);
            let row = format!("| {}: {reason} | {rules} | {subjects} | {action} |", shown::kind(kind));
            if hidden > 0 || !self.fits(&row, ALL_UNTIL) {
                hidden += entries.len();
            }
        }
        self.missing(hidden, "judgement");
    }
}

fn row(report: &Report, group: &Group<'_>) -> String {
    let worst = group.worst();
    let rules = group.rules().join(", ");
    let what = match (&worst.cause, group.findings.len()) {
        (_, 1) => sentence(&worst.message),
        (Some(cause), _) => format!("{} is the cause: {}", name(&cause.resource), shown::summary(report, worst.rule)),
        (None, _) => shown::summary(report, worst.rule).to_owned(),
    };
    let strong = if worst.severity >= DETAILED { "**" } else { "" };
    let fix = sentence(&worst.remediation.text);
    format!("| {strong}{}{strong} | {rules}: {what} | {} | {fix} |", worst.severity.name(), list(&group.workloads()))
}

/// The picture of the first workload that has one.
fn drawn(group: &Group<'_>, wiring: &Wiring) -> Option<String> {
    let is_of = |workload: &&Workload, finding: &Finding| {
        (&workload.account, &workload.region, &workload.name)
            == (&finding.account, &finding.region, &finding.resource.name)
    };
    let workloads = group
        .findings
        .iter()
        .filter(|finding| !finding.traces.is_empty())
        .filter_map(|finding| wiring.workloads.iter().find(|workload| is_of(workload, finding)));
    workloads.filter_map(mermaid::picture).find(|picture| picture.len() <= PICTURE)
}

fn detail(group: &Group<'_>, picture: Option<&str>) -> String {
    let worst = group.worst();
    let workloads = group.workloads();
    // Inside of a tag there is no Markdown.
    let first = escape::code(&cut(workloads[0], NAME));
    let more = if workloads.len() > 1 { format!(" and {} more", workloads.len() - 1) } else { String::new() };
    let (severity, rules) = (worst.severity.name(), group.rules().join(", "));
    let mut text = format!("\n<details><summary>{severity}: {rules}: {first}{more}</summary>\n");
    for finding in group.findings.iter().take(MOST_TOLD) {
        text.push_str(&told(finding));
    }
    let rest = group.findings.len().saturating_sub(MOST_TOLD);
    if rest > 0 {
        text.push_str(&format!("\n{} more of the same cause.\n", counted(rest, "finding")));
    }
    if let Some(picture) = picture {
        text.push_str(&format!("\n```mermaid\n{picture}```\n"));
    }
    text.push_str("\n</details>");
    text
}

fn told(finding: &Finding) -> String {
    let mut text =
        format!("\n**{}** {}\n\n{}.", finding.rule, name(&finding.resource.name), sentence(&finding.message));
    let reason = finding.severity_reason.as_ref().filter(|_| finding.severity != finding.base_severity);
    if let Some(reason) = reason {
        let (severity, base) = (finding.severity.name(), finding.base_severity.name());
        text.push_str(&format!(" It is {severity} instead of {base}: {}.", name(reason)));
    }
    text.push_str("\n\n");
    for evidence in &finding.confirmed_by {
        text.push_str(&format!("- seen {}\n", seen(evidence)));
    }
    text.push_str(&format!("- fix: {}\n", sentence(&finding.remediation.text)));
    if !finding.remediation.commands.is_empty() {
        let commands: Vec<String> =
            finding.remediation.commands.iter().map(|command| cut(&escape::terminal(command), COMMAND)).collect();
        let commands = commands.join("\n");
        let fence = fence(&commands);
        text.push_str(&format!("\n{fence}sh\n{commands}\n{fence}\n"));
    }
    text
}

/// Longer than any row of backticks in it.
fn fence(code: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

fn seen(evidence: &Evidence) -> String {
    let at = evidence.at.map_or(String::new(), |at| format!(", last {}", minute(at)));
    format!("{} × {}{at}: {}", evidence.count, evidence.source, escape::markdown(&cut(&evidence.text, EVIDENCE)))
}

fn name(text: &str) -> String {
    escape::markdown(&cut(text, NAME))
}

fn sentence(text: &Text) -> String {
    let spans = text.spans().iter().map(|span| match span {
        // Its own code spans are wanted, a star is one.
        Span::Words(words) => words.replace('*', "\\*"),
        Span::Name(of) => name(of),
    });
    spans.collect()
}

fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(MOST_NAMES).map(|one| name(one)).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// In the order in which they come.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = std::collections::BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fence("aws ecs"), "```");
        assert_eq!(fence("a ``` b ````` c"), "``````");
    }
}
