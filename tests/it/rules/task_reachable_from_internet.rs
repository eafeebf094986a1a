//! Tasks that everybody on the internet can talk to.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use ecs_network_audit::snapshot::enums::{NetworkMode, RouteState};
use ecs_network_audit::snapshot::vpc::{BlockPublicAccess, Route, RouteDestination, RouteTarget};
use insta::assert_snapshot;

use crate::mocks::accounts::assign_public_ip_of;
use crate::mocks::compute::web;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "task-reachable-from-internet";

/// Fargate tasks with public addresses whose group has this rule.
fn open(ports: (i32, i32), blocks: &[&str]) -> Pattern {
    let mut pattern = patterns::fargate_public_ip();
    for block in blocks {
        pattern.account.admit(&pattern.group, "tcp", ports.0, ports.1, block);
    }
    pattern
}

/// Its subnets have IPv6 blocks and a route for everything to the internet gateway, and only IPv6 is let in.
fn dual_stack() -> Pattern {
    let mut pattern = open((8080, 8080), &["::/0"]);
    let gateway = pattern.account.internet_gateway(&pattern.vpc);
    for (number, subnet) in pattern.subnets.clone().iter().enumerate() {
        let block = format!("2001:db8:0:{number}::/64").parse().unwrap();
        pattern.account.edit_subnet(subnet, |subnet| subnet.ipv6_cidr_blocks.push(block));
    }
    for acl in pattern.account.data.network_acls.items_mut().unwrap() {
        let mut entries = acl.entries.clone();
        entries.retain(|entry| entry.allow);
        for entry in &mut entries {
            (entry.cidr, entry.rule_number) = ("::/0".parse().unwrap(), 101);
        }
        acl.entries.extend(entries);
    }
    for table in pattern.tables.clone() {
        pattern.account.edit_table(&table, |table| {
            table.routes.push(Route {
                destination: RouteDestination::Cidr("::/0".parse().unwrap()),
                target: RouteTarget::InternetGateway(gateway.clone()),
                state: RouteState::Active,
                propagated: false,
            });
        });
    }
    pattern
}

fn running_with(pattern: &mut Pattern, ipv6_address: Option<&str>) {
    for (number, subnet) in pattern.subnets.clone().iter().enumerate() {
        let task = pattern.account.task(&pattern.service, &format!("web-{number}"));
        pattern.account.edit_task(&task, |task| {
            let interface = task.network_interface.as_mut().unwrap();
            interface.subnet_id = Some(subnet.clone());
            interface.ipv6_address = ipv6_address.map(Into::into);
        });
    }
}

#[test]
fn a_public_address_and_a_port_that_is_open_to_everyone() {
    let pattern = open((8080, 8080), &["0.0.0.0/0"]);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high task-reachable-from-internet prod/web (ecs:service)
    Everybody on the internet reaches tasks of web on tcp 8080 (igw-0fce67db46f1d0c3b to subnet-0238e36be509fd2ee; igw-0fce67db46f1d0c3b to subnet-088beb2fa9c2a7119): sg-00ee3097251c489aa admits 0.0.0.0/0 on tcp 8080
    blocker group/open-to-the-internet - -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits 0.0.0.0/0 on tcp 8080
    fix Admit the clients that should call before the rule for everyone is taken away, which closes the port to all others; or place the tasks behind a load balancer in subnets without a route to an internet gateway.
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,IpRanges=[{CidrIp=0.0.0.0/0}]'
    "##);
}

#[test]
fn two_halves_of_the_internet_are_everyone_too() {
    let pattern = open((0, 65535), &["0.0.0.0/1", "128.0.0.0/1"]);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high task-reachable-from-internet prod/web (ecs:service)
    Everybody on the internet reaches tasks of web on tcp 8080 (igw-0fce67db46f1d0c3b to subnet-0238e36be509fd2ee; igw-0fce67db46f1d0c3b to subnet-088beb2fa9c2a7119): sg-00ee3097251c489aa admits 0.0.0.0/1 on tcp 0-65535; sg-00ee3097251c489aa admits 128.0.0.0/1 on tcp 0-65535
    blocker group/open-to-the-internet - -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits 0.0.0.0/1 on tcp 0-65535
    blocker group/open-to-the-internet - -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits 128.0.0.0/1 on tcp 0-65535
    fix Admit the clients that should call before the rule for everyone is taken away, which closes the port to all others; or place the tasks behind a load balancer in subnets without a route to an internet gateway.
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=0,ToPort=65535,IpRanges=[{CidrIp=0.0.0.0/1}]'
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=0,ToPort=65535,IpRanges=[{CidrIp=128.0.0.0/1}]'
    "##);
}

#[test]
fn an_ipv6_address_that_a_running_task_shows() {
    let mut pattern = dual_stack();
    running_with(&mut pattern, Some("2001:db8::10"));
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high task-reachable-from-internet prod/web (ecs:service)
    Everybody on the internet reaches tasks of web on tcp 8080 (igw-0fce67db46f1d0c3b to subnet-0238e36be509fd2ee; igw-0fce67db46f1d0c3b to subnet-088beb2fa9c2a7119): sg-00ee3097251c489aa admits ::/0 on tcp 8080
    blocker group/open-to-the-internet - -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits ::/0 on tcp 8080
    fix Admit the clients that should call before the rule for everyone is taken away, which closes the port to all others; or place the tasks behind a load balancer in subnets without a route to an internet gateway.
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,Ipv6Ranges=[{CidrIpv6=::/0}]'
    "##);
}

#[test]
fn tasks_without_an_ipv6_address_are_not_reached_by_one() {
    let mut pattern = dual_stack();
    running_with(&mut pattern, None);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn before_a_task_runs_nobody_sees_whether_it_gets_an_ipv6_address() {
    assert_unknown(&audit_rule(&dual_stack().account, RULE), "get a public address");
}

#[test]
fn a_bridge_task_on_an_instance_with_a_public_address() {
    let mut pattern = patterns::ec2_bridge();
    pattern.publish_instances();
    pattern.account.admit(&pattern.group, "tcp", 32768, 65535, "0.0.0.0/0");
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high task-reachable-from-internet prod/web (ecs:service)
    Everybody on the internet reaches tasks of web on tcp 32768 and tcp 32769 (igw-0fce67db46f1d0c3b to subnet-0238e36be509fd2ee; igw-0fce67db46f1d0c3b to subnet-088beb2fa9c2a7119): sg-07e77904572ff8efc admits 0.0.0.0/0 on tcp 32768-65535
    blocker group/open-to-the-internet - -> sg-07e77904572ff8efc: sg-07e77904572ff8efc admits 0.0.0.0/0 on tcp 32768-65535
    fix Admit the load balancer first, then take the rule for everyone away; better still, place the tasks in subnets without a route to an internet gateway.
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-07e77904572ff8efc --ip-permissions 'IpProtocol=tcp,FromPort=32768,ToPort=65535,IpRanges=[{CidrIp=0.0.0.0/0}]'
    "##);
}

#[test]
fn healthy_ways_of_running_tasks() {
    for (name, pattern) in patterns::all() {
        let report = audit_rule(&pattern.account, RULE);
        assert!(report.findings.is_empty() && report.not_evaluated.is_empty(), "{name}");
    }
}

#[test]
fn a_public_address_that_only_known_clients_or_the_load_balancer_may_use() {
    let mut pattern = open((8080, 8080), &["198.51.0.0/16", "10.0.0.0/8"]);
    let balancer = pattern.account.security_group(&pattern.vpc, "alb");
    pattern.account.admit_group(&pattern.group, "tcp", 8080, 8080, &balancer);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn another_port_is_open() {
    assert_silent(&audit_rule(&open((443, 443), &["0.0.0.0/0"]).account, RULE));
}

#[test]
fn open_to_everyone_without_a_public_address() {
    let mut pattern = open((8080, 8080), &["0.0.0.0/0"]);
    assign_public_ip_of(&mut pattern.account, &pattern.service, false);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_public_address_behind_a_nat_gateway_is_no_way_in() {
    let mut pattern = patterns::fargate_nat();
    assign_public_ip_of(&mut pattern.account, &pattern.service, true);
    pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "0.0.0.0/0");
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_network_acl_that_lets_nobody_in() {
    let mut pattern = open((8080, 8080), &["0.0.0.0/0"]);
    let [a, b] = pattern.subnets.clone();
    let entries = [(true, 100, "-1", None, "0.0.0.0/0", true), (false, 100, "-1", None, "10.0.0.0/16", true)];
    pattern.account.own_network_acl("private", &[&a, &b], &entries);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn block_public_access_stands_before_all_of_it() {
    for (mode, exposed) in [("block-ingress", false), ("block-bidirectional", false), ("off", true)] {
        let mut pattern = open((8080, 8080), &["0.0.0.0/0"]);
        let options =
            BlockPublicAccess { internet_gateway_block_mode: mode.to_owned(), exclusions: Default::default() };
        pattern.account.data.block_public_access.items_mut().unwrap()[0] = options;
        let report = audit_rule(&pattern.account, RULE);
        assert_eq!(report.findings.len(), usize::from(exposed), "{mode}");
        assert!(report.not_evaluated.is_empty(), "{mode}");
    }
}

#[test]
fn behind_a_firewall_it_cannot_be_told() {
    let mut pattern = open((8080, 8080), &["0.0.0.0/0"]);
    for table in pattern.account.data.route_tables.items_mut().unwrap() {
        for route in &mut table.routes {
            if matches!(route.target, RouteTarget::InternetGateway(_)) {
                route.target = RouteTarget::VpcEndpoint("vpce-firewall".into());
            }
        }
    }
    assert_unknown(&audit_rule(&pattern.account, RULE), "vpce-firewall");
}

#[test]
fn unread() {
    for (dataset, api) in [
        (Dataset::SecurityGroups, "ec2:DescribeSecurityGroups"),
        (Dataset::RouteTables, "ec2:DescribeRouteTables"),
        (Dataset::NetworkAcls, "ec2:DescribeNetworkAcls"),
        (Dataset::BlockPublicAccess, "ec2:DescribeVpcBlockPublicAccessOptions"),
    ] {
        let mut pattern = open((8080, 8080), &["0.0.0.0/0"]);
        pattern.account.deny(dataset, api);
        assert_unknown(&audit_rule(&pattern.account, RULE), "could not be read");
    }
}

/// DescribeSecurityGroups lists the blocks of equal rules together: the office network is none of the internet.
#[test]
fn a_private_block_beside_everyone_is_left_alone() {
    let mut pattern = open((8080, 8080), &["0.0.0.0/0"]);
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| {
        group.ingress.last_mut().unwrap().cidrs.push("10.0.0.0/8".parse().unwrap());
    });
    let shown = shown(only(&audit_rule(&pattern.account, RULE)));
    assert!(shown.contains("CidrIp=0.0.0.0/0") && !shown.contains("10.0.0.0/8"), "{shown}");
}

#[test]
fn a_network_acl_that_admits_one_office() {
    let mut pattern = open((8080, 8080), &["0.0.0.0/0"]);
    let [a, b] = pattern.subnets.clone();
    let entries = [
        (true, 100, "-1", None, "0.0.0.0/0", true),
        (false, 100, "-1", None, "10.0.0.0/16", true),
        (false, 110, "6", Some((8080, 8080)), "81.2.69.0/24", true),
    ];
    pattern.account.own_network_acl("office", &[&a, &b], &entries);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_gateway_that_carries_one_office_only() {
    let mut pattern = patterns::fargate_nat();
    assign_public_ip_of(&mut pattern.account, &pattern.service, true);
    pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "0.0.0.0/0");
    let gateway = pattern.account.internet_gateway(&pattern.vpc);
    for table in pattern.tables.clone() {
        pattern.account.route(&table, "81.2.69.0/24", RouteTarget::InternetGateway(gateway.clone()));
    }
    assert_silent(&audit_rule(&pattern.account, RULE));
    assert_silent(&audit_rule(&pattern.account, "task-public-ip"));
}

#[test]
fn everyone_by_a_prefix_list() {
    let mut pattern = open((8080, 8080), &[]);
    let list = pattern.account.prefix_list("pl-everyone", &["0.0.0.0/0"]);
    let group = pattern.group.clone();
    pattern.account.admit(&group, "tcp", 8080, 8080, "10.0.0.0/16");
    pattern.account.edit_group(&group, |group| {
        let rule = group.ingress.last_mut().unwrap();
        rule.cidrs.clear();
        rule.prefix_lists.push(list);
    });
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high task-reachable-from-internet prod/web (ecs:service)
    Everybody on the internet reaches tasks of web on tcp 8080 (igw-0fce67db46f1d0c3b to subnet-0238e36be509fd2ee; igw-0fce67db46f1d0c3b to subnet-088beb2fa9c2a7119): sg-00ee3097251c489aa admits pl-everyone on tcp 8080
    blocker group/open-to-the-internet - -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits pl-everyone on tcp 8080
    fix Admit the clients that should call before the rule for everyone is taken away, which closes the port to all others; or place the tasks behind a load balancer in subnets without a route to an internet gateway.
    $ aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,PrefixListIds=[{PrefixListId=pl-everyone}]'
    "##);
}

/// An instance that a constraint keeps tasks from may be as open as it likes.
#[test]
fn only_instances_that_tasks_may_be_placed_on_count() {
    let open = |expression: &str| {
        let mut pattern = patterns::ec2_bridge();
        pattern.account.data.tasks.items_mut().unwrap().clear();
        let (definition, service) = (pattern.definition.clone(), pattern.service.clone());
        pattern.account.edit_definition(&definition, |d| d.containers[0].port_mappings[0].host_port = Some(8080));
        pattern.account.edit_service(&service, |service| {
            service
                .placement_constraints
                .push(PlacementConstraint { kind: "memberOf".to_owned(), expression: Some(expression.to_owned()) });
        });
        pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "0.0.0.0/0");
        let (instance, subnet) = (pattern.instances[0].clone(), pattern.public[0].clone());
        pattern.account.edit_host(&instance, |host| {
            host.network_interfaces[0].subnet_id = Some(subnet);
            host.network_interfaces[0].public_ip = Some("203.0.113.9".to_owned());
        });
        audit_rule(&pattern.account, RULE)
    };
    assert_eq!(open("attribute:ecs.os-type == linux").findings.len(), 1);
    assert_silent(&open("attribute:tier == app"));
}

#[test]
fn a_load_balancer_is_admitted_before_the_rule_for_everyone_goes() {
    let mut pattern = patterns::fargate_nat();
    let public = pattern.public.clone();
    pattern.account.network(&pattern.service.clone(), &[&public[0], &public[1]]);
    assign_public_ip_of(&mut pattern.account, &pattern.service, true);
    let group = pattern.group.clone();
    pattern.account.edit_group(&group, |group| group.ingress.clear());
    pattern.account.admit(&group, "tcp", 0, 65535, "0.0.0.0/0");
    let target_group = pattern.target_group.clone().unwrap();
    pattern.account.edit_target_group(&target_group, |group| group.health_check.port = Some("9000".to_owned()));
    let commands = only(&audit_rule(&pattern.account, RULE)).remediation.commands.join("\n");
    assert_snapshot!(commands, @r##"
    aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --protocol tcp --port 8080 --source-group sg-03610344ba25fce94
    aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --protocol tcp --port 9000 --source-group sg-03610344ba25fce94
    aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=0,ToPort=65535,IpRanges=[{CidrIp=0.0.0.0/0}]'
    "##);
}

#[test]
fn an_older_deployment_whose_tasks_still_run() {
    let mut pattern = patterns::fargate_public_ip();
    pattern.account.admit(&pattern.group, "tcp", 8080, 8080, "0.0.0.0/0");
    pattern.account.task(&pattern.service, "web-0");
    let newer = pattern.account.definition("web-2", Some(NetworkMode::Awsvpc), vec![web()]);
    pattern.account.edit_definition(&newer, |definition| definition.containers[0].port_mappings.clear());
    pattern.account.edit_service(&pattern.service, |service| {
        let mut primary = service.deployments[0].clone();
        (primary.id, primary.task_definition) = ("ecs-svc/new".to_owned(), Some(newer.clone()));
        service.deployments[0].status = "ACTIVE".to_owned();
        service.deployments.insert(0, primary);
        service.task_definition = Some(newer);
    });
    assert_eq!(audit_rule(&pattern.account, RULE).findings.len(), 1);
    pattern.account.data.tasks.items_mut().unwrap().clear();
    assert!(audit_rule(&pattern.account, RULE).findings.is_empty());
}
