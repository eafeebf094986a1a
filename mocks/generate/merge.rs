//! Cells put together to one account.

use ecs_network_audit::snapshot::TargetData;
use ecs_network_audit::snapshot::coverage::Fetched;

/// Adds what a cell has.
pub(super) fn into(whole: &mut TargetData, cell: TargetData) {
    macro_rules! add {
        ($($field:ident),+ $(,)?) => {
            $(append(&mut whole.$field, cell.$field);)+
        };
    }
    add!(
        clusters,
        services,
        tasks,
        task_definitions,
        container_instances,
        vpcs,
        vpc_dns_attributes,
        subnets,
        route_tables,
        nat_gateways,
        internet_gateways,
        vpc_endpoints,
        security_groups,
        network_acls,
        prefix_lists,
        instances,
        instance_types,
        network_interfaces,
        flow_logs,
        hosted_zones,
        load_balancers,
        listeners,
        listener_rules,
        target_groups,
        target_group_attributes,
        target_health,
        repositories,
    );
}

fn append<T>(whole: &mut Fetched<T>, cell: Fetched<T>) {
    let mut cell = cell;
    if let (Some(whole), Some(cell)) = (whole.items_mut(), cell.items_mut()) {
        whole.append(cell);
    }
}

/// What every cell has for itself and an account has once.
pub(super) fn remove_duplicates(whole: &mut TargetData) {
    once(&mut whole.prefix_lists, |list| list.id.as_str().to_owned());
    once(&mut whole.instance_types, |kind| kind.name.clone());
    once(&mut whole.repositories, |repository| repository.name.clone());
}

/// Sorts what there is most of; the snapshot's own sorting copies a key at every comparison.
pub(super) fn sort(whole: &mut TargetData) {
    let tasks = whole.tasks.items_mut().into_iter();
    tasks.for_each(|tasks| tasks.sort_unstable_by(|a, b| a.arn.cmp(&b.arn)));
    let interfaces = whole.network_interfaces.items_mut().into_iter();
    interfaces.for_each(|interfaces| interfaces.sort_unstable_by(|a, b| a.id.cmp(&b.id)));
    if let Some(health) = whole.target_health.items_mut() {
        health.sort_unstable_by(|a, b| {
            (&a.target_group_arn, &a.target_id, a.port).cmp(&(&b.target_group_arn, &b.target_id, b.port))
        });
    }
}

fn once<T>(fetched: &mut Fetched<T>, name: impl Fn(&T) -> String) {
    if let Some(items) = fetched.items_mut() {
        items.sort_by_key(&name);
        items.dedup_by_key(|item| name(item));
    }
}
