//! Where a report goes: standard output and files, which are opened before the scan so that a bad path costs no time.

use std::env;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::args::{ColorArg, ConsoleArgs, OutputArgs};
use crate::finding::Severity;
use crate::report::{self, Document, Format, View};

const DEFAULT_WIDTH: u16 = 100;
const WIDTHS: std::ops::RangeInclusive<u16> = 60..=200;

/// A file that appears under its name only when it is whole.
pub(super) struct Pending {
    path: PathBuf,
    temporary: PathBuf,
    format: Format,
}

impl Pending {
    /// Creates the file under a temporary name beside the final one.
    ///
    /// # Errors
    /// When the extension names no format, or the place can't be written to.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let format = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Format::Json,
            Some("txt") => Format::Table,
            Some("html") => Format::Html,
            _ => return Err(format!("{}: the extension names no format; use .json, .txt or .html", path.display())),
        };
        let temporary = temporary_beside(path)?;
        Ok(Self { path: path.to_owned(), temporary, format })
    }

    /// What will be in it.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    fn write(&self, text: &str) -> Result<(), String> {
        fs::write(&self.temporary, text)
            .and_then(|()| fs::rename(&self.temporary, &self.path))
            .map_err(|error| format!("writing {}: {error}", self.path.display()))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Checks that a file can be created at this place, and leaves nothing there.
///
/// # Errors
/// When it can't.
pub(super) fn check_writable(path: &Path) -> Result<(), String> {
    let temporary = temporary_beside(path)?;
    fs::remove_file(&temporary).map_err(|error| format!("writing {}: {error}", path.display()))
}

fn temporary_beside(path: &Path) -> Result<PathBuf, String> {
    let failed = |error: io::Error| format!("writing {}: {error}", path.display());
    if path.is_dir() {
        return Err(format!("writing {}: it is a directory", path.display()));
    }
    let name = path.file_name().ok_or_else(|| format!("writing {}: it names no file", path.display()))?;
    let temporary = path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    File::create(&temporary).map_err(failed)?;
    Ok(temporary)
}

/// Writes the report to standard output and to the files.
///
/// # Errors
/// What could not be written. A reader that closed the pipe has seen enough: that is no error.
pub(super) fn write(
    document: &Document<'_>,
    arguments: &OutputArgs,
    min_severity: Severity,
    files: &[Pending],
) -> Result<(), String> {
    let view = View { min_severity, ..console_view(&arguments.console) };
    for file in files {
        let plain = View { width: DEFAULT_WIDTH, colour: false, min_severity: view.min_severity };
        file.write(&report::render(document, file.format, &plain))?;
    }
    print(&report::render(document, arguments.format.into(), &view))
}

/// Prints to standard output.
///
/// # Errors
/// When it can't be written, other than because the reader is gone.
pub(super) fn print(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("writing to standard output: {error}")),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The view of a terminal, nothing hidden.
pub(super) fn console_view(arguments: &ConsoleArgs) -> View {
    let colour = match arguments.color {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    };
    View { width: width(), colour, min_severity: Severity::Info }
}

/// Of the terminal; a pipe has none, but `COLUMNS` may say one.
pub(super) fn width() -> u16 {
    let terminal = io::stdout().is_terminal().then(terminal_size::terminal_size).flatten().map(|(width, _)| width.0);
    let columns = || env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = terminal.or_else(columns).unwrap_or(DEFAULT_WIDTH);
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}
