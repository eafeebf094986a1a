//! `audit.toml`: what a team settles once, for every run. Unknown keys are errors: a slip must not widen what is waived.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::finding::Severity;
use crate::glob;
use crate::nearest::nearest;
use crate::rules;
use crate::snapshot::coverage::Dataset;

/// The name of the file that is searched for.
pub const FILE_NAME: &str = "audit.toml";

/// The settings of a file. What the command line says wins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Profiles of the AWS configuration.
    pub profiles: Vec<String>,
    /// Roles to assume.
    pub roles: Vec<ConfiguredRole>,
    /// Names of Regions.
    pub regions: Vec<String>,
    /// All Regions that are enabled.
    pub all_regions: bool,
    /// Patterns of Regions that are left out of all of them.
    pub skip_regions: Vec<String>,
    /// Name patterns of clusters.
    pub clusters: Vec<String>,
    /// Name patterns of services.
    pub services: Vec<String>,
    /// Rules to run; empty: all.
    pub rules: Vec<String>,
    /// Rules to leave out.
    pub skip_rules: Vec<String>,
    /// Findings below it are hidden.
    pub min_severity: Option<Severity>,
    /// The least severity that ends with 1; `Some(None)` is never.
    pub fail_on: Option<Option<Severity>>,
    /// Datasets whose absence doesn't make a scan incomplete.
    pub accept_unread: Vec<Dataset>,
    /// `thresholds.eni-limit-pressure.percent`.
    pub eni_limit_pressure_percent: Option<u32>,
    /// Severities in place of the catalogue's, by rule.
    pub severities: BTreeMap<&'static str, Severity>,
    /// Findings that are accepted for a time.
    pub waivers: Vec<Waiver>,
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConfiguredRole {
    /// Its ARN.
    pub arn: String,
    /// What its trust policy asks for.
    pub external_id: Option<String>,
}

/// Findings that somebody accepts for a time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Pattern of rule ids.
    pub rule: String,
    /// Pattern of resource names (`cluster/service`) or ARNs.
    pub resource: String,
    /// Account; `None` for all.
    pub account: Option<String>,
    /// Region; `None` for all.
    pub region: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day that it holds, in UTC.
    #[serde(deserialize_with = "date")]
    pub expires: Date,
}

/// A date of TOML, or one in quotes.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Date(toml::value::Datetime),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Date(date) => date.to_string(),
        Written::Text(text) => text,
    };
    text.parse().map_err(|_| D::Error::custom(format!("expires is a day such as 2027-01-31, not {text}")))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    profiles: Vec<String>,
    roles: Vec<ConfiguredRole>,
    regions: Vec<String>,
    all_regions: bool,
    skip_regions: Vec<String>,
    clusters: Vec<String>,
    services: Vec<String>,
    rules: Vec<String>,
    skip_rules: Vec<String>,
    min_severity: Option<String>,
    fail_on: Option<String>,
    accept_unread: Vec<String>,
    thresholds: Thresholds,
    severities: BTreeMap<String, String>,
    waivers: Vec<Waiver>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Thresholds {
    eni_limit_pressure: EniLimitPressure,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct EniLimitPressure {
    percent: Option<u32>,
}

/// A file with waivers only.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct WaiversOnly {
    waivers: Vec<Waiver>,
}

/// Reads the text of a file.
///
/// # Errors
/// What is wrong, with its line, and what was probably meant.
pub fn parse(text: &str) -> Result<Config, String> {
    let raw: Raw = toml::from_str(text).map_err(|error| told(text, &error))?;
    let severities = raw.severities.iter().map(|(rule, severity)| {
        let known = rules::by_id(rule).ok_or_else(|| unknown("rule", rule, rules::ALL.iter().map(|rule| rule.id)))?;
        Ok((known.id, severity_of("severities", severity)?))
    });
    let percent = raw.thresholds.eni_limit_pressure.percent;
    if percent.is_some_and(|percent| !(1..=100).contains(&percent)) {
        return Err("thresholds.eni-limit-pressure.percent is a number from 1 to 100".to_owned());
    }
    for id in raw.rules.iter().chain(&raw.skip_rules) {
        rules::by_id(id).ok_or_else(|| unknown("rule", id, rules::ALL.iter().map(|rule| rule.id)))?;
    }
    if (raw.all_regions || !raw.skip_regions.is_empty()) && !raw.regions.is_empty() {
        return Err("regions names some, all-regions and skip-regions mean all of them: keep one".to_owned());
    }
    Ok(Config {
        profiles: raw.profiles,
        roles: raw.roles,
        regions: raw.regions,
        all_regions: raw.all_regions,
        skip_regions: raw.skip_regions,
        severities: severities.collect::<Result<_, String>>()?,
        min_severity: raw.min_severity.as_deref().map(|word| severity_of("min-severity", word)).transpose()?,
        fail_on: raw.fail_on.as_deref().map(fail_on).transpose()?,
        accept_unread: raw.accept_unread.iter().map(|name| dataset(name)).collect::<Result<_, String>>()?,
        eni_limit_pressure_percent: percent,
        waivers: checked(raw.waivers)?,
        clusters: raw.clusters,
        services: raw.services,
        rules: raw.rules,
        skip_rules: raw.skip_rules,
    })
}

/// Reads a file that holds waivers and nothing else.
///
/// # Errors
/// What is wrong, with its line, and what was probably meant.
pub fn parse_waivers(text: &str) -> Result<Vec<Waiver>, String> {
    let raw: WaiversOnly = toml::from_str(text).map_err(|error| told(text, &error))?;
    checked(raw.waivers)
}

fn checked(waivers: Vec<Waiver>) -> Result<Vec<Waiver>, String> {
    for waiver in &waivers {
        if !rules::ALL.iter().any(|rule| glob::matches(&waiver.rule, rule.id)) {
            return Err(unknown("rule", &waiver.rule, rules::ALL.iter().map(|rule| rule.id)));
        }
        for (what, value) in [("resource", &waiver.resource), ("reason", &waiver.reason), ("owner", &waiver.owner)] {
            if value.trim().is_empty() {
                return Err(format!("the waiver of {} has an empty {what}", waiver.rule));
            }
        }
    }
    Ok(waivers)
}

fn severity_of(key: &str, word: &str) -> Result<Severity, String> {
    let found = Severity::ALL.into_iter().find(|severity| severity.name() == word);
    found.ok_or_else(|| format!("{key}: {}", unknown("severity", word, Severity::ALL.map(Severity::name))))
}

fn fail_on(word: &str) -> Result<Option<Severity>, String> {
    if word == "never" { Ok(None) } else { severity_of("fail-on", word).map(Some) }
}

fn dataset(name: &str) -> Result<Dataset, String> {
    let found = Dataset::ALL.iter().copied().find(|dataset| dataset.name() == name);
    found.ok_or_else(|| format!("accept-unread: {}", unknown("dataset", name, Dataset::ALL.iter().map(|d| d.name()))))
}

fn unknown<'a>(what: &str, word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, known) {
        Some(meant) => format!("there is no {what} '{word}'; did you mean '{meant}'?"),
        None => format!("there is no {what} '{word}'"),
    }
}

/// The parser's words with the line, and for an unknown key the one that was probably meant.
fn told(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
    let message = error.message().trim();
    let mut told = line.map_or_else(String::new, |line| format!("line {line}: "));
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field")
        && let Some(key) = quoted.next()
    {
        told.push_str(&unknown("key", key, quoted));
    } else {
        told.push_str(&message.replace('\n', " "));
    }
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WAIVER: &str = "[[waivers]]\nrule = 'root-user'\nresource = 'prod/*'\nreason = 'image of a vendor'\n\
                          owner = 'platform'\nexpires = 2027-01-31\n";

    #[test]
    fn everything_that_a_file_can_say() {
        let text = format!(
            "clusters = ['prod-*']\nfail-on = 'never'\nmin-severity = 'low'\naccept-unread = ['block-public-access']\n\
             skip-rules = ['bridge-mode-in-use']\nregions = ['eu-west-1']\nprofiles = ['prod']\n\
             [[roles]]\narn = 'arn:aws:iam::111122223333:role/audit'\nexternal-id = 'x'\n[thresholds.eni-limit-pressure]\npercent = 90\n[severities]\n\
             root-user = 'info'\n{WAIVER}"
        );
        let config = parse(&text).unwrap();
        assert_eq!(config.clusters, ["prod-*"]);
        assert_eq!((&*config.regions, &*config.profiles), (&["eu-west-1".to_owned()][..], &["prod".to_owned()][..]));
        assert_eq!(config.roles[0].external_id.as_deref(), Some("x"));
        assert_eq!((config.fail_on, config.min_severity), (Some(None), Some(Severity::Low)));
        assert_eq!(config.accept_unread, [Dataset::BlockPublicAccess]);
        assert_eq!(config.eni_limit_pressure_percent, Some(90));
        assert_eq!(config.severities["root-user"], Severity::Info);
        assert_eq!(config.waivers[0].expires, jiff::civil::date(2027, 1, 31));
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn slips_are_errors_that_say_what_was_meant() {
        for (text, said) in [
            ("clusers = []", "line 1: there is no key 'clusers'; did you mean 'clusters'?"),
            ("rules = ['root-usr']", "there is no rule 'root-usr'; did you mean 'root-user'?"),
            ("[severities]\nroot-user = 'hihg'", "did you mean 'high'?"),
            ("accept-unread = ['vpc-endpoint']", "did you mean 'vpc-endpoints'?"),
            ("[thresholds.eni-limit-pressure]\npercent = 0", "from 1 to 100"),
            ("\n[[waivers]]\nrule = 'root-user'", "missing field"),
            ("fail-on = 3", "line 1"),
            ("all-regions = true\nregions = ['eu-west-1']", "keep one"),
            ("skip-regions = ['eu-*']\nregions = ['eu-west-1']", "keep one"),
            ("[[roles]]\narn = 'x'\nexternal_id = 'y'", "did you mean 'external-id'?"),
            (&WAIVER.replace("2027-01-31", "'next year'"), "such as 2027-01-31"),
            (&WAIVER.replace("2027-01-31", "2027-01-31T10:00:00Z"), "such as 2027-01-31"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert_eq!(parse(&WAIVER.replace("2027-01-31", "'2027-01-31'")).unwrap(), parse(WAIVER).unwrap());
        let without_owner = WAIVER.replace("'platform'", "' '");
        assert!(parse(&without_owner).unwrap_err().contains("empty owner"));
        assert!(parse_waivers("clusters = []").unwrap_err().contains("there is no key"));
        assert!(parse(&WAIVER.replace("root-user", "rot-usr")).unwrap_err().contains("there is no rule"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in any::<String>()) {
            let _ = parse(&text);
            let _ = parse_waivers(&text);
        }
    }
}
