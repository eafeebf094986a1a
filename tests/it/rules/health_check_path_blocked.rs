//! Health checks to a port of their own.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "health-check-path-blocked";

fn checked_at(mut pattern: Pattern, port: &str) -> Pattern {
    let group = pattern.target_group.clone().unwrap();
    pattern.account.edit_target_group(&group, |group| group.health_check.port = Some(port.to_owned()));
    pattern
}

#[test]
fn the_port_of_the_check_is_shut() {
    let mut pattern = checked_at(patterns::fargate_nat(), "9000");
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high health-check-path-blocked prod/web (ecs:service)
    Load balancer web cannot reach the tasks of web on tcp 9000 for health checks (subnet-0238e36be509fd2ee to subnet-04c2cb0f785a4be86, subnet-0238e36be509fd2ee to subnet-0efda74836b6450f9 and 2 more): sg-00ee3097251c489aa admits no tcp 9000 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24); sg-00ee3097251c489aa admits no tcp 9000 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    blocker group/group-ingress subnet-0238e36be509fd2ee -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits no tcp 9000 from load balancer web in subnet-0238e36be509fd2ee (10.0.0.0/24)
    blocker group/group-ingress subnet-088beb2fa9c2a7119 -> sg-00ee3097251c489aa: sg-00ee3097251c489aa admits no tcp 9000 from load balancer web in subnet-088beb2fa9c2a7119 (10.0.1.0/24)
    fix Let the load balancer through in every group and network ACL that is named; where the load balancer has a security group, name that group as the source rather than addresses.
    $ aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=9000,ToPort=9000,UserIdGroupPairs=[{GroupId=sg-03610344ba25fce94}]'
    "##);
    let alb = pattern.balancer_group.clone().unwrap();
    pattern.account.admit_group(&pattern.group.clone(), "tcp", 9000, 9000, &alb);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn what_stops_the_traffic_too_is_told_once() {
    let mut pattern = checked_at(patterns::fargate_nat(), "9000");
    pattern.account.edit_group(&pattern.group.clone(), |group| group.ingress.clear());
    assert_silent(&audit_rule(&pattern.account, RULE));
    only(&audit_rule(&pattern.account, "load-balancer-path-blocked"));
}

#[test]
fn a_port_that_nothing_listens_on_is_another_rules_matter() {
    let pattern = checked_at(patterns::ec2_bridge(), "9000");
    assert_silent(&audit_rule(&pattern.account, RULE));
    only(&audit_rule(&pattern.account, "health-check-port-fixed"));
}

#[test]
fn checks_that_are_off_and_unread() {
    let mut pattern = checked_at(patterns::fargate_nat(), "9000");
    pattern
        .account
        .edit_target_group(&pattern.target_group.clone().unwrap(), |group| group.health_check.enabled = false);
    assert_silent(&audit_rule(&pattern.account, RULE));
    let mut pattern = checked_at(patterns::fargate_nat(), "9000");
    pattern.account.deny(Dataset::SecurityGroups, "ec2:DescribeSecurityGroups");
    assert_unknown(&audit_rule(&pattern.account, RULE), "security-groups could not be read");
}
