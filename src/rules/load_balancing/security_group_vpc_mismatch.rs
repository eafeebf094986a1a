//! A security group of another VPC than the subnets.

use super::attachments;
use crate::analysis::Analyses;
use crate::finding::Related;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Family;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::text;
use crate::topology::Lookup;
use crate::topology::workload::Role;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "security-group-vpc-mismatch",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "a security group of another VPC than the subnets",
    page: include_str!("security_group_vpc_mismatch.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
        Dataset::Subnets,
        Dataset::SecurityGroups,
        Dataset::SecurityGroupVpcAssociations,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    let (mut wrong, mut gaps, mut concerned) = (Vec::new(), Vec::new(), false);
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        let Some(network) = variant.network.filter(|network| !network.security_groups.is_empty()) else { continue };
        concerned = true;
        for id in &network.security_groups {
            let group = match topology.security_group(id) {
                Lookup::Found(group) => group,
                Lookup::Absent => {
                    // A group shared by another account, or one that was deleted: neither can be told from here.
                    let reason = text!["security group ", id, " is not visible to this account"];
                    gaps.push(Gap::Undecidable { kind: "security-group-absent", reason });
                    continue;
                }
                Lookup::Unread(gap) => {
                    gaps.push(gap);
                    continue;
                }
            };
            for subnet in &network.subnets {
                let vpc = match topology.subnet(subnet) {
                    Lookup::Found(subnet) if subnet.vpc_id != group.vpc_id => &subnet.vpc_id,
                    Lookup::Found(_) | Lookup::Absent => continue,
                    Lookup::Unread(gap) => {
                        gaps.push(gap);
                        continue;
                    }
                };
                match topology.is_associated(id, vpc) {
                    Lookup::Found(false) | Lookup::Absent => {
                        let detail = text![id, " belongs to ", &group.vpc_id, ", ", subnet, " to ", vpc];
                        wrong.push(attachments::wrong(Family::Group, "other-vpc", id.as_str(), None, detail));
                    }
                    Lookup::Found(true) => {
                        let reason = text![
                            id,
                            " is associated with ",
                            vpc,
                            ": whether ECS takes associated groups is not documented"
                        ];
                        gaps.push(Gap::Undecidable { kind: "security-group-association", reason });
                    }
                    Lookup::Unread(gap) => gaps.push(gap),
                }
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    let failing = (!wrong.is_empty()).then(|| {
        let lead = text!["No interface can be made for tasks of ", &workload.short_name, ": "];
        let text = text!["Name security groups of the VPC that the subnets are in."];
        let related = wrong.iter().filter_map(|blocker| blocker.resource.clone()).map(|id| Related {
            kind: "ec2:security-group",
            id,
            role: "origin",
        });
        Failing {
            related: related.collect(),
            blockers: wrong.clone(),
            ..Failing::new(&RULE, attachments::sentence(lead, &wrong), Remediation { text, commands: Vec::new() })
        }
    });
    attachments::outcome(concerned, gaps, failing)
}
