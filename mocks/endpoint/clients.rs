//! Real SDK clients that ask a simulated endpoint.

use std::time::Duration;

use aws_smithy_http_client::Builder;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;
use ecs_network_audit::collect::{Clients, Meter, OwnRetries, WholeAnswers};

/// How the clients ask.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The access key; `ACCOUNT-<12 digits>` is one of that account.
    pub access_key: String,
    /// How often a request is sent at most.
    pub attempts: u32,
    /// The wait before the second attempt, at most.
    pub backoff: Duration,
    /// How long one attempt may take.
    pub attempt_timeout: Option<Duration>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            access_key: "simulated".to_owned(),
            attempts: 1,
            backoff: Duration::from_millis(20),
            attempt_timeout: None,
        }
    }
}

/// Clients of the first account that send every request once.
pub fn clients(url: &str, region: &str) -> Clients {
    clients_with(url, region, &ClientOptions::default())
}

/// Clients of any account.
pub fn clients_with(url: &str, region: &str, options: &ClientOptions) -> Clients {
    let meter = Meter::default();
    // Plain HTTP: certificates take longer to load than most tests to run.
    let http = Builder::new().build_http();
    let mut timeouts = TimeoutConfig::builder();
    if let Some(timeout) = options.attempt_timeout {
        timeouts = timeouts.operation_attempt_timeout(timeout).read_timeout(timeout);
    }
    let timeouts = timeouts.build();
    let retries = RetryConfig::standard().with_max_attempts(options.attempts).with_initial_backoff(options.backoff);
    macro_rules! config {
        ($sdk:ident) => {
            $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::v2026_01_12())
                .region(Region::new(region.to_owned()))
                .endpoint_url(url)
                .credentials_provider($sdk::config::Credentials::new(
                    &options.access_key,
                    "secret",
                    None,
                    None,
                    "simulated",
                ))
                .retry_config(retries.clone())
                // The default budget of retries is one for all clients of the process.
                .retry_partition(
                    $sdk::config::retry::RetryPartition::custom("simulated")
                        .token_bucket($sdk::config::retry::TokenBucket::unlimited())
                        .build(),
                )
                .timeout_config(timeouts.clone())
                .http_client(http.clone())
                .interceptor(meter.clone())
                .interceptor(WholeAnswers)
        };
    }
    macro_rules! client {
        ($sdk:ident) => {
            $sdk::Client::from_conf(config!($sdk).retry_classifier(OwnRetries).build())
        };
    }
    Clients {
        sts: aws_sdk_sts::Client::from_conf(config!(aws_sdk_sts).build()),
        ecs: client!(aws_sdk_ecs),
        ec2: client!(aws_sdk_ec2),
        elbv2: client!(aws_sdk_elasticloadbalancingv2),
        autoscaling: client!(aws_sdk_autoscaling),
        route53: client!(aws_sdk_route53),
        route53resolver: client!(aws_sdk_route53resolver),
        route53profiles: client!(aws_sdk_route53profiles),
        efs: client!(aws_sdk_efs),
        ecr: client!(aws_sdk_ecr),
        eventbridge: client!(aws_sdk_eventbridge),
        scheduler: client!(aws_sdk_scheduler),
        servicequotas: client!(aws_sdk_servicequotas),
        meter,
    }
}
