//! What the rules of this group share: the load-balancer entries of a workload with their target groups and balancers.

use std::collections::BTreeSet;

use crate::analysis::Analyses;
use crate::finding::Related;
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::{Failing, Outcome};
use crate::snapshot::ecs::ServiceLoadBalancer;
use crate::snapshot::elb::{LoadBalancer, TargetGroup};
use crate::text;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::workload::{Role, Variant, Workload};

/// An entry with a target group that is there.
pub(super) struct Attachment<'a, 's> {
    pub(super) variant: &'a Variant<'s>,
    pub(super) entry: &'s ServiceLoadBalancer,
    pub(super) target_group: &'s TargetGroup,
    /// The group is the entry's alternate one.
    pub(super) is_alternate: bool,
    /// The balancers of the group that are visible.
    pub(super) load_balancers: Vec<&'s LoadBalancer>,
    /// What hides others.
    pub(super) hidden: Vec<Gap>,
}

/// All entries of a workload.
pub(super) struct Attachments<'a, 's> {
    pub(super) all: Vec<Attachment<'a, 's>>,
    /// What hides others.
    pub(super) gaps: Vec<Gap>,
    /// The workload has an entry.
    pub(super) concerned: bool,
}

/// The entries of what the workload runs or moves to.
pub(super) fn of<'a, 's>(workload: &'a Workload<'s>, analyses: &Analyses<'s>) -> Attachments<'a, 's> {
    let topology = analyses.topology;
    let mut found = Attachments { all: Vec::new(), gaps: Vec::new(), concerned: false };
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        for entry in variant.load_balancers {
            let own = entry.target_group_arn.iter().map(|arn| (arn, false));
            let alternate = entry.alternate_target_group_arn.iter().map(|arn| (arn, true));
            for (arn, is_alternate) in own.chain(alternate) {
                found.concerned = true;
                let target_group = match topology.target_group(arn) {
                    Lookup::Found(group) => group,
                    Lookup::Absent => {
                        let reason = text!["target group ", arn.as_str().to_owned(), " is not visible"];
                        found.gaps.push(Gap::Undecidable { kind: "no-target-group", reason });
                        continue;
                    }
                    Lookup::Unread(gap) => {
                        found.gaps.push(gap);
                        continue;
                    }
                };
                let (mut load_balancers, mut hidden) = (Vec::new(), Vec::new());
                for arn in &target_group.load_balancer_arns {
                    match topology.load_balancer(arn) {
                        Lookup::Found(balancer) => load_balancers.push(balancer),
                        Lookup::Absent => {
                            let reason = text!["load balancer ", arn.as_str().to_owned(), " is not visible"];
                            hidden.push(Gap::Undecidable { kind: "no-load-balancer", reason });
                        }
                        Lookup::Unread(gap) => hidden.push(gap),
                    }
                }
                found.gaps.extend(hidden.iter().cloned());
                found.all.push(Attachment { variant, entry, target_group, is_alternate, load_balancers, hidden });
            }
        }
    }
    found
}

/// The verdict of a rule: a failure if there is one, else what is open.
pub(super) fn outcome(concerned: bool, mut gaps: Vec<Gap>, failing: Option<Failing>) -> Outcome {
    gaps.sort();
    gaps.dedup();
    match (failing, gaps.is_empty()) {
        (Some(failing), _) => Outcome::Fails(Box::new(Failing { gaps, ..failing })),
        (None, false) => Outcome::Unknown(gaps),
        (None, true) if concerned => Outcome::Holds,
        (None, true) => Outcome::NotApplicable,
    }
}

/// One thing that is wrong.
pub(super) fn wrong(family: Family, kind: &'static str, resource: &str, port: Option<u16>, detail: Text) -> Blocker {
    Blocker {
        family,
        kind,
        need: None,
        origin: None,
        port,
        protocol: None,
        resource: Some(resource.to_owned()),
        detail,
    }
}

/// Details of blockers in a row.
pub(super) fn sentence(lead: Text, blockers: &[Blocker]) -> Text {
    let mut text = lead;
    for (index, blocker) in blockers.iter().take(3).enumerate() {
        if index > 0 {
            text.push("; ");
        }
        text.append(blocker.detail.clone());
    }
    if blockers.len() > 3 {
        text.append(text!["; and ", blockers.len() - 3, " more"]);
    }
    text
}

/// Target groups and load balancers as related resources.
pub(super) fn related<'a>(groups: impl IntoIterator<Item = &'a Attachment<'a, 'a>>) -> Vec<Related> {
    let mut ids: BTreeSet<(&'static str, &str, &'static str)> = BTreeSet::new();
    for attachment in groups {
        ids.insert(("elasticloadbalancing:targetgroup", attachment.target_group.arn.as_str(), "target-group"));
        for balancer in &attachment.load_balancers {
            ids.insert(("elasticloadbalancing:loadbalancer", balancer.arn.as_str(), "load-balancer"));
        }
    }
    ids.into_iter().map(|(kind, id, role)| Related { kind, id: id.to_owned(), role }).collect()
}
