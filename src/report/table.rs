//! The report for a person on call: what is wrong, where, and what to do, grouped by cluster.

mod head;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Row, Table, TableStyle, Width,
};
use jiff::Timestamp;

use super::View;
use super::escape::{said, terminal as escape};
use super::shown::{all_well, counted};
use crate::finding::{
    Cause, Evidence, Finding, NotEvaluated, NotEvaluatedKind, Report, RuleTally, Severity, Status, WaiverState,
};
use crate::text::Text;

/// No outer border; a thin line between rows, so that text can be copied.
const HOUSE_STYLE: TableStyle =
    TableStyle::new().content_lines(ContentLineStyle::none()).row_separator(LineStyle::none().fill('─').junction('─'));
const SEVERITY_COLUMNS: u16 = 10;
/// Of what AWS said; the JSON report has all of it.
const EVIDENCE_CHARACTERS: usize = 200;
/// Subjects named for one reason before the rest is only counted.
const SUBJECTS_SHOWN: usize = 3;

/// Renders a report for a terminal.
pub(super) fn render(report: &Report, view: &View) -> String {
    let mut page = Page { out: String::new(), view, rules: report.rules.len() };
    page.header(report);
    page.findings(report);
    page.not_judged(report);
    page.summary(report);
    page.out
}

struct Page<'v> {
    out: String,
    view: &'v View,
    /// How many ran.
    rules: usize,
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.view.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn heading(&mut self, text: &str) {
        let bold = self.styled(Style::new().bold(), text);
        self.line("");
        self.line(&bold);
        let width = usize::from(self.view.width).min(text.chars().count().max(4));
        let rule = self.styled(Style::new().dimmed(), &"━".repeat(width));
        self.line(&rule);
    }

    /// Wraps words after a lead; the following lines are indented as wide as the lead.
    fn wrapped(&mut self, lead: &str, text: &str) {
        let indent = lead.chars().count();
        let width = usize::from(self.view.width).saturating_sub(indent).max(20);
        for (index, line) in wrap(text, width).into_iter().enumerate() {
            let lead = if index == 0 { lead.to_owned() } else { " ".repeat(indent) };
            self.line(&format!("{lead}{line}"));
        }
    }

    fn findings(&mut self, report: &Report) {
        let shown = report.findings.iter().filter(|f| f.status == Status::Open && f.severity >= self.view.min_severity);
        let mut by_cluster: BTreeMap<(&str, &str, &str), Vec<&Finding>> = BTreeMap::new();
        for finding in shown {
            by_cluster.entry((&finding.account, &finding.region, &finding.cluster)).or_default().push(finding);
        }
        let several = report.scan.targets.len() > 1;
        let mut number = 0;
        let mut clusters: Vec<_> = by_cluster.into_iter().collect();
        // The cluster with the worst finding first.
        clusters.sort_by_key(|(_, findings)| Reverse(findings.iter().map(|finding| finding.severity).max()));
        for ((account, region, cluster), mut findings) in clusters {
            findings.sort_by_key(|finding| (Reverse(finding.severity), &finding.resource.name, finding.rule));
            let place = if several { format!("  ({account} {region})") } else { String::new() };
            match cluster {
                "" => self.heading(&format!("network{place}")),
                _ => self.heading(&format!("cluster {}{place}", escape(cluster))),
            }
            let first = number + 1;
            let rows = by_cause(&findings);
            number += rows.len();
            self.finding_table(&rows, first);
            self.commands(&rows, first);
        }
        let below = |f: &&Finding| f.status == Status::Open && f.severity < self.view.min_severity;
        let hidden = report.findings.iter().filter(below).count();
        if hidden > 0 {
            self.line("");
            let note = format!("{} below {} hidden", counted(hidden, "finding"), self.view.min_severity.name());
            self.line(&note);
        }
    }

    fn finding_table(&mut self, rows: &[Vec<&Finding>], first: usize) {
        let mut table = Table::new();
        table.load_style(HOUSE_STYLE).set_content_arrangement(ContentArrangement::Dynamic);
        for (index, row) in rows.iter().enumerate() {
            let label = format!("{}\n[{}]", row[0].severity.name().to_uppercase(), first + index);
            table.add_row(Row::from(vec![label, story(row)]));
        }
        let fixed = |columns| ColumnConstraint::Absolute(Width::Fixed(columns));
        // The separator has a junction of its own between the columns.
        let rest = self.view.width.saturating_sub(SEVERITY_COLUMNS + 1);
        table.set_constraints([fixed(SEVERITY_COLUMNS), fixed(rest)]);
        for column in table.column_iter_mut() {
            column.set_padding((0, 1));
            column.set_cell_alignment(CellAlignment::Left);
        }
        for line in table.lines() {
            let coloured = self.coloured(line.trim_end());
            self.line(&coloured);
        }
    }

    /// The first column holds nothing but severities and numbers, so a word there is this program's own.
    fn coloured(&self, line: &str) -> String {
        if !self.view.colour {
            return line.to_owned();
        }
        let word = line.split_whitespace().next().unwrap_or_default();
        if word.starts_with('─') {
            return self.styled(Style::new().dimmed(), line);
        }
        let severity = Severity::ALL.into_iter().find(|severity| severity.name().to_uppercase() == word);
        match severity {
            Some(severity) if line.starts_with(word) => line.replacen(word, &self.styled(style_of(severity), word), 1),
            _ => line.to_owned(),
        }
    }

    /// Outside the table and on lines of their own, to be copied.
    fn commands(&mut self, rows: &[Vec<&Finding>], first: usize) {
        for (index, row) in rows.iter().enumerate() {
            let mut commands: Vec<&String> = Vec::new();
            for command in row.iter().flat_map(|finding| &finding.remediation.commands) {
                if !commands.contains(&command) {
                    commands.push(command);
                }
            }
            if commands.is_empty() {
                continue;
            }
            self.line("");
            let names: Vec<&str> = row.iter().map(|finding| finding.resource.name.as_str()).collect();
            let label = format!("[{}] {}", first + index, named(&names));
            let label = self.styled(Style::new().dimmed(), &label);
            self.line(&label);
            for command in commands {
                self.line(&escape(command));
            }
        }
    }

    fn not_judged(&mut self, report: &Report) {
        if report.not_evaluated.is_empty() {
            return;
        }
        self.heading("not judged");
        for (kind, title) in [
            (NotEvaluatedKind::Unread, "could not be read"),
            (NotEvaluatedKind::Undecidable, "cannot be decided from this account"),
        ] {
            let groups = grouped(report.not_evaluated.iter().filter(|entry| entry.kind == kind));
            if groups.is_empty() {
                continue;
            }
            self.line(title);
            for ((reason, action), entries) in groups {
                self.reason(&reason, action, &entries);
            }
        }
    }

    fn reason(&mut self, reason: &str, action: Option<&str>, entries: &[&NotEvaluated]) {
        self.wrapped("  • ", reason);
        let mut rules: Vec<&str> = entries.iter().map(|entry| entry.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        if rules.len() > 1 && rules.len() == self.rules {
            rules = vec!["every rule"];
        }
        let mut subjects: Vec<&str> =
            entries.iter().filter_map(|entry| entry.resource.as_ref()).map(|resource| resource.name.as_str()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let mut what = rules.join(", ");
        if !subjects.is_empty() {
            let _ = write!(what, ": {}", named(&subjects));
        }
        self.wrapped("    ", &what);
        if let Some(action) = action {
            self.wrapped("    ", &format!("allow {} (see `audit policy`)", escape(action)));
        }
    }

    fn summary(&mut self, report: &Report) {
        self.heading("summary");
        let is_quiet = |tally: &&RuleTally| tally.fails == 0 && tally.unknown == 0;
        let (quiet, loud): (Vec<&RuleTally>, Vec<&RuleTally>) = report.rules.iter().partition(is_quiet);
        let widest = loud.iter().map(|tally| tally.rule.len()).max().unwrap_or(0);
        for tally in loud {
            let judged = tally.holds + tally.fails;
            let concerned = tally.subjects - tally.not_applicable;
            let mut line = format!("{:widest$}  judged {judged} of {concerned}", tally.rule);
            if tally.fails > 0 {
                let _ = write!(line, ", {} failing", tally.fails);
            }
            if tally.unknown > 0 {
                let _ = write!(line, ", {} unknown", tally.unknown);
            }
            self.line(&line);
        }
        let (concerned, idle): (Vec<&RuleTally>, Vec<&RuleTally>) = quiet.iter().partition(|tally| tally.holds > 0);
        if !concerned.is_empty() {
            let judged = concerned.iter().map(|tally| tally.holds).sum();
            let rules = counted(concerned.len(), "rule");
            let verb = if concerned.len() == 1 {
                "holds for everything it concerns"
            } else {
                "hold for everything they concern"
            };
            self.line(&format!("{rules} {verb} ({})", counted(judged, "judgement")));
        }
        if !idle.is_empty() {
            let verb = if idle.len() == 1 { "concerns" } else { "concern" };
            self.line(&format!("{} {verb} nothing here", counted(idle.len(), "rule")));
        }
        self.line("");
        let open: Vec<String> = Severity::ALL
            .into_iter()
            .filter(|severity| report.open(*severity) > 0)
            .map(|severity| self.styled(style_of(severity), &format!("{} {}", report.open(severity), severity.name())))
            .collect();
        let verdict = match (open.is_empty(), report.scan.complete, report.not_evaluated.is_empty()) {
            (false, _, _) => format!("open findings: {}", open.join(", ")),
            (true, true, true) if !report.findings.is_empty() => "no findings beside those that are known".to_owned(),
            (true, true, true) => self.styled(
                Style::new().fg_color(Some(AnsiColor::Green.into())),
                &format!("no findings: {}", all_well(report)),
            ),
            (true, _, _) => "no findings, but not everything could be judged".to_owned(),
        };
        self.line(&verdict);
        let with = |status| report.findings.iter().filter(|finding| finding.status == status).count();
        for (count, what) in [(with(Status::Waived), "waived"), (with(Status::Baseline), "known from the baseline")] {
            if count > 0 {
                self.line(&format!("{} {what}", counted(count, "finding")));
            }
        }
        self.waivers(report);
        if !report.scan.complete {
            let note = "the scan is incomplete: what could not be read is listed under “not judged”";
            let note = self.styled(Style::new().fg_color(Some(AnsiColor::Yellow.into())), note);
            self.line(&note);
        }
    }
}

impl Page<'_> {
    /// Waivers that need somebody's attention.
    fn waivers(&mut self, report: &Report) {
        for waiver in &report.waivers {
            let (rule, resource) = (escape(&waiver.rule), escape(&waiver.resource));
            let of = format!("waiver of {rule} for {resource} ({})", escape(&waiver.owner));
            let line = match waiver.state {
                WaiverState::InForce => continue,
                WaiverState::Expired => {
                    format!("expired {}: {of}, {} counted again", waiver.expires, counted(waiver.findings, "finding"))
                }
                WaiverState::Unused => format!("covers nothing: {of}"),
            };
            let line = self.styled(Style::new().fg_color(Some(AnsiColor::Yellow.into())), &line);
            self.line(&line);
        }
    }
}

/// Findings of one rule, severity and cause in one row, where the first of them was.
fn by_cause<'a>(findings: &[&'a Finding]) -> Vec<Vec<&'a Finding>> {
    let mut rows: Vec<Vec<&Finding>> = Vec::new();
    let mut places: BTreeMap<(&str, Severity, &Cause), usize> = BTreeMap::new();
    for finding in findings {
        let key = finding.cause.as_ref().map(|cause| (finding.rule, finding.severity, cause));
        match key.and_then(|key| places.get(&key)) {
            Some(place) => rows[*place].push(finding),
            None => {
                places.extend(key.map(|key| (key, rows.len())));
                rows.push(vec![finding]);
            }
        }
    }
    rows
}

/// Rule, sentence, evidence and what to do: the cell of findings with one cause.
fn story(row: &[&Finding]) -> String {
    let finding = row[0];
    let name = escape(&finding.resource.name);
    let mut story = format!("{name} · {}\n{}", finding.rule, plain(&finding.message));
    let others: Vec<String> = row[1..].iter().map(|other| escape(&other.resource.name)).collect();
    if !others.is_empty() {
        let _ = write!(story, "\nthe same cause: {}", others.join(", "));
    }
    if let Some(reason) = finding.severity_reason.as_ref().filter(|_| finding.severity != finding.base_severity) {
        let (severity, base) = (finding.severity.name(), finding.base_severity.name());
        let _ = write!(story, "\nseverity: {severity} instead of {base}, {}", escape(reason));
    }
    for evidence in row.iter().flat_map(|finding| &finding.confirmed_by) {
        let _ = write!(story, "\nseen: {}", seen(evidence));
    }
    let _ = write!(story, "\nfix: {}", plain(&finding.remediation.text));
    story
}

fn seen(evidence: &Evidence) -> String {
    let at = evidence.at.map_or(String::new(), |at| format!(", last {}", minute(at)));
    let text = escape(&evidence.text);
    let more = if text.chars().count() > EVIDENCE_CHARACTERS { "…" } else { "" };
    let text: String = text.chars().take(EVIDENCE_CHARACTERS).collect();
    format!("{} × {}{at}: {text}{more}", evidence.count, evidence.source)
}

/// A sentence for a terminal: names escaped.
pub(super) fn plain(text: &Text) -> String {
    said(text, escape)
}

type Reasons<'a> = BTreeMap<(String, Option<&'a str>), Vec<&'a NotEvaluated>>;

fn grouped<'a>(entries: impl Iterator<Item = &'a NotEvaluated>) -> Reasons<'a> {
    let mut groups: Reasons<'a> = BTreeMap::new();
    for entry in entries {
        groups.entry((plain(&entry.reason), entry.iam_action.as_deref())).or_default().push(entry);
    }
    groups
}

fn named(subjects: &[&str]) -> String {
    let shown: Vec<String> = subjects.iter().take(SUBJECTS_SHOWN).map(|subject| escape(subject)).collect();
    match subjects.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

pub(super) fn style_of(severity: Severity) -> Style {
    let colour = match severity {
        Severity::Critical | Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Blue,
        Severity::Info => AnsiColor::Cyan,
    };
    let style = Style::new().fg_color(Some(colour.into()));
    if severity == Severity::Critical { style.bold().invert() } else { style.bold() }
}

pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always a line");
        let length =
            unicode_width::UnicodeWidthStr::width(last.as_str()) + 1 + unicode_width::UnicodeWidthStr::width(word);
        if last.is_empty() {
            last.push_str(word);
        } else if length <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
