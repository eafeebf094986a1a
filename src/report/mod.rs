//! The formats of a report, one file each. They see a finished [`Document`] and nothing else.

mod asff;
mod capacity;
mod csv;
mod diff;
mod escape;
mod format;
mod html;
pub mod json_v1;
mod junit;
mod markdown;
mod mermaid;
mod ndjson;
mod ocsf;
mod places;
mod prometheus;
mod sarif;
mod shown;
mod table;
mod wiring;

use std::collections::BTreeSet;

use crate::capacity::Capacity;
use crate::diff::Diff;
use crate::finding::{Report, Severity};
use crate::wiring::Wiring;

/// How a report is shown; none of it changes what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Columns of the terminal.
    pub width: u16,
    /// With ANSI colours.
    pub colour: bool,
    /// Findings below it are hidden and counted.
    pub min_severity: Severity,
}

/// All that a format may show: the report, and for those with pictures what they are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// What was found.
    pub report: &'a Report,
    /// The wiring of workloads with findings.
    pub wiring: Option<&'a Wiring>,
    /// What clusters and subnets still hold.
    pub capacity: Option<&'a Capacity>,
}

/// Renders a document; where it is not empty, a line feed ends it.
pub fn render(document: &Document<'_>, format: Format, view: &View) -> String {
    let (report, least) = (document.report, view.min_severity);
    match format {
        Format::Table => table::render(report, view),
        Format::Json => json_v1::render(report, least),
        Format::Ndjson => ndjson::render(report, least),
        Format::Sarif => sarif::render(report, least),
        Format::Ocsf => ocsf::render(report, least, ocsf::Class::Compliance),
        Format::OcsfDetection => ocsf::render(report, least, ocsf::Class::Detection),
        Format::Asff => asff::render(report, least),
        Format::Csv => csv::render(report, least),
        Format::Junit => junit::render(report, least),
        Format::Markdown => markdown::render(report, document.wiring, view),
        Format::Html => html::render(document, view),
        Format::Prometheus => prometheus::render(report, document.capacity, least),
    }
}

/// Names of the workloads whose wiring formats with pictures show: those with the worst findings.
pub fn pictured(report: &Report, min_severity: Severity) -> BTreeSet<&str> {
    html::pictured(report, min_severity)
}

/// Renders the wiring of workloads for a terminal.
pub fn render_wiring(wiring: &Wiring, view: &View) -> String {
    wiring::render(wiring, view)
}

/// Renders a comparison for a terminal.
pub fn render_diff(diff: &Diff, view: &View) -> String {
    diff::render(diff, view)
}

/// Renders the planning table for a terminal.
pub fn render_capacity(capacity: &Capacity, view: &View) -> String {
    capacity::render(capacity, view)
}

pub use escape::terminal as escape_for_terminal;
pub use format::Format;
