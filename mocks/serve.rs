//! A simulated AWS account on loopback, for the auditor or any other client of the AWS APIs.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command line tool")]

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use ecs_network_audit::snapshot::{Snapshot, file};
use mocks::endpoint::{Buckets, Endpoint, Settings};
use mocks::generate::{Health, Size, generate};

/// Serves a generated account, or a snapshot, as the AWS APIs that the auditor reads.
#[derive(Debug, Parser)]
#[command(name = "simulated-aws")]
struct Arguments {
    /// How large the generated account is
    #[arg(long, value_enum, default_value = "s", ignore_case = true)]
    size: SizeName,
    /// Of the generated account: the same seed makes the same account
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Plants mistakes in the generated account
    #[arg(long)]
    planted: bool,
    /// Serves this snapshot instead of a generated account
    #[arg(long, value_name = "FILE", conflicts_with_all = ["size", "seed", "planted"])]
    snapshot: Option<PathBuf>,
    /// Where to listen; 0 for any free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How long every answer takes
    #[arg(long, value_name = "N", default_value_t = 0)]
    latency_ms: u64,
    /// Never throttles
    #[arg(long)]
    no_limits: bool,
    /// The share of each limit that another client of the account uses up, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    other_client: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SizeName {
    S,
    M,
    L,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "it is a number from 0 to 1".to_owned())
}

fn main() -> ExitCode {
    match serve(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let snapshot = account(arguments)?;
    let target = snapshot.targets.first().ok_or("there is no account in the snapshot")?;
    let (services, tasks) = (target.data.services.items().len(), target.data.tasks.items().len());
    let region = target.region.clone();
    let buckets = match arguments.no_limits {
        true => Buckets::Off,
        false => Buckets::Aws { other_client: arguments.other_client },
    };
    let latency = Duration::from_millis(arguments.latency_ms);
    let endpoint = Endpoint::start(Settings { buckets, latency, port: arguments.port, ..Settings::of(snapshot) })?;
    let url = endpoint.url();
    // At once: whoever reads no more than the first line closes the pipe before the others.
    print!(
        "{services} services and {tasks} tasks at {url}\nTo read them:\n  AWS_ENDPOINT_URL={url} AWS_REGION={region} \
         AWS_ACCESS_KEY_ID=simulated AWS_SECRET_ACCESS_KEY=secret audit\nPress Ctrl-C to stop.\n"
    );
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}

fn account(arguments: &Arguments) -> Result<Snapshot, Box<dyn std::error::Error>> {
    if let Some(path) = &arguments.snapshot {
        return Ok(file::read(path)?);
    }
    let size = match arguments.size {
        SizeName::S => Size::S,
        SizeName::M => Size::M,
        SizeName::L => Size::L,
    };
    let health = if arguments.planted { Health::Planted } else { Health::Healthy };
    Ok(generate(arguments.seed, size, health).snapshot)
}
