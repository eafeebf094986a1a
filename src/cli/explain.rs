//! `audit explain`: the wiring of one workload, or of all.

use super::args::{ExplainArgs, PlainFormatArg};
use super::scan::{self, Source};
use super::{Exit, failure, output, settled};
use crate::finding::Report;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::{engine, explain, glob, report, rules};

/// Runs `audit explain`.
pub(super) fn run(arguments: &ExplainArgs) -> Exit {
    if let Err(error) = check(arguments) {
        failure::tell(&error, &["name a workload as cluster/service, or say --all".to_owned()]);
        return Exit::Usage;
    }
    let (_, place) = match settled::source(&arguments.source) {
        Ok(settled) => settled,
        Err(error) => return failure::refuse(Exit::Usage, &error),
    };
    let mut settings = Settings {
        clusters: arguments.source.clusters.clone(),
        services: arguments.source.services.clone(),
        ..Settings::all_rules()
    };
    // A workload that is named needs no more than its own cluster.
    if let (Some((cluster, _)), true) = (named(arguments), settings.clusters.is_empty()) {
        settings.clusters.push(cluster.to_owned());
    }
    let datasets = rules::ALL.iter().flat_map(|rule| rule.needs).copied().collect();
    let source = Source { arguments: &arguments.source, place: &place, console: &arguments.console, datasets };
    let (snapshot, stopped) = match scan::obtain(&source, &settings) {
        Ok(obtained) => obtained,
        Err(exit) => return exit,
    };
    let report = engine::evaluate(&snapshot, &settings);
    let wiring = match pick(arguments, &snapshot, &settings, &report) {
        Ok(wiring) => wiring,
        Err(_) if !report.scan.complete => {
            let hint = "a scan says what: audit".to_owned();
            failure::tell("not everything could be read, so whether there is such a workload can't be told", &[hint]);
            return stopped.unwrap_or(Exit::Incomplete);
        }
        Err(error) => return failure::refuse(stopped.unwrap_or(Exit::Usage), &error),
    };
    if !report.scan.complete && !arguments.console.quiet {
        failure::warn("not everything could be read: `audit` says what, and what is shown may lack it");
    }
    let text = match arguments.format {
        PlainFormatArg::Json => format!("{:#}\n", serde_json::json!(wiring)),
        PlainFormatArg::Table => report::render_wiring(&wiring, &output::console_view(&arguments.console)),
    };
    output::show(&text, stopped.unwrap_or(if report.scan.complete { Exit::Clean } else { Exit::Incomplete }))
}

fn check(arguments: &ExplainArgs) -> Result<(), String> {
    match (&arguments.workload, arguments.all) {
        (None, false) => Err("nothing to explain".to_owned()),
        (Some(name), false) if name.is_empty() => Err("the name of the workload is empty".to_owned()),
        _ => Ok(()),
    }
}

/// Cluster and service of a name, unless it is the id of a finding.
fn named(arguments: &ExplainArgs) -> Option<(&str, &str)> {
    arguments.workload.as_deref().filter(|name| !is_finding(name)).and_then(|name| name.split_once('/'))
}

fn is_finding(name: &str) -> bool {
    name.starts_with("v1:")
}

fn pick(
    arguments: &ExplainArgs,
    snapshot: &Snapshot,
    settings: &Settings,
    report: &Report,
) -> Result<crate::wiring::Wiring, String> {
    let Some(name) = arguments.workload.as_deref() else {
        return Ok(explain::explain(snapshot, settings, report, |_| true));
    };
    let pattern = if is_finding(name) {
        let mut found = report.findings.iter().filter(|finding| finding.id.starts_with(name));
        let finding = found.next().ok_or_else(|| format!("there is no finding {name} in this account"))?;
        match finding.resource.kind {
            "ecs:cluster" => format!("{}/*", finding.resource.name),
            _ => finding.resource.name.clone(),
        }
    } else {
        name.to_owned()
    };
    let whole = pattern.contains('/');
    let is_it = |workload: &str| match whole {
        true => glob::matches(&pattern, workload),
        false => workload.split_once('/').is_some_and(|(_, service)| glob::matches(&pattern, service)),
    };
    let wiring = explain::explain(snapshot, settings, report, is_it);
    if wiring.workloads.is_empty() {
        let all = explain::explain(snapshot, settings, report, |_| true);
        let known: Vec<&str> = all.workloads.iter().map(|workload| workload.name.as_str()).take(8).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(format!("there is no workload {pattern}; known: {known}"));
    }
    Ok(wiring)
}
