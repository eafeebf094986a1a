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
    is_jwt(value).then_some("json-web-token")
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
    fn ordinary_values_are_not() {
        for value in
            ["", "production", "AKIA", "https://example.com/a.b.c", "SG.", "1.2.3", "npm_config", "arn:aws:s3:::b"]
        {
            assert_eq!(credential_form(value), None, "{value}");
        }
    }
}
