//! The main job: read or load, evaluate, write, and say by the exit code how it went.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

use super::args::{ConsoleArgs, ScanArgs, SourceArgs};
use super::failure::refuse;
use super::output::{self, Pending};
use super::place::Place;
use super::progress::Progress;
use super::settled::{self, Settled};
use super::{DEMO, Exit, failure};
use crate::collect::{self, Pace, Request};
use crate::finding::{Report, Status};
use crate::report::{self, Document};
use crate::settings::Settings;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::{Scope, Snapshot, file};
use crate::wiring::Wiring;
use crate::{capacity, engine, explain, rules};

/// Runs an audit.
pub(super) fn run(arguments: &ScanArgs) -> Exit {
    let settled = match settled::settle(arguments) {
        Ok(settled) => settled,
        Err(error) => return refuse(Exit::Usage, &error),
    };
    if let (Some(file), false) = (&settled.file, arguments.output.console.quiet) {
        failure::note(&format!("settings of {}", file.display()));
    }
    let files = match name_files(arguments, settled.file.as_deref()) {
        Ok(files) => files,
        Err(error) => return refuse(Exit::Usage, &error),
    };
    if let Err(error) = check_files(arguments, &files) {
        return refuse(Exit::NotWritten, &error);
    }
    let settings = &settled.settings;
    let source = Source {
        arguments: &arguments.source,
        place: &settled.place,
        console: &arguments.output.console,
        datasets: datasets(arguments, settings),
    };
    let (snapshot, stopped) = match obtain(&source, settings) {
        Ok(obtained) => obtained,
        Err(exit) => return exit,
    };
    let mut report = engine::evaluate(&snapshot, settings);
    settled.mark(&mut report);
    let formats = output::formats(&arguments.output, &files);
    let wiring = formats.iter().any(|format| format.needs_wiring()).then(|| pictured(&snapshot, &settled, &report));
    let capacity = formats.iter().any(|format| format.needs_capacity()).then(|| capacity::of(&snapshot, settings));
    let document = Document { report: &report, wiring: wiring.as_ref(), capacity: capacity.as_ref() };
    if let Err(error) = output::write(&document, &arguments.output, settled.min_severity, &files) {
        return refuse(Exit::NotWritten, &error);
    }
    if !arguments.output.console.quiet
        && let Some(warning) = nothing_judged(&report)
    {
        failure::warn(&warning);
    }
    stopped.unwrap_or_else(|| verdict(&report, &settled, arguments))
}

/// Patterns that nothing is called by may be a slip of the pen.
fn nothing_judged(report: &Report) -> Option<String> {
    let (scope, complete) = (&report.scan.scope, report.scan.complete);
    if complete && report.counts.clusters == 0 && !scope.clusters.is_empty() {
        return Some(format!("no cluster is called {}: nothing was judged", scope.clusters.join(" or ")));
    }
    let nothing = complete && !scope.services.is_empty() && report.counts.services == 0 && report.judged_nothing();
    nothing.then(|| format!("no service is called {}: nothing was judged", scope.services.join(" or ")))
}

/// The wiring of the workloads that pictures are worth.
fn pictured(snapshot: &Snapshot, settled: &Settled, report: &Report) -> Wiring {
    let names = report::pictured(report, settled.min_severity);
    explain::explain(snapshot, &settled.settings, report, |name| names.contains(name))
}

/// The files to write, none of which is read or written twice.
fn name_files(arguments: &ScanArgs, settings: Option<&Path>) -> Result<Vec<Pending>, String> {
    let (source, policy) = (&arguments.source, &arguments.policy);
    let read = [source.snapshot.as_deref(), policy.baseline.as_deref(), policy.waivers.as_deref(), settings];
    let saved = source.save_snapshot.as_deref();
    let files = Pending::of_all(&arguments.output.output)?;
    for path in files.iter().map(Pending::path).chain(saved) {
        if read.iter().flatten().any(|other| other.exists() && output::is_same(other, path)) {
            return Err(format!("{} is read by this run: it would be written over", path.display()));
        }
    }
    if let Some(path) = saved.filter(|saved| files.iter().any(|file| output::is_same(file.path(), saved))) {
        return Err(format!("{} is to hold both a report and the snapshot", path.display()));
    }
    Ok(files)
}

/// Before the scan, which a bad path would waste.
fn check_files(arguments: &ScanArgs, files: &[Pending]) -> Result<(), String> {
    if let Some(path) = &arguments.source.save_snapshot {
        output::check_writable(path)?;
    }
    files.iter().try_for_each(Pending::check)
}

/// Where a snapshot comes from.
pub(super) struct Source<'a> {
    /// Account, file or demo.
    pub(super) arguments: &'a SourceArgs,
    /// As whom and where to read an account.
    pub(super) place: &'a Place,
    /// What is shown on the way.
    pub(super) console: &'a ConsoleArgs,
    /// What to read.
    pub(super) datasets: BTreeSet<Dataset>,
}

/// The snapshot, saved where it was asked for, and how the scan was stopped if it was.
pub(super) fn obtain(source: &Source<'_>, settings: &Settings) -> Result<(Snapshot, Option<Exit>), Exit> {
    let mut obtained = load_or_read(source, settings)?;
    if let Some(path) = &source.arguments.save_snapshot
        && let Err(error) = file::write(path, &obtained.0)
    {
        // The report is not lost with it.
        obtained.1.get_or_insert(refuse(Exit::NotWritten, &error.to_string()));
    }
    Ok(obtained)
}

fn load_or_read(source: &Source<'_>, settings: &Settings) -> Result<(Snapshot, Option<Exit>), Exit> {
    let loaded = match (&source.arguments.snapshot, source.arguments.demo) {
        (Some(path), _) => Some(file::read(path)),
        (None, true) => Some(file::parse(Path::new("demo"), DEMO)),
        (None, false) => None,
    };
    match loaded {
        Some(Ok(snapshot)) => Ok((snapshot, None)),
        Some(Err(error)) => Err(refuse(Exit::Usage, &error.to_string())),
        None => live(source, settings),
    }
}

fn live(source: &Source<'_>, settings: &Settings) -> Result<(Snapshot, Option<Exit>), Exit> {
    let request = Request {
        logins: source.place.logins.clone(),
        regions: source.place.regions.clone(),
        scope: Scope { clusters: settings.clusters.clone(), services: settings.services.clone() },
        datasets: source.datasets.clone(),
        timeout: source.arguments.timeout,
        quota_share: f64::from(source.arguments.quota_share) / 100.0,
        pace: Pace::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| refuse(Exit::Usage, &format!("starting the runtime: {error}")))?;
    let progress = Progress::new(source.console);
    let (cancel, stopped) = (CancellationToken::new(), Arc::new(AtomicU8::new(0)));
    watch_signals(cancel.clone(), Arc::clone(&stopped)).map_err(|error| {
        let error = format!("starting to listen for signals: {error}");
        refuse(Exit::Usage, &error)
    })?;
    let collected = runtime.block_on(collect::collect(&request, progress.sink(), cancel.clone()));
    // From here on a signal ends the program.
    cancel.cancel();
    progress.finish();
    // Calls that are still under way are of no interest any more.
    runtime.shutdown_background();
    let stopped = match stopped.load(Ordering::SeqCst) {
        0 => None,
        code if code == Exit::Terminated.code() => Some(Exit::Terminated),
        _ => Some(Exit::Interrupted),
    };
    match collected {
        Ok(snapshot) => {
            let mut told = BTreeSet::new();
            for unread in &snapshot.unread_targets {
                if told.insert((&unread.login, &unread.error)) {
                    failure::tell(&named(&unread.login, &unread.error), &unread.help);
                }
            }
            Ok((snapshot, stopped))
        }
        Err(errors) => {
            let mut told = BTreeSet::new();
            let several = errors.len() > 1;
            for (login, error) in errors {
                let text = error.to_string();
                let text = if several { named(&login.to_string(), &text) } else { text };
                if told.insert(text.clone()) {
                    failure::tell(&text, &error.hints());
                }
            }
            Err(stopped.unwrap_or(Exit::Usage))
        }
    }
}

/// An error with the login that it is about, unless it names that itself.
fn named(login: &str, error: &str) -> String {
    if error.contains(login) { error.to_owned() } else { format!("{login}: {error}") }
}

/// What the selected rules need; everything on request.
fn datasets(arguments: &ScanArgs, settings: &Settings) -> BTreeSet<Dataset> {
    if arguments.source.all_datasets {
        return Dataset::ALL.iter().copied().collect();
    }
    let selected = rules::ALL.iter().filter(|rule| settings.rules.contains(&rule.id));
    selected.flat_map(|rule| rule.needs).copied().collect()
}

/// The first signal stops the reading and leaves a partial report; the second one ends at once, whatever is being done. On
/// a thread of its own, which outlives the reading.
fn watch_signals(cancel: CancellationToken, stopped: Arc<AtomicU8>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let watch = async move {
        let first = signal().await;
        if cancel.is_cancelled() {
            // The reading is over.
            std::process::exit(i32::from(first.code()));
        }
        stopped.store(first.code(), Ordering::SeqCst);
        cancel.cancel();
        let second = signal().await;
        std::process::exit(i32::from(second.code()));
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(watch))?;
    Ok(())
}

#[cfg(unix)]
async fn signal() -> Exit {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return interrupt().await;
    };
    tokio::select! {
        exit = interrupt() => exit,
        _ = terminate.recv() => Exit::Terminated,
    }
}

#[cfg(not(unix))]
async fn signal() -> Exit {
    interrupt().await
}

async fn interrupt() -> Exit {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the signal ends the process by itself.
        std::future::pending::<()>().await;
    }
    Exit::Interrupted
}

fn verdict(report: &Report, settled: &Settled, arguments: &ScanArgs) -> Exit {
    let output = &arguments.output;
    let open = report.findings.iter().filter(|finding| finding.status == Status::Open);
    let failing = settled.fail_on.is_some_and(|least| open.clone().any(|finding| finding.severity >= least));
    match (failing, report.scan.complete) {
        _ if output.exit_zero => Exit::Clean,
        (true, false) if output.fail_on_incomplete => Exit::Incomplete,
        (true, _) => Exit::Findings,
        (false, false) => Exit::Incomplete,
        (false, true) => Exit::Clean,
    }
}
