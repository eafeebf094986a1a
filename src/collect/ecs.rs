//! Amazon ECS: what is listed by cluster and described in full batches.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{ClusterField, DesiredStatus};

use super::call::says;
use super::convert::Tight;
use super::ecs_convert as convert;
use super::plan::{Reader, each, gather, not_described, whole};
use super::revisions;
use crate::glob;
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::ecs::{AccountSetting, CapacityProvider, Cluster, ContainerInstance, Service, Task};
use crate::snapshot::ids::Arn;

const PAGE: i32 = 100;
const SETTINGS_PAGE: i32 = 10;
const CLUSTERS_A_CALL: usize = 100;
const SERVICES_A_CALL: usize = 10;
const TASKS_A_CALL: usize = 100;
const INSTANCES_A_CALL: usize = 100;
const PROVIDERS_A_CALL: usize = 100;

/// The ACTIVE clusters in scope.
pub(super) async fn clusters(reader: &Reader) -> Fetched<Cluster> {
    let client = &reader.clients.ecs;
    let request = |token| client.list_clusters().max_results(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_ecs::operation::list_clusters::ListClustersOutput| {
        (page.cluster_arns.unwrap_or_default(), page.next_token)
    };
    let (arns, failure) = reader.caller.pages("ecs:ListClusters", &[], request, take).await;
    let in_scope = |arn: &String| glob::in_scope(&reader.scope.clusters, Arn::from(arn.as_str()).name());
    let arns: Vec<String> = arns.into_iter().filter(in_scope).collect();
    let batches = arns.chunks(CLUSTERS_A_CALL).map(<[String]>::to_vec).collect();
    let mut parts = each(batches, |batch| describe_clusters(reader.clone(), batch)).await;
    if failure.is_some() || parts.is_empty() {
        parts.push((Vec::new(), failure));
    }
    sorted(gather(parts), |a, b| a.arn.cmp(&b.arn))
}

async fn describe_clusters(reader: Reader, batch: Vec<String>) -> (Vec<Cluster>, Option<Failure>) {
    let api = "ecs:DescribeClusters";
    let request = reader.clients.ecs.describe_clusters().set_clusters(Some(batch.clone()));
    let request = request.include(ClusterField::Settings).include(ClusterField::Configurations);
    let affected: Vec<&str> = batch.iter().map(String::as_str).collect();
    match reader.caller.send(api, &affected, || request.clone().send()).await {
        Ok(answer) => {
            let clusters = answer.clusters.unwrap_or_default().into_iter().map(convert::cluster);
            let active = clusters.filter(|cluster| matches!(cluster.status.as_str(), "ACTIVE" | "PROVISIONING"));
            let failures = answer.failures.unwrap_or_default().into_iter();
            let failed = not_described(api, failures.map(|f| (f.reason, f.arn.unwrap_or_default())));
            (active.collect(), failed.into_iter().next())
        }
        Err(failure) => (Vec::new(), Some(failure)),
    }
}

/// What hangs on the clusters.
pub(super) async fn read(reader: &Reader) {
    let arns = |data: &TargetData| -> Vec<Arn> { data.clusters.items().iter().map(|c| c.arn.clone()).collect() };
    tokio::join!(
        reader.derive(Dataset::Services, |data| &mut data.services, arns, |arns| services(reader, arns)),
        reader.derive(Dataset::Tasks, |data| &mut data.tasks, arns, |arns| tasks(reader, arns)),
        reader.derive(
            Dataset::ContainerInstances,
            |data| &mut data.container_instances,
            arns,
            |arns| container_instances(reader, arns)
        ),
        reader.derive(
            Dataset::CapacityProviders,
            |data| &mut data.capacity_providers,
            providers_in_use,
            |names| capacity_providers(reader, names)
        ),
        reader.read(Dataset::AccountSettings, |data| &mut data.account_settings, account_settings(reader)),
    );
}

async fn services(reader: &Reader, clusters: Vec<Arn>) -> Fetched<Service> {
    let parts = each(clusters, |cluster| services_of(reader.clone(), cluster)).await;
    sorted(gather(parts.into_iter().flatten().collect()), |a, b| a.arn.cmp(&b.arn))
}

async fn services_of(reader: Reader, cluster: Arn) -> Vec<(Vec<Service>, Option<Failure>)> {
    let client = &reader.clients.ecs;
    let request =
        |token| client.list_services().cluster(cluster.as_str()).max_results(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_ecs::operation::list_services::ListServicesOutput| {
        (page.service_arns.unwrap_or_default(), page.next_token)
    };
    let listed = reader.caller.pages("ecs:ListServices", &[cluster.as_str()], request, take).await;
    let (arns, failure) = unless_gone(listed);
    let in_scope = |arn: &String| glob::in_scope(&reader.scope.services, Arn::from(arn.as_str()).name());
    let arns: Vec<String> = arns.into_iter().filter(in_scope).collect();
    let batches: Vec<_> = arns.chunks(SERVICES_A_CALL).map(<[String]>::to_vec).collect();
    let mut parts = each(batches, |batch| describe_services(reader.clone(), cluster.clone(), batch)).await;
    parts.push((Vec::new(), failure));
    parts
}

async fn describe_services(reader: Reader, cluster: Arn, batch: Vec<String>) -> (Vec<Service>, Option<Failure>) {
    let api = "ecs:DescribeServices";
    let request = reader.clients.ecs.describe_services().cluster(cluster.as_str()).set_services(Some(batch));
    match reader.caller.send(api, &[cluster.as_str()], || request.clone().send()).await {
        Ok(answer) => {
            let services = answer.services.unwrap_or_default().into_iter().map(convert::service);
            let alive: Vec<Service> = services.filter(|service| service.status != "INACTIVE").tight();
            revisions::come_across(&reader, alive.iter().flat_map(revisions::of_service));
            let failures = answer.failures.unwrap_or_default().into_iter();
            let failed = not_described(api, failures.map(|f| (f.reason, f.arn.unwrap_or_default())));
            (alive, failed.into_iter().next())
        }
        Err(failure) => (Vec::new(), Some(failure)),
    }
}

async fn tasks(reader: &Reader, clusters: Vec<Arn>) -> Fetched<Task> {
    let parts = each(clusters, |cluster| tasks_of(reader.clone(), cluster)).await;
    sorted(gather(parts.into_iter().flatten().collect()), |a, b| a.arn.cmp(&b.arn))
}

/// Tasks that should run, and those that stopped within about the last hour.
async fn tasks_of(reader: Reader, cluster: Arn) -> Vec<(Vec<Task>, Option<Failure>)> {
    let (running, stopped) = tokio::join!(
        list_tasks(&reader, &cluster, DesiredStatus::Running),
        list_tasks(&reader, &cluster, DesiredStatus::Stopped),
    );
    let arns: Vec<String> = running.0.into_iter().chain(stopped.0).collect::<BTreeSet<_>>().into_iter().collect();
    let batches: Vec<_> = arns.chunks(TASKS_A_CALL).map(<[String]>::to_vec).collect();
    let mut parts = each(batches, |batch| describe_tasks(reader.clone(), cluster.clone(), batch)).await;
    parts.push((Vec::new(), running.1.or(stopped.1)));
    parts
}

async fn list_tasks(reader: &Reader, cluster: &Arn, status: DesiredStatus) -> (Vec<String>, Option<Failure>) {
    let client = &reader.clients.ecs;
    let request = |token| {
        let list = client.list_tasks().cluster(cluster.as_str()).desired_status(status.clone());
        list.max_results(PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_ecs::operation::list_tasks::ListTasksOutput| {
        (page.task_arns.unwrap_or_default(), page.next_token)
    };
    unless_gone(reader.caller.pages("ecs:ListTasks", &[cluster.as_str()], request, take).await)
}

/// A cluster that was deleted since it was listed has nothing in it.
fn unless_gone<T>((items, failure): (Vec<T>, Option<Failure>)) -> (Vec<T>, Option<Failure>) {
    (items, failure.filter(|failure| !says(failure, &["ClusterNotFoundException"])))
}

async fn describe_tasks(reader: Reader, cluster: Arn, batch: Vec<String>) -> (Vec<Task>, Option<Failure>) {
    let api = "ecs:DescribeTasks";
    let request = reader.clients.ecs.describe_tasks().cluster(cluster.as_str()).set_tasks(Some(batch));
    match reader.caller.send(api, &[cluster.as_str()], || request.clone().send()).await {
        Ok(answer) => {
            let mut tasks: Vec<Task> = answer.tasks.unwrap_or_default().into_iter().map(convert::task).tight();
            for task in &mut tasks {
                let instance = task.container_instance_arn.as_mut();
                reader.pool.share([&mut task.cluster_arn, &mut task.task_definition_arn].into_iter().chain(instance));
            }
            revisions::come_across(&reader, tasks.iter().filter_map(revisions::of_task));
            let failures = answer.failures.unwrap_or_default().into_iter();
            let failed = not_described(api, failures.map(|f| (f.reason, f.arn.unwrap_or_default())));
            (tasks, failed.into_iter().next())
        }
        Err(failure) => (Vec::new(), Some(failure)),
    }
}

async fn container_instances(reader: &Reader, clusters: Vec<Arn>) -> Fetched<ContainerInstance> {
    let parts = each(clusters, |cluster| container_instances_of(reader.clone(), cluster)).await;
    sorted(gather(parts.into_iter().flatten().collect()), |a, b| a.arn.cmp(&b.arn))
}

async fn container_instances_of(reader: Reader, cluster: Arn) -> Vec<(Vec<ContainerInstance>, Option<Failure>)> {
    let client = &reader.clients.ecs;
    let request = |token| {
        let list = client.list_container_instances().cluster(cluster.as_str());
        list.max_results(PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_ecs::operation::list_container_instances::ListContainerInstancesOutput| {
        (page.container_instance_arns.unwrap_or_default(), page.next_token)
    };
    let affected = [cluster.as_str()];
    let listed = reader.caller.pages("ecs:ListContainerInstances", &affected, request, take).await;
    let (arns, failure) = unless_gone(listed);
    let batches: Vec<_> = arns.chunks(INSTANCES_A_CALL).map(<[String]>::to_vec).collect();
    let mut parts = each(batches, |batch| describe_instances(reader.clone(), cluster.clone(), batch)).await;
    parts.push((Vec::new(), failure));
    parts
}

async fn describe_instances(
    reader: Reader,
    cluster: Arn,
    batch: Vec<String>,
) -> (Vec<ContainerInstance>, Option<Failure>) {
    let api = "ecs:DescribeContainerInstances";
    let request = reader.clients.ecs.describe_container_instances().cluster(cluster.as_str());
    let request = request.set_container_instances(Some(batch));
    match reader.caller.send(api, &[cluster.as_str()], || request.clone().send()).await {
        Ok(answer) => {
            let instances = answer.container_instances.unwrap_or_default().into_iter();
            let failures = answer.failures.unwrap_or_default().into_iter();
            let failed = not_described(api, failures.map(|f| (f.reason, f.arn.unwrap_or_default())));
            (instances.map(|i| convert::container_instance(i, &cluster)).tight(), failed.into_iter().next())
        }
        Err(failure) => (Vec::new(), Some(failure)),
    }
}

/// Asks ACTIVE instances whose agent was not connected once more: short disconnects are normal. What isn't answered stays
/// open and takes nothing from the dataset.
pub(super) async fn read_agents_again(reader: &Reader, instances: &mut Fetched<ContainerInstance>) {
    let Some(items) = instances.items_mut() else { return };
    let is_lost = |instance: &ContainerInstance| instance.status == "ACTIVE" && !instance.agent_connected;
    let mut by_cluster: BTreeMap<Arn, Vec<String>> = BTreeMap::new();
    for lost in items.iter().filter(|instance| is_lost(instance)) {
        by_cluster.entry(lost.cluster_arn.clone()).or_default().push(lost.arn.as_str().to_owned());
    }
    let in_batches = |(cluster, arns): (&Arn, &Vec<String>)| -> Vec<(Arn, Vec<String>)> {
        arns.chunks(INSTANCES_A_CALL).map(|batch| (cluster.clone(), batch.to_vec())).collect()
    };
    let batches: Vec<_> = by_cluster.iter().flat_map(in_batches).collect();
    let answers = each(batches, |(cluster, batch)| describe_instances(reader.clone(), cluster, batch)).await;
    let again = answers.into_iter().flat_map(|(again, _)| again).filter(|again| again.status == "ACTIVE");
    let connected: BTreeMap<Arn, bool> = again.map(|again| (again.arn, again.agent_connected)).collect();
    for lost in items.iter_mut().filter(|instance| is_lost(instance)) {
        lost.agent_connected_at_end = connected.get(&lost.arn).copied();
    }
}

/// Names of the providers in use with the clusters that use them. The Fargate ones are known without a call.
fn providers_in_use(data: &TargetData) -> BTreeMap<String, BTreeSet<Arn>> {
    let mut names: BTreeMap<String, BTreeSet<Arn>> = BTreeMap::new();
    let mut add = |name: &str, cluster: &Arn| {
        if !matches!(name, "FARGATE" | "FARGATE_SPOT") {
            names.entry(name.to_owned()).or_default().insert(cluster.clone());
        }
    };
    for cluster in data.clusters.items() {
        cluster.capacity_providers.iter().for_each(|name| add(name, &cluster.arn));
    }
    for service in data.services.items() {
        let items = service.capacity_provider_strategy.iter();
        let items = items.chain(service.deployments.iter().flat_map(|d| &d.capacity_provider_strategy));
        items.for_each(|item| add(&item.capacity_provider, &service.cluster_arn));
    }
    for instance in data.container_instances.items() {
        instance.capacity_provider_name.iter().for_each(|name| add(name, &instance.cluster_arn));
    }
    names
}

async fn capacity_providers(reader: &Reader, names: BTreeMap<String, BTreeSet<Arn>>) -> Fetched<CapacityProvider> {
    let all: Vec<String> = names.keys().cloned().collect();
    let batches: Vec<_> = all.chunks(PROVIDERS_A_CALL).map(<[String]>::to_vec).collect();
    let mut parts = each(batches, |batch| describe_providers(reader.clone(), batch, None)).await;
    // A Managed Instances provider belongs to one cluster and is only described together with it.
    let found: BTreeSet<&String> = parts.iter().flat_map(|(providers, _)| providers).map(|p| &p.name).collect();
    let mut by_cluster: BTreeMap<Arn, Vec<String>> = BTreeMap::new();
    if parts.iter().all(|(_, failure)| failure.is_none()) {
        for (name, clusters) in names.iter().filter(|(name, _)| !found.contains(name)) {
            clusters.iter().for_each(|cluster| by_cluster.entry(cluster.clone()).or_default().push(name.clone()));
        }
    }
    let rest: Vec<_> = by_cluster.into_iter().collect();
    parts.extend(each(rest, |(cluster, names)| describe_providers(reader.clone(), names, Some(cluster))).await);
    sorted(gather(parts), |a, b| a.arn.cmp(&b.arn))
}

async fn describe_providers(
    reader: Reader,
    names: Vec<String>,
    cluster: Option<Arn>,
) -> (Vec<CapacityProvider>, Option<Failure>) {
    let affected: Vec<&str> = names.iter().map(String::as_str).collect();
    let cluster = cluster.as_ref().map(|cluster| cluster.as_str().to_owned());
    let client = &reader.clients.ecs;
    let request = |token| {
        let describe = client.describe_capacity_providers().set_capacity_providers(Some(names.clone()));
        describe.set_cluster(cluster.clone()).set_next_token(token).send()
    };
    let take = |page: aws_sdk_ecs::operation::describe_capacity_providers::DescribeCapacityProvidersOutput| {
        let providers = page.capacity_providers.unwrap_or_default().into_iter().map(convert::capacity_provider);
        (providers.collect(), page.next_token)
    };
    reader.caller.pages("ecs:DescribeCapacityProviders", &affected, request, take).await
}

/// The effective settings of the caller.
async fn account_settings(reader: &Reader) -> Fetched<AccountSetting> {
    let client = &reader.clients.ecs;
    let request = |token| {
        let list = client.list_account_settings().effective_settings(true);
        list.max_results(SETTINGS_PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_ecs::operation::list_account_settings::ListAccountSettingsOutput| {
        let settings = page.settings.unwrap_or_default().into_iter().map(convert::account_setting);
        (settings.collect::<Vec<_>>(), page.next_token)
    };
    whole(reader.caller.pages("ecs:ListAccountSettings", &[], request, take).await, Ord::cmp)
}

/// The same dataset with its items in order, each once.
pub(super) fn sorted<T>(mut fetched: Fetched<T>, order: impl Fn(&T, &T) -> Ordering) -> Fetched<T> {
    if let Some(items) = fetched.items_mut() {
        items.sort_unstable_by(&order);
        items.dedup_by(|a, b| order(a, b).is_eq());
    }
    fetched
}
