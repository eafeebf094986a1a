//! The operations of Amazon ECS.

use ecs_network_audit::snapshot::ecs::{CapacityProvider, CapacityProviderKind, ContainerInstance};
use ecs_network_audit::snapshot::ids::Arn;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;
use super::ecs_shapes as shape;
use super::task_definition::task_definition;
use super::world::{Places, at};

pub(super) fn list_clusters(call: &Call<'_>) -> Result<Value, Refusal> {
    let arns: Vec<&Arn> = call.world.data().clusters.items().iter().map(|cluster| &cluster.arn).collect();
    list(call, "clusterArns", arns)
}

pub(super) fn list_services(call: &Call<'_>) -> Result<Value, Refusal> {
    let services = of_cluster(call, call.world.data().services.items(), &call.world.services_of)?;
    list(call, "serviceArns", services.into_iter().map(|service| &service.arn).collect())
}

pub(super) fn list_tasks(call: &Call<'_>) -> Result<Value, Refusal> {
    let status = call.params.text("desiredStatus").unwrap_or("RUNNING");
    let tasks = of_cluster(call, call.world.data().tasks.items(), &call.world.tasks_of)?;
    let tasks = tasks.into_iter().filter(|task| task.desired_status == status);
    list(call, "taskArns", tasks.map(|task| &task.arn).collect())
}

pub(super) fn list_container_instances(call: &Call<'_>) -> Result<Value, Refusal> {
    let instances = of_cluster(call, call.world.data().container_instances.items(), &call.world.instances_of)?;
    list(call, "containerInstanceArns", instances.into_iter().map(|instance| &instance.arn).collect())
}

pub(super) fn describe_clusters(call: &Call<'_>) -> Result<Value, Refusal> {
    let fields = call.params.strings("include");
    let clusters = call.world.data().clusters.items();
    let (found, failures) = described(call, clusters, &call.world.clusters, |_| true);
    let clusters: Vec<Value> = found.into_iter().map(|cluster| shape::cluster(cluster, &fields)).collect();
    Ok(json!({"clusters": clusters, "failures": failures}))
}

pub(super) fn describe_services(call: &Call<'_>) -> Result<Value, Refusal> {
    let cluster = known_cluster(call)?;
    let services = call.world.data().services.items();
    let (found, failures) =
        described(call, services, &call.world.services, |service| service.cluster_arn.as_str() == cluster);
    let services: Vec<Value> = found.into_iter().map(shape::service).collect();
    Ok(json!({"services": services, "failures": failures}))
}

pub(super) fn describe_tasks(call: &Call<'_>) -> Result<Value, Refusal> {
    let cluster = known_cluster(call)?;
    let tasks = call.world.data().tasks.items();
    let (found, failures) = described(call, tasks, &call.world.tasks, |task| task.cluster_arn.as_str() == cluster);
    let tasks: Vec<Value> = found.into_iter().map(shape::task).collect();
    Ok(json!({"tasks": tasks, "failures": failures}))
}

pub(super) fn describe_container_instances(call: &Call<'_>) -> Result<Value, Refusal> {
    let cluster = known_cluster(call)?;
    let instances = call.world.data().container_instances.items();
    let (found, mut failures) =
        described(call, instances, &call.world.instances, |instance| instance.cluster_arn.as_str() == cluster);
    let mut answers = Vec::with_capacity(found.len());
    for instance in found {
        match agent_now(call, instance) {
            Some(connected) => answers.push(shape::container_instance(instance, connected)),
            None => failures.push(missing(instance.arn.as_str())),
        }
    }
    Ok(json!({"containerInstances": answers, "failures": failures}))
}

/// Whether the agent is connected. Every second time it is as at the end of the scan; an instance that says nothing
/// then is gone.
fn agent_now(call: &Call<'_>, instance: &ContainerInstance) -> Option<bool> {
    let is_lost = instance.status == "ACTIVE" && !instance.agent_connected;
    if !is_lost || call.times_described(instance.arn.as_str()).is_multiple_of(2) {
        return Some(instance.agent_connected);
    }
    instance.agent_connected_at_end
}

pub(super) fn describe_task_definition(call: &Call<'_>) -> Result<Value, Refusal> {
    let name = call.required("taskDefinition")?;
    let found = at(call.world.data().task_definitions.items(), &call.world.definitions, name);
    match found.first() {
        Some(definition) if !call.is_gone(name) => Ok(json!({"taskDefinition": task_definition(definition)})),
        _ => Err(Refusal::bad("ClientException", "Unable to describe task definition.")),
    }
}

pub(super) fn describe_capacity_providers(call: &Call<'_>) -> Result<Value, Refusal> {
    let cluster = call.params.text("cluster");
    let data = call.world.data();
    // A Managed Instances provider is only shown with a cluster that has it.
    let has = |provider: &CapacityProvider| {
        let named = cluster.and_then(|arn| at(data.clusters.items(), &call.world.clusters, arn).first().copied());
        named.is_some_and(|cluster| cluster.capacity_providers.contains(&provider.name))
    };
    let is_shown = |provider: &CapacityProvider| {
        !matches!(provider.kind, CapacityProviderKind::ManagedInstances { .. }) || has(provider)
    };
    let names = call.named();
    let is_wanted = |provider: &&CapacityProvider| {
        let is_named = names.iter().any(|name| *name == provider.name || *name == provider.arn.as_str());
        (names.is_empty() || is_named)
            && is_shown(provider)
            && !call.is_gone(&provider.name)
            && !call.is_gone(provider.arn.as_str())
    };
    let found: Vec<&CapacityProvider> = data.capacity_providers.items().iter().filter(is_wanted).collect();
    let failures: Vec<Value> = names
        .iter()
        .filter(|name| !found.iter().any(|provider| provider.name == **name || provider.arn.as_str() == **name))
        .map(|name| missing(name))
        .collect();
    let page = call.page(&found)?;
    let providers: Vec<Value> = page.items.into_iter().map(shape::capacity_provider).collect();
    Ok(json!({"capacityProviders": providers, "failures": failures, "nextToken": page.next}))
}

pub(super) fn list_account_settings(call: &Call<'_>) -> Result<Value, Refusal> {
    // Without this only what was changed is listed, which a snapshot doesn't tell apart.
    if !call.params.is_true("effectiveSettings") {
        return Ok(json!({"settings": []}));
    }
    let all: Vec<_> = call.world.data().account_settings.items().iter().collect();
    let page = call.page(&all)?;
    let setting = |setting: &ecs_network_audit::snapshot::ecs::AccountSetting| {
        json!({
            "name": setting.name,
            "value": setting.value,
            "principalArn": setting.principal_arn.as_ref().map(Arn::as_str),
        })
    };
    let settings: Vec<Value> = page.items.into_iter().map(setting).collect();
    Ok(json!({"settings": settings, "nextToken": page.next}))
}

fn list(call: &Call<'_>, name: &str, arns: Vec<&Arn>) -> Result<Value, Refusal> {
    let page = call.page(&arns)?;
    let arns: Vec<&str> = page.items.into_iter().map(Arn::as_str).collect();
    Ok(json!({name: arns, "nextToken": page.next}))
}

/// The cluster that is asked about, if there is one.
fn known_cluster<'a>(call: &Call<'a>) -> Result<&'a str, Refusal> {
    let cluster = call.params.text("cluster").unwrap_or("default");
    if call.world.clusters.contains_key(cluster) && !call.is_gone(cluster) {
        return Ok(cluster);
    }
    Err(Refusal::bad("ClusterNotFoundException", "Cluster not found."))
}

fn of_cluster<'a, T>(call: &Call<'_>, items: &'a [T], places: &Places) -> Result<Vec<&'a T>, Refusal> {
    let cluster = known_cluster(call)?;
    Ok(at(items, places, cluster))
}

/// What is there of the named, and a failure for each that isn't.
fn described<'a, T>(
    call: &Call<'_>,
    items: &'a [T],
    places: &Places,
    is_in_cluster: impl Fn(&T) -> bool,
) -> (Vec<&'a T>, Vec<Value>) {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in call.named() {
        match at(items, places, name).first() {
            Some(item) if is_in_cluster(item) && !call.is_gone(name) => found.push(*item),
            _ => failures.push(missing(name)),
        }
    }
    (found, failures)
}

fn missing(name: &str) -> Value {
    json!({"arn": name, "reason": "MISSING"})
}
