//! JUnit XML: a suite for each account and Region, a case for each finding and each judgement that could not be made, and
//! one for each rule that has neither, so that a sound account is a row of passed tests.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report as Tests, TestCase, TestCaseStatus, TestSuite};

use super::escape::{said, terminal as escape};
use super::shown::{self, TOOL};
use crate::finding::{Finding, NotEvaluated, Report, RuleTally, Severity};

/// Renders the suites.
pub(super) fn render(report: &Report, least: Severity) -> String {
    let mut suites: BTreeMap<shown::Place<'_>, Vec<TestCase>> = shown::by_place(report, shown::findings(report, least))
        .into_iter()
        .map(|(place, findings)| (place, findings.into_iter().map(of_finding).collect()))
        .collect();
    for entry in &report.not_evaluated {
        suites.entry((&entry.account, &entry.region)).or_default().push(of_not_evaluated(entry));
    }
    let mut tests = Tests::new(TOOL);
    for ((account, region), cases) in suites {
        tests.add_test_suite(suite(&format!("{account}/{region}"), cases));
    }
    // The tallies are of all accounts and Regions together.
    tests.add_test_suite(suite("rules", report.rules.iter().filter_map(of_rule).collect()));
    tests.to_string().expect("the tests have no time that could not be written")
}

fn suite(name: &str, cases: Vec<TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(escape(name));
    suite.add_test_cases(cases);
    suite
}

fn case(rule: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(rule);
    case
}

fn of_finding(finding: &Finding) -> TestCase {
    let name = format!("{} {}", finding.rule, escape(&finding.resource.name));
    if let Some(reason) = shown::closed_because(finding) {
        let mut status = TestCaseStatus::skipped();
        status.set_message(escape(&reason)).set_type(finding.status.name()).set_description(description(finding));
        return case(finding.rule, &name, status);
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status
        .set_message(said(&finding.message, escape))
        .set_type(finding.severity.name())
        .set_description(description(finding));
    case(finding.rule, &name, status)
}

fn description(finding: &Finding) -> String {
    let mut lines =
        vec![format!("{} {}", finding.resource.kind, escape(&finding.resource.arn)), format!("id: {}", finding.id)];
    lines.extend(shown::blockers(finding, escape).into_iter().map(|blocker| format!("blocked: {blocker}")));
    lines.extend(
        finding
            .confirmed_by
            .iter()
            .map(|evidence| format!("seen: {} × {}: {}", evidence.count, evidence.source, escape(&evidence.text))),
    );
    lines.push(format!("fix: {}", said(&finding.remediation.text, escape)));
    lines.extend(finding.remediation.commands.iter().map(|command| escape(command)));
    lines.join("\n")
}

fn of_not_evaluated(entry: &NotEvaluated) -> TestCase {
    let subject = entry.resource.as_ref().map_or("everything".into(), |resource| escape(&resource.name));
    let mut message = said(&entry.reason, escape);
    if let Some(action) = &entry.iam_action {
        message.push_str(&format!(" (allow {})", escape(action)));
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(message).set_type(shown::kind(entry.kind));
    case(entry.rule, &format!("{} {subject}", entry.rule), status)
}

/// A rule that nothing else speaks of: it holds, or concerns nothing.
fn of_rule(tally: &RuleTally) -> Option<TestCase> {
    if tally.fails > 0 || tally.unknown > 0 {
        return None;
    }
    let mut status = TestCaseStatus::success();
    if tally.holds == 0 {
        status = TestCaseStatus::skipped();
        status.set_message("concerns nothing here").set_type("not-applicable");
    }
    Some(case(tally.rule, tally.rule, status))
}
