//! `audit capacity`: what clusters and subnets still hold.

use super::args::{CapacityArgs, PlainFormatArg};
use super::scan::{self, Source};
use super::{Exit, failure, output, settled};
use crate::settings::Settings;
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
    let datasets = of_group.flat_map(|rule| rule.needs).copied().collect();
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
    let complete = snapshot.unread_targets.is_empty()
        && snapshot.targets.iter().all(|target| target.data.coverage().iter().all(|(_, _, _, f)| f.is_empty()));
    if !complete && !arguments.console.quiet {
        failure::warn("not everything could be read: `audit` says what, and what is shown may lack it");
    }
    output::show(&text, stopped.unwrap_or(if complete { Exit::Clean } else { Exit::Incomplete }))
}
