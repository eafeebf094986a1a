//! The report as one page that needs nothing else: no request, no script to be read, no name that could be markup.

mod capacity;
mod causes;
mod finding;
mod findings;
mod graph;
mod markup;
mod nodes;
mod overview;
mod svg;
mod words;
mod workloads;

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::{Document, View};
use crate::finding::{Report, RuleInfo, Severity, Status};
use crate::wiring::Workload;
use markup::{Markup, put};

pub(super) use causes::pictured;

/// Accounts and Regions that the title names.
const MOST_PLACES: usize = 3;
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What all parts of the page look things up in.
struct Page<'a> {
    document: &'a Document<'a>,
    view: &'a View,
    rules: BTreeMap<&'static str, &'a RuleInfo>,
    /// Workloads with a picture, and the number of their anchor.
    pictures: BTreeMap<(&'a str, &'a str, &'a str), usize>,
}

impl<'a> Page<'a> {
    fn new(document: &'a Document<'a>, view: &'a View) -> Self {
        let workloads = document.wiring.map_or(&[][..], |wiring| &wiring.workloads);
        let named = |(number, workload): (usize, &'a Workload)| {
            ((workload.account.as_str(), workload.region.as_str(), workload.name.as_str()), number)
        };
        Self {
            document,
            view,
            rules: findings::catalogue(&document.report.catalogue),
            pictures: workloads.iter().enumerate().map(named).collect(),
        }
    }

    fn report(&self) -> &'a Report {
        self.document.report
    }

    fn rule(&self, id: &str) -> Option<&'a RuleInfo> {
        self.rules.get(id).copied()
    }

    /// Whether accounts and Regions have to be said.
    fn several(&self) -> bool {
        self.report().scan.targets.len() > 1
    }

    fn picture_of(&self, account: &str, region: &str, name: &str) -> Option<usize> {
        self.pictures.get(&(account, region, name)).copied()
    }
}

/// Renders the page.
pub(super) fn render(document: &Document<'_>, view: &View) -> String {
    let page = Page::new(document, view);
    let mut out = Markup::default();
    put!(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"" {policy()} "\">");
    put!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\"><title>" {title(page.report())} "</title><style>");
    out.raw(STYLE);
    put!(out, "</style></head><body><a class=\"skip\" href=\"#findings\">Skip to the findings</a><main>");
    overview::header(&page, &mut out);
    contents(&page, &mut out);
    put!(out, "<div class=\"beside\">");
    overview::clusters(&page, &mut out);
    overview::not_judged(&page, &mut out);
    put!(out, "</div>");
    findings::section(&page, &mut out);
    workloads::section(&page, &mut out);
    capacity::section(&page, &mut out);
    overview::rules(&page, &mut out);
    put!(out, "</main><footer>Made by ecs-network-audit " {env!("CARGO_PKG_VERSION")} " from what AWS said at " {words::minute(page.report().scan.finished_at)});
    put!(
        out,
        ". Every verdict is a proof: what cannot be seen is unknown, never fine and never a finding.</footer><script>"
    );
    out.raw(SCRIPT);
    put!(out, "</script></body></html>\n");
    out.finish()
}

/// Nothing is loaded from anywhere, and nothing runs or styles but what this program wrote.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    // Quotes would be escaped, which is the same to a browser.
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )
}

fn title(report: &Report) -> String {
    let scanned = report.scan.targets.iter().filter(|target| target.is_scanned());
    let places: Vec<String> = scanned.map(|target| format!("{} {}", target.account, target.region)).collect();
    let places =
        if places.len() > MOST_PLACES { format!("{} accounts and Regions", places.len()) } else { places.join(", ") };
    let serious =
        report.findings.iter().filter(|finding| finding.status == Status::Open && finding.severity >= Severity::High);
    format!("ECS network audit · {} · {} serious", places, serious.count())
}

fn contents(page: &Page<'_>, out: &mut Markup) {
    let report = page.report();
    let wired = page.document.wiring.is_some_and(|wiring| !wiring.workloads.is_empty());
    let counted = page.document.capacity.is_some_and(|all| !all.clusters.is_empty() || !all.subnets.is_empty());
    put!(out, "<nav aria-label=\"Contents\"><ul>");
    for (there, anchor, name) in [
        (report.findings.iter().any(|finding| finding.status == Status::Open), "clusters", "Clusters"),
        (!report.not_evaluated.is_empty(), "unknown", "Not judged"),
        (true, "findings", "Findings"),
        (wired, "workloads", "Wiring"),
        (counted, "capacity", "Capacity"),
        (true, "rules", "What was judged"),
    ] {
        if there {
            put!(out, "<li><a href=\"#" {anchor} "\">" {name} "</a></li>");
        }
    }
    put!(out, "</ul></nav>");
}
