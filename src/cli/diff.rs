//! `audit diff`: what changed between two saved reports or snapshots.

use std::fs;
use std::path::Path;

use super::args::{DiffArgs, PlainFormatArg};
use super::{Exit, failure, output};
use crate::diff::Diff;
use crate::saved::SavedReport;
use crate::settings::Settings;
use crate::snapshot::file;
use crate::{engine, report};

/// Runs `audit diff`.
pub(super) fn run(arguments: &DiffArgs) -> Exit {
    let both = load(&arguments.old).and_then(|old| Ok((old, load(&arguments.new)?)));
    let (old, new) = match both {
        Ok(both) => both,
        Err(error) => return failure::refuse(Exit::Usage, &error),
    };
    let diff = Diff::of(&old, &new);
    let text = match arguments.format {
        PlainFormatArg::Json => format!("{:#}\n", serde_json::json!(diff)),
        PlainFormatArg::Table => report::render_diff(&diff, &output::console_view(&arguments.console)),
    };
    let failing = arguments.fail_on.threshold().zip(diff.worst_new()).is_some_and(|(least, worst)| worst >= least);
    let exit = match (failing, new.scan.complete) {
        (true, _) => Exit::Findings,
        (false, false) => Exit::Incomplete,
        (false, true) => Exit::Clean,
    };
    output::show(&text, exit)
}

/// A report as it was saved, or the one that a snapshot gives now.
fn load(path: &Path) -> Result<SavedReport, String> {
    let is_report = |bytes: &[u8]| {
        serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|value| value.get("findings").is_some())
    };
    let bytes = fs::read(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
    if is_report(&bytes) {
        return SavedReport::parse(&bytes).map_err(|error| format!("{}: {error}", path.display()));
    }
    let snapshot = file::read(path).map_err(|error| error.to_string())?;
    Ok(SavedReport::of(&engine::evaluate(&snapshot, &Settings::all_rules())))
}
