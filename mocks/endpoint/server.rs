//! Connections, and answers on their way out.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

use super::Settings;
use super::answer::{Answer, Protocol, Refusal};
use super::call::{Call, Memory};
use super::faults::{Armed, Fault};
use super::limits::Limiter;
use super::request::{Request, Unknown};
use super::world::World;

/// Time for what was written to leave, before the connection ends.
const FLUSH: Duration = Duration::from_millis(20);

/// What all connections share.
pub(super) struct Server {
    settings: Settings,
    limiter: Limiter,
    faults: Vec<Armed>,
    memory: Memory,
    /// By account and Region; idle Regions are added when they are asked about.
    worlds: Mutex<HashMap<(String, String), Arc<World>>>,
    requests: Mutex<BTreeMap<String, u64>>,
    pub(super) throttled: AtomicU64,
    pub(super) struck: AtomicU64,
}

/// What becomes of a request.
enum Outcome {
    Answered(Answer, Ending),
    Reset,
}

impl Server {
    pub(super) fn new(settings: Settings) -> Self {
        let targets = settings.snapshot.targets.iter().enumerate();
        let worlds = targets.map(|(at, target)| {
            ((target.account.clone(), target.region.clone()), Arc::new(World::of(&settings.snapshot, at)))
        });
        Self {
            limiter: Limiter::new(settings.buckets),
            faults: settings.faults.iter().cloned().map(Armed::new).collect(),
            memory: Memory::default(),
            worlds: Mutex::new(worlds.collect()),
            requests: Mutex::default(),
            throttled: AtomicU64::new(0),
            struck: AtomicU64::new(0),
            settings,
        }
    }

    pub(super) fn requests(&self) -> BTreeMap<String, u64> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn listen(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(Arc::clone(&self).serve(stream))),
                // Out of descriptors, most likely: those of others are on their way back.
                Err(_) => sleep(FLUSH).await,
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let resets = Arc::new(AtomicBool::new(false));
        // Small answers must not wait for the acknowledgement of those before them.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let (server, resets) = (Arc::clone(&self), Arc::clone(&resets));
            let answer = async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                match server.answer(&head, &body).await {
                    Outcome::Answered(answer, ending) => Ok(response(answer, ending)),
                    Outcome::Reset => {
                        resets.store(true, Ordering::Relaxed);
                        Err(io::Error::from(io::ErrorKind::ConnectionReset))
                    }
                }
            };
            Box::pin(answer)
        });
        let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
        let stream = connection.into_parts().io.into_inner();
        if resets.load(Ordering::Relaxed) {
            let _ = stream.set_zero_linger();
        }
    }

    async fn answer(&self, head: &hyper::http::request::Parts, body: &[u8]) -> Outcome {
        let request = match Request::read(head, body) {
            Ok(request) => request,
            Err(unknown) => return Outcome::Answered(not_understood(unknown), Ending::Whole),
        };
        let (api, protocol) = (request.operation.api, request.protocol);
        self.count(api);
        let Some(world) = self.world(&request) else {
            sleep(self.settings.latency).await;
            let message = "The security token included in the request is invalid.";
            let code = if protocol == Protocol::Json { "UnrecognizedClientException" } else { "InvalidClientTokenId" };
            return self.refuse(&request, Refusal::with_status(403, code, message));
        };
        let (account, region) = (&world.target().account, &request.region);
        let is_admitted = self.limiter.admits(api, account, region, request.is_unfiltered());
        let fault = self.faults.iter().find_map(|rule| rule.strike(api)).filter(|_| is_admitted);
        self.struck.fetch_add(u64::from(fault.is_some()), Ordering::Relaxed);
        sleep(self.settings.latency).await;
        let service = request.operation.service();
        if !is_admitted {
            self.throttled.fetch_add(1, Ordering::Relaxed);
            return self.refuse(&request, Refusal::throttle(service));
        }
        let result = || self.result(&request, &world, fault);
        let whole = |result: Result<Value, Refusal>| Answer::new(protocol, request.operation.name(), result);
        match fault {
            None | Some(Fault::EmptyPageWithToken | Fault::RepeatedToken | Fault::Vanished) => {
                Outcome::Answered(whole(result()), Ending::Whole)
            }
            Some(Fault::Throttle) => self.refuse(&request, Refusal::throttle(service)),
            Some(Fault::AccessDenied) => self.refuse(&request, Refusal::access_denied(api, &world.target().caller_arn)),
            Some(Fault::ExpiredToken) => self.refuse(&request, Refusal::expired_token(service)),
            Some(Fault::InternalError) => self.refuse(&request, Refusal::internal(service)),
            Some(Fault::Unavailable) => self.refuse(&request, Refusal::unavailable(service)),
            Some(Fault::ConnectionReset) => Outcome::Reset,
            Some(Fault::WrongContentType) => Outcome::Answered(Answer::web_page(), Ending::Whole),
            Some(Fault::StalledBody) => Outcome::Answered(whole(result()), Ending::Stalls),
            Some(Fault::TruncatedBody) => Outcome::Answered(whole(result()), Ending::Breaks),
            Some(Fault::Garbage) => {
                let mut answer = whole(result());
                answer.body.truncate(half(&answer.body));
                Outcome::Answered(answer, Ending::Whole)
            }
        }
    }

    fn result(&self, request: &Request, world: &World, fault: Option<Fault>) -> Result<Value, Refusal> {
        Call::new(request.operation, &request.params, world, &self.settings, &self.memory, fault).answer()
    }

    fn refuse(&self, request: &Request, refusal: Refusal) -> Outcome {
        let answer = Answer::new(request.protocol, request.operation.name(), Err(refusal));
        Outcome::Answered(answer, Ending::Whole)
    }

    fn count(&self, api: &str) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        match requests.get_mut(api) {
            Some(count) => *count += 1,
            None => drop(requests.insert(api.to_owned(), 1)),
        }
    }

    /// Of the account and Region that a request is signed for; `None` for an account that isn't in the snapshot.
    fn world(&self, request: &Request) -> Option<Arc<World>> {
        let snapshot = &self.settings.snapshot;
        let account = match &request.account {
            Some(account) => account,
            None => &snapshot.targets.first()?.account,
        };
        if !snapshot.targets.iter().any(|target| target.account == *account) {
            return None;
        }
        let mut worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (account.clone(), request.region.clone());
        let idle = || Arc::new(World::idle(snapshot, account, &request.region));
        Some(Arc::clone(worlds.entry(place).or_insert_with(idle)))
    }
}

fn not_understood(unknown: Unknown) -> Answer {
    match unknown {
        Unknown::Service => {
            let message = "Request is missing Authentication Token, or is for a service that is not simulated";
            let refusal = Refusal::with_status(403, "MissingAuthenticationToken", message);
            Answer::new(Protocol::Query, "", Err(refusal))
        }
        Unknown::Operation(protocol, name) => {
            let code = match protocol {
                Protocol::Json | Protocol::RestJson => "UnknownOperationException",
                Protocol::RestXml | Protocol::Query | Protocol::Ec2 => "InvalidAction",
            };
            Answer::new(protocol, &name, Err(Refusal::bad(code, format!("The action {name} is not valid"))))
        }
    }
}

/// How the body of an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Whole,
    /// After half of it nothing comes any more, and the connection stays open.
    Stalls,
    /// After half of it the connection ends.
    Breaks,
}

/// Half of a text, at a character's beginning, and less than all of it.
fn half(text: &str) -> usize {
    (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn response(answer: Answer, ending: Ending) -> Response<WireBody> {
    let promised = answer.body.len() as u64;
    let mut text = answer.body;
    if ending != Ending::Whole {
        text.truncate(half(&text));
    }
    let body = WireBody { data: Some(Bytes::from(text)), promised, ending, end: None };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("statuses are written in this crate");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert("x-amzn-requestid", HeaderValue::from_static("00000000-0000-4000-8000-000000000000"));
    if let Some(value) = answer.error_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        headers.insert("x-amzn-errortype", value);
    }
    response
}

/// A body that may end before its end.
struct WireBody {
    data: Option<Bytes>,
    promised: u64,
    ending: Ending,
    end: Option<Pin<Box<Sleep>>>,
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.ending {
            Ending::Whole => Poll::Ready(None),
            Ending::Stalls => Poll::Pending,
            Ending::Breaks => {
                // What is written already leaves first: an error throws it away.
                let end = self.end.get_or_insert_with(|| Box::pin(sleep(FLUSH)));
                ready!(end.as_mut().poll(context));
                Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::UnexpectedEof))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.ending == Ending::Whole
    }
}
