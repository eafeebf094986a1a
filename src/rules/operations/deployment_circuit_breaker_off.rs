//! Rolling deployments that nothing ends when their tasks fail.

use jiff::SignedDuration;

use crate::analysis::Analyses;
use crate::finding::{Evidence, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{Deployment, Service};
use crate::snapshot::enums::{DeploymentController, DeploymentStrategy, SchedulingStrategy};
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "deployment-circuit-breaker-off",
    group: Group::Operations,
    severity: Severity::Low,
    summary: "rolling deployments without a circuit breaker or alarms",
    page: include_str!("deployment_circuit_breaker_off.md"),
    needs: &[Dataset::Clusters, Dataset::Services],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html",
    ],
    check: Check::Workload(check),
};

/// Longer than a rollout takes that gets there.
const PATIENCE: SignedDuration = SignedDuration::from_hours(3);

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let Some(service) = workload.service.filter(|service| rolls(service)) else { return Outcome::NotApplicable };
    let configuration = &service.deployment_configuration;
    if configuration.circuit_breaker || configuration.alarms {
        return Outcome::Holds;
    }
    // AWS always shows both percentages; where they are missing, so may be the circuit breaker.
    if configuration.minimum_healthy_percent.is_none() && configuration.maximum_percent.is_none() {
        let reason = text!["the deployment configuration of ", &workload.short_name, " is not shown"];
        return Outcome::Unknown(vec![Gap::Undecidable { kind: "deployment-configuration", reason }]);
    }
    let detail = text!["neither deploymentCircuitBreaker nor alarms is enabled"];
    let mut message = text!["Nothing ends a deployment of ", &workload.short_name, " whose tasks fail: "];
    message.append(detail.clone());
    let stuck = stuck(service, analyses);
    if let Some((deployment, age)) = stuck {
        message.append(text![
            "; deployment ",
            &deployment.id,
            " has been in progress for ",
            age.as_hours(),
            " hours, and ",
            i64::from(deployment.failed_tasks),
            if deployment.failed_tasks == 1 { " task of it has failed" } else { " tasks of it have failed in a row" }
        ]);
    }
    let text = text![
        "Turn the circuit breaker on with rollback: a deployment that can't start its tasks fails, and the last one that \
         completed comes back."
    ];
    let mut failing = Failing {
        blockers: vec![Blocker {
            family: Family::Definition,
            kind: "no-circuit-breaker",
            need: None,
            origin: None,
            port: None,
            protocol: None,
            resource: Some(workload.short_name.clone()),
            detail,
        }],
        ..Failing::new(&RULE, message, Remediation { text, commands: vec![command(workload, service, analyses)] })
    };
    if let Some((deployment, _)) = stuck {
        failing.severity = Severity::Medium;
        failing.severity_reason = Some("a deployment has been failing for hours".to_owned());
        failing.facts.insert("failed_tasks", serde_json::json!(deployment.failed_tasks));
        failing.confirmed_by = vec![Evidence {
            source: "deployment",
            at: deployment.updated_at,
            count: u32::try_from(deployment.failed_tasks).unwrap_or(0),
            text: deployment.rollout_state_reason.clone().unwrap_or_else(|| "rolloutState IN_PROGRESS".to_owned()),
        }];
    }
    Outcome::Fails(Box::new(failing))
}

/// A DAEMON service is left out: the failure threshold is half of a desired count, which it has none of, and whether
/// the breaker does anything for it is not documented.
fn rolls(service: &Service) -> bool {
    service.deployment_controller == DeploymentController::Ecs
        && matches!(service.deployment_configuration.strategy, None | Some(DeploymentStrategy::Rolling))
        && service.scheduling_strategy == SchedulingStrategy::Replica
}

/// The deployment that goes on and on, with its age. The count of failed tasks stops at the first task that runs.
fn stuck<'s>(service: &'s Service, analyses: &Analyses<'_>) -> Option<(&'s Deployment, SignedDuration)> {
    let primary = service.deployments.iter().find(|deployment| deployment.status == "PRIMARY")?;
    let age = analyses.topology.now.duration_since(primary.created_at?);
    let fails = primary.rollout_state.as_deref() == Some("IN_PROGRESS") && primary.failed_tasks > 0;
    (fails && age >= PATIENCE).then_some((primary, age))
}

fn command(workload: &Workload<'_>, service: &Service, analyses: &Analyses<'_>) -> String {
    let mut command = shell::Command::new("aws ecs update-service");
    command.option("region", &analyses.topology.target.region);
    command.option("cluster", &workload.cluster_name);
    command.option("service", &workload.short_name);
    // What the service has is said again, so that it stays whatever an update does with what is left out.
    let configuration = &service.deployment_configuration;
    let kept = [
        ("minimumHealthyPercent", configuration.minimum_healthy_percent),
        ("maximumPercent", configuration.maximum_percent),
    ];
    let kept = kept.into_iter().filter_map(|(name, percent)| Some(format!("{name}={},", percent?)));
    let kept: String = kept.collect();
    command
        .option("deployment-configuration", &format!("{kept}deploymentCircuitBreaker={{enable=true,rollback=true}}"));
    command.to_string()
}
