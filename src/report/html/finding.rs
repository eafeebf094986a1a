//! One finding with everything that is known of it.

use std::collections::BTreeMap;

use super::Page;
use super::markup::{Markup, put};
use super::words::{counted, listed, minute, severity, verdict};
use crate::finding::{Evidence, Finding, Remediation, Status};
use crate::reach::verdict::{Blocker, Trace};

/// Of one finding; the JSON report has all.
const BLOCKERS: usize = 8;
const PATHS: usize = 4;
const COMMANDS: usize = 6;
const EVIDENCE_CHARACTERS: usize = 600;
/// Bytes of an option's name that is kept in one piece.
const OPTION: usize = 40;

/// What is already said above a finding.
pub(super) struct Said<'a> {
    /// Its rule, with references and controls.
    pub(super) rule: bool,
    /// What to do.
    pub(super) remediation: Option<&'a Remediation>,
}

impl Said<'_> {
    /// It stands alone.
    pub(super) fn nothing() -> Self {
        Self { rule: false, remediation: None }
    }
}

/// A finding that opens.
pub(super) fn of_finding(page: &Page<'_>, out: &mut Markup, finding: &Finding, said: &Said<'_>) {
    put!(out, "<details class=\"finding\" id=\"" {finding.id} "\" data-severity=\"" {finding.severity.name()});
    put!(out, "\" data-cluster=\"" {finding.cluster} "\" data-rule=\"" {finding.rule} "\"><summary>");
    severity(out, finding.severity);
    put!(out, "<h4 class=\"title\"><strong>" {finding.resource.name} "</strong>");
    if !said.rule {
        put!(out, " <span class=\"rule\">" {finding.rule} "</span>");
    }
    match finding.status {
        Status::Open => {}
        Status::Waived => put!(out, " <span class=\"chip\">waived</span>"),
        Status::Baseline => put!(out, " <span class=\"chip\">known from the baseline</span>"),
    }
    for evidence in finding.confirmed_by.iter().take(1) {
        put!(out, " <span class=\"chip seen\">seen " {evidence.count} " × " {evidence.source} "</span>");
    }
    put!(out, "</h4><span class=\"message\">" {finding.message} "</span></summary><div class=\"body\">");
    if let Some(waiver) = &finding.waiver {
        put!(out, "<p class=\"part\">Waived until " {waiver.expires.to_string()} " by " {waiver.owner} ": " {waiver.reason} "</p>");
    }
    seen(out, finding);
    if said.remediation.is_none() {
        fix(out, &finding.remediation);
    }
    blockers(out, finding);
    paths(out, &finding.traces);
    if !said.rule {
        sources(out, finding.references, finding.controls);
    }
    put!(out, "<p class=\"foot\">");
    if let Some(anchor) = page.picture_of(&finding.account, &finding.region, &finding.resource.name) {
        put!(out, "<a href=\"#w" {anchor} "\">Picture of the wiring</a> · ");
    }
    put!(out, "<span class=\"id\">" {finding.resource.arn} "</span>");
    if page.several() {
        put!(out, " · account " {finding.account} " · " {finding.region});
    }
    put!(out, " · finding <span class=\"id\">" {finding.id} "</span></p></div></details>");
}

fn seen(out: &mut Markup, finding: &Finding) {
    let raised = finding.severity != finding.base_severity;
    if finding.confirmed_by.is_empty() && !raised {
        return;
    }
    put!(out, "<div class=\"part\"><p class=\"label\">Evidence</p>");
    for evidence in &finding.confirmed_by {
        put!(out, "<p>" {times(evidence)} "</p><blockquote>" {shortened(&evidence.text)} "</blockquote>");
    }
    if let (true, Some(reason)) = (raised, &finding.severity_reason) {
        let (now, base) = (finding.severity.name(), finding.base_severity.name());
        put!(out, "<p class=\"quiet\">Severity " {now} " instead of " {base} ": " {reason} "</p>");
    }
    put!(out, "</div>");
}

fn times(evidence: &Evidence) -> String {
    let at = evidence.at.map_or(String::new(), |at| format!(", last {}", minute(at)));
    format!("seen {} × {}{at}", evidence.count, evidence.source)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(EVIDENCE_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What to do, with commands to copy.
pub(super) fn fix(out: &mut Markup, remediation: &Remediation) {
    put!(out, "<div class=\"part\"><p class=\"label\">What to do</p><p>" {remediation.text} "</p>");
    for command in remediation.commands.iter().take(COMMANDS) {
        put!(out, "<pre class=\"command\"><code>");
        words(out, command);
        put!(out, "</code></pre>");
    }
    more(out, remediation.commands.len(), COMMANDS, "command");
    put!(out, "</div>");
}

/// The words of a command; the names of options are not to be broken at their hyphens.
fn words(out: &mut Markup, command: &str) {
    for (index, word) in command.split(' ').enumerate() {
        put!(out, { if index > 0 { " " } else { "" } });
        match word.starts_with("--") && word.len() < OPTION {
            true => put!(out, "<span class=\"whole\">" {word} "</span>"),
            false => out.value(word),
        }
    }
}

fn more(out: &mut Markup, all: usize, shown: usize, what: &'static str) {
    if all > shown {
        put!(out, "<p class=\"more\">" {counted(all - shown, &format!("more {what}"))} ": see the JSON report.</p>");
    }
}

/// What has to be repaired, once for all the places that it is in the way from.
fn blockers(out: &mut Markup, finding: &Finding) {
    if finding.blockers.is_empty() {
        return;
    }
    let mut groups: Vec<(&Blocker, Vec<&str>)> = Vec::new();
    for blocker in &finding.blockers {
        let origin = blocker.origin.as_deref();
        let alike = |(first, _): &&mut (&Blocker, Vec<&str>)| {
            first.need == blocker.need && first.detail == blocker.detail && first.resource == blocker.resource
        };
        match groups.iter_mut().find(alike) {
            Some((_, origins)) => origins.extend(origin),
            None => groups.push((blocker, origin.into_iter().collect())),
        }
    }
    put!(out, "<div class=\"part\"><p class=\"label\">In the way</p><ul class=\"hops\">");
    for (blocker, origins) in groups.iter().take(BLOCKERS) {
        put!(out, "<li>");
        verdict(out, "fails");
        put!(out, "<span>");
        // Most sentences name it.
        let detail = blocker.detail.to_string();
        if let Some(resource) = blocker.resource.as_ref().filter(|resource| !detail.contains(*resource)) {
            put!(out, "<code>" {resource} "</code>: ");
        }
        out.value(&blocker.detail);
        let to = blocker.need.as_deref().map(|need| format!("to {need}"));
        let from = (!origins.is_empty()).then(|| format!("from {}", listed(origins.iter().copied(), 4)));
        let port = blocker.port.map(|port| format!("{} {port}", blocker.protocol.unwrap_or("port")));
        let about: Vec<String> = [to, from, port].into_iter().flatten().collect();
        if !about.is_empty() {
            put!(out, "<span class=\"about\">" {about.join(" · ")} "</span>");
        }
        put!(out, "</span></li>");
    }
    put!(out, "</ul>");
    more(out, groups.len(), BLOCKERS, "blocker");
    put!(out, "</div>");
}

/// The steps of each path; paths that go the same steps are told once.
fn paths(out: &mut Markup, traces: &[Trace]) {
    /// What decided, step by step: kind, resource and verdict.
    type Steps<'a> = Vec<(&'a str, &'a str, &'a str)>;
    if traces.is_empty() {
        return;
    }
    let mut order: Vec<(&Trace, Vec<&str>)> = Vec::new();
    let mut known: BTreeMap<(&str, Steps<'_>), usize> = BTreeMap::new();
    for trace in traces {
        let steps = trace.hops.iter().map(|hop| (hop.hop, hop.resource.as_str(), hop.verdict)).collect();
        let index = *known.entry((&trace.need, steps)).or_insert(order.len());
        match order.get_mut(index) {
            Some((_, origins)) => origins.push(&trace.origin),
            None => order.push((trace, vec![&trace.origin])),
        }
    }
    put!(out, "<details class=\"part\"><summary class=\"label\">How it was decided</summary>");
    for (trace, origins) in order.iter().take(PATHS) {
        put!(out, "<p><strong>" {trace.need} "</strong> <span class=\"quiet\">from ");
        put!(out, {listed(origins.iter().copied(), 4)} "</span></p><ol class=\"hops\">");
        let mut last = None;
        for hop in trace.hops.iter().filter(|hop| last.replace(*hop) != Some(*hop)) {
            put!(out, "<li>");
            verdict(out, hop.verdict);
            put!(out, "<span>" {hop.detail} "</span></li>");
        }
        put!(out, "</ol>");
    }
    more(out, order.len(), PATHS, "path");
    put!(out, "</details>");
}

/// Pages of AWS, and controls that look at the same thing.
pub(super) fn sources(out: &mut Markup, references: &'static [&'static str], controls: &'static [&'static str]) {
    if references.is_empty() && controls.is_empty() {
        return;
    }
    put!(out, "<p class=\"foot\">");
    for (index, reference) in references.iter().enumerate() {
        put!(out, {if index > 0 { " · " } else { "AWS: " }} "<a rel=\"noopener noreferrer\" href=\"" {reference} "\">");
        put!(out, {page_name(reference)} "</a>");
    }
    if !controls.is_empty() {
        put!(out, {if references.is_empty() { "" } else { " · " }} "Security Hub: " {controls.join(", ")});
    }
    put!(out, "</p>");
}

/// The guide and the page, from an address.
fn page_name(address: &str) -> String {
    let path = address.split_once("://").map_or(address, |(_, path)| path).trim_end_matches('/');
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.last()) {
        (Some(guide), Some(page)) => format!("{guide} {}", page.trim_end_matches(".html")),
        _ => path.to_owned(),
    }
}
