//! Containers that stop when CloudWatch Logs does not answer.

use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::reach::verdict::Gap;
use crate::rules::definitions::{self, Setting, Shown};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{AccountSetting, LogConfiguration, TaskDefinition};
use crate::text;
use crate::topology::workload::{Variant, Workload};
use crate::topology::{Topology, gap_for};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "log-driver-blocking",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "awslogs in blocking mode: an unreachable log service stops the application",
    page: include_str!("log_driver_blocking.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
        Dataset::ContainerInstances,
        Dataset::AccountSettings,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html",
    ],
    check: Check::Workload(check),
};

/// What the account says where a container says nothing.
enum Default {
    NonBlocking,
    Blocking,
    Unseen(Gap),
}

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let setting = Setting {
        rule: &RULE,
        kind: "blocking",
        on_fargate: true,
        headline: "stop when CloudWatch Logs does not take their output",
        fix: text![
            "Set mode to non-blocking with a max-buffer-size that holds some seconds of output, where losing lines is better \
             than stopping; else leave it and accept that the application waits."
        ],
        query: "taskDefinition.containerDefinitions[].logConfiguration.options",
    };
    let show = |_: &Variant<'s>, definition: &'s TaskDefinition| {
        let mut shown = Shown::default();
        for container in &definition.containers {
            let Some(log) = container.log_configuration.as_ref().filter(|log| log.log_driver == "awslogs") else {
                continue;
            };
            match mode_of(analyses.topology, log) {
                Mode::NonBlocking => {}
                Mode::Blocking(how) => shown.wrong.push(text!["container ", &container.name, how]),
                Mode::Unseen(gap) => shown.gaps.push(gap),
            }
        }
        shown
    };
    definitions::judge_where(workload, analyses, setting, show)
}

enum Mode {
    NonBlocking,
    Blocking(&'static str),
    Unseen(Gap),
}

fn mode_of(topology: &Topology<'_>, log: &LogConfiguration) -> Mode {
    match log.options.get("mode").map(String::as_str) {
        Some("blocking") => Mode::Blocking(" has mode blocking"),
        Some(_) => Mode::NonBlocking,
        None => match default_of(topology) {
            Default::NonBlocking => Mode::NonBlocking,
            Default::Blocking => Mode::Blocking(" names no mode, and defaultLogDriverMode of the account is blocking"),
            Default::Unseen(gap) => Mode::Unseen(gap),
        },
    }
}

/// Since June 2025 a container that names no mode does not block, unless `defaultLogDriverMode` says so ("Default log driver
/// mode" in the ECS Developer Guide). The setting of one principal says nothing of what others register.
fn default_of(topology: &Topology<'_>) -> Default {
    let fetched = &topology.data().account_settings;
    if let Some(gap) = gap_for(fetched, Dataset::AccountSettings, "") {
        return Default::Unseen(gap);
    }
    let mut settings = fetched.items().iter();
    let blocking = |setting: &&AccountSetting| setting.name == "defaultLogDriverMode" && setting.value == "blocking";
    match settings.find(blocking) {
        None => Default::NonBlocking,
        Some(setting) if setting.is_of_account() => Default::Blocking,
        Some(_) => {
            let reason = text![
                "the caller's own defaultLogDriverMode is blocking; what it is for those who register and run the tasks \
                 can't be seen"
            ];
            Default::Unseen(Gap::Undecidable { kind: "default-log-driver-mode", reason })
        }
    }
}
