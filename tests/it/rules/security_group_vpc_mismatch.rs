//! Security groups of another VPC.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::vpc::SecurityGroupVpcAssociation;
use insta::assert_snapshot;

use crate::mocks::account::push;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "security-group-vpc-mismatch";

fn of_another_vpc() -> Pattern {
    let mut pattern = patterns::fargate_public_ip();
    let other = pattern.account.vpc("other", "10.9.0.0/16");
    pattern.account.edit_group(&pattern.group.clone(), |group| group.vpc_id = other);
    pattern
}

#[test]
fn no_interface_takes_a_group_of_another_vpc() {
    assert_snapshot!(shown(only(&audit_rule(&of_another_vpc().account, RULE))), @r##"
    high security-group-vpc-mismatch prod/web (ecs:service)
    No interface can be made for tasks of web: sg-00ee3097251c489aa belongs to vpc-0aff43e0f1f63124c, subnet-0238e36be509fd2ee to vpc-01f40ac3d5852ad3a; sg-00ee3097251c489aa belongs to vpc-0aff43e0f1f63124c, subnet-088beb2fa9c2a7119 to vpc-01f40ac3d5852ad3a
    blocker group/other-vpc - -> sg-00ee3097251c489aa: sg-00ee3097251c489aa belongs to vpc-0aff43e0f1f63124c, subnet-0238e36be509fd2ee to vpc-01f40ac3d5852ad3a
    blocker group/other-vpc - -> sg-00ee3097251c489aa: sg-00ee3097251c489aa belongs to vpc-0aff43e0f1f63124c, subnet-088beb2fa9c2a7119 to vpc-01f40ac3d5852ad3a
    fix Name security groups of the VPC that the subnets are in.
    "##);
}

#[test]
fn an_associated_group_is_not_documented_for_ecs() {
    let mut pattern = of_another_vpc();
    let (group_id, vpc_id) = (pattern.group.clone(), pattern.vpc.clone());
    let association = SecurityGroupVpcAssociation { group_id, vpc_id, state: "associated".to_owned() };
    push(&mut pattern.account.data.security_group_vpc_associations, association);
    assert_unknown(&audit_rule(&pattern.account, RULE), "is associated with");
}

#[test]
fn the_same_vpc_is_fine_and_unread_is_unknown() {
    assert_silent(&audit_rule(&patterns::fargate_public_ip().account, RULE));
    let mut pattern = of_another_vpc();
    pattern.account.deny(Dataset::SecurityGroupVpcAssociations, "ec2:DescribeSecurityGroupVpcAssociations");
    assert_unknown(&audit_rule(&pattern.account, RULE), "security-group-vpc-associations could not be read");
}
