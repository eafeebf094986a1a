//! The wiring of workloads on one screen each: needs with the hops that decide, load balancers, and what was found.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::View;
use super::escape::terminal as escape;
use super::table::{plain, style_of, wrap};
use crate::wiring::{Hop, Listener, LoadBalancerPath, Need, Origin, Outcome, Wiring, Workload};

/// Renders the wiring for a terminal.
pub(super) fn render(wiring: &Wiring, view: &View) -> String {
    let mut page = Page { out: String::new(), view };
    for (index, workload) in wiring.workloads.iter().enumerate() {
        if index > 0 {
            page.out.push('\n');
        }
        page.workload(workload);
    }
    page.out
}

struct Page<'v> {
    out: String,
    view: &'v View,
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.view.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn wrapped(&mut self, lead: &str, indent: usize, text: &str) {
        let width = usize::from(self.view.width).saturating_sub(indent).max(20);
        for (index, line) in wrap(text, width).into_iter().enumerate() {
            let lead = if index == 0 { lead.to_owned() } else { " ".repeat(indent) };
            self.line(&format!("{lead}{line}"));
        }
    }

    fn section(&mut self, title: &str) {
        self.line("");
        let title = self.styled(Style::new().bold(), title);
        self.line(&title);
    }

    fn mark(&self, verdict: &str) -> String {
        let (mark, colour) = match verdict {
            "holds" => ("✓", AnsiColor::Green),
            "fails" => ("✗", AnsiColor::Red),
            _ => ("?", AnsiColor::Yellow),
        };
        self.styled(Style::new().fg_color(Some(colour.into())).bold(), mark)
    }

    fn workload(&mut self, workload: &Workload) {
        let name = self.styled(Style::new().bold(), &escape(&workload.name));
        self.line(&format!("{name} · account {} · {}", escape(&workload.account), escape(&workload.region)));
        for launch in &workload.launches {
            let mut text = format!("{} {}", launch.role, escape(&launch.task_definition));
            let _ = write!(text, " · {}", launch.launch);
            if let Some(provider) = &launch.capacity_provider {
                let _ = write!(text, " ({})", escape(provider));
            }
            let _ = write!(text, " · {}", launch.network_mode.as_deref().map_or("default mode".into(), escape));
            self.wrapped("  ", 2, &text);
        }
        self.origins(workload);
        self.needs(&workload.needs);
        self.listeners(&workload.listeners);
        self.paths(&workload.load_balancers);
        if !workload.gaps.is_empty() {
            self.section("not visible");
            for gap in &workload.gaps {
                let lead = format!("  {} ", self.mark("unknown"));
                self.wrapped(&lead, 4, &escape(gap));
            }
        }
        self.findings(workload);
    }

    fn origins(&mut self, workload: &Workload) {
        if workload.origins.is_empty() {
            return;
        }
        self.section("interfaces");
        for origin in &workload.origins {
            let text = interface(origin);
            self.wrapped("  ", 4, &text);
        }
    }

    /// One line for each need and verdict; the steps below it where something is wrong.
    fn needs(&mut self, needs: &[Need]) {
        if needs.is_empty() {
            return;
        }
        self.section("needs");
        let widest = needs.iter().map(|need| need.need.chars().count()).max().unwrap_or(0);
        let mut groups: Vec<(&Need, Vec<&Need>)> = Vec::new();
        for need in needs {
            let alike = |(first, _): &&mut (&Need, Vec<&Need>)| {
                first.need == need.need
                    && same_steps(&first.outcome, &need.outcome)
                    && first.origin.interface == need.origin.interface
            };
            match groups.iter_mut().find(alike) {
                Some((_, others)) => others.push(need),
                None => groups.push((need, vec![need])),
            }
        }
        // All of one need together, in the order in which the definition asks for them.
        let order = |name: &str| needs.iter().position(|need| need.need == name);
        groups.sort_by_key(|(first, _)| order(&first.need));
        for (first, alike) in groups {
            let name = escape(&first.need);
            let pad = " ".repeat(widest.saturating_sub(first.need.chars().count()));
            let from: Vec<&str> = alike.iter().map(|need| need.origin.subnet.as_str()).collect();
            let lead = format!("  {} {name}{pad}  ", self.mark(first.outcome.verdict));
            let asked = causes(first);
            let text = format!("{} from {} ({asked})", way(&first.outcome), escape(&listed(&from)));
            self.wrapped(&lead, 6 + widest, &text);
            if first.outcome.verdict != "holds" {
                self.steps(&first.outcome);
            }
        }
    }

    fn steps(&mut self, outcome: &Outcome) {
        let mut shown: Vec<&Hop> = Vec::new();
        for hop in &outcome.hops {
            if !shown.contains(&hop) {
                shown.push(hop);
            }
        }
        for hop in shown {
            let lead = format!("      {} ", self.mark(hop.verdict));
            self.wrapped(&lead, 8, &escape(&hop.detail));
        }
    }

    fn listeners(&mut self, listeners: &[Listener]) {
        if listeners.is_empty() {
            return;
        }
        self.section("listeners");
        for listener in listeners {
            let port = listener.port.map_or_else(String::new, |port| format!(" {port}"));
            let protocol = listener.protocol.as_deref().map_or_else(String::new, escape);
            let lead = format!("  {} ", self.mark(listener.verdict));
            let text = format!(
                "{} ({}) {protocol}{port}: {}",
                escape(&listener.load_balancer),
                escape(&listener.scheme),
                escape(&listener.detail)
            );
            self.wrapped(&lead, 4, &text);
        }
    }

    fn paths(&mut self, paths: &[LoadBalancerPath]) {
        if paths.is_empty() {
            return;
        }
        self.section("from load balancers");
        type Key<'a> = (&'a str, &'a str, &'a str, String, &'a str);
        let mut groups: BTreeMap<Key<'_>, Vec<&LoadBalancerPath>> = BTreeMap::new();
        for path in paths {
            let ports = match path.first_port == path.last_port {
                true => path.first_port.to_string(),
                false => format!("{}-{}", path.first_port, path.last_port),
            };
            let ports = format!("{} {ports}", path.protocol);
            let key =
                (path.load_balancer.as_str(), path.target_group.as_str(), path.purpose, ports, path.outcome.verdict);
            groups.entry(key).or_default().push(path);
        }
        for ((balancer, group, purpose, ports, verdict), paths) in groups {
            let lead = format!("  {} ", self.mark(verdict));
            let pairs: Vec<String> =
                paths.iter().map(|path| format!("{} → {}", path.from_subnet, path.to.subnet)).collect();
            let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
            let text =
                format!("{} → {} {purpose} {ports}: {}", escape(balancer), escape(group), escape(&listed(&pairs)));
            self.wrapped(&lead, 4, &text);
            if verdict != "holds" {
                let mut details: Vec<&Hop> = Vec::new();
                for hop in paths.iter().flat_map(|path| &path.outcome.hops).filter(|hop| hop.verdict != "holds") {
                    if !details.contains(&hop) {
                        details.push(hop);
                    }
                }
                for hop in details {
                    let lead = format!("      {} ", self.mark(hop.verdict));
                    self.wrapped(&lead, 8, &escape(&hop.detail));
                }
                let mut gaps: Vec<&String> = paths.iter().flat_map(|path| &path.outcome.gaps).collect();
                gaps.sort();
                gaps.dedup();
                for gap in gaps {
                    let lead = format!("      {} ", self.mark("unknown"));
                    self.wrapped(&lead, 8, &escape(gap));
                }
            }
        }
    }

    fn findings(&mut self, workload: &Workload) {
        self.section("findings");
        if workload.findings.is_empty() {
            self.line("  none");
        }
        for finding in &workload.findings {
            let severity = self.styled(style_of(finding.level), finding.severity);
            self.line(&format!("  {severity} {}", finding.rule));
            let message = plain(&finding.message);
            self.wrapped("    ", 4, &message);
        }
    }
}

fn interface(origin: &Origin) -> String {
    let what = match origin.interface {
        "task-eni" => "task ENI",
        _ => "instance's primary ENI",
    };
    let mut text = format!("{what} in {}", escape(&origin.subnet));
    if let Some(zone) = &origin.availability_zone {
        let _ = write!(text, " ({})", escape(zone));
    }
    let groups = match &origin.security_groups {
        None => "groups not visible".to_owned(),
        Some(groups) if groups.is_empty() => "the VPC's default group".to_owned(),
        Some(groups) => escape(&groups.join(", ")),
    };
    let address = match origin.public_address {
        "yes" => "public address",
        "no" => "no public address",
        _ => "public address not visible",
    };
    let _ = write!(text, " · {groups} · {address}");
    match origin.instances.as_slice() {
        [] => {}
        [only] => {
            let _ = write!(text, " · {}", escape(only));
        }
        several => {
            let _ = write!(text, " · {} instances", several.len());
        }
    }
    text
}

/// The step that serves, in short.
fn way(outcome: &Outcome) -> String {
    match outcome.verdict {
        "holds" => {
            let deciding = outcome.hops.iter().rev().find(|hop| {
                hop.verdict == "holds" && matches!(hop.hop, "vpc-endpoint" | "nat-gateway" | "internet-gateway")
            });
            deciding.map_or_else(|| "reached".to_owned(), |hop| format!("by {}", escape(&hop.resource)))
        }
        "fails" if outcome.partial => "partly refused".to_owned(),
        "fails" => "not reached".to_owned(),
        _ => "can't be told".to_owned(),
    }
}

fn causes(need: &Need) -> String {
    let mut by_container: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for cause in &need.causes {
        let fields = by_container.entry(cause.container.as_deref()).or_default();
        if !fields.contains(&cause.field) {
            fields.push(cause.field);
        }
    }
    let named: Vec<String> = by_container
        .into_iter()
        .map(|(container, fields)| match container {
            Some(container) => format!("{} {}", escape(container), fields.join(", ")),
            None => fields.join(", "),
        })
        .collect();
    named.join("; ")
}

/// Alike in verdict and in everything that is wrong.
fn same_steps(a: &Outcome, b: &Outcome) -> bool {
    let wrong = |outcome: &Outcome| -> Vec<String> {
        outcome.hops.iter().filter(|h| h.verdict != "holds").map(|h| format!("{} {}", h.hop, h.resource)).collect()
    };
    a.verdict == b.verdict && (a.verdict == "holds" && way(a) == way(b) || a.verdict != "holds" && wrong(a) == wrong(b))
}

fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 4;
    let mut unique: Vec<&str> = Vec::new();
    for name in names {
        if !unique.contains(name) {
            unique.push(name);
        }
    }
    match unique.len().checked_sub(SHOWN) {
        None | Some(0) => unique.join(", "),
        Some(more) => format!("{} and {more} more", unique[..SHOWN].join(", ")),
    }
}
