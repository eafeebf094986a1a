//! Version 1 of the JSON report. Fields are added within a version, never renamed or re-typed.

mod form;

use form::{
    Baseline, Blocker, Cause, Evidence, Failure, Hop, Related, Remediation, Report, Resource, Scope, Severities,
    Target, Trace, WaiverNote,
};
pub(super) use form::{Coverage, Finding, NotEvaluated, RuleTally, Scan, Summary, Tool, Waiver};

use super::shown;
use crate::finding;
use crate::reach::verdict;
use crate::snapshot::coverage;

/// The version of the contract.
pub const SCHEMA_VERSION: u32 = 1;

/// Renders the report as JSON with two spaces of indentation.
pub fn render(report: &finding::Report, min_severity: finding::Severity) -> String {
    let mut json = serde_json::to_string_pretty(&of_report(report, min_severity))
        .expect("the report has string keys only and no fallible serializer");
    json.push('\n');
    json
}

pub(super) fn of_report(report: &finding::Report, min_severity: finding::Severity) -> Report<'_> {
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: shown::TOOL, version: shown::VERSION },
        scan: of_scan(&report.scan),
        summary: of_summary(report),
        findings: shown::findings(report, min_severity).map(of_finding).collect(),
        rules: report.rules.iter().map(of_tally).collect(),
        not_evaluated: report.not_evaluated.iter().map(of_not_evaluated).collect(),
        coverage: report.coverage.iter().map(of_coverage).collect(),
        waivers: report.waivers.iter().map(of_waiver).collect(),
    }
}

fn of_scan(scan: &finding::ScanInfo) -> Scan<'_> {
    Scan {
        started_at: scan.started_at.to_string(),
        finished_at: scan.finished_at.to_string(),
        complete: scan.complete,
        demo: scan.demo,
        targets: scan.targets.iter().map(of_target).collect(),
        scope: Scope { clusters: &scan.scope.clusters, services: &scan.scope.services },
        rules: &scan.rules,
        thresholds: &scan.thresholds,
        configuration_hash: &scan.configuration_hash,
        baseline: scan.baseline.as_ref().map(|baseline| Baseline {
            finished_at: &baseline.finished_at,
            complete: baseline.complete,
            marked: baseline.marked,
        }),
    }
}

fn of_target(target: &finding::TargetInfo) -> Target<'_> {
    use finding::TargetStatus as S;
    let (status, login, error, help) = match &target.status {
        S::Complete => ("complete", None, None, &[][..]),
        S::Incomplete => ("incomplete", None, None, &[][..]),
        S::NotScanned { login, error, help } => ("not-scanned", Some(&**login), Some(&**error), &help[..]),
    };
    let counts = target.counts;
    Target {
        account: &target.account,
        region: &target.region,
        partition: &target.partition,
        status,
        endpoint_override: target.endpoint_override.as_deref(),
        login,
        error,
        help,
        clusters: counts.clusters,
        services: counts.services,
        tasks: counts.tasks,
        container_instances: counts.container_instances,
        api_calls: counts.api_calls,
    }
}

fn of_summary(report: &finding::Report) -> Summary {
    use finding::Severity as S;
    let with = |status| report.findings.iter().filter(|finding| finding.status == status).count();
    let counts = report.counts;
    Summary {
        findings: Severities {
            critical: report.open(S::Critical),
            high: report.open(S::High),
            medium: report.open(S::Medium),
            low: report.open(S::Low),
            info: report.open(S::Info),
        },
        waived: with(finding::Status::Waived),
        baseline: with(finding::Status::Baseline),
        not_evaluated: report.not_evaluated.len(),
        clusters: counts.clusters,
        services: counts.services,
        tasks: counts.tasks,
        container_instances: counts.container_instances,
        api_calls: counts.api_calls,
    }
}

fn of_finding(finding: &finding::Finding) -> Finding<'_> {
    let related = finding.related.iter().map(|r| Related { r#type: r.kind, id: &r.id, role: r.role });
    let traces = finding.traces.iter().map(|trace| Trace {
        need: &trace.need,
        origin: &trace.origin,
        hops: trace.hops.iter().map(of_hop).collect(),
    });
    let evidence = finding.confirmed_by.iter().map(|evidence| Evidence {
        source: evidence.source,
        at: evidence.at.map(|at| at.to_string()),
        count: evidence.count,
        text: &evidence.text,
    });
    let cause = finding.cause.as_ref().map(|cause| Cause {
        id: format!("{}/{}", cause.kind, cause.resource),
        r#type: cause.kind,
        resource: &cause.resource,
    });
    Finding {
        id: &finding.id,
        rule: finding.rule,
        severity: finding.severity.name(),
        status: finding.status.name(),
        waiver: finding.waiver.as_ref().map(|waiver| WaiverNote {
            reason: &waiver.reason,
            owner: &waiver.owner,
            expires: waiver.expires.to_string(),
        }),
        account: &finding.account,
        region: &finding.region,
        resource: of_resource(&finding.resource),
        related: related.collect(),
        message: finding.message.to_string(),
        blockers: finding.blockers.iter().map(of_blocker).collect(),
        cause,
        base_severity: finding.base_severity.name(),
        severity_reason: finding.severity_reason.as_deref(),
        facts: &finding.facts,
        traces: traces.collect(),
        confirmed_by: evidence.collect(),
        remediation: Remediation {
            text: finding.remediation.text.to_string(),
            commands: &finding.remediation.commands,
        },
        references: finding.references,
        controls: finding.controls,
    }
}

fn of_waiver(waiver: &finding::WaiverUse) -> Waiver<'_> {
    Waiver {
        rule: &waiver.rule,
        resource: &waiver.resource,
        reason: &waiver.reason,
        owner: &waiver.owner,
        expires: waiver.expires.to_string(),
        state: waiver.state.name(),
        findings: waiver.findings,
    }
}

fn of_resource(resource: &finding::Resource) -> Resource<'_> {
    Resource { r#type: resource.kind, arn: &resource.arn, name: &resource.name }
}

fn of_blocker(blocker: &verdict::Blocker) -> Blocker<'_> {
    Blocker {
        family: blocker.family.name(),
        kind: blocker.kind,
        need: blocker.need.as_deref(),
        origin: blocker.origin.as_deref(),
        port: blocker.port,
        protocol: blocker.protocol,
        resource: blocker.resource.as_deref(),
        detail: blocker.detail.to_string(),
    }
}

fn of_hop(hop: &verdict::Hop) -> Hop<'_> {
    Hop { hop: hop.hop, resource: &hop.resource, verdict: hop.verdict, detail: hop.detail.to_string() }
}

fn of_tally(tally: &finding::RuleTally) -> RuleTally {
    RuleTally {
        rule: tally.rule,
        subjects: tally.subjects,
        holds: tally.holds,
        fails: tally.fails,
        unknown: tally.unknown,
        not_applicable: tally.not_applicable,
    }
}

fn of_not_evaluated(entry: &finding::NotEvaluated) -> NotEvaluated<'_> {
    NotEvaluated {
        kind: shown::kind(entry.kind),
        rule: entry.rule,
        account: &entry.account,
        region: &entry.region,
        resource: entry.resource.as_ref().map(of_resource),
        reason: entry.reason.to_string(),
        dataset: entry.dataset.map(coverage::Dataset::name),
        iam_action: entry.iam_action.as_deref(),
    }
}

fn of_coverage(line: &finding::Coverage) -> Coverage<'_> {
    let failures = line.failures.iter().map(|failure| Failure {
        operation: &failure.operation,
        class: failure.class.name().to_owned(),
        iam_action: failure.iam_action.as_deref(),
        message: &failure.message,
        affected: &failure.affected,
    });
    Coverage {
        account: &line.account,
        region: &line.region,
        dataset: line.dataset.name(),
        status: line.status,
        items: line.items,
        calls: line.calls.calls,
        throttled: line.calls.throttled,
        error: line.failures.first().map(|failure| format!("{}: {}", failure.operation, failure.message)),
        failures: failures.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema that `docs/report.schema.json` holds.
    fn schema() -> String {
        let mut schema = serde_json::to_string_pretty(&schemars::schema_for!(Report<'static>)).unwrap();
        schema.push('\n');
        schema
    }

    #[test]
    fn the_published_schema_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");
        let expected = schema();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &expected).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(found, expected, "docs/report.schema.json is stale: run `UPDATE=1 cargo test the_published_schema`");
    }
}
