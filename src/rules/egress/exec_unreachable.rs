//! ECS Exec is on, and what it needs is out of reach.

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::egress::{self, Kind};
use crate::analysis::path::Fault;
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::InterfaceKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "exec-unreachable",
    group: Group::Egress,
    severity: Severity::Medium,
    summary: "ECS Exec that is on although its services are out of reach",
    page: include_str!("exec_unreachable.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let region = &analyses.topology.target.region;
    let all = analyses.egress(workload);
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::All,
        |need| egress::kind(need, region) == Kind::Exec,
        |miss| {
            let same = |fault: &Fault<'_>| {
                let own = &miss.failure.fault;
                let at = (fault.endpoint().map(|e| &e.id), own.endpoint().map(|e| &e.id));
                std::mem::discriminant(fault) == std::mem::discriminant(own) && at.0 == at.1
            };
            // One cause, one finding: what stops a task from starting stops Exec as well.
            let shared = !matches!(miss.failure.fault, Fault::Missing)
                && all.iter().any(|cell| {
                    let here = cell.origin.as_deref() == Some(miss.origin);
                    let other = cell.need.as_ref().is_some_and(|need| egress::kind(need, region) != Kind::Exec);
                    here && other && cell.failure().is_some_and(|failure| same(&failure.fault))
                });
            // Task ENIs on container instances have a rule of their own for this.
            let on_ec2 = miss.cell.launch == LaunchKind::Ec2 && miss.origin.interface == InterfaceKind::TaskEni;
            let elsewhere = match miss.failure.fault {
                Fault::NoPublicAddress(_) => on_ec2,
                Fault::WayOut(_) | Fault::Unresolved(_) => true,
                _ => false,
            };
            !shared && !elsewhere
        },
    );
    view.outcome(|view| {
        let missing = view.misses.iter().all(|miss| matches!(miss.failure.fault, Fault::Missing));
        let why = if missing { view.no_way_out() } else { view.details() };
        let text = text![
            "Create endpoints for what Exec needs and let TCP 443 through to them, or give the subnets a way out; without \
             it `aws ecs execute-command` fails although the tasks run."
        ];
        let mut commands = if missing { view.create_endpoints() } else { Vec::new() };
        commands.extend(view.repairs());
        let mut failing = view.failing(why, Remediation { text, commands });
        failing.confirmed_by.clear();
        failing.cause = view.route_table_cause();
        failing
    })
}
