//! A target group that no listener forwards to.

use super::attachments::{self, Attachment};
use crate::analysis::Analyses;
use crate::analysis::balancing;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::{Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::Service;
use crate::snapshot::elb::Action;
use crate::snapshot::enums::{DeploymentController, DeploymentStrategy, LoadBalancerType};
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "target-group-unattached",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "a target group of the service that no listener forwards to",
    page: include_str!("target_group_unattached.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::TargetGroups,
        Dataset::LoadBalancers,
        Dataset::Listeners,
        Dataset::ListenerRules,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let found = attachments::of(workload, analyses);
    if workload.service.is_none_or(has_idle_side) {
        return Outcome::NotApplicable;
    }
    let judged: Vec<&Attachment<'_, '_>> = found
        .all
        .iter()
        .filter(|attachment| !attachment.is_alternate && attachment.entry.alternate_target_group_arn.is_none())
        .collect();
    let mut gaps = found.gaps;
    let (mut wrong, mut named) = (Vec::new(), Vec::new());
    for attachment in &judged {
        let group = attachment.target_group;
        match forwarded(analyses, attachment) {
            Ok(Forwarded::Yes) => {}
            Ok(Forwarded::WithoutWeight) => {
                let detail = text!["every rule that names target group ", &group.name, " gives it weight 0"];
                let id = group.arn.as_str();
                wrong.push(attachments::wrong(Family::LoadBalancer, "weight-zero", id, None, detail));
                named.push(*attachment);
            }
            Ok(Forwarded::No) => {
                let detail = if group.load_balancer_arns.is_empty() {
                    text!["target group ", &group.name, " belongs to no load balancer"]
                } else {
                    text!["no listener or rule forwards to target group ", &group.name]
                };
                let id = group.arn.as_str();
                wrong.push(attachments::wrong(Family::LoadBalancer, "not-forwarded", id, None, detail));
                named.push(*attachment);
            }
            Err(gap) => gaps.push(gap),
        }
    }
    let failing = (!wrong.is_empty()).then(|| {
        let lead = text!["Traffic never arrives at ", &workload.short_name, ": "];
        let text = text!["Let a listener or rule forward to the target group, with a weight above 0."];
        Failing {
            related: attachments::related(named.iter().copied()),
            blockers: wrong.clone(),
            ..Failing::new(&RULE, attachments::sentence(lead, &wrong), Remediation { text, commands: Vec::new() })
        }
    });
    attachments::outcome(!judged.is_empty(), gaps, failing)
}

/// These deployments keep a target group without traffic on purpose.
fn has_idle_side(service: &Service) -> bool {
    let controller =
        matches!(service.deployment_controller, DeploymentController::CodeDeploy | DeploymentController::External);
    let strategy = matches!(
        service.deployment_configuration.strategy,
        Some(DeploymentStrategy::BlueGreen | DeploymentStrategy::Linear | DeploymentStrategy::Canary)
    );
    controller || strategy
}

enum Forwarded {
    Yes,
    WithoutWeight,
    No,
}

fn forwarded(analyses: &Analyses<'_>, attachment: &Attachment<'_, '_>) -> Result<Forwarded, Gap> {
    let topology = analyses.topology;
    let arn = &attachment.target_group.arn;
    let names = |actions: &[Action]| {
        actions
            .iter()
            .any(|action| action.kind == "forward" && action.target_groups.iter().any(|(group, _)| group == arn))
    };
    let mut without_weight = false;
    for balancer in &attachment.load_balancers {
        for listener in topology.listeners_of(&balancer.arn)?.items() {
            let mut actions = vec![listener.default_actions.as_slice()];
            if balancer.kind == LoadBalancerType::Application {
                topology.listener_rules_of(&listener.arn)?;
                let rules = topology.known_rules_to(arn).iter().filter(|rule| rule.listener_arn == listener.arn);
                actions.extend(rules.map(|rule| rule.actions.as_slice()));
            }
            for actions in actions {
                if balancing::forwards(actions, arn) {
                    return Ok(Forwarded::Yes);
                }
                without_weight |= names(actions);
            }
        }
    }
    match attachment.hidden.first() {
        Some(gap) => Err(gap.clone()),
        None if without_weight => Ok(Forwarded::WithoutWeight),
        None => Ok(Forwarded::No),
    }
}
