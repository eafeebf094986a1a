//! Endpoint policies that stand in the way.

use insta::assert_snapshot;

use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::LogConfiguration;

use crate::mocks::accounts::{Fixture, fargate_isolated_with_endpoints, fargate_private_with_nat};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "vpc-endpoint-policy-denies";

fn with_policy(service: &str, policy: &str) -> Fixture {
    let mut fixture = fargate_isolated_with_endpoints();
    let name = format!(".{service}");
    let endpoints = fixture.account.data.vpc_endpoints.items_mut().unwrap();
    endpoints.iter_mut().find(|e| e.service_name.ends_with(&name)).unwrap().policy_document = Some(policy.to_owned());
    fixture
}

fn allow(action: &str, resource: &str, principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"{resource}"{condition}}}]}}"#
    )
}

#[test]
fn a_policy_for_own_buckets_leaves_the_layers_out() {
    let fixture = with_policy("s3", &allow("s3:*", "arn:aws:s3:::my-bucket/*", "\"*\"", ""));
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high vpc-endpoint-policy-denies prod/web (ecs:service)
    Fargate tasks in subnet-0896d9a98e4df01a6 cannot reach s3: the policy of vpce-0c13be0aa0fac5855 does not allow s3:GetObject on arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*; needed by app (image)
    blocker policy/policy-denies subnet-0896d9a98e4df01a6 -> vpce-0c13be0aa0fac5855: the policy of vpce-0c13be0aa0fac5855 does not allow s3:GetObject on arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*
    fix Allow s3:GetObject in the policy of vpce-0c13be0aa0fac5855, or go back to the default policy, which allows everything that the callers' own policies allow.
    $ aws ec2 describe-vpc-endpoints --region eu-west-1 --vpc-endpoint-ids vpce-0c13be0aa0fac5855 --query 'VpcEndpoints[].PolicyDocument' --output text
    "##);
}

#[test]
fn what_is_forbidden_confirms_it_and_what_does_not_answer_does_not() {
    let layer = "https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com/x";
    for (said, confirms) in
        [("unexpected status code 403 Forbidden", true), ("dial tcp 52.218.1.1:443: i/o timeout", false)]
    {
        let mut fixture = with_policy("s3", &allow("s3:*", "arn:aws:s3:::my-bucket/*", "\"*\"", ""));
        let reason =
            format!("CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: {layer}: {said}");
        fixture.account.stopped_task(&fixture.service, "s1", &reason);
        assert_eq!(only(&audit_rule(&fixture.account, RULE)).confirmed_by.len() == 1, confirms, "{said}");
    }
}

#[test]
fn the_default_policy_and_what_covers_the_calls_are_silent() {
    for (service, policy) in [
        ("s3", allow("*", "*", "\"*\"", "")),
        ("s3", allow("s3:GetObject", "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*", "\"*\"", "")),
        ("ecr.dkr", allow("ecr:*", "*", r#"{"AWS":"*"}"#, "")),
        ("ecr.api", allow("ecr:Get*", "*", r#"{"AWS":"111122223333"}"#, "")),
        ("logs", allow("logs:*", "*", r#"{"AWS":"arn:aws:iam::111122223333:role/execution"}"#, "")),
    ] {
        assert_silent(&audit_rule(&with_policy(service, &policy).account, RULE));
    }
}

#[test]
fn actions_principals_and_conditions_that_are_decidable_are_decided() {
    let other = r#","Condition":{"StringEquals":{"aws:PrincipalAccount":"999988887777"}}"#;
    for (service, policy) in [
        ("ecr.dkr", allow("ecr:DescribeImages", "*", "\"*\"", "")),
        ("logs", allow("logs:*", "*", r#"{"AWS":"arn:aws:iam::111122223333:role/somebody-else"}"#, "")),
        ("logs", allow("logs:*", "*", "\"*\"", other)),
        (
            "logs",
            r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"logs:Delete*","Resource":"*"}]}"#.to_owned(),
        ),
    ] {
        let report = audit_rule(&with_policy(service, &policy).account, RULE);
        assert_eq!(only(&report).facts["unreached"], serde_json::json!([service]));
    }
}

#[test]
fn conditions_that_hang_on_the_request_are_unknown() {
    let org = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#;
    let fixture = with_policy("logs", &allow("logs:*", "*", "\"*\"", org));
    assert_unknown(&audit_rule(&fixture.account, RULE), "can't be decided");
    // ECR signs the addresses of layers itself, so a principal of the account proves nothing about them.
    let fixture = with_policy("s3", &allow("s3:GetObject", "*", r#"{"AWS":"111122223333"}"#, ""));
    assert_unknown(&audit_rule(&fixture.account, RULE), "can't be decided");
}

#[test]
fn it_denies_beside_a_way_out_too() {
    let mut fixture = fargate_private_with_nat();
    let logs = fixture.account.interface_endpoint(&fixture.vpc, "logs", &[&fixture.subnet]);
    let policy = allow("logs:Describe*", "*", "\"*\"", "");
    fixture.account.edit_endpoint(&logs, |endpoint| endpoint.policy_document = Some(policy));
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn unread() {
    let mut fixture = fargate_isolated_with_endpoints();
    fixture.account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    assert_unknown(&audit_rule(&fixture.account, RULE), "vpc-endpoints could not be read");
}

#[test]
fn at_a_gateway_endpoint_an_account_is_its_root_user() {
    let file = |policy: &str| {
        let mut fixture = with_policy("s3", policy);
        fixture.account.edit_definition(&fixture.definition.clone(), |definition| {
            definition.containers[0].environment_files = vec!["arn:aws:s3:::settings/web.env".to_owned()];
        });
        fixture
    };
    let layers = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::prod-*"}"#;
    let of = |principal: &str| {
        format!(
            r#"{{"Statement":[{layers},{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"*","Resource":"*"}}]}}"#
        )
    };
    only(&audit_rule(&file(&of("111122223333")).account, RULE));
    assert_silent(&audit_rule(&file(&of("arn:aws:iam::111122223333:role/execution")).account, RULE));
}

#[test]
fn which_streams_a_driver_writes_to_is_not_known() {
    let group = "arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/app:log-stream";
    let policy = |streams: &str| allow("logs:*", &format!("{group}:{streams}"), "\"*\"", "");
    assert_silent(&audit_rule(&with_policy("logs", &policy("*")).account, RULE));
    assert_unknown(&audit_rule(&with_policy("logs", &policy("ecs/*")).account, RULE), "which part of");
    let other = allow("logs:*", "arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/other:*", "\"*\"", "");
    only(&audit_rule(&with_policy("logs", &other).account, RULE));
}

#[test]
fn what_the_log_router_writes_is_signed_by_the_tasks_own_role() {
    let mut fixture = fargate_isolated_with_endpoints();
    let service = fixture.service.clone();
    let role = "arn:aws:iam::111122223333:role/web";
    fixture.account.edit_definition(&fixture.definition.clone(), |definition| {
        definition.task_role_arn = Some(role.into());
        definition.containers[0].log_configuration = Some(LogConfiguration {
            log_driver: "awsfirelens".to_owned(),
            options: [("Name", "s3"), ("bucket", "archive"), ("region", "eu-west-1")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            secret_options: Vec::new(),
        });
    });
    let layers = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}"#;
    let of = |principal: &str| {
        format!(
            r#"{{"Statement":[{layers},{{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*","Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{principal}"}}}}}}]}}"#
        )
    };
    let judged = |fixture: &mut Fixture, principal: &str| {
        let endpoints = fixture.account.data.vpc_endpoints.items_mut().unwrap();
        let s3 = endpoints.iter_mut().find(|endpoint| endpoint.service_name.ends_with(".s3")).unwrap();
        s3.policy_document = Some(of(principal));
        audit_rule(&fixture.account, RULE)
    };
    assert!(judged(&mut fixture, role).findings.is_empty(), "{service}");
    only(&judged(&mut fixture, "arn:aws:iam::111122223333:role/execution"));
}
