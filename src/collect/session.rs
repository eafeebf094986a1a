//! As whom to read and from where: profile, role, Region, endpoint, and clients that share one HTTP client.

use std::borrow::Cow;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::identity::IdentityCache;
use aws_config::imds;
use aws_config::profile::{Profile, ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder as HttpClientBuilder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};

use super::call::{Meter, OwnRetries};
use super::{Clients, CollectError, Event, Login, Regions, Sink, WholeAnswers};

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

/// The session name that CloudTrail shows of an assumed role.
const ROLE_SESSION: &str = "ecs-network-audit";

/// Credentials, and how to send requests with them.
#[derive(Clone)]
pub(super) struct Session {
    /// Where the session itself asks: the first Region to read, if any is named.
    pub(super) region: String,
    /// The profile in force, named or of the environment.
    pub(super) profile: Option<String>,
    pub(super) endpoint_override: Option<String>,
    login: Login,
    config: SdkConfig,
}

/// Resolves profile, Region and credentials, without sending anything to AWS that isn't needed for that.
pub(super) async fn open(
    login: &Login,
    regions: &Regions,
    http: SharedHttpClient,
    sink: &Sink,
) -> Result<Session, CollectError> {
    let name = login.profile.clone().or_else(|| variable("AWS_PROFILE"));
    let profiles = profiles(name.as_deref()).await;
    let profile = selected(&profiles, name.as_deref())?;
    let assumes_with_mfa = |profile: &Profile| profile.get("role_arn").is_some() && profile.get("mfa_serial").is_some();
    if profile.is_some_and(assumes_with_mfa) {
        return Err(CollectError::Mfa { profile: name.unwrap_or_else(|| "default".to_owned()) });
    }
    let region = home_region(login, regions, name.as_deref()).await?;
    let explicit = login.profile.is_some();
    let mut config = sdk_config(&region, name.as_deref(), explicit, http, retry_config(profile, sink)).await;
    if let Some(role) = &login.role {
        let mut provider = AssumeRoleProvider::builder(&role.arn).session_name(ROLE_SESSION).configure(&config);
        if let Some(id) = &role.external_id {
            provider = provider.external_id(id);
        }
        let provider = SharedCredentialsProvider::new(provider.build().await);
        config =
            config.into_builder().credentials_provider(provider).identity_cache(IdentityCache::lazy().build()).build();
    }
    let endpoint_override = endpoint_override(&config, profile);
    Ok(Session { region, profile: name, endpoint_override, login: login.clone(), config })
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

async fn home_region(login: &Login, regions: &Regions, profile: Option<&str>) -> Result<String, CollectError> {
    if let Regions::Named(names) = regions
        && let Some(first) = names.first()
    {
        names.iter().try_for_each(|name| well_formed(name))?;
        return Ok(first.clone());
    }
    let mut chain = DefaultRegionChain::builder();
    if let Some(profile) = profile {
        chain = chain.profile_name(profile);
    }
    let chain = chain.build();
    // The chain ends at the instance metadata, which may not answer at all.
    let found = tokio::time::timeout(METADATA_TIMEOUT * 2, chain.region()).await;
    let found = found.ok().flatten().map(|region| region.to_string());
    let region = match (found, regions) {
        (Some(region), _) => region,
        (None, Regions::Enabled { .. }) => login.any_region().to_owned(),
        (None, _) => return Err(CollectError::NoRegion),
    };
    well_formed(&region)?;
    Ok(region)
}

fn well_formed(region: &str) -> Result<(), CollectError> {
    let is_well_formed = region.contains('-')
        && region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && region.ends_with(|c: char| c.is_ascii_digit());
    if is_well_formed { Ok(()) } else { Err(CollectError::BadRegion { region: region.to_owned() }) }
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
pub(super) fn http_client() -> Result<SharedHttpClient, CollectError> {
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
                .retry_classifier(OwnRetries)
                .interceptor($meter.clone())
                .interceptor(WholeAnswers)
                .build(),
        )
    }};
}

impl Session {
    /// What it is called where its account isn't known.
    pub(super) fn login(&self) -> &Login {
        &self.login
    }

    /// Clients for one Region, with a meter of their own.
    pub(super) fn clients(&self, region: &str) -> Clients {
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        let (config, meter) = (&config, Meter::default());
        let partition = format!("{}/{region}", self.login);
        let identity_timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(IDENTITY_ATTEMPT_TIMEOUT)
            .operation_timeout(IDENTITY_TIMEOUT)
            .build();
        let sts = aws_sdk_sts::config::Builder::from(config)
            .timeout_config(identity_timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(200)))
            .interceptor(meter.clone())
            .interceptor(WholeAnswers)
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
}
