//! Service Connect that cannot work as it is configured.

use std::collections::BTreeSet;

use super::view;
use crate::analysis::Analyses;
use crate::analysis::service_connect::{self, Reached};
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap, Trace};
use crate::rules::{Check, Failing, Group, Outcome, Rule, repair};
use crate::snapshot::ecs::{ServiceConnectConfiguration, TaskDefinition};
use crate::snapshot::enums::{DeploymentController, NetworkMode};
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Variant, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "service-connect-misconfigured",
    group: Group::Egress,
    severity: Severity::High,
    summary: "Service Connect that cannot work as it is configured",
    page: include_str!("service_connect_misconfigured.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect.html",
    ],
    check: Check::Workload(check),
};

struct Wrong {
    blocker: Blocker,
    repairs: Vec<crate::reach::leg::Repair>,
    traces: Vec<Trace>,
}

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (mut wrong, mut gaps, mut concerned) = (Vec::new(), Vec::new(), false);
    for (variant, configuration) in service_connect::configured(workload) {
        concerned = true;
        let definition = match service_connect::definition(variant) {
            Ok(definition) => definition,
            Err(gap) => {
                gaps.push(gap);
                continue;
            }
        };
        wrong.extend(unsupported(workload, variant, definition, configuration, &mut gaps));
        for offered in &configuration.services {
            let names = definition.containers.iter().flat_map(|c| &c.port_mappings).filter_map(|m| m.name.as_ref());
            if !names.clone().any(|name| *name == offered.port_name) {
                let detail =
                    text!["no port mapping of ", definition.arn.name().to_owned(), " is named ", &offered.port_name];
                wrong.push(of_kind("port-name-undefined", &offered.port_name, detail));
                continue;
            }
            match service_connect::listening_port(definition, offered) {
                Some(port) => {
                    let reached = service_connect::reached(analyses, workload, variant, port);
                    if !reached.somebody && reached.gaps.is_empty() && !reached.refused.is_empty() {
                        wrong.push(refused(&offered.port_name, port, &reached));
                    }
                    gaps.extend(reached.gaps);
                }
                None => {
                    let reason = text![
                        "the proxy for ",
                        &offered.port_name,
                        " listens on a dynamic port of its instance, which can't be seen"
                    ];
                    gaps.push(Gap::Undecidable { kind: "dynamic-proxy-port", reason });
                }
            }
        }
    }
    gaps.sort();
    gaps.dedup();
    match (concerned, wrong.is_empty(), gaps.is_empty()) {
        (false, _, _) => Outcome::NotApplicable,
        (true, false, _) => Outcome::Fails(Box::new(Failing { gaps, ..failing(analyses, workload, wrong) })),
        (true, true, true) => Outcome::Holds,
        (true, true, false) => Outcome::Unknown(gaps),
    }
}

fn unsupported(
    workload: &Workload<'_>,
    variant: &Variant<'_>,
    definition: &TaskDefinition,
    configuration: &ServiceConnectConfiguration,
    gaps: &mut Vec<Gap>,
) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let revision = definition.arn.name();
    let mut says = |kind, resource: &str, detail| wrong.push(of_kind(kind, resource, detail));
    match &definition.network_mode {
        Some(NetworkMode::None) => {
            says("mode-unsupported", revision, text!["network mode none has no network for the proxy"]);
        }
        Some(NetworkMode::Host) => {
            let reason = text!["whether Service Connect works in host mode is not documented"];
            gaps.push(Gap::Undecidable { kind: "host-mode", reason });
        }
        _ => {}
    }
    let tls = configuration.services.iter().any(|service| service.tls);
    if tls && definition.network_mode != Some(NetworkMode::Awsvpc) {
        says("tls-outside-awsvpc", revision, text!["TLS of Service Connect works in awsvpc mode only"]);
    }
    if definition.operating_system_family.as_deref().is_some_and(|family| family.starts_with("WINDOWS")) {
        says("windows-unsupported", revision, text!["Windows tasks cannot take part in Service Connect"]);
    }
    if variant.launches.known.iter().any(|launch| launch.kind == LaunchKind::External) {
        says("external-unsupported", revision, text!["external instances cannot take part in Service Connect"]);
    }
    let controller = workload.service.map(|service| &service.deployment_controller);
    if let Some(controller @ (DeploymentController::CodeDeploy | DeploymentController::External)) = controller {
        let detail = text!["the deployment controller ", controller.as_str().to_owned(), " does not support it"];
        says("controller-unsupported", controller.as_str(), detail);
    }
    wrong
}

fn of_kind(kind: &'static str, resource: &str, detail: Text) -> Wrong {
    let blocker = Blocker {
        family: Family::Dns,
        kind,
        need: Some("service-connect".to_owned()),
        origin: None,
        port: None,
        protocol: None,
        resource: Some(resource.to_owned()),
        detail,
    };
    Wrong { blocker, repairs: Vec::new(), traces: Vec::new() }
}

fn refused(name: &str, port: u16, reached: &Reached<'_>) -> Wrong {
    let (client, subnet, leg) = &reached.refused[0];
    let others = Text::list(reached.refused.iter().map(|(name, _, _)| name), 3);
    let mut detail = if reached.refused.len() == 1 {
        text!["the only other member of the namespace, ", client, ", does not get through to "]
    } else {
        let mut detail = text!["of the other members of the namespace ("];
        detail.append(others);
        detail.push(") none gets through to ");
        detail
    };
    detail.push(name.to_owned());
    detail.append(text![" on tcp ", port, ": "]);
    let mut first = leg.blockers[0].clone();
    detail.append(first.detail.clone());
    first.detail = detail;
    first.need = Some("service-connect".to_owned());
    first.origin = Some((*subnet).to_owned());
    let traces = vec![Trace { need: name.to_owned(), origin: (*subnet).to_owned(), hops: leg.trace() }];
    Wrong { blocker: first, repairs: leg.repairs.clone(), traces }
}

fn failing(analyses: &Analyses<'_>, workload: &Workload<'_>, wrong: Vec<Wrong>) -> Failing {
    let mut message = text!["Service Connect of ", &workload.short_name, " cannot work: "];
    message.append(Text::joined(wrong.iter().map(|wrong| &wrong.blocker.detail)));
    let repairs: Vec<_> = wrong.iter().flat_map(|wrong| &wrong.repairs).collect();
    let text = if repairs.is_empty() {
        text!["Change the service's Service Connect configuration or the task definition so that they fit, and deploy."]
    } else {
        text!["Admit the client services to the server's port in its security group."]
    };
    let commands = repair::commands(&analyses.topology.target.region, repairs);
    let blockers: BTreeSet<Blocker> = wrong.iter().map(|wrong| wrong.blocker.clone()).collect();
    let related = workload.variants.iter().take(1).map(|variant| Related {
        kind: "ecs:task-definition",
        id: variant.task_definition_arn.as_str().to_owned(),
        role: "task-definition",
    });
    Failing {
        related: related.collect(),
        blockers: blockers.into_iter().collect(),
        traces: wrong.into_iter().flat_map(|wrong| wrong.traces).collect(),
        ..Failing::new(&RULE, message, Remediation { text, commands })
    }
}
