//! What was read of Amazon EFS and Amazon ECR. Field names are the API's.

use serde::{Deserialize, Serialize};

use super::ids::{NetworkInterfaceId, SecurityGroupId, SubnetId, VpcId};

/// A file system that a task definition mounts, one item for each that was asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfsFileSystem {
    /// `FileSystemId`.
    pub file_system_id: String,
    /// Amazon EFS knows it.
    pub exists: bool,
    /// Its mount targets, at most one in each zone.
    pub mount_targets: Vec<EfsMountTarget>,
}

/// A mount target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct EfsMountTarget {
    pub id: String,
    pub subnet_id: SubnetId,
    pub availability_zone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<VpcId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<NetworkInterfaceId>,
    pub life_cycle_state: String,
    /// Sorted; may be empty while the mount target isn't `available`.
    pub security_groups: Vec<SecurityGroupId>,
}

/// A pull-through cache rule of the private registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct PullThroughCacheRule {
    /// `ROOT` stands for every repository.
    pub ecr_repository_prefix: String,
    pub upstream_registry_url: String,
}

/// Whether an image that a pull-through cache rule serves is in the cache already.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CachedImage {
    /// The repository of the private registry.
    pub repository: String,
    /// A tag, or `sha256:…`.
    pub reference: String,
    /// It is there.
    pub present: bool,
}

/// A repository of this account and Region that an image in use comes from, one item for each that was asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Repository {
    /// `repositoryName`.
    pub name: String,
    /// Amazon ECR knows it.
    pub exists: bool,
    /// `imageScanningConfiguration.scanOnPush`.
    pub scan_on_push: bool,
}

/// How the private registry scans images.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RegistryScanning {
    /// `scanType`: BASIC or ENHANCED.
    pub scan_type: String,
    /// At most one for each frequency.
    pub rules: Vec<ScanningRule>,
}

/// A rule of the registry's scanning configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScanningRule {
    /// `scanFrequency`: SCAN_ON_PUSH, CONTINUOUS_SCAN or MANUAL.
    pub scan_frequency: String,
    /// `repositoryFilters[].filter`: parts of names, or whole names with `*`.
    pub filters: Vec<String>,
}
