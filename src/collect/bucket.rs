//! A token bucket like those that AWS keeps, on the caller's side: requests wait here instead of being throttled there.
//! When AWS throttles all the same, somebody else is using the quota: the rate falls by a factor and rises by a step.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use super::limits::Limit;

/// What a throttled answer leaves of the rate.
const DECREASE: f64 = 0.85;
/// What comes back in a second without one, of the full rate.
const INCREASE_PER_SECOND: f64 = 0.015;
/// Of the burst, what is never used.
const SLACK: f64 = 0.1;
/// The least that is left, of the full rate.
const LEAST: f64 = 0.1;
/// So many moments in which all was throttled mean that the quota refuses, and nothing but patience is lost by giving up.
const REFUSING_MOMENTS: u32 = 8;
/// Requests of one bucket that are under way: enough to hide slow answers at every published rate.
const IN_FLIGHT: usize = 32;

/// One quota of one account and Region.
#[derive(Debug)]
pub(super) struct Bucket {
    state: Mutex<State>,
    /// Whoever has it is the next one: requests go out in the order in which they came.
    turn: tokio::sync::Mutex<()>,
    in_flight: Semaphore,
}

#[derive(Debug)]
struct State {
    full_rate: f64,
    capacity: f64,
    rate: f64,
    tokens: f64,
    at: Instant,
    /// Nothing is sent before it.
    not_before: Instant,
    slowed_at: Option<Instant>,
    /// Throttled answers this close to each other tell of the same moment.
    moment: Duration,
    /// How often in a row it was slowed down, without an answer in between.
    refused_moments: u32,
}

/// A request may be sent; dropped when it was answered.
pub(super) type Permit<'a> = tokio::sync::SemaphorePermit<'a>;

impl Bucket {
    /// A full bucket with a share of the published quota.
    pub(super) fn new(limit: Limit, share: f64, moment: Duration) -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State::new(limit, share, moment, now)),
            turn: tokio::sync::Mutex::new(()),
            in_flight: Semaphore::new(IN_FLIGHT),
        }
    }

    /// Waits for a token.
    pub(super) async fn take(&self) -> Permit<'_> {
        let permit = self.in_flight.acquire().await.expect("the semaphore is never closed");
        let _turn = self.turn.lock().await;
        loop {
            let ready = self.state().take(Instant::now());
            match ready {
                Ok(()) => return permit,
                Err(at) => sleep_until(at).await,
            }
        }
    }

    /// A request came through.
    pub(super) fn answered(&self) {
        self.state().refused_moments = 0;
    }

    /// AWS throttled a request, and may have said when to come again.
    pub(super) fn throttled(&self, retry_after: Option<Duration>) {
        self.state().throttled(Instant::now(), retry_after);
    }

    /// Whether nothing has come through for long.
    pub(super) fn refuses(&self) -> bool {
        self.state().refused_moments >= REFUSING_MOMENTS
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(limit: Limit, share: f64, moment: Duration, now: Instant) -> Self {
        let full_rate = limit.per_second * share;
        // Less than there is: requests that are late and then come close together must not find the bucket empty at AWS.
        let slack = (limit.burst * SLACK).max(2.0);
        let capacity = (limit.burst * share - slack).max(1.0);
        Self {
            full_rate,
            capacity,
            rate: full_rate,
            tokens: capacity,
            at: now,
            not_before: now,
            slowed_at: None,
            moment,
            refused_moments: 0,
        }
    }

    /// Takes a token, or says when to ask again.
    fn take(&mut self, now: Instant) -> Result<(), Instant> {
        self.refill(now);
        if now < self.not_before {
            return Err(self.not_before);
        }
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(now + Duration::from_secs_f64((1.0 - self.tokens) / self.rate))
    }

    fn refill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.tokens = (self.tokens + seconds * self.rate).min(self.capacity);
        self.rate = (self.rate + seconds * INCREASE_PER_SECOND * self.full_rate).min(self.full_rate);
    }

    fn throttled(&mut self, now: Instant, retry_after: Option<Duration>) {
        self.refill(now);
        if let Some(delay) = retry_after {
            self.not_before = self.not_before.max(now + delay);
        }
        self.tokens = self.tokens.min(0.0);
        if self.slowed_at.is_some_and(|at| now.saturating_duration_since(at) < self.moment) {
            return;
        }
        self.slowed_at = Some(now);
        self.refused_moments += 1;
        self.rate = (self.rate * DECREASE).max(self.full_rate * LEAST);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: Limit = Limit { burst: 50.0, per_second: 20.0 };
    const MOMENT: Duration = Duration::from_millis(400);

    fn after(start: Instant, seconds: f64) -> Instant {
        start + Duration::from_secs_f64(seconds)
    }

    /// Requests that go out until then, asking again whenever that is allowed.
    fn sent(state: &mut State, from: Instant, until: Instant) -> usize {
        let (mut now, mut count) = (from, 0);
        while now < until {
            match state.take(now) {
                Ok(()) => count += 1,
                Err(at) => now = at.max(now + Duration::from_micros(1)),
            }
        }
        count
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut state = State::new(LIMIT, 1.0, MOMENT, start);
        assert_eq!(sent(&mut state, start, after(start, 0.001)), 45);
        let count = sent(&mut state, after(start, 0.001), after(start, 10.0));
        assert!((199..=200).contains(&count), "{count}");
    }

    #[test]
    fn a_share_leaves_the_rest_to_others() {
        let start = Instant::now();
        let mut state = State::new(LIMIT, 0.8, MOMENT, start);
        assert_eq!(sent(&mut state, start, after(start, 0.001)), 35);
        let count = sent(&mut state, after(start, 0.001), after(start, 10.0));
        assert!((159..=160).contains(&count), "{count}");
    }

    #[test]
    fn a_throttled_answer_slows_down_and_time_speeds_up_again() {
        let start = Instant::now();
        let mut state = State::new(LIMIT, 1.0, MOMENT, start);
        state.throttled(start, None);
        let slow = sent(&mut state, start, after(start, 1.0));
        assert!((16..=18).contains(&slow), "{slow}");
        state.throttled(after(start, 1.0), None);
        state.throttled(after(start, 1.001), None);
        assert!(state.rate > 20.0 * DECREASE * DECREASE, "the same moment counts once");
        state.refill(after(start, 60.0));
        assert!((state.rate - 20.0).abs() < 1e-9);
    }

    #[test]
    fn it_refuses_when_nothing_comes_through_for_long() {
        let bucket = Bucket::new(LIMIT, 1.0, Duration::ZERO);
        (0..REFUSING_MOMENTS - 1).for_each(|_| bucket.throttled(None));
        assert!(!bucket.refuses());
        bucket.throttled(None);
        assert!(bucket.refuses());
        bucket.answered();
        assert!(!bucket.refuses());
        let bucket = Bucket::new(LIMIT, 1.0, Duration::from_secs(60));
        (0..100).for_each(|_| bucket.throttled(None));
        assert!(!bucket.refuses(), "a burst that is throttled as a whole is one moment");
    }

    #[test]
    fn a_time_that_aws_names_is_kept() {
        let start = Instant::now();
        let mut state = State::new(LIMIT, 1.0, MOMENT, start);
        state.throttled(start, Some(Duration::from_secs(3)));
        assert_eq!(sent(&mut state, start, after(start, 2.9)), 0);
        assert!(sent(&mut state, after(start, 2.9), after(start, 3.5)) > 0);
    }

    proptest! {
        /// Whatever happens, no more goes out than AWS's own bucket holds.
        #[test]
        fn never_more_than_the_quota(
            share in 0.05..=1.0f64,
            pauses in proptest::collection::vec((0.0..3.0f64, any::<bool>()), 1..40),
        ) {
            let start = Instant::now();
            let mut state = State::new(LIMIT, share, MOMENT, start);
            let (mut now, mut tokens_at_aws, mut at) = (start, LIMIT.burst * share, start);
            for (pause, throttle) in pauses {
                now = after(now, pause);
                if throttle {
                    state.throttled(now, None);
                }
                while state.take(now).is_ok() {
                    let seconds = now.saturating_duration_since(at).as_secs_f64();
                    tokens_at_aws = (tokens_at_aws + seconds * LIMIT.per_second * share).min(LIMIT.burst * share);
                    at = now;
                    tokens_at_aws -= 1.0;
                    prop_assert!(tokens_at_aws >= -1e-6 || LIMIT.burst * share < 2.0);
                }
            }
        }
    }
}
