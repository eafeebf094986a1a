//! What a reader sees first: what was scanned, how bad it is, what could not be judged, and where.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::Page;
use super::markup::{Markup, put};
use super::words::{counted, listed, minute, severity};
use crate::finding::{NotEvaluated, NotEvaluatedKind, RuleTally, Severity, Status, WaiverState};
use crate::report::places::Places;
use crate::report::shown::{all_well, sizes_and_calls};

/// Clusters with a line.
const CLUSTERS: usize = 80;
/// Reasons with a line.
const REASONS: usize = 60;
/// Reasons that are shown without being asked for.
const FEW: usize = 8;
/// Names in one line.
const NAMED: usize = 4;

/// The head of the page.
pub(super) fn header(page: &Page<'_>, out: &mut Markup) {
    let scan = &page.report().scan;
    put!(out, "<header>");
    if scan.demo {
        put!(
            out,
            "<p class=\"demo\"><strong>Demo.</strong> An account that ships with this program; nothing was read from AWS.</p>"
        );
    }
    put!(out, "<p class=\"product\">Amazon ECS network audit</p><h1>" {verdict(page)} "</h1><p class=\"place\">");
    let places = Places::of(page.report());
    match &places {
        Some(places) => put!(out, "<span>" {places.sizes()} "</span>"),
        None => {
            for target in &scan.targets {
                put!(out, "<span>account <strong>" {target.account} "</strong> · <strong>" {target.region} "</strong></span>");
            }
        }
    }
    let endpoints: BTreeSet<&String> = scan.targets.iter().filter_map(|t| t.endpoint_override.as_ref()).collect();
    for endpoint in endpoints {
        put!(out, "<span class=\"chip warn\">not AWS itself: the endpoint is " {endpoint} "</span>");
    }
    put!(out, "<span>" {minute(scan.finished_at)} "</span>");
    match scan.complete {
        true => out.raw("<span class=\"chip good\">✓ complete</span>"),
        false => out.raw("<span class=\"chip warn\">✗ incomplete: some of it could not be read</span>"),
    }
    put!(out, "</p><p class=\"place quiet\">");
    for size in sizes_and_calls(page.report().counts) {
        put!(out, "<span>" {size} "</span>");
    }
    put!(out, "</p>");
    for (what, patterns) in [("clusters", &scan.scope.clusters), ("services", &scan.scope.services)] {
        if !patterns.is_empty() {
            put!(out, "<p class=\"place quiet\">limited to " {what} " " {patterns.join(", ")} "</p>");
        }
    }
    put!(out, "<ul class=\"tiles\" aria-label=\"Open findings by severity\">");
    for level in Severity::ALL {
        let count = page.report().open(level);
        put!(out, "<li class=\"tile " {level.name()} {if count == 0 { " zero" } else { "" }} "\" data-to-severity=\"");
        put!(out, {level.name()} "\"><span class=\"number\">" {count} "</span>");
        severity(out, level);
        put!(out, "</li>");
    }
    put!(out, "</ul>");
    accepted(page, out);
    if let Some(places) = places {
        targets(&places, out);
    }
    put!(out, "</header>");
}

/// What each account and Region holds, and those that were not scanned.
fn targets(places: &Places<'_>, out: &mut Markup) {
    for failed in &places.failed {
        put!(out, "<p class=\"failed\"><strong>" {failed.name()} " was not scanned:</strong> " {failed.error});
        for help in failed.help {
            put!(out, "<br><span class=\"quiet\">" {help} "</span>");
        }
        put!(out, "</p>");
    }
    if !places.rows.is_empty() {
        put!(
            out,
            "<div class=\"scroll\"><table class=\"targets\"><thead><tr><th scope=\"col\">Account<th scope=\"col\">Region<th scope=\"col\" class=\"num\">Services<th scope=\"col\" class=\"num\">Tasks<th scope=\"col\">Open findings</tr></thead><tbody>"
        );
        for row in &places.rows {
            let (target, counts) = (row.target, row.target.counts);
            put!(out, "<tr><td>" {target.account} "<td>" {target.region} "<td class=\"num\">" {counts.services} "<td class=\"num\">" {counts.tasks} "<td>");
            if let Some(worst) = row.worst() {
                severity(out, worst);
                put!(out, " ");
            }
            put!(out, { row.open() });
            if !target.is_complete() {
                put!(out, " <span class=\"chip warn\">incomplete</span>");
            }
            put!(out, "</tr>");
        }
        put!(out, "</tbody></table></div>");
    }
    for (account, regions) in &places.idle {
        put!(out, "<p class=\"place quiet\">no clusters: " {account} " " {regions.join(", ")} "</p>");
    }
}

/// What does not count, and waivers that need somebody's attention.
fn accepted(page: &Page<'_>, out: &mut Markup) {
    let with = |status| page.report().findings.iter().filter(|finding| finding.status == status).count();
    for (count, what) in [(with(Status::Waived), "waived"), (with(Status::Baseline), "known from the baseline")] {
        if count > 0 {
            put!(out, "<p class=\"place quiet\">" {counted(count, "finding")} " " {what} "</p>");
        }
    }
    for waiver in page.report().waivers.iter().filter(|waiver| waiver.state != WaiverState::InForce).take(REASONS) {
        put!(out, "<p class=\"place\"><span class=\"chip warn\">waiver of " {waiver.rule} " for " {waiver.resource});
        put!(out, " (" {waiver.owner} ") ");
        match waiver.state {
            WaiverState::Expired => {
                let again = counted(waiver.findings, "finding");
                put!(out, "expired " {waiver.expires.to_string()} ": " {again} " counted again");
            }
            WaiverState::InForce | WaiverState::Unused => put!(out, "covers nothing"),
        }
        put!(out, "</span></p>");
    }
}

/// The result in one sentence.
fn verdict(page: &Page<'_>) -> String {
    let report = page.report();
    let serious = report.open(Severity::Critical) + report.open(Severity::High);
    let open = report.findings.iter().filter(|finding| finding.status == Status::Open);
    let failing: BTreeSet<_> = open
        .clone()
        .filter(|finding| finding.severity >= Severity::High)
        .map(|finding| &finding.resource.arn)
        .collect();
    match (serious, open.count(), report.scan.complete && report.not_evaluated.is_empty()) {
        (0, 0, true) => format!("No findings: {}", all_well(report)),
        (0, 0, false) => "No findings, but not everything could be judged".to_owned(),
        (0, open, _) if report.scan.complete => {
            format!("Nothing is broken now; {} to look at", counted(open, "finding"))
        }
        (0, open, _) => format!("{} to look at, but not everything could be read", counted(open, "finding")),
        (serious, _, _) => {
            let levels = [Severity::Critical, Severity::High].map(|level| (report.open(level), level.name()));
            let said = levels.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}"));
            let said = said.collect::<Vec<_>>().join(" and ");
            let plural = if serious == 1 { "" } else { "s" };
            format!("{said} finding{plural} in {}", counted(failing.len(), "resource"))
        }
    }
}

/// What could not be judged: one line for each cause.
pub(super) fn not_judged(page: &Page<'_>, out: &mut Markup) {
    let entries = &page.report().not_evaluated;
    if entries.is_empty() {
        return;
    }
    put!(out, "<section aria-labelledby=\"unknown\"><h2 id=\"unknown\">Not judged</h2>");
    for (kind, title, class) in [
        (NotEvaluatedKind::Unread, "could not be read: the scan is incomplete", "unread"),
        (NotEvaluatedKind::Undecidable, "cannot be decided from this account", "undecidable"),
    ] {
        let groups = reasons(entries.iter().filter(|entry| entry.kind == kind));
        if groups.is_empty() {
            continue;
        }
        let open = if kind == NotEvaluatedKind::Unread || groups.len() <= FEW { " open" } else { "" };
        put!(out, "<details class=\"card " {class} "\"" {open} "><summary><strong>" {counted(groups.len(), "cause")});
        put!(out, "</strong> " {title} "</summary><ul class=\"reasons\">");
        for ((reason, action), entries) in groups.iter().take(REASONS) {
            put!(out, "<li><span>" {reason});
            if let Some(action) = action {
                put!(out, " <span class=\"chip warn\">allow <code>" {action} "</code></span>");
            }
            put!(out, "</span> <span class=\"quiet\">" {concerned(entries)} "</span></li>");
        }
        put!(out, "</ul>");
        if groups.len() > REASONS {
            let more = counted(groups.len() - REASONS, "more cause");
            put!(out, "<p class=\"more\">" {more} ": see the JSON report.</p>");
        }
        put!(out, "</details>");
    }
    put!(out, "</section>");
}

type Reasons<'a> = BTreeMap<(String, Option<&'a str>), Vec<&'a NotEvaluated>>;

fn reasons<'a>(entries: impl Iterator<Item = &'a NotEvaluated>) -> Reasons<'a> {
    let mut groups: Reasons<'a> = BTreeMap::new();
    for entry in entries {
        groups.entry((entry.reason.to_string(), entry.iam_action.as_deref())).or_default().push(entry);
    }
    groups
}

fn concerned(entries: &[&NotEvaluated]) -> String {
    let rules: BTreeSet<&str> = entries.iter().map(|entry| entry.rule).collect();
    let names: BTreeSet<&str> =
        entries.iter().filter_map(|entry| entry.resource.as_ref()).map(|resource| resource.name.as_str()).collect();
    let rules = listed(rules, NAMED);
    if names.is_empty() { rules } else { format!("{rules} · {}", listed(names, NAMED)) }
}

/// Cluster × severity.
pub(super) fn clusters(page: &Page<'_>, out: &mut Markup) {
    let mut rows: BTreeMap<(&str, &str, &str), [usize; Severity::ALL.len()]> = BTreeMap::new();
    for finding in page.report().findings.iter().filter(|finding| finding.status == Status::Open) {
        let row = rows.entry((&finding.account, &finding.region, &finding.cluster)).or_default();
        row[Severity::ALL.iter().position(|level| *level == finding.severity).unwrap_or_default()] += 1;
    }
    if rows.is_empty() {
        return;
    }
    let named = rows.keys().filter(|(_, _, cluster)| !cluster.is_empty()).count();
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(place, counts)| (Reverse(*counts), *place));
    put!(out, "<section aria-labelledby=\"clusters\"><h2 id=\"clusters\">Clusters</h2>");
    put!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-labelledby=\"clusters\" tabindex=\"0\"><table class=\"heat\"><thead><tr><th scope=\"col\">Cluster</th>"
    );
    for level in Severity::ALL {
        put!(out, "<th scope=\"col\">");
        severity(out, level);
        put!(out, "</th>");
    }
    put!(out, "</tr></thead><tbody>");
    for ((account, region, cluster), counts) in rows.iter().take(CLUSTERS) {
        let name = if cluster.is_empty() { "network, no cluster" } else { cluster };
        put!(out, "<tr><th scope=\"row\">" {name});
        if page.several() {
            put!(out, " <span class=\"quiet\">" {account} " · " {region} "</span>");
        }
        put!(out, "</th>");
        for (level, count) in Severity::ALL.into_iter().zip(counts) {
            if *count == 0 {
                put!(out, "<td class=\"zero\">·</td>");
                continue;
            }
            put!(out, "<td class=\"heat-" {level.name()} " " {heat(*count)} "\" data-to-cluster=\"" {cluster});
            put!(out, "\" data-to-severity=\"" {level.name()} "\">" {count} "</td>");
        }
        put!(out, "</tr>");
    }
    put!(out, "</tbody></table></div>");
    if rows.len() > CLUSTERS {
        let more = counted(rows.len() - CLUSTERS, "more cluster");
        put!(out, "<p class=\"more\">" {more} ": see the JSON report.</p>");
    }
    let silent = page.report().counts.clusters.saturating_sub(named);
    if silent > 0 {
        put!(out, "<p class=\"quiet\">" {counted(silent, "cluster")} " without open findings.</p>");
    }
    put!(out, "</section>");
}

/// How strong a cell is tinted.
fn heat(count: usize) -> &'static str {
    match count {
        0..=1 => "few",
        2..=9 => "some",
        _ => "many",
    }
}

/// How the rules came out.
pub(super) fn rules(page: &Page<'_>, out: &mut Markup) {
    let tallies = &page.report().rules;
    let mut rows: Vec<&RuleTally> = tallies.iter().collect();
    rows.sort_by_key(|tally| (Reverse(tally.fails.min(1)), Reverse(tally.unknown.min(1)), tally.holds == 0));
    let holding = tallies.iter().filter(|tally| tally.fails == 0 && tally.unknown == 0 && tally.holds > 0).count();
    let failing = tallies.iter().filter(|tally| tally.fails > 0).count();
    put!(
        out,
        "<section aria-labelledby=\"rules\"><h2 id=\"rules\">What was judged</h2><details class=\"card\"><summary>"
    );
    put!(out, "<strong>" {counted(tallies.len(), "rule")} "</strong>: " {failing} " found something, " {holding});
    put!(out, " hold for everything they concern</summary>");
    put!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-labelledby=\"rules\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">fails</th><th scope=\"col\">holds</th>"
    );
    put!(out, "<th scope=\"col\">unknown</th><th scope=\"col\">not concerned</th></tr></thead><tbody>");
    for tally in rows {
        let summary = page.rule(tally.rule).map_or("", |rule| rule.summary);
        put!(out, "<tr><th scope=\"row\">" {tally.rule} " <span class=\"quiet\">" {summary} "</span></th>");
        for count in [tally.fails, tally.holds, tally.unknown, tally.not_applicable] {
            put!(out, "<td class=\"" {if count == 0 { "zero" } else { "" }} "\">" {count} "</td>");
        }
        put!(out, "</tr>");
    }
    put!(out, "</tbody></table></div></details></section>");
}
