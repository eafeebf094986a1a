//! What changed, for a person: by state, the worst first.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::View;
use super::escape::terminal as escape;
use super::table::{style_of, wrap};
use crate::diff::{Diff, Entry, State};

/// Renders a comparison for a terminal.
pub(super) fn render(diff: &Diff, view: &View) -> String {
    let mut out = format!("{} → {}\n", escape(&diff.old), escape(&diff.new));
    for state in [State::New, State::Changed, State::NotCoveredBefore, State::NotCoveredNow, State::Fixed] {
        let entries: Vec<&Entry> = diff.entries.iter().filter(|entry| entry.state == state).collect();
        if entries.is_empty() {
            continue;
        }
        let heading = format!("{} ({})", state.name(), entries.len());
        let _ = write!(out, "\n{}\n", styled(view, Style::new().bold(), &heading));
        for entry in entries {
            line(&mut out, entry, view);
        }
    }
    let of = |state| diff.entries.iter().filter(|entry| entry.state == state).count();
    let uncovered = of(State::NotCoveredNow) + of(State::NotCoveredBefore);
    let _ = write!(
        out,
        "\n{} new · {} changed · {} fixed · {} unchanged",
        of(State::New),
        of(State::Changed),
        of(State::Fixed),
        diff.unchanged
    );
    if uncovered > 0 {
        let _ = write!(out, " · {uncovered} that one of the scans did not cover");
    }
    out.push('\n');
    out
}

fn line(out: &mut String, entry: &Entry, view: &View) {
    let colour = match entry.state {
        State::Fixed => Style::new().fg_color(Some(AnsiColor::Green.into())),
        _ => style_of(entry.level),
    };
    let severity = styled(view, colour, &format!("{:8}", entry.severity));
    let place = format!("{} · {}", escape(&entry.resource), escape(&entry.rule));
    let _ = writeln!(out, "  {severity}  {place}");
    let mut told = entry.changes.clone();
    if entry.state != State::Changed || told.iter().any(|change| change == "other facts") {
        told.push(escape(&entry.message));
    }
    if entry.status != "open" && entry.state != State::Fixed {
        told.push(format!("({})", entry.status));
    }
    let indent = " ".repeat(12);
    for row in wrap(&told.join(" · "), usize::from(view.width).saturating_sub(indent.len()).max(20)) {
        let _ = writeln!(out, "{indent}{row}");
    }
}

fn styled(view: &View, style: Style, text: &str) -> String {
    if view.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
