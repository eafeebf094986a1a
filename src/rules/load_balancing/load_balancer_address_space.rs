//! An Application Load Balancer whose subnets leave it no room to grow.

use std::collections::BTreeMap;

use super::attachments;
use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Family;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::elb::LoadBalancer;
use crate::snapshot::enums::LoadBalancerType;
use crate::text;
use crate::topology::Lookup;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "load-balancer-address-space",
    group: Group::LoadBalancing,
    severity: Severity::Medium,
    summary: "an Application Load Balancer without room for more addresses",
    page: include_str!("load_balancer_address_space.md"),
    needs: &[Dataset::Clusters, Dataset::Services, Dataset::TargetGroups, Dataset::LoadBalancers, Dataset::Subnets],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html",
    ],
    check: Check::Workload(check),
};

/// "Subnets for your load balancer": at least a /27 and 8 free addresses in each.
const FREE_ADDRESSES: i32 = 8;
const PREFIX_LENGTH: u8 = 27;

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let found = attachments::of(workload, analyses);
    let mut gaps = found.gaps.clone();
    let balancers: BTreeMap<&str, &LoadBalancer> = found
        .all
        .iter()
        .flat_map(|attachment| &attachment.load_balancers)
        .filter(|balancer| balancer.kind == LoadBalancerType::Application)
        .map(|balancer| (balancer.arn.as_str(), *balancer))
        .collect();
    let mut wrong = Vec::new();
    for balancer in balancers.values() {
        for zone in &balancer.availability_zones {
            let subnet = match analyses.topology.subnet(&zone.subnet_id) {
                Lookup::Found(subnet) => subnet,
                Lookup::Absent => {
                    let reason = text!["subnet ", &zone.subnet_id, " is not visible"];
                    gaps.push(Gap::Undecidable { kind: "subnet-absent", reason });
                    continue;
                }
                Lookup::Unread(gap) => {
                    gaps.push(gap);
                    continue;
                }
            };
            let small = subnet.cidr_block.filter(|block| block.prefix_len() > PREFIX_LENGTH);
            let free = subnet.available_ip_address_count;
            let detail = match small {
                Some(block) => text![&subnet.id, " is a /", u16::from(block.prefix_len()), " only"],
                None if free < FREE_ADDRESSES => text![&subnet.id, " has ", free, " free addresses"],
                None => continue,
            };
            let id = subnet.id.as_str();
            wrong.push(attachments::wrong(Family::Address, "address-space", id, None, detail));
        }
    }
    let failing = (!wrong.is_empty()).then(|| {
        let names: Vec<String> = balancers.values().map(|balancer| balancer.name.clone()).collect();
        let mut lead = text!["Load balancer "];
        lead.append(text::Text::list(names, 3));
        lead.push(" cannot grow when traffic does: ");
        let text = text!["Put the load balancer into subnets of at least /27 with 8 free addresses each."];
        Failing {
            related: attachments::related(&found.all),
            blockers: wrong.clone(),
            ..Failing::new(&RULE, attachments::sentence(lead, &wrong), Remediation { text, commands: Vec::new() })
        }
    });
    attachments::outcome(!balancers.is_empty(), gaps, failing)
}
