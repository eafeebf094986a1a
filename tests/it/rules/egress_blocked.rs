//! A way out that groups or network ACLs don't let the traffic take.

use insta::assert_snapshot;

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::vpc::{ProfileAssociation, RouteTarget};

use crate::mocks::account::push;
use crate::mocks::accounts::fargate_private_with_nat;
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "egress-blocked";

#[test]
fn a_group_that_lets_only_the_application_port_out() {
    let mut fixture = fargate_private_with_nat();
    let group = fixture.account.group_of(&fixture.service);
    fixture.account.let_out(&group, &[("tcp", 8080, 8080, "10.0.0.0/16")]);
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high egress-blocked prod/web (ecs:service)
    Fargate tasks in subnet-04c2cb0f785a4be86 cannot reach ecr.api, ecr.dkr, logs and s3: sg-00ee3097251c489aa lets out no tcp 443 to the internet; needed by app (image, logConfiguration)
    blocker group/group-egress subnet-04c2cb0f785a4be86 -> sg-00ee3097251c489aa: sg-00ee3097251c489aa lets out no tcp 443 to the internet
    blocker group/group-egress subnet-04c2cb0f785a4be86 -> sg-00ee3097251c489aa: sg-00ee3097251c489aa lets out no tcp 443 to the internet
    blocker group/group-egress subnet-04c2cb0f785a4be86 -> sg-00ee3097251c489aa: sg-00ee3097251c489aa lets out no tcp 443 to the internet
    blocker group/group-egress subnet-04c2cb0f785a4be86 -> sg-00ee3097251c489aa: sg-00ee3097251c489aa lets out no tcp 443 to the internet
    fix Let TCP 443 out from the tasks, and its answers back in, in every group and network ACL that is named.
    $ aws ec2 authorize-security-group-egress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=0.0.0.0/0}]'
    "##);
}

#[test]
fn a_group_without_any_egress_rule_lets_nothing_out() {
    let mut fixture = fargate_private_with_nat();
    let group = fixture.account.group_of(&fixture.service);
    fixture.account.let_out(&group, &[]);
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn groups_add_up() {
    let mut fixture = fargate_private_with_nat();
    let group = fixture.account.group_of(&fixture.service);
    fixture.account.let_out(&group, &[]);
    let second = fixture.account.security_group(&fixture.vpc.clone(), "second");
    fixture.account.edit_service(&fixture.service, |service| {
        let deployments = service.deployments.iter_mut().filter_map(|d| d.network_configuration.as_mut());
        deployments.chain(&mut service.network_configuration).for_each(|n| n.security_groups.push(second.clone()));
    });
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn layers_of_images_need_the_ranges_of_s3_and_not_only_the_vpcs() {
    let mut pattern = patterns::fargate_endpoints();
    pattern.account.let_out(&pattern.group.clone(), &[("tcp", 443, 443, "10.0.0.0/16")]);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high egress-blocked prod/web (ecs:service)
    Fargate tasks in subnet-0896d9a98e4df01a6 and subnet-0a63441c31073a238 cannot reach s3: sg-00ee3097251c489aa lets out no tcp 443 to S3 (prefix list pl-6da54004); needed by app (image)
    blocker group/group-egress subnet-0896d9a98e4df01a6 -> sg-00ee3097251c489aa: sg-00ee3097251c489aa lets out no tcp 443 to S3 (prefix list pl-6da54004)
    blocker group/group-egress subnet-0a63441c31073a238 -> sg-00ee3097251c489aa: sg-00ee3097251c489aa lets out no tcp 443 to S3 (prefix list pl-6da54004)
    fix Let TCP 443 out from the tasks, and its answers back in, in every group and network ACL that is named.
    $ aws ec2 authorize-security-group-egress --region eu-west-1 --group-id sg-00ee3097251c489aa --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,PrefixListIds=[{PrefixListId=pl-6da54004}]'
    "##);
    pattern
        .account
        .let_out(&pattern.group.clone(), &[("tcp", 443, 443, "10.0.0.0/16"), ("tcp", 443, 443, "pl-6da54004")]);
    assert_silent(&audit_rule(&pattern.account, RULE));
    let ranges = ["10.0.0.0/16", "52.218.0.0/17", "3.5.64.0/21"].map(|cidr| ("tcp", 443, 443, cidr));
    pattern.account.let_out(&pattern.group.clone(), &ranges);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_part_of_the_internet_may_or_may_not_be_the_right_one() {
    let mut fixture = fargate_private_with_nat();
    let group = fixture.account.group_of(&fixture.service);
    fixture.account.let_out(&group, &[("tcp", 443, 443, "52.0.0.0/8")]);
    assert_unknown(&audit_rule(&fixture.account, RULE), "which of these addresses are in use can't be seen");
}

#[test]
fn answers_come_back_to_high_ports() {
    let strict = |ports| {
        let mut fixture = fargate_private_with_nat();
        let all = "0.0.0.0/0";
        fixture.account.own_network_acl(
            "strict",
            &[&fixture.subnet.clone()],
            &[(true, 100, "6", Some((443, 443)), all, true), (false, 100, "6", Some(ports), all, true)],
        );
        audit_rule(&fixture.account, RULE)
    };
    assert_silent(&strict((1024, 65535)));
    assert_silent(&strict((32768, 60999)));
    let report = strict((443, 443));
    assert!(
        only(&report).message.to_string().contains("admits no answers on tcp 32768-60999"),
        "{}",
        only(&report).message
    );
    assert!(only(&report).remediation.commands[0].contains("--ingress"), "{:?}", only(&report).remediation.commands);
    // Half of the range: connections fail now and then.
    assert_eq!(only(&strict((49152, 65535))).severity, Severity::Medium);
}

#[test]
fn a_denying_entry_is_named_with_its_number_and_overtaken() {
    let mut fixture = fargate_private_with_nat();
    let all = "0.0.0.0/0";
    fixture.account.own_network_acl(
        "deny",
        &[&fixture.subnet.clone()],
        &[
            (true, 50, "6", Some((443, 443)), all, false),
            (true, 100, "-1", None, all, true),
            (false, 100, "-1", None, all, true),
        ],
    );
    let report = audit_rule(&fixture.account, RULE);
    assert!(only(&report).message.to_string().contains("(entry 50)"), "{}", only(&report).message);
    assert!(only(&report).remediation.commands[0].contains("--rule-number 49"));
}

#[test]
fn beyond_a_transit_gateway_nothing_is_claimed() {
    let mut fixture = fargate_private_with_nat();
    fixture.account.edit_table(&fixture.table, |table| {
        table.routes[1].target = RouteTarget::TransitGateway("tgw-1".to_owned());
    });
    let group = fixture.account.group_of(&fixture.service);
    fixture.account.let_out(&group, &[]);
    assert!(audit_rule(&fixture.account, RULE).findings.is_empty());
}

#[test]
fn unread() {
    for (dataset, api) in
        [(Dataset::SecurityGroups, "ec2:DescribeSecurityGroups"), (Dataset::NetworkAcls, "ec2:DescribeNetworkAcls")]
    {
        let mut fixture = fargate_private_with_nat();
        fixture.account.deny(dataset, api);
        assert_unknown(&audit_rule(&fixture.account, RULE), "could not be read");
    }
}

#[test]
fn the_eni_of_a_running_standalone_task_shows_its_groups() {
    let mut fixture = fargate_private_with_nat();
    let group = fixture.account.group_of(&fixture.service);
    let task = fixture.account.task(&fixture.service, "one-off");
    fixture.account.edit_task(&task, |task| task.group = Some("family:web".into()));
    fixture.account.data.services.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&fixture.account, RULE), "the security groups of an interface");
    fixture.account.task_eni(&task, &[&group]);
    assert_silent(&audit_rule(&fixture.account, RULE));
    fixture.account.let_out(&group, &[]);
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).resource.name, "prod/family:web");
}

#[test]
fn names_may_lead_to_endpoints_elsewhere_by_another_way() {
    let mut fixture = fargate_private_with_nat();
    let group = fixture.account.group_of(&fixture.service);
    fixture.account.let_out(&group, &[("tcp", 443, 443, "10.0.0.0/8")]);
    only(&audit_rule(&fixture.account, RULE));
    let profile = ProfileAssociation { vpc_id: fixture.vpc.clone(), profile_id: "rp-hub".to_owned(), name: None };
    push(&mut fixture.account.data.profile_associations, profile);
    let report = audit_rule(&fixture.account, RULE);
    assert!(report.findings.is_empty());
    assert_eq!(report.rules[0].unknown, 1);
    assert_unknown(&audit_rule(&fixture.account, "vpc-endpoint-missing"), "Route 53 Profile rp-hub");
}

#[test]
fn ipv6_only_subnets_are_not_followed() {
    let mut fixture = fargate_private_with_nat();
    let group = fixture.account.group_of(&fixture.service);
    fixture.account.let_out(&group, &[]);
    fixture.account.edit_subnet(&fixture.subnet, |subnet| subnet.ipv6_native = true);
    assert!(audit_rule(&fixture.account, RULE).findings.is_empty());
}
