//! What the rules of this group share: each is a view on the same cells, for the faults that it is to blame for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::egress::Cell;
use crate::analysis::internet::Way;
use crate::analysis::needs::{Need, Purpose};
use crate::analysis::path::{Failure, Reach};
use crate::analysis::{Analyses, symptoms};
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Gap};
use crate::rules::{Failing, Outcome, Rule, repair};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ids::{RouteTableId, SubnetId};
use crate::symptom::{Dialled, Nature, Symptom, Trouble};
use crate::text;
use crate::text::{Span, Text, format_words};
use crate::topology::launch::LaunchKind;
use crate::topology::origin::{InterfaceKind, Origin};
use crate::topology::workload::Workload;

/// What a path is judged from, and what else a rule reads.
macro_rules! path_datasets {
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
            crate::snapshot::coverage::Dataset::Vpcs,
            crate::snapshot::coverage::Dataset::VpcDnsAttributes,
            crate::snapshot::coverage::Dataset::DhcpOptions,
            crate::snapshot::coverage::Dataset::Subnets,
            crate::snapshot::coverage::Dataset::RouteTables,
            crate::snapshot::coverage::Dataset::PrefixLists,
            crate::snapshot::coverage::Dataset::NatGateways,
            crate::snapshot::coverage::Dataset::InternetGateways,
            crate::snapshot::coverage::Dataset::BlockPublicAccess,
            crate::snapshot::coverage::Dataset::VpcEndpoints,
            crate::snapshot::coverage::Dataset::NetworkInterfaces,
            crate::snapshot::coverage::Dataset::SecurityGroups,
            crate::snapshot::coverage::Dataset::NetworkAcls,
            crate::snapshot::coverage::Dataset::HostedZones,
            crate::snapshot::coverage::Dataset::ResolverRules,
            crate::snapshot::coverage::Dataset::ProfileAssociations,
            crate::snapshot::coverage::Dataset::HostedZoneRecords,
            $(crate::snapshot::coverage::Dataset::$more,)*
        ]
    };
}
pub(super) use path_datasets;

/// What a path is judged from.
pub(super) const DATASETS: &[Dataset] = path_datasets![];

/// A cell that a rule is to blame for.
pub(super) struct Miss<'a, 's> {
    pub(super) cell: &'a Cell<'s>,
    pub(super) failure: &'a Failure<'s>,
    pub(super) need: &'a Need,
    pub(super) origin: &'a Origin<'s>,
    /// Name of the need in sentences.
    pub(super) name: String,
}

impl Miss<'_, '_> {
    /// Only ECS Exec needs it, which has a rule of its own.
    pub(super) fn is_exec_only(&self) -> bool {
        self.need.causes.iter().all(|cause| cause.purpose == Purpose::Exec)
    }
}

/// A rule's share of the cells of one workload.
pub(super) struct View<'a, 's> {
    pub(super) rule: &'static Rule,
    pub(super) workload: &'a Workload<'s>,
    pub(super) analyses: &'a Analyses<'s>,
    /// The cells that concern the rule.
    pub(super) cells: Vec<&'a Cell<'s>>,
    /// Those it is to blame for.
    pub(super) misses: Vec<Miss<'a, 's>>,
    pub(super) gaps: Vec<Gap>,
}

/// Which gaps leave a rule without an answer.
pub(super) enum Gaps {
    /// Every one.
    All,
    /// What could not be read, and these kinds.
    Of(&'static [&'static str]),
}

impl<'a, 's> View<'a, 's> {
    /// The cells that `concerns` picks, and of these the failures that `blames` picks.
    pub(super) fn of(
        rule: &'static Rule,
        workload: &'a Workload<'s>,
        analyses: &'a Analyses<'s>,
        gaps: Gaps,
        concerns: impl Fn(&Need) -> bool,
        blames: impl Fn(&Miss<'_, 's>) -> bool,
    ) -> Self {
        let all = analyses.egress(workload);
        let mut cells: Vec<&Cell<'s>> = Vec::with_capacity(all.len());
        cells.extend(all.iter().filter(|cell| cell.need.as_ref().is_none_or(|need| concerns(need))));
        let region = &analyses.topology.target.region;
        let counts = |gap: &&Gap| match (&gaps, gap) {
            (Gaps::All, _) | (_, Gap::Unread { .. }) => true,
            (Gaps::Of(kinds), Gap::Undecidable { kind, .. }) => kinds.contains(kind),
        };
        let (mut misses, mut open) = (Vec::new(), Vec::new());
        for cell in &cells {
            match (&cell.reach, &cell.need, &cell.origin) {
                (Reach::Unknown(more), _, _) => open.extend(more.iter().filter(counts).cloned()),
                (Reach::Fails(failure), Some(need), Some(origin)) => {
                    let miss = Miss { cell, failure, need, origin, name: need.name(region) };
                    if blames(&miss) {
                        misses.push(miss);
                    }
                }
                (Reach::Fails(_) | Reach::Holds(_), _, _) => {}
            }
        }
        drop_uncertain(&cells, &mut misses, &mut open);
        open.sort();
        open.dedup();
        Self { rule, workload, analyses, cells, misses, gaps: open }
    }

    /// The verdict; `fails` words it where there is something to blame.
    pub(super) fn outcome(self, fails: impl FnOnce(&Self) -> Failing) -> Outcome {
        if self.cells.is_empty() {
            return Outcome::NotApplicable;
        }
        if !self.misses.is_empty() {
            let mut failing = fails(&self);
            failing.gaps.extend(self.gaps);
            return Outcome::Fails(Box::new(failing));
        }
        // What no other rule of this run tells either may be all that is known of a path: that is not a yes.
        let open = self.cells.iter().any(|cell| matches!(cell.reach, Reach::Unknown(_)));
        if self.gaps.is_empty() && !open { Outcome::Holds } else { Outcome::Unknown(self.gaps) }
    }

    /// The failure with what is the same for every rule of the group. `why` comes after "cannot reach logs: ".
    pub(super) fn failing(&self, why: Text, remediation: Remediation) -> Failing {
        let mut message = self.who();
        message.append(Text::list(self.subnets(), 3));
        let partial = self.misses.iter().all(|miss| miss.failure.is_partial);
        message.push(if partial { " cannot always reach " } else { " cannot reach " });
        message.append(self.needs());
        message.push(": ");
        message.append(why);
        let causes = self.asked_by();
        if !causes.is_empty() {
            message.push("; needed by ");
            message.append(Text::list(causes, 4));
        }
        let mut failing = Failing::new(self.rule, message, remediation);
        if partial {
            failing.severity = failing.severity.min(Severity::Medium);
            failing.severity_reason = Some("only a part of the connections is refused".to_owned());
        }
        let mut blockers: Vec<Blocker> = self.misses.iter().flat_map(|miss| miss.failure.blockers.clone()).collect();
        blockers.sort();
        blockers.dedup();
        let traces: BTreeSet<_> =
            self.misses.iter().filter_map(|miss| miss.cell.trace(&self.analyses.topology.target.region)).collect();
        failing.traces = traces.into_iter().collect();
        failing.related = self.related();
        failing.blockers = blockers;
        failing.facts = self.facts();
        let services: BTreeSet<&str> = self.misses.iter().filter_map(|miss| miss.need.service()).collect();
        let registry = self.misses.iter().any(|miss| miss.need.service().is_none());
        failing.confirmed_by = symptoms::of_stopped_tasks(symptoms::stopped_tasks(self.workload), |symptom| {
            let concerned = symptom.trouble.needs().iter().any(|need| services.contains(need))
                || (registry && symptom.trouble == Trouble::Pull);
            concerned && self.explains(symptom)
        });
        failing
    }

    /// A dialled private address is an endpoint's, so that the endpoint is there; a public one is not.
    fn explains(&self, symptom: Symptom) -> bool {
        let nature = match self.rule.id {
            "vpc-endpoint-policy-denies" => Nature::Permission,
            _ => Nature::Network,
        };
        let elsewhere = match self.rule.id {
            "vpc-endpoint-missing" => matches!(symptom.dialled, Some(Dialled::Private(_))),
            "vpc-endpoint-path-blocked" => matches!(symptom.dialled, Some(Dialled::Public(_))),
            _ => false,
        };
        symptom.nature == nature && !elsewhere
    }

    /// The blockers in sentences, each once.
    pub(super) fn details(&self) -> Text {
        let mut details: Vec<&Text> = Vec::new();
        for blocker in self.misses.iter().flat_map(|miss| &miss.failure.blockers) {
            if !details.contains(&&blocker.detail) {
                details.push(&blocker.detail);
            }
        }
        Text::joined(details)
    }

    /// "The task ENI in " or "The primary ENI of 2 container instances in ".
    fn who(&self) -> Text {
        let interfaces: BTreeSet<InterfaceKind> = self.misses.iter().map(|miss| miss.origin.interface).collect();
        if interfaces.len() > 1 {
            return text!["Tasks and container instances in "];
        }
        match interfaces.first() {
            Some(InterfaceKind::InstanceEni) => {
                let instances: BTreeSet<_> =
                    self.misses.iter().flat_map(|m| &m.origin.instances).map(|i| &i.arn).collect();
                match instances.len() {
                    0 => text!["Container instances to be launched in "],
                    1 => text!["The container instance in "],
                    count => [format_words(format!("The {count} container instances in "))].into_iter().collect(),
                }
            }
            _ => {
                let kinds: BTreeSet<LaunchKind> = self.misses.iter().map(|miss| miss.cell.launch).collect();
                match kinds.first() {
                    Some(LaunchKind::Fargate) => text!["Fargate tasks in "],
                    _ => text!["Task ENIs in "],
                }
            }
        }
    }

    /// The subnets concerned.
    pub(super) fn subnets(&self) -> BTreeSet<&'s SubnetId> {
        self.misses.iter().map(|miss| miss.origin.subnet_id).collect()
    }

    /// The needs concerned.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.misses.iter().map(|miss| miss.name.as_str()).collect()
    }

    fn needs(&self) -> Text {
        Text::list(self.names().into_iter().map(|name| Span::Name(name.to_owned())), 8)
    }

    fn asked_by(&self) -> Vec<Span> {
        let causes: BTreeSet<_> = self.misses.iter().flat_map(|miss| &miss.need.causes).collect();
        let by_container = causes.iter().fold(BTreeMap::<_, Vec<&str>>::new(), |mut map, cause| {
            let fields = map.entry(cause.container.as_deref()).or_default();
            if !fields.contains(&cause.field) {
                fields.push(cause.field);
            }
            map
        });
        let name = |(container, fields): (Option<&str>, Vec<&str>)| match container {
            Some(container) => Span::Name(format!("{container} ({})", fields.join(", "))),
            None => Span::Name(fields.join(", ")),
        };
        by_container.into_iter().map(name).collect()
    }

    fn related(&self) -> Vec<Related> {
        let mut related = BTreeSet::new();
        let mut add = |kind, id: &str, role| {
            related.insert(Related { kind, id: id.to_owned(), role });
        };
        for miss in &self.misses {
            add("ec2:subnet", miss.origin.subnet_id.as_str(), "origin");
            if let Some(table) = miss.cell.route_table {
                add("ec2:route-table", table.id.as_str(), "route-table");
            }
            if let Some(vpc) = miss.cell.vpc {
                add("ec2:vpc", vpc.id.as_str(), "vpc");
            }
            for group in miss.origin.security_groups.iter().flatten() {
                add("ec2:security-group", group.as_str(), "origin");
            }
            if let Some(endpoint) = miss.failure.fault.endpoint() {
                add("ec2:vpc-endpoint", endpoint.id.as_str(), "endpoint");
            }
            for instance in &miss.origin.instances {
                if let Some(id) = &instance.ec2_instance_id {
                    add("ec2:instance", id.as_str(), "origin");
                }
            }
        }
        related.into_iter().collect()
    }

    fn facts(&self) -> BTreeMap<&'static str, serde_json::Value> {
        let mut by_subnet: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for miss in &self.misses {
            by_subnet.entry(miss.origin.subnet_id.as_str()).or_default().insert(&miss.name);
        }
        let interfaces: BTreeSet<&str> = self.misses.iter().map(|miss| interface_word(miss.origin.interface)).collect();
        [
            ("unreached", json!(self.names())),
            ("unreached_by_subnet", json!(by_subnet)),
            ("interfaces", json!(interfaces)),
        ]
        .into()
    }

    /// The route table, where it is one.
    pub(super) fn route_table_cause(&self) -> Option<Cause> {
        let tables: BTreeSet<Option<&RouteTableId>> =
            self.misses.iter().map(|miss| miss.cell.route_table.map(|t| &t.id)).collect();
        match tables.iter().collect::<Vec<_>>().as_slice() {
            [Some(table)] => Some(Cause { kind: "ec2:route-table", resource: table.as_str().to_owned() }),
            _ => None,
        }
    }

    /// The first resource that a blocker of this kind names.
    pub(super) fn cause_of(&self, kind: &'static str, families: &[crate::reach::verdict::Family]) -> Option<Cause> {
        let mut blockers = self.misses.iter().flat_map(|miss| &miss.failure.blockers);
        let found = blockers.find(|blocker| families.contains(&blocker.family))?;
        found.resource.as_ref().map(|resource| Cause { kind, resource: resource.clone() })
    }

    /// Whether the origin has a way to the internet.
    pub(super) fn has_internet(&self, origin: &Origin<'_>) -> bool {
        self.analyses.internet_path(origin.subnet_id, origin.public_address).way == Way::Yes
    }

    /// "tasks", "container instances" or both.
    pub(super) fn callers(&self) -> &'static str {
        let interfaces: BTreeSet<InterfaceKind> = self.misses.iter().map(|miss| miss.origin.interface).collect();
        match (interfaces.contains(&InterfaceKind::TaskEni), interfaces.contains(&InterfaceKind::InstanceEni)) {
            (true, true) => "tasks and container instances",
            (false, true) => "container instances",
            (_, false) => "tasks",
        }
    }

    /// "the main route table rtb-1 has no route to the internet".
    pub(super) fn no_way_out(&self) -> Text {
        let tables: BTreeMap<&RouteTableId, bool> =
            self.misses.iter().filter_map(|miss| miss.cell.route_table).map(|table| (&table.id, table.main)).collect();
        let through_gateway = self.misses.iter().all(|miss| {
            let mut hops = miss.cell.hops.iter();
            hops.any(|hop| hop.hop == "internet-gateway" && hop.verdict == "fails")
        });
        let mut text = Text::default();
        if let [(_, true)] = tables.iter().collect::<Vec<_>>().as_slice() {
            text.push("the main route table ");
        }
        text.append(Text::list(tables.keys().copied(), 3));
        text.push(match (through_gateway, tables.len()) {
            (true, 1) => " leads to an internet gateway, which drops their packets: they have no public address",
            (true, _) => " lead to an internet gateway, which drops their packets: they have no public address",
            (false, 1) => " has no route to the internet",
            (false, _) => " have no route to the internet",
        });
        text
    }

    /// Commands that let the refused traffic through.
    pub(super) fn repairs(&self) -> Vec<String> {
        let repairs = self.misses.iter().flat_map(|miss| &miss.failure.repairs);
        repair::commands(&self.analyses.topology.target.region, repairs)
    }
}

/// The word for an interface in facts.
pub(super) fn interface_word(interface: InterfaceKind) -> &'static str {
    match interface {
        InterfaceKind::TaskEni => "task-eni",
        InterfaceKind::InstanceEni => "instance-eni",
    }
}

/// Where a placement constraint may rule an instance out, its failure counts only if every instance fails alike.
fn drop_uncertain<'s>(cells: &[&Cell<'s>], misses: &mut Vec<Miss<'_, 's>>, gaps: &mut Vec<Gap>) {
    let before = misses.len();
    misses.retain(|miss| {
        let same_need = |cell: &&&Cell<'s>| cell.need.as_deref() == Some(miss.need);
        !miss.cell.origin_is_uncertain || cells.iter().filter(same_need).all(|cell| cell.failure().is_some())
    });
    if misses.len() < before {
        let reason = text!["a placement constraint may keep the tasks on instances that reach what they need"];
        gaps.push(Gap::Undecidable { kind: "placement-constraint", reason });
    }
}
