//! The wiring of a workload as columns of boxes and the lines between them: load balancers, target groups, interfaces,
//! the ways out and what is needed. What the pictures say is decided here; `svg` only draws it.

use super::words::{kind, mark};
use crate::wiring::{Listener, LoadBalancerPath, Need, Origin, Outcome, Workload};

/// Boxes in a column before the rest is one box.
pub(super) const MOST: usize = 6;
/// Lines of listeners or ports in a box before the rest is counted.
const LINES: usize = 4;

/// How a line or box is drawn. The order is from best to worst, so that the worst of several counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    /// Nothing is said of it.
    Plain,
    /// It gets there.
    Holds,
    /// It can't be told.
    Unknown,
    /// It doesn't.
    Fails,
}

impl Tone {
    fn of(verdict: &str) -> Self {
        match verdict {
            "holds" => Self::Holds,
            "fails" => Self::Fails,
            _ => Self::Unknown,
        }
    }

    /// The class in the style sheet, and the word of the verdict.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Holds => "holds",
            Self::Unknown => "unknown",
            Self::Fails => "fails",
        }
    }
}

/// How a line of text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// The first line.
    Title,
    /// An id, in letters of one width.
    Id,
    /// Anything else.
    Note,
    /// Something that stands in the way.
    Fault,
}

/// A box.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its border.
    pub(super) tone: Tone,
    /// What it says.
    pub(super) lines: Vec<(Face, String)>,
    /// All of it, for those who point at it.
    pub(super) title: String,
}

/// Boxes under each other.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// What they are.
    pub(super) heading: &'static str,
    /// The boxes.
    pub(super) nodes: Vec<Node>,
}

/// A line from a box to one of a later column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// Column and box.
    pub(super) from: (usize, usize),
    /// Column and box.
    pub(super) to: (usize, usize),
    /// How it went.
    pub(super) tone: Tone,
}

/// The picture before it is drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// From left to right.
    pub(super) columns: Vec<Column>,
    /// The lines.
    pub(super) edges: Vec<Edge>,
}

/// A column in the making: boxes by their key.
struct Shelf<K> {
    heading: &'static str,
    keys: Vec<K>,
    nodes: Vec<Node>,
}

impl<K: PartialEq> Shelf<K> {
    fn new(heading: &'static str) -> Self {
        Self { heading, keys: Vec::new(), nodes: Vec::new() }
    }

    fn add(&mut self, key: K, node: impl FnOnce() -> Node) -> usize {
        if let Some(index) = self.keys.iter().position(|known| *known == key) {
            return index;
        }
        self.keys.push(key);
        self.nodes.push(node());
        self.keys.len() - 1
    }
}

/// Lines in the making; of several between the same boxes the worst counts.
#[derive(Default)]
struct Lines(Vec<((usize, usize), Tone)>);

impl Lines {
    fn add(&mut self, from: usize, to: usize, tone: Tone) {
        match self.0.iter_mut().find(|(ends, _)| *ends == (from, to)) {
            Some((_, known)) => *known = tone.max(*known),
            None => self.0.push(((from, to), tone)),
        }
    }
}

/// The picture of a workload; `None` where there is nothing to draw.
pub(super) fn of(workload: &Workload) -> Option<Graph> {
    let mut balancers = Shelf::new("load balancer");
    let mut groups = Shelf::new("target group");
    let mut origins: Shelf<&Origin> = Shelf::new("interface");
    let mut ways = Shelf::new("by way of");
    let mut needs = Shelf::new("needs");
    let (mut forwards, mut flows) = (Lines::default(), Lines::default());
    let (mut leaves, mut reaches) = (Lines::default(), Lines::default());

    for path in &workload.load_balancers {
        let listeners: Vec<&Listener> =
            workload.listeners.iter().filter(|listener| listener.load_balancer == path.load_balancer).collect();
        let balancer = balancers.add(path.load_balancer.as_str(), || balancer(&path.load_balancer, &listeners));
        let group = groups.add(path.target_group.as_str(), || {
            let all: Vec<&LoadBalancerPath> =
                workload.load_balancers.iter().filter(|other| other.target_group == path.target_group).collect();
            target_group(&path.target_group, &all)
        });
        // A line that fails has nothing but failing listeners.
        let admits = listeners.iter().map(|listener| Tone::of(listener.verdict)).min().unwrap_or(Tone::Unknown);
        forwards.add(balancer, group, admits);
        let to = origins.add(&path.to, || interface(&path.to));
        flows.add(group, to, Tone::of(path.outcome.verdict));
    }
    for origin in &workload.origins {
        origins.add(origin, || interface(origin));
    }
    for need in &workload.needs {
        let from = origins.add(&need.origin, || interface(&need.origin));
        let (key, node) = way(&need.outcome);
        let way = ways.add(key, || node);
        let need_at = needs.add(need.need.as_str(), || {
            let all: Vec<&Need> = workload.needs.iter().filter(|other| other.need == need.need).collect();
            needed(need, &all)
        });
        let tone = Tone::of(need.outcome.verdict);
        leaves.add(from, way, tone);
        reaches.add(way, need_at, tone);
    }
    if ways.nodes.is_empty() && groups.nodes.is_empty() {
        return None;
    }
    let shelves = [
        (balancers.heading, balancers.nodes, forwards),
        (groups.heading, groups.nodes, flows),
        (origins.heading, origins.nodes, leaves),
        (ways.heading, ways.nodes, reaches),
        (needs.heading, needs.nodes, Lines::default()),
    ];
    Some(arranged(shelves.into_iter().filter(|(_, nodes, _)| !nodes.is_empty()).collect()))
}

/// Puts boxes in an order in which few lines cross, and folds what is too much.
fn arranged(shelves: Vec<(&'static str, Vec<Node>, Lines)>) -> Graph {
    let mut graph = Graph::default();
    let mut edges: Vec<Vec<((usize, usize), Tone)>> = Vec::new();
    for (heading, nodes, lines) in shelves {
        graph.columns.push(Column { heading, nodes });
        edges.push(lines.0);
    }
    for column in 0..graph.columns.len() {
        // A box that fails comes first, so that folding leaves it.
        let mut worst: Vec<Tone> = graph.columns[column].nodes.iter().map(|node| node.tone).collect();
        for ((_, to), tone) in column.checked_sub(1).map_or(&[][..], |before| &edges[before]) {
            worst[*to] = worst[*to].max(*tone);
        }
        for ((from, _), tone) in &edges[column] {
            worst[*from] = worst[*from].max(*tone);
        }
        let before = |node: usize| -> usize {
            let into = column.checked_sub(1).map_or(&[][..], |before| &edges[before]);
            let from: Vec<usize> = into.iter().filter(|((_, to), _)| *to == node).map(|((from, _), _)| *from).collect();
            (from.iter().sum::<usize>() * 100).checked_div(from.len()).unwrap_or(0)
        };
        let mut order: Vec<usize> = (0..graph.columns[column].nodes.len()).collect();
        order.sort_by_key(|node| (std::cmp::Reverse(worst[*node]), before(*node), *node));
        let place = fold(&mut graph.columns[column], &order);
        for ((from, _), _) in &mut edges[column] {
            *from = place[*from];
        }
        if let Some(before) = column.checked_sub(1) {
            for ((_, to), _) in &mut edges[before] {
                *to = place[*to];
            }
        }
    }
    for (column, lines) in edges.into_iter().enumerate() {
        let mut merged = Lines::default();
        lines.into_iter().for_each(|((from, to), tone)| merged.add(from, to, tone));
        let edge = |((from, to), tone)| Edge { from: (column, from), to: (column + 1, to), tone };
        graph.edges.extend(merged.0.into_iter().map(edge));
    }
    // The worst lies on top.
    graph.edges.sort_by_key(|edge| edge.tone);
    graph
}

/// Puts the boxes of a column in their order; what is beyond the most becomes one box. Says where each one went.
fn fold(column: &mut Column, order: &[usize]) -> Vec<usize> {
    let mut place = vec![0; order.len()];
    let kept = if order.len() > MOST { MOST - 1 } else { order.len() };
    let mut nodes: Vec<Node> = Vec::new();
    for (position, node) in order.iter().enumerate() {
        place[*node] = position.min(kept);
        if position < kept {
            nodes.push(column.nodes[*node].clone());
        }
    }
    if kept < order.len() {
        let names: Vec<String> = order[kept..]
            .iter()
            .map(|node| column.nodes[*node].title.lines().next().unwrap_or("").to_owned())
            .collect();
        nodes.push(Node {
            tone: order[kept..].iter().map(|node| column.nodes[*node].tone).max().unwrap_or(Tone::Plain),
            lines: vec![(Face::Title, format!("+{} more", order.len() - kept))],
            title: names.join("\n"),
        });
    }
    column.nodes = nodes;
    place
}

fn balancer(name: &str, listeners: &[&Listener]) -> Node {
    let mut lines = vec![(Face::Title, name.to_owned())];
    lines.extend(listeners.first().map(|listener| (Face::Note, listener.scheme.clone())));
    for listener in listeners.iter().take(LINES) {
        let port = listener.port.map_or_else(String::new, |port| format!(" {port}"));
        let protocol = listener.protocol.as_deref().unwrap_or("listener");
        let sign = mark(listener.verdict);
        lines.push(match listener.verdict {
            "holds" => (Face::Note, format!("{sign} {protocol}{port}")),
            "fails" => (Face::Fault, format!("{sign} {protocol}{port}: {}", listener.detail)),
            _ => (Face::Note, format!("{sign} {protocol}{port}: {}", listener.detail)),
        });
    }
    if listeners.len() > LINES {
        lines.push((Face::Note, format!("+{} more listeners", listeners.len() - LINES)));
    }
    if listeners.is_empty() {
        lines.push((Face::Note, "? no listener seen".to_owned()));
    }
    let details = listeners.iter().map(|listener| format!("{}: {}", mark(listener.verdict), listener.detail));
    let title = std::iter::once(name.to_owned()).chain(details).collect::<Vec<_>>().join("\n");
    let tone = match listeners.iter().map(|listener| Tone::of(listener.verdict)).min() {
        Some(Tone::Fails) => Tone::Fails,
        _ => Tone::Plain,
    };
    Node { tone, lines, title }
}

/// A target group with the ports that are sent to, and what refuses them.
fn target_group(name: &str, paths: &[&LoadBalancerPath]) -> Node {
    let mut lines = vec![(Face::Title, name.to_owned())];
    let mut sent: Vec<(String, Tone, Vec<&str>)> = Vec::new();
    for path in paths {
        let ports = match path.first_port == path.last_port {
            true => path.first_port.to_string(),
            false => format!("{}-{}", path.first_port, path.last_port),
        };
        let (label, tone) = (format!("{} {ports}", path.protocol), Tone::of(path.outcome.verdict));
        let purpose = if path.purpose == "traffic" { "traffic" } else { "health" };
        match sent.iter_mut().find(|(known, worst, _)| *known == label && *worst == tone) {
            Some((.., purposes)) if purposes.contains(&purpose) => {}
            Some((.., purposes)) => purposes.push(purpose),
            None => sent.push((label, tone, vec![purpose])),
        }
    }
    sent.sort_by_key(|(_, tone, _)| std::cmp::Reverse(*tone));
    for (label, tone, purposes) in sent.iter().take(LINES) {
        let face = if *tone == Tone::Fails { Face::Fault } else { Face::Note };
        lines.push((face, format!("{} {label} {}", mark(tone.name()), purposes.join(", "))));
    }
    let mut faults: Vec<String> = paths.iter().filter_map(|path| faulty(&path.outcome)).map(|(_, id)| id).collect();
    faults.sort();
    faults.dedup();
    for fault in faults.iter().take(2) {
        lines.push((Face::Fault, format!("✗ {fault}")));
    }
    if faults.len() > 2 {
        lines.push((Face::Fault, format!("+{} more", faults.len() - 2)));
    }
    let mut title = vec![name.to_owned()];
    for path in paths.iter().filter(|path| path.outcome.verdict != "holds") {
        title.extend(wrong(&path.outcome));
    }
    title.dedup();
    Node { tone: Tone::Plain, lines, title: title.join("\n") }
}

fn interface(origin: &Origin) -> Node {
    let what = if origin.interface == "task-eni" { "task ENI" } else { "instance ENI" };
    let zone = origin.availability_zone.as_deref().unwrap_or("zone unknown");
    let mut lines = vec![(Face::Title, format!("{what} · {zone}")), (Face::Id, origin.subnet.clone())];
    match origin.security_groups.as_deref() {
        None => lines.push((Face::Note, "? groups not visible".to_owned())),
        Some([]) => lines.push((Face::Note, "default security group".to_owned())),
        Some([first, rest @ ..]) if rest.is_empty() => lines.push((Face::Id, first.clone())),
        Some([first, rest @ ..]) => lines.push((Face::Id, format!("{first} +{}", rest.len()))),
    }
    if origin.public_address == "yes" {
        lines.push((Face::Note, "public address".to_owned()));
    }
    match origin.instances.as_slice() {
        [] => {}
        [only] => lines.push((Face::Id, only.clone())),
        several => lines.push((Face::Note, format!("{} instances", several.len()))),
    }
    let groups = origin.security_groups.as_ref().map_or(String::new(), |groups| groups.join(", "));
    Node { tone: Tone::Plain, lines, title: format!("{what} in {} ({zone})\n{groups}", origin.subnet) }
}

/// What a path turns on: the endpoint or gateway that serves it, or what stands in the way.
fn way(outcome: &Outcome) -> ((Tone, String, String), Node) {
    let tone = Tone::of(outcome.verdict);
    let (what, id) = match tone {
        Tone::Fails => faulty(outcome).unwrap_or_else(|| ("not reached".to_owned(), String::new())),
        Tone::Unknown | Tone::Plain => {
            let hop = outcome.hops.iter().rev().find(|hop| hop.verdict == "unknown");
            hop.map_or_else(|| ("not visible".to_owned(), String::new()), |hop| (kind(hop.hop), hop.resource.clone()))
        }
        Tone::Holds => {
            let serves = |hop: &&crate::wiring::Hop| {
                hop.verdict == "holds" && matches!(hop.hop, "vpc-endpoint" | "nat-gateway" | "internet-gateway")
            };
            let hop = outcome.hops.iter().rev().find(serves).or(outcome.hops.last());
            hop.map_or_else(|| ("open".to_owned(), String::new()), |hop| (kind(hop.hop), hop.resource.clone()))
        }
    };
    let sign = if tone == Tone::Holds { String::new() } else { format!("{} ", mark(outcome.verdict)) };
    let mut lines = vec![(Face::Title, format!("{sign}{what}"))];
    if !id.is_empty() {
        lines.push((Face::Id, id.clone()));
    }
    match (tone, outcome.blockers.first(), outcome.gaps.first()) {
        (Tone::Fails, Some(blocker), _) => {
            let partly = if outcome.partial { "partly: " } else { "" };
            lines.push((Face::Fault, format!("{partly}{}", blocker.kind.replace('-', " "))));
        }
        (Tone::Unknown, _, Some(gap)) => lines.push((Face::Note, gap.clone())),
        _ => {}
    }
    let title = std::iter::once(format!("{what} {id}")).chain(wrong(outcome)).collect::<Vec<_>>().join("\n");
    ((tone, what, id), Node { tone, lines, title })
}

/// What to repair, and what it is.
fn faulty(outcome: &Outcome) -> Option<(String, String)> {
    if outcome.verdict != "fails" {
        return None;
    }
    let resource = outcome.blockers.iter().find_map(|blocker| blocker.resource.clone().map(|id| (blocker.family, id)));
    let failing = |hop: &&crate::wiring::Hop| hop.verdict == "fails";
    match resource {
        Some((family, id)) => {
            let hop = outcome.hops.iter().filter(failing).find(|hop| hop.resource == id);
            Some((hop.map_or_else(|| kind(family), |hop| kind(hop.hop)), id))
        }
        None => outcome.hops.iter().rev().find(failing).map(|hop| (kind(hop.hop), hop.resource.clone())),
    }
}

/// Everything that is wrong or unknown, in sentences.
pub(super) fn wrong(outcome: &Outcome) -> Vec<String> {
    let mut said = Vec::new();
    if outcome.verdict == "holds" {
        return said;
    }
    let hops = outcome.hops.iter().filter(|hop| hop.verdict != "holds").map(|hop| (hop.verdict, &hop.detail));
    for (verdict, detail) in hops.chain(outcome.gaps.iter().map(|gap| ("unknown", gap))) {
        let sentence = format!("{} {detail}", mark(verdict));
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    }
    said
}

fn needed(need: &Need, all: &[&Need]) -> Node {
    let worst = all.iter().map(|need| Tone::of(need.outcome.verdict)).max().unwrap_or(Tone::Unknown);
    let mut causes: Vec<String> = Vec::new();
    for cause in all.iter().flat_map(|need| &need.causes) {
        let cause = cause.container.as_ref().map_or(cause.field.to_owned(), |name| format!("{name} {}", cause.field));
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    let mut lines = vec![(Face::Title, format!("{} {}", mark(worst.name()), need.need))];
    lines.extend(causes.first().map(|cause| (Face::Note, cause.clone())));
    Node {
        tone: worst,
        lines,
        title: format!("{}\n{}:{}\nasked for by {}", need.need, need.host, need.port, causes.join(", ")),
    }
}
