//! What GitHub code scanning asks of SARIF beyond its schema.

use std::collections::BTreeSet;

use ecs_network_audit::finding::{Severity, TargetInfo};
use ecs_network_audit::report::Format;
use serde_json::Value;

use super::Material;

fn sarif(material: &Material) -> Value {
    serde_json::from_str(&material.render(Format::Sarif)).unwrap()
}

fn results(log: &Value) -> &Vec<Value> {
    log["runs"][0]["results"].as_array().unwrap()
}

#[test]
fn every_result_has_a_place_and_a_fingerprint_of_its_own() {
    for material in [Material::demo(), Material::hostile()] {
        let log = sarif(&material);
        let mut fingerprints = BTreeSet::new();
        for (result, finding) in results(&log).iter().zip(&material.report.findings) {
            let location = &result["locations"][0]["physicalLocation"];
            let uri = location["artifactLocation"]["uri"].as_str().unwrap();
            assert!(uri.starts_with("aws/111122223333/eu-west-1/"), "{uri}");
            assert!(uri.split('/').all(|segment| !segment.is_empty() && segment != ".." && segment != "."), "{uri}");
            assert!(uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)), "{uri}");
            assert_eq!(location["region"]["startLine"], 1);
            let hash = result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap();
            assert_eq!(hash, format!("{}:1", finding.id));
            assert!(fingerprints.insert(hash.to_owned()), "{hash} twice");
            assert!(result["message"]["text"].as_str().unwrap().contains("\n\nFix: "));
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
        assert_eq!(fingerprints.len(), material.report.findings.len());
    }
}

#[test]
fn a_link_in_a_name_is_none_in_a_message() {
    let log = sarif(&Material::hostile());
    let texts: Vec<&str> = results(&log).iter().map(|result| result["message"]["text"].as_str().unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("\\[forum\\](javascript:alert(1)) {{0}} \\\\")));
    assert!(!texts.iter().any(|text| text.contains(" [forum")));
}

#[test]
fn severities_are_strings_that_github_can_order() {
    let material = Material::demo();
    let log = sarif(&material);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), material.report.catalogue.len());
    for (rule, info) in rules.iter().zip(&material.report.catalogue) {
        let properties = rule["properties"].as_object().unwrap();
        assert!(properties["tags"].as_array().unwrap().len() <= 20);
        let security = properties.get("security-severity").map(|value| value.as_str().unwrap());
        match security.map(|number| number.parse::<f64>().unwrap()) {
            None => assert_eq!(info.severity, Severity::Info),
            Some(number) => {
                let word = match number {
                    number if number >= 9.0 => Severity::Critical,
                    number if number >= 7.0 => Severity::High,
                    number if number >= 4.0 => Severity::Medium,
                    _ => Severity::Low,
                };
                assert!(number > 0.0 && number <= 10.0 && word == info.severity, "{} {number}", info.id);
            }
        }
        for key in ["shortDescription", "fullDescription", "help"] {
            let text = rule[key]["text"].as_str().unwrap();
            assert!(!text.is_empty() && (key == "help" || text.len() <= 1024), "{} {key}", info.id);
        }
    }
}

#[test]
fn findings_that_do_not_count_open_no_alert() {
    let (material, waived, known) = Material::demo().closed();
    let text = material.render(Format::Sarif);
    assert!(!text.contains(&waived) && !text.contains(&known));
    assert_eq!(results(&sarif(&material)).len(), material.report.findings.len() - 2);
}

#[test]
fn the_loudest_25_000_results_are_kept_and_the_rest_is_counted() {
    let material = Material::demo().multiplied(25_007);
    let log = sarif(&material);
    assert_eq!(results(&log).len(), 25_000);
    assert_eq!(results(&log)[0]["properties"]["severity"], "critical");
    let kept = results(&log).iter().filter(|result| result["properties"]["severity"] != "info").count();
    let loud = material.report.findings.iter().filter(|finding| finding.severity != Severity::Info).count();
    assert_eq!(kept, loud, "only harmless ones are left out");
    let notes = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notes.contains("7 more findings are not in this run"), "{notes}");
}

#[test]
fn each_account_and_region_is_a_category_of_its_own() {
    let mut material = Material::demo();
    let target = material.report.scan.targets[0].clone();
    let other = |number: usize| TargetInfo { region: format!("r-{number}"), ..target.clone() };
    material.report.scan.targets.push(other(1));
    material.report.findings[0].region = "r-1".into();
    let log = sarif(&material);
    let category = |index: usize| log["runs"][index]["automationDetails"]["id"].clone();
    assert_eq!(category(0), "ecs-network-audit/111122223333/eu-west-1/");
    assert_eq!(category(1), "ecs-network-audit/111122223333/r-1/");
    assert_eq!(log["runs"][1]["results"].as_array().unwrap().len(), 1);
    // One without findings is there too: its upload closes what is gone.
    material.report.scan.targets.extend((2..=20).map(other));
    let log = sarif(&material);
    assert_eq!(log["runs"].as_array().unwrap().len(), 1, "a file holds 20 runs at most");
    assert_eq!(results(&log).len(), material.report.findings.len());
}
