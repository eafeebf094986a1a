//! Who is calling, and which Regions the account has: the first requests, which decide whether anything can be read.

use aws_credential_types::provider::error::CredentialsError;

use super::call::Caller;
use super::{CollectError, Login, call, dataset};
use crate::snapshot::coverage::FailureClass;

/// The caller.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) account: String,
    pub(super) arn: String,
    pub(super) partition: String,
}

/// Where the identity is asked for, for messages.
pub(super) struct Asked<'a> {
    pub(super) login: &'a Login,
    /// The profile in force.
    pub(super) profile: Option<&'a str>,
    pub(super) region: &'a str,
    pub(super) endpoint_override: Option<&'a str>,
}

/// Asks who is calling: the cheapest way to find out whether anything can be read.
pub(super) async fn identity(sts: &aws_sdk_sts::Client, asked: &Asked<'_>) -> Result<Identity, CollectError> {
    let name = || asked.profile.map(str::to_owned);
    let answer = sts.get_caller_identity().send().await.map_err(|error| {
        let credentials = call::sources(&error).find_map(|source| source.downcast_ref::<CredentialsError>());
        if let Some(credentials) = credentials {
            return of_credentials(credentials, asked);
        }
        let (class, cause) = call::classify(&error);
        let region = asked.region.to_owned();
        match class {
            FailureClass::ExpiredCredentials | FailureClass::AccessDenied => CollectError::Refused {
                expired: cause.contains("Expired"),
                skewed: cause.contains("Signature expired")
                    || cause.contains("Skewed")
                    || cause.contains("not yet current"),
                region,
                cause,
                name: name(),
            },
            FailureClass::Timeout | FailureClass::Unreachable => CollectError::Unreachable {
                place: asked.endpoint_override.map_or_else(|| "AWS STS".to_owned(), str::to_owned),
                replaced: asked.endpoint_override.is_some(),
                region,
                cause,
            },
            _ => CollectError::Identity { region, cause },
        }
    })?;
    let (account, arn) = (answer.account.unwrap_or_default(), answer.arn.unwrap_or_default());
    let partition = arn.split(':').nth(1).filter(|partition| !partition.is_empty()).unwrap_or("aws").to_owned();
    Ok(Identity { account, arn, partition })
}

fn of_credentials(error: &CredentialsError, asked: &Asked<'_>) -> CollectError {
    // The credentials that a role is assumed with are the last ones in the chain of causes.
    let causes = call::sources(error).filter_map(|source| source.downcast_ref::<CredentialsError>());
    let innermost = causes.last().unwrap_or(error);
    let is_own = std::ptr::eq(innermost, error);
    let cause = call::one_line(innermost);
    if let (Some(role), true) = (&asked.login.role, is_own) {
        return CollectError::Role { arn: role.arn.clone(), cause, with_external_id: role.external_id.is_some() };
    }
    let name = asked.profile.map(str::to_owned);
    let profile = name.as_ref().map_or(String::new(), |name| format!(" for profile '{name}'"));
    // The instance metadata is the end of the chain: its refusal means that nothing before it had any.
    if matches!(innermost, CredentialsError::CredentialsNotLoaded(_)) || cause.contains("IMDS") {
        return CollectError::NoCredentials { profile, cause };
    }
    let sso = cause.to_ascii_lowercase().contains("sso") || cause.contains("cached token");
    CollectError::Credentials { profile, cause, sso, name }
}

/// The Regions that are enabled for the account, sorted.
pub(super) async fn enabled_regions(
    ec2: &aws_sdk_ec2::Client,
    caller: &Caller,
    region: &str,
) -> Result<Vec<String>, CollectError> {
    // Without AllRegions the answer leaves out what the account has not opted in to, and it has no pages.
    let answer = caller.send(dataset::ALL_REGIONS, &[], || ec2.describe_regions().send()).await.map_err(|failure| {
        let denied = failure.class == FailureClass::AccessDenied;
        CollectError::Regions { region: region.to_owned(), cause: failure.message, denied }
    })?;
    let mut names: Vec<String> =
        answer.regions.unwrap_or_default().into_iter().filter_map(|region| region.region_name).collect();
    names.sort();
    Ok(names)
}
