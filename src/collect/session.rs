//! Who is calling and from where: profile, Region, credentials, endpoint, and clients that share one HTTP client.

use std::borrow::Cow;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::imds;
use aws_config::profile::{Profile, ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder as HttpClientBuilder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};

use super::call::{self, Meter, NoRetryOfWebPages};
use super::{Clients, CollectError, Event, Request, Sink};
use crate::snapshot::coverage::FailureClass;

/// Enough for a busy moment of the account, few enough that a scan ends.
const ATTEMPTS: u32 = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);
/// The first call decides whether there is anything to scan, so it must not keep anyone waiting.
const IDENTITY_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(9);
/// Off EC2 nothing answers at the metadata address.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// An account and Region that can be read.
pub(super) struct Session {
    pub(super) clients: Clients,
    pub(super) region: String,
    pub(super) endpoint_override: Option<String>,
}

/// The caller.
pub(super) struct Identity {
    pub(super) account: String,
    pub(super) arn: String,
    pub(super) partition: String,
}

/// Resolves profile, Region and credentials, without sending anything to AWS that isn't needed for that.
pub(super) async fn open(request: &Request, sink: &Sink) -> Result<Session, CollectError> {
    let profile_name = request.profile.clone().or_else(|| variable("AWS_PROFILE"));
    let profiles = profiles(profile_name.as_deref()).await;
    let profile = selected(&profiles, profile_name.as_deref())?;
    let assumes_with_mfa = |profile: &Profile| profile.get("role_arn").is_some() && profile.get("mfa_serial").is_some();
    if profile.is_some_and(assumes_with_mfa) {
        return Err(CollectError::Mfa { profile: profile_name.unwrap_or_else(|| "default".to_owned()) });
    }
    let region = region(request, profile_name.as_deref()).await?;
    let http = http_client()?;
    let config =
        sdk_config(&region, profile_name.as_deref(), request.profile.is_some(), http, retry_config(profile, sink))
            .await;
    let endpoint_override = endpoint_override(&config, profile);
    let clients = clients(&config, &region, profile_name.as_deref());
    Ok(Session { clients, region, endpoint_override })
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

async fn profiles(name: Option<&str>) -> Option<ProfileSet> {
    let files = EnvConfigFiles::default();
    let name = name.map(|name| Cow::Owned(name.to_owned()));
    aws_config::profile::load(&Fs::real(), &Env::real(), &files, name).await.ok()
}

/// The profile in force. One that was asked for by name has to exist, as with the AWS CLI.
fn selected<'p>(profiles: &'p Option<ProfileSet>, name: Option<&str>) -> Result<Option<&'p Profile>, CollectError> {
    let Some(profiles) = profiles else { return Ok(None) };
    let profile = profiles.get_profile(name.unwrap_or("default"));
    match (name, profile) {
        (Some(name), None) if name != "default" => Err(CollectError::ProfileNotFound {
            profile: name.to_owned(),
            files: config_files(),
            known: known_profiles(profiles),
        }),
        _ => Ok(profile),
    }
}

/// The two files that profiles are looked up in.
fn config_files() -> String {
    let home = env::home_dir().unwrap_or_else(|| PathBuf::from("~"));
    let file = |name: &str, default: &str| {
        variable(name).unwrap_or_else(|| home.join(".aws").join(default).display().to_string())
    };
    let config = file("AWS_CONFIG_FILE", "config");
    let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    format!("{config} and {credentials}")
}

fn known_profiles(profiles: &ProfileSet) -> String {
    let mut names: Vec<&str> = profiles.profiles().collect();
    names.sort_unstable();
    match names.as_slice() {
        [] => "; there are no profiles in them".to_owned(),
        names => format!("; known profiles: {}", names.join(", ")),
    }
}

async fn region(request: &Request, profile: Option<&str>) -> Result<String, CollectError> {
    let region = match &request.region {
        Some(region) => Some(region.clone()),
        None => {
            let mut chain = DefaultRegionChain::builder();
            if let Some(profile) = profile {
                chain = chain.profile_name(profile);
            }
            let chain = chain.build();
            // The chain ends at the instance metadata, which may not answer at all.
            let found = tokio::time::timeout(METADATA_TIMEOUT * 2, chain.region()).await;
            found.ok().flatten().map(|region| region.to_string())
        }
    };
    let region = region.ok_or(CollectError::NoRegion)?;
    let is_well_formed = region.contains('-')
        && region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && region.ends_with(|c: char| c.is_ascii_digit());
    if is_well_formed { Ok(region) } else { Err(CollectError::BadRegion { region }) }
}

/// Always explicit: left to itself the SDK's loader panics on `retry_mode = legacy` and on `AWS_MAX_ATTEMPTS=0`, which
/// are legal for other AWS tools.
fn retry_config(profile: Option<&Profile>, sink: &Sink) -> RetryConfig {
    let setting = |name: &str, key: &str| {
        variable(name).or_else(|| profile.and_then(|profile| profile.get(key)).map(str::to_owned))
    };
    let mode = setting("AWS_RETRY_MODE", "retry_mode").map(|mode| mode.trim().to_ascii_lowercase());
    let config = match mode.as_deref() {
        Some("adaptive") => RetryConfig::adaptive(),
        None | Some("standard") => RetryConfig::standard(),
        Some(other) => {
            sink(Event::Warning(format!(
                "retry mode '{other}' is not known to the AWS SDK for Rust; using 'standard'"
            )));
            RetryConfig::standard()
        }
    };
    let attempts = setting("AWS_MAX_ATTEMPTS", "max_attempts");
    let attempts = match attempts.as_deref().map(|text| text.trim().parse::<u32>()) {
        None => ATTEMPTS,
        Some(Ok(attempts)) if attempts > 0 => attempts,
        Some(_) => {
            sink(Event::Warning(format!("the maximum of attempts must be a number above 0; using {ATTEMPTS}")));
            ATTEMPTS
        }
    };
    config
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(300))
        .with_max_backoff(Duration::from_secs(10))
}

/// One client for all services and credential providers, with the proxy of the environment.
fn http_client() -> Result<SharedHttpClient, CollectError> {
    let mut trust = TrustStore::default();
    if let Some(file) = variable("AWS_CA_BUNDLE") {
        let pem = std::fs::read(&file)
            .map_err(|error| CollectError::CaBundle { file: file.clone(), cause: error.to_string() })?;
        trust = trust.with_pem_certificate(pem);
    }
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| CollectError::CaBundle { file: "the file".to_owned(), cause: error.to_string() })?;
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
    Ok(HttpClientBuilder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.tls_provider(provider.clone()).tls_context(context.clone()).build()
    }))
}

async fn sdk_config(
    region: &str,
    profile: Option<&str>,
    explicit: bool,
    http: SharedHttpClient,
    retries: RetryConfig,
) -> SdkConfig {
    let region = Region::new(region.to_owned());
    let provider = ProviderConfig::default().with_http_client(http.clone()).with_region(Some(region.clone()));
    let metadata = imds::Client::builder()
        .configure(&provider)
        .max_attempts(1)
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .operation_timeout(METADATA_TIMEOUT)
        .build();
    // A profile asked for on the command line wins over keys in the environment, as with the AWS CLI: else the report
    // would be of another account than the one that was named.
    let credentials = match (explicit, profile) {
        (true, Some(profile)) => SharedCredentialsProvider::new(
            ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build(),
        ),
        _ => {
            let mut chain =
                DefaultCredentialsChain::builder().configure(provider).region(region.clone()).imds_client(metadata);
            if let Some(profile) = profile {
                chain = chain.profile_name(profile);
            }
            SharedCredentialsProvider::new(chain.build().await)
        }
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(ATTEMPT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .http_client(http)
        .retry_config(retries)
        .timeout_config(timeouts);
    if let Ok(name) = AppName::new("ecs-network-audit") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    loader.credentials_provider(credentials).load().await
}

/// An endpoint that stands in for AWS. A forgotten one would make an audit of a stand-in pass for one of AWS.
fn endpoint_override(config: &SdkConfig, profile: Option<&Profile>) -> Option<String> {
    if variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let by_service = ["ECS", "EC2", "ELASTIC_LOAD_BALANCING_V2", "STS", "AUTO_SCALING"];
    let services = profile.and_then(|profile| profile.get("services"));
    config
        .endpoint_url()
        .map(str::to_owned)
        .or_else(|| by_service.iter().find_map(|service| variable(&format!("AWS_ENDPOINT_URL_{service}"))))
        .or_else(|| services.map(|name| format!("services section '{name}'")))
}

macro_rules! client {
    ($sdk:ident, $config:expr, $partition:expr, $meter:expr) => {{
        // Budgets of its own: by default one throttled account would use up the retries of every other one.
        let bucket = $sdk::config::retry::TokenBucket::unlimited();
        let partition = $sdk::config::retry::RetryPartition::custom(format!("{}/{}", $partition, stringify!($sdk)));
        $sdk::Client::from_conf(
            $sdk::config::Builder::from($config)
                .retry_partition(partition.token_bucket(bucket).build())
                .retry_classifier(NoRetryOfWebPages)
                .interceptor($meter.clone())
                .build(),
        )
    }};
}

fn clients(config: &SdkConfig, region: &str, profile: Option<&str>) -> Clients {
    let meter = Meter::default();
    let partition = format!("{}/{region}", profile.unwrap_or_default());
    let identity_timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(IDENTITY_ATTEMPT_TIMEOUT)
        .operation_timeout(IDENTITY_TIMEOUT)
        .build();
    let sts = aws_sdk_sts::config::Builder::from(config)
        .timeout_config(identity_timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(200)))
        .retry_classifier(NoRetryOfWebPages)
        .interceptor(meter.clone())
        .build();
    Clients {
        sts: aws_sdk_sts::Client::from_conf(sts),
        ecs: client!(aws_sdk_ecs, config, partition, meter),
        ec2: client!(aws_sdk_ec2, config, partition, meter),
        elbv2: client!(aws_sdk_elasticloadbalancingv2, config, partition, meter),
        autoscaling: client!(aws_sdk_autoscaling, config, partition, meter),
        route53: client!(aws_sdk_route53, config, partition, meter),
        route53resolver: client!(aws_sdk_route53resolver, config, partition, meter),
        route53profiles: client!(aws_sdk_route53profiles, config, partition, meter),
        efs: client!(aws_sdk_efs, config, partition, meter),
        ecr: client!(aws_sdk_ecr, config, partition, meter),
        eventbridge: client!(aws_sdk_eventbridge, config, partition, meter),
        scheduler: client!(aws_sdk_scheduler, config, partition, meter),
        servicequotas: client!(aws_sdk_servicequotas, config, partition, meter),
        meter,
    }
}

/// Asks who is calling: the cheapest way to find out whether anything can be read.
pub(super) async fn identity(
    sts: &aws_sdk_sts::Client,
    profile: Option<&str>,
    region: &str,
    endpoint_override: Option<&str>,
) -> Result<Identity, CollectError> {
    let name = profile.map(str::to_owned).or_else(|| variable("AWS_PROFILE"));
    let answer = sts.get_caller_identity().send().await.map_err(|error| {
        let credentials = call::sources(&error).find_map(|source| source.downcast_ref::<CredentialsError>());
        if let Some(credentials) = credentials {
            return of_credentials(credentials, name.clone());
        }
        let (class, cause) = call::classify(&error);
        let region = region.to_owned();
        match class {
            FailureClass::ExpiredCredentials | FailureClass::AccessDenied => CollectError::Refused {
                expired: cause.contains("Expired"),
                skewed: cause.contains("Signature expired")
                    || cause.contains("Skewed")
                    || cause.contains("not yet current"),
                region,
                cause,
                name: name.clone(),
            },
            FailureClass::Timeout | FailureClass::Unreachable => CollectError::Unreachable {
                place: endpoint_override.map_or_else(|| "AWS STS".to_owned(), str::to_owned),
                replaced: endpoint_override.is_some(),
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

fn of_credentials(error: &CredentialsError, name: Option<String>) -> CollectError {
    let cause = call::one_line(error);
    let profile = name.as_ref().map_or(String::new(), |name| format!(" for profile '{name}'"));
    // The instance metadata is the end of the chain: its refusal means that nothing before it had any.
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) || cause.contains("IMDS") {
        return CollectError::NoCredentials { profile, cause };
    }
    let sso = cause.to_ascii_lowercase().contains("sso") || cause.contains("cached token");
    CollectError::Credentials { profile, cause, sso, name }
}
