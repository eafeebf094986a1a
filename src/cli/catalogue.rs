//! `audit rules` and `audit policy`: what the catalogue says of itself.

use std::collections::BTreeSet;

use serde_json::json;

use super::args::{FormatArg, PolicyArgs, RulesArgs};
use super::{Exit, failure, output, selection};
use crate::collect::dataset;
use crate::rules::{self, Rule};
use crate::snapshot::coverage::Dataset;

/// `audit rules [ID]`.
pub(super) fn rules(arguments: &RulesArgs) -> Exit {
    let selected: Vec<&Rule> = match &arguments.id {
        None => rules::ALL.to_vec(),
        Some(id) => match rules::by_id(id) {
            Some(rule) => vec![rule],
            None => {
                failure::tell(&selection::unknown(id), &[]);
                return Exit::Usage;
            }
        },
    };
    let text = match (arguments.format, arguments.id.is_some()) {
        (FormatArg::Json, one) => as_json(&selected, one),
        (FormatArg::Table, true) => page(selected[0]),
        (FormatArg::Table, false) => list(&selected),
    };
    finish(&text)
}

fn finish(text: &str) -> Exit {
    match output::print(text) {
        Ok(()) => Exit::Clean,
        Err(error) => {
            failure::tell(&error, &[]);
            Exit::NotWritten
        }
    }
}

fn list(rules: &[&Rule]) -> String {
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let line = |rule: &&Rule| format!("{:width$}  {:8}  {}\n", rule.id, rule.severity.name(), rule.summary);
    rules.iter().map(line).collect()
}

/// The page of a rule in Markdown.
fn page(rule: &Rule) -> String {
    let mut page = format!(
        "# {}\n\n{} · {}\n\n{}\n## References\n\n",
        rule.id,
        rule.group.name(),
        rule.severity.name(),
        rule.page
    );
    for reference in rule.references {
        page.push_str(&format!("- <{reference}>\n"));
    }
    page
}

fn as_json(rules: &[&Rule], one: bool) -> String {
    let object = |rule: &&Rule| {
        json!({
            "id": rule.id,
            "group": rule.group.name(),
            "severity": rule.severity.name(),
            "summary": rule.summary,
            "page": rule.page,
            "datasets": rule.needs.iter().map(|dataset| dataset.name()).collect::<Vec<_>>(),
            "iam_actions": actions(rule.needs.iter().copied().collect()),
            "controls": rule.controls,
            "references": rule.references,
        })
    };
    let value = match (one, rules) {
        (true, [rule]) => object(rule),
        _ => rules.iter().map(object).collect(),
    };
    format!("{value:#}\n")
}

fn actions(datasets: BTreeSet<Dataset>) -> BTreeSet<&'static str> {
    let all = dataset::closure(&datasets);
    all.into_iter().flat_map(dataset::operations).copied().chain([dataset::IDENTITY]).collect()
}

/// `audit policy`: the actions of the selected rules' datasets and of those that they are derived from.
pub(super) fn policy(arguments: &PolicyArgs) -> Exit {
    let ids = match selection::selected(&arguments.selection) {
        Ok(ids) => ids,
        Err(error) => {
            failure::tell(&error, &[]);
            return Exit::Usage;
        }
    };
    let selected = rules::ALL.iter().filter(|rule| ids.contains(&rule.id));
    let datasets = selected.flat_map(|rule| rule.needs).copied().collect();
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "EcsNetworkAudit",
            "Effect": "Allow",
            "Action": actions(datasets),
            "Resource": "*",
        }],
    });
    finish(&format!("{policy:#}\n"))
}
