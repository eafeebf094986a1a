//! Elastic Load Balancing: target groups and load balancers of the Region, and the rest for those that services use.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types as sdk;

use super::convert::{Tight, id, ids, maybe_id, maybe_word, port, text, word};
use super::ecs::sorted;
use super::plan::{Reader, each, gather, whole};
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::elb::{
    Action, Listener, ListenerRule, LoadBalancer, LoadBalancerAttributes, LoadBalancerZone, TargetGroup,
    TargetGroupAttributes, TargetGroupHealthCheck, TargetHealth,
};
use crate::snapshot::enums::{LoadBalancerType, TargetType};
use crate::snapshot::ids::Arn;

const PAGE: i32 = 400;

/// Load balancers and target groups of the Region, and what has to be asked one by one for those that services use.
pub(super) async fn read(reader: &Reader) {
    tokio::join!(
        reader.read(Dataset::LoadBalancers, |data| &mut data.load_balancers, load_balancers(reader)),
        reader.read(Dataset::TargetGroups, |data| &mut data.target_groups, target_groups(reader)),
        reader.derive(
            Dataset::TargetHealth,
            |data| &mut data.target_health,
            groups_in_use,
            |groups| health(reader, groups)
        ),
        reader.derive(
            Dataset::TargetGroupAttributes,
            |data| &mut data.target_group_attributes,
            groups_in_use,
            |groups| attributes(reader, groups)
        ),
        reader.derive(
            Dataset::LoadBalancerAttributes,
            |data| &mut data.load_balancer_attributes,
            network_load_balancers_in_use,
            |balancers| balancer_attributes(reader, balancers)
        ),
        reader.derive(
            Dataset::Listeners,
            |data| &mut data.listeners,
            |data| load_balancers_in_use(data).into_iter().collect(),
            |balancers| listeners(reader, balancers)
        ),
        reader.derive(
            Dataset::ListenerRules,
            |data| &mut data.listener_rules,
            listeners_with_rules,
            |listeners| rules(reader, listeners)
        ),
    );
}

/// Target groups that a service names and that exist.
fn groups_in_use(data: &TargetData) -> Vec<Arn> {
    let services = data.services.items().iter();
    let entries =
        services.flat_map(|s| s.load_balancers.iter().chain(s.task_sets.iter().flat_map(|t| &t.load_balancers)));
    let named = entries.flat_map(|entry| entry.target_group_arn.iter().chain(&entry.alternate_target_group_arn));
    let named: BTreeSet<&Arn> = named.collect();
    let groups = data.target_groups.items().iter().map(|group| &group.arn);
    groups.filter(|arn| named.contains(arn)).cloned().collect()
}

fn load_balancers_in_use(data: &TargetData) -> BTreeSet<Arn> {
    let groups: BTreeSet<Arn> = groups_in_use(data).into_iter().collect();
    let used = data.target_groups.items().iter().filter(|group| groups.contains(&group.arn));
    used.flat_map(|group| group.load_balancer_arns.clone()).collect()
}

/// The others balance across zones unless a target group says otherwise.
fn network_load_balancers_in_use(data: &TargetData) -> Vec<Arn> {
    let used = load_balancers_in_use(data);
    let network = data.load_balancers.items().iter().filter(|b| b.kind == LoadBalancerType::Network);
    network.map(|balancer| balancer.arn.clone()).filter(|arn| used.contains(arn)).collect()
}

/// Only Application Load Balancers have rules beside the default action.
fn listeners_with_rules(data: &TargetData) -> Vec<Arn> {
    let balancers = data.load_balancers.items().iter();
    let applications = balancers.filter(|balancer| balancer.kind == LoadBalancerType::Application);
    let applications: BTreeSet<&Arn> = applications.map(|balancer| &balancer.arn).collect();
    let listeners = data.listeners.items().iter();
    let with_rules = listeners.filter(|listener| applications.contains(&listener.load_balancer_arn));
    with_rules.map(|listener| listener.arn.clone()).collect()
}

async fn load_balancers(reader: &Reader) -> Fetched<LoadBalancer> {
    let client = &reader.clients.elbv2;
    let request = |token| client.describe_load_balancers().page_size(PAGE).set_marker(token).send();
    let take =
        |page: aws_sdk_elasticloadbalancingv2::operation::describe_load_balancers::DescribeLoadBalancersOutput| {
            let balancers = page.load_balancers.unwrap_or_default().into_iter().map(load_balancer);
            (balancers.collect::<Vec<_>>(), page.next_marker)
        };
    let api = "elasticloadbalancing:DescribeLoadBalancers";
    whole(reader.caller.pages(api, &[], request, take).await, |a, b| a.arn.cmp(&b.arn))
}

async fn target_groups(reader: &Reader) -> Fetched<TargetGroup> {
    let client = &reader.clients.elbv2;
    let request = |token| client.describe_target_groups().page_size(PAGE).set_marker(token).send();
    let take = |page: aws_sdk_elasticloadbalancingv2::operation::describe_target_groups::DescribeTargetGroupsOutput| {
        let groups = page.target_groups.unwrap_or_default().into_iter().map(target_group);
        (groups.collect::<Vec<_>>(), page.next_marker)
    };
    let api = "elasticloadbalancing:DescribeTargetGroups";
    whole(reader.caller.pages(api, &[], request, take).await, |a, b| a.arn.cmp(&b.arn))
}

async fn listeners(reader: &Reader, balancers: Vec<Arn>) -> Fetched<Listener> {
    let parts = each(balancers, |arn| listeners_of(reader.clone(), arn)).await;
    sorted(gather(parts), |a, b| a.arn.cmp(&b.arn))
}

async fn rules(reader: &Reader, listeners: Vec<Arn>) -> Fetched<ListenerRule> {
    let parts = each(listeners, |arn| rules_of(reader.clone(), arn)).await;
    sorted(gather(parts), |a, b| a.arn.cmp(&b.arn))
}

async fn listeners_of(reader: Reader, balancer: Arn) -> (Vec<Listener>, Option<Failure>) {
    let client = &reader.clients.elbv2;
    let request = |token| {
        let describe = client.describe_listeners().load_balancer_arn(balancer.as_str());
        describe.page_size(PAGE).set_marker(token).send()
    };
    let take = |page: aws_sdk_elasticloadbalancingv2::operation::describe_listeners::DescribeListenersOutput| {
        (page.listeners.unwrap_or_default().into_iter().map(listener).tight(), page.next_marker)
    };
    reader.caller.pages("elasticloadbalancing:DescribeListeners", &[balancer.as_str()], request, take).await
}

async fn rules_of(reader: Reader, listener: Arn) -> (Vec<ListenerRule>, Option<Failure>) {
    let client = &reader.clients.elbv2;
    let request =
        |token| client.describe_rules().listener_arn(listener.as_str()).page_size(PAGE).set_marker(token).send();
    let take = |page: aws_sdk_elasticloadbalancingv2::operation::describe_rules::DescribeRulesOutput| {
        let rules = page.rules.unwrap_or_default().into_iter().map(|rule| listener_rule(rule, &listener));
        (rules.tight(), page.next_marker)
    };
    reader.caller.pages("elasticloadbalancing:DescribeRules", &[listener.as_str()], request, take).await
}

async fn balancer_attributes(reader: &Reader, balancers: Vec<Arn>) -> Fetched<LoadBalancerAttributes> {
    let parts = each(balancers, |arn| attributes_of_balancer(reader.clone(), arn)).await;
    sorted(gather(parts), |a, b| a.load_balancer_arn.cmp(&b.load_balancer_arn))
}

async fn attributes_of_balancer(reader: Reader, balancer: Arn) -> (Vec<LoadBalancerAttributes>, Option<Failure>) {
    let request = reader.clients.elbv2.describe_load_balancer_attributes().load_balancer_arn(balancer.as_str());
    let api = "elasticloadbalancing:DescribeLoadBalancerAttributes";
    match reader.caller.send(api, &[balancer.as_str()], || request.clone().send()).await {
        Ok(answer) => {
            let attributes = answer.attributes.unwrap_or_default().into_iter();
            let attributes = attributes.filter_map(|attribute| Some((attribute.key?, attribute.value?))).collect();
            (vec![LoadBalancerAttributes { load_balancer_arn: balancer, attributes }], None)
        }
        Err(failure) => (Vec::new(), Some(failure)),
    }
}

async fn attributes(reader: &Reader, groups: Vec<Arn>) -> Fetched<TargetGroupAttributes> {
    let parts = each(groups, |arn| attributes_of(reader.clone(), arn)).await;
    sorted(gather(parts), |a, b| a.target_group_arn.cmp(&b.target_group_arn))
}

async fn attributes_of(reader: Reader, group: Arn) -> (Vec<TargetGroupAttributes>, Option<Failure>) {
    let request = reader.clients.elbv2.describe_target_group_attributes().target_group_arn(group.as_str());
    let api = "elasticloadbalancing:DescribeTargetGroupAttributes";
    match reader.caller.send(api, &[group.as_str()], || request.clone().send()).await {
        Ok(answer) => {
            let attributes = answer.attributes.unwrap_or_default().into_iter();
            let attributes = attributes.filter_map(|attribute| Some((attribute.key?, attribute.value?))).collect();
            (vec![TargetGroupAttributes { target_group_arn: group, attributes }], None)
        }
        Err(failure) => (Vec::new(), Some(failure)),
    }
}

async fn health(reader: &Reader, groups: Vec<Arn>) -> Fetched<TargetHealth> {
    let parts = each(groups, |arn| health_of(reader.clone(), arn)).await;
    sorted(gather(parts), |a, b| {
        (&a.target_group_arn, &a.target_id, a.port).cmp(&(&b.target_group_arn, &b.target_id, b.port))
    })
}

async fn health_of(reader: Reader, group: Arn) -> (Vec<TargetHealth>, Option<Failure>) {
    let request = reader.clients.elbv2.describe_target_health().target_group_arn(group.as_str());
    match reader
        .caller
        .send("elasticloadbalancing:DescribeTargetHealth", &[group.as_str()], || request.clone().send())
        .await
    {
        Ok(answer) => {
            let targets = answer.target_health_descriptions.unwrap_or_default().into_iter();
            (targets.map(|target| target_health(target, &group)).tight(), None)
        }
        Err(failure) => (Vec::new(), Some(failure)),
    }
}

fn load_balancer(balancer: sdk::LoadBalancer) -> LoadBalancer {
    let zone = |zone: sdk::AvailabilityZone| {
        let addresses = zone.load_balancer_addresses.unwrap_or_default().into_iter();
        LoadBalancerZone {
            zone_name: text(zone.zone_name),
            subnet_id: id(zone.subnet_id),
            private_ipv4_addresses: addresses.filter_map(|address| address.private_ipv4_address).tight(),
        }
    };
    let mut zones: Vec<LoadBalancerZone> =
        balancer.availability_zones.unwrap_or_default().into_iter().map(zone).tight();
    zones.sort();
    LoadBalancer {
        arn: id(balancer.load_balancer_arn),
        name: text(balancer.load_balancer_name),
        kind: LoadBalancerType::from(balancer.r#type.as_ref().map_or("", |kind| kind.as_str())),
        scheme: text(balancer.scheme.map(|scheme| scheme.as_str().to_owned())),
        vpc_id: maybe_id(balancer.vpc_id),
        state: text(balancer.state.and_then(|state| state.code).map(|code| code.as_str().to_owned())),
        ip_address_type: text(balancer.ip_address_type.map(|kind| kind.as_str().to_owned())),
        security_groups: ids(balancer.security_groups),
        availability_zones: zones,
        enforce_security_group_inbound_rules_on_private_link_traffic: balancer
            .enforce_security_group_inbound_rules_on_private_link_traffic,
    }
}

fn target_group(group: sdk::TargetGroup) -> TargetGroup {
    TargetGroup {
        arn: id(group.target_group_arn),
        name: text(group.target_group_name),
        target_type: TargetType::from(group.target_type.as_ref().map_or("", |kind| kind.as_str())),
        protocol: group.protocol.map(|protocol| protocol.as_str().to_owned()),
        port: port(group.port),
        vpc_id: maybe_id(group.vpc_id),
        ip_address_type: group.ip_address_type.map(|kind| kind.as_str().to_owned()),
        load_balancer_arns: ids(group.load_balancer_arns),
        health_check: TargetGroupHealthCheck {
            enabled: group.health_check_enabled.unwrap_or(true),
            protocol: group.health_check_protocol.map(|protocol| protocol.as_str().to_owned()),
            port: group.health_check_port,
            path: group.health_check_path,
            matcher: group.matcher.and_then(|matcher| matcher.http_code.or(matcher.grpc_code)),
            interval_seconds: group.health_check_interval_seconds,
            timeout_seconds: group.health_check_timeout_seconds,
            healthy_threshold_count: group.healthy_threshold_count,
            unhealthy_threshold_count: group.unhealthy_threshold_count,
        },
    }
}

fn listener(listener: sdk::Listener) -> Listener {
    Listener {
        arn: id(listener.listener_arn),
        load_balancer_arn: id(listener.load_balancer_arn),
        port: port(listener.port),
        protocol: listener.protocol.map(|protocol| protocol.as_str().to_owned()),
        default_actions: actions(listener.default_actions),
    }
}

fn listener_rule(rule: sdk::Rule, listener: &Arn) -> ListenerRule {
    ListenerRule {
        arn: id(rule.rule_arn),
        listener_arn: listener.clone(),
        priority: text(rule.priority),
        is_default: rule.is_default.unwrap_or(false),
        actions: actions(rule.actions),
    }
}

fn actions(actions: Option<Vec<sdk::Action>>) -> Vec<Action> {
    let action = |action: sdk::Action| {
        let forward = action.forward_config.and_then(|forward| forward.target_groups).unwrap_or_default();
        let weighted =
            forward.into_iter().filter_map(|g| Some((Arn::from(g.target_group_arn?), g.weight.unwrap_or(1))));
        let mut target_groups: Vec<(Arn, i32)> = weighted.tight();
        if target_groups.is_empty() {
            target_groups.extend(action.target_group_arn.map(|arn| (Arn::from(arn), 1)));
        }
        target_groups.sort();
        let kind = action.r#type.map(|kind| kind.as_str().to_owned());
        Action { kind: text(kind), target_groups }
    };
    actions.unwrap_or_default().into_iter().map(action).tight()
}

fn target_health(description: sdk::TargetHealthDescription, group: &Arn) -> TargetHealth {
    let (target, health) = (description.target, description.target_health);
    TargetHealth {
        target_group_arn: group.clone(),
        target_id: word(target.as_ref().and_then(|target| target.id.as_ref())),
        port: port(target.as_ref().and_then(|target| target.port)),
        availability_zone: maybe_word(target.and_then(|target| target.availability_zone)),
        state: word(health.as_ref().and_then(|health| health.state.as_ref()).map(|state| state.as_str())),
        reason: maybe_word(health.as_ref().and_then(|health| health.reason.as_ref()).map(|reason| reason.as_str())),
        description: maybe_word(health.and_then(|health| health.description)),
    }
}
