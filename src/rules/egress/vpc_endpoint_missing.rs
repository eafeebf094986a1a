//! A needed AWS service with neither an endpoint nor a way to the internet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::egress::{Cell, Fault, Reach};
use crate::analysis::needs::Need;
use crate::analysis::{Analyses, names, symptoms};
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap, Hop};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::enums::{VpcEndpointState, VpcEndpointType};
use crate::snapshot::ids::{RouteTableId, SecurityGroupId, SubnetId};
use crate::snapshot::vpc::Vpc;
use crate::text;
use crate::text::{Span, Text, format_words};
use crate::topology::launch::LaunchKind;
use crate::topology::origin::{InterfaceKind, Origin};
use crate::topology::workload::Workload;
use crate::topology::{Lookup, Topology};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "vpc-endpoint-missing",
    group: Group::Egress,
    severity: Severity::High,
    summary: "a needed AWS service that neither a VPC endpoint nor an internet path reaches",
    page: include_str!("vpc_endpoint_missing.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::AutoScalingGroups,
        Dataset::Instances,
        Dataset::Vpcs,
        Dataset::VpcDnsAttributes,
        Dataset::DhcpOptions,
        Dataset::Subnets,
        Dataset::RouteTables,
        Dataset::PrefixLists,
        Dataset::NatGateways,
        Dataset::InternetGateways,
        Dataset::BlockPublicAccess,
        Dataset::VpcEndpoints,
        Dataset::HostedZones,
        Dataset::ResolverRules,
        Dataset::ProfileAssociations,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
        "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html",
    ],
    check: Check::Workload(check),
};

/// A cell that this rule is to blame for.
struct Miss<'a, 's> {
    cell: &'a Cell<'s>,
    fault: &'a Fault<'s>,
    need: &'a Need,
    origin: &'a Origin<'s>,
}

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let region = &analyses.topology.target.region;
    let mine = |cell: &&Cell<'s>| cell.need.as_ref().is_none_or(|need| need.region == *region);
    let cells: Vec<&Cell<'s>> = analyses.egress(workload).iter().filter(mine).collect();
    if cells.is_empty() {
        return Outcome::NotApplicable;
    }
    let (mut misses, mut gaps) = (Vec::new(), Vec::new());
    for cell in &cells {
        match (&cell.reach, &cell.need, &cell.origin) {
            (Reach::Unknown(more), _, _) => gaps.extend(more.iter().cloned()),
            (Reach::Fails(fault), Some(need), Some(origin)) => misses.push(Miss { cell, fault, need, origin }),
            (Reach::Fails(_) | Reach::Holds, _, _) => {}
        }
    }
    drop_uncertain(&cells, &mut misses, &mut gaps);
    gaps.sort();
    gaps.dedup();
    if !misses.is_empty() {
        return Outcome::Fails(Box::new(failing(workload, analyses, &misses, &cells, gaps)));
    }
    if gaps.is_empty() { Outcome::Holds } else { Outcome::Unknown(gaps) }
}

/// Where a placement constraint may rule an instance out, its failure counts only if every instance fails alike.
fn drop_uncertain<'s>(cells: &[&Cell<'s>], misses: &mut Vec<Miss<'_, 's>>, gaps: &mut Vec<Gap>) {
    let is_miss = |cell: &Cell<'_>| matches!(cell.reach, Reach::Fails(_));
    let before = misses.len();
    misses.retain(|miss| {
        let same_need = |cell: &&&Cell<'s>| cell.need.as_deref() == Some(miss.need);
        !miss.cell.origin_is_uncertain || cells.iter().filter(same_need).all(|cell| is_miss(cell))
    });
    if misses.len() < before {
        let reason = text!["a placement constraint may keep the tasks on instances that reach what they need"];
        gaps.push(Gap::Undecidable { kind: "placement-constraint", reason });
    }
}

fn failing<'s>(
    workload: &Workload<'s>,
    analyses: &Analyses<'s>,
    misses: &[Miss<'_, 's>],
    cells: &[&Cell<'s>],
    gaps: Vec<Gap>,
) -> Failing {
    let target = &analyses.topology.target;
    let services: BTreeSet<&str> = misses.iter().map(|miss| miss.need.service).collect();
    let start_failure = |failure: symptoms::StartFailure| failure.needs().iter().any(|need| services.contains(need));
    let traces: BTreeSet<_> = misses.iter().filter_map(|miss| miss.cell.trace.clone()).collect();
    let mut blockers: Vec<Blocker> = misses
        .iter()
        .map(|miss| blocker(miss, &names::service_name(&target.partition, &target.region, miss.need.service)))
        .collect();
    blockers.sort();
    blockers.dedup();
    Failing {
        severity: RULE.severity,
        severity_reason: None,
        sub_key: String::new(),
        message: message(misses, cells),
        related: related(misses),
        blockers,
        traces: traces.into_iter().collect(),
        cause: cause(misses),
        facts: facts(misses),
        confirmed_by: symptoms::of_stopped_tasks(workload.tasks.iter().copied(), start_failure),
        remediation: remediation(analyses.topology, misses),
        gaps,
    }
}

fn message(misses: &[Miss<'_, '_>], cells: &[&Cell<'_>]) -> Text {
    let subnets: BTreeSet<&SubnetId> = misses.iter().map(|miss| miss.origin.subnet_id).collect();
    let services: BTreeSet<&str> = misses.iter().map(|miss| miss.need.service).collect();
    let mut text = who(misses);
    text.append(Text::list(subnets.iter().copied(), 3));
    text.push(" cannot reach ");
    text.append(Text::list(services.iter().map(|service| format_words((*service).to_owned())), 8));
    text.push(": ");
    text.append(reasons(misses));
    let causes = asked_by(misses);
    if !causes.is_empty() {
        text.push("; needed by ");
        text.append(Text::list(causes, 4));
    }
    let served: BTreeSet<&str> = cells
        .iter()
        .filter(|cell| cell.reach == Reach::Holds)
        .filter_map(|cell| cell.need.as_ref())
        .map(|need| need.service)
        .filter(|service| !services.contains(service))
        .collect();
    if !served.is_empty() {
        text.push(" (reached: ");
        text.append(Text::list(served.into_iter().map(|service| format_words(service.to_owned())), 8));
        text.push(")");
    }
    text
}

/// "The task ENI in " or "The primary ENI of 2 container instances in ".
fn who(misses: &[Miss<'_, '_>]) -> Text {
    let interfaces: BTreeSet<InterfaceKind> = misses.iter().map(|miss| miss.origin.interface).collect();
    if interfaces.len() > 1 {
        return text!["Tasks and container instances in "];
    }
    match interfaces.first() {
        Some(InterfaceKind::InstanceEni) => {
            let instances: BTreeSet<_> = misses.iter().flat_map(|m| &m.origin.instances).map(|i| &i.arn).collect();
            match instances.len() {
                0 => text!["Container instances to be launched in "],
                1 => text!["The container instance in "],
                count => [format_words(format!("The {count} container instances in "))].into_iter().collect(),
            }
        }
        _ => {
            let kinds: BTreeSet<LaunchKind> = misses.iter().map(|miss| miss.cell.launch).collect();
            match kinds.first() {
                Some(LaunchKind::Fargate) => text!["Fargate tasks in "],
                _ => text!["Task ENIs in "],
            }
        }
    }
}

/// Why not: nothing is there, or what is there doesn't serve.
fn reasons(misses: &[Miss<'_, '_>]) -> Text {
    let (nothing, broken): (Vec<&Miss<'_, '_>>, Vec<_>) = misses.iter().partition(|miss| *miss.fault == Fault::Missing);
    let mut text = Text::default();
    if !nothing.is_empty() {
        let services: BTreeSet<&str> = nothing.iter().map(|miss| miss.need.service).collect();
        text.push("no endpoint for ");
        match (broken.is_empty(), services.len()) {
            (true, 1) => text.push("it"),
            (true, _) => text.push("them"),
            (false, _) => text.append(Text::list(services.into_iter().map(|name| format_words(name.to_owned())), 8)),
        }
        text.push(", and ");
        text.append(way_out(&nothing));
    }
    let details: BTreeSet<&Text> = broken.iter().flat_map(|miss| broken_hops(miss)).map(|hop| &hop.detail).collect();
    for detail in details {
        if !text.is_empty() {
            text.push("; ");
        }
        text.append(detail.clone());
    }
    text
}

/// The hops that stop a need although there is an endpoint or a way out.
fn broken_hops<'a>(miss: &'a Miss<'_, '_>) -> impl Iterator<Item = &'a Hop> {
    let hops = miss.cell.trace.iter().flat_map(|trace| &trace.hops);
    hops.filter(|hop| hop.verdict == "fails" && hop.resource != miss.need.service)
}

fn way_out(misses: &[&Miss<'_, '_>]) -> Text {
    let tables: BTreeMap<&RouteTableId, bool> =
        misses.iter().filter_map(|miss| miss.cell.route_table).map(|table| (&table.id, table.main)).collect();
    let through_gateway = misses.iter().all(|miss| {
        let hops = miss.cell.trace.iter().flat_map(|trace| &trace.hops);
        hops.clone().any(|hop| hop.hop == "internet-gateway" && hop.verdict == "fails")
    });
    let mut text = Text::default();
    if let ([(_, true)], false) = (tables.iter().collect::<Vec<_>>().as_slice(), tables.is_empty()) {
        text.push("the main route table ");
    }
    text.append(Text::list(tables.keys().copied(), 3));
    if through_gateway {
        text.push(" leads to an internet gateway, which drops their packets: they have no public address");
    } else {
        text.push(if tables.len() == 1 { " has no route to the internet" } else { " have no route to the internet" });
    }
    text
}

fn asked_by(misses: &[Miss<'_, '_>]) -> Vec<Span> {
    let causes: BTreeSet<_> = misses.iter().flat_map(|miss| &miss.need.causes).collect();
    let by_container = causes.iter().fold(BTreeMap::<_, Vec<&str>>::new(), |mut map, cause| {
        map.entry(cause.container.as_deref()).or_default().push(cause.field);
        map
    });
    let name = |(container, fields): (Option<&str>, Vec<&str>)| match container {
        Some(container) => Span::Name(format!("{container} ({})", fields.join(", "))),
        None => Span::Name(fields.join(", ")),
    };
    by_container.into_iter().map(name).collect()
}

fn blocker(miss: &Miss<'_, '_>, service_name: &str) -> Blocker {
    if *miss.fault != Fault::Missing
        && let Some(hop) = broken_hops(miss).next()
    {
        return broken_blocker(miss, hop);
    }
    let place = match (miss.cell.vpc, miss.cell.route_table) {
        (Some(vpc), Some(table)) => {
            text![&vpc.id, " has no endpoint for it and ", &table.id, " no usable route to the internet"]
        }
        _ => text!["no endpoint and no usable route to the internet"],
    };
    Blocker {
        family: Family::Endpoint,
        kind: "no-endpoint",
        need: Some(miss.need.service.to_owned()),
        origin: Some(miss.origin.subnet_id.as_str().to_owned()),
        port: Some(443),
        protocol: Some("tcp"),
        resource: Some(service_name.to_owned()),
        detail: place,
    }
}

fn broken_blocker(miss: &Miss<'_, '_>, hop: &Hop) -> Blocker {
    let (family, kind) = match miss.fault {
        Fault::Endpoint(_) => (Family::Endpoint, "endpoint-does-not-serve"),
        Fault::Internet(_) | Fault::Missing => (Family::Route, "way-out-broken"),
    };
    Blocker {
        family,
        kind,
        need: Some(miss.need.service.to_owned()),
        origin: Some(miss.origin.subnet_id.as_str().to_owned()),
        port: Some(443),
        protocol: Some("tcp"),
        resource: Some(hop.resource.clone()),
        detail: hop.detail.clone(),
    }
}

fn related(misses: &[Miss<'_, '_>]) -> Vec<Related> {
    let mut related = BTreeSet::new();
    for miss in misses {
        related.insert(Related { kind: "ec2:subnet", id: miss.origin.subnet_id.as_str().to_owned(), role: "origin" });
        if let Some(table) = miss.cell.route_table {
            related.insert(Related { kind: "ec2:route-table", id: table.id.as_str().to_owned(), role: "route-table" });
        }
        if let Some(vpc) = miss.cell.vpc {
            related.insert(Related { kind: "ec2:vpc", id: vpc.id.as_str().to_owned(), role: "vpc" });
        }
        for instance in &miss.origin.instances {
            if let Some(id) = &instance.ec2_instance_id {
                related.insert(Related { kind: "ec2:instance", id: id.as_str().to_owned(), role: "origin" });
            }
        }
    }
    related.into_iter().collect()
}

/// The route table, where it is one.
fn cause(misses: &[Miss<'_, '_>]) -> Option<Cause> {
    let tables: BTreeSet<Option<&RouteTableId>> =
        misses.iter().map(|miss| miss.cell.route_table.map(|t| &t.id)).collect();
    match tables.iter().collect::<Vec<_>>().as_slice() {
        [Some(table)] => Some(Cause { kind: "ec2:route-table", resource: table.as_str().to_owned() }),
        _ => None,
    }
}

fn facts(misses: &[Miss<'_, '_>]) -> BTreeMap<&'static str, serde_json::Value> {
    let mut by_subnet: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for miss in misses {
        by_subnet.entry(miss.origin.subnet_id.as_str()).or_default().insert(miss.need.service);
    }
    let services: BTreeSet<&str> = misses.iter().map(|miss| miss.need.service).collect();
    let interfaces: BTreeSet<&str> = misses.iter().map(|miss| interface_word(miss.origin.interface)).collect();
    [("missing", json!(services)), ("missing_by_subnet", json!(by_subnet)), ("interfaces", json!(interfaces))].into()
}

fn interface_word(interface: InterfaceKind) -> &'static str {
    match interface {
        InterfaceKind::TaskEni => "task-eni",
        InterfaceKind::InstanceEni => "instance-eni",
    }
}

fn remediation(topology: &Topology<'_>, misses: &[Miss<'_, '_>]) -> Remediation {
    let (nothing, broken): (Vec<&Miss<'_, '_>>, Vec<_>) = misses.iter().partition(|miss| *miss.fault == Fault::Missing);
    let mut text = Text::default();
    if !broken.is_empty() {
        text.push("Repair ");
        let resources: BTreeSet<&String> =
            broken.iter().filter_map(|miss| broken_hops(miss).next()).map(|h| &h.resource).collect();
        text.append(Text::list(resources, 4));
        text.push(if nothing.is_empty() { "." } else { ". " });
    }
    if nothing.is_empty() {
        return Remediation { text, commands: Vec::new() };
    }
    let services: BTreeSet<&str> = nothing.iter().map(|miss| miss.need.service).collect();
    text.push("Create ");
    text.push(if services.len() == 1 { "an endpoint for " } else { "endpoints for " });
    text.append(Text::list(services.iter().map(|service| format_words((*service).to_owned())), 8));
    text.push(" (private DNS on, TCP 443 admitted from the ");
    let on_instances = nothing.iter().any(|miss| miss.origin.interface == InterfaceKind::InstanceEni);
    text.push(if on_instances { "container instances" } else { "tasks" });
    text.push("), or give the ");
    let subnets: BTreeSet<&SubnetId> = nothing.iter().map(|miss| miss.origin.subnet_id).collect();
    text.push(if subnets.len() == 1 { "subnet" } else { "subnets" });
    text.push(" a default route to a NAT gateway.");
    let vpcs: BTreeMap<_, &Vpc> = nothing.iter().filter_map(|miss| miss.cell.vpc).map(|vpc| (&vpc.id, vpc)).collect();
    let commands = vpcs.into_values().flat_map(|vpc| commands_in(topology, vpc, &nothing)).collect();
    Remediation { text, commands }
}

fn commands_in(topology: &Topology<'_>, vpc: &Vpc, misses: &[&Miss<'_, '_>]) -> Vec<String> {
    let (region, partition) = (topology.target.region.as_str(), topology.target.partition.as_str());
    let here: Vec<_> = misses.iter().filter(|miss| miss.cell.vpc.is_some_and(|v| v.id == vpc.id)).collect();
    let services: BTreeSet<&str> = here.iter().map(|miss| miss.need.service).collect();
    let mut commands = Vec::new();
    if services.contains("s3") {
        let tables = here.iter().filter(|miss| miss.need.service == "s3").filter_map(|miss| miss.cell.route_table);
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

/// Private DNS needs both attributes; they are only known where the VPC has an endpoint already.
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

/// The security groups of an interface endpoint that the VPC already has.
fn endpoint_groups<'s>(topology: &Topology<'s>, vpc: &Vpc) -> Option<&'s [SecurityGroupId]> {
    let mut endpoints = topology.known_endpoints_in(&vpc.id).iter();
    let is_model = |endpoint: &&&crate::snapshot::vpc::VpcEndpoint| {
        endpoint.endpoint_type == VpcEndpointType::Interface
            && endpoint.state == VpcEndpointState::Available
            && !endpoint.security_group_ids.is_empty()
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
