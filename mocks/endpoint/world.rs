//! One account and Region as the endpoint knows it: the snapshot, and where things are in it.

use std::collections::HashMap;
use std::sync::Arc;

use ecs_network_audit::snapshot::{Snapshot, Target, TargetData};

/// Places of items by a name.
pub(super) type Places = HashMap<String, Vec<usize>>;

/// What an account has in a Region.
pub(super) struct World {
    snapshot: Arc<Snapshot>,
    /// The target's place, or a target without anything.
    target: Result<usize, Box<Target>>,
    pub(super) clusters: Places,
    pub(super) services: Places,
    pub(super) services_of: Places,
    pub(super) tasks: Places,
    pub(super) tasks_of: Places,
    pub(super) instances: Places,
    pub(super) instances_of: Places,
    pub(super) definitions: Places,
    pub(super) health_of: Places,
    pub(super) listeners_of: Places,
    pub(super) rules_of: Places,
}

impl World {
    /// A target of the snapshot.
    pub(super) fn of(snapshot: &Arc<Snapshot>, at: usize) -> Self {
        let data = &snapshot.targets[at].data;
        let definitions = data.task_definitions.items();
        let mut names = places(definitions, |definition| definition.arn.as_str());
        for (at, definition) in definitions.iter().enumerate() {
            // A family, by its name or in an ARN, stands for its newest revision.
            let arn = definition.arn.as_str();
            let family = arn.rsplit_once(':').map_or(arn, |(family, _)| family);
            let revision = format!("{}:{}", definition.family, definition.revision);
            names.entry(revision).or_default().push(at);
            for name in [family, definition.family.as_str()] {
                let newest = names.entry(name.to_owned()).or_insert_with(|| vec![at]);
                if definitions[newest[0]].revision < definition.revision {
                    newest[0] = at;
                }
            }
        }
        Self {
            clusters: places(data.clusters.items(), |cluster| cluster.arn.as_str()),
            services: places(data.services.items(), |service| service.arn.as_str()),
            services_of: places(data.services.items(), |service| service.cluster_arn.as_str()),
            tasks: places(data.tasks.items(), |task| task.arn.as_str()),
            tasks_of: places(data.tasks.items(), |task| task.cluster_arn.as_str()),
            instances: places(data.container_instances.items(), |instance| instance.arn.as_str()),
            instances_of: places(data.container_instances.items(), |instance| instance.cluster_arn.as_str()),
            definitions: names,
            health_of: places(data.target_health.items(), |health| health.target_group_arn.as_str()),
            listeners_of: places(data.listeners.items(), |listener| listener.load_balancer_arn.as_str()),
            rules_of: places(data.listener_rules.items(), |rule| rule.listener_arn.as_str()),
            target: Ok(at),
            snapshot: Arc::clone(snapshot),
        }
    }

    /// A Region in which the account has nothing.
    pub(super) fn idle(snapshot: &Arc<Snapshot>, account: &str, region: &str) -> Self {
        let like = snapshot.targets.iter().find(|target| target.account == account);
        let target = Target {
            account: account.to_owned(),
            region: region.to_owned(),
            partition: like.map_or_else(|| "aws".to_owned(), |target| target.partition.clone()),
            caller_arn: like.map_or_else(|| format!("arn:aws:iam::{account}:root"), |target| target.caller_arn.clone()),
            endpoint_override: None,
            data: TargetData::not_requested(),
            calls: Default::default(),
            identity_calls: Default::default(),
        };
        Self {
            snapshot: Arc::clone(snapshot),
            target: Err(Box::new(target)),
            clusters: Places::new(),
            services: Places::new(),
            services_of: Places::new(),
            tasks: Places::new(),
            tasks_of: Places::new(),
            instances: Places::new(),
            instances_of: Places::new(),
            definitions: Places::new(),
            health_of: Places::new(),
            listeners_of: Places::new(),
            rules_of: Places::new(),
        }
    }

    pub(super) fn target(&self) -> &Target {
        match &self.target {
            Ok(at) => &self.snapshot.targets[*at],
            Err(idle) => idle,
        }
    }

    pub(super) fn data(&self) -> &TargetData {
        &self.target().data
    }

    /// The targets of the same account.
    pub(super) fn account(&self) -> impl Iterator<Item = &Target> {
        let account = self.target().account.as_str();
        self.snapshot.targets.iter().filter(move |target| target.account == account)
    }

    /// All targets.
    pub(super) fn everywhere(&self) -> &[Target] {
        &self.snapshot.targets
    }
}

fn places<T>(items: &[T], name: impl Fn(&T) -> &str) -> Places {
    let mut places = Places::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        match places.get_mut(name(item)) {
            Some(of_name) => of_name.push(at),
            None => drop(places.insert(name(item).to_owned(), vec![at])),
        }
    }
    places
}

/// The items at the places of a name.
pub(super) fn at<'a, T>(items: &'a [T], places: &Places, name: &str) -> Vec<&'a T> {
    places.get(name).into_iter().flatten().map(|at| &items[*at]).collect()
}
