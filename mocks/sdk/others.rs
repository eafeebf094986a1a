//! STS, Elastic Load Balancing, Auto Scaling and Route 53 as they answer.

use aws_sdk_autoscaling::operation::describe_auto_scaling_groups::DescribeAutoScalingGroupsOutput;
use aws_sdk_elasticloadbalancingv2::operation::describe_target_groups::DescribeTargetGroupsOutput;
use aws_sdk_elasticloadbalancingv2::types as elb;
use aws_sdk_route53::operation::list_hosted_zones_by_vpc::ListHostedZonesByVpcOutput;
use aws_sdk_route53profiles::operation::list_profile_associations::ListProfileAssociationsOutput;
use aws_sdk_route53resolver::operation::list_resolver_rule_associations::ListResolverRuleAssociationsOutput;
use aws_sdk_route53resolver::operation::list_resolver_rules::ListResolverRulesOutput;
use aws_sdk_route53resolver::types as resolver;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use ecs_network_audit::snapshot::elb as own;
use ecs_network_audit::snapshot::vpc::HostedZone;

use super::{Mock, answer};

pub(super) fn rules(mock: &mut Mock) {
    answer!(mock, "sts:GetCallerIdentity", aws_sdk_sts::Client::get_caller_identity, |world, _input| {
        GetCallerIdentityOutput::builder().account(&world.target.account).arn(&world.target.caller_arn).build()
    });
    answer!(
        mock,
        "elasticloadbalancing:DescribeTargetGroups",
        aws_sdk_elasticloadbalancingv2::Client::describe_target_groups,
        |world, input| {
            assert_eq!(input.page_size(), Some(400), "full pages");
            let groups: Vec<_> = world.target.data.target_groups.items().iter().map(target_group).collect();
            let (page, next) = world.page(&groups, input.marker());
            DescribeTargetGroupsOutput::builder().set_target_groups(Some(page)).set_next_marker(next).build()
        }
    );
    answer!(
        mock,
        "autoscaling:DescribeAutoScalingGroups",
        aws_sdk_autoscaling::Client::describe_auto_scaling_groups,
        |world, input| {
            assert!(input.auto_scaling_group_names().len() <= 50, "at most 50 names a call");
            let all = world.target.data.auto_scaling_groups.items().iter();
            let groups: Vec<_> =
                all.filter(|g| input.auto_scaling_group_names().contains(&g.name)).map(group).collect();
            let (page, next) = world.page(&groups, input.next_token());
            DescribeAutoScalingGroupsOutput::builder().set_auto_scaling_groups(Some(page)).set_next_token(next).build()
        }
    );
    answer!(mock, "route53:ListHostedZonesByVPC", aws_sdk_route53::Client::list_hosted_zones_by_vpc, |world, input| {
        let all = world.target.data.hosted_zones.items();
        let answer = all.iter().find(|answer| Some(answer.vpc_id.as_str()) == input.vpc_id()).unwrap();
        let zones: Vec<_> = answer.zones.iter().map(hosted_zone).collect();
        let (page, next) = world.page(&zones, input.next_token());
        ListHostedZonesByVpcOutput::builder()
            .set_hosted_zone_summaries(Some(page))
            .max_items(100)
            .set_next_token(next)
            .build()
            .unwrap()
    });
    answer!(
        mock,
        "route53resolver:ListResolverRuleAssociations",
        aws_sdk_route53resolver::Client::list_resolver_rule_associations,
        |world, input| {
            let associations: Vec<_> = world
                .target
                .data
                .resolver_rules
                .items()
                .iter()
                .map(|rule| {
                    resolver::ResolverRuleAssociation::builder()
                        .resolver_rule_id(&rule.id)
                        .vpc_id(rule.vpc_id.as_str())
                        .build()
                })
                .collect();
            let (page, next) = world.page(&associations, input.next_token());
            ListResolverRuleAssociationsOutput::builder()
                .set_resolver_rule_associations(Some(page))
                .set_next_token(next)
                .build()
        }
    );
    answer!(
        mock,
        "route53resolver:ListResolverRules",
        aws_sdk_route53resolver::Client::list_resolver_rules,
        |world, input| {
            let visible = world.target.data.resolver_rules.items().iter().filter(|rule| rule.rule_type.is_some());
            let rules: Vec<_> = visible
                .map(|rule| {
                    resolver::ResolverRule::builder()
                        .id(&rule.id)
                        .set_domain_name(rule.domain_name.as_ref().map(|name| format!("{name}.")))
                        .set_rule_type(rule.rule_type.as_deref().map(resolver::RuleTypeOption::from))
                        .build()
                })
                .collect();
            let (page, next) = world.page(&rules, input.next_token());
            ListResolverRulesOutput::builder().set_resolver_rules(Some(page)).set_next_token(next).build()
        }
    );
    answer!(
        mock,
        "route53profiles:ListProfileAssociations",
        aws_sdk_route53profiles::Client::list_profile_associations,
        |world, input| {
            let associations: Vec<_> = world
                .target
                .data
                .profile_associations
                .items()
                .iter()
                .map(|association| {
                    aws_sdk_route53profiles::types::ProfileAssociation::builder()
                        .resource_id(association.vpc_id.as_str())
                        .profile_id(&association.profile_id)
                        .set_name(association.name.clone())
                        .build()
                })
                .collect();
            let (page, next) = world.page(&associations, input.next_token());
            ListProfileAssociationsOutput::builder().set_profile_associations(Some(page)).set_next_token(next).build()
        }
    );
}

fn target_group(group: &own::TargetGroup) -> elb::TargetGroup {
    let check = &group.health_check;
    elb::TargetGroup::builder()
        .target_group_arn(group.arn.as_str())
        .target_group_name(&group.name)
        .target_type(elb::TargetTypeEnum::from(group.target_type.as_str()))
        .set_protocol(group.protocol.as_deref().map(elb::ProtocolEnum::from))
        .set_port(group.port.map(i32::from))
        .set_vpc_id(group.vpc_id.as_ref().map(|id| id.as_str().to_owned()))
        .set_ip_address_type(group.ip_address_type.as_deref().map(elb::TargetGroupIpAddressTypeEnum::from))
        .health_check_enabled(check.enabled)
        .set_health_check_protocol(check.protocol.as_deref().map(elb::ProtocolEnum::from))
        .set_health_check_port(check.port.clone())
        .set_health_check_path(check.path.clone())
        .set_matcher(check.matcher.as_ref().map(|codes| elb::Matcher::builder().http_code(codes).build()))
        .set_health_check_interval_seconds(check.interval_seconds)
        .set_health_check_timeout_seconds(check.timeout_seconds)
        .set_healthy_threshold_count(check.healthy_threshold_count)
        .set_unhealthy_threshold_count(check.unhealthy_threshold_count)
        .set_load_balancer_arns(Some(group.load_balancer_arns.iter().map(|arn| arn.as_str().to_owned()).collect()))
        .build()
}

fn group(group: &own::AutoScalingGroup) -> aws_sdk_autoscaling::types::AutoScalingGroup {
    let subnets: Vec<&str> = group.subnets.iter().map(|subnet| subnet.as_str()).collect();
    aws_sdk_autoscaling::types::AutoScalingGroup::builder()
        .set_availability_zones(Some(group.availability_zones.clone()))
        .auto_scaling_group_arn(group.arn.as_str())
        .auto_scaling_group_name(&group.name)
        .min_size(group.min_size)
        .max_size(group.max_size)
        .desired_capacity(group.desired_capacity)
        .vpc_zone_identifier(subnets.join(","))
        .build()
}

fn hosted_zone(zone: &HostedZone) -> aws_sdk_route53::types::HostedZoneSummary {
    let owner = aws_sdk_route53::types::HostedZoneOwner::builder().set_owning_account(zone.owning_account.clone());
    let builder = aws_sdk_route53::types::HostedZoneSummary::builder().hosted_zone_id(&zone.id).owner(owner.build());
    // Route 53 closes names with a dot.
    builder.name(format!("{}.", zone.name)).build().unwrap()
}
