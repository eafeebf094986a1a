//! Where a report goes: standard output and files, which are opened before the scan so that a bad path costs no time.

use std::env;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::args::{ColorArg, ConsoleArgs, OutputArgs};
use super::{Exit, failure};
use crate::finding::Severity;
use crate::nearest::nearest;
use crate::report::{self, Document, Format, View};

const DEFAULT_WIDTH: u16 = 100;
/// Longer lines are hard to read.
const WIDTHS: std::ops::RangeInclusive<u16> = 60..=160;

/// A file that appears under its name only when it is whole.
pub(super) struct Pending {
    path: PathBuf,
    /// A pipe or a device, which is written as it is.
    is_special: bool,
    format: Format,
}

impl Pending {
    /// The files that arguments of `--output` name.
    ///
    /// # Errors
    /// When an argument names no format, or two name the same file.
    pub(super) fn of_all(arguments: &[PathBuf]) -> Result<Vec<Self>, String> {
        let mut files: Vec<Self> = Vec::new();
        for argument in arguments {
            let (format, path) = destination(argument)?;
            let is_special = fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
            if !is_special && files.iter().any(|file| is_same(&file.path, &path)) {
                return Err(format!("{}: two reports would have this name", path.display()));
            }
            files.push(Self { path, is_special, format });
        }
        Ok(files)
    }

    /// Where it is to be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that it can be written, and leaves nothing there.
    ///
    /// # Errors
    /// When it can't.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.is_special { Ok(()) } else { check_writable(&self.path) }
    }

    fn write(&self, text: &str) -> Result<(), String> {
        let failed = |error: io::Error| format!("writing {}: {error}", self.path.display());
        if self.is_special {
            return fs::write(&self.path, text).map_err(failed);
        }
        let temporary = temporary_beside(&self.path)?;
        let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, &self.path));
        if written.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(failed)
    }
}

/// The format and the place that an argument of `--output` names.
fn destination(argument: &Path) -> Result<(Format, PathBuf), String> {
    let text = argument.to_str().unwrap_or_default();
    if let Some((name, path)) = text.split_once('=')
        && let Some(format) = Format::by_name(name)
    {
        if path.is_empty() {
            return Err(format!("{text} names no file"));
        }
        return Ok((format, PathBuf::from(path)));
    }
    if let Some((name, _)) = text.split_once('=')
        && !name.contains(['.', '/', '\\'])
        && let Some(meant) = nearest(name, Format::ALL.iter().map(|format| format.name()))
    {
        return Err(format!("{text}: {name} is no format, did you mean {meant}? A file of that name is ./{text}"));
    }
    let file_name = argument.file_name().unwrap_or_default().to_string_lossy();
    let format = Format::of_file_name(&file_name).ok_or_else(|| {
        let endings = Format::ALL.iter().flat_map(|format| format.endings());
        let endings: Vec<String> = endings.map(|ending| format!(".{ending}")).collect();
        let endings = endings.join(" ");
        format!("{}: the ending names no format; use {endings}, or say FORMAT=FILE", argument.display())
    })?;
    Ok((format, argument.to_owned()))
}

/// Whether two paths name one file, be it there or not.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::canonicalize(path).or_else(|_| Ok(fs::canonicalize(folder)?.join(path.file_name().unwrap_or_default())))
    };
    let same =
        |one: io::Result<PathBuf>, other: io::Result<PathBuf>| one.is_ok_and(|one| other.is_ok_and(|it| it == one));
    one == other || same(whole(one), whole(other))
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

/// The formats that will be written.
pub(super) fn formats(arguments: &OutputArgs, files: &[Pending]) -> Vec<Format> {
    files.iter().map(|file| file.format).chain([arguments.format]).collect()
}

/// Writes the report to standard output and to the files.
///
/// # Errors
/// What could not be written; the rest is. A reader that closed the pipe has seen enough: that is no error.
pub(super) fn write(
    document: &Document<'_>,
    arguments: &OutputArgs,
    min_severity: Severity,
    files: &[Pending],
) -> Result<(), String> {
    let view = View { min_severity, ..console_view(&arguments.console) };
    let plain = View { width: DEFAULT_WIDTH, colour: false, min_severity: view.min_severity };
    let files = files.iter().map(|file| file.write(&report::render(document, file.format, &plain)));
    let mut failed: Vec<String> = files.filter_map(Result::err).collect();
    failed.extend(print(&report::render(document, arguments.format, &view)).err());
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

/// Prints to standard output.
///
/// # Errors
/// When it can't be written, other than because the reader is gone.
fn print(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("writing to standard output: {error}")),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a command's whole answer and ends with its exit, or with that of an answer that could not be written.
pub(super) fn show(text: &str, exit: Exit) -> Exit {
    match print(text) {
        Ok(()) => exit,
        Err(error) => {
            failure::tell(&error, &[]);
            Exit::NotWritten
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_says_its_format_by_its_ending_or_in_front() {
        for (argument, format, path) in [
            ("out/report.sarif", Format::Sarif, "out/report.sarif"),
            ("sarif=out/report.json", Format::Sarif, "out/report.json"),
            ("markdown=/dev/fd/3", Format::Markdown, "/dev/fd/3"),
            ("a=b.json", Format::Json, "a=b.json"),
            ("./sarif=x.json", Format::Json, "./sarif=x.json"),
        ] {
            assert_eq!(destination(Path::new(argument)), Ok((format, PathBuf::from(path))), "{argument}");
        }
        assert_eq!(destination(Path::new("json=")), Err("json= names no file".to_owned()));
        let error = destination(Path::new("sarfi=report.json")).unwrap_err();
        assert!(error.contains("did you mean sarif?") && error.contains("./sarfi=report.json"), "{error}");
        let error = destination(Path::new("report.docx")).unwrap_err();
        for ending in [".json", ".ocsf-detection.json", ".prom", "FORMAT=FILE"] {
            assert!(error.contains(ending), "{error}");
        }
    }
}
