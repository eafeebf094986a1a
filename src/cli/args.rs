//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::finding::Severity;
use crate::report::Format;

const EXAMPLES: &str = "\
Examples:
  audit --demo                                   an account that ships with the program
  audit --profile prod                           audit the Region of the profile
  audit --profile prod --region eu-west-1 --cluster 'web-*'
  audit --profile prod --profile test --all-regions
  audit --role-arn arn:aws:iam::111122223333:role/audit --role-arn arn:aws:iam::444455556666:role/audit
  audit --profile prod --output report.json --output report.sarif
  audit --profile prod --format markdown >> \"$GITHUB_STEP_SUMMARY\"
  audit --profile prod --save-snapshot prod.json.zst
  audit --snapshot prod.json.zst                 the same report again, without AWS

Exit codes:
  0 nothing at or above --fail-on   1 findings   2 nothing was scanned   3 the scan is incomplete
  4 the report could not be written   130 interrupted   143 terminated";

/// Proves which Amazon ECS workloads of an AWS account cannot start, be reached or be deployed, and why.
#[derive(Debug, Parser)]
#[command(name = "audit", version, about, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// A subcommand; none audits.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The audit.
    #[command(flatten)]
    pub scan: ScanArgs,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the catalogue of rules, or the page of one.
    Rules(RulesArgs),
    /// Print the least IAM policy that the rules need.
    Policy(PolicyArgs),
    /// Show the wiring of a workload: what it reaches, who reaches it, and the hop that decides.
    Explain(ExplainArgs),
    /// Print the completions of a shell.
    Completions(CompletionsArgs),
    /// Print the man page.
    Man,
    /// Compare two saved reports or snapshots: what is new, changed, fixed, or no longer covered.
    Diff(DiffArgs),
    /// Show what clusters and subnets still hold: slots, CPU, memory, addresses, and what binds first.
    Capacity(CapacityArgs),
}

/// Arguments of an audit.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Where the facts come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Which rules.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// What is accepted or known.
    #[command(flatten)]
    pub policy: AcceptArgs,
    /// What comes out.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What is accepted for a time, or known from before.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct AcceptArgs {
    /// Accept findings for a time, beside the waivers of the settings
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
    /// Let waivers expire against this day instead of that of the scan
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<jiff::civil::Date>,
    /// Count only what this JSON report doesn't have
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Take a baseline of an incomplete scan
    #[arg(long, requires = "baseline")]
    pub force_baseline: bool,
}

/// The settings of a team.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct ConfigArgs {
    /// Settings; by default audit.toml here or above
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Look for no audit.toml
    #[arg(long)]
    pub no_config: bool,
}

/// Where the facts come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Source")]
pub struct SourceArgs {
    /// Profile of the AWS configuration; may be repeated, to audit the account of each
    #[arg(long = "profile", value_name = "PROFILE", conflicts_with_all = ["demo", "snapshot"])]
    pub profiles: Vec<String>,
    /// Role that the profile assumes, to audit its account instead of its own; may be repeated
    #[arg(long = "role-arn", value_name = "ARN", conflicts_with_all = ["demo", "snapshot"])]
    pub roles: Vec<String>,
    /// External id for all of these roles; audit.toml takes one for each
    #[arg(long, value_name = "ID", requires = "roles", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub external_id: Option<String>,
    /// Region; by default the one of the profile or environment; may be repeated
    #[arg(long = "region", value_name = "REGION", conflicts_with_all = ["demo", "snapshot"])]
    pub regions: Vec<String>,
    /// Every Region that is enabled for the account; one without clusters costs one call
    #[arg(long, conflicts_with_all = ["regions", "demo", "snapshot"])]
    pub all_regions: bool,
    /// All Regions but these, by name (* and ? are wild); may be repeated
    #[arg(long = "skip-region", value_name = "GLOB", conflicts_with_all = ["regions", "demo", "snapshot"])]
    pub skip_regions: Vec<String>,
    /// Limit to clusters by name (* and ? are wild); may be repeated
    #[arg(long = "cluster", value_name = "GLOB")]
    pub clusters: Vec<String>,
    /// Limit to services by name (* and ? are wild); may be repeated
    #[arg(long = "service", value_name = "GLOB")]
    pub services: Vec<String>,
    /// Audit a saved snapshot instead of an account
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    pub snapshot: Option<PathBuf>,
    /// Audit the account that ships with the program
    #[arg(long)]
    pub demo: bool,
    /// Save what was read, for --snapshot; .zst and .gz compress
    #[arg(long, value_name = "FILE")]
    pub save_snapshot: Option<PathBuf>,
    /// Read every dataset, also those that no selected rule needs
    #[arg(long, conflicts_with_all = ["demo", "snapshot"])]
    pub all_datasets: bool,
    /// What isn't read by then counts as unread: 90s, 15m, 1h
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration)]
    pub timeout: Duration,
    /// Percentage of AWS's request quotas to use; the rest is left to others
    #[arg(long, value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quota_share: u8,
    /// What a team settles once.
    #[command(flatten)]
    pub settings: ConfigArgs,
}

/// Which rules run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub struct SelectionArgs {
    /// Run only this rule; may be repeated
    #[arg(long = "rule", value_name = "ID")]
    pub rules: Vec<String>,
    /// Leave this rule out; may be repeated
    #[arg(long = "skip-rule", value_name = "ID")]
    pub skip_rules: Vec<String>,
}

/// What comes out, and how the run ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Format on standard output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Also write a file, its format by its ending (.json, .sarif, .html, .md, .csv …); may be repeated
    ///
    /// Also write a file; may be repeated. Its ending says the format: .txt (table), .json, .ndjson, .sarif, .ocsf.json,
    /// .ocsf-detection.json, .asff.json, .csv, .xml (JUnit), .md, .html, .prom. FORMAT=FILE says it for any other name,
    /// as in sarif=results.json.
    #[arg(long, value_name = "[FORMAT=]FILE")]
    pub output: Vec<PathBuf>,
    /// Hide findings below this severity; they still count
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub min_severity: Option<SeverityArg>,
    /// End with 1 from this severity on [default: high]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Let an incomplete scan (3) win over findings (1)
    #[arg(long)]
    pub fail_on_incomplete: bool,
    /// End with 0 after any report that was written
    #[arg(long)]
    pub exit_zero: bool,
    /// How it is shown.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// Colours and what is said beside the report.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct ConsoleArgs {
    /// Colours
    #[arg(long, value_enum, default_value_t = ColorArg::Auto)]
    pub color: ColorArg,
    /// No progress on standard error
    #[arg(long)]
    pub no_progress: bool,
    /// Tell on standard error what is read; twice for every call
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing on standard error but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// Arguments of `audit completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Arguments of `audit diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// A JSON report or a snapshot
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// A JSON report or a snapshot
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Format on standard output
    #[arg(long, value_enum, default_value_t = PlainFormatArg::Table)]
    pub format: PlainFormatArg,
    /// End with 1 when something from this severity on is new or became worse
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Low)]
    pub fail_on: FailOn,
    /// How it is shown.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// Arguments of `audit explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// cluster/service, a service, a pattern (* and ?), or the id of a finding
    #[arg(value_name = "WORKLOAD", conflicts_with = "all")]
    pub workload: Option<String>,
    /// Every workload
    #[arg(long)]
    pub all: bool,
    /// Format on standard output
    #[arg(long, value_enum, default_value_t = PlainFormatArg::Table)]
    pub format: PlainFormatArg,
    /// Where the facts come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// How it is shown.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// Arguments of `audit capacity`.
#[derive(Debug, Args)]
pub struct CapacityArgs {
    /// Format on standard output
    #[arg(long, value_enum, default_value_t = PlainFormatArg::Table)]
    pub format: PlainFormatArg,
    /// Where the facts come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// How it is shown.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// Arguments of `audit rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// Id of a rule; none lists all
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Format on standard output
    #[arg(long, value_enum, default_value_t = CatalogueFormatArg::Table)]
    pub format: CatalogueFormatArg,
}

/// `--format` of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CatalogueFormatArg {
    /// For people
    Table,
    /// For programs
    Json,
    /// All pages in one document
    Markdown,
}

/// Arguments of `audit policy`.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// Which rules.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Include what audit --all-regions needs, ec2:DescribeRegions
    #[arg(long)]
    pub all_regions: bool,
}

/// `--format` of the report.
impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.about()))
    }
}

/// `--format` of what is not a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlainFormatArg {
    /// For people
    Table,
    /// For programs
    Json,
}

/// A severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the severities are documented where they are defined")]
pub enum SeverityArg {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl From<SeverityArg> for Severity {
    fn from(severity: SeverityArg) -> Self {
        match severity {
            SeverityArg::Critical => Self::Critical,
            SeverityArg::High => Self::High,
            SeverityArg::Medium => Self::Medium,
            SeverityArg::Low => Self::Low,
            SeverityArg::Info => Self::Info,
        }
    }
}

/// `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the severities are documented where they are defined")]
pub enum FailOn {
    Critical,
    High,
    Medium,
    Low,
    Info,
    Never,
}

impl FailOn {
    /// The least severity that fails; none for `never`.
    pub fn threshold(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Info => Some(Severity::Info),
            Self::Never => None,
        }
    }
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write it like 90s, 15m or 1h".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..split].parse().map_err(|_| wrong())?;
    let unit = match &text[split..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let seconds = number.checked_mul(unit).filter(|seconds| (1..=86_400).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "from 1s to 24h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        for wrong in ["", "m", "1d", "0s", "25h", "99999999999999999999s", "1.5h", "-1s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
