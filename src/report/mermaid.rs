//! A workload's wiring as a Mermaid flowchart: who reaches it through which load balancer, and what it reaches through
//! which endpoint or gateway. What stands in the way is a node of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::escape::{mermaid as escape, terminal};
use super::shown::cut;
use crate::wiring::{Blocker, Need, Origin, Outcome, Workload};

/// Interfaces in one picture; the blocked ones come first.
const MOST_ORIGINS: usize = 4;
/// Things in the way of one arrow; they come in series.
const MOST_BLOCKERS: usize = 3;
/// Names in one label.
const MOST_NAMES: usize = 6;
/// Characters of one name.
const NAME: usize = 64;

/// Draws a workload, unless nothing of it is blocked.
pub(super) fn picture(workload: &Workload) -> Option<String> {
    let outcomes = workload.needs.iter().map(|need| &need.outcome);
    let mut outcomes = outcomes.chain(workload.load_balancers.iter().map(|path| &path.outcome));
    let refused = workload.listeners.iter().any(|listener| listener.verdict == "fails");
    if !refused && !outcomes.any(|outcome| outcome.verdict == "fails") {
        return None;
    }
    let mut chart = Chart::default();
    for origin in origins(workload) {
        chart.origin(workload, origin);
    }
    chart.load_balancers(workload);
    Some(chart.finish())
}

/// The interfaces that are drawn.
fn origins(workload: &Workload) -> Vec<&Origin> {
    let blocked = |origin: &Origin| {
        let needs = workload.needs.iter().map(|need| (&need.origin, &need.outcome));
        let paths = workload.load_balancers.iter().map(|path| (&path.to, &path.outcome));
        needs.chain(paths).any(|(of, outcome)| of == origin && outcome.verdict == "fails")
    };
    let mut all: Vec<&Origin> = Vec::new();
    let needs = workload.needs.iter().map(|need| &need.origin);
    for origin in needs.chain(workload.load_balancers.iter().map(|path| &path.to)) {
        if !all.contains(&origin) {
            all.push(origin);
        }
    }
    all.sort_by_key(|origin| !blocked(origin));
    all.truncate(MOST_ORIGINS);
    all
}

#[derive(Default)]
struct Chart {
    /// Lines of each node, by what makes it one.
    nodes: BTreeMap<(Kind, String), usize>,
    /// In the order in which they were drawn.
    drawn: Vec<(Kind, String)>,
    edges: BTreeSet<(usize, usize, Arrow, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Clients,
    Box,
    Interface,
    Blocked,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Arrow {
    Holds,
    Fails,
    Beyond,
    Unknown,
}

impl Chart {
    /// The node of that label, drawn once.
    fn node(&mut self, kind: Kind, label: String) -> usize {
        let next = self.drawn.len();
        let key = (kind, label);
        *self.nodes.entry(key.clone()).or_insert_with(|| {
            self.drawn.push(key);
            next
        })
    }

    fn edge(&mut self, from: usize, to: usize, arrow: Arrow, label: &str) {
        self.edges.insert((from, to, arrow, label.to_owned()));
    }

    fn interface(&mut self, origin: &Origin) -> usize {
        self.node(Kind::Interface, interface(origin))
    }

    /// What one interface reaches and doesn't, alike needs together.
    fn origin(&mut self, workload: &Workload, origin: &Origin) {
        let from = self.interface(origin);
        let mut groups: BTreeMap<(Arrow, Vec<String>), Vec<&str>> = BTreeMap::new();
        for need in workload.needs.iter().filter(|need| &need.origin == origin) {
            let arrow = arrow(&need.outcome);
            let way = if arrow == Arrow::Fails { blockers(&need.outcome) } else { way(need).into_iter().collect() };
            groups.entry((arrow, way)).or_default().push(&need.need);
        }
        for ((arrow, way), needs) in groups {
            let kind = if arrow == Arrow::Fails { Kind::Blocked } else { Kind::Box };
            let (mut last, mut arrow) = (from, arrow);
            for step in way {
                let step = self.node(kind, step);
                self.edge(last, step, arrow, "");
                (last, arrow) = (step, if kind == Kind::Blocked { Arrow::Beyond } else { arrow });
            }
            let needs = self.node(Kind::Box, names(needs.into_iter()));
            self.edge(last, needs, arrow, "");
        }
    }

    /// Clients, load balancers, target groups, and the interfaces behind them.
    fn load_balancers(&mut self, workload: &Workload) {
        let shown = origins(workload);
        for listener in &workload.listeners {
            let clients = if listener.scheme == "internet-facing" { "internet" } else { "clients" };
            let clients = self.node(Kind::Clients, clients.to_owned());
            let balancer = self.node(Kind::Box, titled("load balancer", &listener.load_balancer));
            let port = listener.port.map_or(String::new(), |port| port.to_string());
            let label = format!("{} {port}", escape(listener.protocol.as_deref().unwrap_or_default()));
            let arrow = arrow_of(listener.verdict);
            if arrow == Arrow::Fails {
                let blocker = self.node(Kind::Blocked, name(&listener.detail));
                self.edge(clients, blocker, arrow, label.trim());
                self.edge(blocker, balancer, Arrow::Beyond, "");
            } else {
                self.edge(clients, balancer, arrow, label.trim());
            }
        }
        for path in workload.load_balancers.iter().filter(|path| shown.contains(&&path.to)) {
            let balancer = self.node(Kind::Box, titled("load balancer", &path.load_balancer));
            let group = self.node(Kind::Box, titled("target group", &path.target_group));
            self.edge(balancer, group, Arrow::Holds, "");
            let to = self.interface(&path.to);
            let ports = if path.first_port == path.last_port {
                path.first_port.to_string()
            } else {
                format!("{}-{}", path.first_port, path.last_port)
            };
            let label = format!("{} {ports}", path.protocol);
            let mut last = group;
            let mut arrow = arrow(&path.outcome);
            if arrow == Arrow::Fails {
                for blocker in blockers(&path.outcome) {
                    let blocker = self.node(Kind::Blocked, blocker);
                    self.edge(last, blocker, arrow, if last == group { &label } else { "" });
                    (last, arrow) = (blocker, Arrow::Beyond);
                }
            }
            self.edge(last, to, arrow, if last == group { &label } else { "" });
        }
    }

    fn finish(self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (id, (kind, label)) in self.drawn.iter().enumerate() {
            let _ = match kind {
                Kind::Clients => writeln!(text, "  n{id}([\"{label}\"])"),
                Kind::Box => writeln!(text, "  n{id}[\"{label}\"]"),
                Kind::Interface => writeln!(text, "  n{id}[[\"{label}\"]]"),
                Kind::Blocked => writeln!(text, "  n{id}{{{{\"✗ {label}\"}}}}:::blocked"),
            };
        }
        for (from, to, arrow, label) in &self.edges {
            let shaft = match arrow {
                Arrow::Holds => "-->",
                Arrow::Fails => "--x",
                Arrow::Beyond | Arrow::Unknown => "-.->",
            };
            let label = if *arrow == Arrow::Unknown { format!("{label} ?") } else { label.clone() };
            let label = if label.trim().is_empty() { String::new() } else { format!("|\"{}\"|", label.trim()) };
            let _ = writeln!(text, "  n{from} {shaft}{label} n{to}");
        }
        text.push_str("  classDef blocked stroke:#d1242f,stroke-width:3px\n");
        text
    }
}

fn arrow(outcome: &Outcome) -> Arrow {
    arrow_of(outcome.verdict)
}

fn arrow_of(verdict: &str) -> Arrow {
    match verdict {
        "holds" => Arrow::Holds,
        "fails" => Arrow::Fails,
        _ => Arrow::Unknown,
    }
}

fn interface(origin: &Origin) -> String {
    let what = if origin.interface == "task-eni" { "task ENI" } else { "instance" };
    let zone = origin.availability_zone.as_deref().map_or(String::new(), |zone| format!(" {}", name(zone)));
    let groups = origin.security_groups.as_deref().unwrap_or_default();
    let groups = if groups.is_empty() { String::new() } else { format!(", {}", names(groups.iter().map(|g| &**g))) };
    format!("{what} in {}{zone}{groups}", name(&origin.subnet))
}

/// The endpoint or gateway that a need goes through; `None` where that is not known.
fn way(need: &Need) -> Option<String> {
    let ways = ["nat-gateway", "internet-gateway", "vpc-endpoint"];
    let hop = need.outcome.hops.iter().rfind(|hop| hop.verdict == "holds" && ways.contains(&hop.hop))?;
    match hop.hop {
        // One for each service: together they are one node.
        "vpc-endpoint" if hop.resource.starts_with("vpce-") => Some("VPC endpoints".to_owned()),
        "nat-gateway" => Some(titled("NAT gateway", &hop.resource)),
        "internet-gateway" => Some(titled("internet gateway", &hop.resource)),
        _ => None,
    }
}

/// What is wrong, each kind and resource once; of endpoints that are not there the kind says all.
fn blockers(outcome: &Outcome) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for blocker in &outcome.blockers {
        let label = wrong(blocker);
        if !all.contains(&label) && all.len() < MOST_BLOCKERS {
            all.push(label);
        }
    }
    if all.is_empty() { vec!["blocked".to_owned()] } else { all }
}

fn wrong(blocker: &Blocker) -> String {
    let kind = blocker.kind.replace('-', " ");
    match &blocker.resource {
        Some(resource) if blocker.kind != "no-endpoint" => format!("{}: {kind}", name(resource)),
        _ => kind,
    }
}

fn titled(title: &str, of: &str) -> String {
    format!("{title} {}", name(of))
}

fn name(name: &str) -> String {
    escape(&cut(&terminal(name), NAME))
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut unique: Vec<&str> = Vec::new();
    for name in all {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    let shown: Vec<String> = unique.iter().take(MOST_NAMES).map(|one| name(one)).collect();
    match unique.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
