//! Fargate workloads on an old platform version.

use ecs_network_audit::finding::Report;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::{DeploymentController, LaunchType};
use insta::assert_snapshot;

use crate::mocks::compute::{container, ecr, set_launch, set_platform};
use crate::mocks::patterns::{self, Pattern, on_unread_capacity};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "fargate-platform-outdated";

fn audit(pattern: &Pattern) -> Report {
    audit_rule(&pattern.account, RULE)
}

fn pinned(version: &str) -> Pattern {
    let mut pattern = patterns::fargate_nat();
    pattern.account.edit_service(&pattern.service, |service| set_platform(service, version));
    pattern
}

/// The same with this platform family in AWS's answer, and this one in the definition.
fn of_family(version: &str, family: Option<&str>, defined: &str) -> Pattern {
    let mut pattern = pinned(version);
    pattern.account.edit_service(&pattern.service, |service| {
        service.deployments[0].platform_family = family.map(str::to_owned);
    });
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |d| d.operating_system_family = Some(defined.to_owned()));
    pattern
}

#[test]
fn an_old_version_is_named_with_what_its_successor_needs() {
    let mut pattern = pinned("1.3.0");
    let secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf";
    let app = container("app", &ecr("web")).awslogs().secret(secret).secret("/app/parameter").port(8080, None);
    let definition = pattern.account.definition("secretive", None, vec![app]);
    pattern.account.edit_service(&pattern.service, |s| s.deployments[0].task_definition = Some(definition));
    assert_snapshot!(shown(only(&audit(&pattern))), @r##"
    medium fargate-platform-outdated prod/web (ecs:service)
    Tasks of web run on Fargate platform version 1.3.0, where the latest for Linux is 1.4.0
    fix Deploy the service with platform version LATEST. From 1.4.0 on the image, secrets and files are fetched through the task's own interface, no longer over a network of AWS's: first make sure that its subnets and security groups reach ecr.api, secretsmanager and ssm, by a NAT gateway or VPC endpoints.
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --platform-version LATEST --force-new-deployment
    "##);
}

#[test]
fn the_platform_of_a_service_with_another_controller_is_not_updated() {
    for (controller, how) in [
        (DeploymentController::CodeDeploy, "create a new CodeDeploy deployment"),
        (DeploymentController::External, "create a new task set"),
    ] {
        let mut pattern = pinned("1.3.0");
        pattern.account.edit_service(&pattern.service, |service| service.deployment_controller = controller);
        let report = audit(&pattern);
        assert!(
            only(&report).remediation.text.to_string().contains(how) && only(&report).remediation.commands.is_empty()
        );
    }
}

#[test]
fn a_public_image_without_secrets_needs_nothing_more() {
    let mut pattern = pinned("1.2.0");
    let definition = pattern.account.definition("public", None, vec![container("app", "nginx")]);
    pattern.account.edit_service(&pattern.service, |s| s.deployments[0].task_definition = Some(definition));
    let report = audit(&pattern);
    assert_snapshot!(only(&report).remediation.text, @r##"
    Deploy the service with platform version LATEST. From 1.4.0 on the image, secrets and files are fetched through the task's own interface, no longer over a network of AWS's.
    "##);
}

#[test]
fn latest_and_a_pin_to_the_newest_are_fine() {
    for version in ["LATEST", "1.4.0"] {
        assert_silent(&audit(&pinned(version)));
    }
    assert_silent(&audit(&patterns::fargate_nat()));
}

#[test]
fn a_version_that_came_after_this_program_is_fine() {
    for version in ["1.5.0", "1.10.0", "2.0.0"] {
        assert_silent(&audit(&pinned(version)));
    }
}

#[test]
fn windows_counts_by_itself() {
    for version in ["LATEST", "1.0.0", "1.1.0"] {
        assert_silent(&audit(&of_family(version, Some("WINDOWS_SERVER_2022_CORE"), "WINDOWS_SERVER_2022_CORE")));
        assert_silent(&audit(&of_family(version, None, "WINDOWS_SERVER_2019_FULL")));
        assert_silent(&audit(&of_family(version, Some("Windows Server 2019 Core"), "LINUX")));
    }
    // Windows 1.0.0 is the newest, Linux 1.0.0 the oldest.
    only(&audit(&of_family("1.0.0", None, "LINUX")));
    only(&audit(&of_family("1.0.0", Some("Linux"), "LINUX")));
    let report = audit(&of_family("0.9.0", Some("WINDOWS_SERVER_2022_CORE"), "WINDOWS_SERVER_2022_CORE"));
    assert_snapshot!(shown(only(&report)), @r##"
    medium fargate-platform-outdated prod/web (ecs:service)
    Tasks of web run on Fargate platform version 0.9.0, where the latest for Windows is 1.0.0
    fix Deploy the service with platform version LATEST.
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --platform-version LATEST --force-new-deployment
    "##);
}

#[test]
fn fargate_by_a_capacity_provider_is_fargate() {
    for provider in ["FARGATE", "FARGATE_SPOT"] {
        let mut pattern = pinned("1.3.0");
        pattern.account.edit_service(&pattern.service, |service| set_launch(service, None, &[provider]));
        only(&audit(&pattern));
    }
    // By the default of the cluster.
    let mut pattern = pinned("1.3.0");
    pattern.account.edit_service(&pattern.service, |service| set_launch(service, None, &["FARGATE"]));
    let strategy = pattern.account.data.services.items()[0].capacity_provider_strategy.clone();
    pattern.account.edit_cluster(&pattern.cluster, |c| c.default_capacity_provider_strategy = strategy);
    pattern.account.edit_service(&pattern.service, |service| set_launch(service, None, &[]));
    only(&audit(&pattern));
}

#[test]
fn other_launch_types_have_no_platform() {
    let mut pattern = pinned("1.3.0");
    pattern.account.edit_service(&pattern.service, |service| set_launch(service, Some(LaunchType::Ec2), &[]));
    let report = audit(&pattern);
    assert_silent(&report);
    assert_eq!(report.rules[0].not_applicable, 1);
}

#[test]
fn a_deployment_that_is_on_its_way_out_is_left_alone() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.edit_service(&pattern.service, |service| {
        let mut old = service.deployments[0].clone();
        old.id = "ecs-svc/old".to_owned();
        old.status = "ACTIVE".to_owned();
        old.platform_version = Some("1.3.0".to_owned());
        service.deployments.push(old);
    });
    assert_silent(&audit(&pattern));
}

#[test]
fn standalone_tasks_say_it_themselves() {
    let mut pattern = patterns::fargate_nat();
    for (name, version) in [("one", "1.4.0"), ("two", "1.3.0")] {
        let task = pattern.account.task(&pattern.service, name);
        pattern.account.edit_task(&task, |task| {
            task.group = Some("family:web".into());
            task.platform_version = Some(version.into());
        });
    }
    pattern.account.data.services.items_mut().unwrap().clear();
    assert_snapshot!(shown(only(&audit(&pattern))), @r##"
    medium fargate-platform-outdated prod/family:web (ecs:task-group)
    Tasks of family:web run on Fargate platform version 1.3.0, where the latest for Linux is 1.4.0
    fix Start the tasks again with platform version LATEST. From 1.4.0 on the image, secrets and files are fetched through the task's own interface, no longer over a network of AWS's: first make sure that its subnets and security groups reach ecr.api, by a NAT gateway or VPC endpoints.
    "##);
}

#[test]
fn what_cannot_be_told_is_unknown() {
    assert_unknown(&audit(&pinned("next")), "Fargate platform version next is not known to this version");
    assert_unknown(&audit(&on_unread_capacity(pinned("1.3.0"))), "capacity-providers could not be read");
    let mut pattern = pinned("1.3.0");
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    assert_unknown(&audit(&pattern), "task-definitions could not be read");
}

#[test]
fn what_does_not_hang_on_the_definition_is_judged_without_it() {
    let mut pattern = of_family("1.3.0", Some("Linux"), "LINUX");
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    only(&audit(&pattern));
    let mut pattern = pinned("LATEST");
    pattern.account.deny(Dataset::TaskDefinitions, "ecs:DescribeTaskDefinition");
    let report = audit(&pattern);
    // What was not read may hide others.
    assert_eq!((report.rules[0].holds, report.rules[0].unknown), (1, 1));
}
