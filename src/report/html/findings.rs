//! The findings, in a block for each cause.

use std::collections::BTreeMap;

use super::Page;
use super::causes::{self, Block, OfRule};
use super::finding::{Said, fix, of_finding, sources};
use super::markup::{Markup, put};
use super::words::{counted, kind, listed, severity};
use crate::finding::{RuleInfo, Severity};
use crate::report::shown::all_well;

/// Workloads named in the line of a block.
const NAMED: usize = 6;
/// Rules named in the line of a block.
const RULES: usize = 2;

/// The section.
pub(super) fn section(page: &Page<'_>, out: &mut Markup) {
    let causes = causes::of(page.report(), page.view.min_severity);
    put!(out, "<section aria-labelledby=\"findings\"><h2 id=\"findings\">Findings</h2>");
    if causes.blocks.is_empty() && causes.left_out.0 == 0 {
        put!(out, "<p class=\"none\">" {nothing(page)} "</p>");
    }
    if !causes.blocks.is_empty() {
        put!(out, "<p class=\"lead\">Grouped by what has to be repaired: one cause, all that follows from it.</p>");
        filter(page, out);
    }
    let mut rest = causes.blocks.as_slice();
    while let Some(first) = rest.first() {
        let alike = |block: &&Block<'_>| block.open == first.open && (block.severity == first.severity || !block.open);
        let (group, others) = rest.split_at(rest.iter().take_while(alike).count());
        let title = if first.open { heading(first.severity) } else { "Waived, or known from the baseline" };
        put!(out, "<section class=\"level\"><h3>" {title});
        put!(out, " <span class=\"count\">" {counted(group.len(), "cause")} "</span></h3>");
        for block in group {
            of_block(page, out, block);
        }
        put!(out, "</section>");
        rest = others;
    }
    let (left, findings) = causes.left_out;
    if left > 0 {
        let (left, findings) = (counted(left, "more cause"), counted(findings, "finding"));
        put!(out, "<p class=\"more\">" {left} " with " {findings} ": see the JSON report.</p>");
    }
    if causes.below > 0 {
        let (below, least) = (counted(causes.below, "finding"), page.view.min_severity.name());
        put!(out, "<p class=\"more\">" {below} " below " {least} " left out of this page.</p>");
    }
    put!(out, "</section>");
}

fn nothing(page: &Page<'_>) -> String {
    let report = page.report();
    match (report.findings.is_empty(), report.scan.complete && report.not_evaluated.is_empty()) {
        (false, _) => "No finding is as severe as was asked for.".to_owned(),
        (true, true) => format!("None: {}.", all_well(report)),
        (true, false) => "None, but not everything could be judged.".to_owned(),
    }
}

fn heading(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical: an outage or exposure that live evidence confirms",
        Severity::High => "High: tasks can’t start, be reached or be deployed, or are open to the internet",
        Severity::Medium => "Medium: breaks under load, at a deployment or with the loss of a zone",
        Severity::Low => "Low: hygiene and cost",
        Severity::Info => "Info: worth knowing",
    }
}

/// Shown by the script only.
fn filter(page: &Page<'_>, out: &mut Markup) {
    put!(out, "<form id=\"filter\" class=\"filter\" role=\"search\" aria-label=\"Filter the findings\" hidden>");
    put!(out, "<fieldset><legend class=\"quiet\">Severity</legend>");
    for level in Severity::ALL.into_iter().filter(|level| page.report().findings.iter().any(|f| f.severity == *level)) {
        put!(out, "<label class=\"toggle\"><input type=\"checkbox\" name=\"severity\" value=\"" {level.name()} "\">");
        severity(out, level);
        put!(out, "</label>");
    }
    put!(out, "</fieldset>");
    put!(
        out,
        "<label><span class=\"quiet\">Cluster</span><select name=\"cluster\"><option value=\"\">all clusters</option></select></label>"
    );
    put!(
        out,
        "<label><span class=\"quiet\">Rule</span><select name=\"rule\"><option value=\"\">all rules</option></select></label>"
    );
    put!(
        out,
        "<label class=\"grow\"><span class=\"quiet\">Text</span><input type=\"search\" name=\"text\" placeholder=\"name, id, words\" autocomplete=\"off\" spellcheck=\"false\"></label>"
    );
    put!(
        out,
        "<span class=\"buttons\"><button type=\"button\" data-do=\"open\">Open all</button><button type=\"button\" data-do=\"close\">Close all</button><button type=\"reset\">Clear</button></span>"
    );
    put!(out, "<output id=\"shown\" aria-live=\"polite\"></output></form>");
}

fn of_block(page: &Page<'_>, out: &mut Markup, block: &Block<'_>) {
    // What stands alone needs no frame around it.
    if block.findings() == 1
        && let [of_rule] = block.rules.as_slice()
        && let [finding] = of_rule.shown.as_slice()
    {
        put!(out, "<div class=\"block\">");
        of_finding(page, out, finding, &Said::nothing());
        put!(out, "</div>");
        return;
    }
    put!(out, "<details class=\"block\"><summary>");
    severity(out, block.severity);
    put!(out, "<h4 class=\"title\">");
    match block.cause {
        Some(cause) => {
            let rules = listed(block.rules.iter().map(|of_rule| of_rule.rule), RULES);
            put!(out, {kind(cause.kind)} " <strong class=\"id\">" {cause.resource} "</strong>");
            put!(out, " <span class=\"rule\">" {rules} "</span>");
        }
        None => put!(out, "<strong>" {block.rules[0].rule} "</strong>"),
    }
    let (resources, findings) = (block.resources.len(), block.findings());
    put!(out, " <span class=\"chip\">" {counted(resources, noun(block))});
    if findings != resources {
        put!(out, " · " {counted(findings, "finding")});
    }
    put!(out, "</span></h4><span class=\"message\">");
    put!(out, { page.rule(block.rules[0].rule).map_or("", |rule| rule.summary) });
    put!(out, "</span><span class=\"names\">" {listed(block.resources.iter().copied(), NAMED)} "</span>");
    put!(out, "</summary><div class=\"inside\">");
    for of_rule in &block.rules {
        of_one_rule(page, out, block, of_rule);
    }
    put!(out, "</div></details>");
}

fn noun(block: &Block<'_>) -> &'static str {
    let mut kinds = block.rules.iter().flat_map(|of_rule| &of_rule.shown).map(|finding| finding.resource.kind);
    let first = kinds.next().unwrap_or_default();
    match (first, kinds.all(|kind| kind == first)) {
        ("ecs:cluster", true) => "cluster",
        ("ec2:subnet", true) => "subnet",
        ("ecs:service", true) => "service",
        (_, true) if first.starts_with("ecs:") => "workload",
        _ => "resource",
    }
}

fn of_one_rule(page: &Page<'_>, out: &mut Markup, block: &Block<'_>, of_rule: &OfRule<'_>) {
    put!(out, "<section class=\"of-rule\">");
    let info = page.rule(of_rule.rule);
    if block.cause.is_some() {
        put!(out, "<h5>" {of_rule.rule} "</h5>");
        if let Some(info) = info {
            put!(out, "<p class=\"lead\">" {info.summary} "</p>");
        }
    }
    let first = &of_rule.shown.first().map(|finding| &finding.remediation);
    let shared = first
        .filter(|first| of_rule.shown.len() > 1 && of_rule.shown.iter().all(|finding| finding.remediation == **first));
    if let Some(remediation) = shared {
        put!(out, "<div class=\"shared\">");
        fix(out, remediation);
        put!(out, "</div>");
    }
    let said = Said { rule: true, remediation: shared };
    for finding in &of_rule.shown {
        of_finding(page, out, finding, &said);
    }
    if of_rule.more > 0 {
        put!(out, "<p class=\"more\">" {of_rule.more} " more of " {of_rule.rule} ": see the JSON report.</p>");
    }
    if let Some(info) = info {
        sources(out, info.references, info.controls);
    }
    put!(out, "</section>");
}

/// Rules by id.
pub(super) fn catalogue(rules: &[RuleInfo]) -> BTreeMap<&'static str, &RuleInfo> {
    rules.iter().map(|rule| (rule.id, rule)).collect()
}
