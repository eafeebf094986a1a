//! Commands that create the endpoints that are missing.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::view::View;
use crate::analysis::names;
use crate::reach::filter::Amount;
use crate::reach::group::{self, Peer};
use crate::reach::space::AddressSet;
use crate::reach::traffic::Traffic;
use crate::rules::egress::view::Miss;
use crate::shell;
use crate::snapshot::enums::{VpcEndpointState, VpcEndpointType};
use crate::snapshot::ids::{SecurityGroupId, SubnetId};
use crate::snapshot::vpc::Vpc;
use crate::topology::{Lookup, Topology};

impl View<'_, '_> {
    /// One endpoint for each service of this Region that is missed, in every VPC concerned.
    pub(super) fn create_endpoints(&self) -> Vec<String> {
        let vpcs: BTreeMap<_, &Vpc> =
            self.misses.iter().filter_map(|miss| miss.cell.vpc).map(|vpc| (&vpc.id, vpc)).collect();
        vpcs.into_values().flat_map(|vpc| commands_in(self.analyses.topology, vpc, &self.misses)).collect()
    }
}

fn commands_in(topology: &Topology<'_>, vpc: &Vpc, misses: &[Miss<'_, '_>]) -> Vec<String> {
    let (region, partition) = (topology.target.region.as_str(), topology.target.partition.as_str());
    let at_home = |miss: &&Miss<'_, '_>| miss.need.region() == Some(region);
    let here: Vec<_> =
        misses.iter().filter(at_home).filter(|miss| miss.cell.vpc.is_some_and(|v| v.id == vpc.id)).collect();
    let services: BTreeSet<&str> = here.iter().filter_map(|miss| miss.need.service()).collect();
    let mut commands = Vec::new();
    if services.contains("s3") {
        let tables =
            here.iter().filter(|miss| miss.need.service() == Some("s3")).filter_map(|miss| miss.cell.route_table);
        let tables: BTreeSet<&str> = tables.map(|table| table.id.as_str()).collect();
        let mut command = shell::Command::new("aws ec2 create-vpc-endpoint");
        command.option("region", region);
        command.option("vpc-id", vpc.id.as_str());
        command.option("vpc-endpoint-type", "Gateway");
        command.option("service-name", &names::service_name(partition, region, "s3"));
        command.options("route-table-ids", tables);
        commands.push(command.to_string());
    }
    let interface: Vec<&str> = services.iter().copied().filter(|service| *service != "s3").collect();
    if interface.is_empty() {
        return commands;
    }
    commands.extend(vpc_attributes(topology, vpc, region));
    let groups = match endpoint_groups(topology, vpc) {
        Some(groups) => groups.iter().map(|group| shell::quote(group.as_str())).collect::<Vec<_>>().join(" "),
        None => {
            commands.extend(new_group(vpc, region));
            "\"$ENDPOINT_GROUP\"".to_owned()
        }
    };
    let subnets = one_subnet_per_zone(topology, here.iter().map(|miss| miss.origin.subnet_id));
    for service in interface {
        let mut command = shell::Command::new("aws ec2 create-vpc-endpoint");
        command.option("region", region);
        command.option("vpc-id", vpc.id.as_str());
        command.option("vpc-endpoint-type", "Interface");
        command.option("service-name", &names::service_name(partition, region, service));
        command.options("subnet-ids", subnets.iter().map(|subnet| subnet.as_str()));
        command.raw(&format!("--security-group-ids {groups}"));
        command.raw("--private-dns-enabled");
        commands.push(command.to_string());
    }
    commands
}

/// Private DNS needs both attributes.
fn vpc_attributes(topology: &Topology<'_>, vpc: &Vpc, region: &str) -> Vec<String> {
    let Lookup::Found(dns) = topology.vpc_dns(&vpc.id) else { return Vec::new() };
    let mut commands = Vec::new();
    for (on, attribute) in
        [(dns.enable_dns_support, "enable-dns-support"), (dns.enable_dns_hostnames, "enable-dns-hostnames")]
    {
        if !on {
            let mut command = shell::Command::new("aws ec2 modify-vpc-attribute");
            command.option("region", region);
            command.option("vpc-id", vpc.id.as_str());
            command.raw(&format!("--{attribute} '{{\"Value\":true}}'"));
            commands.push(command.to_string());
        }
    }
    commands
}

/// The security groups of an interface endpoint that the VPC already has, where they admit all of the VPC.
fn endpoint_groups<'s>(topology: &Topology<'s>, vpc: &Vpc) -> Option<&'s [SecurityGroupId]> {
    let all: AddressSet = vpc.cidr_blocks.iter().copied().map(IpNet::from).collect();
    let admits_all = |ids: &[SecurityGroupId]| {
        let found: Option<Vec<_>> = ids.iter().map(|id| topology.security_group(id).found()).collect();
        found.is_some_and(|groups| {
            let peer = Peer { addresses: &all, groups: Some(Vec::new()), prefix_list: None };
            let rules = groups.iter().flat_map(|group| &group.ingress);
            let passage = group::passage(rules, &peer, Traffic::tcp(443), |_| None);
            passage.refused() == Amount::Nothing && !passage.is_undecided()
        })
    };
    let mut endpoints = topology.known_endpoints_in(&vpc.id).iter();
    let is_model = |endpoint: &&&crate::snapshot::vpc::VpcEndpoint| {
        endpoint.endpoint_type == VpcEndpointType::Interface
            && endpoint.state == VpcEndpointState::Available
            && !endpoint.security_group_ids.is_empty()
            && admits_all(&endpoint.security_group_ids)
    };
    endpoints.find(is_model).map(|endpoint| endpoint.security_group_ids.as_slice())
}

fn new_group(vpc: &Vpc, region: &str) -> Vec<String> {
    let mut create = shell::Command::new("aws ec2 create-security-group");
    create.option("region", region);
    create.option("vpc-id", vpc.id.as_str());
    create.option("group-name", "ecs-vpc-endpoints");
    create.option("description", "HTTPS from ECS tasks to VPC endpoints");
    create.option("query", "GroupId");
    create.option("output", "text");
    let mut commands = vec![format!("ENDPOINT_GROUP=$({create})")];
    for block in &vpc.cidr_blocks {
        let mut admit = shell::Command::new("aws ec2 authorize-security-group-ingress");
        admit.option("region", region);
        admit.raw("--group-id \"$ENDPOINT_GROUP\"");
        admit.option("protocol", "tcp");
        admit.option("port", "443");
        admit.option("cidr", &block.to_string());
        commands.push(admit.to_string());
    }
    commands
}

/// An endpoint takes one subnet in each zone.
fn one_subnet_per_zone<'a>(topology: &Topology<'_>, subnets: impl Iterator<Item = &'a SubnetId>) -> Vec<&'a SubnetId> {
    let mut by_zone: BTreeMap<String, &SubnetId> = BTreeMap::new();
    let sorted: BTreeSet<&SubnetId> = subnets.collect();
    for subnet in sorted {
        let zone = topology.subnet(subnet).found().map(|found| found.availability_zone.clone());
        by_zone.entry(zone.unwrap_or_else(|| subnet.as_str().to_owned())).or_insert(subnet);
    }
    by_zone.into_values().collect()
}
