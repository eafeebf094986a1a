//! What OCSF means beyond its schema: milliseconds, arithmetic, and the life of a finding.

use ecs_network_audit::report::Format;

use super::{Material, WAIVED, json_lines};

#[test]
fn types_follow_from_classes_and_time_is_in_milliseconds() {
    let (material, ..) = Material::demo().closed();
    let at = material.report.scan.finished_at.as_second();
    for (format, class) in [(Format::Ocsf, 2003), (Format::OcsfDetection, 2004)] {
        for event in json_lines(&material.render(format)) {
            let number = |key: &str| event[key].as_i64().unwrap();
            assert_eq!((number("category_uid"), number("class_uid")), (2, class));
            assert_eq!(number("type_uid"), class * 100 + number("activity_id"));
            assert_eq!(number("time"), at * 1000);
            let seen = event["finding_info"]["last_seen_time"].as_i64();
            assert!(seen.is_none_or(|seen| (at - 86_400..=at).contains(&(seen / 1000))), "{seen:?}");
        }
    }
}

#[test]
fn uids_are_fingerprints_and_severities_are_theirs() {
    let material = Material::demo();
    let events = json_lines(&material.render(Format::Ocsf));
    for (event, finding) in events.iter().zip(&material.report.findings) {
        assert_eq!(event["finding_info"]["uid"], finding.id);
        assert_eq!(event["severity"].as_str().unwrap().to_lowercase().get(..3), finding.severity.name().get(..3));
        assert_eq!(event["compliance"]["status_id"], 3);
        assert_eq!(event["compliance"]["control"], finding.rule);
        assert_eq!(event["resources"][0]["uid"], finding.resource.arn);
        assert_eq!(event["resources"].as_array().unwrap().len(), 1 + finding.related.len());
    }
}

#[test]
fn what_could_not_be_judged_is_a_warning_and_no_detection() {
    let material = Material::demo();
    let (found, open) = (material.report.findings.len(), material.report.not_evaluated.len());
    let events = json_lines(&material.render(Format::Ocsf));
    assert_eq!(events.len(), found + open);
    for event in &events[found..] {
        assert_eq!((&event["compliance"]["status_id"], &event["severity_id"]), (&2.into(), &1.into()));
        assert!(event["unmapped"]["not_evaluated"].is_string());
    }
    assert_eq!(json_lines(&material.render(Format::OcsfDetection)).len(), found);
}

#[test]
fn findings_that_do_not_count_are_suppressed_with_the_reason() {
    let (material, waived, known) = Material::demo().closed();
    for event in json_lines(&material.render(Format::OcsfDetection)) {
        let uid = event["finding_info"]["uid"].as_str().unwrap();
        let closed = uid == waived || uid == known;
        assert_eq!(event["status_id"], if closed { 3 } else { 1 });
        assert_eq!(event["status_detail"].is_string(), closed);
        assert_eq!(event["status_detail"] == WAIVED, uid == waived);
        assert_eq!(event["activity_id"], if uid == known { 2 } else { 1 });
    }
}
