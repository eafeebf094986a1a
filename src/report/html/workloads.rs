//! The wiring of each workload with findings, as a picture and in words.

use std::cmp::Reverse;

use super::Page;
use super::graph;
use super::markup::{Markup, put};
use super::nodes::wrong;
use super::svg;
use super::words::{counted, listed, severity, verdict};
use crate::finding::Severity;
use crate::wiring::{LoadBalancerPath, Outcome, Workload};

/// Sentences about what is wrong; the JSON form of `audit explain` has all.
const SENTENCES: usize = 12;
/// Findings named below a picture.
const FINDINGS: usize = 20;
/// Shown without being asked for, while there are few.
const OPEN: usize = 3;

/// The section.
pub(super) fn section(page: &Page<'_>, out: &mut Markup) {
    let Some(wiring) = page.document.wiring.filter(|wiring| !wiring.workloads.is_empty()) else { return };
    let mut workloads: Vec<(usize, &Workload)> = wiring.workloads.iter().enumerate().collect();
    workloads.sort_by_key(|(number, workload)| (Reverse(worst(workload)), *number));
    put!(out, "<section aria-labelledby=\"workloads\"><h2 id=\"workloads\">Wiring</h2>");
    put!(
        out,
        "<p class=\"lead\">What workloads with findings are reached by and have to reach, the worst first.</p><p class=\"quiet\"><span class=\"legend\"><svg width=\"30\" height=\"10\" aria-hidden=\"true\"><path class=\"e holds\" d=\"M0 5H30\"/></svg>gets there</span> <span class=\"legend\"><svg width=\"30\" height=\"10\" aria-hidden=\"true\"><path class=\"e fails\" d=\"M0 5H30\"/></svg>✗ blocked</span> <span class=\"legend\"><svg width=\"30\" height=\"10\" aria-hidden=\"true\"><path class=\"e unknown\" d=\"M0 5H30\"/></svg>? can’t be told</span></p>"
    );
    for (position, (number, workload)) in workloads.iter().enumerate() {
        of_workload(page, out, *number, workload, position < OPEN);
    }
    let with_findings = page.report().findings.iter().filter(|finding| finding.resource.kind != "ecs:cluster");
    let mut names: Vec<&str> = with_findings.map(|finding| finding.resource.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !workloads.iter().any(|(_, workload)| workload.name == *name));
    if names.len() > workloads.len() {
        put!(out, "<p class=\"more\">The others are drawn by <code>audit explain</code>, one at a time.</p>");
    }
    put!(out, "</section>");
}

fn worst(workload: &Workload) -> Option<Severity> {
    workload.findings.iter().map(|finding| finding.level).max()
}

fn of_workload(page: &Page<'_>, out: &mut Markup, number: usize, workload: &Workload, open: bool) {
    let cluster = workload.name.split_once('/').map_or("", |(cluster, _)| cluster);
    put!(out, "<details class=\"workload card\" id=\"w" {number} "\" data-cluster=\"" {cluster} "\" data-severity=\"");
    let mut levels: Vec<&str> = workload.findings.iter().map(|finding| finding.severity).collect();
    levels.dedup();
    let mut rules: Vec<&str> = workload.findings.iter().map(|finding| finding.rule).collect();
    rules.dedup();
    put!(out, {levels.join(" ")} "\" data-rule=\"" {rules.join(" ")} "\"" {if open { " open" } else { "" }} "><summary>");
    if let Some(level) = worst(workload) {
        severity(out, level);
    }
    put!(out, "<h3 class=\"title\"><strong>" {workload.name} "</strong>");
    if page.several() {
        put!(out, " <span class=\"quiet\">" {workload.account} " · " {workload.region} "</span>");
    }
    put!(out, " <span class=\"count\">" {counted(workload.findings.len(), "finding")} "</span></h3>");
    put!(out, "<span class=\"message\">" {launches(workload)} "</span></summary><div class=\"body\">");
    match graph::of(workload) {
        Some(graph) => {
            put!(out, "<div class=\"picture scroll\" role=\"region\" aria-label=\"Wiring of " {workload.name} "\" tabindex=\"0\">");
            svg::draw(out, &graph, &label(workload));
            put!(out, "</div>");
        }
        None => out.raw("<p class=\"quiet\">Nothing of its wiring could be seen.</p>"),
    }
    in_words(out, workload);
    put!(out, "<ul class=\"links\">");
    for finding in workload.findings.iter().take(FINDINGS) {
        put!(out, "<li>");
        severity(out, finding.level);
        put!(out, "<a href=\"#" {finding.id} "\">" {finding.rule} "</a></li>");
    }
    put!(out, "</ul></div></details>");
}

fn launches(workload: &Workload) -> String {
    let mut said: Vec<String> = Vec::new();
    for launch in &workload.launches {
        let mode = launch.network_mode.as_deref().unwrap_or("default mode");
        let provider = launch.capacity_provider.as_ref().map_or(String::new(), |provider| format!(" ({provider})"));
        let one = format!("{} · {}{provider} · {mode}", launch.task_definition, launch.launch);
        if !said.contains(&one) {
            said.push(one);
        }
    }
    listed(said.iter().map(String::as_str), 3)
}

fn label(workload: &Workload) -> String {
    let outcomes = workload.needs.iter().map(|need| &need.outcome);
    let outcomes: Vec<&Outcome> = outcomes.chain(workload.load_balancers.iter().map(|path| &path.outcome)).collect();
    let count = |verdict: &str| outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
    let (all, fails, unknown) = (counted(outcomes.len(), "path"), count("fails"), count("unknown"));
    format!("Wiring of {}: of {all} {fails} fail, {unknown} can't be told", workload.name)
}

/// What is wrong with some paths, in one sentence.
struct Wrong<'a> {
    outcome: &'a Outcome,
    what: Vec<String>,
    from: Vec<&'a str>,
}

/// What the picture shows in red and grey, for those who read.
fn in_words(out: &mut Markup, workload: &Workload) {
    let path = |path: &LoadBalancerPath| format!("{} → {} {}", path.load_balancer, path.target_group, path.purpose);
    let needs = workload.needs.iter().map(|need| (&need.outcome, need.need.clone(), need.origin.subnet.as_str()));
    let paths = workload.load_balancers.iter().map(|one| (&one.outcome, path(one), one.from_subnet.as_str()));
    let mut groups: Vec<Wrong<'_>> = Vec::new();
    for (outcome, what, from) in needs.chain(paths).filter(|(outcome, ..)| outcome.verdict != "holds") {
        let index = groups.iter().position(|group| decided_by(group.outcome) == decided_by(outcome));
        let index = index.unwrap_or_else(|| {
            groups.push(Wrong { outcome, what: Vec::new(), from: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[index];
        if !group.what.contains(&what) {
            group.what.push(what);
        }
        if !group.from.contains(&from) {
            group.from.push(from);
        }
    }
    if groups.is_empty() && workload.gaps.is_empty() {
        return;
    }
    put!(out, "<ul class=\"hops\">");
    for Wrong { outcome, what, from } in groups.iter().take(SENTENCES) {
        put!(out, "<li>");
        verdict(out, outcome.verdict);
        put!(out, "<span><strong>" {listed(what.iter().map(String::as_str), 4)} "</strong> <span class=\"quiet\">from ");
        put!(out, {listed(from.iter().copied(), 3)} "</span>: " {wrong(outcome).join("; ")} "</span></li>");
    }
    for gap in workload.gaps.iter().take(SENTENCES) {
        put!(out, "<li>");
        verdict(out, "unknown");
        put!(out, "<span>" {gap} "</span></li>");
    }
    put!(out, "</ul>");
    let more = groups.len().saturating_sub(SENTENCES) + workload.gaps.len().saturating_sub(SENTENCES);
    if more > 0 {
        put!(out, "<p class=\"more\">" {more} " more: see <code>audit explain</code>.</p>");
    }
}

/// Paths that turn on the same things need one sentence.
fn decided_by(outcome: &Outcome) -> (&'static str, Vec<&str>, &[String]) {
    let decisive = outcome.hops.iter().filter(|hop| hop.verdict != "holds");
    let mut resources: Vec<&str> = decisive.map(|hop| hop.resource.as_str()).collect();
    resources.dedup();
    (outcome.verdict, resources, &outcome.gaps)
}
