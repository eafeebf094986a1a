//! Tasks that need an execution role and have none.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::{MountPoint, TaskDefinition, Volume};
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::account::{ACCOUNT, REGION};
use crate::mocks::compute::container;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "execution-role-missing";

fn without(mut pattern: Pattern) -> Pattern {
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| definition.execution_role_arn = None);
    pattern
}

fn with_secret(mut pattern: Pattern) -> Pattern {
    let secret = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db");
    let secrets = container("app", "nginx").secret(&secret).into_secrets();
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| definition.containers[0].secrets = secrets);
    pattern
}

#[test]
fn fargate_pulls_and_logs_in_its_name() {
    let pattern = without(patterns::fargate_nat());
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    high execution-role-missing prod/web (ecs:service)
    Tasks of web cannot start: nobody may pull the image of container app in web:1; write the logs of container app in web:1, because the task definition names no executionRoleArn
    blocker definition/no-execution-role - -> web:1: pull the image of container app in web:1
    blocker definition/no-execution-role - -> web:1: write the logs of container app in web:1
    fix Register a revision with an execution role that ecs-tasks.amazonaws.com may assume and that has AmazonECSTaskExecutionRolePolicy, with read access to the secrets and files that the revision names.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query taskDefinition.executionRoleArn
    "##);
}

const NO_CREDENTIALS: &str = "CannotPullContainerError: Error response from daemon: Head \
    \"https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/web/manifests/1\": no basic auth credentials";

#[test]
fn tasks_that_may_not_pull_or_log_confirm_it() {
    let mut pattern = without(patterns::fargate_nat());
    pattern.account.stopped_task(&pattern.service, "a", NO_CREDENTIALS);
    pattern.account.stopped_task(&pattern.service, "b", "ECS was unable to assume role for this task.");
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::Critical, 2));
    // One cause is told once.
    assert_eq!(only(&audit_rule(&pattern.account, "task-start-failures")).blockers.len(), 2);
    assert_silent(&audit_beside(&pattern.account, "task-start-failures", RULE));
}

#[test]
fn what_the_role_would_not_change_confirms_nothing() {
    // The revision has no secret, the network is another matter, and a role that is named is not the missing one.
    for reason in [
        "ResourceInitializationError: ASM secret resource: unable to find execution role credentials",
        "CannotPullContainerError: failed to do request: dial tcp 34.240.1.2:443: i/o timeout",
        "ECS was unable to assume the role 'arn:aws:iam::111122223333:role/task' that was provided for this task.",
    ] {
        let mut pattern = without(patterns::fargate_nat());
        pattern.account.stopped_task(&pattern.service, "a", reason);
        assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::High, "{reason}");
        only(&audit_beside(&pattern.account, "task-start-failures", RULE));
    }
    // So does a task of another revision.
    let mut pattern = without(patterns::fargate_nat());
    let task = pattern.account.stopped_task(&pattern.service, "a", NO_CREDENTIALS);
    pattern
        .account
        .edit_task(&task, |task| task.task_definition_arn = Arn::from(format!("{}0", task.task_definition_arn)));
    assert!(only(&audit_rule(&pattern.account, RULE)).confirmed_by.is_empty());
    // On an instance its own role pulls.
    let mut pattern =
        on_instances(|d| d.containers[0].environment_files = vec!["arn:aws:s3:::config/app.env".to_owned()]);
    pattern.account.stopped_task(&pattern.service, "a", NO_CREDENTIALS);
    assert!(only(&audit_rule(&pattern.account, RULE)).confirmed_by.is_empty());
    let reason = "ResourceInitializationError: environment file resource: unable to find execution role credentials";
    pattern.account.stopped_task(&pattern.service, "b", reason);
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::Critical);
}

#[test]
fn secrets_need_it_on_instances_too() {
    let pattern = without(with_secret(patterns::ec2_bridge()));
    let mut account = pattern.account;
    account.data.tasks.items_mut().unwrap().clear();
    assert_snapshot!(shown(only(&audit_rule(&account, RULE))), @r##"
    high execution-role-missing prod/web (ecs:service)
    Tasks of web cannot start: nobody may read the secrets of container app in web:1, because the task definition names no executionRoleArn
    blocker definition/no-execution-role - -> web:1: read the secrets of container app in web:1
    fix Register a revision with an execution role that ecs-tasks.amazonaws.com may assume and that has AmazonECSTaskExecutionRolePolicy, with read access to the secrets and files that the revision names.
    $ aws ecs describe-task-definition --region eu-west-1 --task-definition web:1 --query taskDefinition.executionRoleArn
    "##);
}

/// An EC2 service without the role, and what its first container has.
fn on_instances(edit: impl FnOnce(&mut TaskDefinition)) -> Pattern {
    let mut pattern = without(patterns::ec2_bridge());
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, edit);
    pattern.account.data.tasks.items_mut().unwrap().clear();
    pattern
}

#[test]
fn the_agent_reads_files_of_s3_and_fsx_credentials_in_its_name_on_instances() {
    let files = on_instances(|d| d.containers[0].environment_files = vec!["arn:aws:s3:::config/app.env".to_owned()]);
    let message = only(&audit_rule(&files.account, RULE)).message.to_string();
    assert!(message.contains("nobody may read the environment files of container app in web:1"), "{message}");

    let router = on_instances(|d| {
        d.containers[0].firelens_type = Some("fluentbit".to_owned());
        d.containers[0].firelens_config_file_type = Some("s3".to_owned());
    });
    let message = only(&audit_rule(&router.account, RULE)).message.to_string();
    assert!(message.contains("read the FireLens configuration in S3 of container app"), "{message}");
    // A file in the image is read by nobody else.
    let router = on_instances(|d| d.containers[0].firelens_config_file_type = Some("file".to_owned()));
    assert_silent(&audit_rule(&router.account, RULE));

    let share = |definition: &mut TaskDefinition| {
        definition.volumes.push(Volume {
            name: "share".to_owned(),
            host_source_path: None,
            efs: None,
            fsx_credentials_parameter: Some("arn:aws:ssm:eu-west-1:111122223333:parameter/fsx".to_owned()),
        });
    };
    let mounted = on_instances(|definition| {
        share(definition);
        definition.containers[0].mount_points.push(MountPoint {
            source_volume: Some("share".to_owned()),
            container_path: Some(r"C:\share".to_owned()),
            read_only: false,
        });
    });
    let message = only(&audit_rule(&mounted.account, RULE)).message.to_string();
    assert!(message.contains("read the FSx credentials for container app"), "{message}");
    assert_silent(&audit_rule(&on_instances(share).account, RULE));
}

#[test]
fn the_instance_pulls_and_logs_by_its_own_role() {
    assert_silent(&audit_rule(&without(patterns::ec2_bridge()).account, RULE));
}

#[test]
fn a_public_image_that_logs_nowhere_needs_none() {
    let mut pattern = without(patterns::fargate_nat());
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| {
        definition.containers[0].image = "public.ecr.aws/nginx/nginx:1".to_owned();
        definition.containers[0].log_configuration = None;
    });
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn with_a_role_all_is_well() {
    assert_silent(&audit_rule(&with_secret(patterns::fargate_nat()).account, RULE));
}

#[test]
fn tasks_that_run_prove_that_it_works() {
    let mut pattern = without(patterns::fargate_nat());
    pattern.account.task(&pattern.service, "web-0");
    assert_unknown(&audit_rule(&pattern.account, RULE), "contradicted by live state");
}

#[test]
fn who_runs_a_task_may_name_a_role_in_the_call() {
    let mut pattern = without(patterns::fargate_nat());
    let task = pattern.account.task(&pattern.service, "once");
    pattern.account.edit_task(&task, |task| task.group = Some("family:web".into()));
    pattern.account.data.services.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&pattern.account, RULE), "may name an execution role in the call");
}

#[test]
fn unread() {
    let mut pattern = without(patterns::fargate_nat());
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit_rule(&pattern.account, RULE), "task-definitions could not be read");
}
