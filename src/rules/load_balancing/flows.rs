//! What the path rules of this group share: each is a view on the same flows from load balancers to targets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::Analyses;
use crate::analysis::ingress::{Flow, FlowPurpose, PortKind};
use crate::finding::{Cause, Evidence, Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap, Trace};
use crate::rules::{Failing, Rule, repair};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::elb::TargetHealth;
use crate::snapshot::enums::LoadBalancerType;
use crate::text;
use crate::text::{Text, format_words};
use crate::topology::origin::InterfaceKind;
use crate::topology::workload::Workload;

/// What a flow is judged from, and what else a rule reads.
macro_rules! flow_datasets {
    ($($more:ident),*) => {
        &[
            crate::snapshot::coverage::Dataset::Clusters,
            crate::snapshot::coverage::Dataset::Services,
            crate::snapshot::coverage::Dataset::Tasks,
            crate::snapshot::coverage::Dataset::TaskDefinitions,
            crate::snapshot::coverage::Dataset::ContainerInstances,
            crate::snapshot::coverage::Dataset::CapacityProviders,
            crate::snapshot::coverage::Dataset::AutoScalingGroups,
            crate::snapshot::coverage::Dataset::Instances,
            crate::snapshot::coverage::Dataset::Subnets,
            crate::snapshot::coverage::Dataset::PrefixLists,
            crate::snapshot::coverage::Dataset::SecurityGroups,
            crate::snapshot::coverage::Dataset::NetworkAcls,
            crate::snapshot::coverage::Dataset::NetworkInterfaces,
            crate::snapshot::coverage::Dataset::LoadBalancers,
            crate::snapshot::coverage::Dataset::LoadBalancerAttributes,
            crate::snapshot::coverage::Dataset::TargetGroups,
            crate::snapshot::coverage::Dataset::TargetGroupAttributes,
            crate::snapshot::coverage::Dataset::TargetHealth,
            $(crate::snapshot::coverage::Dataset::$more,)*
        ]
    };
}
pub(super) use flow_datasets;

/// What a flow is judged from.
pub(super) const DATASETS: &[Dataset] = flow_datasets![];

/// Pages that every path rule refers to.
pub(super) const REFERENCES: &[&str] = &[
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html",
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html",
    "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html",
];

/// A rule's share of the flows to one workload.
pub(super) struct View<'a, 's> {
    pub(super) workload: &'a Workload<'s>,
    pub(super) analyses: &'a Analyses<'s>,
    /// The flows that concern the rule.
    pub(super) flows: Vec<&'a Flow<'s>>,
    /// Those that are refused.
    pub(super) refused: Vec<&'a Flow<'s>>,
    pub(super) gaps: Vec<Gap>,
}

impl<'a, 's> View<'a, 's> {
    /// The flows that `concerns` picks; `None` when the workload has no load balancer.
    pub(super) fn of(
        workload: &'a Workload<'s>,
        analyses: &'a Analyses<'s>,
        concerns: impl Fn(&Flow<'s>) -> bool,
    ) -> Option<Self> {
        let ingress = analyses.ingress(workload);
        if !ingress.concerns {
            return None;
        }
        let flows: Vec<&Flow<'s>> = ingress.flows.iter().filter(|flow| concerns(flow)).collect();
        let refused: Vec<&Flow<'s>> = flows.iter().copied().filter(|flow| flow.is_refused()).collect();
        let mut gaps: Vec<Gap> = ingress.gaps.clone();
        gaps.extend(flows.iter().flat_map(|flow| flow.gaps()));
        gaps.sort();
        gaps.dedup();
        Some(Self { workload, analyses, flows, refused, gaps })
    }

    /// The failure with what is the same for every path rule.
    pub(super) fn failing(&self, rule: &'static Rule, flows: &[&Flow<'s>]) -> Failing {
        let mut failing = Failing::new(rule, self.message(flows), self.remediation(flows));
        if flows.iter().all(|flow| !flow.leg.is_shut) {
            failing.severity = failing.severity.min(Severity::Medium);
            failing.severity_reason = Some("only a part of the connections is refused".to_owned());
        }
        let blockers: BTreeSet<Blocker> = flows.iter().flat_map(|flow| blockers(flow)).collect();
        let traces: BTreeSet<Trace> = flows.iter().map(|flow| trace(flow)).collect();
        failing.cause = blockers.iter().find_map(cause);
        failing.blockers = blockers.into_iter().collect();
        failing.traces = traces.into_iter().collect();
        failing.related = related(flows);
        failing.facts = facts(flows);
        failing.confirmed_by = self.evidence(flows);
        failing.gaps.clone_from(&self.gaps);
        failing
    }

    fn message(&self, flows: &[&Flow<'s>]) -> Text {
        let balancers: BTreeSet<&str> = flows.iter().map(|flow| flow.load_balancer.name.as_str()).collect();
        let mut text = text![if balancers.len() == 1 { "Load balancer " } else { "Load balancers " }];
        text.append(Text::list(balancers.iter().map(|name| (*name).to_owned()), 3));
        let partial = flows.iter().all(|flow| !flow.leg.is_shut);
        text.push(if partial { " cannot always reach " } else { " cannot reach " });
        let on_instances = flows.iter().any(|flow| flow.to.interface == InterfaceKind::InstanceEni);
        text.push(if on_instances { "the instances of " } else { "the tasks of " });
        text.push(&self.workload.short_name);
        let sent: BTreeSet<String> = flows.iter().map(|flow| flow.sent.to_string()).collect();
        text.push(" on ");
        text.append(Text::list(sent.into_iter().map(format_words), 3));
        let health = flows.iter().all(|flow| flow.purpose == FlowPurpose::Health);
        if health {
            text.push(" for health checks");
        }
        let pairs: BTreeSet<(&str, &str)> =
            flows.iter().map(|flow| (flow.from.as_str(), flow.to.subnet_id.as_str())).collect();
        let names = pairs.iter().map(|(from, to)| format!("{from} to {to}"));
        text.push(" (");
        text.append(Text::list(names, 3));
        text.push("): ");
        let mut details: Vec<&Text> = Vec::new();
        for blocker in flows.iter().flat_map(|flow| &flow.leg.blockers) {
            if !details.contains(&&blocker.detail) {
                details.push(&blocker.detail);
            }
        }
        for (index, detail) in details.iter().take(4).enumerate() {
            if index > 0 {
                text.push("; ");
            }
            text.append((*detail).clone());
        }
        if details.len() > 4 {
            text.push(format_words(format!("; and {} more", details.len() - 4)));
        }
        text
    }

    fn remediation(&self, flows: &[&Flow<'s>]) -> Remediation {
        let text = text![
            "Let the load balancer through in every group and network ACL that is named; where the load balancer has a \
             security group, name that group as the source rather than addresses."
        ];
        let repairs = flows.iter().flat_map(|flow| &flow.leg.repairs);
        Remediation { text, commands: repair::commands(&self.analyses.topology.target.region, repairs) }
    }

    /// Targets that are unhealthy for a reason that fits, and tasks that were killed for it.
    fn evidence(&self, flows: &[&Flow<'s>]) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        let groups: BTreeMap<_, _> = flows.iter().map(|flow| (&flow.target_group.arn, flow.target_group)).collect();
        for (arn, group) in groups {
            let Ok(health) = self.analyses.topology.target_health_of(arn) else { continue };
            // The one code of a Network Load Balancer says as much as a time-out of the others.
            let by_network = flows.iter().any(|flow| flow.load_balancer.kind == LoadBalancerType::Network);
            let code = if by_network { "Target.FailedHealthChecks" } else { "Target.Timeout" };
            let fits = |target: &&&TargetHealth| target.state == "unhealthy" && target.reason.as_deref() == Some(code);
            let count = health.items().iter().filter(fits).count();
            if count > 0 {
                evidence.push(Evidence {
                    source: "target-health",
                    at: None,
                    count: u32::try_from(count).unwrap_or(u32::MAX),
                    text: format!("targets of {} are unhealthy: {code}", group.name),
                });
            }
        }
        evidence
    }
}

fn blockers(flow: &Flow<'_>) -> Vec<Blocker> {
    let mut blockers = flow.leg.blockers.clone();
    for blocker in &mut blockers {
        blocker.need = Some(purpose_word(flow.purpose).to_owned());
        blocker.origin = Some(flow.from.as_str().to_owned());
    }
    blockers
}

/// The word for a purpose in reports.
pub(super) fn purpose_word(purpose: FlowPurpose) -> &'static str {
    match purpose {
        FlowPurpose::Traffic => "traffic",
        FlowPurpose::Health => "health-check",
    }
}

fn trace(flow: &Flow<'_>) -> Trace {
    let need = format!("{} {} {}", purpose_word(flow.purpose), flow.sent, flow.to.subnet_id);
    Trace { need, origin: flow.from.as_str().to_owned(), hops: flow.leg.trace() }
}

fn cause(blocker: &Blocker) -> Option<Cause> {
    let kind = match blocker.family {
        Family::Group => "ec2:security-group",
        Family::Nacl => "ec2:network-acl",
        _ => return None,
    };
    blocker.resource.as_ref().map(|resource| Cause { kind, resource: resource.clone() })
}

fn related(flows: &[&Flow<'_>]) -> Vec<Related> {
    let mut related = BTreeSet::new();
    let mut add = |kind, id: &str, role| {
        related.insert(Related { kind, id: id.to_owned(), role });
    };
    for flow in flows {
        add("elasticloadbalancing:loadbalancer", flow.load_balancer.arn.as_str(), "load-balancer");
        add("elasticloadbalancing:targetgroup", flow.target_group.arn.as_str(), "target-group");
        add("ec2:subnet", flow.from.as_str(), "load-balancer-subnet");
        add("ec2:subnet", flow.to.subnet_id.as_str(), "target-subnet");
        for group in flow.to.security_groups.iter().flatten() {
            add("ec2:security-group", group.as_str(), "target");
        }
        for group in &flow.load_balancer.security_groups {
            add("ec2:security-group", group.as_str(), "load-balancer");
        }
    }
    related.into_iter().collect()
}

fn facts(flows: &[&Flow<'_>]) -> BTreeMap<&'static str, serde_json::Value> {
    let ports: BTreeSet<String> = flows.iter().map(|flow| flow.sent.ports.to_string()).collect();
    let pairs: BTreeSet<(&str, &str)> =
        flows.iter().map(|flow| (flow.from.as_str(), flow.to.subnet_id.as_str())).collect();
    let pairs: Vec<_> = pairs.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
    let purposes: BTreeSet<&str> = flows.iter().map(|flow| purpose_word(flow.purpose)).collect();
    [("ports", json!(ports)), ("pairs", json!(pairs)), ("purposes", json!(purposes))].into()
}

/// Health checks that go to the very port that traffic goes to.
pub(super) fn is_on_traffic_port(flow: &Flow<'_>) -> bool {
    flow.purpose == FlowPurpose::Traffic
        || flow.target_group.health_check.port.as_deref() == Some("traffic-port")
        || flow.target_group.health_check.port.is_none()
}

/// Its port is the one that the task definition fixes.
pub(super) fn is_fixed(flow: &Flow<'_>) -> bool {
    flow.port_kind == PortKind::Fixed
}
