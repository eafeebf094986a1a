//! What is said of a value before it is dropped: values of environment variables never leave this module.

/// Token prefixes that vendors publish so that leaked tokens are recognised.
const TOKEN_PREFIXES: [(&str, &str); 19] = [
    ("ghp_", "github-token"),
    ("gho_", "github-token"),
    ("ghs_", "github-token"),
    ("ghu_", "github-token"),
    ("ghr_", "github-token"),
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
    ("sk-proj-", "openai-key"),
    ("sk-ant-", "anthropic-key"),
    ("AIza", "google-api-key"),
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
    if has_password(value) {
        return Some("url-with-password");
    }
    has_password_field(value).then_some("connection-string-with-password")
}

/// What a value plainly is that needn't be kept secret; `None` for one that says nothing of itself.
pub(super) fn value_kind(value: &str) -> Option<&'static str> {
    const FLAGS: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "enabled", "disabled", "none", "null"];
    const REFERENCES: [&str; 7] = ["rds!", "vault:", "ssm:", "secretsmanager:", "awssm:", "op://", "projects/"];
    let value = value.trim();
    let first = |c: &str| value.starts_with(c);
    if value.is_empty() {
        Some("empty")
    } else if FLAGS.contains(&value.to_ascii_lowercase().as_str()) {
        Some("flag")
    } else if value.parse::<f64>().is_ok() {
        Some("number")
    } else if first("arn:") {
        Some("arn")
    } else if first("pk_live_") || first("pk_test_") {
        Some("publishable-key")
    } else if ["${", "{{", "<", "$(", "[", "%"].iter().any(|start| first(start)) {
        Some("placeholder")
    } else if REFERENCES.iter().any(|start| first(start)) {
        Some("reference")
    } else if is_aws_secret(value) {
        None
    } else if is_path(value) {
        Some("path")
    } else if value.contains("://") {
        Some("url")
    } else {
        is_identifier(value).then_some("identifier")
    }
}

/// The form of a secret access key: 40 characters of Base64, which includes slashes.
fn is_aws_secret(value: &str) -> bool {
    let has = |kind: fn(&char) -> bool| value.chars().any(|c| kind(&c));
    value.len() == 40
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "+/".contains(c))
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
}

/// What is random is too mixed for the name of a file.
fn is_path(value: &str) -> bool {
    let rest = ["file:", "./", "~/", "/"].iter().find_map(|start| value.strip_prefix(start));
    let written = |rest: &str| rest.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    rest.is_some_and(|rest| written(rest) && !rest.split('/').any(is_mixed))
}

/// Words in a row, as names of secrets and parameters are: they need not be random.
fn is_identifier(value: &str) -> bool {
    let words: Vec<&str> = value.split(['/', '-', '_', '.', ':', '#']).collect();
    let plain = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric()) && !is_mixed(word);
    words.len() > 1 && words.iter().all(plain)
}

/// Capitals, small letters and digits in one long word are no word.
fn is_mixed(word: &str) -> bool {
    let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
    let kinds = [has(char::is_ascii_uppercase), has(char::is_ascii_lowercase), has(char::is_ascii_digit)];
    word.len() >= 8 && kinds.iter().filter(|kind| **kind).count() >= 2 && kinds[2]
}

/// `scheme://user:password@host`; a placeholder for the password is none.
fn has_password(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else { return false };
    let password = user.split_once(':').map_or("", |(_, password)| password);
    let is_scheme = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.:".contains(c));
    is_scheme && is_written_out(password)
}

/// `…?user=a&password=…` and `…;Password=…;`.
fn has_password_field(value: &str) -> bool {
    let fields = value.split(['?', '&', ';', ' ']).skip(1);
    let pairs = fields.filter_map(|field| field.split_once('='));
    pairs.into_iter().any(|(name, password)| {
        matches!(name.to_ascii_lowercase().as_str(), "password" | "pwd" | "passwd") && is_written_out(password)
    })
}

fn is_written_out(password: &str) -> bool {
    !password.is_empty() && !password.contains(['$', '{', '<', '*', '%'])
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
        let jdbc = "jdbc:postgresql://db/shop?user=a&password=hunter2";
        assert_eq!(credential_form(jdbc), Some("connection-string-with-password"));
        assert_eq!(credential_form("Server=db;Password=hunter2;"), Some("connection-string-with-password"));
        assert_eq!(credential_form("Server=db;Password=${DB};"), None);
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
            ("prod/db2/password", "identifier"),
            ("my-app-v2/oauth", "identifier"),
            ("rds!db-3f2c6b1e", "reference"),
            ("vault:secret/data/app#token", "reference"),
            ("[PAD]", "placeholder"),
            ("pk_live_51H8aBcDeFgHiJkLmNoPq", "publishable-key"),
        ] {
            assert_eq!(value_kind(value), Some(kind), "{value}");
        }
        for value in [
            "hunter2",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "/K7MDENG4bPxRfiCYEXAMPLEKEYwJalrXUtnFEMI",
            "/x9Qf!aa",
            "a1b2C3d4E5-f6G7h8",
            "secret",
        ] {
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
