//! Reads an account: the only module that knows the AWS SDK. It calls nothing but what [`dataset`] lists.

mod autoscaling;
mod bucket;
mod call;
mod convert;
pub mod dataset;
mod dns;
mod ec2;
mod ec2_convert;
mod ecs;
mod ecs_convert;
mod elbv2;
mod error;
mod identity;
mod limits;
mod login;
mod plan;
mod pool;
mod privacy;
mod revisions;
mod schedules;
mod session;
mod storage;
mod targets;
mod task_definition;
mod vpc_links;
mod whole;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use call::{Meter, OwnRetries, Pace};
pub use error::CollectError;
pub use login::{Login, Regions, Role};
pub use targets::collect;
pub use whole::WholeAnswers;

use crate::snapshot::coverage::Dataset;
use crate::snapshot::{Scope, Snapshot};
use call::Manners;
use identity::Asked;
use limits::Limits;
use targets::Place;

/// What to read, and as whom.
#[derive(Clone, Debug)]
pub struct Request {
    /// As whom to read; one for each account.
    pub logins: Vec<Login>,
    /// Where to read, of each account.
    pub regions: Regions,
    /// Limits clusters and services by name.
    pub scope: Scope,
    /// The datasets that the selected rules need.
    pub datasets: BTreeSet<Dataset>,
    /// What isn't read by then is reported as unread.
    pub timeout: Duration,
    /// The share of AWS's published request quotas to use, above 0; more than 1 where nothing is throttled, as in tests.
    pub quota_share: f64,
    /// How throttled requests come again.
    pub pace: Pace,
}

/// What happens while reading.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Event {
    TargetsPlanned(usize),
    TargetFinished,
    TargetStarted { account: String, region: String, endpoint_override: Option<String> },
    DatasetStarted(Dataset),
    Progress { dataset: Dataset, items: usize },
    Throttled { operation: &'static str },
    DatasetFinished { dataset: Dataset, status: &'static str, items: usize },
    Warning(String),
}

/// Receives the events; called from many tasks.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;

/// One client for each AWS service that is read, and the meter that is installed in them.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the services")]
pub struct Clients {
    pub sts: aws_sdk_sts::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub ec2: aws_sdk_ec2::Client,
    pub elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub autoscaling: aws_sdk_autoscaling::Client,
    pub route53: aws_sdk_route53::Client,
    pub route53resolver: aws_sdk_route53resolver::Client,
    pub route53profiles: aws_sdk_route53profiles::Client,
    pub efs: aws_sdk_efs::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub eventbridge: aws_sdk_eventbridge::Client,
    pub scheduler: aws_sdk_scheduler::Client,
    pub servicequotas: aws_sdk_servicequotas::Client,
    pub meter: Meter,
}

/// Reads one account and Region with clients that are there already.
///
/// # Errors
/// When the caller's identity can't be read.
pub async fn collect_with(
    clients: Clients,
    region: &str,
    request: &Request,
    sink: Sink,
    cancel: CancellationToken,
) -> Result<Snapshot, CollectError> {
    let (started_at, deadline) = (Timestamp::now(), Instant::now() + request.timeout);
    let asked = Asked { login: &Login::default(), profile: None, region, endpoint_override: None };
    let identity = tokio::select! {
        identity = identity::identity(&clients.sts, &asked) => identity?,
        () = cancel.cancelled() => return Err(CollectError::Interrupted),
    };
    let place = Place { identity, region: region.to_owned(), endpoint_override: None, clients };
    let limits = Limits::new(request.quota_share, request.pace.moment());
    let manners = Manners { limits, pace: request.pace, deadline, cancel, sink };
    let target = targets::read(place, request, manners).await;
    Ok(targets::snapshot(request, started_at, vec![target], Vec::new()))
}
