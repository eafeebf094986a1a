//! JUnit as CI servers count it.

use ecs_network_audit::finding::NotEvaluatedKind;
use ecs_network_audit::report::Format;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

use super::{Material, WAIVED};

fn read(material: &Material) -> Report {
    Report::deserialize_from_str(&material.render(Format::Junit)).unwrap()
}

#[test]
fn findings_fail_gaps_are_errors_and_what_does_not_count_is_skipped() {
    let (material, ..) = Material::demo().closed();
    let tests = read(&material);
    let (found, open) = (material.report.findings.len(), material.report.not_evaluated.len());
    assert_eq!((tests.failures, tests.errors), (found - 2, open));
    assert_eq!(tests.test_suites[0].name.as_str(), "111122223333/eu-west-1");
    let first = &tests.test_suites[0].test_cases[0];
    let TestCaseStatus::Skipped { message, .. } = &first.status else { panic!("{:?}", first.status) };
    assert_eq!(message.as_ref().unwrap().as_str(), WAIVED);
    let error = tests.test_suites[0].test_cases.last().unwrap();
    let TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, ty, .. } = &error.status else { panic!() };
    assert_eq!(ty.as_ref().unwrap().as_str(), "undecidable");
}

#[test]
fn rules_that_hold_are_passed_tests_and_those_that_concern_nothing_are_skipped() {
    let mut material = Material::demo();
    material.report.findings.clear();
    material.report.not_evaluated.retain(|entry| entry.kind == NotEvaluatedKind::Unread);
    for tally in &mut material.report.rules {
        (tally.holds, tally.fails, tally.unknown) = (tally.holds.min(1), 0, 0);
    }
    let tests = read(&material);
    assert_eq!((tests.failures, tests.errors, tests.tests), (0, 0, material.report.rules.len()));
    let idle = material.report.rules.iter().filter(|tally| tally.holds == 0).count();
    assert_eq!(tests.skipped, idle);
    assert_eq!(tests.test_suites.len(), 2, "the scanned Region is there without cases");
}

#[test]
fn hostile_names_are_text() {
    let material = Material::hostile();
    let text = material.render(Format::Junit);
    assert!(!text.contains("<script"));
    let tests = read(&material);
    assert_eq!(tests.failures, material.report.findings.len());
    let names = tests.test_suites[0].test_cases.iter().map(|case| case.name.as_str());
    assert!(names.clone().any(|name| name.ends_with("<script>alert(1)<\\script> & %7e \\u{1b}[31m")));
}
