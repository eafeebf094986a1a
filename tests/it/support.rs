//! What the tests share: judging an account and saying what came out.

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::{Finding, Report};
use ecs_network_audit::settings::Settings;

use crate::mocks::account::Account;

/// The report of one rule.
pub fn audit_rule(account: &Account, rule: &'static str) -> Report {
    evaluate(&account.snapshot(), &Settings { rules: vec![rule], ..Settings::all_rules() })
}

/// What a rule says in a run beside another one.
pub fn audit_beside(account: &Account, rule: &'static str, other: &'static str) -> Report {
    let mut report = evaluate(&account.snapshot(), &Settings { rules: vec![rule, other], ..Settings::all_rules() });
    report.findings.retain(|finding| finding.rule == rule);
    report.not_evaluated.retain(|entry| entry.rule == rule);
    report
}

/// The only finding.
#[track_caller]
pub fn only(report: &Report) -> &Finding {
    assert_eq!(report.findings.len(), 1, "{}", summary(report));
    &report.findings[0]
}

/// Nothing found, and nothing left open.
#[track_caller]
pub fn assert_silent(report: &Report) {
    assert!(report.findings.is_empty() && report.not_evaluated.is_empty(), "{}", summary(report));
}

/// No finding, and this among the reasons for what was not judged.
#[track_caller]
pub fn assert_unknown(report: &Report, reason: &str) {
    assert!(report.findings.is_empty(), "{}", summary(report));
    let said = report.not_evaluated.iter().any(|entry| entry.reason.to_string().contains(reason));
    assert!(said, "{reason:?} is not among\n{}", summary(report));
}

/// A finding as its detail view shows it.
pub fn shown(finding: &Finding) -> String {
    let mut text = format!(
        "{} {} {} ({})\n{}\n",
        finding.severity.name(),
        finding.rule,
        finding.resource.name,
        finding.resource.kind,
        finding.message
    );
    for blocker in &finding.blockers {
        let origin = blocker.origin.as_deref().unwrap_or("-");
        let resource = blocker.resource.as_deref().unwrap_or("-");
        text.push_str(&format!(
            "blocker {}/{} {origin} -> {resource}: {}\n",
            blocker.family.name(),
            blocker.kind,
            blocker.detail
        ));
    }
    for evidence in &finding.confirmed_by {
        text.push_str(&format!("seen {} x {}\n", evidence.count, evidence.source));
    }
    text.push_str(&format!("fix {}\n", finding.remediation.text));
    for command in &finding.remediation.commands {
        text.push_str(&format!("$ {command}\n"));
    }
    text
}

fn summary(report: &Report) -> String {
    let findings =
        report.findings.iter().map(|f| format!("{} {} {}: {}", f.severity.name(), f.rule, f.resource.name, f.message));
    let open = report.not_evaluated.iter().map(|n| {
        let name = n.resource.as_ref().map_or("-", |resource| resource.name.as_str());
        format!("not evaluated {} {name}: {} ({:?})", n.rule, n.reason, n.iam_action)
    });
    findings.chain(open).collect::<Vec<_>>().join("\n")
}
