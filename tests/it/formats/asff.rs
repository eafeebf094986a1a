//! What AWS Security Hub refuses beyond its schema.

use std::collections::BTreeSet;

use ecs_network_audit::finding::{Finding, Related};
use ecs_network_audit::report::Format;
use serde_json::Value;

use super::{Material, WAIVED, json_lines};

fn findings(lines: &[Value]) -> Vec<&Value> {
    lines.iter().flat_map(|line| line["Findings"].as_array().unwrap()).collect()
}

#[test]
fn a_line_is_a_request_of_at_most_100_findings_of_one_account_and_region() {
    let mut material = Material::demo();
    material.report.findings[7].region = "eu-west-2".into();
    let lines = json_lines(&material.render(Format::Asff));
    let mut ids = BTreeSet::new();
    for line in &lines {
        let batch = line["Findings"].as_array().unwrap();
        assert!((1..=100).contains(&batch.len()));
        let places: BTreeSet<String> =
            batch.iter().map(|one| format!("{}{}{}", one["AwsAccountId"], one["Region"], one["ProductArn"])).collect();
        assert_eq!(places.len(), 1, "{places:?}");
        ids.extend(batch.iter().map(|one| one["Id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(ids.len(), material.report.findings.len());
    assert_eq!(lines.len(), (material.report.findings.len() - 1).div_ceil(100) + 1);
    material.report.findings.clear();
    assert_eq!(material.render(Format::Asff), "", "nothing to import");
}

#[test]
fn the_product_is_the_account_that_sends_it() {
    let mut material = Material::demo();
    material.report.scan.targets[0].partition = "aws-cn".into();
    let lines = json_lines(&material.render(Format::Asff));
    let arn = "arn:aws-cn:securityhub:eu-west-1:111122223333:product/111122223333/default";
    assert!(findings(&lines).iter().all(|finding| finding["ProductArn"] == arn));
}

/// A finding as large as names can make it.
fn swollen(finding: &Finding) -> Finding {
    let long = "\u{1f4a5}".repeat(3_000);
    let related = (0..60).map(|number| Related { kind: "ec2:subnet", id: format!("{long}{number}"), role: "origin" });
    let mut swollen = Finding { related: related.collect(), ..finding.clone() };
    swollen.message.push(long.clone());
    swollen.remediation.text.push(long.clone());
    swollen.remediation.commands = vec![long.clone(); 3];
    swollen.resource.name = long.clone();
    swollen.resource.arn = long;
    swollen
}

#[test]
fn no_finding_is_larger_than_240_kb_and_no_request_than_6_mb() {
    let mut material = Material::demo();
    material.report.findings = material.report.findings.iter().take(120).map(swollen).collect();
    let text = material.render(Format::Asff);
    assert!(text.lines().all(|line| line.len() < 6_000_000));
    for finding in findings(&json_lines(&text)) {
        assert!(finding.to_string().len() < 240_000, "{}", finding.to_string().len());
        for (key, most) in [("Id", 512), ("Title", 256), ("Description", 1024)] {
            let length = finding[key].as_str().unwrap().chars().count();
            assert!((1..=most).contains(&length), "{key} has {length}");
        }
        assert_eq!(finding["Resources"].as_array().unwrap().len(), 32);
        assert!(finding["Remediation"]["Recommendation"]["Text"].as_str().unwrap().chars().count() <= 512);
        for value in finding["ProductFields"].as_object().unwrap().values() {
            assert!(value.as_str().unwrap().chars().count() <= 2048);
        }
    }
}

#[test]
fn nothing_that_has_to_be_seen_is_empty() {
    let mut material = Material::hostile();
    material.report.findings[0].resource.arn.clear();
    for finding in findings(&json_lines(&material.render(Format::Asff))) {
        for resource in finding["Resources"].as_array().unwrap() {
            assert!(!resource["Id"].as_str().unwrap().trim().is_empty());
        }
        assert!(!finding.to_string().contains("\\n"), "its patterns end at a line");
    }
}

#[test]
fn findings_that_do_not_count_are_warnings_and_stay_active() {
    let (material, waived, known) = Material::demo().closed();
    let lines = json_lines(&material.render(Format::Asff));
    for finding in findings(&lines) {
        let id = finding["Id"].as_str().unwrap();
        let closed = id.ends_with(&waived) || id.ends_with(&known);
        assert_eq!(finding["Compliance"]["Status"], if closed { "WARNING" } else { "FAILED" });
        assert_eq!(finding["Compliance"]["StatusReasons"].is_array(), closed);
        assert_eq!(finding["Compliance"]["StatusReasons"][0]["Description"] == WAIVED, id.ends_with(&waived));
        assert_eq!(finding["RecordState"], "ACTIVE");
        assert_eq!(finding.get("Workflow"), None, "it belongs to people");
    }
}
