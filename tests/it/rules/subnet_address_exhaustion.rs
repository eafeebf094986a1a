//! Subnets without the addresses that their tasks need.

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::Severity;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::DeploymentStrategy;
use ecs_network_audit::snapshot::ids::SubnetId;
use insta::assert_snapshot;

use crate::mocks::account::Account;
use crate::mocks::accounts::{Fixture, ec2_bridge_behind_alb, fargate_private_with_nat};
use crate::mocks::compute::set_counts;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "subnet-address-exhaustion";

fn leave(account: &mut Account, subnet: &SubnetId, addresses: i32) {
    account.edit_subnet(subnet, |subnet| subnet.available_ip_address_count = addresses);
}

/// A service of two tasks in one subnet with so many free addresses.
fn in_one_subnet(addresses: i32) -> Fixture {
    let mut fixture = fargate_private_with_nat();
    leave(&mut fixture.account, &fixture.subnet, addresses);
    fixture
}

/// The same in two subnets.
fn in_two_subnets(a: i32, b: i32) -> Pattern {
    spread(patterns::fargate_nat(), a, b)
}

fn spread(mut pattern: Pattern, a: i32, b: i32) -> Pattern {
    leave(&mut pattern.account, &pattern.subnets[0], a);
    leave(&mut pattern.account, &pattern.subnets[1], b);
    pattern
}

#[track_caller]
fn check(account: &Account, expected: &[Severity]) {
    let report = audit_rule(account, RULE);
    let found: Vec<Severity> = report.findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(found, expected);
    assert!(report.not_evaluated.is_empty());
}

#[test]
fn the_next_deployment_finds_too_few_addresses() {
    let report = audit_rule(&in_one_subnet(1).account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium subnet-address-exhaustion subnet-04c2cb0f785a4be86 (ec2:subnet)
    subnet-04c2cb0f785a4be86 in eu-west-1a has 1 of 251 addresses free: the next deployment of prod/web starts 2 tasks, and its 1 subnet has 1 address free
    blocker capacity/addresses - -> subnet-04c2cb0f785a4be86: the next deployment of prod/web starts 2 tasks, and its 1 subnet has 1 address free
    fix Add a larger subnet of the same zone to the services (a VPC can get another block), remove interfaces that are no longer used, or deploy in smaller steps with a lower maximumPercent.
    "##);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert_eq!((&only(&report).facts["free"], &only(&report).facts["usable"]), (&1.into(), &251.into()));
}

#[test]
fn a_small_subnet_with_room_for_the_next_deployment_is_fine() {
    let mut fixture = in_one_subnet(2);
    fixture.account.edit_subnet(&fixture.subnet, |subnet| subnet.cidr_block = Some("10.0.1.0/28".parse().unwrap()));
    assert_silent(&audit_rule(&fixture.account, RULE));
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
}

#[test]
fn all_subnets_of_a_service_have_none_free() {
    let fixture = in_one_subnet(0);
    let report = audit_rule(&fixture.account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    high subnet-address-exhaustion subnet-04c2cb0f785a4be86 (ec2:subnet)
    subnet-04c2cb0f785a4be86 in eu-west-1a has 0 of 251 addresses free: the next deployment of prod/web starts 2 tasks, and its 1 subnet has 0 addresses free
    blocker capacity/addresses - -> subnet-04c2cb0f785a4be86: the next deployment of prod/web starts 2 tasks, and its 1 subnet has 0 addresses free
    fix Add a larger subnet of the same zone to the services (a VPC can get another block), remove interfaces that are no longer used, or deploy in smaller steps with a lower maximumPercent.
    "##);
    check(&fixture.account, &[Severity::High]);
    check(&in_two_subnets(0, 0).account, &[Severity::High, Severity::High]);
    check(&spread(patterns::ec2_awsvpc(), 0, 0).account, &[Severity::High, Severity::High]);
}

#[test]
fn the_subnets_of_a_service_are_taken_together() {
    // Two tasks start, wherever there is room.
    check(&in_two_subnets(1, 0).account, &[Severity::Medium, Severity::Medium]);
    check(&in_two_subnets(1, 1).account, &[]);
}

#[test]
fn one_of_several_subnets_has_none_free() {
    let pattern = in_two_subnets(0, 4000);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert_eq!(only(&report).resource.name, pattern.subnets[0].as_str());
    assert!(only(&report).message.to_string().contains("the other subnets of its services still have some"));
}

#[test]
fn fewer_are_free_than_tasks_are_missing() {
    // Six of eight tasks are missing; the deployment after that starts eight.
    for (free, expected) in [(5, Some(Severity::High)), (6, Some(Severity::Medium)), (8, None)] {
        let mut fixture = in_one_subnet(free);
        fixture.account.edit_service(&fixture.service, |service| set_counts(service, 8, 2));
        check(&fixture.account, expected.as_slice());
    }
}

#[test]
fn only_all_deployments_at_once_would_not_fit() {
    for (free, expected) in
        [(4, None), (3, Some(Severity::Low)), (1, Some(Severity::Medium)), (0, Some(Severity::High))]
    {
        let mut fixture = in_one_subnet(free);
        fixture.account.fargate_service(&fixture.cluster, "api", &fixture.definition, &[&fixture.subnet]);
        check(&fixture.account, expected.as_slice());
    }
    let mut fixture = in_one_subnet(3);
    fixture.account.fargate_service(&fixture.cluster, "api", &fixture.definition, &[&fixture.subnet]);
    let report = audit_rule(&fixture.account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    low subnet-address-exhaustion subnet-04c2cb0f785a4be86 (ec2:subnet)
    subnet-04c2cb0f785a4be86 in eu-west-1a has 3 of 251 addresses free: all next deployments at once would start 4 tasks there
    blocker capacity/addresses - -> subnet-04c2cb0f785a4be86: all next deployments at once would start 4 tasks there
    fix Add a larger subnet of the same zone to the services (a VPC can get another block), remove interfaces that are no longer used, or deploy in smaller steps with a lower maximumPercent.
    "##);
    assert_eq!((only(&report).related.len(), &only(&report).facts["wanted_at_once"]), (2, &4.into()));
}

#[test]
fn a_deployment_starts_what_its_ceiling_and_its_kind_say() {
    let mut fixture = in_one_subnet(3);
    fixture.account.edit_service(&fixture.service, |service| {
        set_counts(service, 4, 4);
        service.deployment_configuration.minimum_healthy_percent = Some(0);
        service.deployment_configuration.maximum_percent = Some(150);
    });
    check(&fixture.account, &[]);
    fixture.account.edit_service(&fixture.service, |service| {
        service.deployment_configuration.maximum_percent = Some(200);
    });
    check(&fixture.account, &[Severity::Medium]);
    // A second set of tasks, whatever the percentages.
    fixture.account.edit_service(&fixture.service, |service| {
        service.deployment_configuration.maximum_percent = Some(100);
        service.deployment_configuration.strategy = Some(DeploymentStrategy::BlueGreen);
    });
    check(&fixture.account, &[Severity::Medium]);
}

#[test]
fn interfaces_that_could_not_be_made_confirm_it() {
    for event in [
        "(service web) failed to launch a task with (error There are insufficient free addresses in the subnet.).",
        "(service web) failed to launch a task with (error InsufficientFreeAddressesInSubnet: The specified subnet does \
         not have enough free addresses to satisfy the request.).",
    ] {
        let mut fixture = in_one_subnet(1);
        fixture.account.event(&fixture.service, event);
        let report = audit_rule(&fixture.account, RULE);
        assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::High, 1));
        assert_eq!(only(&report).severity_reason.as_deref(), Some("ENIs could not be made"));
        // What healed is no symptom.
        fixture.account.event(&fixture.service, "(service web) has reached a steady state.");
        check(&fixture.account, &[Severity::Medium]);
    }
}

#[test]
fn they_do_so_too_where_one_of_several_subnets_has_none_free() {
    let mut pattern = in_two_subnets(0, 4000);
    let event =
        "(service web) failed to launch a task with (error There are insufficient free addresses in the subnet.).";
    pattern.account.event(&pattern.service, event);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::High, 1));
}

/// A service with room, and a job in a subnet of its own with so many free addresses.
fn with_job(addresses: i32) -> Fixture {
    let mut fixture = fargate_private_with_nat();
    let jobs = fixture.account.subnet(&fixture.vpc, "jobs-a", "10.0.2.0/28", "a");
    leave(&mut fixture.account, &jobs, addresses);
    fixture.account.schedule("nightly", &fixture.cluster, &fixture.definition, &[&jobs]);
    fixture
}

#[test]
fn scheduled_tasks_need_addresses_too() {
    check(&with_job(1).account, &[]);
    let mut fixture = with_job(0);
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).severity, Severity::High);
    assert!(only(&report).message.to_string().contains("prod/nightly"));
    fixture.account.data.schedules.items_mut().unwrap()[0].state = "DISABLED".to_owned();
    check(&fixture.account, &[]);
    let mut fixture = with_job(3);
    fixture.account.data.schedules.items_mut().unwrap()[0].target.task_count = 5;
    check(&fixture.account, &[Severity::Medium]);
}

#[test]
fn a_schedule_is_no_service() {
    let report = audit_rule(&with_job(0).account, RULE);
    let kinds: Vec<&str> = only(&report).related.iter().map(|related| related.kind).collect();
    assert_eq!(kinds, ["scheduler:schedule"]);
}

#[test]
fn rules_of_eventbridge_share_a_subnet_with_services() {
    let mut fixture = in_one_subnet(2);
    fixture.account.event_rule("hourly", &fixture.cluster, &fixture.definition, &[&fixture.subnet]);
    check(&fixture.account, &[Severity::Low]);
}

#[test]
fn subnets_of_ipv6_alone_have_no_ipv4_addresses_to_run_out_of() {
    let ipv6_only = |account: &mut Account, subnet: &SubnetId| {
        account.edit_subnet(subnet, |subnet| {
            subnet.ipv6_native = true;
            subnet.cidr_block = None;
            subnet.available_ip_address_count = 0;
        });
    };
    let mut fixture = fargate_private_with_nat();
    ipv6_only(&mut fixture.account, &fixture.subnet);
    assert_silent(&audit_rule(&fixture.account, RULE));
    let mut pattern = patterns::fargate_nat();
    ipv6_only(&mut pattern.account, &pattern.subnets[0]);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn tasks_without_an_eni_of_their_own_need_none() {
    let mut fixture = ec2_bridge_behind_alb();
    leave(&mut fixture.account, &fixture.subnet, 0);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_service_that_wants_nothing_needs_none() {
    let mut fixture = in_one_subnet(0);
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 0, 0));
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn with_only_some_services_in_scope_no_subnet_is_judged() {
    let everything = Settings { rules: vec![RULE], ..Settings::all_rules() };
    let snapshot = in_one_subnet(0).account.snapshot();
    only(&evaluate(&snapshot, &everything));
    let services = Settings { services: vec!["web".to_owned()], ..everything.clone() };
    assert_silent(&evaluate(&snapshot, &services));
    let clusters = Settings { clusters: vec!["prod".to_owned()], ..everything.clone() };
    assert_silent(&evaluate(&snapshot, &clusters));
    // A scan that was limited itself is as blind.
    let mut limited = snapshot.clone();
    limited.scope.services = vec!["web".to_owned()];
    assert_silent(&evaluate(&limited, &everything));
}

#[test]
fn datasets_that_may_not_be_read_prove_nothing() {
    for (dataset, api) in [
        (Dataset::Subnets, "ec2:DescribeSubnets"),
        (Dataset::Services, "ecs:ListServices"),
        (Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition"),
    ] {
        let mut fixture = in_one_subnet(1);
        fixture.account.deny(dataset, api);
        assert_unknown(&audit_rule(&fixture.account, RULE), &format!("{} could not be read", dataset.name()));
    }
}

#[test]
fn services_that_were_not_read_may_use_a_subnet_as_well() {
    let mut fixture = with_job(1);
    fixture.account.deny(Dataset::Services, "ecs:ListServices");
    let report = audit_rule(&fixture.account, RULE);
    assert_unknown(&report, "services could not be read");
    assert!(report.not_evaluated.iter().all(|entry| entry.resource.is_some()));
    // What is proved stays proved.
    let mut fixture = with_job(0);
    fixture.account.deny(Dataset::Services, "ecs:ListServices");
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!((only(&report).severity, report.not_evaluated.is_empty()), (Severity::High, false));
}
