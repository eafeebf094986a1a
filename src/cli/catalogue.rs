//! `audit rules` and `audit policy`: what the catalogue says of itself.

use std::collections::BTreeSet;

use serde_json::json;

use super::args::{CatalogueFormatArg as FormatArg, PolicyArgs, RulesArgs};
use super::{Exit, failure, output, selection};
use crate::collect::dataset;
use crate::rules::{self, Group, Rule};
use crate::snapshot::coverage::Dataset;

/// `audit rules [ID]`.
pub(super) fn rules(arguments: &RulesArgs) -> Exit {
    let selected: Vec<&Rule> = match &arguments.id {
        None => rules::ALL.to_vec(),
        Some(id) => match rules::by_id(id) {
            Some(rule) => vec![rule],
            None => {
                return failure::refuse(Exit::Usage, &selection::unknown(id));
            }
        },
    };
    let text = match (arguments.format, arguments.id.is_some()) {
        (FormatArg::Json, one) => as_json(&selected, one),
        (FormatArg::Table | FormatArg::Markdown, true) => page(selected[0], 1),
        (FormatArg::Markdown, false) => document(&selected),
        (FormatArg::Table, false) => list(&selected),
    };
    output::show(&text, Exit::Clean)
}

fn list(rules: &[&Rule]) -> String {
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let line = |rule: &&Rule| format!("{:width$}  {:8}  {}\n", rule.id, rule.severity.name(), rule.summary);
    rules.iter().map(line).collect()
}

/// The page of a rule in Markdown, its heading on this level.
fn page(rule: &Rule, level: usize) -> String {
    let below = |text: &str| text.replace("\n## ", &format!("\n#{} ", "#".repeat(level)));
    let mut page = format!(
        "{} {}\n\n{} · {} · finds: {}\n\n{}",
        "#".repeat(level),
        rule.id,
        rule.group.name(),
        rule.severity.name(),
        rule.summary,
        below(rule.page)
    );
    page.push_str(&below("\n## What it reads\n\n"));
    page.push_str(&format!("{}.\n", rule.needs.iter().map(|need| need.name()).collect::<Vec<_>>().join(", ")));
    page.push_str(&below("\n## References\n\n"));
    for reference in rule.references {
        page.push_str(&format!("- <{reference}>\n"));
    }
    for control in rule.controls {
        match rules::controls::config_rule(control) {
            Some(config) => page.push_str(&format!("- AWS Security Hub {control}, AWS Config `{config}`\n")),
            None => page.push_str(&format!("- AWS Security Hub {control}\n")),
        }
    }
    page
}

/// All pages with a table of contents.
fn document(rules: &[&Rule]) -> String {
    let mut text = format!(
        "# The catalogue of rules\n\nMade by `audit rules --format markdown`.\n\n{} rules. The ids are a contract: waivers \
         and pipelines may rely on them.\nA finding is a proved failure; what cannot be decided is reported as not evaluated.\n",
        rules.len()
    );
    let of = |group: Group| rules.iter().filter(move |rule| rule.group == group);
    for group in Group::ALL {
        text.push_str(&format!("\n**{}**: {}\n\n", group.name(), group.about()));
        text.push_str("| Rule | Severity | Finds |\n|---|---|---|\n");
        for Rule { id, severity, summary, .. } in of(group) {
            text.push_str(&format!("| [`{id}`](#{id}) | {} | {summary} |\n", severity.name()));
        }
    }
    for rule in Group::ALL.into_iter().flat_map(of) {
        text.push('\n');
        text.push_str(&page(rule, 2));
    }
    text
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
            "config_rules": rule.config_rules(),
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
        Err(error) => return failure::refuse(Exit::Usage, &error),
    };
    let selected = rules::ALL.iter().filter(|rule| ids.contains(&rule.id));
    let datasets = selected.flat_map(|rule| rule.needs).copied().collect();
    let mut actions = actions(datasets);
    if arguments.all_regions {
        actions.insert(dataset::ALL_REGIONS);
    }
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "EcsNetworkAudit",
            "Effect": "Allow",
            "Action": actions,
            "Resource": "*",
        }],
    });
    output::show(&format!("{policy:#}\n"), Exit::Clean)
}
