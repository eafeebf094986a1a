//! The command line: arguments in, report out, exit code back. The only room that prints.

mod args;
mod capacity;
mod catalogue;
mod diff;
mod exit;
mod explain;
mod failure;
mod manual;
mod output;
mod place;
mod progress;
mod scan;
mod selection;
mod settled;

pub use exit::Exit;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};

/// The demo account: a saved snapshot, made from a fixture by a test.
static DEMO: &[u8] = include_bytes!("../../mocks/demo.json");

/// Parses the arguments of the process and does what they say.
pub fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let wrong = error.use_stderr();
            // Nobody is left to be told if even this can't be printed.
            let _ = error.print();
            return if wrong { Exit::Usage } else { Exit::Clean };
        }
    };
    log(match &cli.command {
        Some(Command::Explain(arguments)) => arguments.console.verbose,
        Some(Command::Capacity(arguments)) => arguments.console.verbose,
        Some(Command::Diff(arguments)) => arguments.console.verbose,
        _ => cli.scan.output.console.verbose,
    });
    match cli.command {
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Capacity(arguments)) => capacity::run(&arguments),
        Some(Command::Diff(arguments)) => diff::run(&arguments),
        Some(Command::Completions(arguments)) => manual::completions(&arguments),
        Some(Command::Man) => manual::man(),
        Some(Command::Rules(arguments)) => catalogue::rules(&arguments),
        Some(Command::Policy(arguments)) => catalogue::policy(&arguments),
        None => scan::run(&cli.scan),
    }
}

/// `AUDIT_LOG` takes the filters of `tracing`; otherwise -v and -vv decide.
fn log(verbose: u8) {
    let default = match verbose {
        0 => "off",
        1 => "ecs_network_audit=info",
        2 => "ecs_network_audit=debug",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("AUDIT_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi);
    subscriber.with_writer(std::io::stderr).with_target(false).init();
}
