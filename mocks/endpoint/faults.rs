//! What goes wrong, and when.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use super::operations;

/// What an endpoint does instead of answering, or to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Too many requests, in the words of the service.
    Throttle,
    /// The caller lacks the permission.
    AccessDenied,
    /// The session's token has expired.
    ExpiredToken,
    /// Status 500.
    InternalError,
    /// Status 503.
    Unavailable,
    /// The connection is reset instead of an answer.
    ConnectionReset,
    /// Headers and half of the body, then nothing any more.
    StalledBody,
    /// Half of the body that the headers promise, then the end of the connection.
    TruncatedBody,
    /// A web page with status 200.
    WrongContentType,
    /// Status 200 with half of the body, which no parser takes.
    Garbage,
    /// The first page is empty, and its token leads on to the real first page.
    EmptyPageWithToken,
    /// Each page names itself as the next.
    RepeatedToken,
    /// Of what a request names, the first thing is gone.
    Vanished,
}

impl Fault {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Throttle,
        Self::AccessDenied,
        Self::ExpiredToken,
        Self::InternalError,
        Self::Unavailable,
        Self::ConnectionReset,
        Self::StalledBody,
        Self::TruncatedBody,
        Self::WrongContentType,
        Self::Garbage,
        Self::EmptyPageWithToken,
        Self::RepeatedToken,
        Self::Vanished,
    ];

    /// Whether it makes a difference to this operation: tokens need pages, and only what is named can have gone.
    pub fn applies(self, api: &str) -> bool {
        let Some(operation) = operations::find(api) else { return false };
        match self {
            Self::EmptyPageWithToken | Self::RepeatedToken => operation.paging.is_some(),
            Self::Vanished => operation.named.is_some(),
            _ => true,
        }
    }
}

/// When a fault strikes.
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// An operation such as `ecs:DescribeTasks`, or `*` for all.
    pub api: String,
    /// What happens.
    pub fault: Fault,
    /// How many matching requests pass before it begins.
    pub from: u64,
    /// How many times it strikes; `None`: for ever.
    pub times: Option<u64>,
    /// How likely it strikes a request, from 0 to 1.
    pub probability: f64,
    /// Of the chances: the same seed strikes the same requests.
    pub seed: u64,
}

impl FaultRule {
    /// Strikes every request for an operation.
    pub fn always(api: &str, fault: Fault) -> Self {
        Self { api: api.to_owned(), fault, from: 0, times: None, probability: 1.0, seed: 0 }
    }

    /// Strikes the first requests only.
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Lets some requests pass first.
    pub fn after(self, from: u64) -> Self {
        Self { from, ..self }
    }

    /// Strikes by chance.
    pub fn by_chance(self, probability: f64, seed: u64) -> Self {
        Self { probability, seed, ..self }
    }
}

/// A rule with its counts.
pub(super) struct Armed {
    rule: FaultRule,
    matched: AtomicU64,
    struck: AtomicU64,
}

impl Armed {
    pub(super) fn new(rule: FaultRule) -> Self {
        Self { rule, matched: AtomicU64::new(0), struck: AtomicU64::new(0) }
    }

    /// The fault, if it strikes this request.
    pub(super) fn strike(&self, api: &str) -> Option<Fault> {
        let rule = &self.rule;
        if (rule.api != "*" && rule.api != api) || !rule.fault.applies(api) {
            return None;
        }
        let number = self.matched.fetch_add(1, Ordering::Relaxed);
        if number < rule.from || chance(rule.seed, number) >= rule.probability {
            return None;
        }
        let struck = self.struck.fetch_add(1, Ordering::Relaxed);
        rule.times.is_none_or(|times| struck < times).then_some(rule.fault)
    }
}

/// A number from 0 up to 1 that depends on nothing but the seed and the request's number.
fn chance(seed: u64, number: u64) -> f64 {
    let mut hasher = DefaultHasher::new();
    (seed, number).hash(&mut hasher);
    // 53 bits are what a float holds exactly.
    (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64
}
