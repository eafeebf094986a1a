//! Why nothing could be read, in one line, and what to do about it.

use thiserror::Error;

/// Why a scan could not start.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CollectError {
    #[error("profile '{profile}' not found in {files}{known}")]
    ProfileNotFound { profile: String, files: String, known: String },
    #[error("no Region given")]
    NoRegion,
    #[error("'{region}' does not look like a Region")]
    BadRegion { region: String },
    #[error("no AWS credentials found{profile}: {cause}")]
    NoCredentials { profile: String, cause: String },
    #[error("loading AWS credentials{profile}: {cause}")]
    Credentials { profile: String, cause: String, sso: bool, name: Option<String> },
    #[error("profile '{profile}' asks for MFA (mfa_serial), which the AWS SDK for Rust does not support")]
    Mfa { profile: String },
    #[error("calling sts:GetCallerIdentity in {region}: AWS refused the credentials: {cause}")]
    Refused { region: String, cause: String, expired: bool, skewed: bool, name: Option<String> },
    #[error("reaching {place} in {region}: {cause}")]
    Unreachable { region: String, place: String, cause: String, replaced: bool },
    #[error("calling sts:GetCallerIdentity in {region}: {cause}")]
    Identity { region: String, cause: String },
    #[error("assuming {arn}: {cause}")]
    Role { arn: String, cause: String, with_external_id: bool },
    #[error("calling ec2:DescribeRegions in {region}: {cause}")]
    Regions { region: String, cause: String, denied: bool },
    #[error("none of the account's Regions is left to read")]
    NoRegionLeft,
    #[error("the scan's time ran out before anything was read; --timeout prolongs it")]
    OutOfTime,
    #[error("interrupted before anything was read")]
    Interrupted,
    #[error("reading {file} named by AWS_CA_BUNDLE: {cause}")]
    CaBundle { file: String, cause: String },
}

impl CollectError {
    /// What to do, a line each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            // The known profiles stand in the line itself.
            Self::ProfileNotFound { .. } => Vec::new(),
            Self::NoRegion => {
                vec!["pass --region, set AWS_REGION, or add `region = …` to the profile".to_owned()]
            }
            Self::BadRegion { .. } => vec!["Regions are written like eu-west-1".to_owned()],
            Self::NoCredentials { .. } => vec![
                "pass --profile, run `aws sso login` or `aws login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                    .to_owned(),
                "to see what a report looks like without an account: audit --demo".to_owned(),
            ],
            Self::Credentials { sso: true, name, .. } => vec![format!("log in again: {}", login(name.as_deref()))],
            Self::Credentials { name, .. } => {
                let profile = name.as_deref().map_or(String::new(), |name| format!(" --profile {name}"));
                vec![format!("check them with `aws sts get-caller-identity{profile}`")]
            }
            Self::Mfa { profile } => vec![format!(
                "let the AWS CLI do it: add `credential_process = aws configure export-credentials --profile {profile}` to another profile and use that one"
            )],
            Self::Refused { skewed: true, .. } => vec!["set this machine's clock: signatures are valid for minutes".to_owned()],
            Self::Refused { expired: true, name, .. } => vec![format!("get new ones: {}", login(name.as_deref()))],
            Self::Refused { .. } => vec![
                "check that the keys are active and belong to this partition, and that the Region is enabled for the account"
                    .to_owned(),
            ],
            Self::Unreachable { replaced: true, .. } => vec![
                "the endpoint comes from AWS_ENDPOINT_URL or `endpoint_url` in the configuration; AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true ignores it"
                    .to_owned(),
            ],
            Self::Unreachable { .. } => vec![
                "check the Region's name, the network, and HTTPS_PROXY if this machine needs a proxy".to_owned(),
            ],
            Self::Role { arn, with_external_id, .. } => {
                let id = if *with_external_id { "and its condition the external id given" } else { "and ask for no other external id (--external-id)" };
                vec![format!(
                    "the caller needs sts:AssumeRole on {arn}, and the role's trust policy has to name the caller {id}"
                )]
            }
            Self::Regions { denied: true, .. } => {
                vec!["allow ec2:DescribeRegions, or name the Regions with --region".to_owned()]
            }
            Self::NoRegionLeft => vec!["--skip-region leaves all of them out".to_owned()],
            Self::Regions { .. } | Self::OutOfTime | Self::Interrupted | Self::Identity { .. } | Self::CaBundle { .. } => Vec::new(),
        }
    }
}

fn login(profile: Option<&str>) -> String {
    match profile {
        Some(profile) => format!("aws sso login --profile {profile}"),
        None => "aws sso login (or renew the environment's session token)".to_owned(),
    }
}
