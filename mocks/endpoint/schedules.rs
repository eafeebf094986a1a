//! Amazon EventBridge and EventBridge Scheduler.

use ecs_network_audit::snapshot::schedule::{EcsTarget, EventRule, Schedule};
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;
use super::ecs_shapes::{strategy, texts, time};

pub(super) fn event_buses(call: &Call<'_>) -> Result<Value, Refusal> {
    let used = call.world.data().event_rules.items().iter().map(|rule| rule.event_bus_name.as_str());
    let mut names: Vec<&str> = used.chain(["default"]).collect();
    names.sort_unstable();
    names.dedup();
    let page = call.page(&names)?;
    let buses: Vec<Value> = page.items.into_iter().map(|name| json!({"Name": name})).collect();
    Ok(json!({"EventBuses": buses, "NextToken": page.next}))
}

pub(super) fn rule_names(call: &Call<'_>) -> Result<Value, Refusal> {
    let cluster = call.required("TargetArn")?;
    let runs_there = |rule: &&EventRule| rule.targets.iter().any(|target| target.cluster_arn.as_str() == cluster);
    let names: Vec<&str> = on_bus(call).filter(runs_there).map(|rule| rule.name.as_str()).collect();
    let page = call.page(&names)?;
    Ok(json!({"RuleNames": page.items, "NextToken": page.next}))
}

pub(super) fn rule(call: &Call<'_>) -> Result<Value, Refusal> {
    let rule = known_rule(call, "Name")?;
    Ok(json!({
        "Name": rule.name,
        "EventBusName": rule.event_bus_name,
        "Arn": rule.arn.as_ref().map(|arn| arn.as_str()),
        "State": rule.state,
        "ScheduleExpression": rule.schedule_expression,
    }))
}

pub(super) fn targets(call: &Call<'_>) -> Result<Value, Refusal> {
    let rule = known_rule(call, "Rule")?;
    let targets: Vec<&EcsTarget> = rule.targets.iter().collect();
    let page = call.page(&targets)?;
    let shape =
        |own: &EcsTarget| json!({"Id": own.id, "Arn": own.cluster_arn.as_str(), "EcsParameters": parameters(own)});
    let targets: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({"Targets": targets, "NextToken": page.next}))
}

fn on_bus<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a EventRule> {
    let bus = call.params.text("EventBusName").unwrap_or("default");
    call.world.data().event_rules.items().iter().filter(move |rule| rule.event_bus_name == bus)
}

fn known_rule<'a>(call: &Call<'a>, parameter: &str) -> Result<&'a EventRule, Refusal> {
    let name = call.required(parameter)?;
    let missing = || Refusal::bad("ResourceNotFoundException", format!("Rule {name} does not exist."));
    on_bus(call).find(|rule| rule.name == name && !call.is_gone(name)).ok_or_else(missing)
}

pub(super) fn schedules(call: &Call<'_>) -> Result<Value, Refusal> {
    let all: Vec<&Schedule> = call.world.data().schedules.items().iter().collect();
    let page = call.page(&all)?;
    let shape = |own: &Schedule| {
        json!({
            "Name": own.name,
            "GroupName": own.group_name,
            "Arn": own.arn.as_ref().map(|arn| arn.as_str()),
            "State": own.state,
            "Target": {"Arn": own.target.cluster_arn.as_str()},
        })
    };
    let schedules: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({"Schedules": schedules, "NextToken": page.next}))
}

pub(super) fn schedule(call: &Call<'_>) -> Result<Value, Refusal> {
    let name = call.required("Name")?;
    let group = call.params.text("groupName").unwrap_or("default");
    let is_it = |own: &&Schedule| own.name == name && own.group_name == group && !call.is_gone(name);
    let missing = || {
        let message = format!("Schedule {name} does not exist.");
        Refusal::with_status(404, "ResourceNotFoundException", message)
    };
    let own = call.world.data().schedules.items().iter().find(is_it).ok_or_else(missing)?;
    Ok(json!({
        "Name": own.name,
        "GroupName": own.group_name,
        "Arn": own.arn.as_ref().map(|arn| arn.as_str()),
        "State": own.state,
        "ScheduleExpression": own.schedule_expression,
        "EndDate": time(own.end_date),
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": own.target.cluster_arn.as_str(),
            "RoleArn": "arn:aws:iam::111122223333:role/scheduler",
            "EcsParameters": parameters(&own.target),
        },
    }))
}

fn parameters(target: &EcsTarget) -> Value {
    let network = target.network_configuration.as_ref().map(|network| {
        let public = if network.assign_public_ip { "ENABLED" } else { "DISABLED" };
        json!({"awsvpcConfiguration": {
            "Subnets": texts(&network.subnets),
            "SecurityGroups": texts(&network.security_groups),
            "AssignPublicIp": public,
        }})
    });
    json!({
        "TaskDefinitionArn": target.task_definition_arn.as_str(),
        "TaskCount": target.task_count,
        "LaunchType": target.launch_type.as_ref().map(|kind| kind.as_str()),
        "CapacityProviderStrategy": strategy(&target.capacity_provider_strategy),
        "PlatformVersion": target.platform_version,
        "NetworkConfiguration": network,
        "Group": target.group,
        "EnableExecuteCommand": target.enable_execute_command,
    })
}
