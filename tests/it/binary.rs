//! Runs the binary as a user does.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The binary in an environment without any AWS configuration.
pub fn audit(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
    command
        .env_clear()
        .env("HOME", home)
        .env("AWS_CONFIG_FILE", home.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", home.join("credentials"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Reads what came out.
pub fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().expect("the process ended by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What it says to these arguments in a home of its own.
pub fn run(arguments: &[&str]) -> Ran {
    let home = TempDir::new().unwrap();
    ran(audit(home.path()).args(arguments).output().unwrap())
}

/// The same in a home with files.
pub fn run_in(home: &TempDir, arguments: &[&str]) -> Ran {
    ran(audit(home.path()).args(arguments).output().unwrap())
}
