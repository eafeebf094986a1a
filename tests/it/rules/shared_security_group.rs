//! One security group for tasks, load balancers and endpoints.

use ecs_network_audit::finding::{Remediation, Report};
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use ecs_network_audit::snapshot::enums::{DeploymentController, VpcEndpointState};
use ecs_network_audit::snapshot::ids::SecurityGroupId;
use insta::assert_snapshot;

use crate::mocks::compute::set_network;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "shared-security-group";

fn audit(pattern: &Pattern) -> Report {
    audit_rule(&pattern.account, RULE)
}

/// Gives the load balancer these groups.
fn balancer(mut pattern: Pattern, groups: &[&SecurityGroupId]) -> Pattern {
    let balancer = pattern.balancer.clone().unwrap();
    let groups = groups.iter().map(|group| (*group).clone()).collect();
    pattern.account.edit_load_balancer(&balancer, |balancer| balancer.security_groups = groups);
    pattern
}

/// A service whose load balancer has the group of its tasks or instances.
fn with_balancer(pattern: Pattern) -> Pattern {
    let group = pattern.group.clone();
    balancer(pattern, &[&group])
}

#[test]
fn tasks_and_their_load_balancer() {
    assert_snapshot!(shown(only(&audit(&with_balancer(patterns::fargate_nat())))), @r##"
    low shared-security-group prod/web (ecs:service)
    Tasks of web share security group sg-00ee3097251c489aa with load balancer web: every rule for one of them opens the others too
    fix Give each part a group of its own and let their rules name each other: the tasks admit the load balancer's group to their port, the endpoints admit the tasks' group to 443, and only the load balancer admits its clients. Rules elsewhere that name the shared group for the sake of the part that leaves it have to name the new one.
    $ TASK_GROUP=$(aws ec2 create-security-group --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --group-name web-tasks --description web-tasks --query GroupId --output text)
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id "$TASK_GROUP" --protocol tcp --port 8080 --source-group sg-00ee3097251c489aa
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --network-configuration 'awsvpcConfiguration={subnets=[subnet-04c2cb0f785a4be86,subnet-0efda74836b6450f9],securityGroups=['"$TASK_GROUP"'],assignPublicIp=DISABLED}'
    "##);
}

#[test]
fn tasks_and_the_endpoints_they_use() {
    let mut pattern = patterns::fargate_endpoints();
    for endpoint in &pattern.endpoints[..2] {
        pattern.account.edit_endpoint(endpoint, |endpoint| endpoint.security_group_ids.push(pattern.group.clone()));
    }
    assert_snapshot!(shown(only(&audit(&pattern))), @r##"
    low shared-security-group prod/web (ecs:service)
    Tasks of web share security group sg-00ee3097251c489aa with endpoints vpce-013424d09dd8e876a and vpce-09cac2309daffaee3: every rule for one of them opens the others too
    fix Give each part a group of its own and let their rules name each other: the tasks admit the load balancer's group to their port, the endpoints admit the tasks' group to 443, and only the load balancer admits its clients. Rules elsewhere that name the shared group for the sake of the part that leaves it have to name the new one.
    $ TASK_GROUP=$(aws ec2 create-security-group --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --group-name web-tasks --description web-tasks --query GroupId --output text)
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --protocol tcp --port 443 --source-group "$TASK_GROUP"
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --network-configuration 'awsvpcConfiguration={subnets=[subnet-0896d9a98e4df01a6,subnet-0a63441c31073a238],securityGroups=['"$TASK_GROUP"'],assignPublicIp=DISABLED}'
    "##);
}

#[test]
fn all_three() {
    let mut pattern = with_balancer(patterns::fargate_endpoints());
    pattern.account.edit_endpoint(&pattern.endpoints[0], |e| e.security_group_ids = vec![pattern.group.clone()]);
    let report = audit(&pattern);
    assert_snapshot!(only(&report).message, @r##"
    Tasks of web share security group sg-00ee3097251c489aa with load balancer web and endpoint vpce-013424d09dd8e876a: every rule for one of them opens the others too
    "##);
    assert_eq!(only(&report).cause.as_ref().map(|c| c.resource.as_str()), Some(pattern.group.as_str()));
}

#[test]
fn in_bridge_mode_it_is_the_group_of_the_instances() {
    let mut pattern = with_balancer(patterns::ec2_bridge());
    let [a, b] = pattern.subnets.clone();
    let endpoint = pattern.account.interface_endpoint(&pattern.vpc.clone(), "logs", &[&a, &b]);
    pattern.account.edit_endpoint(&endpoint, |e| e.security_group_ids = vec![pattern.group.clone()]);
    assert_snapshot!(shown(only(&audit(&pattern))), @r##"
    low shared-security-group prod/web (ecs:service)
    The instances that tasks of web run on share security group sg-07e77904572ff8efc with load balancer web and endpoint vpce-05ba3fc938154db2b: every rule for one of them opens the others too
    fix Give each part a group of its own and let their rules name each other: the tasks admit the load balancer's group to their port, the endpoints admit the tasks' group to 443, and only the load balancer admits its clients. Rules elsewhere that name the shared group for the sake of the part that leaves it have to name the new one.
    $ BALANCER_GROUP=$(aws ec2 create-security-group --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --group-name web-load-balancer --description web-load-balancer --query GroupId --output text)
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id "$BALANCER_GROUP" --protocol tcp --port "$LISTENER_PORT" --cidr "$CLIENTS"
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-07e77904572ff8efc --protocol tcp --port "$HOST_PORTS" --source-group "$BALANCER_GROUP"
    $ aws elbv2 set-security-groups --region eu-west-1 --load-balancer-arn arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0a50efc04472fbe20 --security-groups "$BALANCER_GROUP"
    $ ENDPOINT_GROUP=$(aws ec2 create-security-group --region eu-west-1 --vpc-id vpc-01f40ac3d5852ad3a --group-name ecs-vpc-endpoints --description ecs-vpc-endpoints --query GroupId --output text)
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id "$ENDPOINT_GROUP" --protocol tcp --port 443 --source-group sg-07e77904572ff8efc
    $ aws ec2 modify-vpc-endpoint --region eu-west-1 --vpc-endpoint-id vpce-05ba3fc938154db2b --add-security-group-ids "$ENDPOINT_GROUP" --remove-security-group-ids sg-07e77904572ff8efc
    "##);
}

#[test]
fn in_awsvpc_mode_the_group_of_the_instances_is_another_matter() {
    let mut pattern = patterns::ec2_awsvpc();
    let instances = pattern.account.ensure_group(&pattern.vpc, "instances");
    assert_silent(&audit(&balancer(pattern, &[&instances])));
    only(&audit(&with_balancer(patterns::ec2_awsvpc())));
}

#[test]
fn an_endpoint_that_is_gone_shares_nothing() {
    let with_endpoint = |state: VpcEndpointState| {
        let mut pattern = patterns::fargate_endpoints();
        pattern.account.edit_endpoint(&pattern.endpoints[0], |endpoint| {
            endpoint.security_group_ids.push(pattern.group.clone());
            endpoint.state = state;
        });
        audit(&pattern)
    };
    for state in [VpcEndpointState::Deleting, VpcEndpointState::Deleted, VpcEndpointState::Failed] {
        assert_silent(&with_endpoint(state));
    }
    for state in [VpcEndpointState::Available, VpcEndpointState::Pending, VpcEndpointState::PendingAcceptance] {
        only(&with_endpoint(state));
    }
}

/// What the commands admit: protocol and port of each.
fn admitted(report: &Report) -> Vec<String> {
    let commands = only(report).remediation.commands.iter().filter(|command| command.contains("authorize"));
    let ports = commands.map(|command| {
        let (_, rest) = command.split_once("--protocol ").unwrap();
        rest.split(' ').filter(|word| *word != "--port").take(2).collect::<Vec<_>>().join(" ")
    });
    ports.collect()
}

#[test]
fn the_new_group_admits_health_checks_and_the_protocol_of_the_traffic() {
    let of = |protocol: &str, port: &str, mut pattern: Pattern| {
        let target_group = pattern.target_group.clone().unwrap();
        pattern.account.edit_target_group(&target_group, |group| {
            group.protocol = Some(protocol.to_owned());
            group.health_check.port = Some(port.to_owned());
        });
        admitted(&audit(&with_balancer(pattern)))
    };
    assert_eq!(of("HTTP", "traffic-port", patterns::fargate_nat()), ["tcp 8080"]);
    assert_eq!(of("HTTP", "9090", patterns::fargate_nat()), ["tcp 8080", "tcp 9090"]);
    assert_eq!(of("UDP", "traffic-port", patterns::fargate_nat()), ["tcp 8080", "udp 8080"]);
    assert_eq!(of("UDP", "9090", patterns::fargate_nat()), ["tcp 9090", "udp 8080"]);
    assert_eq!(of("TCP_UDP", "traffic-port", patterns::fargate_nat()), ["tcp 8080", "udp 8080"]);
    let (listener, host) = ("\"$LISTENER_PORT\"", "\"$HOST_PORTS\"");
    let tcp = [format!("tcp {listener}"), format!("tcp {host}")];
    assert_eq!(of("HTTP", "traffic-port", patterns::ec2_bridge()), tcp);
    let udp = [format!("udp {listener}"), format!("tcp {host}"), format!("udp {host}"), "tcp 9090".to_owned()];
    assert_eq!(of("UDP", "9090", patterns::ec2_bridge()), udp);
}

#[test]
fn the_network_of_a_service_with_another_controller_is_not_updated() {
    for (controller, how) in [
        (DeploymentController::CodeDeploy, "create a new CodeDeploy deployment"),
        (DeploymentController::External, "create a new task set"),
    ] {
        let mut pattern = with_balancer(patterns::fargate_nat());
        pattern.account.edit_service(&pattern.service, |service| service.deployment_controller = controller);
        let report = audit(&pattern);
        let Remediation { text, commands } = &only(&report).remediation;
        assert!(text.to_string().contains(how) && !commands.iter().any(|c| c.contains("update-service")), "{text}");
    }
}

#[test]
fn groups_of_their_own_are_fine() {
    for (name, pattern) in patterns::all() {
        let report = audit(&pattern);
        assert!(report.findings.is_empty() && report.not_evaluated.is_empty(), "{name}");
    }
}

#[test]
fn one_group_in_common_among_others_is_enough() {
    let pattern = patterns::fargate_nat();
    let (own, other) = (pattern.group.clone(), pattern.balancer_group.clone().unwrap());
    let report = audit(&balancer(pattern, &[&other, &own]));
    assert_eq!(only(&report).facts["security_groups"], serde_json::json!([own.as_str()]));
}

#[test]
fn what_else_a_load_balancer_has_stays() {
    let pattern = patterns::ec2_bridge();
    let (own, other) = (pattern.group.clone(), pattern.balancer_group.clone().unwrap());
    let report = audit(&balancer(pattern, &[&own, &other]));
    let commands = &only(&report).remediation.commands;
    let set = commands.iter().find(|command| command.contains("set-security-groups")).unwrap();
    assert!(set.ends_with(&format!("--security-groups {other} \"$BALANCER_GROUP\"")), "{set}");
}

#[test]
fn a_network_load_balancer_without_groups_shares_none() {
    assert_silent(&audit(&patterns::nlb_without_groups()));
    only(&audit(&with_balancer(patterns::nlb_with_groups())));
}

#[test]
fn the_default_group_is_told_of_once() {
    let mut pattern = patterns::fargate_nat();
    let default = pattern.account.data.security_groups.items().iter().find(|group| group.name == "default").unwrap();
    let default = default.id.clone();
    pattern.account.edit_service(&pattern.service, |service| {
        let mut network = service.network_configuration.clone().unwrap();
        network.security_groups.clear();
        set_network(service, network);
    });
    let pattern = balancer(pattern, &[&default]);
    assert_eq!(only(&audit(&pattern)).facts["security_groups"], serde_json::json!([default.as_str()]));
    assert_silent(&audit_beside(&pattern.account, RULE, "default-security-group-in-use"));
}

#[test]
fn instances_that_a_constraint_may_rule_out_prove_nothing_until_a_task_runs_there() {
    let mut pattern = with_balancer(patterns::ec2_bridge());
    // The second instance has a group of its own.
    let other = pattern.account.ensure_group(&pattern.vpc, "others");
    pattern
        .account
        .edit_host(&pattern.instances[1], |host| host.network_interfaces[0].security_group_ids = vec![other]);
    pattern.account.edit_service(&pattern.service, |service| {
        service.placement_constraints.push(PlacementConstraint {
            kind: "memberOf".to_owned(),
            expression: Some("attribute:role == frontend".to_owned()),
        });
    });
    only(&audit(&pattern));
    pattern.account.data.tasks.items_mut().unwrap().clear();
    assert_unknown(&audit(&pattern), "a placement constraint may keep the tasks off the instances");
}

#[test]
fn what_is_unread_is_unknown() {
    for (dataset, api) in [
        (Dataset::LoadBalancers, "elasticloadbalancing:DescribeLoadBalancers"),
        (Dataset::TargetGroups, "elasticloadbalancing:DescribeTargetGroups"),
        (Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints"),
    ] {
        let mut pattern = patterns::fargate_nat();
        pattern.account.deny(dataset, api);
        assert_unknown(&audit(&pattern), &format!("{} could not be read", dataset.name()));
    }
    let mut pattern = with_balancer(patterns::ec2_bridge());
    pattern.account.deny(Dataset::Instances, "ec2:DescribeInstances");
    assert_unknown(&audit(&pattern), "instances could not be read");
    // What was read proves it all the same.
    let mut pattern = with_balancer(patterns::fargate_nat());
    pattern.account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    only(&audit(&pattern));
}
