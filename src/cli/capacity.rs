//! `audit capacity`: what clusters and subnets still hold.

use std::collections::BTreeSet;

use super::args::{CapacityArgs, PlainFormatArg};
use super::scan::{self, Source};
use super::{Exit, failure, output, settled};
use crate::settings::Settings;
use crate::snapshot::Target;
use crate::snapshot::coverage::Dataset;
use crate::{capacity, report, rules};

/// Runs `audit capacity`.
pub(super) fn run(arguments: &CapacityArgs) -> Exit {
    let (config, place) = match settled::source(&arguments.source) {
        Ok(settled) => settled,
        Err(error) => return failure::refuse(Exit::Usage, &error),
    };
    let of_group = rules::ALL.iter().filter(|rule| rule.group == rules::Group::Capacity);
    let settings = Settings {
        rules: of_group.clone().map(|rule| rule.id).collect(),
        clusters: settled::or(&arguments.source.clusters, config.clusters),
        services: settled::or(&arguments.source.services, config.services),
        ..Settings::all_rules()
    };
    let datasets: BTreeSet<Dataset> = of_group.flat_map(|rule| rule.needs).copied().collect();
    let needed = datasets.clone();
    let source = Source { arguments: &arguments.source, place: &place, console: &arguments.console, datasets };
    let (snapshot, stopped) = match scan::obtain(&source, &settings) {
        Ok(obtained) => obtained,
        Err(exit) => return exit,
    };
    let capacity = capacity::of(&snapshot, &settings);
    let text = match arguments.format {
        PlainFormatArg::Json => format!("{:#}\n", serde_json::json!(capacity)),
        PlainFormatArg::Table => report::render_capacity(&capacity, &output::console_view(&arguments.console)),
    };
    let is_whole = |target: &Target| target.data.lacking(&needed).next().is_none();
    let complete = snapshot.unread_targets.is_empty() && snapshot.targets.iter().all(is_whole);
    if !complete && !arguments.console.quiet {
        failure::warn("not everything could be read: `audit` says what, and what is shown may lack it");
    }
    output::show(&text, stopped.unwrap_or(if complete { Exit::Clean } else { Exit::Incomplete }))
}
