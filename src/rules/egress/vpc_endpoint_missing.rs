//! A needed AWS service with neither an endpoint nor a way to the internet.

use std::collections::BTreeSet;

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::egress::{self, Kind};
use crate::analysis::names;
use crate::analysis::path::{Fault, Reach};
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::{Blocker, Family};
use crate::rules::egress::view::Miss;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::text;
use crate::text::{Text, format_words};
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "vpc-endpoint-missing",
    group: Group::Egress,
    severity: Severity::High,
    summary: "a needed AWS service that neither a VPC endpoint nor an internet path reaches",
    page: include_str!("vpc_endpoint_missing.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
        "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let region = &analyses.topology.target.region;
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::All,
        |need| egress::kind(need, region) == Kind::Service,
        |miss| matches!(miss.failure.fault, Fault::Missing),
    );
    view.outcome(failing)
}

fn failing(view: &View<'_, '_>) -> Failing {
    let mut why = text!["no endpoint for "];
    why.push(if view.names().len() == 1 { "it" } else { "them" });
    why.push(", and ");
    why.append(view.no_way_out());
    let mut failing = view.failing(why, remediation(view));
    let missed = view.names();
    let region = &view.analyses.topology.target.region;
    let served: BTreeSet<String> = view
        .cells
        .iter()
        .filter(|cell| matches!(cell.reach, Reach::Holds(_)))
        .filter_map(|cell| cell.need.as_ref())
        .map(|need| need.name(region))
        .filter(|name| !missed.contains(name.as_str()))
        .collect();
    if !served.is_empty() {
        failing.message.push(" (reached: ");
        failing.message.append(Text::list(served.into_iter().map(format_words), 8));
        failing.message.push(")");
    }
    let mut blockers: Vec<Blocker> = view.misses.iter().map(|miss| blocker(view, miss)).collect();
    blockers.sort();
    blockers.dedup();
    failing.blockers = blockers;
    for (name, fact) in [("missing", "unreached"), ("missing_by_subnet", "unreached_by_subnet")] {
        let value = failing.facts.remove(fact).unwrap_or_default();
        failing.facts.insert(name, value);
    }
    failing.cause = view.route_table_cause();
    failing
}

fn blocker(view: &View<'_, '_>, miss: &Miss<'_, '_>) -> Blocker {
    let target = view.analyses.topology.target;
    let (service, region) = (miss.need.service().unwrap_or_default(), miss.need.region().unwrap_or_default());
    let detail = match (miss.cell.vpc, miss.cell.route_table) {
        (Some(vpc), Some(table)) => {
            text![&vpc.id, " has no endpoint for it and ", &table.id, " no usable route to the internet"]
        }
        _ => text!["no endpoint and no usable route to the internet"],
    };
    Blocker {
        family: Family::Endpoint,
        kind: "no-endpoint",
        need: Some(miss.name.clone()),
        origin: Some(miss.origin.subnet_id.as_str().to_owned()),
        port: Some(443),
        protocol: Some("tcp"),
        resource: Some(names::service_name(&target.partition, region, service)),
        detail,
    }
}

fn remediation(view: &View<'_, '_>) -> Remediation {
    let mut text = text!["Create "];
    let names = view.names();
    text.push(if names.len() == 1 { "an endpoint for " } else { "endpoints for " });
    text.append(Text::list(names.into_iter().map(|name| format_words(name.to_owned())), 8));
    text.push(" (private DNS on, TCP 443 admitted from the ");
    text.push(view.callers());
    text.push("), or give the ");
    text.push(if view.subnets().len() == 1 { "subnet" } else { "subnets" });
    text.push(" a default route to a NAT gateway.");
    let region = &view.analyses.topology.target.region;
    if view.misses.iter().any(|miss| miss.need.region() != Some(region)) {
        text.push(
            " For another Region's service the endpoint has to be a cross-Region one, where the service offers that.",
        );
    }
    Remediation { text, commands: view.create_endpoints() }
}
