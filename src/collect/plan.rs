//! The order of a scan: clusters first, then everything that doesn't wait for anything at once, then what does.

use std::collections::BTreeSet;
use std::future::Future;

use tokio::task::JoinSet;

use super::call::{self, Caller};
use super::{Clients, Event, Request, dataset, dns, ec2, ecs, elbv2, storage, vpc_links};
use crate::snapshot::coverage::{Dataset, Failure, FailureClass, Fetched};
use crate::snapshot::{Scope, TargetData};

/// What every reading function needs.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) clients: Clients,
    pub(super) caller: Caller,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) scope: Scope,
    wanted: BTreeSet<Dataset>,
}

impl Reader {
    /// Reads a dataset if the plan has it.
    pub(super) async fn read<T>(&self, dataset: Dataset, read: impl Future<Output = Fetched<T>>) -> Fetched<T> {
        if !self.wanted.contains(&dataset) {
            return Fetched::NotRequested;
        }
        self.caller.tell(Event::DatasetStarted(dataset));
        // On the heap: the SDK's futures are large and many are polled from one place.
        let fetched = Box::pin(read).await;
        let (status, items) = (fetched.status_word(), fetched.items().len());
        self.caller.tell(Event::DatasetFinished { dataset, status, items });
        fetched
    }
}

/// Reads the requested datasets and those that they are derived from.
pub(super) async fn read(
    clients: Clients,
    caller: Caller,
    account: &str,
    region: &str,
    request: &Request,
) -> TargetData {
    let reader = Reader {
        clients,
        caller,
        account: account.to_owned(),
        region: region.to_owned(),
        scope: request.scope.clone(),
        wanted: dataset::closure(&request.datasets),
    };
    let mut data = TargetData::not_requested();
    data.clusters = reader.read(Dataset::Clusters, ecs::clusters(&reader)).await;
    if data.clusters.is_complete() && data.clusters.items().is_empty() {
        // An idle Region: nothing else can matter.
        data.set_empty(&reader.wanted);
        return data;
    }
    let (ecs, network, load_balancing, dns, settings, associations, peerings, cache_rules, scanning, quota) = tokio::join!(
        Box::pin(ecs::read(&reader, &data.clusters)),
        Box::pin(ec2::read(&reader)),
        Box::pin(elbv2::read(&reader)),
        Box::pin(dns::read(&reader)),
        reader.read(Dataset::AccountSettings, ecs::account_settings(&reader)),
        reader.read(Dataset::SecurityGroupVpcAssociations, vpc_links::security_group_vpc_associations(&reader)),
        reader.read(Dataset::VpcPeeringConnections, vpc_links::vpc_peering_connections(&reader)),
        reader.read(Dataset::PullThroughCacheRules, storage::pull_through_cache_rules(&reader)),
        reader.read(Dataset::RegistryScanning, storage::registry_scanning(&reader)),
        reader.read(Dataset::NetworkInterfaceQuota, vpc_links::network_interface_quota(&reader)),
    );
    data.security_group_vpc_associations = associations;
    data.vpc_peering_connections = peerings;
    data.pull_through_cache_rules = cache_rules;
    data.registry_scanning = scanning;
    data.network_interface_quota = quota;
    data.account_settings = settings;
    ecs.store(&mut data);
    network.store(&mut data);
    load_balancing.store(&mut data);
    dns.store(&mut data);
    Box::pin(dependent(&reader, &mut data)).await;
    // Last of all, so that as much time as can be lies between the two readings.
    Box::pin(ecs::read_agents_again(&reader, &mut data.container_instances)).await;
    data
}

/// What waits for both ECS and the network, or for the load balancers and the services that use them.
async fn dependent(reader: &Reader, data: &mut TargetData) {
    let vpcs = ec2::workload_vpcs(data);
    let prefix_lists = ec2::named_prefix_lists(data);
    let source = |dataset| dependency(data, dataset);
    let (
        vpc_dns_attributes,
        (hosted_zones, hosted_zone_records),
        prefix_lists,
        balancing,
        file_systems,
        (cached_images, repositories),
    ) = tokio::join!(
        // These two have an item for each VPC that was asked about, so a VPC that was overlooked is not taken for one
        // without zones: what their sources lack needs no failure of its own.
        reader.read(Dataset::VpcDnsAttributes, ec2::vpc_dns_attributes(reader, vpcs.clone())),
        dns::zones_and_records(reader, vpcs),
        reader.read(
            Dataset::PrefixLists,
            after(source(Dataset::PrefixLists), || { ec2::prefix_lists(reader, prefix_lists) })
        ),
        Box::pin(elbv2::of_services(reader, data)),
        reader.read(Dataset::FileSystems, after(source(Dataset::FileSystems), || storage::file_systems(reader, data))),
        storage::images(reader, data),
    );
    data.vpc_dns_attributes = vpc_dns_attributes;
    data.hosted_zones = hosted_zones;
    data.hosted_zone_records = hosted_zone_records;
    data.file_systems = file_systems;
    data.cached_images = cached_images;
    data.repositories = repositories;
    data.prefix_lists = prefix_lists;
    balancing.store(data);
}

/// What a failed source means for what is derived from it: the list of parents may be too short.
pub(super) async fn after<T, F>(dependency: Vec<Failure>, read: impl FnOnce() -> F) -> Fetched<T>
where
    F: Future<Output = Fetched<T>>,
{
    let fetched = read().await;
    if dependency.is_empty() {
        return fetched;
    }
    match fetched {
        Fetched::Complete { items } => Fetched::from_parts(items, dependency),
        Fetched::Partial { items, mut failures } => {
            failures.extend(dependency);
            Fetched::from_parts(items, failures)
        }
        other => other,
    }
}

/// Failures that the sources of a dataset pass on to it.
pub(super) fn dependency(data: &TargetData, dataset: Dataset) -> Vec<Failure> {
    let coverage = data.coverage();
    let sources = dataset::sources(dataset);
    let failed = coverage.iter().filter(|(source, _, _, failures)| sources.contains(source) && !failures.is_empty());
    failed.map(|(source, _, _, failures)| passed_on(dataset, *source, &failures[0])).collect()
}

/// The failure of a source, seen from what is derived from it.
pub(super) fn passed_on(dataset: Dataset, source: Dataset, failure: &Failure) -> Failure {
    Failure {
        class: FailureClass::Dependency,
        operation: dataset::operations(dataset)[0].to_owned(),
        iam_action: failure.iam_action.clone(),
        message: format!("{} could not all be read: {}", source.name(), failure.message),
        affected: Vec::new(),
    }
}

/// Runs a reading function for each parent at once; the answers come in the order of the parents.
pub(super) async fn each<T, R, F>(parents: Vec<T>, read: impl Fn(T) -> F) -> Vec<R>
where
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (index, parent) in parents.into_iter().enumerate() {
        let read = read(parent);
        tasks.spawn(async move { (index, read.await) });
    }
    let mut answers = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok(answer) => answers.push(answer),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => unreachable!("no task of a scan is ever cancelled: {error}"),
            },
        }
    }
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Puts the parts of a dataset together. When every part failed, nothing of it is known.
pub(super) fn gather<T>(parts: Vec<(Vec<T>, Option<Failure>)>) -> Fetched<T> {
    let all = parts.len();
    let (mut items, mut failures) = (Vec::new(), Vec::new());
    for (more, failure) in parts {
        items.extend(more);
        failures.extend(failure);
    }
    if items.is_empty() && failures.len() == all && all > 0 {
        let mut failure = failures.swap_remove(0);
        failure.affected.clear();
        return Fetched::Unavailable { failure };
    }
    Fetched::from_parts(items, failures)
}

/// A dataset that one paged call reads.
pub(super) fn whole<T, K: Ord>((mut items, failure): (Vec<T>, Option<Failure>), key: impl Fn(&T) -> K) -> Fetched<T> {
    items.sort_by_key(key);
    gather(vec![(items, failure)])
}

/// Things that were listed and then not described, other than those that went away in between.
pub(super) fn not_described(
    api: &'static str,
    reasons: impl IntoIterator<Item = (Option<String>, String)>,
) -> Vec<Failure> {
    let not_gone = reasons.into_iter().filter(|(reason, _)| reason.as_deref() != Some("MISSING"));
    not_gone
        .map(|(reason, id)| {
            let reason = reason.unwrap_or_else(|| "no reason given".to_owned());
            call::failure(api, FailureClass::Service, format!("{id} was not described: {reason}"), &[&id])
        })
        .collect()
}
