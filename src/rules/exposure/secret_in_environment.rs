//! Credentials among the environment variables.

use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::reach::verdict::Gap;
use crate::rules::definitions::{self, Setting, Shown};
use crate::rules::revisions;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::ecs::{ContainerDefinition, EnvironmentVariable, TaskDefinition};
use crate::text;
use crate::text::Text;
use crate::topology::workload::{Variant, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "secret-in-environment",
    group: Group::Exposure,
    severity: Severity::High,
    summary: "a credential is an environment variable in clear text",
    page: include_str!("secret_in_environment.md"),
    needs: revisions::NEEDS,
    controls: &["ECS.8"],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let setting = Setting {
        rule: &RULE,
        kind: "clear-text",
        on_fargate: true,
        headline: "carry credentials in clear text",
        fix: text![
            "Put the value into Secrets Manager or Parameter Store, name it under secrets instead of environment, and rotate \
             the credential: whoever could read the task definition has seen it."
        ],
        query: "taskDefinition.containerDefinitions[].{name: name, variables: environment[].name}",
    };
    let show = |_: &Variant<'s>, definition: &'s TaskDefinition| {
        let mut shown = Shown::default();
        for container in &definition.containers {
            for variable in &container.environment {
                match judge(container, variable) {
                    Credential::No => {}
                    Credential::Yes(detail) => shown.wrong.push(detail),
                    Credential::Perhaps(gap) => shown.gaps.push(gap),
                }
            }
        }
        shown
    };
    definitions::judge_where(workload, analyses, setting, show)
}

enum Credential {
    No,
    Yes(Text),
    Perhaps(Gap),
}

fn judge(container: &ContainerDefinition, variable: &EnvironmentVariable) -> Credential {
    let named = text![&variable.name, " of container ", &container.name];
    if let Some(form) = &variable.credential_form {
        let mut detail = named;
        detail.append(text![" has the form of a credential (", form, ")"]);
        return Credential::Yes(detail);
    }
    let Some(name) = name_of(&variable.name) else { return Credential::No };
    match (name, variable.value_kind.as_deref()) {
        (Name::Aws, Some("empty" | "placeholder" | "reference")) => Credential::No,
        (_, None) | (Name::Aws, Some(_)) => {
            let mut detail = named;
            detail.push(" is named like a credential");
            Credential::Yes(detail)
        }
        // A password may well be a number or a row of words, and a row of words the name of a secret.
        (_, Some("identifier")) | (Name::Password, Some("number")) => {
            let mut reason = text!["whether "];
            reason.append(named);
            reason.push(" is a credential or only the name of one can't be told without its value");
            Credential::Perhaps(Gap::Undecidable { kind: "value-not-kept", reason })
        }
        (_, Some(_)) => Credential::No,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    /// One that the AWS SDKs read.
    Aws,
    Password,
    Key,
}

/// What a name says of the value: its last word, or its last two, name the credential itself and not its place or age.
fn name_of(name: &str) -> Option<Name> {
    // The three that AWS Config looks for, and their companion.
    if ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "ECS_ENGINE_AUTH_DATA"].contains(&name) {
        return Some(Name::Aws);
    }
    if name.eq_ignore_ascii_case("SECRET_KEY_BASE") {
        return Some(Name::Key);
    }
    let mut words = words(name);
    // Which of several it is: `DB_PASSWORD_1`, `DB_PASSWORD_PROD`.
    let counts = |word: &str| word.chars().all(|c| c.is_ascii_digit()) || STAGES.contains(&word);
    while words.len() > 1 && words.last().is_some_and(|word| counts(word)) {
        words.pop();
    }
    let last = words.last()?.as_str();
    let before = words.len().checked_sub(2).and_then(|index| words.get(index)).map_or("", String::as_str);
    match last {
        "pwd" | "pass" if words.len() > 1 && before != "old" => Some(Name::Password),
        "pat" if words.len() > 1 => Some(Name::Key),
        "apikey" | "credential" | "credentials" => Some(Name::Key),
        "key" => {
            const OF: [&str; 10] =
                ["api", "access", "secret", "private", "encryption", "signing", "master", "account", "auth", "license"];
            OF.contains(&before).then_some(Name::Key)
        }
        _ if ["password", "passwd", "passphrase"].iter().any(|end| last.ends_with(end)) => Some(Name::Password),
        _ if ["secret", "token"].iter().any(|end| last.ends_with(end)) => Some(Name::Key),
        _ => None,
    }
}

/// Words at the end of a name that say which of several is meant.
const STAGES: [&str; 10] =
    ["prod", "production", "dev", "development", "test", "staging", "stage", "qa", "primary", "secondary"];

/// The words of `DB_PASSWORD`, `db-password`, `dbPassword` and `db.password`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let splits = !c.is_alphanumeric() || (c.is_uppercase() && was_lower);
        if splits && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{Name, name_of};

    #[test]
    fn names_of_credentials() {
        for name in [
            "DB_PASSWORD",
            "dbPassword",
            "db.passwd",
            "SPRING_DATASOURCE_PASSWORD",
            "MYSQL_PWD",
            "PGPASSWORD",
            "DB_PASS",
            "DATABASE_PASSWORD_1",
            "DB_PASSWORD_PROD",
        ] {
            assert_eq!(name_of(name), Some(Name::Password), "{name}");
        }
        for name in [
            "STRIPE_API_KEY",
            "githubToken",
            "CLIENT_SECRET",
            "CLIENTSECRET",
            "NEW_RELIC_LICENSE_KEY",
            "SECRET_KEY_BASE",
            "GITHUB_PAT",
        ] {
            assert_eq!(name_of(name), Some(Name::Key), "{name}");
        }
    }

    #[test]
    fn names_of_what_is_around_them() {
        for name in [
            "PWD",
            "PASSWORD_FILE",
            "DB_SECRET_ARN",
            "TOKEN_URL",
            "TOKEN_TTL_SECONDS",
            "PASSWORD_MIN_LENGTH",
            "PARTITION_KEY",
            "PUBLIC_KEY",
            "SECRET_NAME",
            "SMTP_AUTH",
            "BYPASS",
            "RUN_1",
            "PROD",
            "TOKENIZER",
            "",
            "__",
        ] {
            assert_eq!(name_of(name), None, "{name}");
        }
    }
}
