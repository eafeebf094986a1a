//! Fixed health-check ports behind dynamic host ports.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::NetworkMode;
use insta::assert_snapshot;

use crate::mocks::compute::{container, ecr};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "health-check-port-fixed";

fn checked_at(mut pattern: Pattern, port: &str) -> Pattern {
    let group = pattern.target_group.clone().unwrap();
    pattern.account.edit_target_group(&group, |group| group.health_check.port = Some(port.to_owned()));
    pattern
}

#[test]
fn nothing_listens_on_the_port_of_the_check() {
    assert_snapshot!(shown(only(&audit_rule(&checked_at(patterns::ec2_bridge(), "8080").account, RULE))), @r##"
    high health-check-port-fixed prod/web (ecs:service)
    No task of web can pass its health check: target group web checks port 8080 of the instances, the container's host port is dynamic
    blocker load-balancer/health-check-port - -> arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/09b3358ba436a75eb: target group web checks port 8080 of the instances, the container's host port is dynamic
    fix Set the health check's port to traffic-port.
    $ aws elbv2 modify-target-group --region eu-west-1 --target-group-arn arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/09b3358ba436a75eb --health-check-port traffic-port
    "##);
}

#[test]
fn a_static_host_port_somewhere_or_the_traffic_port_is_fine() {
    assert_silent(&audit_rule(&patterns::ec2_bridge().account, RULE));
    let mut pattern = checked_at(patterns::ec2_bridge(), "9000");
    pattern.account.edit_definition(&pattern.definition.clone(), |definition| {
        let mut admin = definition.containers[0].port_mappings[0].clone();
        (admin.container_port, admin.host_port) = (Some(9000), Some(9000));
        definition.containers[0].port_mappings.push(admin);
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
    // In awsvpc mode every port is the task's own.
    assert_silent(&audit_rule(&checked_at(patterns::fargate_nat(), "9000").account, RULE));
}

#[test]
fn unread() {
    let mut pattern = checked_at(patterns::ec2_bridge(), "9000");
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}

#[test]
fn something_else_on_the_instances_may_answer() {
    let mut pattern = checked_at(patterns::ec2_bridge(), "9000");
    let daemon = container("admin", &ecr("admin")).port(9000, None);
    let definition = pattern.account.definition("admin", Some(NetworkMode::Host), vec![daemon]);
    pattern.account.service(&pattern.cluster.clone(), "admin", &definition);
    assert_unknown(&audit_rule(&pattern.account, RULE), "admin has port 9000");
    let mut pattern = checked_at(patterns::ec2_bridge(), "9000");
    let group = pattern.target_group.clone().unwrap();
    let host = pattern.account.data.instances.items()[0].id.to_string();
    pattern.account.target_health(&group, &host, 32768, "healthy", None);
    assert_unknown(&audit_rule(&pattern.account, RULE), "contradicted by live state");
}
