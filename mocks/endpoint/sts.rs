//! AWS STS, and the Regions of an account.

use ecs_network_audit::snapshot::Target;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;
use super::request::access_key;

pub(super) fn caller_identity(call: &Call<'_>) -> Result<Value, Refusal> {
    let own = call.world.target();
    Ok(json!({"Account": own.account, "Arn": own.caller_arn, "UserId": "AROAEXAMPLE:session"}))
}

/// Credentials with which the account of the role answers, if it is one of the snapshot.
pub(super) fn assume_role(call: &Call<'_>) -> Result<Value, Refusal> {
    let arn = call.required("RoleArn")?;
    let session = call.required("RoleSessionName")?;
    let account = arn.split(':').nth(4).unwrap_or_default();
    let is_known = |target: &Target| target.account == account;
    if !call.world.everywhere().iter().any(is_known) {
        let caller = &call.world.target().caller_arn;
        let message = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}");
        return Err(Refusal::with_status(403, "AccessDenied", message));
    }
    let role = arn.rsplit('/').next().unwrap_or_default();
    let expires = Timestamp::now().saturating_add(SignedDuration::from_hours(1)).expect("a duration can be added");
    Ok(json!({
        "Credentials": {
            "AccessKeyId": access_key(account),
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            "Expiration": expires.to_string(),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROAEXAMPLE:{session}"),
            "Arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
        },
    }))
}

/// The Regions in which the account has something, and the idle ones.
pub(super) fn regions(call: &Call<'_>) -> Result<Value, Refusal> {
    let used = call.world.account().map(|target| target.region.as_str());
    let mut names: Vec<&str> = used.chain(call.settings.idle_regions.iter().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    let region = |name: &str| {
        let endpoint = format!("ec2.{name}.amazonaws.com");
        json!({"regionName": name, "regionEndpoint": endpoint, "optInStatus": "opt-in-not-required"})
    };
    Ok(json!({"regionInfo": names.into_iter().map(region).collect::<Vec<_>>()}))
}
