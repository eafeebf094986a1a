//! Amazon EFS, Amazon ECR and Service Quotas.

use ecs_network_audit::snapshot::storage::{EfsMountTarget, PullThroughCacheRule, RegistryScanning};
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;
use super::ecs_shapes::texts;

pub(super) fn mount_targets(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.required("FileSystemId")?;
    let all = call.world.data().file_systems.items();
    let known = all.iter().find(|system| system.file_system_id == id && system.exists && !call.is_gone(id));
    let missing = || Refusal::with_status(404, "FileSystemNotFound", format!("File system '{id}' does not exist."));
    let system = known.ok_or_else(missing)?;
    let targets: Vec<&EfsMountTarget> = system.mount_targets.iter().collect();
    let page = call.page(&targets)?;
    let shape = |target: &EfsMountTarget| {
        json!({
            "MountTargetId": target.id,
            "FileSystemId": id,
            "SubnetId": target.subnet_id.as_str(),
            "LifeCycleState": target.life_cycle_state,
            "AvailabilityZoneName": target.availability_zone,
            "VpcId": target.vpc_id.as_ref().map(|id| id.as_str()),
            "IpAddress": target.ip_address,
            "NetworkInterfaceId": target.network_interface_id.as_ref().map(|id| id.as_str()),
        })
    };
    let targets: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({"MountTargets": targets, "NextMarker": page.next}))
}

pub(super) fn mount_target_security_groups(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.required("Id")?;
    let mut all = call.world.data().file_systems.items().iter().flat_map(|system| &system.mount_targets);
    let known = all.find(|target| target.id == id && !call.is_gone(id));
    let missing = || Refusal::with_status(404, "MountTargetNotFound", format!("Mount target '{id}' does not exist."));
    let target = known.ok_or_else(missing)?;
    if target.security_groups.is_empty() && target.life_cycle_state != "available" {
        let message = "The mount target is not in the correct lifecycle state.";
        return Err(Refusal::with_status(409, "IncorrectMountTargetState", message));
    }
    Ok(json!({"SecurityGroups": texts(&target.security_groups)}))
}

pub(super) fn pull_through_cache_rules(call: &Call<'_>) -> Result<Value, Refusal> {
    let all: Vec<&PullThroughCacheRule> = call.world.data().pull_through_cache_rules.items().iter().collect();
    let page = call.page(&all)?;
    let shape = |rule: &PullThroughCacheRule| json!({"ecrRepositoryPrefix": rule.ecr_repository_prefix, "upstreamRegistryUrl": rule.upstream_registry_url});
    let rules: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({"pullThroughCacheRules": rules, "nextToken": page.next}))
}

pub(super) fn images(call: &Call<'_>) -> Result<Value, Refusal> {
    let repository = call.required("repositoryName")?;
    let cached = call.world.data().cached_images.items();
    let mut details = Vec::new();
    for reference in call.named() {
        let is_it = |image: &&ecs_network_audit::snapshot::storage::CachedImage| {
            image.repository == repository && image.reference == reference && image.present
        };
        if call.is_gone(reference) || !cached.iter().any(|image| is_it(&image)) {
            let message = format!("The image '{reference}' does not exist within the repository '{repository}'");
            return Err(Refusal::bad("ImageNotFoundException", message));
        }
        details.push(json!({"repositoryName": repository, "imageSizeInBytes": 1}));
    }
    Ok(json!({"imageDetails": details}))
}

/// One name that ECR doesn't know fails the call for all of them.
pub(super) fn repositories(call: &Call<'_>) -> Result<Value, Refusal> {
    let all = call.world.data().repositories.items();
    let mut found = Vec::new();
    for name in call.named() {
        let known = all.iter().find(|own| own.name == name && own.exists && !call.is_gone(name));
        let missing = || {
            let message = format!("The repository with name '{name}' does not exist in the registry");
            Refusal::bad("RepositoryNotFoundException", message)
        };
        let own = known.ok_or_else(missing)?;
        found.push(json!({
            "repositoryName": name,
            "imageScanningConfiguration": {"scanOnPush": own.scan_on_push},
        }));
    }
    Ok(json!({"repositories": found}))
}

pub(super) fn registry_scanning(call: &Call<'_>) -> Result<Value, Refusal> {
    let target = call.world.target();
    let shape = |scanning: &RegistryScanning| {
        let rules = scanning.rules.iter().map(|rule| {
            let filters = rule.filters.iter();
            let filters: Vec<Value> =
                filters.map(|filter| json!({"filter": filter, "filterType": "WILDCARD"})).collect();
            json!({"scanFrequency": rule.scan_frequency, "repositoryFilters": filters})
        });
        json!({"scanType": scanning.scan_type, "rules": rules.collect::<Vec<_>>()})
    };
    let configuration = target.data.registry_scanning.items().first().map(shape);
    Ok(json!({"registryId": target.account, "scanningConfiguration": configuration}))
}

/// The only quota that a snapshot holds.
pub(super) fn quota(call: &Call<'_>) -> Result<Value, Refusal> {
    let (service, code) = (call.required("ServiceCode")?, call.required("QuotaCode")?);
    if (service, code) != ("vpc", "L-DF5E4CA3") {
        let message = format!("The quota {code} of {service} does not exist");
        return Err(Refusal::bad("NoSuchResourceException", message));
    }
    let quota = call.world.data().network_interface_quota.items().first();
    let value = quota.map(|quota| f64::from(quota.interfaces_per_zone));
    Ok(json!({"Quota": {"ServiceCode": service, "QuotaCode": code, "Value": value}}))
}
