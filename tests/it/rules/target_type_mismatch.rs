//! Target types against network modes.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::{Deployment, TaskSet};
use ecs_network_audit::snapshot::enums::{DeploymentController, LaunchType, NetworkMode, TargetType};
use insta::assert_snapshot;

use crate::mocks::accounts::{Fixture, ec2_bridge_behind_alb, fargate_private_with_nat};
use crate::mocks::compute::{load_balancer, set_counts, set_launch, web};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "target-type-mismatch";

fn fargate_with_target(target_type: TargetType) -> Fixture {
    let mut fixture = fargate_private_with_nat();
    let group = fixture.account.target_group("web", target_type, &fixture.vpc);
    fixture.account.register(&fixture.service, &group);
    fixture
}

fn bridge_with_target(target_type: TargetType) -> Fixture {
    let mut fixture = ec2_bridge_behind_alb();
    fixture.account.data.target_groups.items_mut().unwrap()[0].target_type = target_type;
    fixture
}

#[test]
fn awsvpc_tasks_behind_instance_targets() {
    let fixture = fargate_with_target(TargetType::Instance);
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high target-type-mismatch prod/web (ecs:service)
    Target group web registers instances, but web:1 runs in awsvpc mode: an instance target is the primary ENI of the host, and the tasks listen on their own ENIs; it has to be of type ip
    blocker load-balancer/instance-target-for-awsvpc - -> arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/09b3358ba436a75eb: web is of type instance, awsvpc tasks need type ip
    fix Create a target group of type ip, forward the listener rules of web to it, and point the service at it; the target type of an existing one cannot be changed.
    $ TARGET_GROUP=$(aws elbv2 create-target-group --region eu-west-1 --name web-ip --target-type ip --protocol HTTP --port 80 --vpc-id vpc-01f40ac3d5852ad3a --health-check-protocol HTTP --health-check-path / --query 'TargetGroups[0].TargetGroupArn' --output text)
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --load-balancers targetGroupArn="$TARGET_GROUP",containerName=app,containerPort=8080
    "##);
}

#[test]
fn bridge_tasks_behind_ip_targets() {
    let fixture = bridge_with_target(TargetType::Ip);
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high target-type-mismatch prod/web (ecs:service)
    Target group web registers IP addresses, but web:1 runs in bridge mode: its tasks share the interface of their container instance and are registered by instance id and host port; it has to be of type instance
    blocker load-balancer/ip-target-for-shared-interface - -> arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/09b3358ba436a75eb: web is of type ip, bridge tasks need type instance
    fix Create a target group of type instance, forward the listener rules of web to it, and point the service at it; the target type of an existing one cannot be changed.
    $ TARGET_GROUP=$(aws elbv2 create-target-group --region eu-west-1 --name web-in --target-type instance --protocol HTTP --port 80 --vpc-id vpc-01f40ac3d5852ad3a --health-check-protocol HTTP --health-check-path / --query 'TargetGroups[0].TargetGroupArn' --output text)
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --load-balancers targetGroupArn="$TARGET_GROUP",containerName=app,containerPort=8080
    "##);
}

#[test]
fn the_right_type_is_silent() {
    assert_silent(&audit_rule(&fargate_with_target(TargetType::Ip).account, RULE));
    assert_silent(&audit_rule(&bridge_with_target(TargetType::Instance).account, RULE));
}

#[test]
fn a_mode_left_out_is_bridge_on_linux_and_default_on_windows() {
    for family in ["LINUX", "WINDOWS_SERVER_2022_CORE"] {
        let mut fixture = bridge_with_target(TargetType::Ip);
        fixture.account.edit_definition(&fixture.definition, |definition| {
            definition.network_mode = None;
            definition.operating_system_family = Some(family.to_owned());
        });
        let report = audit_rule(&fixture.account, RULE);
        let mode = if family == "LINUX" { "bridge" } else { "default" };
        assert_eq!(only(&report).facts["network_mode"], mode);
    }
}

#[test]
fn host_mode_wants_instances_and_none_mode_has_no_load_balancer() {
    let mut fixture = bridge_with_target(TargetType::Ip);
    fixture.account.edit_definition(&fixture.definition, |d| d.network_mode = Some(NetworkMode::Host));
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).facts["network_mode"], "host");
    fixture.account.edit_definition(&fixture.definition, |d| d.network_mode = Some(NetworkMode::None));
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn fargate_by_capacity_provider_counts_as_fargate() {
    let mut fixture = fargate_with_target(TargetType::Instance);
    fixture.account.edit_definition(&fixture.definition, |d| d.network_mode = None);
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &["FARGATE_SPOT"]));
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).facts["network_mode"], "awsvpc");
}

#[test]
fn the_cluster_default_strategy_decides_where_the_service_says_nothing() {
    let mut fixture = bridge_with_target(TargetType::Instance);
    fixture.account.edit_service(&fixture.service, |service| set_launch(service, None, &[]));
    assert_silent(&audit_rule(&fixture.account, RULE));
    fixture.account.edit_cluster(&fixture.cluster, |cluster| {
        cluster.default_capacity_provider_strategy =
            vec![ecs_network_audit::snapshot::ecs::CapacityProviderStrategyItem {
                capacity_provider: "FARGATE".to_owned(),
                weight: 1,
                base: 0,
            }];
    });
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn an_older_deployment_is_not_held_against_the_new_target_group() {
    let mut fixture = fargate_with_target(TargetType::Ip);
    let old = fixture.account.definition("web-old", Some(NetworkMode::Bridge), vec![web()]);
    fixture.account.edit_service(&fixture.service, |service| {
        let draining = Deployment {
            status: "ACTIVE".to_owned(),
            task_definition: Some(old),
            launch_type: Some(LaunchType::Ec2),
            ..service.deployments[0].clone()
        };
        service.deployments.push(draining);
    });
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn the_revision_that_a_deployment_moves_to_is_judged() {
    let mut fixture = bridge_with_target(TargetType::Instance);
    let next = fixture.account.definition("web-next", Some(NetworkMode::Awsvpc), vec![web()]);
    fixture.account.edit_service(&fixture.service, |service| service.deployments[0].task_definition = Some(next));
    assert!(only(&audit_rule(&fixture.account, RULE)).message.to_string().contains("web-next:1"));
}

#[test]
fn a_task_set_brings_its_own_target_group() {
    let mut fixture = fargate_private_with_nat();
    let group = fixture.account.target_group("green", TargetType::Instance, &fixture.vpc);
    let (definition, service) = (fixture.definition.clone(), fixture.service.clone());
    fixture.account.edit_service(&service, |service| {
        service.deployment_controller = DeploymentController::CodeDeploy;
        service.deployments.clear();
        service.task_definition = None;
        service.task_sets = vec![TaskSet {
            id: "ecs-svc/1".to_owned(),
            arn: "arn:aws:ecs:eu-west-1:111122223333:task-set/prod/web/ecs-svc/1".into(),
            status: "PRIMARY".to_owned(),
            task_definition: Some(definition),
            launch_type: Some(LaunchType::Fargate),
            capacity_provider_strategy: Vec::new(),
            platform_version: None,
            platform_family: None,
            network_configuration: None,
            load_balancers: vec![load_balancer(&group)],
            running_count: 2,
            pending_count: 0,
            computed_desired_count: 2,
        }];
    });
    let report = audit_rule(&fixture.account, RULE);
    let remediation = &only(&report).remediation;
    assert!(remediation.text.to_string().contains("next deployment or task set"));
    assert!(!remediation.commands.iter().any(|command| command.contains("update-service")));
}

#[test]
fn the_idle_side_of_a_blue_green_pair_counts_too() {
    let mut fixture = fargate_with_target(TargetType::Ip);
    let green = fixture.account.target_group("green", TargetType::Instance, &fixture.vpc);
    fixture.account.edit_service(&fixture.service, |service| {
        service.load_balancers[0].alternate_target_group_arn = Some(green);
    });
    assert!(only(&audit_rule(&fixture.account, RULE)).message.to_string().starts_with("Target group green"));
}

#[test]
fn external_instances_have_no_load_balancer() {
    let mut fixture = bridge_with_target(TargetType::Ip);
    fixture.account.edit_service(&fixture.service, |s| set_launch(s, Some(LaunchType::External), &[]));
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_service_that_wants_nothing_is_one_step_less_severe() {
    let mut fixture = fargate_with_target(TargetType::Instance);
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 0, 0));
    let report = audit_rule(&fixture.account, RULE);
    let finding = only(&report);
    assert_eq!((finding.severity, finding.base_severity), (Severity::Medium, Severity::High));
    assert!(finding.message.to_string().contains("desired count is 0"));
}

#[test]
fn the_refusal_that_ecs_reports_makes_it_critical_until_it_heals() {
    let mut fixture = fargate_with_target(TargetType::Instance);
    let refusal = "(service web) failed to launch a task with (error The provided target group ARN has target type \
        instance, which is incompatible with the awsvpc network mode specified in the task definition.)";
    fixture.account.event(&fixture.service, refusal);
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::Critical);
    fixture.account.event(&fixture.service, "(service web) has reached a steady state.");
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::High);
}

#[test]
fn a_target_group_that_is_gone_is_not_guessed_at() {
    let mut fixture = fargate_with_target(TargetType::Instance);
    fixture.account.data.target_groups.items_mut().unwrap().clear();
    assert_unknown(&audit_rule(&fixture.account, RULE), "does not exist any more");
}

#[test]
fn target_groups_that_may_not_be_read_are_not_guessed_at() {
    let mut fixture = fargate_with_target(TargetType::Instance);
    let api = "elasticloadbalancing:DescribeTargetGroups";
    fixture.account.deny(Dataset::TargetGroups, api);
    let report = audit_rule(&fixture.account, RULE);
    assert_unknown(&report, "target-groups could not be read");
    assert_eq!(report.not_evaluated[0].iam_action.as_deref(), Some(api));
    assert!(!report.scan.complete);
}

#[test]
fn names_of_users_are_quoted_in_commands() {
    let mut fixture = fargate_with_target(TargetType::Instance);
    fixture.account.edit_service(&fixture.service, |service| {
        service.load_balancers[0].container_name = Some("app;reboot".to_owned());
    });
    let report = audit_rule(&fixture.account, RULE);
    let commands = only(&report).remediation.commands.join("\n");
    assert!(commands.contains("'containerName=app;reboot,containerPort=8080'"), "{commands}");
}
