//! The AWS Security Finding Format: a line for each request of `aws securityhub batch-import-findings`, which takes at most
//! 100 findings of one account and Region.

use std::collections::BTreeMap;

use serde::Serialize;

use super::escape::{said, terminal as escape};
use super::ndjson::json_line;
use super::shown::{self, Place, TOOL, cut};
use crate::finding::{Finding, Report, Severity, Status};

/// Findings of one request.
const MOST_FINDINGS: usize = 100;
/// Bytes of one request; AWS takes 6 MB.
const MOST_BYTES: usize = 5_000_000;
/// Resources of one finding.
const MOST_RESOURCES: usize = 32;
const MOST_REQUIREMENTS: usize = 32;
const TITLE: usize = 256;
const DESCRIPTION: usize = 1024;
const RECOMMENDATION: usize = 512;
const ID: usize = 512;
const FIELD: usize = 2048;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AwsFinding<'a> {
    schema_version: &'static str,
    id: String,
    product_arn: String,
    generator_id: String,
    aws_account_id: &'a str,
    region: &'a str,
    types: [&'static str; 1],
    created_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_observed_at: Option<String>,
    severity: Rating,
    title: String,
    description: String,
    remediation: Remediation,
    product_fields: BTreeMap<&'static str, String>,
    resources: Vec<Resource>,
    compliance: Compliance,
    record_state: &'static str,
    /// What an update may change of severity and types.
    finding_provider_fields: ProviderFields,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rating {
    label: &'static str,
    original: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Remediation {
    recommendation: Recommendation,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Recommendation {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: &'static str,
    id: String,
    partition: String,
    region: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Compliance {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_requirements: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reasons: Option<[StatusReason; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatusReason {
    reason_code: &'static str,
    description: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProviderFields {
    severity: Rating,
    types: [&'static str; 1],
}

/// Renders a line for each request; none where there is nothing to import.
pub(super) fn render(report: &Report, least: Severity) -> String {
    let mut lines = String::new();
    for (place, findings) in shown::by_place(report, shown::findings(report, least)) {
        let rendered = findings.into_iter().map(|finding| json_line(&of_finding(report, place, finding)));
        for request in requests(rendered) {
            lines.push_str("{\"Findings\":[");
            lines.push_str(&request.join(","));
            lines.push_str("]}\n");
        }
    }
    lines
}

/// Findings in a row until a request is full.
fn requests(findings: impl Iterator<Item = String>) -> Vec<Vec<String>> {
    let (mut requests, mut bytes) = (Vec::<Vec<String>>::new(), 0);
    for finding in findings {
        let finding = finding.trim_end().to_owned();
        bytes += finding.len();
        match requests.last_mut() {
            Some(request) if request.len() < MOST_FINDINGS && bytes <= MOST_BYTES => request.push(finding),
            _ => {
                bytes = finding.len();
                requests.push(vec![finding]);
            }
        }
    }
    requests
}

fn of_finding<'a>(report: &'a Report, place: Place<'a>, finding: &'a Finding) -> AwsFinding<'a> {
    let (account, region) = place;
    let partition = shown::partition(report, place);
    let at = report.scan.finished_at.to_string();
    // Whose default product it is has to be who sends it.
    let product_arn = format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default");
    let severity = Rating { label: label(finding.severity), original: finding.severity.name() };
    let types = ["Software and Configuration Checks/AWS Security Best Practices/Network Reachability"];
    let resource = |kind: &str, id: &str| Resource {
        r#type: resource_type(kind),
        id: filled(id, ID),
        partition: partition.to_owned(),
        region: region.to_owned(),
    };
    let related = finding.related.iter().map(|related| resource(related.kind, &related.id));
    let subject = [resource(finding.resource.kind, &finding.resource.arn)];
    let mut product_fields = BTreeMap::from([
        ("audit/Rule", finding.rule.to_owned()),
        ("audit/Resource", filled(&finding.resource.name, FIELD)),
        ("audit/Status", finding.status.name().to_owned()),
    ]);
    if let Some(cause) = &finding.cause {
        product_fields.insert("audit/Cause", filled(&format!("{}/{}", cause.kind, cause.resource), FIELD));
    }
    if let Some(command) = finding.remediation.commands.first() {
        product_fields.insert("audit/Command", filled(command, FIELD));
    }
    let requirements = finding.controls.iter().take(MOST_REQUIREMENTS);
    AwsFinding {
        schema_version: "2018-10-08",
        id: format!("{TOOL}/{}", finding.id),
        product_arn,
        generator_id: format!("{TOOL}/{}", finding.rule),
        aws_account_id: account,
        region,
        types,
        created_at: at.clone(),
        updated_at: at,
        last_observed_at: finding.confirmed_by.iter().filter_map(|evidence| evidence.at).max().map(|at| at.to_string()),
        severity,
        title: cut(shown::summary(report, finding.rule), TITLE),
        description: filled(&said(&finding.message, escape), DESCRIPTION),
        remediation: Remediation {
            recommendation: Recommendation {
                text: filled(&said(&finding.remediation.text, escape), RECOMMENDATION),
                url: finding.references.first().copied(),
            },
        },
        product_fields,
        resources: subject.into_iter().chain(related).take(MOST_RESOURCES).collect(),
        compliance: Compliance {
            // A workflow status that is imported once can't be taken back by a later import, so that says nothing.
            status: if finding.status == Status::Open { "FAILED" } else { "WARNING" },
            related_requirements: requirements.map(|control| format!("AWS Security Hub {control}")).collect(),
            status_reasons: shown::closed_because(finding).map(|reason| {
                let reason_code = if finding.status == Status::Waived { "WAIVED" } else { "BASELINE" };
                [StatusReason { reason_code, description: filled(&reason, FIELD) }]
            }),
        },
        record_state: "ACTIVE",
        finding_provider_fields: ProviderFields { severity, types },
    }
}

/// Visible, not too long, and never without a character that can be seen: AWS refuses the whole request otherwise.
fn filled(text: &str, most: usize) -> String {
    let text = cut(&escape(text), most);
    if text.trim().is_empty() { "-".to_owned() } else { text }
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "INFORMATIONAL",
        Severity::Low => "LOW",
        Severity::Medium => "MEDIUM",
        Severity::High => "HIGH",
        Severity::Critical => "CRITICAL",
    }
}

/// Security Hub's names for the kinds that it knows.
fn resource_type(kind: &str) -> &'static str {
    match kind {
        "ecs:service" => "AwsEcsService",
        "ecs:cluster" => "AwsEcsCluster",
        "ecs:task-definition" => "AwsEcsTaskDefinition",
        "ec2:instance" => "AwsEc2Instance",
        "ec2:network-acl" => "AwsEc2NetworkAcl",
        "ec2:route-table" => "AwsEc2RouteTable",
        "ec2:security-group" => "AwsEc2SecurityGroup",
        "ec2:subnet" => "AwsEc2Subnet",
        "ec2:vpc" => "AwsEc2Vpc",
        "elasticloadbalancing:loadbalancer" => "AwsElbv2LoadBalancer",
        "route53:hosted-zone" => "AwsRoute53HostedZone",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_full_at_100_findings_and_at_5_mb() {
        let sizes = |findings: usize, bytes: usize| {
            let all = requests(std::iter::repeat_n("x".repeat(bytes), findings));
            all.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(0, 10), Vec::<usize>::new());
        assert_eq!(sizes(100, 10), [100]);
        assert_eq!(sizes(250, 10), [100, 100, 50]);
        assert_eq!(sizes(60, 100_000), [50, 10]);
    }

    #[test]
    fn no_text_is_empty_or_too_long() {
        assert_eq!(filled("", 5), "-");
        assert_eq!(filled(" \u{2003}", 5), "-");
        assert_eq!(filled("a\nb", 9), "a\\u{a}b");
        assert_eq!(filled("ééééééé", 5), "éééé…");
    }
}
