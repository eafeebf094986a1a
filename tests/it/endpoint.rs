//! The collector against the simulated endpoint: what AWS answers over HTTP becomes the snapshot it was made of.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ecs_network_audit::collect::{CollectError, Request, collect_with, dataset};
use ecs_network_audit::snapshot::coverage::{Dataset, FailureClass};
use ecs_network_audit::snapshot::{Snapshot, file};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::binary::{audit, ran};
use crate::collect::{expected, lines, request};
use crate::mocks::account::ACCOUNT;
use crate::mocks::accounts::{
    ec2_awsvpc_trunked, fargate_isolated_with_endpoints, fargate_private_with_nat, in_provider,
};
use crate::mocks::compute::variable;
use crate::mocks::demo;
use crate::mocks::endpoint::{Buckets, ClientOptions, Endpoint, Fault, FaultRule, PageSizes, Settings, clients_with};
use crate::mocks::generate::{Health, Size, generate};
use crate::mocks::organization::{self, OTHER_ACCOUNT};
use crate::mocks::patterns;
use crate::mocks::sdk::SENTINEL;

fn try_scan(
    endpoint: &Endpoint,
    region: &str,
    request: &Request,
    options: &ClientOptions,
) -> Result<Snapshot, CollectError> {
    let clients = clients_with(&endpoint.url(), region, options);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(collect_with(clients, region, request, Arc::new(|_| ()), CancellationToken::new()))
}

fn scan(endpoint: &Endpoint, region: &str) -> Snapshot {
    try_scan(endpoint, region, &request(), &ClientOptions::default()).unwrap()
}

fn serve(snapshot: &Snapshot, edit: impl FnOnce(&mut Settings)) -> Endpoint {
    let mut settings = Settings::of(snapshot.clone());
    edit(&mut settings);
    Endpoint::start(settings).unwrap()
}

/// What is different in the first place where anything is, or nothing.
fn difference(found: &Snapshot, from: &Snapshot) -> Option<String> {
    let (found, expected) = (lines(&found.targets[0].data), lines(&expected(from)));
    let at = found.iter().zip(&expected).position(|(a, b)| a != b);
    let at = at.or_else(|| (found.len() != expected.len()).then(|| found.len().min(expected.len())))?;
    let around = |lines: &[String]| lines[at.saturating_sub(9)..(at + 3).min(lines.len())].join("\n");
    Some(format!("found:\n{}\nexpected:\n{}", around(&found), around(&expected)))
}

#[track_caller]
fn assert_round_trip(snapshot: &Snapshot, pages: PageSizes) {
    let endpoint = serve(snapshot, |settings| settings.pages = pages);
    let found = scan(&endpoint, &snapshot.targets[0].region);
    if let Some(difference) = difference(&found, snapshot) {
        panic!("{pages:?}: {difference}");
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The classes of failures that a scan of the demo account ends with, if it reads no more than the operation's dataset.
fn classes(rule: FaultRule, options: &ClientOptions) -> Vec<FailureClass> {
    let of_operation = |dataset: &&Dataset| dataset::operations(**dataset).contains(&rule.api.as_str());
    let datasets = Dataset::ALL.iter().filter(of_operation).copied().collect();
    let endpoint = serve(&demo::snapshot(), |settings| settings.faults.push(rule));
    let found = try_scan(&endpoint, "eu-west-1", &Request { datasets, ..request() }, options).unwrap();
    let coverage = found.targets[0].data.coverage();
    let mut classes: Vec<FailureClass> =
        coverage.into_iter().flat_map(|(_, _, _, failures)| failures.iter().map(|failure| failure.class)).collect();
    classes.dedup();
    classes
}

/// One operation of each protocol, and of each kind of answer.
const SOME: [&str; 7] = [
    "ecs:ListClusters",
    "ecs:DescribeTasks",
    "ec2:DescribeSubnets",
    "elasticloadbalancing:DescribeTargetGroups",
    "route53:ListHostedZonesByVPC",
    "events:ListEventBuses",
    "scheduler:ListSchedules",
];

fn impatient() -> ClientOptions {
    ClientOptions { attempt_timeout: Some(Duration::from_millis(800)), ..ClientOptions::default() }
}

#[test]
fn what_the_endpoint_serves_is_what_is_collected() {
    let fixtures = [fargate_isolated_with_endpoints(), fargate_private_with_nat(), ec2_awsvpc_trunked()];
    let mut snapshots: Vec<Snapshot> = fixtures.iter().map(|fixture| fixture.account.snapshot()).collect();
    snapshots.push(demo::snapshot());
    snapshots.push(in_provider(ec2_awsvpc_trunked(), 3, 6).account.snapshot());
    snapshots.extend(patterns::all().into_iter().map(|(_, pattern)| pattern.account.snapshot()));
    for snapshot in &snapshots {
        assert_round_trip(snapshot, PageSizes::Aws);
        assert_round_trip(snapshot, PageSizes::AtMost(2));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn generated_accounts_are_collected_as_they_are(
        seed: u64,
        vpcs in 1_usize..3,
        clusters in 2_usize..5,
        services in 5_usize..40,
        tasks in 0_usize..150,
        two_revisions in 0_usize..6,
        instances in 0_usize..8,
        page in 1_usize..120,
    ) {
        let size = Size { clusters, services, tasks, revisions: services + two_revisions, vpcs, instances };
        let snapshot = generate(seed, size, Health::Planted).snapshot;
        let endpoint = serve(&snapshot, |settings| settings.pages = PageSizes::AtMost(page));
        prop_assert_eq!(difference(&scan(&endpoint, "eu-west-1"), &snapshot), None);
    }
}

#[test]
fn values_of_users_are_served_and_dropped() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.task(&fixture.service, "t");
    let kinds = ["empty", "flag", "number", "arn", "reference", "path", "url", "placeholder", "identifier"];
    let forms = ["aws-access-key-id", "private-key", "github-token", "json-web-token", "url-with-password"];
    fixture.account.edit_definition(&fixture.definition, |definition| {
        let of_kinds = kinds.iter().map(|kind| variable(kind, None, Some(kind)));
        let of_forms = forms.iter().map(|form| variable(form, Some(form), None));
        let variables = of_kinds.chain(of_forms).chain([variable("MODE", None, None)]);
        definition.containers[0].environment = variables.collect();
    });
    let snapshot = fixture.account.snapshot();
    assert_round_trip(&snapshot, PageSizes::Aws);
    let endpoint = serve(&snapshot, |_| ());
    let saved = serde_json::to_string(&scan(&endpoint, "eu-west-1")).unwrap();
    assert!(!saved.contains(SENTINEL) && !saved.contains("xxxxxxxx"));
}

#[test]
fn accounts_and_regions_are_told_apart_by_the_signature() {
    let snapshot = organization::snapshot();
    let endpoint = serve(&snapshot, |settings| settings.idle_regions = vec!["eu-north-1".to_owned()]);
    let options = |account: &str| ClientOptions { access_key: format!("ACCOUNT-{account}"), ..Default::default() };
    let other = try_scan(&endpoint, "ap-southeast-2", &request(), &options(OTHER_ACCOUNT)).unwrap();
    assert_eq!(other.targets[0].account, OTHER_ACCOUNT);
    assert_eq!(other.targets[0].data.services.items().len(), 1);
    let idle = try_scan(&endpoint, "eu-north-1", &request(), &options(ACCOUNT)).unwrap();
    assert_eq!((idle.targets[0].account.as_str(), idle.targets[0].data.clusters.items().len()), (ACCOUNT, 0));
    let nobody = try_scan(&endpoint, "eu-west-1", &request(), &options("999999999999"));
    assert!(matches!(nobody, Err(CollectError::Refused { .. })), "{nobody:?}");
    let clients = clients_with(&endpoint.url(), "eu-west-1", &options(ACCOUNT));
    let regions = block_on(clients.ec2.describe_regions().send()).unwrap();
    let names: Vec<&str> = regions.regions().iter().filter_map(|region| region.region_name()).collect();
    assert_eq!(names, ["eu-north-1", "eu-west-1", "us-east-1"]);
}

#[test]
fn a_role_of_an_account_that_is_there_can_be_assumed() {
    let endpoint = serve(&organization::snapshot(), |_| ());
    let clients = clients_with(&endpoint.url(), "eu-west-1", &ClientOptions::default());
    let key_of = |account: &str| {
        let arn = format!("arn:aws:iam::{account}:role/audit");
        let answer = block_on(clients.sts.assume_role().role_arn(arn).role_session_name("test").send());
        answer.map(|answer| answer.credentials.unwrap().access_key_id).map_err(|error| error.code().map(str::to_owned))
    };
    assert_eq!(key_of(OTHER_ACCOUNT), Ok(format!("ACCOUNT-{OTHER_ACCOUNT}")));
    assert_eq!(key_of("999999999999"), Err(Some("AccessDenied".to_owned())));
}

#[test]
fn more_than_aws_takes_is_refused_as_aws_refuses_it() {
    let endpoint = serve(&demo::snapshot(), |_| ());
    let clients = clients_with(&endpoint.url(), "eu-west-1", &ClientOptions::default());
    let eleven = (0..11).map(|number| format!("service-{number}")).collect();
    let many = block_on(clients.ecs.describe_services().cluster("c").set_services(Some(eleven)).send()).unwrap_err();
    assert_eq!(many.code(), Some("InvalidParameterException"));
    let large = block_on(clients.ec2.describe_vpcs().max_results(1001).send()).unwrap_err();
    assert_eq!(large.code(), Some("InvalidParameterValue"));
    let both = block_on(clients.ec2.describe_vpcs().max_results(5).vpc_ids("vpc-1").send()).unwrap_err();
    assert_eq!(both.code(), Some("InvalidParameterCombination"));
    let absent = block_on(clients.ec2.describe_vpcs().vpc_ids("vpc-1").send()).unwrap_err();
    assert_eq!(absent.code(), Some("InvalidVpcID.NotFound"));
    let health = clients.elbv2.describe_target_health().target_group_arn("arn:none").send();
    assert_eq!(block_on(health).unwrap_err().code(), Some("TargetGroupNotFound"));
}

#[test]
fn buckets_throttle_when_they_are_empty() {
    for (other_client, at_once) in [(0.0, 50), (0.5, 25)] {
        let endpoint = serve(&demo::snapshot(), |settings| settings.buckets = Buckets::Aws { other_client });
        let clients = clients_with(&endpoint.url(), "eu-west-1", &ClientOptions::default());
        let started = std::time::Instant::now();
        let answered = block_on(async {
            let mut answered = 0;
            for _ in 0..120 {
                let list = clients.ecs.list_clusters().send().await;
                answered += u64::from(list.is_ok());
            }
            answered
        });
        let refilled = started.elapsed().as_secs_f64() * 20.0 * (1.0 - other_client);
        assert_eq!(answered + endpoint.throttled(), 120);
        assert!(answered >= at_once && answered as f64 <= at_once as f64 + refilled + 1.0, "{answered} of {at_once}");
        assert_eq!(endpoint.requests()["ecs:ListClusters"], 120);
    }
}

#[test]
fn faults_are_reported_for_what_they_are() {
    let cases = [
        (Fault::Throttle, FailureClass::Throttled),
        (Fault::AccessDenied, FailureClass::AccessDenied),
        (Fault::ExpiredToken, FailureClass::ExpiredCredentials),
        (Fault::InternalError, FailureClass::Service),
        (Fault::Unavailable, FailureClass::Service),
        (Fault::ConnectionReset, FailureClass::Unreachable),
        (Fault::StalledBody, FailureClass::Timeout),
        (Fault::TruncatedBody, FailureClass::InvalidResponse),
        (Fault::WrongContentType, FailureClass::InvalidResponse),
        (Fault::Garbage, FailureClass::InvalidResponse),
        (Fault::RepeatedToken, FailureClass::InvalidResponse),
    ];
    let mut wrong = Vec::new();
    for api in SOME {
        for (fault, class) in cases.iter().filter(|(fault, _)| fault.applies(api)) {
            let found = classes(FaultRule::always(api, *fault), &impatient());
            if !found.contains(class) {
                wrong.push(format!("{api} {fault:?}: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_passes_is_not_noticed() {
    let patient = ClientOptions { attempts: 3, ..impatient() };
    for api in SOME {
        for fault in [Fault::Throttle, Fault::InternalError, Fault::Unavailable, Fault::ConnectionReset] {
            let found = classes(FaultRule::always(api, fault).times(1), &patient);
            assert_eq!(found, [], "{api} {fault:?}");
        }
        let found = classes(FaultRule::always(api, Fault::EmptyPageWithToken), &impatient());
        assert_eq!(found, [], "{api} with an empty page");
        let found = classes(FaultRule::always(api, Fault::Vanished).times(1), &impatient());
        assert!(!found.contains(&FailureClass::InvalidResponse), "{api} with something gone: {found:?}");
    }
}

#[test]
fn an_empty_first_page_hides_nothing() {
    let snapshot = demo::snapshot();
    let endpoint = serve(&snapshot, |settings| settings.faults.push(FaultRule::always("*", Fault::EmptyPageWithToken)));
    assert_eq!(difference(&scan(&endpoint, "eu-west-1"), &snapshot), None);
    assert!(endpoint.struck() > 0);
}

#[test]
fn the_binary_reads_every_account_and_region_of_an_endpoint() {
    let snapshot = organization::snapshot();
    let endpoint = serve(&snapshot, |settings| settings.idle_regions = vec!["eu-north-1".to_owned()]);
    let home = TempDir::new().unwrap();
    let saved = home.path().join("found.json");
    let role = |account: &str| format!("arn:aws:iam::{account}:role/audit");
    let output = audit(home.path())
        .env("AWS_ENDPOINT_URL", endpoint.url())
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "simulated")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .args(["--role-arn", &role(ACCOUNT), "--role-arn", &role(OTHER_ACCOUNT), "--role-arn", &role("999999999999")])
        .args(["--all-regions", "--save-snapshot"])
        .arg(&saved)
        .output();
    let ran = ran(output.unwrap());
    let found = file::read(&saved).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    let places: Vec<(&str, &str)> =
        found.targets.iter().map(|target| (target.account.as_str(), target.region.as_str())).collect();
    assert_eq!(
        places,
        [
            (ACCOUNT, "eu-north-1"),
            (ACCOUNT, "eu-west-1"),
            (ACCOUNT, "us-east-1"),
            (OTHER_ACCOUNT, "ap-southeast-2"),
            (OTHER_ACCOUNT, "eu-north-1"),
        ]
    );
    assert_eq!(found.unread_targets.len(), 1);
    assert!(found.unread_targets[0].error.contains("AccessDenied"), "{:?}", found.unread_targets);
}

#[test]
fn a_repeated_token_ends_every_listing_with_an_error() {
    // The demo account has no blocked VPC, no resolver rule and no event rule.
    let never_asked =
        ["ec2:DescribeVpcBlockPublicAccessExclusions", "route53resolver:ListResolverRules", "events:ListTargetsByRule"];
    for api in Dataset::ALL.iter().flat_map(|dataset| dataset::operations(*dataset)) {
        let rule = FaultRule::always(api, Fault::RepeatedToken);
        let applies = Fault::RepeatedToken.applies(api) && !never_asked.contains(api);
        let found = classes(rule, &ClientOptions::default());
        assert_eq!(found.contains(&FailureClass::InvalidResponse), applies, "{api}: {found:?}");
    }
}
