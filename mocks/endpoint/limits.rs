//! Token buckets as AWS keeps them, for each account and Region, of `limits.csv`.
//!
//! Operations without a published limit have none here. Where only a rate is published, the bucket holds one second of
//! it. EC2 has a smaller bucket for calls with neither a filter nor a page size.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

static LIMITS: &str = include_str!("limits.csv");

/// Whether requests are throttled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Buckets {
    /// Never.
    Off,
    /// As AWS does.
    Aws {
        /// The share of each bucket and of its refill that another client of the account uses up: 0.5 is half.
        other_client: f64,
    },
}

#[derive(Clone, Debug)]
struct Limit {
    bucket: String,
    of_account: bool,
    normal: Rate,
    unfiltered: Option<Rate>,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: f64,
    per_second: f64,
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// The buckets of all accounts.
pub(super) struct Limiter {
    limits: BTreeMap<String, Limit>,
    left: f64,
    buckets: Mutex<HashMap<(String, String, String), Bucket>>,
}

impl Limiter {
    pub(super) fn new(buckets: Buckets) -> Self {
        let (limits, left) = match buckets {
            Buckets::Off => (BTreeMap::new(), 1.0),
            Buckets::Aws { other_client } => (limits(), (1.0 - other_client).clamp(0.0, 1.0)),
        };
        Self { limits, left, buckets: Mutex::default() }
    }

    /// Takes a token for a request; `false` if there is none.
    pub(super) fn admits(&self, api: &str, account: &str, region: &str, is_unfiltered: bool) -> bool {
        let Some(limit) = self.limits.get(api) else { return true };
        let (rate, kind) = match limit.unfiltered.filter(|_| is_unfiltered) {
            Some(rate) => (rate, "|unfiltered"),
            None => (limit.normal, ""),
        };
        // Nobody else can take all of it: a bucket that never holds a token would answer nothing ever.
        let (burst, per_second) = ((rate.burst * self.left).max(1.0), rate.per_second * self.left);
        let region = if limit.of_account { "" } else { region };
        let key = (account.to_owned(), region.to_owned(), format!("{}{kind}", limit.bucket));
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: burst, filled: now });
        let refill = now.duration_since(bucket.filled).as_secs_f64() * per_second;
        bucket.tokens = (bucket.tokens + refill).min(burst);
        bucket.filled = now;
        let has_token = bucket.tokens >= 1.0;
        if has_token {
            bucket.tokens -= 1.0;
        }
        has_token
    }
}

fn limits() -> BTreeMap<String, Limit> {
    let mut reader = csv::Reader::from_reader(LIMITS.as_bytes());
    let rows = reader.records().map(|row| row.expect("the table is part of the program"));
    rows.map(|row| {
        let rate = |burst: usize, per_second: usize| {
            Some(Rate { burst: row[burst].parse().ok()?, per_second: row[per_second].parse().ok()? })
        };
        let normal = rate(3, 4).expect("every row has a burst and a rate");
        let limit =
            Limit { bucket: row[1].to_owned(), of_account: &row[2] == "account", normal, unfiltered: rate(5, 6) };
        (row[0].to_owned(), limit)
    })
    .collect()
}
