//! A simulated AWS endpoint: a server on loopback that answers from a snapshot as the APIs that the collector reads.
//!
//! It talks HTTP, so real SDK clients and the real binary can be pointed at it; it limits requests as AWS does, and
//! fails in all the ways that networks and services do.

mod answer;
mod call;
mod clients;
mod dns;
mod ec2;
mod ecs;
mod ecs_shapes;
mod elb;
mod faults;
mod hosts;
mod limits;
mod network;
mod operations;
mod params;
mod request;
mod schedules;
mod server;
mod storage;
mod sts;
mod task_definition;
mod world;
mod xml;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ecs_network_audit::snapshot::Snapshot;
use tokio::runtime::Runtime;

pub use clients::{ClientOptions, clients, clients_with};
pub use faults::{Fault, FaultRule};
pub use limits::Buckets;
use server::Server;

/// What an endpoint serves, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The targets are chosen by the account and the Region that a request is signed for. An access key
    /// `ACCOUNT-<12 digits>` names the account; any other is one of the first target's account.
    pub snapshot: Arc<Snapshot>,
    /// Regions in which the accounts have nothing, for `DescribeRegions`.
    pub idle_regions: Vec<String>,
    /// How long an answer takes.
    pub latency: Duration,
    /// Whether requests are throttled.
    pub buckets: Buckets,
    /// How much comes in a page.
    pub pages: PageSizes,
    /// What goes wrong. The first rule that strikes decides.
    pub faults: Vec<FaultRule>,
    /// The port to listen on; 0 for any.
    pub port: u16,
}

impl Settings {
    /// A snapshot without delay, limits or faults.
    pub fn of(snapshot: impl Into<Arc<Snapshot>>) -> Self {
        Self {
            snapshot: snapshot.into(),
            idle_regions: Vec::new(),
            latency: Duration::ZERO,
            buckets: Buckets::Off,
            pages: PageSizes::Aws,
            faults: Vec::new(),
            port: 0,
        }
    }
}

/// How much comes in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSizes {
    /// What was asked for, up to what AWS gives.
    Aws,
    /// The same, but never more than this.
    AtMost(usize),
}

/// A server that stops when it is dropped.
pub struct Endpoint {
    address: SocketAddr,
    server: Arc<Server>,
    runtime: Option<Runtime>,
}

impl Endpoint {
    /// Starts to listen. The server has its own threads: it works with and without a runtime around it.
    ///
    /// # Errors
    /// When the port is taken, or threads can't be had.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("simulated-aws")
            .enable_all()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let server = Arc::new(Server::new(settings));
        runtime.spawn(Arc::clone(&server).listen(listener));
        Ok(Self { address, server, runtime: Some(runtime) })
    }

    /// `http://127.0.0.1:…`, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far, by operation.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.server.requests()
    }

    /// Requests so far.
    pub fn total(&self) -> u64 {
        self.requests().values().sum()
    }

    /// Requests that a bucket had no token for.
    pub fn throttled(&self) -> u64 {
        self.server.throttled.load(Ordering::Relaxed)
    }

    /// Answers that a fault spoiled.
    pub fn struck(&self) -> u64 {
        self.server.struck.load(Ordering::Relaxed)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Answers that never end would be waited for otherwise.
            runtime.shutdown_background();
        }
    }
}
