//! The wiring of a workload as columns of boxes and the lines between them: load balancers, target groups, interfaces,
//! the ways out and what is needed. Which of them there are is decided here, what they say in `nodes`, and `svg` draws them.

use std::cmp::Reverse;

use super::nodes::{balancer, interface, needed, target_group, way};
use crate::wiring::{Listener, LoadBalancerPath, Need, Origin, Workload};

/// Boxes in a column before the rest is one box.
pub(super) const MOST: usize = 6;

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
    /// Of a verdict.
    pub(super) fn of(verdict: &str) -> Self {
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
        order.sort_by_key(|node| (Reverse(worst[*node]), before(*node), *node));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiring::{Blocker, Hop, Outcome};

    fn origin(number: usize) -> Origin {
        Origin {
            interface: "task-eni",
            subnet: format!("subnet-{number}"),
            availability_zone: None,
            security_groups: Some(vec!["sg-1".to_owned()]),
            public_address: "no",
            instances: Vec::new(),
        }
    }

    fn outcome(fails: bool) -> Outcome {
        let verdict = if fails { "fails" } else { "holds" };
        let (resource, kind) = if fails { ("rtb-bad", "route-table") } else { ("vpce-good", "vpc-endpoint") };
        let hop = Hop { hop: kind, resource: resource.to_owned(), verdict, detail: "said".to_owned() };
        let blocker = Blocker {
            family: "route",
            kind: "no-route",
            resource: Some(resource.to_owned()),
            detail: "said".to_owned(),
        };
        Outcome {
            verdict,
            partial: false,
            blockers: if fails { vec![blocker] } else { Vec::new() },
            gaps: Vec::new(),
            hops: vec![hop],
        }
    }

    /// A workload with so many of everything; the last need and the last load balancer fail.
    fn workload(many: usize) -> Workload {
        let need = |number: usize| Need {
            need: format!("need-{number}"),
            service: None,
            host_kind: "aws-service",
            host: "host".to_owned(),
            region: None,
            port: 443,
            causes: Vec::new(),
            launch: "Fargate",
            origin: origin(number),
            outcome: outcome(number == many),
        };
        let path = |number: usize| LoadBalancerPath {
            load_balancer: format!("lb-{number}"),
            load_balancer_arn: String::new(),
            target_group: format!("tg-{number}"),
            purpose: "traffic",
            from_subnet: "subnet-0".to_owned(),
            to: origin(number),
            protocol: "tcp",
            first_port: 80,
            last_port: 80,
            port_kind: "fixed",
            outcome: outcome(number == many),
        };
        Workload {
            account: String::new(),
            region: String::new(),
            resource_type: "ecs:service",
            arn: String::new(),
            name: "a/b".to_owned(),
            launches: Vec::new(),
            origins: Vec::new(),
            needs: (1..=many).map(need).collect(),
            load_balancers: (1..=many).map(path).collect(),
            listeners: Vec::new(),
            gaps: Vec::new(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn columns_are_folded_and_what_fails_stays() {
        for many in 1..=20 {
            let graph = of(&workload(many)).unwrap();
            assert_eq!(graph.columns.len(), 5);
            for column in &graph.columns {
                assert!(column.nodes.len() <= MOST);
                let folded = column.nodes.iter().filter(|node| node.lines[0].1.starts_with('+')).count();
                let expected = usize::from(many > MOST && column.heading != "by way of");
                assert_eq!(folded, expected, "{many} {}", column.heading);
            }
            let needs = &graph.columns[4].nodes;
            assert_eq!((needs[0].tone, needs[0].lines[0].1.as_str()), (Tone::Fails, format!("✗ need-{many}").as_str()));
            let way = &graph.columns[3].nodes[0];
            let said: Vec<&str> = way.lines.iter().map(|(_, text)| text.as_str()).collect();
            assert_eq!(said, ["✗ route table", "rtb-bad", "no route"]);
            for edge in &graph.edges {
                assert_eq!(edge.to.0, edge.from.0 + 1);
                for (column, node) in [edge.from, edge.to] {
                    assert!(node < graph.columns[column].nodes.len());
                }
            }
            // Out of the failing interface, into the failing need, and from the failing target group.
            let failing: Vec<&Edge> = graph.edges.iter().filter(|edge| edge.tone == Tone::Fails).collect();
            assert_eq!(failing.len(), 3, "{failing:?}");
        }
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(of(&workload(0)).is_none());
    }
}
