//! Amazon ECS: what is listed by cluster and described in full batches.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{ClusterField, DesiredStatus};

use super::ecs_convert as convert;
use super::plan::{self, Reader, after, dependency, each, gather, not_described, whole};
use super::{autoscaling, ec2, schedules, task_definition};
use crate::glob;
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::ecs::{
    AccountSetting, CapacityProvider, CapacityProviderKind, Cluster, ContainerInstance, Service, Task, TaskDefinition,
};
use crate::snapshot::elb::AutoScalingGroup;
use crate::snapshot::ids::Arn;
use crate::snapshot::schedule::{EventRule, Schedule};
use crate::snapshot::vpc::{Instance, InstanceType};

const PAGE: i32 = 100;
const SETTINGS_PAGE: i32 = 10;
const CLUSTERS_A_CALL: usize = 100;
const SERVICES_A_CALL: usize = 10;
const TASKS_A_CALL: usize = 100;
const INSTANCES_A_CALL: usize = 100;
const PROVIDERS_A_CALL: usize = 100;

/// What this module reads after the clusters.
pub(super) struct Ecs {
    services: Fetched<Service>,
    tasks: Fetched<Task>,
    task_definitions: Fetched<TaskDefinition>,
    container_instances: Fetched<ContainerInstance>,
    capacity_providers: Fetched<CapacityProvider>,
    auto_scaling_groups: Fetched<AutoScalingGroup>,
    instances: Fetched<Instance>,
    instance_types: Fetched<InstanceType>,
    event_rules: Fetched<EventRule>,
    schedules: Fetched<Schedule>,
}

impl Ecs {
    pub(super) fn store(self, data: &mut TargetData) {
        data.services = self.services;
        data.tasks = self.tasks;
        data.task_definitions = self.task_definitions;
        data.container_instances = self.container_instances;
        data.capacity_providers = self.capacity_providers;
        data.auto_scaling_groups = self.auto_scaling_groups;
        data.instances = self.instances;
        data.instance_types = self.instance_types;
        data.event_rules = self.event_rules;
        data.schedules = self.schedules;
    }
}

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
    sorted(gather(parts), |cluster| cluster.arn.clone())
}

async fn describe_clusters(reader: Reader, batch: Vec<String>) -> (Vec<Cluster>, Option<Failure>) {
    let api = "ecs:DescribeClusters";
    let request = reader.clients.ecs.describe_clusters().set_clusters(Some(batch.clone()));
    let request = request.include(ClusterField::Settings).include(ClusterField::Configurations).send();
    let affected: Vec<&str> = batch.iter().map(String::as_str).collect();
    match reader.caller.send(api, &affected, request).await {
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

/// Everything that hangs on the clusters.
pub(super) async fn read(reader: &Reader, clusters: &Fetched<Cluster>) -> Ecs {
    let arns: Vec<Arn> = clusters.items().iter().map(|cluster| cluster.arn.clone()).collect();
    let inherited = |dataset| -> Vec<Failure> {
        clusters.failures().iter().take(1).map(|failure| plan::passed_on(dataset, Dataset::Clusters, failure)).collect()
    };
    let (services, tasks, container_instances, event_rules, schedules) = tokio::join!(
        reader.read(Dataset::Services, after(inherited(Dataset::Services), || services(reader, arns.clone()))),
        reader.read(Dataset::Tasks, after(inherited(Dataset::Tasks), || tasks(reader, arns.clone()))),
        reader.read(
            Dataset::ContainerInstances,
            after(inherited(Dataset::ContainerInstances), || container_instances(reader, arns.clone()))
        ),
        reader.read(
            Dataset::EventRules,
            after(inherited(Dataset::EventRules), || schedules::event_rules(reader, arns.clone()))
        ),
        reader.read(
            Dataset::Schedules,
            after(inherited(Dataset::Schedules), || schedules::schedules(reader, arns.clone()))
        ),
    );
    let mut data = TargetData::not_requested();
    data.clusters = clusters.clone();
    data.services = services;
    data.tasks = tasks;
    data.container_instances = container_instances;
    data.event_rules = event_rules;
    data.schedules = schedules;
    let revisions = revisions_in_use(&data);
    let providers = providers_in_use(&data);
    let (task_definitions, (capacity_providers, auto_scaling_groups), (instances, instance_types)) = tokio::join!(
        reader.read(
            Dataset::TaskDefinitions,
            after(dependency(&data, Dataset::TaskDefinitions), || task_definitions(reader, revisions))
        ),
        capacity(reader, &data, providers),
        ec2::hosts(reader, &data),
    );
    Ecs {
        services: data.services,
        tasks: data.tasks,
        task_definitions,
        container_instances: data.container_instances,
        capacity_providers,
        auto_scaling_groups,
        instances,
        instance_types,
        event_rules: data.event_rules,
        schedules: data.schedules,
    }
}

async fn services(reader: &Reader, clusters: Vec<Arn>) -> Fetched<Service> {
    let parts = each(clusters, |cluster| services_of(reader.clone(), cluster)).await;
    sorted(gather(parts.into_iter().flatten().collect()), |service| service.arn.clone())
}

async fn services_of(reader: Reader, cluster: Arn) -> Vec<(Vec<Service>, Option<Failure>)> {
    let client = &reader.clients.ecs;
    let request =
        |token| client.list_services().cluster(cluster.as_str()).max_results(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_ecs::operation::list_services::ListServicesOutput| {
        (page.service_arns.unwrap_or_default(), page.next_token)
    };
    let (arns, failure) = reader.caller.pages("ecs:ListServices", &[cluster.as_str()], request, take).await;
    let in_scope = |arn: &String| glob::in_scope(&reader.scope.services, Arn::from(arn.as_str()).name());
    let arns: Vec<String> = arns.into_iter().filter(in_scope).collect();
    let batches: Vec<_> = arns.chunks(SERVICES_A_CALL).map(<[String]>::to_vec).collect();
    let mut parts = each(batches, |batch| describe_services(reader.clone(), cluster.clone(), batch)).await;
    parts.push((Vec::new(), failure));
    parts
}

async fn describe_services(reader: Reader, cluster: Arn, batch: Vec<String>) -> (Vec<Service>, Option<Failure>) {
    let api = "ecs:DescribeServices";
    let request = reader.clients.ecs.describe_services().cluster(cluster.as_str()).set_services(Some(batch)).send();
    match reader.caller.send(api, &[cluster.as_str()], request).await {
        Ok(answer) => {
            let services = answer.services.unwrap_or_default().into_iter().map(convert::service);
            let alive = services.filter(|service| service.status != "INACTIVE");
            let failures = answer.failures.unwrap_or_default().into_iter();
            let failed = not_described(api, failures.map(|f| (f.reason, f.arn.unwrap_or_default())));
            (alive.collect(), failed.into_iter().next())
        }
        Err(failure) => (Vec::new(), Some(failure)),
    }
}

async fn tasks(reader: &Reader, clusters: Vec<Arn>) -> Fetched<Task> {
    let parts = each(clusters, |cluster| tasks_of(reader.clone(), cluster)).await;
    sorted(gather(parts.into_iter().flatten().collect()), |task| task.arn.clone())
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
    reader.caller.pages("ecs:ListTasks", &[cluster.as_str()], request, take).await
}

async fn describe_tasks(reader: Reader, cluster: Arn, batch: Vec<String>) -> (Vec<Task>, Option<Failure>) {
    let api = "ecs:DescribeTasks";
    let request = reader.clients.ecs.describe_tasks().cluster(cluster.as_str()).set_tasks(Some(batch)).send();
    match reader.caller.send(api, &[cluster.as_str()], request).await {
        Ok(answer) => {
            let tasks = answer.tasks.unwrap_or_default().into_iter().map(convert::task);
            let failures = answer.failures.unwrap_or_default().into_iter();
            let failed = not_described(api, failures.map(|f| (f.reason, f.arn.unwrap_or_default())));
            (tasks.collect(), failed.into_iter().next())
        }
        Err(failure) => (Vec::new(), Some(failure)),
    }
}

async fn container_instances(reader: &Reader, clusters: Vec<Arn>) -> Fetched<ContainerInstance> {
    let parts = each(clusters, |cluster| container_instances_of(reader.clone(), cluster)).await;
    sorted(gather(parts.into_iter().flatten().collect()), |instance| instance.arn.clone())
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
    let (arns, failure) = reader.caller.pages("ecs:ListContainerInstances", &affected, request, take).await;
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
    match reader.caller.send(api, &[cluster.as_str()], request.set_container_instances(Some(batch)).send()).await {
        Ok(answer) => {
            let instances = answer.container_instances.unwrap_or_default().into_iter();
            let failures = answer.failures.unwrap_or_default().into_iter();
            let failed = not_described(api, failures.map(|f| (f.reason, f.arn.unwrap_or_default())));
            (instances.map(|i| convert::container_instance(i, &cluster)).collect(), failed.into_iter().next())
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

/// Revisions that services run or move to, and those of running tasks.
fn revisions_in_use(data: &TargetData) -> Vec<Arn> {
    let mut revisions: BTreeSet<&Arn> = BTreeSet::new();
    for service in data.services.items() {
        revisions.extend(&service.task_definition);
        revisions.extend(service.task_sets.iter().filter_map(|set| set.task_definition.as_ref()));
        let live = service.deployments.iter().filter(|deployment| deployment.status != "INACTIVE");
        revisions.extend(live.filter_map(|deployment| deployment.task_definition.as_ref()));
    }
    let running = data.tasks.items().iter().filter(|task| task.last_status != "STOPPED");
    revisions.extend(running.map(|task| &task.task_definition_arn));
    revisions.extend(data.scheduled_targets().map(|target| &target.task_definition_arn));
    revisions.into_iter().cloned().collect()
}

async fn task_definitions(reader: &Reader, revisions: Vec<Arn>) -> Fetched<TaskDefinition> {
    let parts = each(revisions, |arn| describe_task_definition(reader.clone(), arn)).await;
    let mut definitions = sorted(gather(parts), |definition| definition.arn.clone());
    // A schedule may name a family, whose newest revision something else names by its number.
    if let Some(items) = definitions.items_mut() {
        items.dedup_by(|a, b| a.arn == b.arn);
    }
    definitions
}

async fn describe_task_definition(reader: Reader, arn: Arn) -> (Vec<TaskDefinition>, Option<Failure>) {
    let request = reader.clients.ecs.describe_task_definition().task_definition(arn.as_str()).send();
    match reader.caller.send("ecs:DescribeTaskDefinition", &[arn.as_str()], request).await {
        Ok(answer) => (answer.task_definition.into_iter().map(task_definition::task_definition).collect(), None),
        // Deleted: nothing can run it any more, and nothing is hidden.
        Err(failure) if failure.message.contains("Unable to describe task definition") => (Vec::new(), None),
        Err(failure) => (Vec::new(), Some(failure)),
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

async fn capacity(
    reader: &Reader,
    data: &TargetData,
    names: BTreeMap<String, BTreeSet<Arn>>,
) -> (Fetched<CapacityProvider>, Fetched<AutoScalingGroup>) {
    let inherited = dependency(data, Dataset::CapacityProviders);
    let providers =
        reader.read(Dataset::CapacityProviders, after(inherited, || capacity_providers(reader, names))).await;
    let groups: BTreeSet<Arn> = providers
        .items()
        .iter()
        .filter_map(|provider| match &provider.kind {
            CapacityProviderKind::AutoScalingGroup { auto_scaling_group_arn, .. } => {
                Some(auto_scaling_group_arn.clone())
            }
            _ => None,
        })
        .collect();
    let inherited: Vec<Failure> = providers
        .failures()
        .iter()
        .take(1)
        .map(|failure| plan::passed_on(Dataset::AutoScalingGroups, Dataset::CapacityProviders, failure))
        .collect();
    let groups =
        reader.read(Dataset::AutoScalingGroups, after(inherited, || autoscaling::groups(reader, groups))).await;
    (providers, groups)
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
    sorted(gather(parts), |provider| provider.arn.clone())
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
pub(super) async fn account_settings(reader: &Reader) -> Fetched<AccountSetting> {
    let client = &reader.clients.ecs;
    let request = |token| {
        let list = client.list_account_settings().effective_settings(true);
        list.max_results(SETTINGS_PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_ecs::operation::list_account_settings::ListAccountSettingsOutput| {
        let settings = page.settings.unwrap_or_default().into_iter().map(convert::account_setting);
        (settings.collect::<Vec<_>>(), page.next_token)
    };
    whole(reader.caller.pages("ecs:ListAccountSettings", &[], request, take).await, Clone::clone)
}

/// The same dataset with its items in order, each once.
pub(super) fn sorted<T, K: Ord>(mut fetched: Fetched<T>, key: impl Fn(&T) -> K) -> Fetched<T> {
    if let Some(items) = fetched.items_mut() {
        items.sort_by_key(&key);
        items.dedup_by(|a, b| key(a) == key(b));
    }
    fetched
}
