//! A load-balancer entry that names a container or port that the task definition lacks.

use std::collections::BTreeSet;

use super::attachments;
use crate::analysis::Analyses;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::Family;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{PortMapping, ServiceLoadBalancer, TaskDefinition};
use crate::text;
use crate::topology::Lookup;
use crate::topology::workload::Role;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "load-balancer-port-undefined",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "a load-balancer entry for a container or port that is not in the definition",
    page: include_str!("load_balancer_port_undefined.md"),
    needs: &[Dataset::Clusters, Dataset::Services, Dataset::TaskDefinitions],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, _analyses: &Analyses<'s>) -> Outcome {
    let (mut wrong, mut related, mut gaps) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut concerned = false;
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        if variant.load_balancers.is_empty() {
            continue;
        }
        concerned = true;
        let definition = match &variant.task_definition {
            Lookup::Found(definition) => *definition,
            Lookup::Absent => continue,
            Lookup::Unread(gap) => {
                gaps.push(gap.clone());
                continue;
            }
        };
        for entry in variant.load_balancers {
            match fault(definition, entry) {
                Ok(None) => {}
                Ok(Some((kind, detail))) => {
                    let arns = entry.target_group_arn.iter().chain(&entry.alternate_target_group_arn);
                    related.extend(arns.map(|arn| Related {
                        kind: "elasticloadbalancing:targetgroup",
                        id: arn.as_str().to_owned(),
                        role: "target-group",
                    }));
                    let revision = definition.arn.name();
                    let port = entry.container_port;
                    wrong.push(attachments::wrong(Family::LoadBalancer, kind, revision, port, detail));
                }
                Err(gap) => gaps.push(gap),
            }
        }
    }
    let failing = (!wrong.is_empty()).then(|| {
        let lead = text!["No task of ", &workload.short_name, " can be registered: "];
        let text = text![
            "Point the service's load-balancer entry at a container and port of the task definition, or add the port \
             mapping to it."
        ];
        Failing {
            related: related.into_iter().collect(),
            blockers: wrong.clone(),
            ..Failing::new(&RULE, attachments::sentence(lead, &wrong), Remediation { text, commands: Vec::new() })
        }
    });
    attachments::outcome(concerned, gaps, failing)
}

type Fault = (&'static str, text::Text);

fn fault(definition: &TaskDefinition, entry: &ServiceLoadBalancer) -> Result<Option<Fault>, Gap> {
    let (Some(name), Some(port)) = (&entry.container_name, entry.container_port) else { return Ok(None) };
    let revision = || definition.arn.name().to_owned();
    let Some(container) = definition.containers.iter().find(|container| container.name == *name) else {
        return Ok(Some(("container-undefined", text![revision(), " has no container ", name])));
    };
    if container.port_mappings.iter().any(|mapping| mapping.container_port == Some(port)) {
        return Ok(None);
    }
    let has = |(from, to): (u16, u16)| (from..=to).contains(&port);
    if container.port_mappings.iter().filter_map(PortMapping::container_ports).any(has) {
        let reason = text!["whether a port of a range can be registered with a load balancer is not documented"];
        return Err(Gap::Undecidable { kind: "port-range", reason });
    }
    Ok(Some(("port-undefined", text!["container ", name, " of ", revision(), " does not map port ", port])))
}
