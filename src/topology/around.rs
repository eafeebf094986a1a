//! Lookups of what lies around the workloads: peering, associated groups, zone records, file systems, and what names a
//! load balancer or target group.

use rustc_hash::FxHashMap;

use super::index::missing;
use super::{Lookup, Topology, gap_for};
use crate::reach::verdict::Gap;
use crate::snapshot::TargetData;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::elb::ListenerRule;
use crate::snapshot::ids::{Arn, SecurityGroupId, VpcId};
use crate::snapshot::storage::{EfsFileSystem, RegistryScanning, Repository};
use crate::snapshot::vpc::{FlowLog, NetworkInterface, RouteTable, VpcPeeringConnection};

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
        match self.file_systems.get(id) {
            Some(file_system) => Lookup::Found(file_system),
            None => missing(fetched, Dataset::FileSystems, id),
        }
    }

    /// The repository of the private registry, if an image in use comes from it.
    pub fn repository(&self, name: &str) -> Lookup<&'s Repository> {
        let fetched = &self.data().repositories;
        match self.repositories.get(name) {
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

    /// The network interfaces that carry a description of Elastic Load Balancing, `ELB net/…`.
    pub fn network_interfaces_described(&self, description: &str) -> &[&'s NetworkInterface] {
        self.balancer_interfaces.get(description).map_or(&[], Vec::as_slice)
    }

    /// The rules that were read and name a target group, possibly not all.
    pub fn known_rules_to(&self, target_group: &Arn) -> &[&'s ListenerRule] {
        self.rules_to.get(target_group).map_or(&[], Vec::as_slice)
    }

    /// Whether cross-zone load balancing is on for a Network Load Balancer; `None` when its attributes are not known.
    pub fn balances_across_zones(&self, load_balancer: &Arn) -> Option<bool> {
        let found = self.load_balancer_attributes.get(load_balancer)?;
        Some(found.attributes.get("load_balancing.cross_zone.enabled").is_some_and(|value| value == "true"))
    }
}

pub(super) fn balancer_interfaces(data: &TargetData) -> FxHashMap<&str, Vec<&NetworkInterface>> {
    let mut by_description: FxHashMap<&str, Vec<&NetworkInterface>> = FxHashMap::default();
    for interface in data.network_interfaces.items().iter().filter(|i| i.description.starts_with("ELB ")) {
        by_description.entry(&interface.description).or_default().push(interface);
    }
    by_description
}

pub(super) fn rules_to(data: &TargetData) -> FxHashMap<&Arn, Vec<&ListenerRule>> {
    let mut groups: FxHashMap<&Arn, Vec<&ListenerRule>> = FxHashMap::default();
    for rule in data.listener_rules.items() {
        for (group, _) in rule.actions.iter().flat_map(|action| &action.target_groups) {
            groups.entry(group).or_default().push(rule);
        }
    }
    groups
}
