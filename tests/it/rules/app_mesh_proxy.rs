//! App Mesh after its end of support.

use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "app-mesh-proxy";

/// A healthy service whose revision has the setting.
fn wrong(mut pattern: Pattern) -> Pattern {
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        definition.proxy_type = Some("APPMESH".to_owned());
    });
    pattern
}

#[test]
fn a_proxy_of_a_service_that_has_ended() {
    let pattern = wrong(patterns::fargate_nat());
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    medium app-mesh-proxy prod/web (ecs:service)
    Tasks of web rely on App Mesh, which reached its end of support on 30 September 2026: proxyConfiguration is APPMESH in web:1
    blocker definition/app-mesh - -> web:1: proxyConfiguration is APPMESH in web:1
    fix Move to Service Connect, VPC Lattice or a load balancer, then register a revision without proxyConfiguration and without the Envoy container.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query taskDefinition.proxyConfiguration
    "##);
}

#[test]
fn without_it_nothing_is_said() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
}

#[test]
fn an_unread_definition_is_unknown() {
    let mut pattern = wrong(patterns::fargate_nat());
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
