//! Lookups of what lies around the workloads: peering, associated groups, zone records, file systems.

use super::index::missing;
use super::{Lookup, Topology, gap_for};
use crate::reach::verdict::Gap;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ids::{Arn, SecurityGroupId, VpcId};
use crate::snapshot::storage::{EfsFileSystem, RegistryScanning, Repository};
use crate::snapshot::vpc::{FlowLog, RouteTable, VpcPeeringConnection};

impl<'s> Topology<'s> {
    /// Whether a security group is associated with a VPC that is not its own.
    pub fn is_associated(&self, group: &SecurityGroupId, vpc: &VpcId) -> Lookup<bool> {
        let fetched = &self.data().security_group_vpc_associations;
        let mut all = fetched.items().iter();
        match all.find(|association| association.group_id == *group && association.vpc_id == *vpc) {
            Some(association) => Lookup::Found(association.state == "associated"),
            None => missing(fetched, Dataset::SecurityGroupVpcAssociations, group.as_str()).or_else(false),
        }
    }

    /// Whether an active peering connection joins two VPCs.
    pub fn are_peered(&self, one: &VpcId, other: &VpcId) -> Lookup<bool> {
        let fetched = &self.data().vpc_peering_connections;
        let joins = |connection: &VpcPeeringConnection| {
            let ends = (connection.requester_vpc_id.as_ref(), connection.accepter_vpc_id.as_ref());
            connection.status == "active" && (ends == (Some(one), Some(other)) || ends == (Some(other), Some(one)))
        };
        match fetched.items().iter().any(joins) {
            true => Lookup::Found(true),
            false => missing(fetched, Dataset::VpcPeeringConnections, one.as_str()).or_else(false),
        }
    }

    /// The route tables of a VPC.
    pub fn route_tables_of_vpc(&self, vpc: &VpcId) -> Result<Vec<&'s RouteTable>, Gap> {
        let fetched = &self.data().route_tables;
        match gap_for(fetched, Dataset::RouteTables, vpc.as_str()) {
            Some(gap) => Err(gap),
            None => Ok(fetched.items().iter().filter(|table| table.vpc_id == *vpc).collect()),
        }
    }

    /// The file system, if a task definition names it.
    pub fn file_system(&self, id: &str) -> Lookup<&'s EfsFileSystem> {
        let fetched = &self.data().file_systems;
        match fetched.items().iter().find(|file_system| file_system.file_system_id == id) {
            Some(file_system) => Lookup::Found(file_system),
            None => missing(fetched, Dataset::FileSystems, id),
        }
    }

    /// The repository of the private registry, if an image in use comes from it.
    pub fn repository(&self, name: &str) -> Lookup<&'s Repository> {
        let fetched = &self.data().repositories;
        match fetched.items().iter().find(|repository| repository.name == name) {
            Some(repository) => Lookup::Found(repository),
            None => missing(fetched, Dataset::Repositories, name),
        }
    }

    /// How the private registry scans images.
    pub fn registry_scanning(&self) -> Lookup<&'s RegistryScanning> {
        let fetched = &self.data().registry_scanning;
        match fetched.items().first() {
            Some(scanning) => Lookup::Found(scanning),
            None => missing(fetched, Dataset::RegistryScanning, ""),
        }
    }

    /// The flow logs of a VPC, subnet or interface that are in force.
    pub fn active_flow_logs(&self, resource_id: &str) -> impl Iterator<Item = &'s FlowLog> {
        let all = self.data().flow_logs.items().iter();
        all.filter(move |log| log.status == "ACTIVE" && log.resource_id == resource_id)
    }

    /// Whether a private zone has a record for a host, by its name or a wildcard; `Absent` when its records were not
    /// asked for: only zones of this account for names of AWS are.
    pub fn zone_has_record(&self, zone_id: &str, host: &str) -> Lookup<bool> {
        let fetched = &self.data().hosted_zone_records;
        let Some(zone) = fetched.items().iter().find(|zone| zone.zone_id == zone_id) else {
            return missing(fetched, Dataset::HostedZoneRecords, zone_id);
        };
        let answers = |name: &str, kind: &str| {
            let matches = match name.strip_prefix("*.") {
                Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1),
                None => name == host,
            };
            matches && matches!(kind, "A" | "AAAA" | "CNAME")
        };
        Lookup::Found(zone.records.iter().any(|(name, kind)| answers(name, kind)))
    }

    /// Whether cross-zone load balancing is on for a Network Load Balancer; `None` when its attributes are not known.
    pub fn balances_across_zones(&self, load_balancer: &Arn) -> Option<bool> {
        let all = self.data().load_balancer_attributes.items();
        let found = all.iter().find(|attributes| attributes.load_balancer_arn == *load_balancer)?;
        Some(found.attributes.get("load_balancing.cross_zone.enabled").is_some_and(|value| value == "true"))
    }
}
