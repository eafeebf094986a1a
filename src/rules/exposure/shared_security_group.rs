//! One security group for several parts of the way to a task.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::analysis::Analyses;
use crate::analysis::ends;
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::load_balancing::default_security_group_in_use;
use crate::rules::revisions::{self, Revision};
use crate::rules::update::{self, Id};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::elb::{LoadBalancer, TargetGroup};
use crate::snapshot::enums::{NetworkMode, VpcEndpointState, VpcEndpointType};
use crate::snapshot::ids::{Arn, SecurityGroupId, VpcEndpointId, VpcId};
use crate::snapshot::vpc::VpcEndpoint;
use crate::text;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::Origin;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "shared-security-group",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "tasks share a security group with their load balancer or endpoints",
    page: include_str!("shared_security_group.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
        Dataset::ContainerInstances,
        Dataset::AutoScalingGroups,
        Dataset::Instances,
        Dataset::NetworkInterfaces,
        Dataset::Subnets,
        Dataset::SecurityGroups,
        Dataset::VpcEndpoints,
        Dataset::TargetGroups,
        Dataset::LoadBalancers,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html",
    ],
    check: Check::Workload(check),
};

/// What has a group that the tasks, or the instances they run on, have too.
#[derive(Default)]
struct Sharers<'s> {
    vpc: Option<&'s VpcId>,
    load_balancers: BTreeMap<&'s Arn, &'s LoadBalancer>,
    endpoints: BTreeSet<&'s VpcEndpointId>,
    /// Protocols and ports that the load balancers send traffic to.
    traffic: BTreeSet<(&'static str, u16)>,
    /// Ports that they check the health of, always over TCP.
    checks: BTreeSet<u16>,
    /// The protocols of the traffic, where its ports are dynamic.
    protocols: BTreeSet<&'static str>,
    /// It is the instances that carry the group.
    on_instances: bool,
}

type Shared<'s> = BTreeMap<&'s SecurityGroupId, Sharers<'s>>;

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (revisions, mut gaps) = revisions::of(workload);
    let (mut shared, mut concerned) = (Shared::new(), false);
    for revision in &revisions {
        concerned |= compare(revision, analyses, &mut shared, &mut gaps);
    }
    gaps.sort();
    gaps.dedup();
    let failing = (!shared.is_empty()).then(|| failing(workload, analyses, &shared));
    revisions::outcome(concerned, gaps, failing)
}

/// Adds the groups that a revision shares; whether there is anything to share with.
fn compare<'s>(
    revision: &Revision<'_, 's>,
    analyses: &Analyses<'s>,
    shared: &mut Shared<'s>,
    gaps: &mut Vec<Gap>,
) -> bool {
    let (topology, workload, variant) = (analyses.topology, revision.workload, revision.variant);
    let awsvpc = revision.mode() == Some(&NetworkMode::Awsvpc);
    let places = match revision.launch.kind {
        LaunchKind::External => return false,
        _ if awsvpc => analyses.task_places(workload, variant, revision.launch),
        LaunchKind::Ec2 if revision.mode() != Some(&NetworkMode::None) => {
            analyses.instance_places(workload, variant, revision.launch)
        }
        _ => return false,
    };
    let balancers = load_balancers(revision, analyses, gaps);
    let is_balanced = balancers.iter().any(|behind| !behind.balancer.security_groups.is_empty());
    gaps.extend(places.gaps.iter().filter(|gap| is_balanced || matches!(gap, Gap::Unread { .. })).cloned());
    let mut concerned = false;
    for place in &places.known {
        let subnet = match ends::subnet(topology, place.subnet_id) {
            Ok(subnet) => subnet,
            Err(gap) => {
                gaps.push(gap);
                continue;
            }
        };
        let endpoints = match topology.endpoints_in(&subnet.vpc_id) {
            Ok(all) => all.items(),
            Err(gap) => {
                gaps.push(gap);
                topology.known_endpoints_in(&subnet.vpc_id)
            }
        };
        let is_interface = |endpoint: &&&VpcEndpoint| {
            endpoint.endpoint_type == VpcEndpointType::Interface && is_there(&endpoint.state)
        };
        let endpoints: Vec<&VpcEndpoint> = endpoints.iter().filter(is_interface).copied().collect();
        if !is_balanced && endpoints.is_empty() {
            continue;
        }
        concerned = true;
        let own = match groups_of(place.security_groups.as_deref(), &subnet.vpc_id, awsvpc, analyses) {
            Ok(own) => own,
            Err(gap) => {
                gaps.push(gap);
                continue;
            }
        };
        for group in own {
            let with_group: Vec<_> =
                balancers.iter().filter(|behind| behind.balancer.security_groups.contains(group)).collect();
            let served: Vec<_> = endpoints.iter().filter(|found| found.security_group_ids.contains(group)).collect();
            if with_group.is_empty() && served.is_empty() {
                continue;
            }
            if !awsvpc && places.may_be_narrower && places.known.len() > 1 && !runs_at(workload, place) {
                let reason = text![
                    "a placement constraint may keep the tasks off the instances in ",
                    &subnet.id,
                    " with ",
                    group
                ];
                gaps.push(Gap::Undecidable { kind: "placement-constraint", reason });
                continue;
            }
            let sharers = shared.entry(group).or_default();
            sharers.vpc = Some(&subnet.vpc_id);
            sharers.on_instances |= !awsvpc;
            sharers.endpoints.extend(served.iter().map(|endpoint| &endpoint.id));
            for behind in with_group {
                sharers.add(behind);
            }
        }
    }
    concerned
}

/// Whether an endpoint serves or may yet.
fn is_there(state: &VpcEndpointState) -> bool {
    use VpcEndpointState::{Deleted, Deleting, Expired, Failed, Rejected};
    !matches!(state, Deleted | Deleting | Expired | Failed | Rejected)
}

/// Whether a task of the workload runs on one of the instances.
fn runs_at(workload: &Workload<'_>, place: &Origin<'_>) -> bool {
    let mut running = workload.tasks.iter().filter(|task| task.last_status == "RUNNING");
    running
        .any(|task| place.instances.iter().any(|instance| task.container_instance_arn.as_ref() == Some(&instance.arn)))
}

/// The groups of a place; none named means the default group. Where that has a finding of its own it is left to it.
fn groups_of<'s>(
    named: Option<&[&'s SecurityGroupId]>,
    vpc: &VpcId,
    awsvpc: bool,
    analyses: &Analyses<'s>,
) -> Result<Vec<&'s SecurityGroupId>, Gap> {
    let Some(named) = named else {
        let reason = text!["the security groups of tasks or instances in ", vpc, " can't be seen"];
        return Err(Gap::Undecidable { kind: "unseen-groups", reason });
    };
    let default = match analyses.topology.default_security_group(vpc) {
        Lookup::Found(group) => Some(&group.id),
        Lookup::Absent => None,
        Lookup::Unread(gap) if named.is_empty() => return Err(gap),
        Lookup::Unread(_) => None,
    };
    let told = awsvpc && analyses.settings.rules.contains(&default_security_group_in_use::RULE.id);
    let all = if named.is_empty() { default.into_iter().collect() } else { named.to_vec() };
    Ok(all.into_iter().filter(|group| !told || Some(*group) != default).collect())
}

/// A load balancer with what it sends to.
struct Behind<'s> {
    balancer: &'s LoadBalancer,
    group: &'s TargetGroup,
    /// Of the container.
    port: Option<u16>,
}

impl<'s> Sharers<'s> {
    fn add(&mut self, behind: &Behind<'s>) {
        self.load_balancers.insert(&behind.balancer.arn, behind.balancer);
        let protocols: &[&'static str] = match behind.group.protocol.as_deref() {
            Some("UDP" | "QUIC") => &["udp"],
            Some("TCP_UDP" | "TCP_QUIC") => &["tcp", "udp"],
            _ => &["tcp"],
        };
        self.protocols.extend(protocols);
        self.traffic
            .extend(protocols.iter().zip(behind.port.iter().cycle()).map(|(protocol, port)| (*protocol, *port)));
        let check = &behind.group.health_check;
        let fixed = check.port.as_deref().and_then(|port| port.parse().ok());
        // A port of instances that hangs on the task is the one of the traffic.
        self.checks.extend(fixed.or(behind.port.filter(|_| !self.on_instances)).filter(|_| check.enabled));
    }
}

/// The load balancers of a revision.
fn load_balancers<'s>(revision: &Revision<'_, 's>, analyses: &Analyses<'s>, gaps: &mut Vec<Gap>) -> Vec<Behind<'s>> {
    let topology = analyses.topology;
    let mut balancers = Vec::new();
    for entry in revision.variant.load_balancers {
        for arn in entry.target_group_arn.iter().chain(&entry.alternate_target_group_arn) {
            let group = match topology.target_group(arn) {
                Lookup::Found(group) => group,
                Lookup::Absent => continue,
                Lookup::Unread(gap) => {
                    gaps.push(gap);
                    continue;
                }
            };
            for arn in &group.load_balancer_arns {
                match topology.load_balancer(arn) {
                    Lookup::Found(balancer) => {
                        balancers.push(Behind { balancer, group, port: entry.container_port });
                    }
                    Lookup::Absent => {}
                    Lookup::Unread(gap) => gaps.push(gap),
                }
            }
        }
    }
    balancers
}

fn failing<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>, shared: &Shared<'s>) -> Failing {
    let details: Vec<Text> = shared.iter().map(|(group, sharers)| detail(group, sharers)).collect();
    let on_instances = shared.values().any(|sharers| sharers.on_instances);
    let mut message = text![
        if on_instances { "The instances that tasks of " } else { "Tasks of " },
        &workload.short_name,
        if on_instances { " run on share security group " } else { " share security group " }
    ];
    message.append(Text::joined(&details));
    message.push(": every rule for one of them opens the others too");
    let region = &analyses.topology.target.region;
    let commands = match on_instances {
        true => apart_from_instances(workload, region, shared),
        false => own_group_for_tasks(workload, region, shared),
    };
    let mut text = text![
        "Give each part a group of its own and let their rules name each other: the tasks admit the load balancer's \
         group to their port, the endpoints admit the tasks' group to 443, and only the load balancer admits its \
         clients. Rules elsewhere that name the shared group for the sake of the part that leaves it have to name the \
         new one."
    ];
    if let Some(instead) = workload.service.filter(|_| !on_instances).and_then(update::instead) {
        text.push(instead);
    }
    let only = (shared.len() == 1).then(|| shared.keys().next()).flatten();
    let groups: Vec<&str> = shared.keys().map(|group| group.as_str()).collect();
    Failing {
        related: related(shared),
        cause: only.map(|group| Cause { kind: "ec2:security-group", resource: group.as_str().to_owned() }),
        facts: BTreeMap::from([("security_groups", json!(groups))]),
        ..Failing::new(&RULE, message, Remediation { text, commands })
    }
}

/// "sg-1 with load balancer web and endpoint vpce-1"
fn detail(group: &SecurityGroupId, sharers: &Sharers<'_>) -> Text {
    let mut detail = text![group, " with "];
    if !sharers.load_balancers.is_empty() {
        detail.push(if sharers.load_balancers.len() == 1 { "load balancer " } else { "load balancers " });
        detail.append(Text::list(sharers.load_balancers.values().map(|balancer| &balancer.name), 4));
    }
    if !sharers.endpoints.is_empty() {
        detail.push(if sharers.load_balancers.is_empty() { "" } else { " and " });
        detail.push(if sharers.endpoints.len() == 1 { "endpoint " } else { "endpoints " });
        detail.append(Text::list(sharers.endpoints.iter().copied(), 4));
    }
    detail
}

fn related(shared: &Shared<'_>) -> Vec<Related> {
    let one = |kind, id: &str, role| Related { kind, id: id.to_owned(), role };
    let mut all = BTreeSet::new();
    for (group, sharers) in shared {
        all.insert(one("ec2:security-group", group.as_str(), "shared"));
        let balancers = sharers.load_balancers.keys();
        all.extend(balancers.map(|arn| one("elasticloadbalancing:loadbalancer", arn.as_str(), "load-balancer")));
        all.extend(sharers.endpoints.iter().map(|id| one("ec2:vpc-endpoint", id.as_str(), "vpc-endpoint")));
    }
    all.into_iter().collect()
}

/// A group for the tasks, which load balancers and endpoints know; in the service it takes the place of the shared ones.
fn own_group_for_tasks(workload: &Workload<'_>, region: &str, shared: &Shared<'_>) -> Vec<String> {
    let mut commands = vec![new_group("TASK_GROUP", region, &format!("{}-tasks", workload.short_name), shared)];
    for (group, sharers) in shared {
        let quoted = shell::quote(group.as_str());
        if !sharers.load_balancers.is_empty() {
            let source = format!("--source-group {quoted}");
            let checks = sharers.checks.iter().map(|port| ("tcp", *port));
            let all: BTreeSet<(&str, u16)> = sharers.traffic.iter().copied().chain(checks).collect();
            let to = "\"$TASK_GROUP\"";
            commands.extend(
                all.into_iter().map(|(protocol, port)| admit(region, to, protocol, &port.to_string(), &source)),
            );
        }
        if !sharers.endpoints.is_empty() {
            commands.push(admit(region, &quoted, "tcp", "443", "--source-group \"$TASK_GROUP\""));
        }
    }
    let network = workload.variants.first().and_then(|variant| variant.network);
    if let Some(network) = network {
        let subnets: Vec<Id<'_>> = network.subnets.iter().map(|id| Id::Known(id.as_str())).collect();
        let others = network.security_groups.iter().filter(|other| !shared.contains_key(other));
        let others = others.map(|other| Id::Known(other.as_str()));
        let groups: Vec<Id<'_>> = others.chain([Id::Variable("TASK_GROUP")]).collect();
        commands.extend(update::network(workload, region, &subnets, &groups, network.assign_public_ip));
    }
    commands
}

/// Groups for the load balancers and endpoints; the instances keep the shared ones.
fn apart_from_instances(workload: &Workload<'_>, region: &str, shared: &Shared<'_>) -> Vec<String> {
    let mut commands = Vec::new();
    let balancers: BTreeMap<_, _> = shared.values().flat_map(|sharers| &sharers.load_balancers).collect();
    if !balancers.is_empty() {
        let name = format!("{}-load-balancer", workload.short_name);
        commands.push(new_group("BALANCER_GROUP", region, &name, shared));
        let protocols: BTreeSet<&str> = shared.values().flat_map(|sharers| sharers.protocols.iter().copied()).collect();
        commands.extend(protocols.into_iter().map(|protocol| {
            admit(region, "\"$BALANCER_GROUP\"", protocol, "\"$LISTENER_PORT\"", "--cidr \"$CLIENTS\"")
        }));
        for (group, sharers) in shared.iter().filter(|(_, sharers)| !sharers.load_balancers.is_empty()) {
            let group = shell::quote(group.as_str());
            let source = "--source-group \"$BALANCER_GROUP\"";
            // Health checks come over TCP whatever the traffic is.
            let protocols: BTreeSet<&str> = sharers.protocols.iter().copied().chain(["tcp"]).collect();
            let dynamic =
                protocols.into_iter().map(|protocol| admit(region, &group, protocol, "\"$HOST_PORTS\"", source));
            commands.extend(dynamic);
            let fixed = sharers.checks.iter().map(|port| admit(region, &group, "tcp", &port.to_string(), source));
            commands.extend(fixed);
        }
        for (arn, balancer) in balancers {
            let mut command = shell::Command::new("aws elbv2 set-security-groups");
            command.option("region", region);
            command.option("load-balancer-arn", arn.as_str());
            let others = balancer.security_groups.iter().filter(|other| !shared.contains_key(other));
            command.options("security-groups", others.map(|other| other.as_str()));
            command.raw("\"$BALANCER_GROUP\"");
            commands.push(command.to_string());
        }
    }
    if shared.values().any(|sharers| !sharers.endpoints.is_empty()) {
        commands.push(new_group("ENDPOINT_GROUP", region, "ecs-vpc-endpoints", shared));
    }
    for (group, sharers) in shared.iter().filter(|(_, sharers)| !sharers.endpoints.is_empty()) {
        let source = format!("--source-group {}", shell::quote(group.as_str()));
        commands.push(admit(region, "\"$ENDPOINT_GROUP\"", "tcp", "443", &source));
        for id in &sharers.endpoints {
            let mut command = shell::Command::new("aws ec2 modify-vpc-endpoint");
            command.option("region", region);
            command.option("vpc-endpoint-id", id.as_str());
            command.raw("--add-security-group-ids \"$ENDPOINT_GROUP\"");
            command.option("remove-security-group-ids", group.as_str());
            commands.push(command.to_string());
        }
    }
    commands
}

fn new_group(variable: &str, region: &str, name: &str, shared: &Shared<'_>) -> String {
    let mut command = shell::Command::new("aws ec2 create-security-group");
    command.option("region", region);
    if let Some(vpc) = shared.values().find_map(|sharers| sharers.vpc) {
        command.option("vpc-id", vpc.as_str());
    }
    command.option("group-name", name);
    command.option("description", name);
    command.option("query", "GroupId");
    command.option("output", "text");
    format!("{variable}=$({command})")
}

/// The words are this program's own, or quoted.
fn admit(region: &str, group: &str, protocol: &str, port: &str, source: &str) -> String {
    let mut command = shell::Command::new("aws ec2 authorize-security-group-ingress");
    command.option("region", region);
    command.raw(&format!("--group-id {group} --protocol {protocol} --port {port} {source}"));
    command.to_string()
}
