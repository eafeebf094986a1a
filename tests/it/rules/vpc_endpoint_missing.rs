//! Needed services with neither an endpoint nor a way to the internet.

use ecs_network_audit::finding::{NotEvaluatedKind, Severity};
use ecs_network_audit::snapshot::coverage::{Dataset, Failure, FailureClass};
use ecs_network_audit::snapshot::ecs::{PlacementConstraint, ServiceConnectConfiguration};
use ecs_network_audit::snapshot::enums::{
    ConnectivityType, LaunchType, NatGatewayState, NetworkMode, RouteState, VpcEndpointState,
};
use ecs_network_audit::snapshot::ids::VpcEndpointId;
use ecs_network_audit::snapshot::vpc::{
    DhcpOptions, PrefixList, ProfileAssociation, ResolverRule, RouteTarget, VpcEndpoint,
};
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::mocks::account::{Account, id, now, push};
use crate::mocks::accounts::{
    Fixture, assign_public_ip, ec2_awsvpc_full, ec2_awsvpc_trunked, ec2_bridge_behind_alb,
    fargate_isolated_with_endpoints, fargate_isolated_without_endpoints, fargate_private_with_nat, fargate_public,
};
use crate::mocks::compute::{container, ecr, set_counts, set_launch, web};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "vpc-endpoint-missing";

fn missing(account: &Account) -> Vec<String> {
    let report = audit_rule(account, RULE);
    let missing = report.findings.iter().flat_map(|f| f.facts["missing"].as_array().unwrap().clone());
    missing.map(|service| service.as_str().unwrap().to_owned()).collect()
}

fn without(service: &str) -> Fixture {
    let mut fixture = fargate_isolated_with_endpoints();
    let name = format!(".{service}");
    fixture.account.data.vpc_endpoints.items_mut().unwrap().retain(|e| !e.service_name.ends_with(&name));
    if service == "s3" {
        fixture.account.edit_table(&fixture.table, |table| table.routes.truncate(1));
    }
    fixture
}

/// The isolated fixture on container instances instead of Fargate, agents not connected.
fn isolated_instances(mode: NetworkMode) -> Fixture {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.edit_service(&fixture.service, |s| set_launch(s, Some(LaunchType::Ec2), &[]));
    fixture.account.edit_definition(&fixture.definition, |d| d.network_mode = Some(mode));
    let instance = fixture.account.container_instance(&fixture.cluster, "isolated", "m5.large", &fixture.subnet);
    fixture.account.edit_instance(&instance, |instance| instance.agent_connected = false);
    fixture
}

#[test]
fn an_isolated_subnet_without_any_endpoint() {
    let fixture = fargate_isolated_without_endpoints();
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high vpc-endpoint-missing prod/web (ecs:service)
    Fargate tasks in subnet-0896d9a98e4df01a6 cannot reach ecr.api, ecr.dkr, logs and s3: no endpoint for them, and the main route table rtb-0e2cf09ced8df5cbb has no route to the internet; needed by app (image, logConfiguration)
    blocker endpoint/no-endpoint subnet-0896d9a98e4df01a6 -> com.amazonaws.eu-west-1.ecr.api: vpc-01f40ac3d5852ad3a has no endpoint for it and rtb-0e2cf09ced8df5cbb no usable route to the internet
    blocker endpoint/no-endpoint subnet-0896d9a98e4df01a6 -> com.amazonaws.eu-west-1.ecr.dkr: vpc-01f40ac3d5852ad3a has no endpoint for it and rtb-0e2cf09ced8df5cbb no usable route to the internet
    blocker endpoint/no-endpoint subnet-0896d9a98e4df01a6 -> com.amazonaws.eu-west-1.logs: vpc-01f40ac3d5852ad3a has no endpoint for it and rtb-0e2cf09ced8df5cbb no usable route to the internet
    blocker endpoint/no-endpoint subnet-0896d9a98e4df01a6 -> com.amazonaws.eu-west-1.s3: vpc-01f40ac3d5852ad3a has no endpoint for it and rtb-0e2cf09ced8df5cbb no usable route to the internet
    fix Create endpoints for ecr.api, ecr.dkr, logs and s3 (private DNS on, TCP 443 admitted from the tasks), or give the subnet a default route to a NAT gateway.
    $ aws ec2 create-vpc-endpoint --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --vpc-endpoint-type Gateway --service-name com.amazonaws.eu-west-1.s3 --route-table-ids rtb-0e2cf09ced8df5cbb
    $ ENDPOINT_GROUP=$(aws ec2 create-security-group --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --group-name ecs-vpc-endpoints --description 'HTTPS from ECS tasks to VPC endpoints' --query GroupId --output text)
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id "$ENDPOINT_GROUP" --protocol tcp --port 443 --cidr 10.0.0.0/16
    $ aws ec2 create-vpc-endpoint --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --vpc-endpoint-type Interface --service-name com.amazonaws.eu-west-1.ecr.api --subnet-ids subnet-0896d9a98e4df01a6 --security-group-ids "$ENDPOINT_GROUP" --private-dns-enabled
    $ aws ec2 create-vpc-endpoint --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --vpc-endpoint-type Interface --service-name com.amazonaws.eu-west-1.ecr.dkr --subnet-ids subnet-0896d9a98e4df01a6 --security-group-ids "$ENDPOINT_GROUP" --private-dns-enabled
    $ aws ec2 create-vpc-endpoint --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --vpc-endpoint-type Interface --service-name com.amazonaws.eu-west-1.logs --subnet-ids subnet-0896d9a98e4df01a6 --security-group-ids "$ENDPOINT_GROUP" --private-dns-enabled
    "##);
}

#[test]
fn each_forgotten_endpoint_is_named_alone() {
    for service in ["ecr.api", "ecr.dkr", "logs", "s3"] {
        assert_eq!(missing(&without(service).account), [service]);
    }
}

#[test]
fn healthy_accounts_are_silent() {
    for fixture in [
        fargate_private_with_nat(),
        fargate_isolated_with_endpoints(),
        fargate_public(),
        ec2_bridge_behind_alb(),
        ec2_awsvpc_full(),
        ec2_awsvpc_trunked(),
    ] {
        assert_silent(&audit_rule(&fixture.account, RULE));
    }
}

#[test]
fn secrets_name_the_service_by_their_arn() {
    for (reference, service) in [
        ("arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf:password::", "secretsmanager"),
        ("arn:aws:ssm:eu-west-1:111122223333:parameter/db/password", "ssm"),
        ("db-password", "ssm"),
        ("/db/password", "ssm"),
    ] {
        let mut fixture = fargate_isolated_with_endpoints();
        let containers = vec![web().secret(reference)];
        let definition = fixture.account.definition("secretive", Some(NetworkMode::Awsvpc), containers);
        fixture.account.edit_service(&fixture.service, |s| s.deployments[0].task_definition = Some(definition));
        assert_eq!(missing(&fixture.account), [service], "{reference}");
    }
}

#[test]
fn what_lies_in_another_region_needs_a_way_there() {
    let mut fixture = fargate_isolated_with_endpoints();
    let secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf";
    let image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/web:1";
    let containers = vec![container("app", image).awslogs_in("us-east-1").secret(secret)];
    let definition = fixture.account.definition("abroad", Some(NetworkMode::Awsvpc), containers);
    fixture.account.edit_service(&fixture.service, |s| s.deployments[0].task_definition = Some(definition));
    // The image and the logs have rules of their own.
    assert_eq!(missing(&fixture.account), ["secretsmanager (us-east-1)"]);
    let report = audit_rule(&fixture.account, RULE);
    assert!(only(&report).remediation.text.to_string().contains("cross-Region"), "{}", only(&report).remediation.text);
    assert!(only(&report).remediation.commands.is_empty());
}

#[test]
fn files_and_log_routers_need_their_services() {
    let mut fixture = fargate_isolated_with_endpoints();
    fixture.account.edit_table(&fixture.table, |table| table.routes.truncate(1));
    fixture.account.data.vpc_endpoints.items_mut().unwrap().clear();
    let file = "arn:aws:s3:::config/app.env".to_owned();
    let app = container("app", "nginx")
        .with(|c| c.environment_files.push(file))
        .log("awsfirelens", &[("Name", "kinesis_firehose"), ("region", "eu-west-1")]);
    let definition = fixture.account.definition("routed", Some(NetworkMode::Awsvpc), vec![app]);
    fixture.account.edit_service(&fixture.service, |s| s.deployments[0].task_definition = Some(definition));
    assert_eq!(missing(&fixture.account), ["kinesis-firehose", "s3"]);
}

#[test]
fn an_old_fargate_platform_needs_less() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.edit_definition(&fixture.definition, |d| {
        d.containers[0].secrets = web().secret("db").into_secrets();
    });
    fixture.account.edit_service(&fixture.service, |service| {
        service.deployments[0].platform_version = Some("1.3.0".to_owned());
    });
    assert_eq!(missing(&fixture.account), ["ecr.dkr", "logs", "s3"]);
}

#[test]
fn on_ec2_the_instance_pulls_whatever_the_task_eni_could_do() {
    // The task ENIs sit in the isolated subnet; the instance, behind a NAT gateway, does all the fetching.
    let mut fixture = ec2_awsvpc_trunked();
    let isolated = fixture.account.subnet(&fixture.vpc, "isolated", "10.0.9.0/24", "a");
    fixture.account.network(&fixture.service, &[&isolated]);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn an_instance_without_a_way_out_stops_its_tasks_in_every_mode() {
    for mode in [NetworkMode::Awsvpc, NetworkMode::Bridge, NetworkMode::Host] {
        let fixture = isolated_instances(mode);
        let report = audit_rule(&fixture.account, RULE);
        let finding = only(&report);
        assert_eq!(finding.facts["interfaces"][0], "instance-eni");
        assert!(finding.message.to_string().starts_with("The container instance in "), "{}", finding.message);
    }
}

#[test]
fn a_log_router_on_ec2_sends_from_the_task_eni() {
    let mut fixture = ec2_awsvpc_trunked();
    let isolated = fixture.account.subnet(&fixture.vpc, "isolated", "10.0.9.0/24", "a");
    fixture.account.network(&fixture.service, &[&isolated]);
    fixture.account.edit_definition(&fixture.definition, |d| {
        d.containers[0].log_configuration = container("x", "x").log("awsfirelens", &[("Name", "firehose")]).into_log();
    });
    assert_eq!(missing(&fixture.account), ["kinesis-firehose"]);
}

#[test]
fn a_connected_agent_contradicts_a_way_that_cannot_be_seen() {
    let mut fixture = isolated_instances(NetworkMode::Bridge);
    let instance = fixture.account.data.container_instances.items()[0].arn.clone();
    fixture.account.edit_instance(&instance, |instance| instance.agent_connected = true);
    assert_unknown(&audit_rule(&fixture.account, RULE), "contradicted by live state");
    // With the control plane's own endpoints the connection says nothing about the others.
    for service in ["ecs", "ecs-agent", "ecs-telemetry"] {
        fixture.account.interface_endpoint(&fixture.vpc, service, &[&fixture.subnet]);
    }
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_task_that_has_just_started_there_contradicts_too() {
    let mut fixture = fargate_isolated_without_endpoints();
    let task = fixture.account.task(&fixture.service, "t");
    only(&audit_rule(&fixture.account, RULE));
    fixture.account.edit_task(&task, |task| task.started_at = Some(now() - SignedDuration::from_mins(20)));
    assert_unknown(&audit_rule(&fixture.account, RULE), "contradicted by live state");
}

#[test]
fn only_the_failing_one_of_several_instances_may_be_excluded_by_a_constraint() {
    let mut fixture = isolated_instances(NetworkMode::Bridge);
    let public = fixture.account.public_subnet(&fixture.vpc, "public", "10.0.0.0/24", "a");
    let nat = fixture.account.nat_gateway("nat", &public);
    let private = fixture.account.private_subnet(&fixture.vpc, "private", "10.0.2.0/24", "a", &nat);
    fixture.account.container_instance(&fixture.cluster, "good", "m5.large", &private);
    only(&audit_rule(&fixture.account, RULE));
    fixture.account.edit_service(&fixture.service, |service| {
        let expression = Some("attribute:stack == prod".to_owned());
        service.placement_constraints = vec![PlacementConstraint { kind: "memberOf".to_owned(), expression }];
    });
    assert_unknown(&audit_rule(&fixture.account, RULE), "placement constraint");
}

#[test]
fn without_instances_the_auto_scaling_group_says_where_they_will_start() {
    let mut fixture = fargate_isolated_without_endpoints();
    let provider = fixture.account.capacity_provider("asg", 0, 3, &[&fixture.subnet]);
    fixture.account.edit_service(&fixture.service, |s| set_launch(s, None, &[&provider]));
    let report = audit_rule(&fixture.account, RULE);
    assert!(only(&report).message.to_string().starts_with("Container instances to be launched in "));
}

#[test]
fn a_way_out_that_is_broken_is_another_rules_matter() {
    let mut failed = fargate_private_with_nat();
    let nat = failed.account.data.nat_gateways.items()[0].id.clone();
    failed.account.edit_nat(&nat, |nat| nat.state = NatGatewayState::Failed);
    let mut blackhole = fargate_private_with_nat();
    blackhole.account.edit_table(&blackhole.table, |table| table.routes[1].state = RouteState::Blackhole);
    let mut no_address = fargate_public();
    assign_public_ip(&mut no_address, false);
    let mut blocked = fargate_public();
    blocked.account.data.block_public_access.items_mut().unwrap()[0].internet_gateway_block_mode =
        "block-bidirectional".to_owned();
    for (fixture, rule) in [
        (failed, "nat-path-broken"),
        (blackhole, "nat-path-broken"),
        (no_address, "public-subnet-without-public-ip"),
        (blocked, "nat-path-broken"),
    ] {
        assert_silent(&audit_rule(&fixture.account, RULE));
        only(&audit_rule(&fixture.account, rule));
    }
}

#[test]
fn an_instance_in_a_public_subnet_without_an_address_has_no_way_either() {
    let mut fixture = isolated_instances(NetworkMode::Bridge);
    let gateway = fixture.account.internet_gateway(&fixture.vpc);
    fixture.account.route(&fixture.table, "0.0.0.0/0", RouteTarget::InternetGateway(gateway));
    let report = audit_rule(&fixture.account, RULE);
    assert!(only(&report).message.to_string().contains("no public address"));
    let instance = fixture.account.data.container_instances.items()[0].arn.clone();
    fixture.account.edit_host(&instance, |host| {
        host.network_interfaces[0].public_ip = Some("198.51.100.9".to_owned());
    });
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn next_hops_that_nobody_can_see_through_are_unknown() {
    let targets = [
        RouteTarget::TransitGateway("tgw-1".to_owned()),
        RouteTarget::VirtualPrivateGateway("vgw-1".to_owned()),
        RouteTarget::VpcPeeringConnection("pcx-1".to_owned()),
        RouteTarget::NetworkInterface("eni-1".into()),
        RouteTarget::Instance("i-1".into()),
        RouteTarget::VpcEndpoint("vpce-1".into()),
        RouteTarget::CoreNetwork("arn:aws:networkmanager::111122223333:core-network/1".to_owned()),
        RouteTarget::LocalGateway("lgw-1".to_owned()),
        RouteTarget::CarrierGateway("cagw-1".to_owned()),
        RouteTarget::Other(String::new()),
    ];
    for target in targets {
        let mut fixture = fargate_isolated_without_endpoints();
        fixture.account.route(&fixture.table, "0.0.0.0/0", target.clone());
        let report = audit_rule(&fixture.account, RULE);
        assert_unknown(&report, "can't be seen through");
        assert_eq!(report.not_evaluated[0].kind, NotEvaluatedKind::Undecidable, "{target:?}");
        assert!(report.scan.complete);
    }
}

#[test]
fn a_private_nat_gateway_or_one_behind_a_transit_gateway_is_unknown() {
    let mut private = fargate_private_with_nat();
    let nat = private.account.data.nat_gateways.items()[0].id.clone();
    private.account.edit_nat(&nat, |nat| nat.connectivity_type = ConnectivityType::Private);
    assert_unknown(&audit_rule(&private.account, RULE), "private NAT gateway");
    let mut behind = fargate_private_with_nat();
    let tables = behind.account.data.route_tables.items_mut().unwrap();
    let public =
        tables.iter_mut().find(|t| t.routes.iter().any(|r| matches!(r.target, RouteTarget::InternetGateway(_))));
    public.unwrap().routes[1].target = RouteTarget::TransitGateway("tgw-1".to_owned());
    assert_unknown(&audit_rule(&behind.account, RULE), "can't be seen through");
}

#[test]
fn two_halves_of_the_internet_make_a_default_route() {
    let mut fixture = fargate_isolated_without_endpoints();
    let public = fixture.account.public_subnet(&fixture.vpc, "public", "10.0.0.0/24", "a");
    let nat = RouteTarget::NatGateway(fixture.account.nat_gateway("nat", &public));
    fixture.account.route(&fixture.table, "0.0.0.0/1", nat.clone());
    assert!(audit_rule(&fixture.account, RULE).findings.is_empty());
    fixture.account.route(&fixture.table, "128.0.0.0/1", nat);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_company_range_through_a_transit_gateway_takes_nothing_from_the_default_route() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.route(&fixture.table, "193.0.0.0/16", RouteTarget::TransitGateway("tgw-1".to_owned()));
    fixture.account.route(&fixture.table, "10.99.0.0/16", RouteTarget::TransitGateway("tgw-1".to_owned()));
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn private_ranges_elsewhere_are_no_way_out() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.route(&fixture.table, "10.99.0.0/16", RouteTarget::TransitGateway("tgw-1".to_owned()));
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_route_to_a_prefix_list_counts_by_its_entries() {
    let mut fixture = fargate_isolated_without_endpoints();
    let public = fixture.account.public_subnet(&fixture.vpc, "public", "10.0.0.0/24", "a");
    let nat = RouteTarget::NatGateway(fixture.account.nat_gateway("nat", &public));
    fixture.account.route(&fixture.table, "pl-0everything", nat);
    assert_unknown(&audit_rule(&fixture.account, RULE), "prefix list");
    push(
        &mut fixture.account.data.prefix_lists,
        PrefixList {
            id: "pl-0everything".into(),
            name: "everything".to_owned(),
            owner_id: "111122223333".to_owned(),
            address_family: "IPv4".to_owned(),
            max_entries: Some(10),
            entries: Some(vec!["0.0.0.0/0".parse().unwrap()]),
        },
    );
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_shared_vpc_hides_its_owners_endpoints() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.edit_vpc(&fixture.vpc, |vpc| vpc.owner_id = "999988887777".to_owned());
    assert_unknown(&audit_rule(&fixture.account, RULE), "shared by account 999988887777");
}

#[test]
fn names_that_resolve_elsewhere_are_unknown() {
    let zone = |name: &str| {
        let mut fixture = fargate_isolated_without_endpoints();
        fixture.account.hosted_zone(&fixture.vpc.clone(), name);
        fixture
    };
    // One covered name leaves the others missing; a zone above all of them leaves nothing proved.
    assert_eq!(missing(&zone("logs.eu-west-1.amazonaws.com").account), ["ecr.api", "ecr.dkr", "s3"]);
    assert_eq!(missing(&zone("dkr.ecr.eu-west-1.amazonaws.com").account), ["ecr.api", "logs", "s3"]);
    assert_unknown(&audit_rule(&zone("eu-west-1.amazonaws.com").account, RULE), "private hosted zone");
    only(&audit_rule(&zone("corp.internal").account, RULE));

    let mut rule = fargate_isolated_without_endpoints();
    let vpc_id = rule.vpc.clone();
    let forward = |kind: Option<&str>, domain: Option<&str>| ResolverRule {
        vpc_id: vpc_id.clone(),
        id: "rslvr-rr-1".to_owned(),
        domain_name: domain.map(str::to_owned),
        rule_type: kind.map(str::to_owned),
    };
    push(&mut rule.account.data.resolver_rules, forward(Some("RECURSIVE"), Some("")));
    push(&mut rule.account.data.resolver_rules, forward(Some("FORWARD"), Some("corp.internal")));
    only(&audit_rule(&rule.account, RULE));
    push(&mut rule.account.data.resolver_rules, forward(Some("FORWARD"), Some("amazonaws.com")));
    assert_unknown(&audit_rule(&rule.account, RULE), "forwards names");
    rule.account.data.resolver_rules.items_mut().unwrap().clear();
    push(&mut rule.account.data.resolver_rules, forward(None, None));
    assert_unknown(&audit_rule(&rule.account, RULE), "forwards names");

    let mut profile = fargate_isolated_without_endpoints();
    let vpc_id = profile.vpc.clone();
    push(
        &mut profile.account.data.profile_associations,
        ProfileAssociation { vpc_id, profile_id: "rp-1".to_owned(), name: None },
    );
    assert_unknown(&audit_rule(&profile.account, RULE), "Route 53 Profile rp-1");

    let mut resolver = fargate_isolated_without_endpoints();
    push(
        &mut resolver.account.data.dhcp_options,
        DhcpOptions { id: "dopt-own".into(), domain_name_servers: vec!["10.0.9.9".to_owned()] },
    );
    resolver.account.edit_vpc(&resolver.vpc, |vpc| vpc.dhcp_options_id = Some("dopt-own".into()));
    assert_unknown(&audit_rule(&resolver.account, RULE), "instead of Amazon's resolver");
}

#[test]
fn a_vpc_whose_zones_were_not_asked_for_is_not_taken_for_one_without() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.data.hosted_zones.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&fixture.account, RULE), "hosted zones");
}

#[test]
fn an_ipv6_way_out_may_or_may_not_serve() {
    let mut fixture = fargate_isolated_without_endpoints();
    let block = "2001:db8:1::/64".parse().unwrap();
    fixture.account.edit_subnet(&fixture.subnet, |subnet| subnet.ipv6_cidr_blocks.push(block));
    only(&audit_rule(&fixture.account, RULE));
    fixture.account.route(&fixture.table, "::/0", RouteTarget::EgressOnlyInternetGateway("eigw-1".into()));
    assert_unknown(&audit_rule(&fixture.account, RULE), "IPv6");
}

#[test]
fn an_interface_endpoint_alone_may_or_may_not_serve_image_layers() {
    let mut fixture = without("s3");
    fixture.account.interface_endpoint(&fixture.vpc, "s3", &[&fixture.subnet]);
    assert_unknown(&audit_rule(&fixture.account, RULE), "not documented");
}

#[test]
fn service_names_are_matched_whole() {
    let mut fixture = without("ecr.api");
    for service in ["ecr", "ecr.api2", "xecr.api"] {
        fixture.account.interface_endpoint(&fixture.vpc, service, &[&fixture.subnet]);
    }
    assert_eq!(missing(&fixture.account), ["ecr.api"]);
    fixture.account.interface_endpoint(&fixture.vpc, "ecr-fips.api", &[&fixture.subnet]);
    assert_unknown(&audit_rule(&fixture.account, RULE), "FIPS");
}

#[test]
fn an_endpoint_of_another_region_does_not_serve_this_one() {
    let mut fixture = fargate_isolated_with_endpoints();
    let logs = endpoint(&fixture, "logs");
    fixture.account.edit_endpoint(&logs, |endpoint| endpoint.service_region = Some("us-east-1".to_owned()));
    assert_eq!(missing(&fixture.account), ["logs"]);
}

#[test]
fn an_endpoint_that_does_not_serve_is_another_rules_matter() {
    type Edit = fn(&mut VpcEndpoint);
    let edits: [(Edit, &str); 2] = [
        (|endpoint| endpoint.private_dns_enabled = false, "vpc-endpoint-private-dns-off"),
        (|endpoint| endpoint.state = VpcEndpointState::PendingAcceptance, "vpc-endpoint-unavailable"),
    ];
    for (edit, rule) in edits {
        let mut fixture = fargate_isolated_with_endpoints();
        let logs = endpoint(&fixture, "logs");
        fixture.account.edit_endpoint(&logs, edit);
        assert_silent(&audit_rule(&fixture.account, RULE));
        only(&audit_rule(&fixture.account, rule));
    }
}

fn endpoint(fixture: &Fixture, service: &str) -> VpcEndpointId {
    let name = format!(".{service}");
    let mut endpoints = fixture.account.data.vpc_endpoints.items().iter();
    endpoints.find(|endpoint| endpoint.service_name.ends_with(&name)).unwrap().id.clone()
}

#[test]
fn service_connect_on_fargate_is_at_most_unknown() {
    let mut fixture = fargate_isolated_with_endpoints();
    fixture.account.edit_service(&fixture.service, |service| {
        service.deployments[0].service_connect_configuration = Some(ServiceConnectConfiguration {
            namespace: Some("internal".to_owned()),
            services: Vec::new(),
            log_configuration: None,
        });
    });
    assert_unknown(&audit_rule(&fixture.account, RULE), "Service Connect");
}

#[test]
fn external_instances_are_on_somebody_elses_network() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.edit_service(&fixture.service, |s| set_launch(s, Some(LaunchType::External), &[]));
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn failing_starts_make_it_critical() {
    let mut fixture = fargate_isolated_without_endpoints();
    let reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref: dial tcp 52.94.0.1:443: i/o timeout";
    fixture.account.stopped_task(&fixture.service, "s1", reason);
    fixture.account.stopped_task(&fixture.service, "s2", reason);
    let report = audit_rule(&fixture.account, RULE);
    let finding = only(&report);
    assert_eq!(finding.severity, Severity::Critical);
    assert_eq!((finding.confirmed_by.len(), finding.confirmed_by[0].count), (1, 2));
}

#[test]
fn a_symptom_that_has_healed_does_not_confirm_it() {
    let mut fixture = without("logs");
    let reason = "ResourceInitializationError: failed to validate logger args: signal: killed";
    fixture.account.stopped_task(&fixture.service, "s1", reason);
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::Critical);
    let later = fixture.account.task(&fixture.service, "later");
    fixture.account.edit_task(&later, |task| task.started_at = Some(now() - SignedDuration::from_mins(5)));
    let report = audit_rule(&fixture.account, RULE);
    assert!(report.findings.iter().all(|finding| finding.confirmed_by.is_empty()));
}

#[test]
fn a_symptom_of_something_else_does_not_confirm_it() {
    let mut fixture = without("logs");
    let reason = "CannotPullContainerError: failed to resolve ref: dial tcp 52.94.0.1:443: i/o timeout";
    fixture.account.stopped_task(&fixture.service, "s1", reason);
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::High);
}

#[test]
fn a_dialled_private_address_is_an_endpoint_and_does_not_confirm_it() {
    let mut fixture = fargate_isolated_without_endpoints();
    let reason = "CannotPullContainerError: failed to resolve ref: dial tcp 10.0.3.9:443: i/o timeout";
    fixture.account.stopped_task(&fixture.service, "s1", reason);
    assert!(only(&audit_rule(&fixture.account, RULE)).confirmed_by.is_empty());
}

#[test]
fn desired_count_zero_is_one_step_less_severe() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 0, 0));
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::Medium);
}

#[test]
fn workloads_on_one_route_table_share_the_cause() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.fargate_service(&fixture.cluster, "api", &fixture.definition, &[&fixture.subnet]);
    let report = audit_rule(&fixture.account, RULE);
    let causes: Vec<_> = report.findings.iter().map(|finding| finding.cause.clone().unwrap()).collect();
    assert_eq!(causes.len(), 2);
    assert_eq!(causes[0], causes[1]);
    assert_eq!(causes[0].resource, fixture.table.as_str());
}

#[test]
fn fingerprints_outlive_tasks_and_revisions() {
    let mut fixture = fargate_isolated_without_endpoints();
    let before = only(&audit_rule(&fixture.account, RULE)).id.clone();
    fixture.account.task(&fixture.service, "another");
    let next = fixture.account.definition("web-2", Some(NetworkMode::Awsvpc), vec![container("app", &ecr("web"))]);
    fixture.account.edit_service(&fixture.service, |service| service.deployments[0].task_definition = Some(next));
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).id, before);
}

#[test]
fn a_standalone_task_is_a_workload_of_its_group() {
    let mut fixture = fargate_isolated_without_endpoints();
    let task = fixture.account.task(&fixture.service, "one-off");
    fixture.account.edit_task(&task, |task| task.group = Some("family:web".into()));
    fixture.account.data.services.items_mut().unwrap().clear();
    let report = audit_rule(&fixture.account, RULE);
    let finding = only(&report);
    assert_eq!((finding.resource.kind, finding.resource.name.as_str()), ("ecs:task-group", "prod/family:web"));
}

#[test]
fn every_dataset_that_may_not_be_read_turns_the_finding_into_not_evaluated_or_leaves_it() {
    for dataset in Dataset::ALL {
        let mut fixture = fargate_isolated_without_endpoints();
        let before = audit_rule(&fixture.account, RULE);
        fixture.account.deny(*dataset, "service:Operation");
        let after = audit_rule(&fixture.account, RULE);
        let is_needed = ecs_network_audit::rules::by_id(RULE).unwrap().needs.contains(dataset);
        let named = after.not_evaluated.iter().any(|entry| entry.iam_action.as_deref() == Some("service:Operation"));
        assert_eq!(named, is_needed, "{}", dataset.name());
        let kept = after.findings.iter().all(|finding| before.findings.iter().any(|b| b.id == finding.id));
        assert!(kept, "{}: a finding appeared", dataset.name());
    }
}

#[test]
fn endpoints_that_may_not_be_read_prove_nothing() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    let report = audit_rule(&fixture.account, RULE);
    assert_unknown(&report, "vpc-endpoints could not be read");
    assert_eq!(report.rules[0].unknown, 1);
}

#[test]
fn a_stand_in_without_profiles_has_none_and_aws_may_have_some() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.data.set_unavailable(
        Dataset::ProfileAssociations,
        Failure {
            class: FailureClass::NotSupported,
            operation: "route53profiles:ListProfileAssociations".to_owned(),
            iam_action: None,
            message: "the endpoint does not know this operation (HTTP 500)".to_owned(),
            affected: Vec::new(),
        },
    );
    assert!(audit_rule(&fixture.account, RULE).findings.is_empty());
    fixture.account.endpoint_override = Some("http://127.0.0.1:5000".to_owned());
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn remediation_reuses_what_is_there_and_takes_one_subnet_a_zone() {
    let mut fixture = without("logs");
    let second = fixture.account.subnet(&fixture.vpc, "isolated-a2", "10.0.2.0/24", "a");
    let third = fixture.account.subnet(&fixture.vpc, "isolated-b", "10.0.3.0/24", "b");
    fixture.account.network(&fixture.service, &[&fixture.subnet.clone(), &second, &third]);
    let report = audit_rule(&fixture.account, RULE);
    let finding = report.findings.iter().find(|f| f.facts["missing"][0] == "logs").unwrap();
    let command = finding.remediation.commands.iter().find(|c| c.contains(".logs")).unwrap();
    assert!(command.contains(&format!("--security-group-ids {}", id("sg", "endpoints"))), "{command}");
    assert_eq!(command.matches("subnet-0").count(), 2, "{command}");
}

#[test]
fn an_s3_interface_endpoint_with_private_dns_takes_the_name_from_the_gateway_one() {
    let mut fixture = fargate_isolated_with_endpoints();
    assert_silent(&audit_rule(&fixture.account, RULE));
    let (vpc, subnet) = (fixture.vpc.clone(), fixture.subnet.clone());
    let endpoint = fixture.account.interface_endpoint(&vpc, "s3", &[&subnet]);
    assert_unknown(&audit_rule(&fixture.account, RULE), "the names of S3 lead to the interface endpoint");
    fixture.account.edit_endpoint(&endpoint, |endpoint| endpoint.private_dns_only_for_inbound_resolver = true);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn plain_endpoints_serve_neither_dual_stack_nor_fips_names_of_ecr() {
    let with = |image: &str| {
        let mut fixture = fargate_isolated_with_endpoints();
        fixture.account.edit_definition(&fixture.definition.clone(), |d| d.containers[0].image = image.to_owned());
        audit_rule(&fixture.account, RULE)
    };
    let report = with("111122223333.dkr-ecr.eu-west-1.on.aws/web:1");
    assert!(only(&report).message.to_string().contains("cannot reach ecr.dkr:"));
    assert_unknown(&with("111122223333.dkr.ecr-fips.eu-west-1.amazonaws.com/web:1"), "FIPS");
}

#[test]
fn groups_of_an_endpoint_are_reused_only_where_they_admit_the_vpc() {
    let mut fixture = fargate_isolated_with_endpoints();
    let endpoints = fixture.account.data.vpc_endpoints.items_mut().unwrap();
    endpoints.retain(|endpoint| !endpoint.service_name.ends_with(".logs"));
    let group = endpoints.iter().find_map(|endpoint| endpoint.security_group_ids.first().cloned()).unwrap();
    let commands = |fixture: &Fixture| only(&audit_rule(&fixture.account, RULE)).remediation.commands.join(" ");
    assert!(commands(&fixture).contains(group.as_str()));
    fixture.account.edit_group(&group, |group| group.ingress.clear());
    let own = fixture.account.group_of(&fixture.service);
    fixture.account.admit_group(&group, "tcp", 443, 443, &own);
    assert!(!commands(&fixture).contains(group.as_str()));
}
