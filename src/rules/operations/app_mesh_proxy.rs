//! App Mesh after its end of support.

use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::rules::definitions::{self, Setting};
use crate::rules::revisions;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::ecs::TaskDefinition;
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "app-mesh-proxy",
    group: Group::Operations,
    severity: Severity::Medium,
    summary: "tasks send their traffic through a proxy of App Mesh, which has ended",
    page: include_str!("app_mesh_proxy.md"),
    needs: revisions::NEEDS,
    controls: &[],
    references: &["https://docs.aws.amazon.com/app-mesh/latest/userguide/what-is-app-mesh.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let setting = Setting {
        rule: &RULE,
        kind: "app-mesh",
        on_fargate: true,
        headline: "rely on App Mesh, which reached its end of support on 30 September 2026",
        fix: text![
            "Move to Service Connect, VPC Lattice or a load balancer, then register a revision without proxyConfiguration and without the Envoy container."
        ],
        query: "taskDefinition.proxyConfiguration",
    };
    definitions::judge(workload, analyses, setting, proxy)
}

fn proxy(definition: &TaskDefinition) -> Vec<Text> {
    let mesh = definition.proxy_type.as_deref() == Some("APPMESH");
    mesh.then(|| text!["proxyConfiguration is APPMESH"]).into_iter().collect()
}
