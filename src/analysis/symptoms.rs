//! Live symptoms that agree with a finding: reasons of stopped tasks and messages of service events.
//!
//! Sources: "Stopped tasks error messages" and "Service event messages" in the ECS Developer Guide. Wordings changed over
//! the years, so a cause is recognised by the words that stayed, and a network cause only with a network marker.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::finding::Evidence;
use crate::snapshot::ecs::{Service, ServiceEvent, Task};

/// What a stopped task could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StartFailure {
    /// Pull an image.
    Pull,
    /// Log in to ECR.
    RegistryAuth,
    /// Fetch a secret of Secrets Manager.
    SecretsManager,
    /// Fetch a parameter of Parameter Store.
    Parameter,
    /// Reach CloudWatch Logs.
    Logs,
    /// Fetch an environment file.
    EnvironmentFile,
    /// Get a network interface on its instance.
    NetworkInterface,
}

impl StartFailure {
    /// The needs whose absence it is a symptom of.
    pub fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Pull => &["ecr.dkr", "s3", "ecr.api"],
            Self::RegistryAuth => &["ecr.api"],
            Self::SecretsManager => &["secretsmanager"],
            Self::Parameter => &["ssm"],
            Self::Logs => &["logs"],
            Self::EnvironmentFile => &["s3"],
            Self::NetworkInterface => &[],
        }
    }
}

/// Words that AWS lists as signs of a broken network path, as opposed to a missing permission or object.
const NETWORK_MARKERS: [&str; 13] = [
    "dial tcp",
    "dial udp",
    "i/o timeout",
    "tls handshake timeout",
    "connection timed out",
    "client.timeout exceeded",
    "request canceled",
    "signal: killed",
    "context deadline exceeded",
    "connection issue",
    "check your network",
    "check your task network",
    "requestcanceled",
];

/// Why a task could not start, if its reasons name a network cause.
pub fn start_failure(task: &Task) -> Option<(StartFailure, String)> {
    let reasons = task.stopped_reason.iter().chain(task.containers.iter().filter_map(|c| c.reason.as_ref()));
    reasons.into_iter().find_map(|reason| classify(reason).map(|failure| (failure, reason.clone())))
}

fn classify(reason: &str) -> Option<StartFailure> {
    let text = reason.to_lowercase();
    let has = |words: &str| text.contains(words);
    if has("resource:eni") || has("unused device index") {
        return Some(StartFailure::NetworkInterface);
    }
    if !NETWORK_MARKERS.iter().any(|marker| text.contains(marker)) {
        return None;
    }
    if has("logger args") || has("log group") || has("cloudwatch") {
        Some(StartFailure::Logs)
    } else if has("secrets manager") || has("from asm") {
        Some(StartFailure::SecretsManager)
    } else if has("parameter store") || has("from ssm") {
        Some(StartFailure::Parameter)
    } else if has("environment variable file") || has("environment file") {
        Some(StartFailure::EnvironmentFile)
    } else if has("registry auth") {
        Some(StartFailure::RegistryAuth)
    } else if has("cannotpull") || has("cannot pull") || has("can't pull") || has("pull image") || has("ref pull") {
        Some(StartFailure::Pull)
    } else {
        None
    }
}

/// Stopped tasks whose failure `matters`, counted by what they say.
pub fn of_stopped_tasks<'s>(
    tasks: impl IntoIterator<Item = &'s Task>,
    matters: impl Fn(StartFailure) -> bool,
) -> Vec<Evidence> {
    let mut by_failure: BTreeMap<StartFailure, (u32, Option<Timestamp>, String)> = BTreeMap::new();
    for task in tasks.into_iter().filter(|task| task.last_status == "STOPPED") {
        let Some((failure, reason)) = start_failure(task).filter(|(failure, _)| matters(*failure)) else { continue };
        let entry = by_failure.entry(failure).or_insert((0, None, String::new()));
        entry.0 += 1;
        if entry.2.is_empty() || task.stopped_at > entry.1 {
            *entry = (entry.0, task.stopped_at.or(entry.1), reason);
        }
    }
    let evidence = |(count, at, text)| Evidence { source: "stopped-task", at, count, text };
    by_failure.into_values().map(evidence).collect()
}

/// Events that contain one of `words` and are newer than the last steady state: what healed is no symptom.
pub fn of_service_events<'s>(services: impl IntoIterator<Item = &'s Service>, words: &[&str]) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for service in services {
        let current = current_events(service).filter(|event| words.iter().any(|word| event.message.contains(word)));
        let matching: Vec<&ServiceEvent> = current.collect();
        let Some(newest) = matching.first() else { continue };
        let count = u32::try_from(matching.len()).unwrap_or(u32::MAX);
        evidence.push(Evidence { source: "service-event", at: newest.created_at, count, text: newest.message.clone() });
    }
    evidence
}

fn current_events(service: &Service) -> impl Iterator<Item = &ServiceEvent> {
    service.events.iter().take_while(|event| !event.message.contains("has reached a steady state"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reason: &str, expected: Option<StartFailure>) {
        assert_eq!(classify(reason), expected, "{reason}");
    }

    #[test]
    fn wordings_old_and_new() {
        check(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth: service call has been retried 3 time(s): RequestError: send request failed caused by: Post \"https://api.ecr.eu-west-1.amazonaws.com/\": dial tcp 52.94.1.1:443: i/o timeout",
            Some(StartFailure::RegistryAuth),
        );
        check(
            "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry authentication from Amazon ECR. There is a connection issue between the task and Amazon ECR. Check your task network configuration.",
            Some(StartFailure::RegistryAuth),
        );
        check(
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded",
            Some(StartFailure::Parameter),
        );
        check(
            "ResourceInitializationError: The task can't pull secrets from AWS Secrets Manager. There is a connection issue between the task and Secrets Manager.",
            Some(StartFailure::SecretsManager),
        );
        check(
            "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in the task definition. There is a connection issue between the task and Amazon CloudWatch. Check your network configuration.: signal: killed",
            Some(StartFailure::Logs),
        );
        check(
            "CannotPullContainerError: API error (500): Get https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/: net/http: request canceled while waiting for connection",
            Some(StartFailure::Pull),
        );
        check("RESOURCE:ENI", Some(StartFailure::NetworkInterface));
        check("Unable to attach network interface to unused device index", Some(StartFailure::NetworkInterface));
    }

    #[test]
    fn other_causes_are_not_the_network() {
        check(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref app:9: not found",
            None,
        );
        check(
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: ResourceNotFoundException",
            None,
        );
        check("Essential container in task exited", None);
        check(
            "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1)",
            None,
        );
        check("", None);
    }
}
