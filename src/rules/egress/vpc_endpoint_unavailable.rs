//! An endpoint that would serve, were it not in a state in which it does not.

use std::collections::BTreeSet;

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::endpoint::Why;
use crate::analysis::path::{Fault, Reach};
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::enums::VpcEndpointState;
use crate::snapshot::vpc::VpcEndpoint;
use crate::text;
use crate::text::{Span, Text};
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "vpc-endpoint-unavailable",
    group: Group::Egress,
    severity: Severity::High,
    summary: "an endpoint in a state in which it does not serve, and no other way",
    page: include_str!("vpc_endpoint_unavailable.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::Of(&["endpoint-state"]),
        |_| true,
        |miss| matches!(&miss.failure.fault, Fault::Endpoint(fault) if fault.why == Why::State) && !miss.is_exec_only(),
    );
    if view.misses.is_empty() {
        let partial = partial(&view);
        if !partial.is_empty() {
            let mut failing = of_partial(&partial);
            failing.gaps = view.gaps;
            return Outcome::Fails(Box::new(failing));
        }
    }
    view.outcome(|view| {
        let endpoints: BTreeSet<(&str, &str)> = view
            .misses
            .iter()
            .filter_map(|miss| miss.failure.fault.endpoint())
            .map(|endpoint| (endpoint.id.as_str(), endpoint.state.as_str()))
            .collect();
        let waiting = |state: &str| state == VpcEndpointState::PendingAcceptance.as_str();
        let mut text = text!["Bring "];
        text.append(Text::list(endpoints.iter().map(|(id, _)| (*id).to_owned()), 6));
        text.push(" into state available: ");
        text.push(if endpoints.iter().all(|(_, state)| waiting(state)) {
            "the owner of the endpoint service has to accept the connection."
        } else {
            "look at its last error, or delete it and create it anew."
        });
        let commands = endpoints.iter().map(|(id, _)| {
            let mut command = shell::Command::new("aws ec2 describe-vpc-endpoints");
            command.option("region", &analyses.topology.target.region);
            command.option("vpc-endpoint-ids", id);
            command.option("query", "VpcEndpoints[].[State,FailureReason,LastError]");
            command.to_string()
        });
        let remediation = Remediation { text, commands: commands.collect() };
        let mut failing = view.failing(view.details(), remediation);
        if let (Some((id, _)), 1) = (endpoints.first(), endpoints.len()) {
            failing.cause = Some(Cause { kind: "ec2:vpc-endpoint", resource: (*id).to_owned() });
        }
        failing
    })
}

fn partial<'s>(view: &View<'_, 's>) -> Vec<&'s VpcEndpoint> {
    let serving = view.cells.iter().filter_map(|cell| match &cell.reach {
        Reach::Holds(by) => *by,
        Reach::Fails(_) | Reach::Unknown(_) => None,
    });
    let mut partial: Vec<&VpcEndpoint> = serving.filter(|e| e.state == VpcEndpointState::Partial).collect();
    partial.sort_by(|a, b| a.id.cmp(&b.id));
    partial.dedup_by(|a, b| a.id == b.id);
    partial
}

fn of_partial(endpoints: &[&VpcEndpoint]) -> Failing {
    let mut message = text!["Tasks depend on "];
    message.append(Text::list(endpoints.iter().map(|endpoint| Span::from(&endpoint.id)), 4));
    message.push(", which AWS reports as partial: not all of its interfaces work");
    let text = text!["Look at the endpoint's interfaces, one for each subnet, and create those that failed anew."];
    let related = endpoints.iter().map(|endpoint| Related {
        kind: "ec2:vpc-endpoint",
        id: endpoint.id.as_str().to_owned(),
        role: "endpoint",
    });
    Failing {
        severity: Severity::Low,
        severity_reason: Some("the endpoint serves in part".to_owned()),
        related: related.collect(),
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    }
}
