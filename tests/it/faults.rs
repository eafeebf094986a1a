//! Each call against each fault: a scan ends, finds nothing that isn't there, and says of all that it lost why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ecs_network_audit::collect::{CollectError, Request, collect_with, dataset};
use ecs_network_audit::engine::evaluate;
use ecs_network_audit::saved::SavedReport;
use ecs_network_audit::settings::Settings as Rules;
use ecs_network_audit::snapshot::Snapshot;
use ecs_network_audit::snapshot::coverage::{Failure, FailureClass};
use ecs_network_audit::snapshot::enums::LoadBalancerType;
use ecs_network_audit::snapshot::ids::Arn;
use ecs_network_audit::snapshot::schedule::EventRule;
use ecs_network_audit::snapshot::storage::{CachedImage, PullThroughCacheRule};
use ecs_network_audit::snapshot::vpc::ResolverRule;
use insta::assert_snapshot;
use tokio_util::sync::CancellationToken;

use crate::collect::request;
use crate::mocks::account::push;
use crate::mocks::demo;
use crate::mocks::endpoint::{ClientOptions, Endpoint, Fault, FaultRule, Settings, clients_with};
use crate::mocks::flips::flips;
use crate::mocks::generate::{Health, Size, generate};

/// What a scan under a fault came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Complete, with the findings of a clean scan.
    Same,
    /// Incomplete; what is missing is named with the call and the class.
    Unread,
    /// Nothing could be read, and the error says so.
    Refused,
    /// Something was deleted meanwhile: complete, without what hangs on it.
    Gone,
}

impl Outcome {
    fn sign(self) -> char {
        match self {
            Self::Same => '=',
            Self::Unread => 'u',
            Self::Refused => 'x',
            Self::Gone => 'g',
        }
    }
}

/// The clusters of the demo account whose services need most of what can be asked.
const CLUSTERS: [&str; 3] = ["backoffice", "legacy", "support"];

/// The demo account with what else a scan may ask for: an event rule, a Network Load Balancer, a resolver rule, exclusions
/// from block public access, and an image that comes through a cache.
fn account() -> Arc<Snapshot> {
    let mut snapshot = demo::snapshot();
    let data = &mut snapshot.targets[0].data;
    data.block_public_access.items_mut().unwrap()[0].internet_gateway_block_mode = "block-bidirectional".to_owned();
    let vpc_id = data.vpcs.items()[0].id.clone();
    push(
        &mut data.resolver_rules,
        ResolverRule {
            vpc_id,
            id: "rslvr-rr-1".to_owned(),
            domain_name: Some("corp.internal".to_owned()),
            rule_type: Some("FORWARD".to_owned()),
        },
    );
    let target = data.schedules.items()[0].target.clone();
    let rule = EventRule {
        name: "nightly".to_owned(),
        event_bus_name: "default".to_owned(),
        arn: Some(Arn::from("arn:aws:events:eu-west-1:111122223333:rule/nightly")),
        state: "ENABLED".to_owned(),
        schedule_expression: Some("rate(1 day)".to_owned()),
        targets: vec![target],
    };
    push(&mut data.event_rules, rule);
    let group = data.target_groups.items_mut().unwrap().iter_mut().find(|group| group.name == "subscriptions").unwrap();
    let mut balancer =
        data.load_balancers.items().iter().find(|b| b.arn == group.load_balancer_arns[0]).unwrap().clone();
    balancer.arn = Arn::from(balancer.arn.as_str().replace("loadbalancer/app", "loadbalancer/net"));
    balancer.kind = LoadBalancerType::Network;
    group.load_balancer_arns.push(balancer.arn.clone());
    push(&mut data.load_balancers, balancer);
    let definitions = data.task_definitions.items_mut().unwrap().iter_mut();
    let archive = definitions.flat_map(|d| &mut d.containers).find(|c| c.image.ends_with("/archive:1")).unwrap();
    archive.image = archive.image.replace("/archive", "/hub/archive");
    push(
        &mut data.pull_through_cache_rules,
        PullThroughCacheRule {
            ecr_repository_prefix: "hub".to_owned(),
            upstream_registry_url: "registry-1.docker.io".to_owned(),
        },
    );
    push(
        &mut data.cached_images,
        CachedImage { repository: "hub/archive".to_owned(), reference: "1".to_owned(), present: true },
    );
    Arc::new(snapshot)
}

fn clean(snapshot: &Arc<Snapshot>) -> SavedReport {
    let clean = judged(&scan(snapshot, Vec::new(), &patient()).unwrap());
    assert!(clean.scan.complete && !clean.findings.is_empty());
    clean
}

fn patient() -> ClientOptions {
    ClientOptions {
        attempts: 2,
        backoff: Duration::from_millis(1),
        attempt_timeout: Some(Duration::from_secs(20)),
        ..ClientOptions::default()
    }
}

/// Who waits for what never ends should not wait long.
fn waiting(seconds: f32) -> ClientOptions {
    ClientOptions { attempt_timeout: Some(Duration::from_secs_f32(seconds)), ..patient() }
}

/// A scan while a fault strikes all requests to an API.
fn struck(snapshot: &Arc<Snapshot>, api: &'static str, fault: Fault) -> Result<Snapshot, CollectError> {
    let scan = |options: &ClientOptions| scan(snapshot, vec![FaultRule::always(api, fault)], options);
    if fault != Fault::StalledBody {
        return scan(&patient());
    }
    // On a busy machine a call that comes before it may take as long, and then it is never made.
    let found = scan(&waiting(0.5));
    match &found {
        Ok(snapshot) if failures(snapshot).iter().all(|failure| failure.operation != api) => scan(&waiting(5.0)),
        Ok(_) | Err(_) => found,
    }
}

fn failures(snapshot: &Snapshot) -> Vec<Failure> {
    snapshot.targets[0].data.coverage().into_iter().flat_map(|(_, _, _, failures)| failures.to_vec()).collect()
}

fn scan(snapshot: &Arc<Snapshot>, faults: Vec<FaultRule>, options: &ClientOptions) -> Result<Snapshot, CollectError> {
    let endpoint = Endpoint::start(Settings { faults, ..Settings::of(Arc::clone(snapshot)) }).unwrap();
    let clients = clients_with(&endpoint.url(), &snapshot.targets[0].region, options);
    let mut request = Request { timeout: Duration::from_secs(60), ..request() };
    if snapshot.demo {
        request.scope.clusters.extend(CLUSTERS.map(str::to_owned));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let region = snapshot.targets[0].region.clone();
    runtime.block_on(collect_with(clients, &region, &request, Arc::new(|_| ()), CancellationToken::new()))
}

fn judged(snapshot: &Snapshot) -> SavedReport {
    SavedReport::of(&evaluate(snapshot, &Rules::all_rules()))
}

/// The operations that scans consist of.
fn operations() -> Vec<&'static str> {
    let of_datasets = dataset::closure(&request().datasets).into_iter().flat_map(dataset::operations).copied();
    [dataset::IDENTITY].into_iter().chain(of_datasets).collect()
}

/// The classes that a fault may be reported as.
fn classes(fault: Fault) -> &'static [FailureClass] {
    use FailureClass as C;
    match fault {
        Fault::Throttle => &[C::Throttled],
        Fault::AccessDenied => &[C::AccessDenied],
        Fault::ExpiredToken => &[C::ExpiredCredentials],
        Fault::InternalError | Fault::Unavailable => &[C::Service, C::InvalidResponse, C::NotSupported],
        Fault::ConnectionReset => &[C::Unreachable],
        Fault::StalledBody => &[C::Timeout],
        Fault::TruncatedBody => &[C::InvalidResponse, C::Unreachable],
        Fault::WrongContentType | Fault::Garbage | Fault::RepeatedToken => &[C::InvalidResponse],
        Fault::EmptyPageWithToken => &[],
        Fault::Vanished => &[C::Service],
    }
}

fn assert_no_flip(clean: &SavedReport, report: &SavedReport, under: &str) {
    let flips = flips(clean, report);
    assert!(flips.is_empty(), "{under}: {flips:#?}");
}

fn outcome(snapshot: &Arc<Snapshot>, clean: &SavedReport, api: &'static str, fault: Fault) -> Outcome {
    let under = format!("{api} under {fault:?}");
    let found = match struck(snapshot, api, fault) {
        Ok(found) => found,
        Err(error) => {
            assert_eq!(api, dataset::IDENTITY, "{under}: {error}");
            return Outcome::Refused;
        }
    };
    let report = judged(&found);
    let failures = failures(&found);
    if fault == Fault::Vanished && failures.is_empty() {
        let known: BTreeSet<&str> = clean.findings.iter().map(|finding| finding.id.as_str()).collect();
        let is_same = report.findings.len() == known.len();
        return if is_same { Outcome::Same } else { Outcome::Gone };
    }
    assert_no_flip(clean, &report, &under);
    if failures.is_empty() {
        let lost = clean.findings.len() - report.findings.len();
        assert!(report.scan.complete && lost == 0, "{under}: {lost} lost, and nothing says so");
        return Outcome::Same;
    }
    assert!(!report.scan.complete, "{under}: looks complete");
    let told = failures.iter().any(|failure| failure.operation == api && classes(fault).contains(&failure.class));
    assert!(told, "{under}: {failures:#?}");
    Outcome::Unread
}

/// The rows of the matrix, worked off by a few threads.
fn matrix(snapshot: &Arc<Snapshot>) -> BTreeMap<(usize, usize), Result<char, String>> {
    let clean = clean(snapshot);
    let apis = operations();
    let cells: Vec<(usize, usize)> =
        (0..apis.len()).flat_map(|api| (0..Fault::ALL.len()).map(move |fault| (api, fault))).collect();
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (api, fault) = (apis[cell.0], Fault::ALL[cell.1]);
                    if !fault.applies(api) {
                        continue;
                    }
                    let outcome = std::panic::catch_unwind(|| outcome(snapshot, &clean, api, fault).sign());
                    let outcome = outcome.map_err(|panic| {
                        panic.downcast_ref::<String>().cloned().unwrap_or_else(|| format!("{api} {fault:?}: panic"))
                    });
                    outcomes.lock().unwrap().insert(*cell, outcome);
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}

#[test]
#[allow(clippy::print_stdout, reason = "the table of outcomes is for people")]
fn each_call_under_each_fault_loses_nothing_in_silence() {
    let started = Instant::now();
    let outcomes = matrix(&account());
    let wrong: Vec<&String> = outcomes.values().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} cells: {wrong:#?}", wrong.len());
    let mut table = String::new();
    for (column, fault) in Fault::ALL.iter().enumerate() {
        let _ = writeln!(table, "{:64}{}{fault:?}", "", "│".repeat(column));
    }
    for (row, api) in operations().iter().enumerate() {
        let signs: String = (0..Fault::ALL.len())
            .map(|fault| outcomes.get(&(row, fault)).map_or('·', |o| *o.as_ref().unwrap()))
            .collect();
        let _ = writeln!(table, "{api:64}{signs}");
    }
    let legend =
        "= the clean scan's findings   u unread, and said so   x nothing read   g gone meanwhile   · no difference";
    println!("{table}\n{legend}\n{} scans in {} s", outcomes.len(), started.elapsed().as_secs());
    assert_snapshot!(format!("{table}\n{legend}\n"));
}

/// Faults that a second attempt gets over leave no trace.
#[test]
fn a_fault_that_passes_leaves_the_findings_as_they_are() {
    let snapshot = account();
    let clean = clean(&snapshot);
    let passing =
        [Fault::Throttle, Fault::InternalError, Fault::Unavailable, Fault::ConnectionReset, Fault::StalledBody];
    for fault in passing {
        let faults = operations().into_iter().map(|api| FaultRule::always(api, fault).times(1)).collect();
        let options = if fault == Fault::StalledBody { waiting(2.0) } else { patient() };
        let report = judged(&scan(&snapshot, faults, &options).unwrap());
        assert_no_flip(&clean, &report, &format!("{fault:?} once"));
        assert!(report.scan.complete, "{fault:?}: {:#?}", report.not_evaluated.first());
        assert_eq!(report.findings.len(), clean.findings.len(), "{fault:?}");
    }
}

#[test]
fn random_faults_flip_no_verdict() {
    let generated = generate(7, Size::S, Health::Planted);
    let snapshot = Arc::new(generated.snapshot);
    let clean = clean(&snapshot);
    assert!(!generated.expected.is_empty());
    for seed in 0..20 {
        let faults =
            [Fault::Throttle, Fault::InternalError, Fault::ConnectionReset, Fault::AccessDenied, Fault::Garbage];
        let rule = |(number, fault): (u64, &Fault)| FaultRule::always("*", *fault).by_chance(0.03, seed * 100 + number);
        let faults: Vec<FaultRule> = (0..).zip(&faults).map(rule).map(|rule| rule.after(1)).collect();
        match scan(&snapshot, faults, &patient()) {
            Ok(found) => assert_no_flip(&clean, &judged(&found), &format!("seed {seed}")),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
}
