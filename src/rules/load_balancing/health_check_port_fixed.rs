//! A health check that goes to a port of the instance that nothing can listen on.

use super::attachments;
use crate::analysis::Analyses;
use crate::analysis::ingress;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Family;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
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
        Dataset::TaskDefinitions,
        Dataset::TargetGroups,
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
