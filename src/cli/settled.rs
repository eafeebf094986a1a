//! What is settled before a scan: `audit.toml`, waivers and the baseline. The command line wins over files.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::args::{AcceptArgs, ConfigArgs, ScanArgs, SourceArgs};
use super::place::Place;
use crate::config::{self, Config, Waiver};
use crate::finding::{Report, Severity};
use crate::saved::SavedReport;
use crate::settings::Settings;
use crate::{baseline, waivers};

/// Everything that files and arguments settle.
pub(super) struct Settled {
    /// As whom and where to read.
    pub(super) place: Place,
    pub(super) settings: Settings,
    /// Findings below it are hidden.
    pub(super) min_severity: Severity,
    /// The least severity that ends with 1.
    pub(super) fail_on: Option<Severity>,
    /// The settings came from here.
    pub(super) file: Option<PathBuf>,
    waivers: Vec<Waiver>,
    baseline: Option<SavedReport>,
    as_of: Option<jiff::civil::Date>,
}

/// `audit.toml`, and where it was.
pub(super) fn config(arguments: &ConfigArgs) -> Result<(Option<PathBuf>, Config), String> {
    let file = find(arguments);
    let config = match &file {
        Some(path) => config::parse(&text(path)?).map_err(|error| format!("{}: {error}", path.display()))?,
        None => Config::default(),
    };
    Ok((file, config))
}

/// What is given, or else what is settled.
pub(super) fn or(given: &[String], settled: Vec<String>) -> Vec<String> {
    if given.is_empty() { settled } else { given.to_vec() }
}

/// What the commands beside the audit take of the settings: as whom and where to read, and the scope.
pub(super) fn source(arguments: &SourceArgs) -> Result<(Config, Place), String> {
    let (_, config) = config(&arguments.settings)?;
    let place = Place::of(arguments, &config)?;
    Ok((config, place))
}

/// Reads the files that the arguments name, and the nearest `audit.toml`.
///
/// # Errors
/// What is wrong with a file, or with a rule that is selected.
pub(super) fn settle(arguments: &ScanArgs) -> Result<Settled, String> {
    let (file, config) = config(&arguments.source.settings)?;
    let place = Place::of(&arguments.source, &config)?;
    let (source, selection) = (&arguments.source, &arguments.selection);
    let rules =
        super::selection::of(&or(&selection.rules, config.rules), &or(&selection.skip_rules, config.skip_rules))?;
    let mut accepted = config.waivers;
    if let Some(path) = &arguments.policy.waivers {
        let more = config::parse_waivers(&text(path)?).map_err(|error| format!("{}: {error}", path.display()))?;
        accepted.extend(more);
    }
    let defaults = Settings::all_rules();
    Ok(Settled {
        place,
        settings: Settings {
            rules,
            clusters: or(&source.clusters, config.clusters),
            services: or(&source.services, config.services),
            eni_limit_pressure_percent: config
                .eni_limit_pressure_percent
                .unwrap_or(defaults.eni_limit_pressure_percent),
            severities: config.severities,
            accept_unread: config.accept_unread,
        },
        min_severity: arguments
            .output
            .min_severity
            .map(Severity::from)
            .or(config.min_severity)
            .unwrap_or(Severity::Info),
        fail_on: arguments
            .output
            .fail_on
            .map(|word| word.threshold())
            .or(config.fail_on)
            .unwrap_or(Some(Severity::High)),
        file,
        waivers: accepted,
        baseline: arguments.policy.baseline.as_deref().map(|path| known(path, &arguments.policy)).transpose()?,
        as_of: arguments.policy.as_of,
    })
}

impl Settled {
    /// Marks what is accepted and what is known.
    pub(super) fn mark(&self, report: &mut Report) {
        let of_scan = report.scan.finished_at.to_zoned(TimeZone::UTC).date();
        waivers::apply(report, &self.waivers, self.as_of.unwrap_or(of_scan));
        if let Some(baseline) = &self.baseline {
            baseline::apply(report, baseline);
        }
    }
}

/// The file that is named, or the nearest one from here upward.
fn find(arguments: &ConfigArgs) -> Option<PathBuf> {
    if arguments.no_config {
        return None;
    }
    let here = || std::env::current_dir().ok();
    let nearest = |from: PathBuf| from.ancestors().map(|folder| folder.join(config::FILE_NAME)).find(|p| p.is_file());
    arguments.config.clone().or_else(|| here().and_then(nearest))
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))
}

fn known(path: &Path, arguments: &AcceptArgs) -> Result<SavedReport, String> {
    let bytes = fs::read(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
    let report = SavedReport::parse(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    if report.scan.complete || arguments.force_baseline {
        return Ok(report);
    }
    Err(format!(
        "{} is of an incomplete scan: what it could not see would count as new; --force-baseline takes it all the same",
        path.display()
    ))
}
