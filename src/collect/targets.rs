//! Several accounts and Regions in one scan: log in to each account once, then read the Regions of all of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::call::{Caller, Manners};
use super::identity::{self, Asked, Identity};
use super::limits::Limits;
use super::session::{self, Session};
use super::{Clients, CollectError, Event, Login, Regions, Request, Sink, plan};
use crate::snapshot::coverage::CallStats;
use crate::snapshot::{SCHEMA_VERSION, Snapshot, Target, UnreadTarget};

/// Accounts and Regions that are read at the same time: each has limits of its own at AWS, the machine has only one.
const AT_ONCE: usize = 8;

/// An account that can be read.
struct Account {
    session: Session,
    identity: Identity,
    regions: Vec<String>,
    /// What it took to find that out.
    calls: CallStats,
}

/// One account and Region, and clients to read it with.
pub(super) struct Place {
    pub(super) identity: Identity,
    pub(super) region: String,
    pub(super) endpoint_override: Option<String>,
    pub(super) clients: Clients,
}

/// Loads the configuration, checks who is calling, and reads. What can't be read at all is part of the snapshot.
///
/// # Errors
/// When nothing can be read at all: no or bad credentials, profile, Region or endpoint; one error for each login.
pub async fn collect(
    request: &Request,
    sink: Sink,
    cancel: CancellationToken,
) -> Result<Snapshot, Vec<(Login, CollectError)>> {
    let (started_at, deadline) = (Timestamp::now(), Instant::now() + request.timeout);
    let http = session::http_client().map_err(|error| vec![(Login::default(), error)])?;
    let (limit, limits) = (Arc::new(Semaphore::new(AT_ONCE)), Limits::new(request.quota_share, request.pace.moment()));
    let opened = plan::each(request.logins.clone(), |login| {
        let (regions, http) = (request.regions.clone(), http.clone());
        let (limit, cancel) = (Arc::clone(&limit), cancel.clone());
        let manners = Manners {
            limits: Arc::clone(&limits),
            pace: request.pace,
            deadline,
            cancel: cancel.clone(),
            sink: Arc::clone(&sink),
        };
        async move {
            let _permit = limit.acquire_owned().await;
            let opened = tokio::select! {
                opened = log_in(&login, &regions, http, manners) => opened,
                () = cancel.cancelled() => Err(CollectError::Interrupted),
                () = tokio::time::sleep_until(deadline) => Err(CollectError::OutOfTime),
            };
            (login, opened)
        }
    });
    let (mut accounts, mut unread_targets, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (login, opened) in opened.await {
        match opened {
            Ok(account) => accounts.push(account),
            Err(error) => {
                unread_targets.extend(unread(&login, &request.regions, &error));
                errors.push((login, error));
            }
        }
    }
    if accounts.is_empty() {
        return Err(errors);
    }
    let places = places(&accounts, &sink);
    sink(Event::TargetsPlanned(places.len()));
    let mut targets = plan::each(places, |(place, calls)| {
        let (request, sink, limit) = (request.clone(), Arc::clone(&sink), Arc::clone(&limit));
        let (limits, cancel, pace) = (Arc::clone(&limits), cancel.clone(), request.pace);
        let manners = Manners { limits, pace, deadline, cancel, sink: Arc::clone(&sink) };
        async move {
            let _permit = limit.acquire_owned().await;
            let mut target = read(place, &request, manners).await;
            target.identity_calls.calls += calls.calls;
            target.identity_calls.throttled += calls.throttled;
            sink(Event::TargetFinished);
            target
        }
    })
    .await;
    targets.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
    unread_targets.sort();
    Ok(snapshot(request, started_at, targets, unread_targets))
}

/// What was read, with the time of the last answer.
pub(super) fn snapshot(
    request: &Request,
    started_at: Timestamp,
    targets: Vec<Target>,
    unread_targets: Vec<UnreadTarget>,
) -> Snapshot {
    Snapshot {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at,
        finished_at: Timestamp::now(),
        demo: false,
        scope: request.scope.clone(),
        targets,
        unread_targets,
    }
}

async fn log_in(
    login: &Login,
    regions: &Regions,
    http: SharedHttpClient,
    manners: Manners,
) -> Result<Account, CollectError> {
    let session = session::open(login, regions, http, &manners.sink).await?;
    let clients = session.clients(&session.region);
    let asked = Asked {
        login,
        profile: session.profile.as_deref(),
        region: &session.region,
        endpoint_override: session.endpoint_override.as_deref(),
    };
    let identity = identity::identity(&clients.sts, &asked).await?;
    let regions = match regions {
        Regions::Default => vec![session.region.clone()],
        Regions::Named(names) => names.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect(),
        Regions::Enabled { except } => {
            let caller = Caller::new(&identity.account, &session.region, manners);
            let enabled = identity::enabled_regions(&clients.ec2, &caller, &session.region).await?;
            let left = Regions::without(except, enabled);
            if left.is_empty() {
                return Err(CollectError::NoRegionLeft);
            }
            left
        }
    };
    let (_, calls) = clients.meter.by_dataset();
    Ok(Account { session, identity, regions, calls })
}

/// Each account and Region once, however many logins lead there.
fn places(accounts: &[Account], sink: &Sink) -> Vec<(Place, CallStats)> {
    let (mut places, mut seen) = (Vec::new(), BTreeSet::new());
    for Account { session, identity, regions, calls } in accounts {
        let mut calls = *calls;
        for region in regions {
            if !seen.insert((&identity.account, region)) {
                let (login, account) = (session.login(), &identity.account);
                sink(Event::Warning(format!("{login} is account {account} as well: {region} is read once")));
                continue;
            }
            let place = Place {
                identity: identity.clone(),
                region: region.clone(),
                endpoint_override: session.endpoint_override.clone(),
                clients: session.clients(region),
            };
            places.push((place, std::mem::take(&mut calls)));
        }
    }
    places
}

/// What an account that could not be logged in to leaves unread.
fn unread(login: &Login, regions: &Regions, error: &CollectError) -> Vec<UnreadTarget> {
    let of = |region: Option<&String>| UnreadTarget {
        account: login.account().map(str::to_owned),
        region: region.cloned(),
        login: login.to_string(),
        error: error.to_string(),
        help: error.hints(),
    };
    match regions {
        Regions::Named(names) => names.iter().collect::<BTreeSet<_>>().into_iter().map(|name| of(Some(name))).collect(),
        Regions::Default | Regions::Enabled { .. } => vec![of(None)],
    }
}

/// Reads one account and Region.
pub(super) async fn read(place: Place, request: &Request, manners: Manners) -> Target {
    let Place { identity, region, endpoint_override, clients } = place;
    let caller = Caller::new(&identity.account, &region, manners);
    caller.tell(Event::TargetStarted {
        account: identity.account.clone(),
        region: region.clone(),
        endpoint_override: endpoint_override.clone(),
    });
    let meter = clients.meter.clone();
    let data = Box::pin(plan::read(clients, caller, &identity.account, &region, request)).await;
    let (calls, identity_calls) = meter.by_dataset();
    Target {
        account: identity.account,
        region,
        partition: identity.partition,
        caller_arn: identity.arn,
        endpoint_override,
        data,
        calls,
        identity_calls,
    }
}
