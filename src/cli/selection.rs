//! `--rule` and `--skip-rule`: ids of the catalogue, with the nearest one when an id is wrong.

use super::args::SelectionArgs;
use crate::nearest::nearest;
use crate::rules;

/// The ids of the selected rules, in the catalogue's order.
///
/// # Errors
/// When an id isn't in the catalogue, or nothing is left.
pub(super) fn selected(arguments: &SelectionArgs) -> Result<Vec<&'static str>, String> {
    of(&arguments.rules, &arguments.skip_rules)
}

/// The ids of these rules without those, all rules where none is named.
///
/// # Errors
/// When an id isn't in the catalogue, or nothing is left.
pub(super) fn of(rules: &[String], skip_rules: &[String]) -> Result<Vec<&'static str>, String> {
    for id in rules.iter().chain(skip_rules) {
        if rules::by_id(id).is_none() {
            return Err(unknown(id));
        }
    }
    let wanted = |id: &str| rules.is_empty() || rules.iter().any(|rule| rule == id);
    let skipped = |id: &str| skip_rules.iter().any(|rule| rule == id);
    let ids: Vec<&'static str> =
        crate::rules::ALL.iter().map(|rule| rule.id).filter(|id| wanted(id) && !skipped(id)).collect();
    if ids.is_empty() { Err("no rule is left to run".to_owned()) } else { Ok(ids) }
}

/// What to say of an id that isn't in the catalogue.
pub(super) fn unknown(id: &str) -> String {
    match nearest(id, rules::ALL.iter().map(|rule| rule.id)) {
        Some(known) => format!("there is no rule '{id}'; did you mean '{known}'?"),
        None => format!("there is no rule '{id}'; `audit rules` lists them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(rules: &[&str], skip: &[&str]) -> SelectionArgs {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        SelectionArgs { rules: owned(rules), skip_rules: owned(skip) }
    }

    #[test]
    fn all_some_and_none() {
        assert_eq!(selected(&arguments(&[], &[])).unwrap().len(), rules::ALL.len());
        assert_eq!(selected(&arguments(&["vpc-endpoint-missing"], &[])).unwrap(), ["vpc-endpoint-missing"]);
        assert!(selected(&arguments(&["vpc-endpoint-missing"], &["vpc-endpoint-missing"])).is_err());
    }

    #[test]
    fn a_slip_of_the_keyboard_is_understood() {
        let error = selected(&arguments(&["vpc-endpoint-mising"], &[])).unwrap_err();
        assert!(error.contains("did you mean 'vpc-endpoint-missing'"), "{error}");
        assert!(!unknown("x").contains("did you mean"));
    }
}
