//! A listener that nobody is let through to.

use std::collections::BTreeSet;

use crate::analysis::Analyses;
use crate::analysis::balancing::{self, Admission};
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule, repair};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::elb::{Listener, LoadBalancer};
use crate::snapshot::ids::Arn;
use crate::text;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::workload::{Role, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "listener-path-blocked",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "a listener whose port no client is let through to",
    page: include_str!("listener_path_blocked.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::TargetGroups,
        Dataset::LoadBalancers,
        Dataset::Listeners,
        Dataset::ListenerRules,
        Dataset::SecurityGroups,
        Dataset::NetworkAcls,
        Dataset::PrefixLists,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html",
    ],
    check: Check::Workload(check),
};

struct Shut<'s> {
    target_group: &'s Arn,
    balancer: &'s LoadBalancer,
    listener: &'s Listener,
    by: &'static str,
    ids: Vec<String>,
}

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    let (mut shut, mut gaps, mut listeners) = (Vec::<Shut<'s>>::new(), Vec::<Gap>::new(), 0_usize);
    let (mut concerned, mut open) = (false, BTreeSet::<&Arn>::new());
    let variants = workload.variants.iter().filter(|variant| variant.role != Role::Active);
    let entries = variants.flat_map(|variant| variant.load_balancers);
    let arns = entries.flat_map(|entry| entry.target_group_arn.iter().chain(&entry.alternate_target_group_arn));
    for arn in arns.collect::<BTreeSet<_>>() {
        concerned = true;
        let group = match topology.target_group(arn) {
            Lookup::Found(group) => group,
            Lookup::Absent => continue,
            Lookup::Unread(gap) => {
                gaps.push(gap);
                continue;
            }
        };
        for balancer in &group.load_balancer_arns {
            let balancer = match topology.load_balancer(balancer) {
                Lookup::Found(balancer) => balancer,
                Lookup::Absent => continue,
                Lookup::Unread(gap) => {
                    gaps.push(gap);
                    continue;
                }
            };
            let found = match balancing::listeners_to(topology, balancer, &group.arn) {
                Ok(found) => found,
                Err(gap) => {
                    gaps.push(gap);
                    continue;
                }
            };
            for listener in found {
                listeners += 1;
                match balancing::admission(topology, balancer, listener) {
                    Admission::Somebody => {
                        open.insert(&group.arn);
                    }
                    Admission::Nobody { by, ids } => {
                        shut.push(Shut { target_group: &group.arn, balancer, listener, by, ids });
                    }
                    Admission::Unknown(gap) => gaps.push(gap),
                }
            }
        }
    }
    let (beside_another, alone): (Vec<_>, Vec<_>) = shut.into_iter().partition(|shut| open.contains(shut.target_group));
    match (alone.is_empty() && beside_another.is_empty(), gaps.is_empty()) {
        (false, _) if !alone.is_empty() => {
            Outcome::Fails(Box::new(Failing { gaps, ..failing(analyses, workload, &alone) }))
        }
        (false, _) => {
            let mut failing = failing(analyses, workload, &beside_another);
            failing.severity = Severity::Low;
            failing.severity_reason = Some("another listener of the same target group lets clients in".to_owned());
            Outcome::Fails(Box::new(Failing { gaps, ..failing }))
        }
        (true, false) => Outcome::Unknown(gaps),
        (true, true) if !concerned || listeners == 0 => Outcome::NotApplicable,
        (true, true) => Outcome::Holds,
    }
}

fn failing(analyses: &Analyses<'_>, workload: &Workload<'_>, shut: &[Shut<'_>]) -> Failing {
    let port = |shut: &Shut<'_>| shut.listener.port.unwrap_or_default();
    let detail = |shut: &Shut<'_>| {
        let mut text = if shut.by == "security-group" {
            Text::list(shut.ids.iter(), 3)
        } else {
            let mut text = text!["network ACL "];
            text.append(Text::list(shut.ids.iter(), 3));
            text
        };
        text.push(if shut.ids.len() == 1 { " admits" } else { " admit" });
        text.append(text![" nobody to port ", port(shut), " of load balancer ", &shut.balancer.name]);
        text
    };
    let mut message = text!["No client of ", &workload.short_name, " gets through a listener: "];
    let details: Vec<Text> = shut.iter().map(detail).collect();
    for (index, detail) in details.iter().take(3).enumerate() {
        if index > 0 {
            message.push("; ");
        }
        message.append(detail.clone());
    }
    let blockers = shut.iter().map(|shut| Blocker {
        family: if shut.by == "security-group" { Family::Group } else { Family::Nacl },
        kind: "listener-refused",
        need: Some("clients".to_owned()),
        origin: None,
        port: shut.listener.port,
        protocol: balancing::protocols_of(shut.listener).first().map(|protocol| protocol.name()),
        resource: shut.ids.first().cloned(),
        detail: detail(shut),
    });
    let region = &analyses.topology.target.region;
    let by_group = shut.iter().filter(|shut| shut.by == "security-group");
    let pairs = by_group.flat_map(|shut| balancing::protocols_of(shut.listener).into_iter().map(move |p| (shut, p)));
    let commands = pairs.filter_map(|(shut, protocol)| {
        let mut command = shell::Command::new("aws ec2 authorize-security-group-ingress");
        command.option("region", region);
        command.option("group-id", shut.ids.first()?);
        command.option("protocol", protocol.name());
        command.option("port", &port(shut).to_string());
        command.raw(repair::CLIENTS);
        Some(command.to_string())
    });
    let commands: BTreeSet<String> = commands.collect();
    let text = text!["Admit the clients to the listener's port in the load balancer's groups and network ACLs."];
    let mut related = BTreeSet::new();
    for shut in shut {
        let arn = shut.balancer.arn.as_str().to_owned();
        related.insert(Related { kind: "elasticloadbalancing:loadbalancer", id: arn, role: "load-balancer" });
        let arn = shut.listener.arn.as_str().to_owned();
        related.insert(Related { kind: "elasticloadbalancing:listener", id: arn, role: "listener" });
    }
    let first = &shut[0];
    let kind = if first.by == "security-group" { "ec2:security-group" } else { "ec2:network-acl" };
    Failing {
        blockers: blockers.collect(),
        related: related.into_iter().collect(),
        cause: first.ids.first().map(|id| Cause { kind, resource: id.clone() }),
        facts: [("ports", serde_json::json!(shut.iter().map(port).collect::<BTreeSet<_>>()))].into(),
        ..Failing::new(&RULE, message, Remediation { text, commands: commands.into_iter().collect() })
    }
}
