//! Credentials among the environment variables.

use ecs_network_audit::finding::Report;
use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;

use crate::mocks::compute::variable;
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "secret-in-environment";

/// What is said of a healthy service with this variable.
fn with(name: &str, form: Option<&str>, kind: Option<&str>) -> Report {
    let mut pattern = patterns::fargate_nat();
    let definition = pattern.definition.clone();
    let variable = variable(name, form, kind);
    pattern.account.edit_definition(&definition, |definition| definition.containers[0].environment.push(variable));
    audit_rule(&pattern.account, RULE)
}

#[test]
fn a_value_with_the_form_of_a_credential() {
    assert_snapshot!(shown(only(&with("SETTINGS", Some("aws-access-key-id"), None))), @r##"
    high secret-in-environment prod/web (ecs:service)
    Tasks of web carry credentials in clear text: SETTINGS of container app has the form of a credential (aws-access-key-id) in web:1
    blocker definition/clear-text - -> web:1: SETTINGS of container app has the form of a credential (aws-access-key-id) in web:1
    fix Put the value into Secrets Manager or Parameter Store, name it under secrets instead of environment, and rotate the credential: whoever could read the task definition has seen it.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query 'taskDefinition.containerDefinitions[].{name: name, variables: environment[].name}'
    "##);
}

#[test]
fn a_variable_with_the_name_of_a_credential() {
    assert_snapshot!(only(&with("DB_PASSWORD", None, None)).message.to_string(), @r##"
    Tasks of web carry credentials in clear text: DB_PASSWORD of container app is named like a credential in web:1
    "##);
}

/// AWS Config looks for these names and no others.
#[test]
fn the_names_that_aws_config_knows() {
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECS_ENGINE_AUTH_DATA"] {
        assert_eq!(with(name, None, None).findings.len(), 1, "{name}");
        assert_eq!(with(name, None, Some("path")).findings.len(), 1, "{name}");
    }
}

/// Some tools flag any variable at all, or any name with one of their words in it.
#[test]
fn what_is_plainly_no_credential() {
    assert_silent(&with("LOG_LEVEL", None, None));
    assert_silent(&with("DB_SECRET_ARN", None, Some("arn")));
    for kind in ["empty", "flag", "arn", "reference", "path", "url", "placeholder", "publishable-key"] {
        assert_silent(&with("DB_PASSWORD", None, Some(kind)));
    }
    assert_silent(&with("MAX_TOKEN", None, Some("number")));
}

#[test]
fn the_name_of_a_secret_or_the_secret_itself() {
    for (name, kind) in [("DB_SECRET", "identifier"), ("DB_PASSWORD", "identifier"), ("DB_PASSWORD", "number")] {
        assert_unknown(&with(name, None, Some(kind)), "only the name of one");
    }
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
