//! Elastic Load Balancing as it answers about load balancers, listeners, attributes and health.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::operation::describe_listeners::DescribeListenersOutput;
use aws_sdk_elasticloadbalancingv2::operation::describe_load_balancer_attributes::DescribeLoadBalancerAttributesOutput;
use aws_sdk_elasticloadbalancingv2::operation::describe_load_balancers::DescribeLoadBalancersOutput;
use aws_sdk_elasticloadbalancingv2::operation::describe_rules::DescribeRulesOutput;
use aws_sdk_elasticloadbalancingv2::operation::describe_target_group_attributes::DescribeTargetGroupAttributesOutput;
use aws_sdk_elasticloadbalancingv2::operation::describe_target_health::DescribeTargetHealthOutput;
use aws_sdk_elasticloadbalancingv2::types as sdk;
use ecs_network_audit::snapshot::elb as own;

use super::{Mock, answer};

pub(super) fn rules(mock: &mut Mock) {
    answer!(mock, "elasticloadbalancing:DescribeLoadBalancers", Client::describe_load_balancers, |world, input| {
        let items: Vec<_> = world.target.data.load_balancers.items().iter().map(load_balancer).collect();
        let (page, next) = world.page(&items, input.marker());
        DescribeLoadBalancersOutput::builder().set_load_balancers(Some(page)).set_next_marker(next).build()
    });
    answer!(mock, "elasticloadbalancing:DescribeListeners", Client::describe_listeners, |world, input| {
        let all = world.target.data.listeners.items().iter();
        let own = all.filter(|listener| Some(listener.load_balancer_arn.as_str()) == input.load_balancer_arn());
        let items: Vec<_> = own.map(listener).collect();
        let (page, next) = world.page(&items, input.marker());
        DescribeListenersOutput::builder().set_listeners(Some(page)).set_next_marker(next).build()
    });
    answer!(mock, "elasticloadbalancing:DescribeRules", Client::describe_rules, |world, input| {
        let all = world.target.data.listener_rules.items().iter();
        let own = all.filter(|rule| Some(rule.listener_arn.as_str()) == input.listener_arn());
        let items: Vec<_> = own.map(rule).collect();
        let (page, next) = world.page(&items, input.marker());
        DescribeRulesOutput::builder().set_rules(Some(page)).set_next_marker(next).build()
    });
    answer!(
        mock,
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        Client::describe_load_balancer_attributes,
        |world, input| {
            let all = world.target.data.load_balancer_attributes.items();
            let own = all.iter().find(|a| Some(a.load_balancer_arn.as_str()) == input.load_balancer_arn());
            let attribute =
                |(key, value): (&String, &String)| sdk::LoadBalancerAttribute::builder().key(key).value(value).build();
            let attributes = own.map(|own| own.attributes.iter().map(attribute).collect());
            DescribeLoadBalancerAttributesOutput::builder().set_attributes(attributes).build()
        }
    );
    answer!(
        mock,
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        Client::describe_target_group_attributes,
        |world, input| {
            let all = world.target.data.target_group_attributes.items();
            let none = BTreeMap::new();
            let own = all.iter().find(|a| Some(a.target_group_arn.as_str()) == input.target_group_arn());
            let attributes = own.map_or(&none, |own| &own.attributes).iter();
            let attributes =
                attributes.map(|(key, value)| sdk::TargetGroupAttribute::builder().key(key).value(value).build());
            DescribeTargetGroupAttributesOutput::builder().set_attributes(Some(attributes.collect())).build()
        }
    );
    answer!(mock, "elasticloadbalancing:DescribeTargetHealth", Client::describe_target_health, |world, input| {
        let all = world.target.data.target_health.items().iter();
        let own = all.filter(|health| Some(health.target_group_arn.as_str()) == input.target_group_arn());
        DescribeTargetHealthOutput::builder().set_target_health_descriptions(Some(own.map(health).collect())).build()
    });
}

fn load_balancer(balancer: &own::LoadBalancer) -> sdk::LoadBalancer {
    let zones = balancer.availability_zones.iter().map(|zone| {
        let addresses = zone
            .private_ipv4_addresses
            .iter()
            .map(|address| sdk::LoadBalancerAddress::builder().private_ipv4_address(address).build());
        sdk::AvailabilityZone::builder()
            .zone_name(&zone.zone_name)
            .subnet_id(zone.subnet_id.as_str())
            .set_load_balancer_addresses(Some(addresses.collect()))
            .build()
    });
    sdk::LoadBalancer::builder()
        .load_balancer_arn(balancer.arn.as_str())
        .load_balancer_name(&balancer.name)
        .r#type(balancer.kind.as_str().into())
        .scheme(balancer.scheme.as_str().into())
        .set_vpc_id(balancer.vpc_id.as_ref().map(|id| id.as_str().to_owned()))
        .state(sdk::LoadBalancerState::builder().code(balancer.state.as_str().into()).build())
        .ip_address_type(balancer.ip_address_type.as_str().into())
        .set_security_groups(Some(balancer.security_groups.iter().map(|id| id.as_str().to_owned()).collect()))
        .set_availability_zones(Some(zones.collect()))
        .set_enforce_security_group_inbound_rules_on_private_link_traffic(
            balancer.enforce_security_group_inbound_rules_on_private_link_traffic.clone(),
        )
        .build()
}

fn action(action: &own::Action) -> sdk::Action {
    let tuple = |(arn, weight): &(ecs_network_audit::snapshot::ids::Arn, i32)| {
        sdk::TargetGroupTuple::builder().target_group_arn(arn.as_str()).weight(*weight).build()
    };
    let forward = sdk::ForwardActionConfig::builder()
        .set_target_groups(Some(action.target_groups.iter().map(tuple).collect()))
        .build();
    sdk::Action::builder().r#type(action.kind.as_str().into()).forward_config(forward).build()
}

fn listener(listener: &own::Listener) -> sdk::Listener {
    sdk::Listener::builder()
        .listener_arn(listener.arn.as_str())
        .load_balancer_arn(listener.load_balancer_arn.as_str())
        .set_port(listener.port.map(i32::from))
        .set_protocol(listener.protocol.as_deref().map(sdk::ProtocolEnum::from))
        .set_default_actions(Some(listener.default_actions.iter().map(action).collect()))
        .build()
}

fn rule(rule: &own::ListenerRule) -> sdk::Rule {
    sdk::Rule::builder()
        .rule_arn(rule.arn.as_str())
        .priority(&rule.priority)
        .is_default(rule.is_default)
        .set_actions(Some(rule.actions.iter().map(action).collect()))
        .build()
}

fn health(health: &own::TargetHealth) -> sdk::TargetHealthDescription {
    let target = sdk::TargetDescription::builder()
        .id(health.target_id.as_str())
        .set_port(health.port.map(i32::from))
        .set_availability_zone(health.availability_zone.as_deref().map(str::to_owned));
    let state = sdk::TargetHealth::builder()
        .state(health.state.as_str().into())
        .set_reason(health.reason.as_deref().map(sdk::TargetHealthReasonEnum::from))
        .set_description(health.description.as_deref().map(str::to_owned));
    sdk::TargetHealthDescription::builder().target(target.build()).target_health(state.build()).build()
}
