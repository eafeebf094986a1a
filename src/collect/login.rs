//! As whom and where to read.

use std::fmt;

use crate::glob;

/// As whom to read an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// A profile of the AWS configuration; `None` for the default chain.
    pub profile: Option<String>,
    /// A role to assume from there.
    pub role: Option<Role>,
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// `arn:aws:iam::111122223333:role/audit`.
    pub arn: String,
    /// What the trust policy of the role may ask for.
    pub external_id: Option<String>,
}

impl Role {
    /// A role, if the ARN is one of a role.
    ///
    /// # Errors
    /// When it is not.
    pub fn new(arn: &str, external_id: Option<&str>) -> Result<Self, String> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let is_account = |id: &str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
        match parts.as_slice() {
            ["arn", partition, "iam", "", account, name]
                if !partition.is_empty()
                    && is_account(account)
                    && name.len() > "role/".len()
                    && name.starts_with("role/") =>
            {
                Ok(Self { arn: arn.to_owned(), external_id: external_id.map(str::to_owned) })
            }
            _ => Err(format!("'{arn}' is no ARN of a role such as arn:aws:iam::111122223333:role/audit")),
        }
    }

    fn part(&self, index: usize) -> &str {
        self.arn.split(':').nth(index).unwrap_or_default()
    }
}

impl Login {
    /// The account, where the ARN of the role says it.
    pub(super) fn account(&self) -> Option<&str> {
        self.role.as_ref().map(|role| role.part(4)).filter(|account| !account.is_empty())
    }

    /// A Region that every account of the partition has, to ask for the others.
    pub(super) fn any_region(&self) -> &'static str {
        match self.role.as_ref().map_or("aws", |role| role.part(1)) {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.role, &self.profile) {
            (Some(role), _) => f.write_str(&role.arn),
            (None, Some(profile)) => write!(f, "profile {profile}"),
            (None, None) => f.write_str("the default credentials"),
        }
    }
}

/// Where to read, of each account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Regions {
    /// The Region of the profile or environment.
    Default,
    /// These.
    Named(Vec<String>),
    /// All that are enabled for the account, but those that match a pattern.
    Enabled {
        /// Patterns of names (`*` and `?`).
        except: Vec<String>,
    },
}

impl Regions {
    /// The names without those that are left out.
    pub(super) fn without(except: &[String], names: Vec<String>) -> Vec<String> {
        names.into_iter().filter(|name| !except.iter().any(|pattern| glob::matches(pattern, name))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_by_its_arn() {
        let role = Role::new("arn:aws-cn:iam::111122223333:role/path/audit", None).unwrap();
        let login = Login { profile: None, role: Some(role) };
        assert_eq!((login.account(), login.any_region()), (Some("111122223333"), "cn-north-1"));
        for wrong in [
            "",
            "audit",
            "arn:aws:iam::111122223333:user/audit",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::1111:role/audit",
            "arn:aws:sts::111122223333:assumed-role/audit/me",
        ] {
            assert!(Role::new(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn regions_are_left_out_by_pattern() {
        let names = || ["eu-west-1", "eu-west-3", "us-east-1"].map(str::to_owned).to_vec();
        assert_eq!(Regions::without(&["eu-*".to_owned()], names()), ["us-east-1"]);
        assert_eq!(Regions::without(&[], names()), names());
    }
}
