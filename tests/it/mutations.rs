//! The mutation table: every healthy pattern is silent above low, and each single fault raises exactly its own rule.

use std::collections::BTreeSet;

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::enums::{ConnectivityType, NatGatewayState, RouteState, TargetType, VpcEndpointState};
use ecs_network_audit::snapshot::vpc::RouteTarget;

use crate::mocks::accounts::assign_public_ip_of;
use crate::mocks::compute::{container, set_network, set_platform};
use crate::mocks::patterns::{self, Pattern};

fn report(pattern: &Pattern) -> Report {
    evaluate(&pattern.account.snapshot(), &Settings::all_rules())
}

/// Rules with findings above low.
fn loud(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().filter(|finding| finding.severity > Severity::Low).map(|finding| finding.rule).collect()
}

fn shown(report: &Report) -> String {
    let findings = report.findings.iter().map(|f| format!("{} {}: {}\n", f.severity.name(), f.rule, f.message));
    let open = report.not_evaluated.iter().map(|n| format!("? {}: {}\n", n.rule, n.reason));
    findings.chain(open).collect()
}

#[test]
fn healthy_patterns_are_silent() {
    for (name, pattern) in patterns::all() {
        let report = report(&pattern);
        assert!(loud(&report).is_empty(), "{name}\n{}", shown(&report));
        assert!(report.not_evaluated.is_empty(), "{name}\n{}", shown(&report));
    }
}

#[track_caller]
fn check(pattern: Pattern, rule: &'static str, mutate: impl FnOnce(&mut Pattern)) {
    check_all(pattern, &[rule], mutate);
}

#[track_caller]
fn check_all(mut pattern: Pattern, rules: &[&'static str], mutate: impl FnOnce(&mut Pattern)) {
    mutate(&mut pattern);
    let report = report(&pattern);
    assert_eq!(loud(&report), rules.iter().copied().collect(), "\n{}", shown(&report));
}

/// The control plane of container instances is a need set of its own, so what cuts an instance off raises two rules.
const AGENT: &str = "container-agent-unreachable";

/// The mutated account is silent above low; the fault isn't one.
#[track_caller]
fn check_harmless(mut pattern: Pattern, mutate: impl FnOnce(&mut Pattern)) {
    mutate(&mut pattern);
    let report = report(&pattern);
    assert!(loud(&report).is_empty(), "\n{}", shown(&report));
}

#[test]
fn routes_and_gateways() {
    let nat = patterns::fargate_nat;
    check(nat(), "nat-path-broken", |p| {
        p.account.edit_table(&p.tables[0], |table| table.routes[1].state = RouteState::Blackhole);
    });
    check(nat(), "nat-path-broken", |p| p.account.edit_nat(&p.nats[0], |nat| nat.state = NatGatewayState::Failed));
    check(nat(), "nat-path-broken", |p| {
        // The NAT gateway stands in the subnet that it serves.
        let subnet = p.subnets[0].clone();
        p.account.edit_nat(&p.nats[0], |nat| nat.subnet_id = Some(subnet));
    });
    check(nat(), "nat-path-broken", |p| {
        for gateway in p.account.data.internet_gateways.items_mut().unwrap() {
            gateway.attached_vpcs.clear();
        }
        // Without an attached gateway the load balancer serves nobody either, which is another rule's matter.
        p.account.edit_service(&p.service, |service| service.load_balancers.clear());
    });
    check(nat(), "vpc-endpoint-missing", |p| {
        p.account.edit_table(&p.tables[0], |table| {
            table.routes.retain(|route| !matches!(route.target, RouteTarget::NatGateway(_)));
        });
    });
    check(patterns::fargate_public_ip(), "public-subnet-without-public-ip", |p| {
        assign_public_ip_of(&mut p.account, &p.service, false);
    });
    check_all(patterns::ec2_awsvpc(), &[AGENT, "vpc-endpoint-missing"], |p| {
        // The instance's own way counts, not the task's.
        p.account.edit_table(&p.tables[0], |table| table.routes.truncate(1));
        p.account.edit_instance(&p.instances[0], |instance| instance.agent_connected = false);
        let instances = p.account.data.container_instances.items_mut().unwrap();
        instances.truncate(1);
        p.account.data.tasks.items_mut().unwrap().clear();
    });
}

#[test]
fn a_private_nat_gateway_is_nobodys_guess() {
    let mut pattern = patterns::fargate_nat();
    for nat in &pattern.nats {
        pattern.account.edit_nat(nat, |nat| nat.connectivity_type = ConnectivityType::Private);
    }
    let report = report(&pattern);
    assert!(loud(&report).is_empty() && !report.not_evaluated.is_empty(), "{}", shown(&report));
}

#[test]
fn groups_and_network_acls_on_the_way_out() {
    check(patterns::fargate_nat(), "egress-blocked", |p| {
        p.account.let_out(&p.group.clone(), &[("tcp", 8080, 8080, "10.0.0.0/16")]);
    });
    check_all(patterns::ec2_bridge(), &[AGENT, "egress-blocked"], |p| {
        p.account.let_out(&p.group.clone(), &[("tcp", 8080, 8080, "10.0.0.0/16")]);
        for instance in p.instances.clone() {
            p.account.edit_instance(&instance, |instance| instance.agent_connected = false);
        }
    });
    // A connected agent says that something leads out all the same, a proxy perhaps.
    check_harmless(patterns::ec2_bridge(), |p| {
        p.account.let_out(&p.group.clone(), &[("tcp", 8080, 8080, "10.0.0.0/16")]);
    });
    check(patterns::fargate_public_ip(), "egress-blocked", |p| {
        p.account.let_out(&p.group.clone(), &[("tcp", 80, 80, "0.0.0.0/0")]);
    });
    // Stateless: the answers have to be let in.
    check(patterns::fargate_public_ip(), "egress-blocked", |p| {
        let [a, b] = p.subnets.clone();
        let (all, web) = ("0.0.0.0/0", Some((443, 443)));
        p.account.own_network_acl(
            "strict",
            &[&a, &b],
            &[(true, 100, "-1", None, all, true), (false, 100, "6", web, all, true)],
        );
    });
    // The network ACL of the NAT gateway's subnet.
    check(patterns::fargate_nat(), "egress-blocked", |p| {
        let [a, b] = p.public.clone();
        p.account.own_network_acl(
            "public",
            &[&a, &b],
            &[
                (true, 100, "-1", None, "0.0.0.0/0", true),
                (false, 90, "6", Some((443, 443)), "10.0.0.0/16", false),
                (false, 100, "-1", None, "0.0.0.0/0", true),
            ],
        );
    });
    // S3 through the gateway is addressed by public ranges: the VPC's own range is not enough.
    check(patterns::fargate_endpoints(), "egress-blocked", |p| {
        p.account.let_out(&p.group.clone(), &[("tcp", 443, 443, "10.0.0.0/16")]);
    });
    check_harmless(patterns::fargate_endpoints(), |p| {
        let rules = [("tcp", 443, 443, "10.0.0.0/16"), ("tcp", 443, 443, "pl-6da54004")];
        p.account.let_out(&p.group.clone(), &rules);
    });
    // No rule for DNS is needed: the resolver is not filtered.
    check_harmless(patterns::fargate_nat(), |p| p.account.let_out(&p.group.clone(), &[("tcp", 443, 443, "0.0.0.0/0")]));
}

#[test]
fn endpoints() {
    let endpoints = patterns::fargate_endpoints;
    check(endpoints(), "vpc-endpoint-missing", |p| {
        p.account.data.vpc_endpoints.items_mut().unwrap().retain(|e| !e.service_name.ends_with(".logs"));
    });
    check(endpoints(), "s3-gateway-not-routed", |p| {
        p.account.edit_table(&p.tables[0], |table| table.routes.truncate(1));
        p.account.edit_endpoint(&p.endpoints[3].clone(), |endpoint| endpoint.route_table_ids.clear());
    });
    check(endpoints(), "vpc-endpoint-private-dns-off", |p| {
        p.account.edit_endpoint(&p.endpoints[0].clone(), |endpoint| endpoint.private_dns_enabled = false);
    });
    check(endpoints(), "vpc-endpoint-private-dns-off", |p| {
        p.account.data.vpc_dns_attributes.items_mut().unwrap()[0].enable_dns_hostnames = false;
    });
    for state in [VpcEndpointState::PendingAcceptance, VpcEndpointState::Failed, VpcEndpointState::Rejected] {
        check(endpoints(), "vpc-endpoint-unavailable", |p| {
            p.account.edit_endpoint(&p.endpoints[1].clone(), |endpoint| endpoint.state = state);
        });
    }
    check(endpoints(), "vpc-endpoint-policy-denies", |p| {
        let own = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::my-bucket/*"}]}"#;
        p.account.edit_endpoint(&p.endpoints[3].clone(), |endpoint| endpoint.policy_document = Some(own.to_owned()));
    });
    check(endpoints(), "vpc-endpoint-path-blocked", |p| {
        let group = p.account.data.vpc_endpoints.items()[0].security_group_ids[0].clone();
        p.account.edit_group(&group, |group| group.ingress.clear());
    });
    // Half of the tasks' addresses only: some start, some do not.
    check(endpoints(), "vpc-endpoint-path-blocked", |p| {
        let group = p.account.data.vpc_endpoints.items()[0].security_group_ids[0].clone();
        p.account.edit_group(&group, |group| group.ingress.clear());
        p.account.admit(&group, "tcp", 443, 443, "10.0.16.0/20");
    });
    // The way out works, and the private name leads past it.
    check(patterns::fargate_nat(), "vpc-endpoint-path-blocked", |p| {
        let [a, b] = p.subnets.clone();
        p.account.interface_endpoint(&p.vpc.clone(), "logs", &[&a, &b]);
        let group = p.account.data.vpc_endpoints.items().last().unwrap().security_group_ids[0].clone();
        p.account.edit_group(&group, |group| group.ingress.clear());
    });
    check(endpoints(), "private-zone-mismatch", |p| p.own_zone("eu-west-1.amazonaws.com", &["logs"]));
}

#[test]
fn needs_that_no_endpoint_here_serves() {
    let endpoints = patterns::fargate_endpoints;
    let with = |pattern: &mut Pattern, containers: Vec<crate::mocks::compute::Container>| {
        let mode = Some(ecs_network_audit::snapshot::enums::NetworkMode::Awsvpc);
        let definition = pattern.account.definition("other", mode, containers);
        pattern.account.edit_service(&pattern.service, |s| s.deployments[0].task_definition = Some(definition));
    };
    for image in ["nginx", "public.ecr.aws/nginx/nginx:1", "111122223333.dkr.ecr.us-east-1.amazonaws.com/web:1"] {
        check(endpoints(), "registry-unreachable", |p| {
            with(p, vec![container("app", image).awslogs().port(8080, None)]);
        });
    }
    check(endpoints(), "log-destination-unreachable", |p| {
        with(p, vec![container("app", &crate::mocks::compute::ecr("web")).awslogs_in("us-east-1").port(8080, None)]);
    });
    check(endpoints(), "exec-unreachable", |p| {
        p.account.edit_service(&p.service, |service| service.enable_execute_command = true);
    });
    check_harmless(patterns::fargate_nat(), |p| {
        p.account.edit_service(&p.service, |service| service.enable_execute_command = true);
    });
    check(patterns::ec2_awsvpc(), "ec2-task-in-public-subnet", |p| {
        let (service, public) = (p.service.clone(), p.public.clone());
        let mut network = p.account.data.services.items()[0].network_configuration.clone().unwrap();
        network.subnets = public.to_vec();
        network.subnets.sort();
        p.account.edit_service(&service, |service| {
            set_network(service, network);
            service.enable_execute_command = true;
        });
    });
}

#[test]
fn from_the_load_balancer_to_the_task() {
    for pattern in
        [patterns::fargate_nat, patterns::ec2_awsvpc, patterns::nlb_with_groups, patterns::nlb_without_groups]
    {
        check(pattern(), "load-balancer-path-blocked", |p| {
            p.account.edit_group(&p.group.clone(), |group| group.ingress.clear());
        });
    }
    // One node address of two: half of the zones.
    check(patterns::nlb_without_groups(), "load-balancer-path-blocked", |p| {
        p.account.edit_group(&p.group.clone(), |group| group.ingress.truncate(1));
    });
    // A reference to a group never matches a load balancer without groups.
    check(patterns::nlb_without_groups(), "load-balancer-path-blocked", |p| {
        p.account.edit_group(&p.group.clone(), |group| group.ingress.clear());
        p.account.admit_group(&p.group.clone(), "tcp", 8080, 8080, &p.group.clone());
    });
    for pattern in [patterns::fargate_nat, patterns::nlb_with_groups] {
        check(pattern(), "load-balancer-path-blocked", |p| {
            let group = p.balancer_group.clone().unwrap();
            p.account.let_out(&group, &[("tcp", 9999, 9999, "0.0.0.0/0")]);
        });
    }
    check(patterns::fargate_nat(), "health-check-path-blocked", |p| {
        p.account.edit_target_group(&p.target_group.clone().unwrap(), |group| {
            group.health_check.port = Some("9000".to_owned());
        });
    });
    check(patterns::ec2_bridge(), "dynamic-ports-blocked", |p| {
        p.account.edit_group(&p.group.clone(), |group| group.ingress.clear());
    });
    check(patterns::fargate_nat(), "target-type-mismatch", |p| {
        p.account.edit_target_group(&p.target_group.clone().unwrap(), |group| group.target_type = TargetType::Instance);
    });
    for pattern in [patterns::fargate_nat, patterns::nlb_with_groups] {
        check(pattern(), "listener-path-blocked", |p| {
            let group = p.balancer_group.clone().unwrap();
            p.account.edit_group(&group, |group| group.ingress.clear());
        });
    }
    // The return leg to the load balancer's nodes.
    check(patterns::fargate_nat(), "load-balancer-path-blocked", |p| {
        let [a, b] = p.subnets.clone();
        p.account.own_network_acl(
            "strict",
            &[&a, &b],
            &[
                (false, 100, "-1", None, "0.0.0.0/0", true),
                (true, 90, "6", Some((1024, 65535)), "10.0.0.0/23", false),
                (true, 100, "-1", None, "0.0.0.0/0", true),
            ],
        );
    });
}

#[test]
fn one_admitted_client_is_enough_where_addresses_are_kept() {
    // Instance targets of an NLB see the clients; health checks come from the nodes.
    let mut pattern = patterns::ec2_bridge();
    let p = &mut pattern;
    let [a, b] = p.public.clone();
    let nlb = p.account.nlb("net", &[&a, &b], &[]);
    let group = p.account.target_group("net", TargetType::Instance, &p.vpc.clone());
    p.account.listener(&nlb, 443, &group);
    p.account.edit_service(&p.service, |service| service.load_balancers.clear());
    p.account.register(&p.service, &group);
    p.account.edit_group(&p.group.clone(), |group| group.ingress.clear());
    p.account.admit(&p.group.clone(), "tcp", 32768, 65535, "203.0.113.0/24");
    p.account.admit(&p.group.clone(), "tcp", 32768, 65535, "10.0.0.0/16");
    let found = report(p);
    assert!(loud(&found).is_empty(), "{}", shown(&found));
    p.account.edit_group(&p.group.clone(), |group| group.ingress.truncate(1));
    let found = report(p);
    assert_eq!(loud(&found), ["dynamic-ports-blocked"].into(), "{}", shown(&found));
    assert!(found.findings.iter().any(|f| f.message.to_string().contains("health")), "{}", shown(&found));
}

#[test]
fn an_old_platform_breaks_nothing_else() {
    check(patterns::fargate_nat(), "fargate-platform-outdated", |p| {
        p.account.edit_service(&p.service, |service| set_platform(service, "1.3.0"));
    });
}

#[test]
fn both_sides_of_a_path_are_named() {
    let mut pattern = patterns::fargate_endpoints();
    let p = &mut pattern;
    let group = p.account.data.vpc_endpoints.items()[0].security_group_ids[0].clone();
    p.account.edit_group(&group, |group| group.ingress.clear());
    p.account.let_out(&p.group.clone(), &[("tcp", 443, 443, "pl-6da54004")]);
    let found = report(p);
    assert_eq!(loud(&found), ["vpc-endpoint-path-blocked"].into(), "{}", shown(&found));
    let kinds: BTreeSet<&str> = found.findings[0].blockers.iter().map(|blocker| blocker.kind).collect();
    assert_eq!(kinds, ["group-egress", "group-ingress"].into());
    assert_eq!(found.findings[0].remediation.commands.len(), 2, "{:?}", found.findings[0].remediation.commands);

    let mut pattern = patterns::fargate_nat();
    let p = &mut pattern;
    p.account.let_out(&p.balancer_group.clone().unwrap(), &[("tcp", 1, 1, "0.0.0.0/0")]);
    p.account.edit_group(&p.group.clone(), |group| group.ingress.clear());
    let found = report(p);
    let kinds: BTreeSet<&str> = found
        .findings
        .iter()
        .filter(|f| f.severity > Severity::Low)
        .flat_map(|f| &f.blockers)
        .map(|b| b.kind)
        .collect();
    assert_eq!(kinds, ["group-egress", "group-ingress"].into(), "{}", shown(&found));

    let mut pattern = patterns::fargate_nat();
    let p = &mut pattern;
    for nat in &p.nats.clone() {
        p.account.edit_nat(nat, |nat| nat.state = NatGatewayState::Failed);
    }
    p.account.let_out(&p.group.clone(), &[("tcp", 8080, 8080, "10.0.0.0/16")]);
    let found = report(p);
    let broken = found.findings.iter().find(|f| f.rule == "nat-path-broken").unwrap();
    let kinds: BTreeSet<&str> = broken.blockers.iter().map(|blocker| blocker.kind).collect();
    assert_eq!(kinds, ["group-egress", "nat-gateway-state"].into());
}

#[test]
fn an_ec2_awsvpc_service_is_judged_by_both_of_its_interfaces() {
    // The instance may not leave: nothing is pulled. The task's own group is wide open and does not matter.
    check_all(patterns::ec2_awsvpc(), &[AGENT, "egress-blocked"], |p| {
        let instances = p.account.ensure_group(&p.vpc.clone(), "instances");
        p.account.let_out(&instances, &[("tcp", 8080, 8080, "10.0.0.0/16")]);
        for instance in p.instances.clone() {
            p.account.edit_instance(&instance, |instance| instance.agent_connected = false);
        }
    });
    // The task may not leave: pulls go on, only what the task itself calls fails.
    check(patterns::ec2_awsvpc(), "exec-unreachable", |p| {
        p.account.let_out(&p.group.clone(), &[("tcp", 8080, 8080, "10.0.0.0/16")]);
        p.account.edit_service(&p.service, |service| service.enable_execute_command = true);
    });
    check_harmless(patterns::ec2_awsvpc(), |p| {
        p.account.let_out(&p.group.clone(), &[("tcp", 8080, 8080, "10.0.0.0/16")]);
    });
}
