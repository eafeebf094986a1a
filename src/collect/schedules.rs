//! Amazon EventBridge and EventBridge Scheduler: the rules and schedules that run tasks on the clusters.

use std::collections::{BTreeMap, BTreeSet};

use super::call::says;
use super::convert::{maybe_id, text, time};
use super::ecs::sorted;
use super::plan::{Reader, each, gather};
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::ecs::{AwsvpcConfiguration, CapacityProviderStrategyItem};
use crate::snapshot::enums::LaunchType;
use crate::snapshot::ids::{Arn, SecurityGroupId, SubnetId};
use crate::snapshot::schedule::{EcsTarget, EventRule, Schedule};

const PAGE: i32 = 100;
/// What went away between its listing and its description is just gone.
const GONE: &[&str] = &["ResourceNotFoundException"];

/// What runs tasks on the clusters by rule or by schedule.
pub(super) async fn read(reader: &Reader) {
    let arns = |data: &TargetData| -> Vec<Arn> { data.clusters.items().iter().map(|c| c.arn.clone()).collect() };
    tokio::join!(
        reader.derive(Dataset::EventRules, |data| &mut data.event_rules, arns, |arns| event_rules(reader, arns)),
        reader.derive(Dataset::Schedules, |data| &mut data.schedules, arns, |arns| schedules(reader, arns)),
    );
}

/// The rules of every event bus whose target is one of the clusters.
async fn event_rules(reader: &Reader, clusters: Vec<Arn>) -> Fetched<EventRule> {
    let client = &reader.clients.eventbridge;
    let request = |token| client.list_event_buses().limit(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_eventbridge::operation::list_event_buses::ListEventBusesOutput| {
        let names = page.event_buses.unwrap_or_default().into_iter().filter_map(|bus| bus.name);
        (names.collect::<Vec<_>>(), page.next_token)
    };
    let (buses, failure) = reader.caller.pages("events:ListEventBuses", &[], request, take).await;
    let buses: BTreeSet<String> = buses.into_iter().collect();
    let pairs: Vec<(String, Arn)> =
        buses.iter().flat_map(|bus| clusters.iter().map(move |cluster| (bus.clone(), cluster.clone()))).collect();
    let mut named: BTreeSet<(String, String)> = BTreeSet::new();
    let mut parts: Vec<(Vec<EventRule>, Option<Failure>)> = Vec::new();
    if failure.is_some() {
        parts.push((Vec::new(), failure));
    }
    for (names, failure) in each(pairs, |pair| rule_names(reader.clone(), pair)).await {
        named.extend(names);
        parts.push((Vec::new(), failure));
    }
    let of_clusters: BTreeSet<Arn> = clusters.into_iter().collect();
    parts.extend(each(named.into_iter().collect(), |name| rule(reader.clone(), name, of_clusters.clone())).await);
    sorted(gather(parts), |a, b| (&a.event_bus_name, &a.name).cmp(&(&b.event_bus_name, &b.name)))
}

async fn rule_names(reader: Reader, (bus, cluster): (String, Arn)) -> (Vec<(String, String)>, Option<Failure>) {
    let client = &reader.clients.eventbridge;
    let request = |token| {
        let list = client.list_rule_names_by_target().target_arn(cluster.as_str()).event_bus_name(&bus);
        list.limit(PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_eventbridge::operation::list_rule_names_by_target::ListRuleNamesByTargetOutput| {
        (page.rule_names.unwrap_or_default(), page.next_token)
    };
    let api = "events:ListRuleNamesByTarget";
    let (names, failure) = reader.caller.pages(api, &[cluster.as_str()], request, take).await;
    (names.into_iter().map(|name| (bus.clone(), name)).collect(), failure)
}

async fn rule(
    reader: Reader,
    (bus, name): (String, String),
    clusters: BTreeSet<Arn>,
) -> (Vec<EventRule>, Option<Failure>) {
    let client = &reader.clients.eventbridge;
    let request = client.describe_rule().name(&name).event_bus_name(&bus);
    let described = match reader.caller.send("events:DescribeRule", &[&name], || request.clone().send()).await {
        Ok(described) => described,
        Err(failure) if says(&failure, GONE) => return (Vec::new(), None),
        Err(failure) => return (Vec::new(), Some(failure)),
    };
    let request = |token| {
        let list = client.list_targets_by_rule().rule(&name).event_bus_name(&bus);
        list.limit(PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_eventbridge::operation::list_targets_by_rule::ListTargetsByRuleOutput| {
        (page.targets.unwrap_or_default(), page.next_token)
    };
    let (targets, failure) = reader.caller.pages("events:ListTargetsByRule", &[&name], request, take).await;
    match failure {
        Some(failure) if says(&failure, GONE) => return (Vec::new(), None),
        Some(failure) => return (Vec::new(), Some(failure)),
        None => {}
    }
    let targets = targets.into_iter().filter_map(|target| {
        let cluster_arn = Arn::from(target.arn);
        let parameters = target.ecs_parameters.filter(|_| clusters.contains(&cluster_arn))?;
        let network = parameters.network_configuration.and_then(|network| network.awsvpc_configuration);
        Some(EcsTarget {
            id: target.id,
            cluster_arn,
            task_definition_arn: Arn::from(parameters.task_definition_arn),
            launch_type: parameters.launch_type.map(|kind| LaunchType::from(kind.as_str())),
            capacity_provider_strategy: parameters
                .capacity_provider_strategy
                .unwrap_or_default()
                .into_iter()
                .map(|item| CapacityProviderStrategyItem {
                    capacity_provider: item.capacity_provider,
                    weight: item.weight,
                    base: item.base,
                })
                .collect(),
            platform_version: parameters.platform_version,
            network_configuration: network.map(|network| {
                let public = network.assign_public_ip.is_some_and(|assign| assign.as_str() == "ENABLED");
                awsvpc(network.subnets, network.security_groups, public)
            }),
            task_count: parameters.task_count.unwrap_or(1),
            group: parameters.group,
            enable_execute_command: parameters.enable_execute_command,
        })
    });
    let rule = EventRule {
        targets: targets.collect(),
        name,
        event_bus_name: bus,
        arn: maybe_id(described.arn),
        state: described.state.map_or_else(|| "ENABLED".to_owned(), |state| state.as_str().to_owned()),
        schedule_expression: described.schedule_expression,
    };
    (vec![rule], None)
}

fn awsvpc(subnets: Vec<String>, groups: Option<Vec<String>>, assign_public_ip: bool) -> AwsvpcConfiguration {
    let mut subnets: Vec<SubnetId> = subnets.into_iter().map(SubnetId::from).collect();
    subnets.sort();
    let mut security_groups: Vec<SecurityGroupId> =
        groups.unwrap_or_default().into_iter().map(SecurityGroupId::from).collect();
    security_groups.sort();
    AwsvpcConfiguration { subnets, security_groups, assign_public_ip }
}

/// The schedules whose target is one of the clusters.
async fn schedules(reader: &Reader, clusters: Vec<Arn>) -> Fetched<Schedule> {
    let client = &reader.clients.scheduler;
    let request = |token| client.list_schedules().max_results(PAGE).set_next_token(token).send();
    let take =
        |page: aws_sdk_scheduler::operation::list_schedules::ListSchedulesOutput| (page.schedules, page.next_token);
    let (found, failure) = reader.caller.pages("scheduler:ListSchedules", &[], request, take).await;
    let clusters: BTreeSet<String> = clusters.iter().map(|arn| arn.as_str().to_owned()).collect();
    let mut mine: BTreeMap<(String, String), ()> = BTreeMap::new();
    for schedule in found {
        if schedule.target.is_some_and(|target| clusters.contains(&target.arn)) {
            mine.insert((text(schedule.group_name), text(schedule.name)), ());
        }
    }
    let mut parts = each(mine.into_keys().collect(), |name| schedule(reader.clone(), name)).await;
    if failure.is_some() || parts.is_empty() {
        parts.push((Vec::new(), failure));
    }
    sorted(gather(parts), |a, b| (&a.group_name, &a.name).cmp(&(&b.group_name, &b.name)))
}

async fn schedule(reader: Reader, (group, name): (String, String)) -> (Vec<Schedule>, Option<Failure>) {
    let request = reader.clients.scheduler.get_schedule().group_name(&group).name(&name);
    let answer = match reader.caller.send("scheduler:GetSchedule", &[&name], || request.clone().send()).await {
        Ok(answer) => answer,
        Err(failure) if says(&failure, GONE) => return (Vec::new(), None),
        Err(failure) => return (Vec::new(), Some(failure)),
    };
    let target = answer.target.and_then(|target| {
        let parameters = target.ecs_parameters?;
        let network = parameters.network_configuration.and_then(|network| network.awsvpc_configuration);
        Some(EcsTarget {
            id: name.clone(),
            cluster_arn: Arn::from(target.arn),
            task_definition_arn: Arn::from(parameters.task_definition_arn),
            launch_type: parameters.launch_type.map(|kind| LaunchType::from(kind.as_str())),
            capacity_provider_strategy: parameters
                .capacity_provider_strategy
                .unwrap_or_default()
                .into_iter()
                .map(|item| CapacityProviderStrategyItem {
                    capacity_provider: item.capacity_provider,
                    weight: item.weight,
                    base: item.base,
                })
                .collect(),
            platform_version: parameters.platform_version,
            network_configuration: network.map(|network| {
                let public = network.assign_public_ip.is_some_and(|assign| assign.as_str() == "ENABLED");
                awsvpc(network.subnets, network.security_groups, public)
            }),
            task_count: parameters.task_count.unwrap_or(1),
            group: parameters.group,
            enable_execute_command: parameters.enable_execute_command.unwrap_or(false),
        })
    });
    let schedule = target.map(|target| Schedule {
        name,
        group_name: group,
        arn: maybe_id(answer.arn),
        state: answer.state.map_or_else(|| "ENABLED".to_owned(), |state| state.as_str().to_owned()),
        schedule_expression: answer.schedule_expression,
        end_date: time(answer.end_date),
        target,
    });
    (schedule.into_iter().collect(), None)
}
