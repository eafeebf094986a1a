//! Asks the rules about their subjects. A crash of one rule must not cost the report.

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};

use crate::analysis::Analyses;
use crate::finding::Resource;
use crate::glob;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Outcome, Rule};
use crate::settings::Settings;
use crate::snapshot::Target;
use crate::snapshot::ecs::Cluster;
use crate::snapshot::ids::VpcId;
use crate::snapshot::vpc::{Subnet, Vpc};
use crate::topology::workload::Workload;

/// How many workloads all rules are asked about before the next ones: what is known of so few stays in the caches.
const AT_ONCE: usize = 32;

/// What a rule is asked about. Its names are made only where something is said of it.
#[derive(Clone, Copy)]
pub(super) enum Subject<'s> {
    Workload(&'s Workload<'s>),
    Cluster(&'s Cluster),
    Vpc(&'s Vpc),
    Subnet(&'s Subnet),
    Zone(&'s str),
}

impl Subject<'_> {
    /// How reports refer to it.
    pub(super) fn resource(self, target: &Target) -> Resource {
        let arn = |owner: &str, kind: &str, id: &str| {
            format!("arn:{}:ec2:{}:{owner}:{kind}/{id}", target.partition, target.region)
        };
        match self {
            Self::Workload(workload) => workload.resource(),
            Self::Cluster(cluster) => {
                Resource { kind: "ecs:cluster", arn: cluster.arn.as_str().to_owned(), name: cluster.name.clone() }
            }
            Self::Vpc(vpc) => {
                let id = vpc.id.as_str();
                Resource { kind: "ec2:vpc", arn: arn(&vpc.owner_id, "vpc", id), name: id.to_owned() }
            }
            Self::Subnet(subnet) => {
                let id = subnet.id.as_str();
                Resource { kind: "ec2:subnet", arn: arn(&subnet.owner_id, "subnet", id), name: id.to_owned() }
            }
            // A zone has no ARN: its name is unique in its Region.
            Self::Zone(zone) => Resource { kind: "ec2:availability-zone", arn: zone.to_owned(), name: zone.to_owned() },
        }
    }

    /// The name of its cluster, if it is in one.
    pub(super) fn cluster(self) -> String {
        match self {
            Self::Workload(workload) => workload.cluster_name.clone(),
            Self::Cluster(cluster) => cluster.name.clone(),
            Self::Vpc(_) | Self::Subnet(_) | Self::Zone(_) => String::new(),
        }
    }

    /// Whether it is a service that wants no task at present.
    pub(super) fn desires_nothing(self) -> bool {
        matches!(self, Self::Workload(workload) if workload.desires_nothing())
    }
}

/// What a rule says of all of its subjects.
#[derive(Default)]
pub(super) struct Judged<'s> {
    /// So many are as they should be.
    pub(super) holds: usize,
    /// So many it does not concern.
    pub(super) not_applicable: usize,
    /// What it has to say of the others.
    pub(super) said: Vec<(Subject<'s>, Said)>,
}

/// What a rule has to say of a subject.
pub(super) enum Said {
    /// It fails.
    Fails(Box<Failing>),
    /// It can't be told.
    Unknown(Vec<Gap>),
}

impl<'s> Judged<'s> {
    fn add(&mut self, subject: Subject<'s>, outcome: Outcome) {
        match outcome {
            Outcome::NotApplicable => self.not_applicable += 1,
            Outcome::Holds => self.holds += 1,
            Outcome::Fails(failing) => self.said.push((subject, Said::Fails(failing))),
            Outcome::Unknown(gaps) => self.said.push((subject, Said::Unknown(gaps))),
        }
    }
}

/// What each of some rules says of a target; `None` for one that crashed.
pub(super) fn all<'s>(
    rules: &[&'static Rule],
    analyses: &mut Analyses<'s>,
    settings: &Settings,
) -> Vec<Option<Judged<'s>>> {
    let mut all: Vec<_> = rules.iter().map(|_| Some(Judged::default())).collect();
    let workloads: Vec<&'s Workload<'s>> = analyses.workloads_in_scope().collect();
    for some in workloads.chunks(AT_ONCE) {
        for (rule, judged) in rules.iter().zip(&mut all) {
            if let Check::Workload(check) = rule.check
                && rule.check.judges(settings)
            {
                ask(judged, |judged| {
                    some.iter().for_each(|workload| judged.add(Subject::Workload(workload), check(workload, analyses)));
                });
            }
        }
        // No rule about anything else asks for them.
        analyses.forget_egress(some);
    }
    for (rule, judged) in rules.iter().zip(&mut all).filter(|(rule, _)| rule.check.judges(settings)) {
        ask(judged, |judged| around_workloads(rule, analyses, settings, judged));
    }
    all
}

/// Lets a rule go on, unless it crashed or crashes now.
fn ask<'s>(judged: &mut Option<Judged<'s>>, go_on: impl FnOnce(&mut Judged<'s>)) {
    let Some(mut so_far) = judged.take() else { return };
    let more = AssertUnwindSafe(move || {
        go_on(&mut so_far);
        so_far
    });
    *judged = panic::catch_unwind(more).ok();
}

/// Asks a rule about everything that is no workload.
fn around_workloads<'s>(rule: &Rule, analyses: &Analyses<'s>, settings: &Settings, judged: &mut Judged<'s>) {
    let topology = analyses.topology;
    match rule.check {
        Check::Workload(_) => {}
        Check::Cluster(check) => {
            for cluster in topology.clusters().iter().filter(|c| glob::in_scope(&settings.clusters, &c.name)) {
                for outcome in check(cluster, analyses) {
                    judged.add(Subject::Cluster(cluster), outcome);
                }
            }
        }
        Check::Vpc(check) => {
            let subnets = analyses.workloads_in_scope().flat_map(Workload::task_subnets);
            let vpcs: BTreeSet<&VpcId> =
                subnets.filter_map(|id| topology.subnet(id).found().map(|subnet| &subnet.vpc_id)).collect();
            for vpc in vpcs.into_iter().filter_map(|id| topology.vpc(id).found()) {
                judged.add(Subject::Vpc(vpc), check(vpc, analyses));
            }
        }
        Check::Subnet(check) => {
            for subnet in analyses.addresses().subnets() {
                judged.add(Subject::Subnet(subnet), check(subnet, analyses));
            }
        }
        Check::Zone(check) => {
            let interfaces = topology.data().network_interfaces.items().iter();
            let zones: BTreeSet<&str> = interfaces.map(|interface| interface.availability_zone.as_str()).collect();
            for zone in zones {
                judged.add(Subject::Zone(zone), check(zone, analyses));
            }
        }
    }
}
