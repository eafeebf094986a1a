//! What is said of a value before it is dropped: values of environment variables never leave this module.

/// Token prefixes that vendors publish so that leaked tokens are recognised.
const TOKEN_PREFIXES: [(&str, &str); 14] = [
    ("ghp_", "github-token"),
    ("gho_", "github-token"),
    ("ghs_", "github-token"),
    ("github_pat_", "github-token"),
    ("glpat-", "gitlab-token"),
    ("xoxb-", "slack-token"),
    ("xoxp-", "slack-token"),
    ("sk_live_", "stripe-key"),
    ("rk_live_", "stripe-key"),
    ("SG.", "sendgrid-key"),
    ("npm_", "npm-token"),
    ("pypi-", "pypi-token"),
    ("dop_v1_", "digitalocean-token"),
    ("hvs.", "vault-token"),
];

/// The form of a credential, if the value has one.
pub(super) fn credential_form(value: &str) -> Option<&'static str> {
    let value = value.trim();
    if value.contains("-----BEGIN") && value.contains("PRIVATE KEY") {
        return Some("private-key");
    }
    if is_aws_key_id(value) {
        return Some("aws-access-key-id");
    }
    // A prefix alone is too little: `SG.` also begins a sentence.
    let long = value.len() >= 20 && !value.contains(char::is_whitespace);
    if let Some((_, form)) = TOKEN_PREFIXES.iter().find(|(prefix, _)| long && value.starts_with(prefix)) {
        return Some(form);
    }
    if is_jwt(value) {
        return Some("json-web-token");
    }
    has_password(value).then_some("url-with-password")
}

/// What a value plainly is that needn't be kept secret; `None` for one that says nothing of itself.
pub(super) fn value_kind(value: &str) -> Option<&'static str> {
    let value = value.trim();
    let first = |c: &str| value.starts_with(c);
    if value.is_empty() {
        Some("empty")
    } else if ["true", "false", "yes", "no", "on", "off", "enabled", "disabled", "none", "null"]
        .contains(&value.to_ascii_lowercase().as_str())
    {
        Some("flag")
    } else if value.parse::<f64>().is_ok() {
        Some("number")
    } else if first("arn:") {
        Some("arn")
    } else if first("/") || first("./") || first("~/") || first("file:") {
        Some("path")
    } else if value.contains("://") {
        Some("url")
    } else if first("${") || first("{{") || first("<") || first("$(") {
        Some("placeholder")
    } else {
        is_identifier(value).then_some("identifier")
    }
}

/// Words of letters in a row, as names of secrets and parameters are.
fn is_identifier(value: &str) -> bool {
    let words: Vec<&str> = value.split(['/', '-', '_', '.', ':']).collect();
    words.len() > 1 && words.iter().all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic()))
}

/// `scheme://user:password@host`; a placeholder for the password is none.
fn has_password(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else { return false };
    let password = user.split_once(':').map_or("", |(_, password)| password);
    let is_scheme = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme && !password.is_empty() && !password.contains(['$', '{', '<', '*'])
}

fn is_aws_key_id(value: &str) -> bool {
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    value.len() == 20 && (value.starts_with("AKIA") || value.starts_with("ASIA")) && value.chars().all(upper)
}

fn is_jwt(value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let base64 = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    parts.len() == 3 && value.starts_with("eyJ") && parts[1].starts_with("eyJ") && parts.iter().all(base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_recognised_by_their_form() {
        assert_eq!(credential_form("AKIAIOSFODNN7EXAMPLE"), Some("aws-access-key-id"));
        assert_eq!(credential_form("-----BEGIN RSA PRIVATE KEY-----\nMII"), Some("private-key"));
        assert_eq!(credential_form(&format!("ghp_{}", "a".repeat(36))), Some("github-token"));
        assert_eq!(credential_form("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"), Some("json-web-token"));
    }

    #[test]
    fn a_password_inside_of_an_address_is_one() {
        assert_eq!(credential_form("postgres://shop:hunter2@db.internal:5432/shop"), Some("url-with-password"));
        for value in
            ["postgres://shop@db/shop", "postgres://shop:${PASSWORD}@db", "redis://:@db", "a:b@c", "https://a/b:c@d"]
        {
            assert_eq!(credential_form(value), None, "{value}");
        }
    }

    #[test]
    fn values_that_say_what_they_are() {
        for (value, kind) in [
            ("", "empty"),
            ("True", "flag"),
            ("4096", "number"),
            ("arn:aws:secretsmanager:eu-west-1:1:secret:db", "arn"),
            ("/run/secrets/db", "path"),
            ("https://auth.example.com/token", "url"),
            ("${DB_PASSWORD}", "placeholder"),
            ("prod/db/password", "identifier"),
        ] {
            assert_eq!(value_kind(value), Some(kind), "{value}");
        }
        for value in ["hunter2", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "s3cret-word", "secret"] {
            assert_eq!(value_kind(value), None, "{value}");
        }
    }

    #[test]
    fn ordinary_values_are_not() {
        for value in
            ["", "production", "AKIA", "https://example.com/a.b.c", "SG.", "1.2.3", "npm_config", "arn:aws:s3:::b"]
        {
            assert_eq!(credential_form(value), None, "{value}");
        }
    }
}
