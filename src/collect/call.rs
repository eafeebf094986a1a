//! The one place that every request goes through: limit, send, classify, count.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{FinalizerInterceptorContextRef, InterceptorContext};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, debug_span};

use super::limits::Limits;
use super::{Event, Sink, dataset};
use crate::snapshot::coverage::{CallStats, Dataset, Failure, FailureClass};

/// A request that was throttled this often in a row gives up; the waits between double from the first to the longest.
const MOST_THROTTLES: u32 = 10;
/// The same while the last that is known of the quota is that it refuses.
const THROTTLES_WHILE_REFUSED: u32 = 1;
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Longer waits that an answer asks for are cut to this.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Requests by operation name, counted by [`Meter`].
type Counts = BTreeMap<String, CallStats>;

/// Counts every attempt and every throttle of the clients it is installed in.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Counts>>);

impl Meter {
    /// The counts by dataset, and those of calls outside every dataset.
    pub(super) fn by_dataset(&self) -> (BTreeMap<Dataset, CallStats>, CallStats) {
        let (mut datasets, mut others) = (BTreeMap::new(), CallStats::default());
        for (operation, stats) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let sum: &mut CallStats = match dataset::of_operation(operation) {
                Some(dataset) => datasets.entry(dataset).or_default(),
                None => &mut others,
            };
            sum.calls += stats.calls;
            sum.throttled += stats.throttled;
        }
        (datasets, others)
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = cfg.load::<Metadata>().map_or("", |metadata| metadata.name());
        let throttled = context.response().is_some_and(is_throttle);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stats = counts.entry(operation.to_owned()).or_default();
        stats.calls += 1;
        stats.throttled += u32::from(throttled);
        Ok(())
    }
}

fn is_throttle(response: &HttpResponse) -> bool {
    let words = ["Throttl", "RequestLimitExceeded", "TooManyRequests", "SlowDown"];
    let status = response.status().as_u16();
    let body = response.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    status == 429 || (status >= 400 && words.iter().any(|word| body.contains(word)))
}

/// Forbids the SDK to retry what [`Caller`] retries itself, which is every throttled request, and what no retry helps:
/// stand-ins for AWS answer 500 or 501 with a web page to an operation that they don't know.
#[derive(Debug)]
pub struct OwnRetries;

impl ClassifyRetry for OwnRetries {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if is_not_supported(response) || is_throttle(response) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "OwnRetries"
    }

    fn priority(&self) -> RetryClassifierPriority {
        // Before the classifier of status codes, which would retry any 500.
        RetryClassifierPriority::run_before(RetryClassifierPriority::http_status_code_classifier())
    }
}

fn is_not_supported(response: &HttpResponse) -> bool {
    let status = response.status().as_u16();
    let web_page = response.headers().get("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    status == 501 || (web_page && matches!(status, 404 | 405 | 500))
}

/// Sends the requests of one account and Region.
#[derive(Clone)]
pub struct Caller {
    limits: Arc<Limits>,
    account: String,
    region: String,
    pace: Pace,
    cancel: CancellationToken,
    deadline: Instant,
    sink: Sink,
}

/// What a scan keeps to while it sends.
pub(super) struct Manners {
    pub(super) limits: Arc<Limits>,
    pub(super) pace: Pace,
    pub(super) deadline: Instant,
    pub(super) cancel: CancellationToken,
    pub(super) sink: Sink,
}

impl Caller {
    pub(super) fn new(account: &str, region: &str, manners: Manners) -> Self {
        let Manners { limits, pace, deadline, cancel, sink } = manners;
        Self { limits, account: account.to_owned(), region: region.to_owned(), pace, cancel, deadline, sink }
    }

    pub(super) fn tell(&self, event: Event) {
        (self.sink)(event);
    }

    /// Sends one request, again for as long as it is throttled. `api` is the operation as in the dataset table; `affected`
    /// what a failure leaves unread.
    pub(super) async fn send<O, E, F>(
        &self,
        api: &'static str,
        affected: &[&str],
        request: impl Fn() -> F,
    ) -> Result<O, Failure>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    {
        let interrupted = |message: &str| failure(api, FailureClass::Interrupted, message.to_owned(), affected);
        // The timer has its own clock, which is late by up to a millisecond.
        if Instant::now() >= self.deadline {
            return Err(interrupted("the scan's time ran out, which --timeout prolongs"));
        }
        let sent = self.throttled_or_answered(api, request).instrument(debug_span!("call", api));
        let answer = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(interrupted("the scan was interrupted")),
            () = tokio::time::sleep_until(self.deadline) => return Err(interrupted("the scan's time ran out, which --timeout prolongs")),
            answer = sent => answer,
        };
        answer.map_err(|(class, message)| {
            debug!(api, ?class, message, "call failed");
            failure(api, class, message, affected)
        })
    }

    /// Waits for the bucket, sends, and comes again where AWS throttles.
    async fn throttled_or_answered<O, E, F>(
        &self,
        api: &'static str,
        request: impl Fn() -> F,
    ) -> Result<O, (FailureClass, String)>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    {
        let bucket = self.limits.bucket(&self.account, &self.region, api);
        let mut throttles = 0;
        loop {
            let permit = bucket.take().await;
            // On the heap: the SDK's futures are large.
            let answer = Box::pin(request()).await;
            drop(permit);
            let error = match answer {
                Ok(answer) => {
                    bucket.answered();
                    debug!(api, "answered");
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let (class, message) = classify(&error);
            if class != FailureClass::Throttled {
                bucket.answered();
                return Err((class, message));
            }
            self.tell(Event::Throttled { operation: api });
            bucket.throttled(error.raw_response().and_then(retry_after));
            throttles += 1;
            if throttles >= if bucket.refuses() { THROTTLES_WHILE_REFUSED } else { MOST_THROTTLES } {
                return Err((class, message));
            }
            tokio::time::sleep(self.pace.wait(throttles)).await;
        }
    }

    /// Reads every page. An empty page with a token goes on; a token that comes again ends with a failure, not a loop.
    pub(super) async fn pages<O, E, T, F>(
        &self,
        api: &'static str,
        affected: &[&str],
        request: impl Fn(Option<String>) -> F,
        take: impl Fn(O) -> (Vec<T>, Option<String>),
    ) -> (Vec<T>, Option<Failure>)
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    {
        let (mut items, mut seen, mut token) = (Vec::new(), BTreeSet::new(), None);
        loop {
            let page = match self.send(api, affected, || request(token.clone())).await {
                Ok(page) => page,
                Err(failure) => return (items, Some(failure)),
            };
            let (more, next) = take(page);
            items.extend(more);
            let Some(next) = next.filter(|next| !next.is_empty()) else { return (items, None) };
            if !seen.insert(next.clone()) {
                let message = "the answer repeats a pagination token".to_owned();
                return (items, Some(failure(api, FailureClass::InvalidResponse, message, affected)));
            }
            token = Some(next);
        }
    }
}

/// How long a throttled request waits before it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The first wait; each further one is twice as long.
    pub first_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { first_wait: Duration::from_millis(200) }
    }
}

impl Pace {
    /// Throttled answers this close to each other tell of the same moment.
    pub(super) fn moment(self) -> Duration {
        self.first_wait.saturating_mul(2)
    }

    fn wait(self, throttles: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << throttles.saturating_sub(1).min(16));
        doubled.min(LONGEST_WAIT)
    }
}

/// What AWS says of when to come again.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let header = |name: &str| response.headers().get(name)?.trim().parse::<u32>().ok();
    let milliseconds = header("x-amz-retry-after").map(|number| Duration::from_millis(u64::from(number)));
    let delay = milliseconds.or_else(|| header("retry-after").map(|number| Duration::from_secs(u64::from(number))));
    delay.map(|delay| delay.min(MOST_RETRY_AFTER))
}

/// A failure of a call; the IAM action is named where permission may be the trouble.
pub(super) fn failure(api: &'static str, class: FailureClass, message: String, affected: &[&str]) -> Failure {
    let by_permission = class == FailureClass::AccessDenied;
    Failure {
        class,
        operation: api.to_owned(),
        iam_action: by_permission.then(|| api.to_owned()),
        message,
        affected: affected.iter().map(|id| (*id).to_owned()).collect(),
    }
}

/// Whether a failure is an answer with one of these error codes.
pub(super) fn says(failure: &Failure, codes: &[&str]) -> bool {
    codes.iter().any(|code| failure.message.starts_with(code))
}

/// The class of an error and what was answered, in one line.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>) -> (FailureClass, String)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let chain = one_line(error);
    if credentials_failed(error) {
        return (FailureClass::ExpiredCredentials, chain);
    }
    match error {
        SdkError::TimeoutError(_) => return (FailureClass::Timeout, "no answer in time".to_owned()),
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => {
            return (FailureClass::Timeout, "no answer in time".to_owned());
        }
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => return (FailureClass::Unreachable, chain),
        _ => {}
    }
    let code = error.code().unwrap_or_default();
    let said = match (code, error.message()) {
        ("", None) => None,
        (code, None) => Some(code.to_owned()),
        (code, Some(message)) => Some(format!("{code}: {message}")),
    };
    let response = error.raw_response();
    let status = response.map_or(0, |response| response.status().as_u16());
    let class = match class_of_code(code) {
        Some(class) => class,
        None if response.is_some_and(is_not_supported) => FailureClass::NotSupported,
        None if status == 403 => FailureClass::AccessDenied,
        None if status == 429 => FailureClass::Throttled,
        None if matches!(error, SdkError::ResponseError(_)) || code.is_empty() => FailureClass::InvalidResponse,
        None => FailureClass::Service,
    };
    let message = match (class, said) {
        (FailureClass::NotSupported, _) => format!("the endpoint does not know this operation (HTTP {status})"),
        (_, Some(said)) => squeeze(&said),
        (_, None) if status != 0 => format!("HTTP {status} without a readable error"),
        (_, None) => chain,
    };
    (class, message)
}

fn class_of_code(code: &str) -> Option<FailureClass> {
    let class = match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "Client.UnauthorizedOperation"
        | "AuthorizationError"
        | "NotAuthorized"
        | "NotAuthorizedException"
        | "UnauthorizedException" => FailureClass::AccessDenied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "AuthFailure"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "RequestTimeTooSkewed" => FailureClass::ExpiredCredentials,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "SlowDown"
        | "BandwidthLimitExceeded" => FailureClass::Throttled,
        "InvalidAction"
        | "UnknownOperationException"
        | "UnknownOperation"
        | "UnsupportedOperation"
        | "NotImplemented"
        | "UnsupportedOperationException" => FailureClass::NotSupported,
        _ => return None,
    };
    Some(class)
}

/// Whether no credentials could be had for the request.
pub(super) fn credentials_failed(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(|source| source.downcast_ref::<CredentialsError>().is_some())
}

/// An error and its sources.
pub(super) fn sources<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source())
}

/// The causes of an error in one line, repetitions left out.
pub(super) fn one_line(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for source in sources(error) {
        let text = squeeze(&source.to_string());
        if !text.is_empty() && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
