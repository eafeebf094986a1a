//! The collector against mocked SDK responses: "this account → this snapshot", and what it costs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ecs_network_audit::collect::{CollectError, Pace, Regions, Request, collect_with, dataset};
use ecs_network_audit::engine::evaluate;
use ecs_network_audit::rules;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::coverage::{Dataset, FailureClass};
use ecs_network_audit::snapshot::ecs::CapacityProviderStrategyItem;
use ecs_network_audit::snapshot::elb::TargetGroupAttributes;
use ecs_network_audit::snapshot::ids::Arn;
use ecs_network_audit::snapshot::storage::{CachedImage, PullThroughCacheRule, RegistryScanning, ScanningRule};
use ecs_network_audit::snapshot::vpc::{
    BlockPublicAccess, PrefixList, ResolverRule, RouteTarget, SecurityGroupVpcAssociation, VpcPeeringConnection,
    ZoneRecords,
};
use ecs_network_audit::snapshot::{Scope, Snapshot, TargetData};
use tokio_util::sync::CancellationToken;

use crate::mocks::account::{ACCOUNT, push};
use crate::mocks::accounts::{
    Fixture, ec2_awsvpc_full, ec2_awsvpc_trunked, fargate_isolated_with_endpoints, fargate_isolated_without_endpoints,
    fargate_private_with_nat, instances,
};
use crate::mocks::compute::{container, ecr, set_launch, variable};
use crate::mocks::demo;
use crate::mocks::patterns;
use crate::mocks::sdk::{Fault, Mock, SENTINEL};
use crate::support::assert_silent;

pub fn needed() -> BTreeSet<Dataset> {
    rules::ALL.iter().flat_map(|rule| rule.needs).copied().collect()
}

pub fn request() -> Request {
    Request {
        logins: Vec::new(),
        regions: Regions::Default,
        scope: Scope::default(),
        datasets: needed(),
        timeout: Duration::from_secs(60),
        quota_share: 1000.0,
        pace: Pace { first_wait: Duration::from_millis(1) },
    }
}

fn try_collect(mock: &mut Mock, request: &Request) -> Result<Snapshot, CollectError> {
    let clients = mock.clients();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        collect_with(clients, "eu-west-1", request, Arc::new(|_| ()), cancel).await
    })
}

fn collect(mock: &mut Mock) -> TargetData {
    try_collect(mock, &request()).unwrap().targets.remove(0).data
}

/// The fixture's datasets, those that no rule needs left out as a scan leaves them out.
pub fn expected(snapshot: &Snapshot) -> TargetData {
    let mut data = TargetData::not_requested();
    let all = &snapshot.targets[0].data;
    let wanted = dataset::closure(&needed());
    macro_rules! keep {
        ($($field:ident: $dataset:ident),+ $(,)?) => {$(
            if wanted.contains(&Dataset::$dataset) {
                data.$field = all.$field.clone();
            }
        )+};
    }
    keep!(
        clusters: Clusters, services: Services, tasks: Tasks, task_definitions: TaskDefinitions,
        container_instances: ContainerInstances, capacity_providers: CapacityProviders, vpcs: Vpcs,
        vpc_dns_attributes: VpcDnsAttributes, dhcp_options: DhcpOptions, subnets: Subnets, route_tables: RouteTables,
        nat_gateways: NatGateways, internet_gateways: InternetGateways, vpc_endpoints: VpcEndpoints,
        prefix_lists: PrefixLists, instances: Instances, instance_types: InstanceTypes,
        block_public_access: BlockPublicAccess, hosted_zones: HostedZones, resolver_rules: ResolverRules,
        profile_associations: ProfileAssociations, target_groups: TargetGroups, auto_scaling_groups: AutoScalingGroups,
        security_groups: SecurityGroups, network_acls: NetworkAcls, network_interfaces: NetworkInterfaces,
        security_group_vpc_associations: SecurityGroupVpcAssociations, vpc_peering_connections: VpcPeeringConnections,
        hosted_zone_records: HostedZoneRecords, load_balancers: LoadBalancers, listeners: Listeners,
        listener_rules: ListenerRules, load_balancer_attributes: LoadBalancerAttributes,
        target_group_attributes: TargetGroupAttributes, target_health: TargetHealth, file_systems: FileSystems,
        pull_through_cache_rules: PullThroughCacheRules, cached_images: CachedImages,
        repositories: Repositories, registry_scanning: RegistryScanning, event_rules: EventRules,
        schedules: Schedules, account_settings: AccountSettings, network_interface_quota: NetworkInterfaceQuota, egress_only_internet_gateways: EgressOnlyInternetGateways, flow_logs: FlowLogs,
    );
    // Attributes are asked for of every target group that a service uses, and of Network Load Balancers.
    let used: BTreeSet<_> = data
        .services
        .items()
        .iter()
        .flat_map(|s| &s.load_balancers)
        .filter_map(|e| e.target_group_arn.clone())
        .collect();
    if let Some(attributes) = data.target_group_attributes.items_mut() {
        for arn in used {
            if !attributes.iter().any(|a| a.target_group_arn == arn) {
                attributes.push(TargetGroupAttributes { target_group_arn: arn, attributes: Default::default() });
            }
        }
        attributes.sort_by(|a, b| a.target_group_arn.cmp(&b.target_group_arn));
    }
    // Zones are only asked for where workloads run.
    let of_services = data
        .services
        .items()
        .iter()
        .filter_map(|service| service.network_configuration.as_ref())
        .flat_map(|n| &n.subnets);
    let of_instances = data.instances.items().iter().filter_map(|instance| instance.subnet_id.as_ref());
    let with_workloads: BTreeSet<_> = of_services.chain(of_instances).collect();
    let vpcs: BTreeSet<_> =
        data.subnets.items().iter().filter(|s| with_workloads.contains(&s.id)).map(|s| s.vpc_id.clone()).collect();
    data.hosted_zones.items_mut().unwrap().retain(|zones| vpcs.contains(&zones.vpc_id));
    data.vpc_dns_attributes.items_mut().unwrap().retain(|attributes| vpcs.contains(&attributes.vpc_id));
    data
}

/// One line for each value, so that a difference can be read.
pub fn lines(data: &TargetData) -> Vec<String> {
    serde_json::to_string_pretty(data).unwrap().lines().map(str::to_owned).collect()
}

#[track_caller]
fn check_round_trip(snapshot: &Snapshot) {
    for page_size in [1, 2, 100] {
        let data = collect(&mut Mock::new(snapshot).page_size(page_size));
        let (found, expected) = (lines(&data), lines(&expected(snapshot)));
        let different = found.iter().zip(&expected).position(|(a, b)| a != b);
        let around = different.map(|at| (at.saturating_sub(9), at + 3));
        let part = |lines: &[String]| around.map(|(from, to)| lines[from..to.min(lines.len())].join("\n"));
        assert_eq!(part(&found), part(&expected), "pages of {page_size}");
        assert_eq!(found.len(), expected.len());
    }
}

#[test]
fn what_aws_holds_is_what_the_snapshot_says() {
    check_round_trip(&fargate_isolated_with_endpoints().account.snapshot());
    check_round_trip(&fargate_private_with_nat().account.snapshot());
    check_round_trip(&ec2_awsvpc_trunked().account.snapshot());
    check_round_trip(&demo::snapshot());
    for (_, pattern) in patterns::all() {
        check_round_trip(&pattern.account.snapshot());
    }
}

#[test]
fn agents_that_are_lost_are_asked_once_more_at_the_end() {
    let mut fixture = ec2_awsvpc_trunked();
    let [first, second, third] = instances(&fixture).try_into().unwrap();
    let mut mock = Mock::new(&fixture.account.snapshot());
    collect(&mut mock);
    // All are connected: nothing more is asked.
    assert_eq!(mock.calls("ecs:DescribeContainerInstances"), 1);
    for (instance, at_end) in [(&first, Some(false)), (&second, Some(true)), (&third, None)] {
        fixture.account.edit_instance(instance, |instance| {
            instance.agent_connected = false;
            instance.agent_connected_at_end = at_end;
        });
    }
    // One says nothing any more: it stays open, and nothing is taken from the dataset.
    check_round_trip(&fixture.account.snapshot());
    let mut mock = Mock::new(&fixture.account.snapshot());
    assert!(collect(&mut mock).container_instances.is_complete());
    assert_eq!(mock.calls("ecs:DescribeContainerInstances"), 2);
    // What is not ACTIVE is on its way, and isn't asked again.
    for instance in [&first, &second, &third] {
        fixture.account.edit_instance(instance, |instance| {
            instance.status = "DRAINING".to_owned();
            instance.agent_connected_at_end = None;
        });
    }
    let mut mock = Mock::new(&fixture.account.snapshot());
    collect(&mut mock);
    assert_eq!(mock.calls("ecs:DescribeContainerInstances"), 1);
}

#[test]
fn odd_corners_of_a_network_come_through() {
    let mut fixture = ec2_awsvpc_full();
    let provider = fixture.account.capacity_provider("asg", 3, 5, &[&fixture.subnet]);
    for instance in instances(&fixture) {
        fixture.account.edit_instance(&instance, |i| i.capacity_provider_name = Some(provider.clone()));
    }
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &[&provider]));
    let targets = [
        ("10.1.0.0/16", RouteTarget::TransitGateway("tgw-1".to_owned())),
        ("10.2.0.0/16", RouteTarget::VirtualPrivateGateway("vgw-1".to_owned())),
        ("10.3.0.0/16", RouteTarget::VpcPeeringConnection("pcx-1".to_owned())),
        ("10.4.0.0/16", RouteTarget::Instance("i-1".into())),
        ("10.5.0.0/16", RouteTarget::NetworkInterface("eni-1".into())),
        ("10.6.0.0/16", RouteTarget::CoreNetwork("arn:aws:networkmanager::1:core-network/1".to_owned())),
        ("::/0", RouteTarget::EgressOnlyInternetGateway("eigw-1".into())),
        ("pl-0corporate", RouteTarget::TransitGateway("tgw-1".to_owned())),
    ];
    for (destination, target) in targets {
        fixture.account.route(&fixture.table, destination, target);
    }
    push(
        &mut fixture.account.data.prefix_lists,
        PrefixList {
            id: "pl-0corporate".into(),
            name: "corporate".to_owned(),
            owner_id: "111122223333".to_owned(),
            address_family: "IPv4".to_owned(),
            max_entries: Some(10),
            entries: Some(vec!["10.7.0.0/16".parse().unwrap(), "10.8.0.0/16".parse().unwrap()]),
        },
    );
    let vpc_id = fixture.vpc.clone();
    fixture.account.hosted_zone(&vpc_id, "corp.internal");
    for (id, kind) in [("rslvr-rr-1", Some("FORWARD")), ("rslvr-rr-2", None)] {
        push(
            &mut fixture.account.data.resolver_rules,
            ResolverRule {
                vpc_id: vpc_id.clone(),
                id: id.to_owned(),
                domain_name: kind.map(|_| "corp.internal".to_owned()),
                rule_type: kind.map(str::to_owned),
            },
        );
    }
    *fixture.account.data.block_public_access.items_mut().unwrap() = vec![BlockPublicAccess {
        internet_gateway_block_mode: "block-bidirectional".to_owned(),
        exclusions: [(vpc_id.as_str().to_owned(), "allow-egress".to_owned())].into(),
    }];
    check_round_trip(&fixture.account.snapshot());
}

#[test]
fn odd_corners_of_schedules_come_through() {
    let mut fixture = fargate_private_with_nat();
    // Without a revision it is the newest one, which a service runs too.
    let family = Arn::from(fixture.definition.as_str().rsplit_once(':').unwrap().0);
    fixture.account.schedule("nightly", &fixture.cluster, &family, &[&fixture.subnet]);
    fixture.account.event_rule("hourly", &fixture.cluster, &fixture.definition, &[&fixture.subnet]);
    let rules = fixture.account.data.event_rules.items_mut().unwrap();
    let mut other = rules[0].clone();
    other.event_bus_name = "orders".to_owned();
    other.schedule_expression = None;
    let target = &mut other.targets[0];
    target.launch_type = None;
    target.capacity_provider_strategy =
        vec![CapacityProviderStrategyItem { capacity_provider: "FARGATE_SPOT".to_owned(), weight: 1, base: 0 }];
    target.group = Some("orders".to_owned());
    rules.push(other.clone());
    // The same name in another group, with a strategy.
    let schedules = fixture.account.data.schedules.items_mut().unwrap();
    let mut twin = schedules[0].clone();
    twin.group_name = "orders".to_owned();
    twin.state = "DISABLED".to_owned();
    twin.target.launch_type = None;
    twin.target.capacity_provider_strategy = other.targets[0].capacity_provider_strategy.clone();
    schedules.push(twin);
    check_round_trip(&fixture.account.snapshot());
}

#[test]
fn odd_corners_of_names_and_images_come_through() {
    let mut fixture = fargate_private_with_nat();
    let vpc_id = fixture.vpc.clone();
    fixture.account.hosted_zone(&vpc_id, "eu-west-1.amazonaws.com");
    fixture.account.data.hosted_zones.items_mut().unwrap()[0].zones[0].owning_account = Some(ACCOUNT.to_owned());
    let records = [("*.dkr.ecr.eu-west-1.amazonaws.com", "A"), ("eu-west-1.amazonaws.com", "NS")];
    let records = records.map(|(name, kind)| (name.to_owned(), kind.to_owned())).to_vec();
    push(&mut fixture.account.data.hosted_zone_records, ZoneRecords { zone_id: "Z1".to_owned(), records });
    let rule = PullThroughCacheRule {
        ecr_repository_prefix: "docker-hub".to_owned(),
        upstream_registry_url: "registry-1.docker.io".to_owned(),
    };
    push(&mut fixture.account.data.pull_through_cache_rules, rule);
    let images = [("docker-hub/library/nginx", true), ("docker-hub/library/redis", false)];
    for (repository, present) in images {
        let (repository, reference) = (repository.to_owned(), "1".to_owned());
        let image = container("sidecar", &ecr(&repository));
        let definition = fixture.account.definition(&repository.replace('/', "-"), None, vec![image]);
        fixture.account.fargate_service(
            &fixture.cluster,
            &repository.replace('/', "-"),
            &definition,
            &[&fixture.subnet],
        );
        push(&mut fixture.account.data.cached_images, CachedImage { repository, reference, present });
    }
    push(
        &mut fixture.account.data.security_group_vpc_associations,
        SecurityGroupVpcAssociation { group_id: "sg-1".into(), vpc_id: vpc_id.clone(), state: "associated".to_owned() },
    );
    push(
        &mut fixture.account.data.vpc_peering_connections,
        VpcPeeringConnection {
            id: "pcx-1".to_owned(),
            requester_vpc_id: Some(vpc_id),
            accepter_vpc_id: None,
            status: "pending-acceptance".to_owned(),
        },
    );
    check_round_trip(&fixture.account.snapshot());
}

#[test]
fn odd_corners_of_image_scans_come_through() {
    let mut fixture = ec2_awsvpc_full();
    for instance in instances(&fixture) {
        fixture.account.instance_role(&instance, "optional", 2);
    }
    // More names than a call takes, and some that ECR doesn't know.
    let images: Vec<_> = (0..130).map(|number| container("app", &ecr(&format!("team/app-{number}")))).collect();
    let definition = fixture.account.definition("many", None, images);
    fixture.account.service(&fixture.cluster, "many", &definition);
    for number in [3, 77, 129] {
        fixture.account.edit_repository(&format!("team/app-{number}"), |repository| {
            (repository.exists, repository.scan_on_push) = (false, false);
        });
    }
    fixture.account.edit_repository("team/app-4", |repository| repository.scan_on_push = false);
    let rule = |frequency: &str, filters: &[&str]| ScanningRule {
        scan_frequency: frequency.to_owned(),
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
    };
    *fixture.account.data.registry_scanning.items_mut().unwrap() = vec![RegistryScanning {
        scan_type: "ENHANCED".to_owned(),
        rules: vec![rule("CONTINUOUS_SCAN", &["prod-*", "team"]), rule("SCAN_ON_PUSH", &["*"])],
    }];
    check_round_trip(&fixture.account.snapshot());
}

#[test]
fn image_scans_are_asked_about_for_their_rule_only() {
    let snapshot = fargate_private_with_nat().account.snapshot();
    let calls = |rule: &str| {
        let datasets = rules::by_id(rule).unwrap().needs.iter().copied().collect();
        let mut mock = Mock::new(&snapshot);
        try_collect(&mut mock, &Request { datasets, ..request() }).unwrap();
        (mock.calls("ecr:DescribeRepositories"), mock.calls("ecr:GetRegistryScanningConfiguration"))
    };
    assert_eq!(calls("image-scan-off"), (1, 1));
    assert_eq!(calls("registry-unreachable"), (0, 0));
}

#[test]
fn a_rule_or_schedule_that_goes_away_in_between_is_just_gone() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.event_rule("hourly", &fixture.cluster, &fixture.definition, &[&fixture.subnet]);
    fixture.account.schedule("nightly", &fixture.cluster, &fixture.definition, &[&fixture.subnet]);
    let snapshot = fixture.account.snapshot();
    let held = &snapshot.targets[0].data;
    let rule = held.event_rules.items()[0].arn.clone().unwrap();
    let schedule = held.schedules.items()[0].arn.clone().unwrap();
    let data = collect(&mut Mock::new(&snapshot).vanish(rule.as_str()).vanish(schedule.as_str()));
    assert!(data.event_rules.is_complete() && data.event_rules.items().is_empty());
    assert!(data.schedules.is_complete() && data.schedules.items().is_empty());
}

#[test]
fn a_scan_of_mocked_aws_finds_what_is_planted() {
    let mut mock = Mock::new(&fargate_isolated_without_endpoints().account.snapshot());
    let snapshot = try_collect(&mut mock, &request()).unwrap();
    let report = evaluate(&snapshot, &Settings::all_rules());
    let found: Vec<&str> = report.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(found, ["vpc-endpoint-missing", "service-single-zone"]);
    assert_eq!(report.counts.api_calls, u64::try_from(mock.all_calls()).unwrap());
    let healthy = try_collect(&mut Mock::new(&patterns::fargate_nat().account.snapshot()), &request()).unwrap();
    assert_silent(&evaluate(&healthy, &Settings::all_rules()));
}

/// Every operation that a scan of the demo account sends.
fn operations() -> Vec<&'static str> {
    let mut mock = Mock::new(&demo::snapshot());
    collect(&mut mock);
    let all = dataset::closure(&needed());
    all.into_iter().flat_map(dataset::operations).copied().filter(|api| mock.calls(api) > 0).collect()
}

#[test]
fn any_single_refusal_leaves_the_rest_audited_and_names_its_action() {
    let clean = evaluate(&demo::snapshot(), &Settings::all_rules());
    for api in operations() {
        let snapshot =
            try_collect(&mut Mock::new(&demo::snapshot()).fail(api, Fault::AccessDenied), &request()).unwrap();
        let report = evaluate(&snapshot, &Settings::all_rules());
        assert!(!report.scan.complete, "{api}");
        let named = report.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some(api));
        assert!(named, "{api} is not named among what was not evaluated");
        let new: Vec<_> = report.findings.iter().filter(|f| clean.findings.iter().all(|c| c.id != f.id)).collect();
        assert!(new.is_empty(), "{api}: findings appeared that a complete scan does not have: {new:#?}");
    }
}

#[test]
fn what_only_instances_need_takes_nothing_from_fargate() {
    let fixture = fargate_isolated_without_endpoints();
    for api in ["ecs:ListContainerInstances", "ec2:DescribeInternetGateways", "ec2:DescribeNatGateways"] {
        let mut mock = Mock::new(&fixture.account.snapshot()).fail(api, Fault::AccessDenied);
        let report = evaluate(&try_collect(&mut mock, &request()).unwrap(), &Settings::all_rules());
        assert_eq!(report.findings[0].rule, "vpc-endpoint-missing", "{api}");
    }
}

#[test]
fn web_pages_and_throttles_are_named_for_what_they_are() {
    let faults = [(Fault::WebPage, FailureClass::NotSupported), (Fault::Throttled, FailureClass::Throttled)];
    for api in operations() {
        for (fault, class) in faults {
            let mut mock = Mock::new(&demo::snapshot()).fail(api, fault);
            let data = collect(&mut mock);
            let failures: Vec<FailureClass> =
                data.coverage().iter().flat_map(|(_, _, _, failures)| failures.iter().map(|f| f.class)).collect();
            assert!(failures.contains(&class), "{api} {fault:?}: {failures:?}");
        }
    }
}

#[test]
fn an_operation_that_the_endpoint_does_not_know_is_asked_for_once() {
    let mut mock = Mock::new(&demo::snapshot()).fail("ec2:DescribeNatGateways", Fault::WebPage);
    let snapshot = try_collect(&mut mock, &request()).unwrap();
    assert_eq!(snapshot.targets[0].calls[&Dataset::NatGateways].calls, 1);
    let mut mock = Mock::new(&demo::snapshot()).fail("ec2:DescribeNatGateways", Fault::Throttled);
    let snapshot = try_collect(&mut mock, &request()).unwrap();
    let stats = snapshot.targets[0].calls[&Dataset::NatGateways];
    assert!(stats.calls == stats.throttled && (3..=10).contains(&stats.calls), "{stats:?}");
}

#[test]
fn a_repeated_token_ends_with_an_error_and_never_with_a_loop() {
    let paged = [
        "ecs:ListClusters",
        "ecs:ListTasks",
        "ec2:DescribeSubnets",
        "elasticloadbalancing:DescribeTargetGroups",
        "events:ListEventBuses",
        "events:ListRuleNamesByTarget",
        "scheduler:ListSchedules",
    ];
    for api in paged {
        let data = collect(&mut Mock::new(&demo::snapshot()).fail(api, Fault::RepeatedToken));
        let failures: Vec<_> = data.coverage().into_iter().flat_map(|(_, _, _, failures)| failures).collect();
        assert!(failures.iter().any(|f| f.class == FailureClass::InvalidResponse && f.operation == api), "{api}");
    }
}

#[test]
fn a_rule_alone_makes_only_the_calls_of_its_policy() {
    let snapshot = fargate_private_with_nat().account.snapshot();
    for rule in rules::ALL {
        let datasets: BTreeSet<Dataset> = rule.needs.iter().copied().collect();
        let allowed: BTreeSet<&str> = dataset::closure(&datasets)
            .into_iter()
            .flat_map(dataset::operations)
            .copied()
            .chain(["sts:GetCallerIdentity"])
            .collect();
        let mut mock = Mock::new(&snapshot);
        try_collect(&mut mock, &Request { datasets, ..request() }).unwrap();
        let called = mock.called();
        assert!(called.is_subset(&allowed), "{}: {:?}", rule.id, called.difference(&allowed));
    }
}

#[test]
fn an_idle_region_costs_two_calls() {
    let mut mock = Mock::new(&crate::mocks::account::Account::new().snapshot());
    let data = collect(&mut mock);
    assert!(data.services.is_complete() && data.vpc_endpoints.is_complete());
    assert_eq!(mock.all_calls(), 2);
}

#[test]
fn batches_are_full_and_each_revision_is_described_once() {
    let mut fixture = fargate_private_with_nat();
    for number in 0..24 {
        let name = format!("service-{number:02}");
        fixture.account.fargate_service(&fixture.cluster, &name, &fixture.definition, &[&fixture.subnet.clone()]);
    }
    for number in 0..150 {
        fixture.account.task(&fixture.service, &format!("task-{number}"));
    }
    let mut mock = Mock::new(&fixture.account.snapshot());
    collect(&mut mock);
    assert_eq!(mock.calls("ecs:DescribeServices"), 3);
    assert_eq!(mock.calls("ecs:DescribeTasks"), 2);
    assert_eq!(mock.calls("ecs:DescribeTaskDefinition"), 1);
    assert_eq!(mock.calls("ecs:DescribeClusters"), 1);
    assert_eq!(mock.calls("ec2:DescribeVpcAttribute"), 2);
}

#[test]
fn values_of_users_never_reach_a_snapshot() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.task(&fixture.service, "t");
    fixture.account.edit_definition(&fixture.definition, |definition| {
        definition.containers[0].environment = vec![
            variable("MODE", None, None),
            variable("TOKEN", None, Some("number")),
            variable("KEY", Some("aws-access-key-id"), None),
        ];
    });
    let snapshot = fixture.account.snapshot();
    check_round_trip(&snapshot);
    let collected = try_collect(&mut Mock::new(&snapshot), &request()).unwrap();
    let saved = serde_json::to_string(&collected).unwrap();
    assert!(!saved.contains(SENTINEL) && !saved.contains("AKIA"));
}

#[test]
fn what_goes_away_between_list_and_describe_is_just_gone() {
    let mut fixture = fargate_private_with_nat();
    let second =
        fixture.account.fargate_service(&fixture.cluster, "api", &fixture.definition, &[&fixture.subnet.clone()]);
    let data = collect(&mut Mock::new(&fixture.account.snapshot()).vanish(second.as_str()));
    assert!(data.services.is_complete());
    assert_eq!(data.services.items().len(), 1);
}

#[test]
fn inactive_clusters_and_services_are_left_out() {
    let mut fixture = fargate_private_with_nat();
    let gone = fixture.account.cluster("gone");
    fixture.account.edit_cluster(&gone, |cluster| cluster.status = "INACTIVE".to_owned());
    let old = fixture.account.service(&fixture.cluster, "old", &fixture.definition);
    fixture.account.edit_service(&old, |service| service.status = "INACTIVE".to_owned());
    let data = collect(&mut Mock::new(&fixture.account.snapshot()));
    assert_eq!((data.clusters.items().len(), data.services.items().len()), (1, 1));
}

#[test]
fn the_scope_limits_what_is_described() {
    let mut fixture: Fixture = fargate_private_with_nat();
    let other = fixture.account.cluster("staging");
    let image = container("x", &ecr("x"));
    let definition = fixture.account.definition("x", None, vec![image]);
    fixture.account.service(&other, "x", &definition);
    let scope = Scope { clusters: vec!["pro*".to_owned()], services: vec!["w?b".to_owned()] };
    let mut mock = Mock::new(&fixture.account.snapshot());
    let snapshot = try_collect(&mut mock, &Request { scope: scope.clone(), ..request() }).unwrap();
    let data = &snapshot.targets[0].data;
    assert_eq!((data.clusters.items().len(), data.services.items().len()), (1, 1));
    assert_eq!((mock.calls("ecs:ListServices"), mock.calls("ecs:DescribeTaskDefinition")), (1, 1));
    assert_eq!(snapshot.scope, scope);
}

#[test]
fn a_refused_identity_ends_the_scan() {
    let error =
        try_collect(&mut Mock::new(&demo::snapshot()).fail("sts:GetCallerIdentity", Fault::AccessDenied), &request());
    assert!(matches!(error, Err(CollectError::Refused { .. })), "{error:?}");
}

#[test]
fn what_is_not_read_in_time_is_reported_as_interrupted() {
    let snapshot =
        try_collect(&mut Mock::new(&demo::snapshot()), &Request { timeout: Duration::ZERO, ..request() }).unwrap();
    let data = &snapshot.targets[0].data;
    assert_eq!(data.clusters.failures()[0].class, FailureClass::Interrupted);
    let report = evaluate(&snapshot, &Settings::all_rules());
    assert!(!report.scan.complete && report.findings.is_empty());
}
