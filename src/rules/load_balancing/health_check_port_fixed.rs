//! A health check that goes to a port of the instance that nothing can listen on.

use super::attachments;
use crate::analysis::Analyses;
use crate::analysis::ingress;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::{Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::elb::TargetGroup;
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::topology::Lookup;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "health-check-port-fixed",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "a fixed health-check port behind dynamic host ports",
    page: include_str!("health_check_port_fixed.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::TargetGroups,
        Dataset::TargetHealth,
        Dataset::LoadBalancers,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshoot-service-load-balancers.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let found = attachments::of(workload, analyses);
    let (mut wrong, mut named, mut gaps) = (Vec::new(), Vec::new(), found.gaps);
    for attachment in &found.all {
        let definition = match &attachment.variant.task_definition {
            Lookup::Found(definition) => *definition,
            Lookup::Absent => continue,
            Lookup::Unread(gap) => {
                gaps.push(gap.clone());
                continue;
            }
        };
        let group = attachment.target_group;
        if ingress::checks_an_unmapped_port(definition, attachment.entry, group) {
            let port = group.health_check.port.clone().unwrap_or_default();
            if let Some(gap) = another_listener(workload, analyses, group, &port) {
                gaps.push(gap);
                continue;
            }
            let detail = text![
                "target group ",
                &group.name,
                " checks port ",
                port.clone(),
                " of the instances, the container's host port is dynamic"
            ];
            let number = port.parse().ok();
            wrong.push(attachments::wrong(
                Family::LoadBalancer,
                "health-check-port",
                group.arn.as_str(),
                number,
                detail,
            ));
            named.push(attachment);
        }
    }
    let failing = (!wrong.is_empty()).then(|| {
        let lead = text!["No task of ", &workload.short_name, " can pass its health check: "];
        let text = text!["Set the health check's port to traffic-port."];
        let region = &analyses.topology.target.region;
        let mut commands: Vec<String> = named
            .iter()
            .map(|attachment| {
                let mut command = shell::Command::new("aws elbv2 modify-target-group");
                command.option("region", region);
                command.option("target-group-arn", attachment.target_group.arn.as_str());
                command.option("health-check-port", "traffic-port");
                command.to_string()
            })
            .collect();
        commands.sort();
        commands.dedup();
        Failing {
            related: attachments::related(named.iter().copied()),
            blockers: wrong.clone(),
            ..Failing::new(&RULE, attachments::sentence(lead, &wrong), Remediation { text, commands })
        }
    });
    attachments::outcome(found.concerned, gaps, failing)
}

/// Why something on the instances may answer all the same: a target passes, or another workload of the cluster has the
/// port.
fn another_listener<'s>(
    workload: &Workload<'s>,
    analyses: &Analyses<'s>,
    group: &TargetGroup,
    port: &str,
) -> Option<Gap> {
    let topology = analyses.topology;
    match topology.target_health_of(&group.arn) {
        Ok(health) if health.items().iter().any(|target| target.state == "healthy") => {
            let reason = text!["contradicted by live state: a target of ", &group.name, " is healthy"];
            return Some(Gap::Undecidable { kind: "live-state", reason });
        }
        Ok(_) => {}
        Err(gap) => return Some(gap),
    }
    let port: u16 = port.parse().ok()?;
    let has_port = |other: &&Workload<'s>| {
        let definitions = other.variants.iter().filter_map(|variant| variant.task_definition.clone().found());
        let mut mappings = definitions.flat_map(|definition| {
            let is_host = definition.network_mode == Some(NetworkMode::Host);
            let on_instance = definition.network_mode != Some(NetworkMode::Awsvpc);
            definition
                .containers
                .iter()
                .filter(move |_| on_instance)
                .flat_map(|c| &c.port_mappings)
                .map(move |mapping| (is_host, mapping))
        });
        mappings.any(|(is_host, m)| m.host_port == Some(port) || (is_host && m.container_port == Some(port)))
    };
    let other = topology.workloads_of(workload.cluster_arn).find(has_port)?;
    let reason = text![&other.short_name, " has port ", port, " of the instances it runs on and may answer there"];
    Some(Gap::Undecidable { kind: "other-listener", reason })
}
