//! Words that several parts of the page say.

use jiff::Timestamp;

use super::markup::{Markup, put};
use crate::finding::Severity;
pub(super) use crate::report::shown::counted;

/// The word and the sign of a severity.
pub(super) fn severity(out: &mut Markup, severity: Severity) {
    let name = severity.name();
    put!(out, "<span class=\"sev " {name} "\"><span aria-hidden=\"true\">" {sign(severity)} "</span>" {name} "</span>");
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "◆",
        Severity::High => "▲",
        Severity::Medium => "■",
        Severity::Low => "●",
        Severity::Info => "○",
    }
}

/// The sign of a verdict.
pub(super) fn mark(verdict: &str) -> &'static str {
    match verdict {
        "holds" => "✓",
        "fails" => "✗",
        _ => "?",
    }
}

/// The sign of a verdict, coloured and with its word for those who hear it.
pub(super) fn verdict(out: &mut Markup, verdict: &'static str) {
    let (sign, word) = (mark(verdict), if verdict.is_empty() { "unknown" } else { verdict });
    put!(out, "<span class=\"mark " {word} "\" role=\"img\" aria-label=\"" {word} "\">" {sign} "</span>");
}

/// What a kind of resource is called.
pub(super) fn kind(kind: &'static str) -> String {
    let name = kind.split_once(':').map_or(kind, |(_, name)| name);
    match name {
        "natgateway" | "nat-gateway" => "NAT gateway".to_owned(),
        "loadbalancer" => "load balancer".to_owned(),
        "vpc" => "VPC".to_owned(),
        "vpc-endpoint" => "VPC endpoint".to_owned(),
        "network-acl" | "nacl" => "network ACL".to_owned(),
        "dns" => "DNS".to_owned(),
        other => other.replace('-', " "),
    }
}

/// To the minute.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The first names, and how many there are beside them.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.len().checked_sub(most) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..most].join(", ")),
    }
}
