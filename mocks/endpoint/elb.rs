//! Elastic Load Balancing.

use std::collections::BTreeMap;

use ecs_network_audit::snapshot::elb::{Action, Listener, ListenerRule, LoadBalancer, TargetGroup, TargetHealth};
use ecs_network_audit::snapshot::ids::Arn;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;
use super::ecs_shapes::texts;
use super::world::at;

/// All of the Region in pages, or at most 20 by ARN.
fn whole<'a, T>(
    call: &Call<'_>,
    names: (&str, &str, &str),
    items: &'a [T],
    arn: impl Fn(&T) -> &Arn,
    shape: impl Fn(&'a T) -> Value,
) -> Result<Value, Refusal> {
    let (set, parameter, not_found) = names;
    let wanted = call.params.strings(parameter);
    if wanted.len() > 20 {
        return Err(Refusal::bad("ValidationError", format!("At most 20 {parameter} at a time")));
    }
    let mut all: Vec<&T> = items.iter().collect();
    if !wanted.is_empty() {
        all.retain(|item| wanted.contains(&arn(item).as_str()));
        if all.len() < wanted.len() {
            return Err(Refusal::bad(not_found, "One or more of them were not found"));
        }
    }
    let page = call.page(&all)?;
    let shown: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({set: shown, "NextMarker": page.next}))
}

pub(super) fn load_balancers(call: &Call<'_>) -> Result<Value, Refusal> {
    let names = ("LoadBalancers", "LoadBalancerArns", "LoadBalancerNotFound");
    whole(call, names, call.world.data().load_balancers.items(), |balancer| &balancer.arn, load_balancer)
}

pub(super) fn target_groups(call: &Call<'_>) -> Result<Value, Refusal> {
    let names = ("TargetGroups", "TargetGroupArns", "TargetGroupNotFound");
    whole(call, names, call.world.data().target_groups.items(), |group| &group.arn, target_group)
}

pub(super) fn listeners(call: &Call<'_>) -> Result<Value, Refusal> {
    let balancer = known_balancer(call)?;
    let own = at(call.world.data().listeners.items(), &call.world.listeners_of, balancer);
    let page = call.page(&own)?;
    let listeners: Vec<Value> = page.items.into_iter().map(listener).collect();
    Ok(json!({"Listeners": listeners, "NextMarker": page.next}))
}

pub(super) fn rules(call: &Call<'_>) -> Result<Value, Refusal> {
    let arn = call.required("ListenerArn")?;
    let data = call.world.data();
    if call.is_gone(arn) || !data.listeners.items().iter().any(|listener| listener.arn.as_str() == arn) {
        return Err(Refusal::bad("ListenerNotFound", "One or more listeners not found"));
    }
    let own = at(data.listener_rules.items(), &call.world.rules_of, arn);
    let page = call.page(&own)?;
    let rules: Vec<Value> = page.items.into_iter().map(rule).collect();
    Ok(json!({"Rules": rules, "NextMarker": page.next}))
}

pub(super) fn load_balancer_attributes(call: &Call<'_>) -> Result<Value, Refusal> {
    let arn = known_balancer(call)?;
    let all = call.world.data().load_balancer_attributes.items();
    let own = all.iter().find(|attributes| attributes.load_balancer_arn.as_str() == arn);
    Ok(json!({"Attributes": own.map_or_else(Vec::new, |own| attributes(&own.attributes))}))
}

pub(super) fn target_group_attributes(call: &Call<'_>) -> Result<Value, Refusal> {
    let arn = known_group(call)?;
    let all = call.world.data().target_group_attributes.items();
    let own = all.iter().find(|attributes| attributes.target_group_arn.as_str() == arn);
    Ok(json!({"Attributes": own.map_or_else(Vec::new, |own| attributes(&own.attributes))}))
}

pub(super) fn target_health(call: &Call<'_>) -> Result<Value, Refusal> {
    let arn = known_group(call)?;
    let own = at(call.world.data().target_health.items(), &call.world.health_of, arn);
    Ok(json!({"TargetHealthDescriptions": own.into_iter().map(health).collect::<Vec<_>>()}))
}

fn known_balancer<'a>(call: &Call<'a>) -> Result<&'a str, Refusal> {
    let arn = call.required("LoadBalancerArn")?;
    let all = call.world.data().load_balancers.items();
    if call.is_gone(arn) || !all.iter().any(|balancer| balancer.arn.as_str() == arn) {
        return Err(Refusal::bad("LoadBalancerNotFound", format!("Load balancer '{arn}' not found")));
    }
    Ok(arn)
}

fn known_group<'a>(call: &Call<'a>) -> Result<&'a str, Refusal> {
    let arn = call.required("TargetGroupArn")?;
    let all = call.world.data().target_groups.items();
    if call.is_gone(arn) || !all.iter().any(|group| group.arn.as_str() == arn) {
        return Err(Refusal::bad("TargetGroupNotFound", "One or more target groups not found"));
    }
    Ok(arn)
}

fn attributes(attributes: &BTreeMap<String, String>) -> Vec<Value> {
    attributes.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn load_balancer(balancer: &LoadBalancer) -> Value {
    let zones = balancer.availability_zones.iter().map(|zone| {
        let addresses = zone.private_ipv4_addresses.iter();
        let addresses: Vec<Value> = addresses.map(|address| json!({"PrivateIPv4Address": address})).collect();
        json!({"ZoneName": zone.zone_name, "SubnetId": zone.subnet_id.as_str(), "LoadBalancerAddresses": addresses})
    });
    json!({
        "LoadBalancerArn": balancer.arn.as_str(),
        "LoadBalancerName": balancer.name,
        "Type": balancer.kind.as_str(),
        "Scheme": balancer.scheme,
        "VpcId": balancer.vpc_id.as_ref().map(|id| id.as_str()),
        "State": {"Code": balancer.state},
        "IpAddressType": balancer.ip_address_type,
        "SecurityGroups": texts(&balancer.security_groups),
        "AvailabilityZones": zones.collect::<Vec<_>>(),
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic":
            balancer.enforce_security_group_inbound_rules_on_private_link_traffic,
    })
}

fn target_group(group: &TargetGroup) -> Value {
    let check = &group.health_check;
    json!({
        "TargetGroupArn": group.arn.as_str(),
        "TargetGroupName": group.name,
        "TargetType": group.target_type.as_str(),
        "Protocol": group.protocol,
        "Port": group.port,
        "VpcId": group.vpc_id.as_ref().map(|id| id.as_str()),
        "IpAddressType": group.ip_address_type,
        "LoadBalancerArns": texts(&group.load_balancer_arns),
        "HealthCheckEnabled": check.enabled,
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": check.port,
        "HealthCheckPath": check.path,
        "Matcher": check.matcher.as_ref().map(|codes| json!({"HttpCode": codes})),
        "HealthCheckIntervalSeconds": check.interval_seconds,
        "HealthCheckTimeoutSeconds": check.timeout_seconds,
        "HealthyThresholdCount": check.healthy_threshold_count,
        "UnhealthyThresholdCount": check.unhealthy_threshold_count,
    })
}

fn action(action: &Action) -> Value {
    let groups = action.target_groups.iter();
    let groups: Vec<Value> =
        groups.map(|(arn, weight)| json!({"TargetGroupArn": arn.as_str(), "Weight": weight})).collect();
    let forward = (!groups.is_empty()).then(|| json!({"TargetGroups": groups}));
    json!({"Type": action.kind, "ForwardConfig": forward})
}

fn listener(listener: &Listener) -> Value {
    json!({
        "ListenerArn": listener.arn.as_str(),
        "LoadBalancerArn": listener.load_balancer_arn.as_str(),
        "Port": listener.port,
        "Protocol": listener.protocol,
        "DefaultActions": listener.default_actions.iter().map(action).collect::<Vec<_>>(),
    })
}

fn rule(rule: &ListenerRule) -> Value {
    json!({
        "RuleArn": rule.arn.as_str(),
        "Priority": rule.priority,
        "IsDefault": rule.is_default,
        "Actions": rule.actions.iter().map(action).collect::<Vec<_>>(),
    })
}

fn health(health: &TargetHealth) -> Value {
    json!({
        "Target": {"Id": health.target_id, "Port": health.port, "AvailabilityZone": health.availability_zone},
        "TargetHealth": {"State": health.state, "Reason": health.reason, "Description": health.description},
    })
}
