//! `audit completions` and `audit man`: what is made of the command line itself.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::{Exit, failure, output};

/// Prints the completions of a shell.
pub(super) fn completions(arguments: &CompletionsArgs) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "audit", &mut text);
    output::show(&String::from_utf8_lossy(&text), Exit::Clean)
}

/// Prints the man page.
pub(super) fn man() -> Exit {
    let mut text = Vec::new();
    if let Err(error) = clap_mangen::Man::new(Cli::command()).render(&mut text) {
        failure::tell(&format!("rendering the man page: {error}"), &[]);
        return Exit::NotWritten;
    }
    output::show(&String::from_utf8_lossy(&text), Exit::Clean)
}
