//! Amazon EFS and Amazon ECR: what task definitions mount, and images that come through a pull-through cache.

use std::collections::BTreeSet;

use super::call::says;
use super::convert::{id, maybe_id, text};
use super::ecs::sorted;
use super::plan::{Reader, each, gather, whole};
use crate::image;
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Failure, Fetched};
use crate::snapshot::ids::SecurityGroupId;
use crate::snapshot::storage::{CachedImage, EfsFileSystem, EfsMountTarget, PullThroughCacheRule};

const EFS_PAGE: i32 = 100;
const ECR_PAGE: i32 = 1000;

/// The file systems that task definitions mount.
pub(super) async fn file_systems(reader: &Reader, data: &TargetData) -> Fetched<EfsFileSystem> {
    let definitions = data.task_definitions.items().iter();
    let volumes = definitions.flat_map(|definition| &definition.volumes).filter_map(|volume| volume.efs.as_ref());
    let ids: BTreeSet<String> = volumes.map(|efs| efs.file_system_id.clone()).collect();
    let parts = each(ids.into_iter().collect(), |id| file_system(reader.clone(), id)).await;
    sorted(gather(parts), |file_system| file_system.file_system_id.clone())
}

async fn file_system(reader: Reader, file_system_id: String) -> (Vec<EfsFileSystem>, Option<Failure>) {
    let client = &reader.clients.efs;
    let request = |marker| {
        let describe = client.describe_mount_targets().file_system_id(&file_system_id);
        describe.max_items(EFS_PAGE).set_marker(marker).send()
    };
    let take = |page: aws_sdk_efs::operation::describe_mount_targets::DescribeMountTargetsOutput| {
        (page.mount_targets.unwrap_or_default(), page.next_marker)
    };
    let api = "elasticfilesystem:DescribeMountTargets";
    let (found, failure) = reader.caller.pages(api, &[&file_system_id], request, take).await;
    match failure {
        Some(failure) if says(&failure, &["FileSystemNotFound"]) => {
            (vec![EfsFileSystem { file_system_id, exists: false, mount_targets: Vec::new() }], None)
        }
        Some(failure) => (Vec::new(), Some(failure)),
        None => {
            let mut mount_targets = Vec::with_capacity(found.len());
            for target in found {
                match with_groups(&reader, &file_system_id, target).await {
                    Ok(target) => mount_targets.extend(target),
                    // Some of the targets say nothing of the others.
                    Err(failure) => return (Vec::new(), Some(failure)),
                }
            }
            mount_targets.sort_by(|a, b| a.id.cmp(&b.id));
            (vec![EfsFileSystem { file_system_id, exists: true, mount_targets }], None)
        }
    }
}

/// `None` for one that went away in between.
async fn with_groups(
    reader: &Reader,
    file_system_id: &str,
    target: aws_sdk_efs::types::MountTargetDescription,
) -> Result<Option<EfsMountTarget>, Failure> {
    let client = &reader.clients.efs;
    let request = client.describe_mount_target_security_groups().mount_target_id(&target.mount_target_id).send();
    let api = "elasticfilesystem:DescribeMountTargetSecurityGroups";
    let groups = match reader.caller.send(api, &[file_system_id], request).await {
        Ok(answer) => answer.security_groups,
        Err(failure) if says(&failure, &["MountTargetNotFound"]) => return Ok(None),
        // One that is being made or taken away shows none, and serves nobody.
        Err(failure)
            if says(&failure, &["IncorrectMountTargetState"]) && target.life_cycle_state.as_str() != "available" =>
        {
            Vec::new()
        }
        Err(failure) => return Err(failure),
    };
    let mut security_groups: Vec<SecurityGroupId> = groups.into_iter().map(SecurityGroupId::from).collect();
    security_groups.sort();
    Ok(Some(EfsMountTarget {
        id: target.mount_target_id,
        subnet_id: target.subnet_id.into(),
        availability_zone: text(target.availability_zone_name),
        vpc_id: maybe_id(target.vpc_id),
        ip_address: target.ip_address,
        network_interface_id: maybe_id(target.network_interface_id),
        life_cycle_state: target.life_cycle_state.as_str().to_owned(),
        security_groups,
    }))
}

pub(super) async fn pull_through_cache_rules(reader: &Reader) -> Fetched<PullThroughCacheRule> {
    let client = &reader.clients.ecr;
    let request = |token| client.describe_pull_through_cache_rules().max_results(ECR_PAGE).set_next_token(token).send();
    let take =
        |page: aws_sdk_ecr::operation::describe_pull_through_cache_rules::DescribePullThroughCacheRulesOutput| {
            let rules =
                page.pull_through_cache_rules.unwrap_or_default().into_iter().map(|rule| PullThroughCacheRule {
                    ecr_repository_prefix: id(rule.ecr_repository_prefix),
                    upstream_registry_url: id(rule.upstream_registry_url),
                });
            (rules.collect::<Vec<_>>(), page.next_token)
        };
    whole(reader.caller.pages("ecr:DescribePullThroughCacheRules", &[], request, take).await, Clone::clone)
}

/// Images of this account and Region that a cache rule may have to fetch first.
pub(super) async fn cached_images(reader: &Reader, data: &TargetData) -> Fetched<CachedImage> {
    let rules = data.pull_through_cache_rules.items();
    let definitions = data.task_definitions.items().iter();
    let images =
        definitions.flat_map(|definition| &definition.containers).map(|container| image::parse(&container.image));
    let own = images.filter(|image| image.is_in(&reader.account, &reader.region));
    let cached = own.filter(|image| rules.iter().any(|rule| image.comes_through(&rule.ecr_repository_prefix)));
    let pairs: BTreeSet<(String, String)> = cached.map(|image| (image.repository, image.reference)).collect();
    let parts = each(pairs.into_iter().collect(), |pair| cached_image(reader.clone(), pair)).await;
    sorted(gather(parts), Clone::clone)
}

async fn cached_image(
    reader: Reader,
    (repository, reference): (String, String),
) -> (Vec<CachedImage>, Option<Failure>) {
    let wanted = aws_sdk_ecr::types::ImageIdentifier::builder();
    let wanted = match reference.starts_with("sha256:") {
        true => wanted.image_digest(&reference).build(),
        false => wanted.image_tag(&reference).build(),
    };
    let request = reader.clients.ecr.describe_images().repository_name(&repository).image_ids(wanted).send();
    let affected = format!("{repository}:{reference}");
    let answer = reader.caller.send("ecr:DescribeImages", &[&affected], request).await;
    let present = match answer {
        Ok(answer) => answer.image_details.is_some_and(|details| !details.is_empty()),
        Err(failure) if says(&failure, &["ImageNotFoundException", "RepositoryNotFoundException"]) => false,
        Err(failure) => return (Vec::new(), Some(failure)),
    };
    (vec![CachedImage { repository, reference, present }], None)
}
