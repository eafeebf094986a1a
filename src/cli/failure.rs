//! Errors as people see them: one line that says what was being done, then what to do.

use super::Exit;
use crate::report::escape_for_terminal as escape;

/// Prints an error and its hints to standard error.
pub(super) fn tell(error: &str, hints: &[String]) {
    anstream::eprintln!("{}error:{} {}", bold_red().render(), bold_red().render_reset(), escape(error));
    for hint in hints {
        anstream::eprintln!("  help: {}", escape(hint));
    }
}

/// Prints an error and ends so.
pub(super) fn refuse(exit: Exit, error: &str) -> Exit {
    tell(error, &[]);
    exit
}

/// Prints a warning to standard error.
pub(super) fn warn(warning: &str) {
    anstream::eprintln!("warning: {}", escape(warning));
}

/// Says something beside the report on standard error.
pub(super) fn note(text: &str) {
    anstream::eprintln!("{}", escape(text));
}

fn bold_red() -> anstyle::Style {
    anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()))
}
