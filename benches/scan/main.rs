//! How close a scan of a large account comes to the least time that AWS's request quotas allow.
//!
//! `cargo bench --bench scan` scans size M against a simulated endpoint with AWS's token buckets and 30 ms latency: with the
//! whole of the quotas, with the default share, and while somebody else eats half of every bucket. Each run takes minutes.
//! Then it scans it 20 times under random throttling and errors. With `pace` or `faults` it does one of the two.
//!
//! With `AUDIT_BENCH_URL`, the URL of `simulated-aws --no-limits`, it scans and judges what is served there without pacing and
//! prints the peak of its own memory.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark has no readers of its API")]

mod least;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecs_network_audit::collect::{Pace, Regions, Request, collect_with};
use ecs_network_audit::engine::evaluate;
use ecs_network_audit::rules;
use ecs_network_audit::saved::SavedReport;
use ecs_network_audit::settings::Settings as Rules;
use ecs_network_audit::snapshot::{Scope, Snapshot};
use mimalloc::MiMalloc;
use mocks::endpoint::{Buckets, ClientOptions, Endpoint, Fault, FaultRule, Settings, clients_with};
use mocks::flips::flips;
use mocks::generate::{Health, Size, generate};
use tokio_util::sync::CancellationToken;

/// The one that the binary has.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const LATENCY: Duration = Duration::from_millis(30);
/// Calls that wait for each other on the longest chain: identity, clusters, services, target groups' health and a page each.
const CHAIN: u32 = 8;

/// Burst and refill of the buckets that decide, with the operations that draw from them.
const BUCKETS: &[(&str, f64, f64, &[&str])] = &[
    ("service-read", 100.0, 20.0, &["ecs:ListServices", "ecs:DescribeServices"]),
    (
        "cluster-resource-read",
        100.0,
        20.0,
        &["ecs:ListTasks", "ecs:DescribeTasks", "ecs:ListContainerInstances", "ecs:DescribeContainerInstances"],
    ),
    ("task-definition-read", 50.0, 20.0, &["ecs:DescribeTaskDefinition"]),
    ("elbv2", 40.0, 10.0, &["elasticloadbalancing:"]),
    ("route53", 5.0, 5.0, &["route53:"]),
];

fn main() {
    // Under `cargo test --benches` a benchmark has nothing to show.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    if let Ok(url) = std::env::var("AUDIT_BENCH_URL") {
        return memory(&url);
    }
    let size = match std::env::var("AUDIT_BENCH_SIZE").as_deref() {
        Ok("S") => Size::S,
        _ => Size::M,
    };
    let snapshot = Arc::new(generate(1, size, Health::Planted).snapshot);
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, part) in [("pace", pace as fn(&Arc<Snapshot>)), ("faults", faults)] {
        if named.is_empty() || named.iter().any(|named| named == name) {
            part(&snapshot);
        }
    }
}

/// How close scans come to the bound.
fn pace(snapshot: &Arc<Snapshot>) {
    let known = least::least(snapshot);
    let clean = judged(&scan(snapshot, 1000.0, Buckets::Off, Vec::new()).0);
    for (name, share, other_client) in
        [("all of the quotas", 1.0, 0.0), ("the default share", 0.8, 0.0), ("half of it eaten", 0.8, 0.5)]
    {
        let (found, endpoint, took) = scan(snapshot, share, Buckets::Aws { other_client }, Vec::new());
        let requests = endpoint.requests();
        let (bound, slowest) = bound(&requests, share);
        let answered = endpoint.total() - endpoint.throttled();
        let least: usize = requests.keys().map(|api| known.get(api.as_str()).copied().unwrap_or(1)).sum();
        println!(
            "{name}: {:.1} s, bound {bound:.1} s by {slowest}, ratio {:.3}; {answered} requests, {:.3} of the {least} that are \
             needed, {} throttled; findings {}",
            took.as_secs_f64(),
            took.as_secs_f64() / bound,
            answered as f64 / least as f64,
            endpoint.throttled(),
            if judged(&found) == clean { "as without limits" } else { "DIFFERENT" }
        );
    }
}

/// What 20 scans lose where any request may be throttled or fail.
fn faults(snapshot: &Arc<Snapshot>) {
    let report = |found: &Snapshot| SavedReport::of(&evaluate(found, &Rules::all_rules()));
    let clean = report(&scan(snapshot, 1000.0, Buckets::Off, Vec::new()).0);
    println!("{} findings, nothing unread", clean.findings.len());
    for seed in 0..20 {
        let chances = [
            (Fault::Throttle, 0.02),
            (Fault::InternalError, 0.02),
            (Fault::ConnectionReset, 0.02),
            (Fault::AccessDenied, 0.0005),
            (Fault::Garbage, 0.0005),
        ];
        let rule = |(number, (fault, chance)): (u64, (Fault, f64))| {
            FaultRule::always("*", fault).by_chance(chance, seed * 100 + number).after(1)
        };
        let (found, endpoint, _) = scan(snapshot, 1000.0, Buckets::Off, (0..).zip(chances).map(rule).collect());
        let found = report(&found);
        let flips = flips(&clean, &found);
        println!(
            "seed {seed}: {} of {} requests struck; {} findings, {} gaps; {} flips {flips:?}",
            endpoint.struck(),
            endpoint.total(),
            found.findings.len(),
            found.not_evaluated.len(),
            flips.len()
        );
    }
}

fn judged(snapshot: &Snapshot) -> Vec<String> {
    let report = evaluate(snapshot, &Rules::all_rules());
    assert!(report.scan.complete, "{:?}", report.not_evaluated.first());
    report.findings.into_iter().map(|finding| finding.id).collect()
}

/// The peak of this process's memory in a scan and judgement of what is served elsewhere.
fn memory(url: &str) {
    let (started, peak) = (Instant::now(), || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown").to_owned()
    });
    let snapshot = read(url, "eu-west-1", 1000.0);
    println!("read in {:.1} s, {}", started.elapsed().as_secs_f64(), peak());
    let started = Instant::now();
    let report = evaluate(&snapshot, &Rules::all_rules());
    let counts = report.counts;
    println!("judged in {:.2} s, {}", started.elapsed().as_secs_f64(), peak());
    println!("{} services, {} tasks, {} requests", counts.services, counts.tasks, counts.api_calls);
}

fn scan(
    snapshot: &Arc<Snapshot>,
    quota_share: f64,
    buckets: Buckets,
    faults: Vec<FaultRule>,
) -> (Snapshot, Endpoint, Duration) {
    let latency = if matches!(buckets, Buckets::Off) { Duration::ZERO } else { LATENCY };
    let endpoint =
        Endpoint::start(Settings { latency, buckets, faults, ..Settings::of(Arc::clone(snapshot)) }).unwrap();
    let started = Instant::now();
    let scanned = read(&endpoint.url(), &snapshot.targets[0].region, quota_share);
    let took = started.elapsed();
    (scanned, endpoint, took)
}

fn read(url: &str, region: &str, quota_share: f64) -> Snapshot {
    let options = ClientOptions { attempts: 3, ..ClientOptions::default() };
    let clients = clients_with(url, region, &options);
    let request = Request {
        logins: Vec::new(),
        regions: Regions::Default,
        scope: Scope::default(),
        datasets: rules::ALL.iter().flat_map(|rule| rule.needs).copied().collect(),
        timeout: Duration::from_secs(3600),
        quota_share,
        pace: Pace::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let scanned = runtime.block_on(collect_with(clients, region, &request, Arc::new(|_| ()), CancellationToken::new()));
    scanned.unwrap()
}

/// The least time in seconds that a share of the slowest bucket allows for these requests, and its name.
fn bound(requests: &BTreeMap<String, u64>, share: f64) -> (f64, &'static str) {
    let seconds = BUCKETS.iter().map(|(name, burst, per_second, operations)| {
        let of_bucket = |api: &&String| operations.iter().any(|operation| api.starts_with(operation));
        let count: u64 = requests.keys().filter(of_bucket).map(|api| requests[api]).sum();
        ((count as f64 - burst * share).max(0.0) / (per_second * share), *name)
    });
    let (longest, name) = seconds.fold((0.0, "latency"), |a, b| if b.0 > a.0 { b } else { a });
    (longest + f64::from(CHAIN) * LATENCY.as_secs_f64(), name)
}
