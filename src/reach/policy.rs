//! Policies of VPC endpoints: whether they allow a call, as far as that can be told from the outside.
//!
//! Sources: "Policy evaluation logic" and "IAM JSON policy elements reference" in the IAM User Guide, "Control access to
//! VPC endpoints using endpoint policies" in the PrivateLink guide. Every step has three values: a statement applies, it
//! doesn't, or that hangs on something that nobody outside can see.

use serde_json::Value;

use crate::glob::matches;

/// What a caller wants to do through the endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The IAM action, `ecr:BatchGetImage`.
    pub action: &'a str,
    /// The ARN; `None` when it is not known.
    pub resource: Option<&'a str>,
    /// Who asks.
    pub principal: Principal<'a>,
    /// Condition keys whose value is known, in lower case.
    pub context: &'a [(&'a str, &'a str)],
    /// The policy is that of a gateway endpoint, where an account stands for its root user.
    pub is_gateway: bool,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Principal<'a> {
    /// The role with this ARN.
    Role(&'a str),
    /// Some principal of this account.
    OfAccount(&'a str),
    /// One that can't be known, of AWS itself for instance.
    Unknown,
}

/// The answer of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It lets the call through.
    Allowed,
    /// It doesn't.
    Denied {
        /// The statement that says so, by its `Sid` or its number; `None` when no statement allows it.
        by: Option<String>,
    },
    /// It hangs on something that can't be decided.
    Undecidable(String),
}

/// Whether a statement, or a part of one, applies.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Applies {
    Yes,
    No,
    Perhaps(String),
}

impl Applies {
    fn of(applies: bool) -> Self {
        if applies { Self::Yes } else { Self::No }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Perhaps(why) => Self::Perhaps(why),
        }
    }

    /// All of them: one that doesn't apply settles it, whatever the others hang on.
    fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::Yes, |all, part| match (all, part) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Perhaps(why), _) | (Self::Yes, Self::Perhaps(why)) => Self::Perhaps(why),
            (Self::Yes, Self::Yes) => Self::Yes,
        })
    }

    fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::all(parts.into_iter().map(Self::not)).not()
    }
}

/// A policy that was read once, for the many calls that ask it.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its statements, or why there are none.
    statements: Result<Vec<Value>, &'static str>,
    allows_everything: bool,
}

impl Policy {
    /// Reads a document.
    pub fn parse(document: &str) -> Self {
        let statements = match serde_json::from_str::<Value>(document) {
            Ok(mut policy) => match policy.get_mut("Statement").map(Value::take) {
                Some(Value::Array(statements)) => Ok(statements),
                Some(statement @ Value::Object(_)) => Ok(vec![statement]),
                _ => Err("the policy has no statement"),
            },
            Err(_) => Err("the policy is not readable as JSON"),
        };
        let allows_everything = statements.as_deref().is_ok_and(allow_everything);
        Self { statements, allows_everything }
    }

    /// Whether it is the default one, or says the same: whoever asks for whatever is let through.
    pub fn allows_everything(&self) -> bool {
        self.allows_everything
    }

    /// What it says to a request.
    pub fn evaluate(&self, request: &Request<'_>) -> Decision {
        let undecidable = |why: &str| Decision::Undecidable(why.to_owned());
        let statements = match &self.statements {
            Ok(statements) => statements,
            Err(why) => return undecidable(why),
        };
        let (mut allowed, mut may_allow, mut may_deny) = (false, None, None);
        for (number, statement) in statements.iter().enumerate() {
            let applies = applies(statement, request);
            match (statement.get("Effect").and_then(Value::as_str), applies) {
                (Some("Allow"), Applies::Yes) => allowed = true,
                (Some("Allow"), Applies::Perhaps(why)) => may_allow = Some(why),
                (Some("Deny"), Applies::Yes) => {
                    let sid = statement.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty());
                    return Decision::Denied { by: Some(sid.map_or_else(|| number.to_string(), str::to_owned)) };
                }
                (Some("Deny"), Applies::Perhaps(why)) => may_deny = Some(why),
                (Some("Allow" | "Deny"), Applies::No) => {}
                _ => return undecidable("a statement has no known effect"),
            }
        }
        match (allowed, may_allow, may_deny) {
            (true, _, None) => Decision::Allowed,
            (true, _, Some(why)) | (false, Some(why), _) => Decision::Undecidable(why),
            (false, None, _) => Decision::Denied { by: None },
        }
    }
}

fn allow_everything(statements: &[Value]) -> bool {
    let is_all =
        |statement: &Value, name: &str| statement.get(name).is_some_and(|value| texts(value).any(|t| t == "*"));
    let effect = |statement: &Value, effect: &str| statement.get("Effect").and_then(Value::as_str) == Some(effect);
    statements.iter().all(|statement| effect(statement, "Allow"))
        && statements.iter().any(|statement| {
            is_all(statement, "Action")
                && is_all(statement, "Resource")
                && statement.get("Principal").and_then(Value::as_str) == Some("*")
                && statement.get("Condition").is_none()
        })
}

fn applies(statement: &Value, request: &Request<'_>) -> Applies {
    let action =
        |pattern: &str| Applies::of(matches(&pattern.to_ascii_lowercase(), &request.action.to_ascii_lowercase()));
    let resource = |pattern: &str| match request.resource {
        _ if pattern == "*" => Applies::Yes,
        _ if pattern.contains("${") => Applies::Perhaps("a resource holds a policy variable".to_owned()),
        Some(resource) if matches(pattern, resource) => Applies::Yes,
        // A request for some part of a resource: which part is not known.
        Some(resource) if resource.strip_suffix('*').is_some_and(|known| may_begin(pattern, known)) => {
            Applies::Perhaps(format!("which part of {resource} is asked for is not known"))
        }
        Some(_) => Applies::No,
        None => Applies::Perhaps(format!("which resource {} is asked for is not known", request.action)),
    };
    Applies::all([
        element(statement, "Action", "NotAction", action),
        element(statement, "Resource", "NotResource", resource),
        principal(statement, request),
        conditions(statement, request),
    ])
}

/// Whether something that begins with `known` matches the pattern.
fn may_begin(pattern: &str, known: &str) -> bool {
    pattern.char_indices().map(|(at, char)| at + char.len_utf8()).any(|end| matches(&pattern[..end], known))
}

/// An element or its negation, each a text or a list of texts.
fn element(statement: &Value, name: &str, negated: &str, test: impl Fn(&str) -> Applies) -> Applies {
    match (statement.get(name), statement.get(negated)) {
        (Some(value), _) => Applies::any(texts(value).map(&test)),
        (None, Some(value)) => Applies::any(texts(value).map(&test)).not(),
        (None, None) => Applies::Perhaps(format!("a statement has no {name}")),
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or(std::slice::from_ref(value));
    list.iter().filter_map(Value::as_str)
}

fn principal(statement: &Value, request: &Request<'_>) -> Applies {
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(value), _) => named(value, request),
        (None, Some(value)) => named(value, request).not(),
        (None, None) => Applies::Perhaps("a statement names no principal".to_owned()),
    }
}

fn named(value: &Value, request: &Request<'_>) -> Applies {
    let principal = request.principal;
    match value {
        Value::String(all) if all == "*" => Applies::Yes,
        Value::Object(kinds) => match kinds.get("AWS") {
            Some(names) => Applies::any(texts(names).map(|name| is_principal(name, request))),
            // Services and federated users are not the roles that ask here.
            None => match principal {
                Principal::Unknown => Applies::Perhaps("who asks is not known".to_owned()),
                Principal::Role(_) | Principal::OfAccount(_) => Applies::No,
            },
        },
        _ => Applies::Perhaps("a principal is not readable".to_owned()),
    }
}

fn is_principal(name: &str, request: &Request<'_>) -> Applies {
    let principal = request.principal;
    if name == "*" {
        return Applies::Yes;
    }
    let account_of = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
    let whole_account = match name.split(':').nth(5) {
        Some("root") => account_of(name),
        None if name.len() == 12 && name.bytes().all(|digit| digit.is_ascii_digit()) => Some(name.to_owned()),
        _ => None,
    };
    match (principal, whole_account) {
        (Principal::Unknown, _) => Applies::Perhaps("who asks is not known".to_owned()),
        // There it stands for the root user alone ("Control access to VPC endpoints using endpoint policies").
        (Principal::Role(_) | Principal::OfAccount(_), Some(_)) if request.is_gateway => Applies::No,
        (Principal::Role(role), Some(account)) => Applies::of(account_of(role) == Some(account)),
        (Principal::OfAccount(own), Some(account)) => Applies::of(own == account),
        (Principal::Role(role), None) if name == role => Applies::Yes,
        (Principal::Role(role), None) => {
            // A session of the role: which one it will be is not known.
            let session = name.split_once(":assumed-role/").and_then(|(_, rest)| rest.split('/').next());
            let same = session.is_some() && session == role.rsplit('/').next() && account_of(name) == account_of(role);
            if same { Applies::Perhaps("only a session of the role is named".to_owned()) } else { Applies::No }
        }
        (Principal::OfAccount(own), None) => match account_of(name).is_some_and(|account| account == own) {
            true => Applies::Perhaps(format!("whether the caller is {name} is not known")),
            false => Applies::No,
        },
    }
}

fn conditions(statement: &Value, request: &Request<'_>) -> Applies {
    let Some(condition) = statement.get("Condition") else { return Applies::Yes };
    let Value::Object(operators) = condition else {
        return Applies::Perhaps("a condition is not readable".to_owned());
    };
    Applies::all(operators.iter().flat_map(|(operator, keys)| {
        let keys: Vec<(&String, &Value)> = keys.as_object().into_iter().flatten().collect();
        keys.into_iter().map(move |(key, values)| condition_applies(operator, key, values, request))
    }))
}

fn condition_applies(operator: &str, key: &str, values: &Value, request: &Request<'_>) -> Applies {
    let perhaps = || Applies::Perhaps(format!("it hangs on {key}"));
    let lower = key.to_ascii_lowercase();
    let Some((_, actual)) = request.context.iter().find(|(known, _)| *known == lower) else { return perhaps() };
    let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
    let (negated, kind) = match operator {
        "StringEquals" | "ArnEquals" | "Bool" => (false, operator),
        "StringLike" | "ArnLike" | "StringEqualsIgnoreCase" => (false, operator),
        "StringNotEquals" => (true, "StringEquals"),
        "StringNotLike" => (true, "StringLike"),
        "StringNotEqualsIgnoreCase" => (true, "StringEqualsIgnoreCase"),
        "ArnNotEquals" | "ArnNotLike" => (true, "ArnLike"),
        _ => return perhaps(),
    };
    let one = |expected: &str| match kind {
        _ if expected.contains("${") => Applies::Perhaps("a condition holds a policy variable".to_owned()),
        "StringEquals" => Applies::of(expected == *actual),
        "StringEqualsIgnoreCase" | "Bool" => Applies::of(expected.eq_ignore_ascii_case(actual)),
        _ => Applies::of(matches(expected, actual)),
    };
    let flags = values.as_bool().map(|flag| Applies::of(flag.to_string().eq_ignore_ascii_case(actual)));
    let any = Applies::any(texts(values).map(one).chain(flags));
    if negated { any.not() } else { any }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/execution";
    const LAYERS: &str = "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*";

    fn ask(document: &str, action: &str, resource: Option<&str>, principal: Principal<'_>) -> Decision {
        let context = [("aws:principalaccount", "111122223333"), ("aws:sourcevpc", "vpc-1")];
        Policy::parse(document).evaluate(&Request { action, resource, principal, context: &context, is_gateway: false })
    }

    fn role(document: &str) -> Decision {
        ask(document, "logs:PutLogEvents", Some("*"), Principal::Role(ROLE))
    }

    fn statement(rest: &str) -> String {
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"logs:*","Resource":"*",{rest}}}}}"#)
    }

    #[test]
    fn the_default_policy_allows_everything() {
        let full = r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;
        assert_eq!(role(full), Decision::Allowed);
        assert_eq!(ask(full, "s3:GetObject", None, Principal::Unknown), Decision::Allowed);
    }

    #[test]
    fn a_list_of_own_buckets_denies_the_layers() {
        let own = r#"{"Statement":[{"Action":["s3:Get*"],"Effect":"Allow","Principal":"*","Resource":["arn:aws:s3:::mine/*"]}]}"#;
        let denied = Decision::Denied { by: None };
        assert_eq!(ask(own, "s3:GetObject", Some(LAYERS), Principal::Unknown), denied);
        assert_eq!(ask(own, "s3:GetObject", Some("arn:aws:s3:::mine/a"), Principal::Unknown), Decision::Allowed);
        assert!(matches!(ask(own, "s3:GetObject", None, Principal::Unknown), Decision::Undecidable(_)));
    }

    #[test]
    fn a_policy_that_only_denies_allows_nothing() {
        let only = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"logs:Delete*","Resource":"*"}}"#;
        assert_eq!(role(only), Decision::Denied { by: None });
    }

    #[test]
    fn an_explicit_deny_wins_and_is_named() {
        let both = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},
            {"Sid":"NoLogs","Effect":"Deny","Principal":"*","Action":"LOGS:put*","Resource":"*"}]}"#;
        assert_eq!(role(both), Decision::Denied { by: Some("NoLogs".to_owned()) });
        let other =
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","NotAction":"ec2:*","NotResource":"arn:aws:s3:::x"}]}"#;
        assert_eq!(role(other), Decision::Allowed);
    }

    #[test]
    fn principals_by_account_role_and_session() {
        let by = |name: &str| role(&statement(&format!(r#""Principal":{{"AWS":{name}}}"#)));
        assert_eq!(by(r#""111122223333""#), Decision::Allowed);
        assert_eq!(by(r#"["arn:aws:iam::111122223333:root"]"#), Decision::Allowed);
        assert_eq!(by(r#""arn:aws:iam::111122223333:role/execution""#), Decision::Allowed);
        assert_eq!(by(r#""arn:aws:iam::111122223333:role/other""#), Decision::Denied { by: None });
        assert_eq!(by(r#""999988887777""#), Decision::Denied { by: None });
        let session = by(r#""arn:aws:sts::111122223333:assumed-role/execution/task""#);
        assert!(matches!(session, Decision::Undecidable(_)));
        let service = statement(r#""Principal":{"Service":"ecs-tasks.amazonaws.com"}"#);
        assert_eq!(role(&service), Decision::Denied { by: None });
        let some = ask(
            &statement(r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/x"}"#),
            "logs:PutLogEvents",
            None,
            Principal::OfAccount("111122223333"),
        );
        assert!(matches!(some, Decision::Undecidable(_)));
    }

    #[test]
    fn conditions_are_decided_where_their_keys_are_known() {
        let when = |condition: &str| role(&statement(&format!(r#""Principal":"*","Condition":{condition}"#)));
        let denied = Decision::Denied { by: None };
        assert_eq!(when(r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#), Decision::Allowed);
        assert_eq!(when(r#"{"StringEquals":{"aws:PrincipalAccount":["1","2"]}}"#), denied);
        assert_eq!(when(r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#), denied);
        assert_eq!(when(r#"{"StringLikeIfExists":{"aws:SourceVpc":"vpc-*"}}"#), Decision::Allowed);
        let org = when(r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#);
        assert_eq!(org, Decision::Undecidable("it hangs on aws:PrincipalOrgID".to_owned()));
        // A condition that is false settles it whatever the others are.
        let mixed = r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1","aws:SourceVpc":"vpc-2"}}"#;
        assert_eq!(when(mixed), denied);
    }

    #[test]
    fn what_is_no_policy_is_undecidable() {
        for document in ["", "{", "[]", "{}", r#"{"Statement":1}"#, r#"{"Statement":[{"Action":"*"}]}"#] {
            assert!(matches!(role(document), Decision::Undecidable(_)), "{document}");
        }
    }

    proptest! {
        #[test]
        fn no_document_makes_it_panic(text in ".{0,80}", key in "[A-Za-z]{1,12}", value in ".{0,12}") {
            role(&text);
            let inner = serde_json::json!({ key.clone(): [value.clone(), 1, null, { "a": value }] });
            let odd = serde_json::json!({ "Statement": [{ "Effect": "Allow", "Action": inner, "Resource": inner,
                "Principal": inner, "Condition": { key: inner } }] });
            role(&odd.to_string());
        }
    }
}
