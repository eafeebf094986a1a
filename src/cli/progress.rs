//! Progress on standard error while reading, by dataset. Silent unless a person is looking.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::ConsoleArgs;
use super::failure;
use crate::collect::{Event, Sink};
use crate::snapshot::coverage::Dataset;

/// What is shown of a scan that is under way.
pub(super) struct Progress {
    bar: ProgressBar,
    warnings: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    place: String,
    targets: usize,
    targets_done: usize,
    /// Under way, and of how many targets.
    open: BTreeMap<Dataset, usize>,
    started: u64,
    done: u64,
    throttled: u32,
}

impl Progress {
    /// A bar on a terminal; otherwise only warnings.
    pub(super) fn new(arguments: &ConsoleArgs) -> Arc<Self> {
        let visible = io::stderr().is_terminal()
            && !arguments.no_progress
            && !arguments.quiet
            && arguments.verbose == 0
            && env::var_os("CI").is_none();
        let bar = ProgressBar::with_draw_target(
            Some(0),
            if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() },
        );
        let style = ProgressStyle::with_template("{spinner} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message("logging in");
        if visible {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Arc::new(Self { bar, warnings: !arguments.quiet, state: Mutex::default() })
    }

    /// The receiver of the collector's events.
    pub(super) fn sink(self: &Arc<Self>) -> Sink {
        let progress = Arc::clone(self);
        Arc::new(move |event| progress.take(event))
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn take(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::TargetsPlanned(targets) => state.targets = targets,
            Event::TargetFinished => state.targets_done += 1,
            Event::TargetStarted { account, region, .. } => state.place = format!("{account} {region}"),
            Event::DatasetStarted(dataset) => {
                state.started += 1;
                *state.open.entry(dataset).or_default() += 1;
            }
            Event::DatasetFinished { dataset, .. } => {
                state.done += 1;
                if let Some(count) = state.open.get_mut(&dataset) {
                    *count -= 1;
                }
            }
            Event::Throttled { .. } => state.throttled += 1,
            Event::Progress { .. } => {}
            Event::Warning(warning) => {
                if self.warnings {
                    self.bar.suspend(|| failure::warn(&warning));
                }
            }
        }
        if state.started == 0 {
            return;
        }
        let place = match state.targets {
            0 | 1 => state.place.clone(),
            many => format!("{} of {many} Regions", state.targets_done),
        };
        let open = state.open.iter().filter(|(_, count)| **count > 0);
        let open: Vec<&str> = open.map(|(dataset, _)| dataset.name()).collect();
        let throttled = if state.throttled > 0 { format!("  ({} throttled)", state.throttled) } else { String::new() };
        let (done, started) = (state.done, state.started);
        self.bar.set_message(format!("{place}  {done}/{started} datasets  {}{throttled}", open.join(", ")));
    }
}
