//! Exit codes: pipelines read them, so each has one meaning.

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The scan is complete and nothing at or above `--fail-on` is open.
    Clean,
    /// Something at or above `--fail-on` is open.
    Findings,
    /// Nothing was scanned: usage, configuration or credentials.
    Usage,
    /// Something could not be read, and nothing else was found.
    Incomplete,
    /// The report could not be written.
    NotWritten,
    /// Ctrl-C; the partial report was written.
    Interrupted,
    /// SIGTERM; the partial report was written.
    Terminated,
}

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::NotWritten => 4,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}
