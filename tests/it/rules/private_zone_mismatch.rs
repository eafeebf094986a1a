//! Private zones that cover a name and don't have it.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "private-zone-mismatch";

#[test]
fn a_zone_for_the_region_with_one_name_hides_all_others() {
    let mut pattern = patterns::fargate_nat();
    pattern.own_zone("eu-west-1.amazonaws.com", &["logs"]);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).facts["unreached"], serde_json::json!(["ecr.api", "ecr.dkr", "s3"]));
    assert_snapshot!(shown(only(&report)), @r##"
    high private-zone-mismatch prod/web (ecs:service)
    Fargate tasks in subnet-04c2cb0f785a4be86 and subnet-0efda74836b6450f9 cannot reach ecr.api, ecr.dkr and s3: the private hosted zone Z23 for eu-west-1.amazonaws.com has no record for api.ecr.eu-west-1.amazonaws.com, so the name does not resolve in vpc-01f40ac3d5852ad3a; the private hosted zone Z23 for eu-west-1.amazonaws.com has no record for 111122223333.dkr.ecr.eu-west-1.amazonaws.com, so the name does not resolve in vpc-01f40ac3d5852ad3a; the private hosted zone Z23 for eu-west-1.amazonaws.com has no record for prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com, so the name does not resolve in vpc-01f40ac3d5852ad3a; needed by app (image)
    blocker dns/zone-without-record subnet-04c2cb0f785a4be86 -> Z23: the private hosted zone Z23 for eu-west-1.amazonaws.com has no record for api.ecr.eu-west-1.amazonaws.com, so the name does not resolve in vpc-01f40ac3d5852ad3a
    blocker dns/zone-without-record subnet-0efda74836b6450f9 -> Z23: the private hosted zone Z23 for eu-west-1.amazonaws.com has no record for api.ecr.eu-west-1.amazonaws.com, so the name does not resolve in vpc-01f40ac3d5852ad3a
    blocker dns/zone-without-record subnet-04c2cb0f785a4be86 -> Z23: the private hosted zone Z23 for eu-west-1.amazonaws.com has no record for 111122223333.dkr.ecr.eu-west-1.amazonaws.com, so the name does not resolve in vpc-01f40ac3d5852ad3a
    blocker dns/zone-without-record subnet-0efda74836b6450f9 -> Z23: the private hosted zone Z23 for eu-west-1.amazonaws.com has no record for 111122223333.dkr.ecr.eu-west-1.amazonaws.com, so the name does not resolve in vpc-01f40ac3d5852ad3a
    blocker dns/zone-without-record subnet-04c2cb0f785a4be86 -> Z23: the private hosted zone Z23 for eu-west-1.amazonaws.com has no record for prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com, so the name does not resolve in vpc-01f40ac3d5852ad3a
    blocker dns/zone-without-record subnet-0efda74836b6450f9 -> Z23: the private hosted zone Z23 for eu-west-1.amazonaws.com has no record for prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com, so the name does not resolve in vpc-01f40ac3d5852ad3a
    fix Add a record for the name (or a wildcard) to the zone, give the service an endpoint with private DNS, whose own zone is more specific, or take the zone off the VPC.
    $ aws route53 list-resource-record-sets --hosted-zone-id Z23
    "##);
}

#[test]
fn wildcards_and_the_zones_of_endpoints_are_more_specific() {
    let mut pattern = patterns::fargate_nat();
    pattern.own_zone("ecr.eu-west-1.amazonaws.com", &["api", "*.dkr"]);
    assert!(audit_rule(&pattern.account, RULE).findings.is_empty());
    // The endpoints bring zones of their own for api.ecr, dkr.ecr and logs; S3 has none.
    let mut pattern = patterns::fargate_endpoints();
    pattern.own_zone("eu-west-1.amazonaws.com", &["*.s3"]);
    assert!(audit_rule(&pattern.account, RULE).findings.is_empty());
}

#[test]
fn zones_of_others_and_other_names_prove_nothing() {
    let mut foreign = patterns::fargate_nat();
    foreign.account.hosted_zone(&foreign.vpc.clone(), "eu-west-1.amazonaws.com");
    assert_unknown(&audit_rule(&foreign.account, RULE), "a private hosted zone for");
    let mut own = patterns::fargate_nat();
    own.own_zone("corp.internal", &[]);
    assert_silent(&audit_rule(&own.account, RULE));
}

#[test]
fn records_that_were_not_read() {
    let mut pattern = patterns::fargate_nat();
    pattern.own_zone("eu-west-1.amazonaws.com", &["logs"]);
    pattern.account.deny(Dataset::HostedZoneRecords, "route53:ListResourceRecordSets");
    assert_unknown(&audit_rule(&pattern.account, RULE), "hosted-zone-records could not be read");
}

#[test]
fn rules_and_servers_of_the_customers_own_come_before_zones() {
    let mut pattern = patterns::fargate_nat();
    pattern.own_zone("eu-west-1.amazonaws.com", &["logs"]);
    pattern.account.data.dhcp_options.items_mut().unwrap()[0].domain_name_servers = vec!["10.0.9.9".to_owned()];
    assert_unknown(&audit_rule(&pattern.account, RULE), "instead of Amazon's resolver");
    // The second address of the VPC is Amazon's resolver too.
    pattern.account.data.dhcp_options.items_mut().unwrap()[0].domain_name_servers = vec!["10.0.0.2".to_owned()];
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn zones_need_both_dns_attributes_of_the_vpc() {
    let mut pattern = patterns::fargate_nat();
    pattern.own_zone("eu-west-1.amazonaws.com", &["logs"]);
    pattern.account.data.vpc_dns_attributes.items_mut().unwrap()[0].enable_dns_hostnames = false;
    assert_unknown(&audit_rule(&pattern.account, RULE), "DNS attributes");
}
