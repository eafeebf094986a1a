//! What clusters and subnets still hold, as bars with their numbers.

use std::cmp::Reverse;

use super::Page;
use super::markup::{Markup, put};
use super::svg;
use super::words::counted;
use crate::capacity::{ClusterCapacity, Fit, Share, SubnetCapacity, TypeCapacity};

/// Rows of each table that are shown at once.
const IN_SIGHT: usize = 8;
/// Rows of each table behind a line; `audit capacity` has all.
const ROWS: usize = 60;

/// The section.
pub(super) fn section(page: &Page<'_>, out: &mut Markup) {
    let Some(capacity) = page.document.capacity else { return };
    if capacity.clusters.is_empty() && capacity.subnets.is_empty() {
        return;
    }
    put!(out, "<section aria-labelledby=\"capacity\"><h2 id=\"capacity\">Capacity</h2>");
    let mut types: Vec<(&ClusterCapacity, &TypeCapacity)> =
        capacity.clusters.iter().flat_map(|cluster| cluster.types.iter().map(move |kind| (cluster, kind))).collect();
    types.sort_by_key(|(_, kind)| Reverse(fullest(kind)));
    if !types.is_empty() {
        put!(out, "<h3 id=\"instances\">Container instances <span class=\"count\">the fullest first</span></h3>");
        folded(out, &types, "instance types", |out, types| of_types(page, out, types));
    }
    gaps(out, &capacity.clusters);
    let mut subnets: Vec<&SubnetCapacity> = capacity.subnets.iter().collect();
    subnets.sort_by_key(|subnet| (subnet.surges.unwrap_or(u32::MAX), subnet.free));
    if !subnets.is_empty() {
        put!(out, "<h3 id=\"addresses\">Addresses of subnets <span class=\"count\">the least room first</span></h3>");
        folded(out, &subnets, "subnets", |out, subnets| of_subnets(page, out, subnets));
    }
    put!(out, "</section>");
}

/// The first rows in sight, more behind a line, and the rest counted.
fn folded<T>(out: &mut Markup, rows: &[T], what: &'static str, table: impl Fn(&mut Markup, &[T])) {
    let (first, rest) = rows.split_at(rows.len().min(IN_SIGHT));
    table(out, first);
    if !rest.is_empty() {
        put!(out, "<details class=\"rest\"><summary class=\"label\">" {rest.len()} " more " {what} "</summary>");
        table(out, &rest[..rest.len().min(ROWS)]);
        more(out, rest.len());
        put!(out, "</details>");
    }
}

fn of_types(page: &Page<'_>, out: &mut Markup, types: &[(&ClusterCapacity, &TypeCapacity)]) {
    put!(out, "<div class=\"scroll\" role=\"region\" aria-label=\"Container instances\" tabindex=\"0\">");
    put!(out, "<table class=\"bars\"><thead><tr><th scope=\"col\">Cluster</th><th scope=\"col\">awsvpc slots</th>");
    put!(out, "<th scope=\"col\">CPU</th><th scope=\"col\">memory</th>");
    put!(out, "<th scope=\"col\">room for more tasks like those there</th></tr></thead><tbody>");
    for (cluster, kind) in types {
        of_type(page, out, cluster, kind);
    }
    put!(out, "</tbody></table></div>");
}

fn of_subnets(page: &Page<'_>, out: &mut Markup, subnets: &[&SubnetCapacity]) {
    put!(out, "<div class=\"scroll\" role=\"region\" aria-label=\"Addresses of subnets\" tabindex=\"0\">");
    put!(out, "<table class=\"bars\"><thead><tr><th scope=\"col\">Subnet</th><th scope=\"col\">addresses in use</th>");
    put!(out, "<th scope=\"col\">workloads</th><th scope=\"col\">the next deployments there</th></tr></thead><tbody>");
    for subnet in subnets {
        of_subnet(page, out, subnet);
    }
    put!(out, "</tbody></table></div>");
}

fn more(out: &mut Markup, all: usize) {
    if all > ROWS {
        put!(out, "<p class=\"more\">" {all - ROWS} " more: see <code>audit capacity</code>.</p>");
    }
}

/// In percent of what is fullest.
fn fullest(kind: &TypeCapacity) -> i64 {
    let percent = |share: Share| share.used.saturating_mul(100).checked_div(share.total).unwrap_or(0);
    let slots = kind.slots_used.map_or(0, |used| percent(Share { used: used.into(), total: kind.slots.into() }));
    slots.max(percent(kind.cpu_units)).max(percent(kind.memory_mib))
}

fn of_type(page: &Page<'_>, out: &mut Markup, cluster: &ClusterCapacity, kind: &TypeCapacity) {
    let trunks = match kind.trunked {
        0 => "no trunk".to_owned(),
        some if some == kind.instances => "trunk".to_owned(),
        some => format!("{some} with a trunk"),
    };
    put!(out, "<tr><th scope=\"row\">" {cluster.name} "<span class=\"quiet\">" {kind.instances} " × " {kind.instance_type} ", " {trunks});
    place(page, out, &cluster.account, &cluster.region);
    put!(out, "</span></th><td>");
    match kind.slots_used {
        Some(used) => {
            svg::bar(out, used.into(), kind.slots.into());
            put!(out, {used} " of " {kind.slots});
        }
        None => put!(out, "? of " {kind.slots}),
    }
    for (share, unit) in [(kind.cpu_units, " units"), (kind.memory_mib, " MiB")] {
        put!(out, "</td><td>");
        svg::bar(out, share.used.max(0).unsigned_abs(), share.total.max(0).unsigned_abs());
        put!(out, {share.used} " of " {share.total} {unit});
    }
    put!(out, "</td><td>");
    fits(out, kind);
    put!(out, "</td></tr>");
}

fn place(page: &Page<'_>, out: &mut Markup, account: &str, region: &str) {
    if page.several() {
        put!(out, " · " {account} " · " {region});
    }
}

fn fits(out: &mut Markup, kind: &TypeCapacity) {
    let Some(now) = kind.now else {
        out.raw("<span class=\"quiet\">no task runs there to count with</span>");
        return;
    };
    let mut all: Vec<(String, Fit)> = vec![(String::new(), now)];
    all.extend(kind.with_trunking.map(|fit| ("with trunking ".to_owned(), fit)));
    all.extend(kind.next_size.as_ref().map(|next| (format!("on {} ", next.instance_type), next.fit)));
    for (label, fit) in all {
        put!(out, "<span class=\"fit\">" {label} "<strong>" {fit.tasks} "</strong> <span class=\"quiet\">");
        put!(out, {if fit.tasks == 0 { "bound by " } else { "then " }} {fit.binds} "</span></span>");
    }
}

fn gaps(out: &mut Markup, clusters: &[ClusterCapacity]) {
    let all: Vec<(&str, &String)> =
        clusters.iter().flat_map(|cluster| cluster.gaps.iter().map(|gap| (cluster.name.as_str(), gap))).collect();
    if all.is_empty() {
        return;
    }
    put!(out, "<ul class=\"hops\">");
    for (cluster, gap) in all.iter().take(ROWS) {
        put!(out, "<li>");
        super::words::verdict(out, "unknown");
        put!(out, "<span><strong>" {cluster} "</strong>: " {gap} "</span></li>");
    }
    put!(out, "</ul>");
    more(out, all.len());
}

fn of_subnet(page: &Page<'_>, out: &mut Markup, subnet: &SubnetCapacity) {
    put!(out, "<tr><th scope=\"row\"><span class=\"id\">" {subnet.subnet} "</span><span class=\"quiet\">" {subnet.availability_zone});
    place(page, out, &subnet.account, &subnet.region);
    put!(out, "</span></th><td>");
    match subnet.usable {
        Some(usable) => {
            let used = usable.saturating_sub(subnet.free);
            svg::bar(out, used.into(), usable.into());
            put!(out, {used} " of " {usable} ", " {subnet.free} " free");
        }
        None => put!(out, {subnet.free} " free"),
    }
    put!(out, "</td><td>" {subnet.workloads} "</td><td>");
    match subnet.surges {
        None => put!(out, "<span class=\"quiet\">nothing more to start</span>"),
        Some(surges) => {
            let tasks = counted(usize::try_from(subnet.all_deployments).unwrap_or(usize::MAX), "task");
            put!(out, "<strong>" {tasks} "</strong> at once; ");
            let rounds = counted(usize::try_from(surges).unwrap_or(usize::MAX), "such round");
            put!(out, {if surges == 0 { "not enough room" } else { "room for " }} {if surges == 0 { String::new() } else { rounds }});
        }
    }
    put!(out, "</td></tr>");
}
