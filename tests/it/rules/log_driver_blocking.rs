//! Containers that stop when CloudWatch Logs does not answer.

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::AccountSetting;
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::account::{ACCOUNT, push};
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "log-driver-blocking";

fn with_mode(mode: &str) -> Pattern {
    let mut pattern = patterns::fargate_nat();
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        let log = definition.containers[0].log_configuration.as_mut().unwrap();
        log.options.insert("mode".to_owned(), mode.to_owned());
    });
    pattern
}

/// A container that names no mode in an account with this default.
fn with_default(value: &str, principal: &str) -> Pattern {
    let mut pattern = patterns::fargate_nat();
    let setting = AccountSetting {
        name: "defaultLogDriverMode".to_owned(),
        value: value.to_owned(),
        principal_arn: Some(Arn::from(format!("arn:aws:iam::{ACCOUNT}:{principal}"))),
    };
    push(&mut pattern.account.data.account_settings, setting);
    pattern
}

#[test]
fn a_container_that_asks_for_it() {
    assert_snapshot!(shown(only(&audit_rule(&with_mode("blocking").account, RULE))), @r##"
    low log-driver-blocking prod/web (ecs:service)
    Tasks of web stop when CloudWatch Logs does not take their output: container app has mode blocking in web:1
    blocker definition/blocking - -> web:1: container app has mode blocking in web:1
    fix Set mode to non-blocking with a max-buffer-size that holds some seconds of output, where losing lines is better than stopping; else leave it and accept that the application waits.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query 'taskDefinition.containerDefinitions[].logConfiguration.options'
    "##);
}

#[test]
fn an_account_that_asks_for_it() {
    let pattern = with_default("blocking", "root");
    assert_snapshot!(only(&audit_rule(&pattern.account, RULE)).message.to_string(), @r##"
    Tasks of web stop when CloudWatch Logs does not take their output: container app names no mode, and defaultLogDriverMode of the account is blocking in web:1
    "##);
}

/// Prowler 5.46 asks for the literal `non-blocking`, although that has been the default since June 2025.
#[test]
fn a_container_that_names_no_mode_does_not_block() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    assert_silent(&audit_rule(&with_default("non-blocking", "root").account, RULE));
    assert_silent(&audit_rule(&with_mode("non-blocking").account, RULE));
}

#[test]
fn the_setting_of_one_principal_says_nothing_of_others() {
    assert_unknown(&audit_rule(&with_default("blocking", "role/auditor").account, RULE), "caller's own");
}

#[test]
fn unread() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::AccountSettings, "ecs:ListAccountSettings");
    assert_unknown(&audit_rule(&pattern.account, RULE), "account-settings could not be read");
}
