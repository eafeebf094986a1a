//! Reads an account: the only module that knows the AWS SDK. It calls nothing but what [`dataset`] lists.

mod autoscaling;
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
mod plan;
mod privacy;
mod schedules;
mod session;
mod storage;
mod task_definition;
mod vpc_links;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use call::{Meter, NoRetryOfWebPages};
pub use error::CollectError;

use crate::snapshot::coverage::Dataset;
use crate::snapshot::{SCHEMA_VERSION, Scope, Snapshot, Target};
use call::Caller;

/// What to read, and as whom.
#[derive(Clone, Debug)]
pub struct Request {
    /// A profile of the AWS configuration; `None` for the default chain.
    pub profile: Option<String>,
    /// A Region; `None` for the one of the profile or environment.
    pub region: Option<String>,
    /// Limits clusters and services by name.
    pub scope: Scope,
    /// The datasets that the selected rules need.
    pub datasets: BTreeSet<Dataset>,
    /// What isn't read by then is reported as unread.
    pub timeout: Duration,
}

/// What happens while reading.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Event {
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

/// Loads the configuration, checks who is calling, and reads.
///
/// # Errors
/// When nothing can be read at all: no or bad credentials, profile, Region or endpoint.
pub async fn collect(request: &Request, sink: Sink, cancel: CancellationToken) -> Result<Snapshot, CollectError> {
    let session = tokio::select! {
        session = session::open(request, &sink) => session?,
        () = cancel.cancelled() => return Err(CollectError::Interrupted),
    };
    collect_with(session.clients, &session.region, session.endpoint_override, request, sink, cancel).await
}

/// Reads with clients that are there already.
///
/// # Errors
/// When the caller's identity can't be read.
pub async fn collect_with(
    clients: Clients,
    region: &str,
    endpoint_override: Option<String>,
    request: &Request,
    sink: Sink,
    cancel: CancellationToken,
) -> Result<Snapshot, CollectError> {
    let started_at = Timestamp::now();
    let profile = request.profile.as_deref();
    let identity = tokio::select! {
        identity = session::identity(&clients.sts, profile, region, endpoint_override.as_deref()) => identity?,
        () = cancel.cancelled() => return Err(CollectError::Interrupted),
    };
    let caller = Caller::new(cancel, request.timeout, sink);
    caller.tell(Event::TargetStarted {
        account: identity.account.clone(),
        region: region.to_owned(),
        endpoint_override: endpoint_override.clone(),
    });
    let meter = clients.meter.clone();
    let data = Box::pin(plan::read(clients, caller, &identity.account, region, request)).await;
    let (calls, identity_calls) = meter.by_dataset();
    let target = Target {
        account: identity.account,
        region: region.to_owned(),
        partition: identity.partition,
        caller_arn: identity.arn,
        endpoint_override,
        data,
        calls,
        identity_calls,
    };
    Ok(Snapshot {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at,
        finished_at: Timestamp::now(),
        demo: false,
        scope: request.scope.clone(),
        targets: vec![target],
    })
}
