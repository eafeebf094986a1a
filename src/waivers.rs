//! Marks the findings that somebody accepted for a time, and tells of waivers that expired or cover nothing.

use jiff::civil::Date;

use crate::config::Waiver;
use crate::finding::{Finding, Report, Status, WaiverNote, WaiverState, WaiverUse};
use crate::glob;

/// Marks what the waivers cover. They expire against `as_of`, the day of the scan for a replay that gives the same report.
pub fn apply(report: &mut Report, waivers: &[Waiver], as_of: Date) {
    let mut uses: Vec<WaiverUse> = waivers
        .iter()
        .map(|waiver| WaiverUse {
            rule: waiver.rule.clone(),
            resource: waiver.resource.clone(),
            reason: waiver.reason.clone(),
            owner: waiver.owner.clone(),
            expires: waiver.expires,
            state: if waiver.expires < as_of { WaiverState::Expired } else { WaiverState::InForce },
            findings: 0,
        })
        .collect();
    for finding in report.findings.iter_mut().filter(|finding| finding.status == Status::Open) {
        for (waiver, used) in waivers.iter().zip(&mut uses) {
            if !covers(waiver, finding) {
                continue;
            }
            used.findings += 1;
            if used.state == WaiverState::InForce && finding.status == Status::Open {
                finding.status = Status::Waived;
                finding.waiver = Some(WaiverNote {
                    reason: waiver.reason.clone(),
                    owner: waiver.owner.clone(),
                    expires: waiver.expires,
                });
            }
        }
    }
    let ran = |waiver: &Waiver| report.scan.rules.iter().any(|rule| glob::matches(&waiver.rule, rule));
    // With a part of the account unread or out of scope a waiver may cover what is not there to see.
    let whole = report.scan.complete && report.scan.scope.is_everything();
    for (waiver, used) in waivers.iter().zip(&mut uses) {
        if used.state == WaiverState::InForce && used.findings == 0 && ran(waiver) && whole {
            used.state = WaiverState::Unused;
        }
    }
    report.waivers = uses;
}

fn covers(waiver: &Waiver, finding: &Finding) -> bool {
    let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
    let resource = &finding.resource;
    glob::matches(&waiver.rule, finding.rule)
        && (glob::matches(&waiver.resource, &resource.name) || glob::matches(&waiver.resource, &resource.arn))
        && is(&waiver.account, &finding.account)
        && is(&waiver.region, &finding.region)
}
