//! SDK clients that answer from a fixture: real clients of the AWS SDK on a mocked transport.
//!
//! Each operation is one rule that computes its answer from the request, so that one fixture serves every test, page
//! sizes are a parameter, and a call that nobody planned for panics.

mod around;
mod balancing;
mod ec2;
mod ecs;
mod filters;
mod others;

pub use ecs::SENTINEL;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client};
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;
use aws_types::region::Region;
use ecs_network_audit::collect::{Clients, Meter, OwnRetries};
use ecs_network_audit::snapshot::{Snapshot, Target};

/// What AWS holds against a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller lacks the permission.
    AccessDenied,
    /// A web page with status 500, as stand-ins answer to what they don't know.
    WebPage,
    /// Throttled at every attempt.
    Throttled,
    /// Every page names the same next one.
    RepeatedToken,
}

/// Clients that answer from a snapshot.
pub struct Mock {
    target: Arc<Target>,
    page_size: usize,
    faults: BTreeMap<&'static str, Fault>,
    /// ARNs that are listed and then no longer there.
    vanished: BTreeSet<String>,
    rules: Vec<(&'static str, Rule)>,
}

/// What a rule needs to answer.
#[derive(Clone)]
struct World {
    target: Arc<Target>,
    page_size: usize,
    repeats: bool,
    vanished: Arc<BTreeSet<String>>,
    /// ARNs that were described before.
    seen: Arc<Mutex<BTreeSet<String>>>,
}

impl World {
    /// One page of items; the token is the place to go on from.
    fn page<T: Clone>(&self, items: &[T], token: Option<&str>) -> (Vec<T>, Option<String>) {
        let start: usize = token.map_or(0, |token| token.parse().expect("the token came from here"));
        let end = (start + self.page_size).min(items.len());
        let next = (end < items.len()).then(|| end.to_string());
        let next = if self.repeats { Some("0".to_owned()) } else { next };
        (items[start.min(end)..end].to_vec(), next)
    }
}

/// Adds the rule of an operation: its fault if there is one, else the answer.
macro_rules! answer {
    ($mock:expr, $api:literal, $operation:expr, |$world:ident, $input:ident| $output:expr) => {{
        let rule = match $mock.fault($api) {
            Some(fault) => aws_smithy_mocks::mock!($operation).then_http_response(move || fault.response($api)),
            None => {
                let $world = $mock.world($api);
                aws_smithy_mocks::mock!($operation).then_compute_output(move |$input| $output)
            }
        };
        $mock.add($api, rule);
    }};
}
use answer;

/// The same for an operation whose errors matter: the answer is a `Result`.
macro_rules! answer_or_error {
    ($mock:expr, $api:literal, $operation:expr, |$world:ident, $input:ident| $result:expr) => {{
        let rule = match $mock.fault($api) {
            Some(fault) => aws_smithy_mocks::mock!($operation).then_http_response(move || fault.response($api)),
            None => {
                let $world = $mock.world($api);
                aws_smithy_mocks::mock!($operation).then_compute_response(move |$input| {
                    let result = $result;
                    match result {
                        Ok(output) => aws_smithy_mocks::MockResponse::Output(output),
                        Err(error) => aws_smithy_mocks::MockResponse::Error(error),
                    }
                })
            }
        };
        $mock.add($api, rule);
    }};
}
use answer_or_error;

impl Fault {
    fn response(self, api: &str) -> Response {
        let (status, code, kind) = match self {
            Self::AccessDenied => (403, "AccessDenied", "text/xml"),
            Self::Throttled => (400, "Throttling", "text/xml"),
            Self::WebPage => (500, "", "text/html; charset=utf-8"),
            Self::RepeatedToken => unreachable!("a repeated token is answered with items"),
        };
        let service = api.split(':').next().unwrap_or_default();
        let json = matches!(
            service,
            "ecs"
                | "route53resolver"
                | "route53profiles"
                | "elasticfilesystem"
                | "ecr"
                | "events"
                | "scheduler"
                | "servicequotas"
        );
        let body = match (self, service, json) {
            (Self::WebPage, ..) => "<!doctype html><title>500 Internal Server Error</title>".to_owned(),
            (_, _, true) => format!(r#"{{"__type":"{code}Exception","message":"not authorized to perform {api}"}}"#),
            (_, "ec2", _) => {
                let code = if code == "AccessDenied" { "UnauthorizedOperation" } else { "RequestLimitExceeded" };
                format!(
                    "<Response><Errors><Error><Code>{code}</Code><Message>{api}</Message></Error></Errors></Response>"
                )
            }
            _ => format!("<ErrorResponse><Error><Code>{code}</Code><Message>{api}</Message></Error></ErrorResponse>"),
        };
        let mut response = Response::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
        response.headers_mut().insert("content-type", if json { "application/json" } else { kind });
        if json {
            response.headers_mut().insert("x-amzn-errortype", format!("{code}Exception"));
        }
        if self == Self::WebPage {
            response.headers_mut().insert("content-type", kind);
        }
        response
    }
}

impl Mock {
    pub fn new(snapshot: &Snapshot) -> Self {
        Self {
            target: Arc::new(snapshot.targets[0].clone()),
            page_size: 100,
            faults: BTreeMap::new(),
            vanished: BTreeSet::new(),
            rules: Vec::new(),
        }
    }

    pub fn page_size(mut self, items: usize) -> Self {
        self.page_size = items;
        self
    }

    pub fn fail(mut self, api: &'static str, fault: Fault) -> Self {
        self.faults.insert(api, fault);
        self
    }

    pub fn vanish(mut self, arn: &str) -> Self {
        self.vanished.insert(arn.to_owned());
        self
    }

    /// Requests for an operation so far, as the mocks saw them.
    pub fn calls(&self, api: &str) -> usize {
        self.rules.iter().filter(|(name, _)| *name == api).map(|(_, rule)| rule.num_calls()).sum()
    }

    /// The operations that were called.
    pub fn called(&self) -> BTreeSet<&'static str> {
        self.rules.iter().filter(|(_, rule)| rule.num_calls() > 0).map(|(api, _)| *api).collect()
    }

    /// All requests so far.
    pub fn all_calls(&self) -> usize {
        self.rules.iter().map(|(_, rule)| rule.num_calls()).sum()
    }

    fn fault(&self, api: &str) -> Option<Fault> {
        self.faults.get(api).copied().filter(|fault| *fault != Fault::RepeatedToken)
    }

    fn world(&self, api: &str) -> World {
        World {
            target: Arc::clone(&self.target),
            page_size: self.page_size,
            repeats: self.faults.get(api) == Some(&Fault::RepeatedToken),
            vanished: Arc::new(self.vanished.clone()),
            seen: Arc::default(),
        }
    }

    fn add(&mut self, api: &'static str, rule: Rule) {
        self.rules.push((api, rule));
    }

    /// The clients, one for each service.
    pub fn clients(&mut self) -> Clients {
        self.rules.clear();
        ecs::rules(self);
        ec2::rules(self);
        filters::rules(self);
        balancing::rules(self);
        others::rules(self);
        around::rules(self);
        let meter = Meter::default();
        let interceptor = |service: &str| {
            let own = self.rules.iter().filter(|(api, _)| api.split(':').next() == Some(service));
            let start = MockResponseInterceptor::new().rule_mode(RuleMode::MatchAny);
            own.fold(start, |interceptor, (_, rule)| interceptor.with_rule(rule))
        };
        macro_rules! client {
            ($sdk:ident, $service:literal) => {
                $sdk::Client::from_conf(
                    $sdk::Config::builder()
                        .behavior_version($sdk::config::BehaviorVersion::v2026_01_12())
                        .region(Region::new("eu-west-1"))
                        .credentials_provider($sdk::config::Credentials::new("id", "key", None, None, "mock"))
                        .retry_config(
                            $sdk::config::retry::RetryConfig::standard()
                                .with_max_attempts(2)
                                .with_initial_backoff(std::time::Duration::from_millis(1)),
                        )
                        .retry_classifier(OwnRetries)
                        .http_client(create_mock_http_client())
                        .interceptor(interceptor($service))
                        .interceptor(meter.clone())
                        .build(),
                )
            };
        }
        Clients {
            sts: client!(aws_sdk_sts, "sts"),
            ecs: client!(aws_sdk_ecs, "ecs"),
            ec2: client!(aws_sdk_ec2, "ec2"),
            elbv2: client!(aws_sdk_elasticloadbalancingv2, "elasticloadbalancing"),
            autoscaling: client!(aws_sdk_autoscaling, "autoscaling"),
            route53: client!(aws_sdk_route53, "route53"),
            route53resolver: client!(aws_sdk_route53resolver, "route53resolver"),
            route53profiles: client!(aws_sdk_route53profiles, "route53profiles"),
            efs: client!(aws_sdk_efs, "elasticfilesystem"),
            ecr: client!(aws_sdk_ecr, "ecr"),
            eventbridge: client!(aws_sdk_eventbridge, "events"),
            scheduler: client!(aws_sdk_scheduler, "scheduler"),
            servicequotas: client!(aws_sdk_servicequotas, "servicequotas"),
            meter,
        }
    }
}
