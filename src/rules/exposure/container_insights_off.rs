//! Clusters that keep no metrics of their tasks.

use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::Cluster;
use crate::text;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "container-insights-off",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "a cluster without Container Insights",
    page: include_str!("container_insights_off.md"),
    needs: &[Dataset::Clusters],
    controls: &["ECS.12"],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-container-insights.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ClusterSetting.html",
    ],
    check: Check::Cluster(check),
};

fn check<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>) -> Vec<Outcome> {
    let unknown = |kind, reason| Outcome::Unknown(vec![Gap::Undecidable { kind, reason }]);
    let outcome = match cluster.settings.get("containerInsights").map(String::as_str) {
        Some("enabled" | "enhanced") => Outcome::Holds,
        Some("disabled") => Outcome::Fails(Box::new(failing(cluster, &analyses.topology.target.region))),
        Some(other) => {
            let reason = text!["containerInsights is ", other.to_owned(), ", which is not known to this version"];
            unknown("container-insights-value", reason)
        }
        // Without a value of its own a cluster took the account's at its creation, which the answer should show.
        None => {
            let reason = text!["DescribeClusters shows no containerInsights setting of ", &cluster.name];
            unknown("no-container-insights-setting", reason)
        }
    };
    vec![outcome]
}

fn failing(cluster: &Cluster, region: &str) -> Failing {
    let message = text![
        "Container Insights is off for ",
        &cluster.name,
        ": CloudWatch keeps no metrics of its tasks, their restarts and their network"
    ];
    let mut command = shell::Command::new("aws ecs update-cluster-settings");
    command.option("region", region);
    command.option("cluster", &cluster.name);
    command.option("settings", "name=containerInsights,value=enhanced");
    let text = text!["Turn it on; enhanced shows single tasks and containers, enabled costs less."];
    Failing::new(&RULE, message, Remediation { text, commands: vec![command.to_string()] })
}
