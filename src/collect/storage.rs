//! Amazon EFS and Amazon ECR: what task definitions mount, and images that come through a pull-through cache.

use std::collections::BTreeSet;

use super::call::says;
use super::convert::{id, maybe_id, text};
use super::ecs::sorted;
use super::plan::{Reader, each, gather, whole};
use crate::image::{self, Image};
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::ids::SecurityGroupId;
use crate::snapshot::storage::{
    CachedImage, EfsFileSystem, EfsMountTarget, PullThroughCacheRule, RegistryScanning, Repository, ScanningRule,
};

const EFS_PAGE: i32 = 100;
const ECR_PAGE: i32 = 1000;
const REPOSITORIES_A_CALL: usize = 100;

/// What task definitions mount, and what is asked about the images in use.
pub(super) async fn read(reader: &Reader) {
    tokio::join!(
        reader.derive(Dataset::FileSystems, |data| &mut data.file_systems, mounted, |ids| file_systems(reader, ids)),
        reader.read(
            Dataset::PullThroughCacheRules,
            |data| &mut data.pull_through_cache_rules,
            pull_through_cache_rules(reader)
        ),
        reader.derive(
            Dataset::CachedImages,
            |data| &mut data.cached_images,
            |data| through_a_cache(reader, data),
            |images| cached_images(reader, images)
        ),
        reader.derive(
            Dataset::Repositories,
            |data| &mut data.repositories,
            |data| own_images(reader, data).map(|image| image.repository).collect(),
            |names| repositories(reader, names)
        ),
        reader.read(Dataset::RegistryScanning, |data| &mut data.registry_scanning, registry_scanning(reader)),
    );
}

/// The file systems that task definitions mount.
fn mounted(data: &TargetData) -> BTreeSet<String> {
    let definitions = data.task_definitions.items().iter();
    let volumes = definitions.flat_map(|definition| &definition.volumes).filter_map(|volume| volume.efs.as_ref());
    volumes.map(|efs| efs.file_system_id.clone()).collect()
}

async fn file_systems(reader: &Reader, ids: BTreeSet<String>) -> Fetched<EfsFileSystem> {
    let parts = each(ids.into_iter().collect(), |id| file_system(reader.clone(), id)).await;
    sorted(gather(parts), |a, b| a.file_system_id.cmp(&b.file_system_id))
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
    let request = client.describe_mount_target_security_groups().mount_target_id(&target.mount_target_id);
    let api = "elasticfilesystem:DescribeMountTargetSecurityGroups";
    let groups = match reader.caller.send(api, &[file_system_id], || request.clone().send()).await {
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

async fn pull_through_cache_rules(reader: &Reader) -> Fetched<PullThroughCacheRule> {
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
    whole(reader.caller.pages("ecr:DescribePullThroughCacheRules", &[], request, take).await, Ord::cmp)
}

/// Images in use that are in the registry of this account and Region.
fn own_images(reader: &Reader, data: &TargetData) -> impl Iterator<Item = Image> {
    let containers = data.task_definitions.items().iter().flat_map(|definition| &definition.containers);
    let images = containers.map(|container| image::parse(&container.image));
    images.filter(|image| image.is_in(&reader.account, &reader.region))
}

/// Repository and reference of images of this account and Region that a cache rule may have to fetch first.
fn through_a_cache(reader: &Reader, data: &TargetData) -> BTreeSet<(String, String)> {
    let rules = data.pull_through_cache_rules.items();
    let cached = own_images(reader, data)
        .filter(|image| rules.iter().any(|rule| image.comes_through(&rule.ecr_repository_prefix)));
    cached.map(|image| (image.repository, image.reference)).collect()
}

async fn cached_images(reader: &Reader, images: BTreeSet<(String, String)>) -> Fetched<CachedImage> {
    let parts = each(images.into_iter().collect(), |image| cached_image(reader.clone(), image)).await;
    sorted(gather(parts), Ord::cmp)
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
    let request = reader.clients.ecr.describe_images().repository_name(&repository).image_ids(wanted);
    let affected = format!("{repository}:{reference}");
    let answer = reader.caller.send("ecr:DescribeImages", &[&affected], || request.clone().send()).await;
    let present = match answer {
        Ok(answer) => answer.image_details.is_some_and(|details| !details.is_empty()),
        Err(failure) if says(&failure, &["ImageNotFoundException", "RepositoryNotFoundException"]) => false,
        Err(failure) => return (Vec::new(), Some(failure)),
    };
    (vec![CachedImage { repository, reference, present }], None)
}

/// The repositories of images in use.
async fn repositories(reader: &Reader, names: BTreeSet<String>) -> Fetched<Repository> {
    let names: Vec<String> = names.into_iter().collect();
    let batches = names.chunks(REPOSITORIES_A_CALL).map(<[String]>::to_vec).collect();
    let parts = each(batches, |names| repositories_of(reader.clone(), names)).await;
    sorted(gather(parts), Ord::cmp)
}

/// One name that ECR doesn't know fails the call for all of them, so a batch is halved until that name stands alone.
async fn repositories_of(reader: Reader, names: Vec<String>) -> (Vec<Repository>, Option<Failure>) {
    let affected: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut found, mut open) = (Vec::with_capacity(names.len()), vec![names.clone()]);
    while let Some(names) = open.pop() {
        let request = reader.clients.ecr.describe_repositories().set_repository_names(Some(names.clone()));
        match reader.caller.send("ecr:DescribeRepositories", &affected, || request.clone().send()).await {
            Ok(answer) => found.extend(answer.repositories.unwrap_or_default().into_iter().map(repository)),
            // A name that ECR wouldn't take can't be one of its repositories either.
            Err(failure) if says(&failure, &["RepositoryNotFoundException", "InvalidParameterException"]) => {
                match names.as_slice() {
                    [name] => found.push(Repository { name: name.clone(), exists: false, scan_on_push: false }),
                    names => {
                        let (one, other) = names.split_at(names.len() / 2);
                        open.extend([one.to_vec(), other.to_vec()]);
                    }
                }
            }
            Err(failure) => return (found, Some(failure)),
        }
    }
    (found, None)
}

fn repository(repository: aws_sdk_ecr::types::Repository) -> Repository {
    Repository {
        name: text(repository.repository_name),
        exists: true,
        scan_on_push: repository.image_scanning_configuration.is_some_and(|scanning| scanning.scan_on_push),
    }
}

async fn registry_scanning(reader: &Reader) -> Fetched<RegistryScanning> {
    let request = reader.clients.ecr.get_registry_scanning_configuration();
    let read = match reader.caller.send("ecr:GetRegistryScanningConfiguration", &[], || request.clone().send()).await {
        Ok(answer) => (answer.scanning_configuration.map(scanning).into_iter().collect(), None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    whole(read, Ord::cmp)
}

fn scanning(configuration: aws_sdk_ecr::types::RegistryScanningConfiguration) -> RegistryScanning {
    let rule = |rule: aws_sdk_ecr::types::RegistryScanningRule| ScanningRule {
        scan_frequency: rule.scan_frequency.as_str().to_owned(),
        filters: rule.repository_filters.into_iter().map(|filter| filter.filter).collect(),
    };
    let mut rules: Vec<ScanningRule> = configuration.rules.unwrap_or_default().into_iter().map(rule).collect();
    rules.sort();
    let scan_type = configuration.scan_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default();
    RegistryScanning { scan_type, rules }
}
