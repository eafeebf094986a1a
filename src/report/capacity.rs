//! The planning table: one block for each cluster and instance type, then the subnets.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::View;
use super::escape::terminal as escape;
use crate::capacity::{Capacity, ClusterCapacity, Fit, Share, SubnetCapacity, TypeCapacity};

/// Renders the table for a terminal.
pub(super) fn render(capacity: &Capacity, view: &View) -> String {
    let mut page = Page { out: String::new(), view };
    if capacity.clusters.is_empty() && capacity.subnets.is_empty() {
        page.line("no container instances, and no subnets that tasks start in");
    }
    for (index, cluster) in capacity.clusters.iter().enumerate() {
        if index > 0 {
            page.line("");
        }
        page.cluster(cluster);
    }
    if !capacity.subnets.is_empty() {
        if !capacity.clusters.is_empty() {
            page.line("");
        }
        page.subnets(&capacity.subnets);
    }
    page.out
}

struct Page<'v> {
    out: String,
    view: &'v View,
}

/// Cells of a bar.
const BAR: u64 = 10;
/// From here on a bar is red, and from the other one yellow; in percent.
const FULL: u64 = 100;
const NEAR: u64 = 80;

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.view.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    fn cluster(&mut self, cluster: &ClusterCapacity) {
        let title = self.bold(&format!("cluster {}", escape(&cluster.name)));
        self.line(&format!("{title} · account {} · {}", escape(&cluster.account), escape(&cluster.region)));
        for kind in &cluster.types {
            self.line("");
            self.instance_type(kind);
        }
        for gap in &cluster.gaps {
            self.line(&format!("  ? {}", escape(gap)));
        }
    }

    fn instance_type(&mut self, kind: &TypeCapacity) {
        let trunks = match kind.trunked {
            0 => "no trunk".to_owned(),
            some if some == kind.instances => "trunk".to_owned(),
            some => format!("{some} with a trunk"),
        };
        let name = self.bold(&format!("{} × {}", kind.instances, escape(&kind.instance_type)));
        self.line(&format!("  {name} · {trunks}"));
        let derived = if kind.slots_derived { "  (derived)" } else { "" };
        let slots = u64::from(kind.slots);
        let bar = self.bar(kind.slots_used.map_or(0, u64::from), slots);
        let used = kind.slots_used.map_or_else(|| "?".to_owned(), |used| used.to_string());
        self.line(&format!("    ENI slots  {bar}  {used} of {slots}{derived}"));
        for (label, share, unit) in [("CPU", kind.cpu_units, "units"), ("memory", kind.memory_mib, "MiB")] {
            let Share { used, total } = share;
            let bar = self.bar(u64::try_from(used).unwrap_or(0), u64::try_from(total).unwrap_or(0));
            self.line(&format!("    {label:<9}  {bar}  {used} of {total} {unit}"));
        }
        let Some(task) = kind.typical_task else {
            self.line("    no task runs there to count with");
            return;
        };
        let mode = if task.awsvpc { ", awsvpc" } else { "" };
        let port = if task.static_host_port { ", static host port" } else { "" };
        self.line(&format!(
            "    more tasks like those there (mean: {} CPU, {} MiB{mode}{port}):",
            task.cpu_units, task.memory_mib
        ));
        let mut rows: Vec<(String, Fit)> = Vec::new();
        rows.extend(kind.now.map(|fit| ("as it is".to_owned(), fit)));
        rows.extend(kind.with_trunking.map(|fit| ("with trunking".to_owned(), fit)));
        rows.extend(kind.next_size.as_ref().map(|next| (format!("on {}", escape(&next.instance_type)), next.fit)));
        for (label, fit) in rows {
            let count = self.bold(&format!("{:>5}", fit.tasks));
            self.line(&format!("      {label:<20} {count}   bound by {}", fit.binds));
        }
    }

    /// Ten cells, filled in proportion and coloured by how full they are.
    fn bar(&self, used: u64, total: u64) -> String {
        let percent = (used * 100).checked_div(total).unwrap_or(0);
        let filled = (used * BAR).checked_div(total).unwrap_or(0).min(BAR);
        // Whatever is in use shows.
        let filled = if used > 0 { filled.max(1) } else { filled };
        let mut bar = String::new();
        for cell in 0..BAR {
            bar.push(if cell < filled { '█' } else { '░' });
        }
        let colour = match percent {
            FULL.. => AnsiColor::Red,
            NEAR.. => AnsiColor::Yellow,
            _ => AnsiColor::Green,
        };
        self.styled(Style::new().fg_color(Some(colour.into())), &bar)
    }

    fn subnets(&mut self, subnets: &[SubnetCapacity]) {
        let title = self.bold("subnets");
        self.line(&format!("{title} · addresses in use, and what the next deployments start there"));
        for subnet in subnets {
            let usable = subnet.usable.map(u64::from).unwrap_or_default();
            let used = usable.saturating_sub(u64::from(subnet.free));
            let bar = self.bar(used, usable);
            let mut text = format!(
                "  {:<24}  {:<14}  {bar}  {} of {} free",
                escape(&subnet.subnet),
                escape(&subnet.availability_zone),
                subnet.free,
                usable
            );
            if self.view.width < 110 {
                self.line(&text);
                text = " ".repeat(4);
            } else {
                text.push_str("   ");
            }
            let one = subnet.workloads == 1;
            let (plural, start) = if one { ("workload", "starts") } else { ("workloads", "start") };
            let largest = if one { String::new() } else { format!(", the largest {}", subnet.largest_deployment) };
            let _ = match subnet.surges {
                None => write!(text, "{} {plural}, nothing more to start", subnet.workloads),
                Some(surges) => write!(
                    text,
                    "{} {plural} {start} {} at once{largest}; room for {surges} such rounds",
                    subnet.workloads, subnet.all_deployments
                ),
            };
            self.line(&text);
        }
    }
}
