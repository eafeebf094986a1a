//! Elastic Load Balancing: target groups and load balancers of the Region, and the rest for those that services use.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::types as sdk;

use super::convert::{id, ids, maybe_id, port, text};
use super::ecs::sorted;
use super::plan::{Reader, after, dependency, each, gather, passed_on, whole};
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::elb::{
    Action, Listener, ListenerRule, LoadBalancer, LoadBalancerAttributes, LoadBalancerZone, TargetGroup,
    TargetGroupAttributes, TargetGroupHealthCheck, TargetHealth,
};
use crate::snapshot::enums::{LoadBalancerType, TargetType};
use crate::snapshot::ids::Arn;

const PAGE: i32 = 400;

/// What is read for the Region as a whole.
pub(super) struct LoadBalancing {
    load_balancers: Fetched<LoadBalancer>,
    target_groups: Fetched<TargetGroup>,
}

impl LoadBalancing {
    pub(super) fn store(self, data: &mut TargetData) {
        data.load_balancers = self.load_balancers;
        data.target_groups = self.target_groups;
    }
}

/// What is read one by one for the target groups of services.
pub(super) struct OfServices {
    listeners: Fetched<Listener>,
    listener_rules: Fetched<ListenerRule>,
    load_balancer_attributes: Fetched<LoadBalancerAttributes>,
    target_group_attributes: Fetched<TargetGroupAttributes>,
    target_health: Fetched<TargetHealth>,
}

impl OfServices {
    pub(super) fn store(self, data: &mut TargetData) {
        data.listeners = self.listeners;
        data.listener_rules = self.listener_rules;
        data.load_balancer_attributes = self.load_balancer_attributes;
        data.target_group_attributes = self.target_group_attributes;
        data.target_health = self.target_health;
    }
}

pub(super) async fn read(reader: &Reader) -> LoadBalancing {
    let (load_balancers, target_groups) = tokio::join!(
        reader.read(Dataset::LoadBalancers, load_balancers(reader)),
        reader.read(Dataset::TargetGroups, target_groups(reader)),
    );
    LoadBalancing { load_balancers, target_groups }
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
    whole(reader.caller.pages(api, &[], request, take).await, |balancer| balancer.arn.clone())
}

async fn target_groups(reader: &Reader) -> Fetched<TargetGroup> {
    let client = &reader.clients.elbv2;
    let request = |token| client.describe_target_groups().page_size(PAGE).set_marker(token).send();
    let take = |page: aws_sdk_elasticloadbalancingv2::operation::describe_target_groups::DescribeTargetGroupsOutput| {
        let groups = page.target_groups.unwrap_or_default().into_iter().map(target_group);
        (groups.collect::<Vec<_>>(), page.next_marker)
    };
    let api = "elasticloadbalancing:DescribeTargetGroups";
    whole(reader.caller.pages(api, &[], request, take).await, |group| group.arn.clone())
}

pub(super) async fn of_services(reader: &Reader, data: &TargetData) -> OfServices {
    let groups = groups_in_use(data);
    let known: BTreeMap<&Arn, &TargetGroup> = data.target_groups.items().iter().map(|g| (&g.arn, g)).collect();
    let balancers: BTreeSet<Arn> =
        groups.iter().filter_map(|arn| known.get(arn)).flat_map(|group| group.load_balancer_arns.clone()).collect();
    let source = |dataset| dependency(data, dataset);
    let existing: Vec<Arn> = groups.into_iter().filter(|arn| known.contains_key(arn)).collect();
    // Only of Network Load Balancers: the others balance across zones unless a target group says otherwise.
    let network = data.load_balancers.items().iter().filter(|b| b.kind == LoadBalancerType::Network);
    let network: Vec<Arn> = network.map(|b| b.arn.clone()).filter(|arn| balancers.contains(arn)).collect();
    let ((listeners, listener_rules), load_balancer_attributes, target_group_attributes, target_health) = tokio::join!(
        listeners_and_rules(reader, data, balancers),
        reader.read(
            Dataset::LoadBalancerAttributes,
            after(source(Dataset::LoadBalancerAttributes), || balancer_attributes(reader, network))
        ),
        reader.read(
            Dataset::TargetGroupAttributes,
            after(source(Dataset::TargetGroupAttributes), || { attributes(reader, existing.clone()) })
        ),
        reader.read(Dataset::TargetHealth, after(source(Dataset::TargetHealth), || health(reader, existing.clone()))),
    );
    OfServices { listeners, listener_rules, load_balancer_attributes, target_group_attributes, target_health }
}

fn groups_in_use(data: &TargetData) -> BTreeSet<Arn> {
    let services = data.services.items().iter();
    let entries =
        services.flat_map(|s| s.load_balancers.iter().chain(s.task_sets.iter().flat_map(|t| &t.load_balancers)));
    entries.flat_map(|entry| entry.target_group_arn.iter().chain(&entry.alternate_target_group_arn)).cloned().collect()
}

async fn listeners_and_rules(
    reader: &Reader,
    data: &TargetData,
    balancers: BTreeSet<Arn>,
) -> (Fetched<Listener>, Fetched<ListenerRule>) {
    let source = dependency(data, Dataset::Listeners);
    let listeners = reader
        .read(
            Dataset::Listeners,
            after(source, || async {
                let parts = each(balancers.into_iter().collect(), |arn| listeners_of(reader.clone(), arn)).await;
                sorted(gather(parts), |listener| listener.arn.clone())
            }),
        )
        .await;
    // Only Application Load Balancers have rules beside the default action.
    let applications: BTreeSet<&Arn> = data
        .load_balancers
        .items()
        .iter()
        .filter(|balancer| balancer.kind == LoadBalancerType::Application)
        .map(|balancer| &balancer.arn)
        .collect();
    let with_rules = listeners.items().iter().filter(|listener| applications.contains(&listener.load_balancer_arn));
    let with_rules: Vec<Arn> = with_rules.map(|listener| listener.arn.clone()).collect();
    let mut source = dependency(data, Dataset::ListenerRules);
    let failed = listeners.failures().iter().take(1);
    source.extend(failed.map(|failure| passed_on(Dataset::ListenerRules, Dataset::Listeners, failure)));
    let rules = reader
        .read(
            Dataset::ListenerRules,
            after(source, || async {
                let parts = each(with_rules, |arn| rules_of(reader.clone(), arn)).await;
                sorted(gather(parts), |rule| rule.arn.clone())
            }),
        )
        .await;
    (listeners, rules)
}

async fn listeners_of(reader: Reader, balancer: Arn) -> (Vec<Listener>, Option<Failure>) {
    let client = &reader.clients.elbv2;
    let request = |token| {
        let describe = client.describe_listeners().load_balancer_arn(balancer.as_str());
        describe.page_size(PAGE).set_marker(token).send()
    };
    let take = |page: aws_sdk_elasticloadbalancingv2::operation::describe_listeners::DescribeListenersOutput| {
        (page.listeners.unwrap_or_default().into_iter().map(listener).collect(), page.next_marker)
    };
    reader.caller.pages("elasticloadbalancing:DescribeListeners", &[balancer.as_str()], request, take).await
}

async fn rules_of(reader: Reader, listener: Arn) -> (Vec<ListenerRule>, Option<Failure>) {
    let client = &reader.clients.elbv2;
    let request =
        |token| client.describe_rules().listener_arn(listener.as_str()).page_size(PAGE).set_marker(token).send();
    let take = |page: aws_sdk_elasticloadbalancingv2::operation::describe_rules::DescribeRulesOutput| {
        let rules = page.rules.unwrap_or_default().into_iter().map(|rule| listener_rule(rule, &listener));
        (rules.collect(), page.next_marker)
    };
    reader.caller.pages("elasticloadbalancing:DescribeRules", &[listener.as_str()], request, take).await
}

async fn balancer_attributes(reader: &Reader, balancers: Vec<Arn>) -> Fetched<LoadBalancerAttributes> {
    let parts = each(balancers, |arn| attributes_of_balancer(reader.clone(), arn)).await;
    sorted(gather(parts), |attributes| attributes.load_balancer_arn.clone())
}

async fn attributes_of_balancer(reader: Reader, balancer: Arn) -> (Vec<LoadBalancerAttributes>, Option<Failure>) {
    let request = reader.clients.elbv2.describe_load_balancer_attributes().load_balancer_arn(balancer.as_str()).send();
    let api = "elasticloadbalancing:DescribeLoadBalancerAttributes";
    match reader.caller.send(api, &[balancer.as_str()], request).await {
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
    sorted(gather(parts), |attributes| attributes.target_group_arn.clone())
}

async fn attributes_of(reader: Reader, group: Arn) -> (Vec<TargetGroupAttributes>, Option<Failure>) {
    let request = reader.clients.elbv2.describe_target_group_attributes().target_group_arn(group.as_str()).send();
    let api = "elasticloadbalancing:DescribeTargetGroupAttributes";
    match reader.caller.send(api, &[group.as_str()], request).await {
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
    sorted(gather(parts), |health| (health.target_group_arn.clone(), health.target_id.clone(), health.port))
}

async fn health_of(reader: Reader, group: Arn) -> (Vec<TargetHealth>, Option<Failure>) {
    let request = reader.clients.elbv2.describe_target_health().target_group_arn(group.as_str()).send();
    match reader.caller.send("elasticloadbalancing:DescribeTargetHealth", &[group.as_str()], request).await {
        Ok(answer) => {
            let targets = answer.target_health_descriptions.unwrap_or_default().into_iter();
            (targets.map(|target| target_health(target, &group)).collect(), None)
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
            private_ipv4_addresses: addresses.filter_map(|address| address.private_ipv4_address).collect(),
        }
    };
    let mut zones: Vec<LoadBalancerZone> =
        balancer.availability_zones.unwrap_or_default().into_iter().map(zone).collect();
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
        let mut target_groups: Vec<(Arn, i32)> = weighted.collect();
        if target_groups.is_empty() {
            target_groups.extend(action.target_group_arn.map(|arn| (Arn::from(arn), 1)));
        }
        target_groups.sort();
        let kind = action.r#type.map(|kind| kind.as_str().to_owned());
        Action { kind: text(kind), target_groups }
    };
    actions.unwrap_or_default().into_iter().map(action).collect()
}

fn target_health(description: sdk::TargetHealthDescription, group: &Arn) -> TargetHealth {
    let (target, health) = (description.target, description.target_health);
    TargetHealth {
        target_group_arn: group.clone(),
        target_id: text(target.as_ref().and_then(|target| target.id.clone())),
        port: port(target.as_ref().and_then(|target| target.port)),
        availability_zone: target.and_then(|target| target.availability_zone),
        state: text(health.as_ref().and_then(|health| health.state.as_ref()).map(|state| state.as_str().to_owned())),
        reason: health.as_ref().and_then(|health| health.reason.as_ref()).map(|reason| reason.as_str().to_owned()),
        description: health.and_then(|health| health.description),
    }
}
