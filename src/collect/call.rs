//! The one place that every request goes through: limit, send, classify, count.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

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
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, debug_span};

use super::{Event, Sink, dataset};
use crate::snapshot::coverage::{CallStats, Dataset, Failure, FailureClass};

/// Requests in flight for one account and Region: enough to hide the latency, few enough to leave room for others.
const IN_FLIGHT: usize = 16;

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

/// Forbids a retry where the endpoint doesn't know the operation: stand-ins for AWS answer 500 or 501 with a web page.
#[derive(Debug)]
pub struct NoRetryOfWebPages;

impl ClassifyRetry for NoRetryOfWebPages {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if is_not_supported(response) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "NoRetryOfWebPages"
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
    in_flight: Arc<Semaphore>,
    cancel: CancellationToken,
    deadline: Instant,
    sink: Sink,
}

impl Caller {
    pub(super) fn new(cancel: CancellationToken, deadline: Instant, sink: Sink) -> Self {
        Self { in_flight: Arc::new(Semaphore::new(IN_FLIGHT)), cancel, deadline, sink }
    }

    pub(super) fn tell(&self, event: Event) {
        (self.sink)(event);
    }

    /// Sends one request. `api` is the operation as in the dataset table; `affected` what a failure leaves unread.
    pub(super) async fn send<O, E>(
        &self,
        api: &'static str,
        affected: &[&str],
        request: impl Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    ) -> Result<O, Failure>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let sent = async {
            let _permit = self.in_flight.acquire().await;
            Box::pin(request).await
        };
        let interrupted = |message: &str| failure(api, FailureClass::Interrupted, message.to_owned(), affected);
        // The timer has its own clock, which is late by up to a millisecond.
        if Instant::now() >= self.deadline {
            return Err(interrupted("the scan's time ran out"));
        }
        let answer = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(interrupted("the scan was interrupted")),
            () = tokio::time::sleep_until(self.deadline) => return Err(interrupted("the scan's time ran out")),
            answer = sent.instrument(debug_span!("call", api)) => answer,
        };
        answer.map_err(|error| {
            let (class, message) = classify(&error);
            debug!(api, ?class, message, "call failed");
            if class == FailureClass::Throttled {
                self.tell(Event::Throttled { operation: api });
            }
            failure(api, class, message, affected)
        })
    }

    /// Reads every page. An empty page with a token goes on; a token that comes again ends with a failure, not a loop.
    pub(super) async fn pages<O, E, T, F>(
        &self,
        api: &'static str,
        affected: &[&str],
        mut request: impl FnMut(Option<String>) -> F,
        take: impl Fn(O) -> (Vec<T>, Option<String>),
    ) -> (Vec<T>, Option<Failure>)
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    {
        let (mut items, mut seen, mut token) = (Vec::new(), BTreeSet::new(), None);
        loop {
            let page = match self.send(api, affected, request(token)).await {
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
