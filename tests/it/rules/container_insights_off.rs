//! Clusters without Container Insights.

use ecs_network_audit::finding::Report;
use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "container-insights-off";

/// A cluster with this setting; without a value the answer has none.
fn with(value: Option<&str>) -> Report {
    let mut pattern: Pattern = patterns::fargate_nat();
    pattern.account.edit_cluster(&pattern.cluster.clone(), |cluster| {
        cluster.settings.clear();
        cluster.settings.extend(value.map(|value| ("containerInsights".to_owned(), value.to_owned())));
    });
    audit_rule(&pattern.account, RULE)
}

#[test]
fn disabled_is_off() {
    assert_snapshot!(shown(only(&with(Some("disabled")))), @r##"
    low container-insights-off prod (ecs:cluster)
    Container Insights is off for prod: CloudWatch keeps no metrics of its tasks, their restarts and their network
    fix Turn it on; enhanced shows single tasks and containers, enabled costs less.
    $ aws ecs update-cluster-settings --region eu-west-1 --cluster prod --settings name=containerInsights,value=enhanced
    "##);
}

#[test]
fn enabled_and_enhanced_are_on() {
    assert_silent(&with(Some("enabled")));
    assert_silent(&with(Some("enhanced")));
}

#[test]
fn what_is_not_shown_is_unknown() {
    assert_unknown(&with(None), "DescribeClusters shows no containerInsights setting of prod");
    assert_unknown(&with(Some("deluxe")), "containerInsights is deluxe, which is not known to this version");
}

#[test]
fn an_unread_cluster_is_unknown() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::Clusters, "ecs:ListClusters");
    assert_unknown(&audit_rule(&pattern.account, RULE), "clusters could not be read");
}
