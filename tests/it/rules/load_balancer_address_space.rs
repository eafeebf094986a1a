//! Room for an Application Load Balancer.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "load-balancer-address-space";

#[test]
fn few_free_addresses_or_a_small_subnet() {
    let mut pattern = patterns::fargate_nat();
    let public = pattern.public[0].clone();
    pattern.account.edit_subnet(&public, |subnet| subnet.available_ip_address_count = 7);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    medium load-balancer-address-space prod/web (ecs:service)
    Load balancer web cannot grow when traffic does: subnet-0238e36be509fd2ee has 7 free addresses
    blocker address/address-space - -> subnet-0238e36be509fd2ee: subnet-0238e36be509fd2ee has 7 free addresses
    fix Put the load balancer into subnets of at least /27 with 8 free addresses each.
    "##);
    pattern.account.edit_subnet(&public, |subnet| {
        subnet.available_ip_address_count = 11;
        subnet.cidr_block = Some("10.0.0.0/28".parse().unwrap());
    });
    assert!(only(&audit_rule(&pattern.account, RULE)).message.to_string().contains("is a /28 only"));
    pattern.account.edit_subnet(&public, |subnet| subnet.cidr_block = Some("10.0.0.0/27".parse().unwrap()));
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn network_load_balancers_do_not_grow_and_unread_is_unknown() {
    let mut pattern = patterns::nlb_with_groups();
    let public = pattern.public[0].clone();
    pattern.account.edit_subnet(&public, |subnet| subnet.available_ip_address_count = 1);
    assert_silent(&audit_rule(&pattern.account, RULE));
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::Subnets, "ec2:DescribeSubnets");
    assert_unknown(&audit_rule(&pattern.account, RULE), "subnets could not be read");
}
