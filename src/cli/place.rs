//! As whom and where to read: profiles, roles and Regions, by arguments or by the settings.

use super::args::SourceArgs;
use crate::collect::{Login, Regions, Role};
use crate::config::Config;

/// As whom and where to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) logins: Vec<Login>,
    pub(super) regions: Regions,
}

impl Place {
    /// What the arguments say wins over the settings, in each of the three.
    ///
    /// # Errors
    /// When a role is none, or roles are to be assumed from several profiles.
    pub(super) fn of(arguments: &SourceArgs, config: &Config) -> Result<Self, String> {
        let profiles = if arguments.profiles.is_empty() { &config.profiles } else { &arguments.profiles };
        let roles = if arguments.roles.is_empty() {
            let configured = config.roles.iter().map(|role| Role::new(&role.arn, role.external_id.as_deref()));
            // A profile that is named is the account to audit, unless roles are named as well.
            if arguments.profiles.is_empty() { configured.collect::<Result<_, _>>()? } else { Vec::new() }
        } else {
            let id = arguments.external_id.as_deref();
            arguments.roles.iter().map(|arn| Role::new(arn, id)).collect::<Result<Vec<_>, _>>()?
        };
        let logins = match (profiles.as_slice(), roles.as_slice()) {
            ([], []) => vec![Login::default()],
            (profiles, []) => profiles.iter().map(|name| Login { profile: Some(name.clone()), role: None }).collect(),
            ([] | [_], roles) => roles
                .iter()
                .map(|role| Login { profile: profiles.first().cloned(), role: Some(role.clone()) })
                .collect(),
            _ => return Err("roles are assumed from one profile, and several are named".to_owned()),
        };
        let mut distinct: Vec<Login> = Vec::new();
        for login in logins {
            if !distinct.contains(&login) {
                distinct.push(login);
            }
        }
        Ok(Self { logins: distinct, regions: regions(arguments, config) })
    }
}

fn regions(arguments: &SourceArgs, config: &Config) -> Regions {
    let all = arguments.all_regions
        || !arguments.skip_regions.is_empty()
        || (config.regions.is_empty() && (config.all_regions || !config.skip_regions.is_empty()));
    let except = if arguments.skip_regions.is_empty() { &config.skip_regions } else { &arguments.skip_regions };
    match (arguments.regions.as_slice(), all, config.regions.as_slice()) {
        ([], true, _) => Regions::Enabled { except: except.clone() },
        ([], false, []) => Regions::Default,
        ([], false, names) | (names, _, _) => Regions::Named(names.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::Cli;
    use crate::config;

    fn place(arguments: &[&str], settings: &str) -> Result<Place, String> {
        let cli = Cli::try_parse_from(["audit"].iter().chain(arguments)).unwrap();
        Place::of(&cli.scan.source, &config::parse(settings).unwrap())
    }

    fn names(arguments: &[&str], settings: &str) -> Vec<String> {
        place(arguments, settings).unwrap().logins.iter().map(Login::to_string).collect()
    }

    const ROLE: &str = "arn:aws:iam::111122223333:role/audit";
    const SETTINGS: &str = "regions = ['eu-west-1']\n[[roles]]\narn = 'arn:aws:iam::444455556666:role/audit'";

    #[test]
    fn one_login_for_each_profile_or_role() {
        assert_eq!(names(&[], ""), ["the default credentials"]);
        assert_eq!(names(&["--profile", "a", "--profile", "b", "--profile", "a"], ""), ["profile a", "profile b"]);
        assert_eq!(names(&["--profile", "a", "--role-arn", ROLE], ""), [ROLE]);
        let several = place(&["--profile", "a", "--profile", "b", "--role-arn", ROLE], "");
        assert!(several.unwrap_err().contains("one profile"));
        assert!(place(&["--role-arn", "audit"], "").unwrap_err().contains("no ARN of a role"));
        let with_id = place(&["--role-arn", ROLE, "--external-id", "x"], "").unwrap();
        assert_eq!(with_id.logins[0].role.as_ref().unwrap().external_id.as_deref(), Some("x"));
    }

    #[test]
    fn what_the_arguments_say_wins_over_the_settings() {
        assert_eq!(names(&[], SETTINGS), ["arn:aws:iam::444455556666:role/audit"]);
        assert_eq!(names(&["--profile", "test"], SETTINGS), ["profile test"]);
        assert_eq!(names(&["--role-arn", ROLE], SETTINGS), [ROLE]);
        let regions = |arguments: &[&str], settings| place(arguments, settings).unwrap().regions;
        let named = |names: &[&str]| Regions::Named(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(regions(&[], ""), Regions::Default);
        assert_eq!(regions(&[], SETTINGS), named(&["eu-west-1"]));
        assert_eq!(regions(&["--region", "us-east-1"], SETTINGS), named(&["us-east-1"]));
        assert_eq!(regions(&["--all-regions"], SETTINGS), Regions::Enabled { except: Vec::new() });
        let except =
            |names: &[&str]| Regions::Enabled { except: names.iter().map(|name| (*name).to_owned()).collect() };
        assert_eq!(regions(&["--skip-region", "me-*"], SETTINGS), except(&["me-*"]));
        assert_eq!(regions(&[], "all-regions = true\nskip-regions = ['me-*']"), except(&["me-*"]));
        assert_eq!(regions(&[], "skip-regions = ['me-*']"), except(&["me-*"]));
        assert_eq!(regions(&["--all-regions"], "skip-regions = ['me-*']"), except(&["me-*"]));
        assert_eq!(regions(&["--region", "us-east-1"], "all-regions = true"), named(&["us-east-1"]));
    }
}
