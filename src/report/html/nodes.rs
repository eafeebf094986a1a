//! What the boxes of a picture say.

use std::cmp::Reverse;

use super::graph::{Face, Node, Tone};
use super::words::{kind, mark};
use crate::wiring::{Hop, Listener, LoadBalancerPath, Need, Origin, Outcome};

/// Lines of listeners or ports in a box before the rest is counted.
const LINES: usize = 4;

/// A load balancer with its listeners.
pub(super) fn balancer(name: &str, listeners: &[&Listener]) -> Node {
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
pub(super) fn target_group(name: &str, paths: &[&LoadBalancerPath]) -> Node {
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
    sent.sort_by_key(|(_, tone, _)| Reverse(*tone));
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

/// An interface that tasks send from or are reached at.
pub(super) fn interface(origin: &Origin) -> Node {
    let what = if origin.interface == "task-eni" { "task ENI" } else { "instance ENI" };
    let zone = origin.availability_zone.as_deref().unwrap_or("zone unknown");
    let public = if origin.public_address == "yes" { " · public address" } else { "" };
    let mut lines = vec![
        (Face::Title, what.to_owned()),
        (Face::Note, format!("{zone}{public}")),
        (Face::Id, origin.subnet.clone()),
    ];
    lines.push(match origin.security_groups.as_deref() {
        None => (Face::Note, "? groups not visible".to_owned()),
        Some([]) => (Face::Note, "default security group".to_owned()),
        Some([only]) => (Face::Id, only.clone()),
        Some([first, rest @ ..]) => (Face::Id, format!("{first} +{}", rest.len())),
    });
    match origin.instances.as_slice() {
        [] => {}
        [only] => lines.push((Face::Id, only.clone())),
        several => lines.push((Face::Note, format!("{} instances", several.len()))),
    }
    let groups = origin.security_groups.as_ref().map_or(String::new(), |groups| groups.join(", "));
    Node { tone: Tone::Plain, lines, title: format!("{what} in {} ({zone})\n{groups}", origin.subnet) }
}

/// What a path turns on: the endpoint or gateway that serves it, or what stands in the way.
pub(super) fn way(outcome: &Outcome) -> ((Tone, String, String), Node) {
    let tone = Tone::of(outcome.verdict);
    let (what, id) = match tone {
        Tone::Fails => faulty(outcome).unwrap_or_else(|| ("not reached".to_owned(), String::new())),
        Tone::Unknown | Tone::Plain => {
            let hop = outcome.hops.iter().rev().find(|hop| hop.verdict == "unknown");
            hop.map_or_else(|| ("not visible".to_owned(), String::new()), |hop| (kind(hop.hop), hop.resource.clone()))
        }
        Tone::Holds => {
            let serves = |hop: &&Hop| {
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
    let failing = |hop: &&Hop| hop.verdict == "fails";
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

/// A need, from wherever it arises.
pub(super) fn needed(need: &Need, all: &[&Need]) -> Node {
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
