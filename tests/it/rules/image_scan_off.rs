//! Images of ECR repositories that nobody scans.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::storage::ScanningRule;
use insta::assert_snapshot;

use crate::mocks::compute::{container, ecr};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "image-scan-off";

/// A service whose image is in repository `web`, which asks for no scan.
fn unscanned() -> Pattern {
    let mut pattern = patterns::fargate_nat();
    pattern.account.edit_repository("web", |repository| repository.scan_on_push = false);
    pattern
}

/// The scanning configuration of the registry: frequencies with their filters.
fn registry(pattern: &mut Pattern, scan_type: &str, rules: &[(&str, &[&str])]) {
    let scanning = &mut pattern.account.data.registry_scanning.items_mut().unwrap()[0];
    scanning.scan_type = scan_type.to_owned();
    let rule = |(frequency, filters): &(&str, &[&str])| ScanningRule {
        scan_frequency: (*frequency).to_owned(),
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
    };
    scanning.rules = rules.iter().map(rule).collect();
}

fn images(pattern: &mut Pattern, images: &[&str]) {
    let containers = images.iter().map(|image| container("app", image)).collect();
    let definition = pattern.account.definition("other", None, containers);
    pattern.account.edit_service(&pattern.service, |s| s.deployments[0].task_definition = Some(definition));
}

#[test]
fn a_repository_without_scan_on_push_is_named() {
    assert_snapshot!(shown(only(&audit_rule(&unscanned().account, RULE))), @r##"
    low image-scan-off prod/web (ecs:service)
    Tasks of web run images of ECR repository web, which is not scanned for vulnerabilities: neither scan on push nor the registry's configuration covers it
    fix Turn on scan on push, or let the registry scan every repository on push with the filter *. Images that are there already are scanned when they are pushed again, or by aws ecr start-image-scan.
    $ aws ecr put-image-scanning-configuration --region eu-west-1 --repository-name web --image-scanning-configuration scanOnPush=true
    "##);
}

#[test]
fn the_command_keeps_the_rules_that_are_there() {
    let mut pattern = unscanned();
    registry(&mut pattern, "ENHANCED", &[("CONTINUOUS_SCAN", &["prod-*"]), ("SCAN_ON_PUSH", &["team/"])]);
    let report = audit_rule(&pattern.account, RULE);
    assert_snapshot!(only(&report).remediation.commands[0], @r##"
    aws ecr put-registry-scanning-configuration --region eu-west-1 --scan-type ENHANCED --rules '[{"scanFrequency":"CONTINUOUS_SCAN","repositoryFilters":[{"filter":"prod-*","filterType":"WILDCARD"}]},{"scanFrequency":"SCAN_ON_PUSH","repositoryFilters":[{"filter":"team/","filterType":"WILDCARD"},{"filter":"web","filterType":"WILDCARD"}]}]'
    "##);
}

#[test]
fn enhanced_scanning_scans_no_single_image_on_request() {
    let mut pattern = unscanned();
    registry(&mut pattern, "ENHANCED", &[("SCAN_ON_PUSH", &["team/"])]);
    let report = audit_rule(&pattern.account, RULE);
    let text = only(&report).remediation.text.to_string();
    assert!(!text.contains("start-image-scan") && text.ends_with("are scanned when they are pushed again."), "{text}");
}

#[test]
fn several_repositories_are_one_finding() {
    let mut pattern = unscanned();
    images(&mut pattern, &[&ecr("web"), &ecr("proxy"), &ecr("agent")]);
    pattern.account.edit_repository("proxy", |repository| repository.scan_on_push = false);
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!(only(&report).facts["repositories"], serde_json::json!(["proxy", "web"]));
    assert_eq!(only(&report).cause.as_ref().map(|cause| cause.kind), Some("ecr:registry"));
}

#[test]
fn scan_on_push_is_enough() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
}

#[test]
fn the_registry_can_scan_it_too() {
    for (scan_type, frequency, filter) in [
        ("ENHANCED", "CONTINUOUS_SCAN", "*"),
        ("ENHANCED", "SCAN_ON_PUSH", "w*b"),
        ("BASIC", "SCAN_ON_PUSH", "*"),
        // Without a wildcard it is enough that the name has it somewhere.
        ("BASIC", "SCAN_ON_PUSH", "we"),
    ] {
        let mut pattern = unscanned();
        registry(&mut pattern, scan_type, &[(frequency, &["other-*", filter])]);
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
}

#[test]
fn filters_that_leave_it_out_and_manual_scans_do_not_count() {
    for (scan_type, frequency, filter) in [
        ("ENHANCED", "CONTINUOUS_SCAN", "prod-*"),
        ("ENHANCED", "SCAN_ON_PUSH", "we*s"),
        ("BASIC", "SCAN_ON_PUSH", "website"),
        ("BASIC", "MANUAL", "*"),
    ] {
        let mut pattern = unscanned();
        registry(&mut pattern, scan_type, &[(frequency, &[filter])]);
        only(&audit_rule(&pattern.account, RULE));
    }
}

#[test]
fn a_repository_that_the_filters_of_the_registry_contradict_is_unknown() {
    let mut pattern = patterns::fargate_nat();
    registry(&mut pattern, "ENHANCED", &[("CONTINUOUS_SCAN", &["prod-*"])]);
    assert_unknown(&audit_rule(&pattern.account, RULE), "the scanning configuration of the registry leaves it out");
    // Manual scans contradict nothing.
    registry(&mut pattern, "BASIC", &[("MANUAL", &["*"])]);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn public_images_are_not_concerned() {
    let mut pattern = unscanned();
    images(&mut pattern, &["nginx", "public.ecr.aws/nginx/nginx:1", "registry.example.com/web:1"]);
    let report = audit_rule(&pattern.account, RULE);
    assert_silent(&report);
    assert_eq!(report.rules[0].not_applicable, 1);
}

#[test]
fn repositories_elsewhere_cannot_be_read() {
    for (image, reason) in [
        ("999988887777.dkr.ecr.eu-west-1.amazonaws.com/base:1", "base of account 999988887777 in eu-west-1"),
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com/web:1", "web of account 111122223333 in us-east-1"),
    ] {
        let mut pattern = patterns::fargate_nat();
        images(&mut pattern, &[image]);
        assert_unknown(&audit_rule(&pattern.account, RULE), reason);
    }
}

#[test]
fn a_repository_that_is_gone_is_not_concerned() {
    let mut pattern = unscanned();
    pattern.account.edit_repository("web", |repository| repository.exists = false);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn what_is_unread_is_unknown() {
    let mut pattern = unscanned();
    pattern.account.deny(Dataset::RegistryScanning, "ecr:GetRegistryScanningConfiguration");
    assert_unknown(&audit_rule(&pattern.account, RULE), "registry-scanning could not be read");
    let mut pattern = unscanned();
    pattern.account.deny(Dataset::Repositories, "ecr:DescribeRepositories");
    assert_unknown(&audit_rule(&pattern.account, RULE), "repositories could not be read");
    // The registry alone can prove that all is scanned.
    registry(&mut pattern, "ENHANCED", &[("CONTINUOUS_SCAN", &["*"])]);
    let report = audit_rule(&pattern.account, RULE);
    // What was not read may hide others.
    assert_eq!((report.rules[0].holds, report.rules[0].unknown), (1, 1));
    let mut pattern = unscanned();
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
