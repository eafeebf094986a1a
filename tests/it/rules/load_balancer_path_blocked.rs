//! Load balancers that don't get through to their targets.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use ecs_network_audit::snapshot::enums::NetworkMode;
use insta::assert_snapshot;

use crate::mocks::compute::set_network;
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "load-balancer-path-blocked";

#[test]
fn the_tasks_admit_nobody() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.edit_group(&pattern.group.clone(), |group| group.ingress.clear());
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high load-balancer-path-blocked prod/web (ecs:service)
    Load balancer web cannot reach the tasks of web on tcp 8080 (subnet-0238e36be509fd2ee to subnet-04c2cb0f785a4be86, subnet-0238e36be509fd2ee to subnet-0efda74836b6450f9 and 2 more): sg-00ee3097251c489aa admits no tcp 8080 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24); sg-00ee3097251c489aa admits no tcp 8080 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    blocker group/group-ingress subnet-0238e36be509fd2ee -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits no tcp 8080 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24)
    blocker group/group-ingress subnet-088beb2fa9c2a7119 -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits no tcp 8080 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    blocker group/group-ingress subnet-0238e36be509fd2ee -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits no tcp 8080 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24)
    blocker group/group-ingress subnet-088beb2fa9c2a7119 -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits no tcp 8080 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    fix Let the load balancer through in every group and network ACL that is named; where the load balancer has a security group, name that group as the source rather than addresses.
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,UserIdGroupPairs=[{GroupId=sg-03610344ba25fce94}]'
    "##);
}

#[test]
fn a_rule_by_group_by_subnet_or_for_everybody_is_enough() {
    for cidr in ["10.0.0.0/23", "0.0.0.0/0"] {
        let mut pattern = patterns::fargate_nat();
        let group = pattern.group.clone();
        pattern.account.edit_group(&group, |group| group.ingress.clear());
        pattern.account.admit(&group, "tcp", 8080, 8080, cidr);
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
    // One of its two subnets only: requests of one zone time out.
    let mut pattern = patterns::fargate_nat();
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.admit(&group, "tcp", 8080, 8080, "10.0.0.0/24");
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).facts["pairs"].as_array().unwrap().len(), 2, "from one subnet to both of the tasks'");
}

#[test]
fn an_alb_may_use_any_address_of_its_subnets() {
    let mut pattern = patterns::fargate_nat();
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.admit(&group, "tcp", 8080, 8080, "10.0.0.0/25");
    pattern.account.admit(&group, "tcp", 8080, 8080, "10.0.1.0/24");
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).severity, Severity::Medium);
    assert!(only(&report).message.to_string().contains("10.0.0.128/25"), "{}", only(&report).message);
}

#[test]
fn without_cross_zone_balancing_only_pairs_of_one_zone_count() {
    let mut pattern = patterns::nlb_without_groups();
    let p = &mut pattern;
    let [_, b] = p.subnets.clone();
    // Tasks of zone b refuse the node of zone a, which never sends to them.
    let entries = [
        (false, 100, "6", Some((8080, 8080)), "10.0.1.0/24", true),
        (false, 110, "6", Some((1024, 65535)), "0.0.0.0/0", false),
        (true, 100, "-1", None, "0.0.0.0/0", true),
    ];
    p.account.own_network_acl("zone-b", &[&b], &entries);
    assert_silent(&audit_rule(&p.account, RULE));
    let balancer = p.balancer.clone().unwrap();
    let attributes = p.account.data.load_balancer_attributes.items_mut().unwrap();
    attributes[0].attributes.insert("load_balancing.cross_zone.enabled".to_owned(), "true".to_owned());
    only(&audit_rule(&p.account, RULE));
    // When that can't be seen, the pair across the zones proves nothing.
    p.account.data.load_balancer_attributes.items_mut().unwrap().retain(|a| a.load_balancer_arn != balancer);
    assert_unknown(&audit_rule(&p.account, RULE), "balances across zones can't be seen");
}

#[test]
fn a_healthy_target_contradicts_the_model() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.edit_group(&pattern.group.clone(), |group| group.ingress.clear());
    let group = pattern.target_group.clone().unwrap();
    for address in ["10.0.16.7", "10.0.32.7"] {
        pattern.account.target_health(&group, address, 8080, "healthy", None);
    }
    assert_unknown(&audit_rule(&pattern.account, RULE), "contradicted by live state");
}

#[test]
fn timeouts_of_the_targets_confirm_it() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.edit_group(&pattern.group.clone(), |group| group.ingress.clear());
    let group = pattern.target_group.clone().unwrap();
    pattern.account.target_health(&group, "10.0.16.7", 8080, "unhealthy", Some("Target.Timeout"));
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::Critical);
    // One cause, one finding.
    assert_silent(&audit_rule(&pattern.account, "targets-unhealthy"));
}

#[test]
fn unread() {
    for (dataset, api) in [
        (Dataset::SecurityGroups, "ec2:DescribeSecurityGroups"),
        (Dataset::NetworkAcls, "ec2:DescribeNetworkAcls"),
        (Dataset::LoadBalancers, "elasticloadbalancing:DescribeLoadBalancers"),
    ] {
        let mut pattern = patterns::fargate_nat();
        pattern.account.deny(dataset, api);
        assert_unknown(&audit_rule(&pattern.account, RULE), "could not be read");
    }
}

/// Half of the instances carry a group that doesn't admit the load balancer.
fn with_other_instances() -> patterns::Pattern {
    let mut pattern = patterns::ec2_bridge();
    pattern.account.edit_definition(&pattern.definition.clone(), |definition| {
        definition.containers[0].port_mappings[0].host_port = Some(8080);
    });
    let other = pattern.account.security_group(&pattern.vpc.clone(), "workers");
    pattern.account.edit_host(&pattern.instances[1].clone(), |host| {
        host.network_interfaces[0].security_group_ids = vec![other];
    });
    let (group, alb) = (pattern.group.clone(), pattern.balancer_group.clone().unwrap());
    pattern.account.admit_group(&group, "tcp", 8080, 8080, &alb);
    pattern
}

#[test]
fn a_placement_constraint_may_keep_tasks_from_the_instances_that_refuse() {
    let mut pattern = with_other_instances();
    only(&audit_rule(&pattern.account, RULE));
    pattern.account.edit_service(&pattern.service.clone(), |service| {
        service.placement_constraints.push(PlacementConstraint {
            kind: "memberOf".to_owned(),
            expression: Some("attribute:role == web".to_owned()),
        });
    });
    assert_unknown(&audit_rule(&pattern.account, RULE), "a placement constraint may keep tasks from the instances");
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn whether_clients_keep_their_addresses_decides_and_may_be_unread() {
    let mut pattern = patterns::nlb_without_groups();
    let group = pattern.target_group.clone().unwrap();
    pattern.account.attribute(&group, "preserve_client_ip.enabled", "true");
    pattern.account.edit_target_group(&group, |group| group.health_check.port = Some("9000".to_owned()));
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.admit(&group, "tcp", 8080, 8080, "203.0.113.0/24");
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.deny(Dataset::TargetGroupAttributes, "elasticloadbalancing:DescribeTargetGroupAttributes");
    assert_unknown(&audit_rule(&pattern.account, RULE), "target-group-attributes could not be read");
}

#[test]
fn who_the_clients_are_is_left_to_the_owner() {
    let mut pattern = patterns::nlb_without_groups();
    let group = pattern.target_group.clone().unwrap();
    pattern.account.attribute(&group, "preserve_client_ip.enabled", "true");
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    let report = audit_rule(&pattern.account, RULE);
    let commands = only(&report).remediation.commands.join(" ");
    assert!(commands.contains("--cidr \"$CLIENTS\""), "{commands}");
    assert!(!commands.contains("0.0.0.0/0"), "{commands}");
}

#[test]
fn addresses_of_ipv6_targets_are_not_followed() {
    let mut pattern = patterns::fargate_nat();
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    let target_group = pattern.target_group.clone().unwrap();
    pattern.account.edit_target_group(&target_group, |group| group.ip_address_type = Some("ipv6".to_owned()));
    assert_unknown(&audit_rule(&pattern.account, RULE), "IPv6");
}

#[test]
fn a_healthy_task_of_an_older_revision_contradicts_nothing() {
    let mut pattern = patterns::fargate_nat();
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    let subnet = pattern.subnets[0].clone();
    pattern.account.edit_service(&pattern.service.clone(), |service| {
        let mut network = service.network_configuration.clone().unwrap();
        network.subnets = vec![subnet];
        set_network(service, network);
    });
    let task = pattern.account.task(&pattern.service.clone(), "web-0");
    let target_group = pattern.target_group.clone().unwrap();
    pattern.account.target_health(&target_group, "10.0.16.7", 8080, "healthy", None);
    let address = "10.0.16.7".to_owned();
    pattern.account.edit_task(&task, |task| {
        task.network_interface.as_mut().unwrap().private_ipv4_address = Some(address.into());
    });
    assert_unknown(&audit_rule(&pattern.account, RULE), "contradicted by live state");
    let old = pattern.account.definition("web-old", Some(NetworkMode::Awsvpc), Vec::new());
    pattern.account.edit_task(&task, |task| task.task_definition_arn = old);
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn entries_of_one_network_acl_get_numbers_of_their_own() {
    let mut pattern = patterns::fargate_nat();
    let [a, b] = pattern.subnets.clone();
    pattern.account.own_network_acl("tight", &[&a, &b], &[]);
    let report = audit_rule(&pattern.account, RULE);
    let commands = &only(&report).remediation.commands;
    let key = |command: &String| {
        let number = command.split("--rule-number ").nth(1)?.split(' ').next()?.to_owned();
        Some((command.contains("--egress"), number))
    };
    let mut numbers: Vec<_> = commands.iter().filter_map(key).collect();
    let all = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert!(all > 2 && numbers.len() == all, "{commands:#?}");
}
