//! Tasks that stop before they run.

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::TaskContainer;
use ecs_network_audit::snapshot::enums::DeploymentController;
use ecs_network_audit::snapshot::ids::{Arn, SecurityGroupId};
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::mocks::account::{Account, now};
use crate::mocks::accounts::{
    ec2_bridge_behind_alb, fargate_isolated_with_endpoints, fargate_isolated_without_endpoints,
    fargate_private_with_nat, instances,
};
use crate::mocks::compute::{container, ecr, set_counts, set_network};
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "task-start-failures";

const NOT_FOUND: &str = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
    111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1: not found";
const SECRET_DENIED: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource \
    retrieval failed: unable to retrieve secret from asm: AccessDeniedException: User: \
    arn:aws:sts::111122223333:assumed-role/execution/1 is not authorized to perform: secretsmanager:GetSecretValue";
const NO_ADDRESS: &str = "Unexpected EC2 error while attempting to Create Network Interface in subnet '";

fn pull_from(address: &str) -> String {
    format!(
        "CannotPullContainerError: failed to resolve ref 111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1: failed to do \
         request: Head \"https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/web/manifests/1\": dial tcp {address}:443: \
         i/o timeout"
    )
}

/// A healthy Fargate service whose tasks stopped for these reasons.
fn stopped(reasons: &[&str]) -> (Account, Arn) {
    let fixture = fargate_private_with_nat();
    let mut account = fixture.account;
    for (number, reason) in reasons.iter().enumerate() {
        account.stopped_task(&fixture.service, &format!("stopped-{number}"), reason);
    }
    (account, fixture.service)
}

fn message(report: &Report) -> String {
    only(report).message.to_string()
}

fn all_rules(account: &Account) -> Report {
    evaluate(&account.snapshot(), &Settings::all_rules())
}

#[test]
fn an_image_that_does_not_exist_and_a_secret_that_may_not_be_read() {
    let (account, _) = stopped(&[NOT_FOUND, SECRET_DENIED, NOT_FOUND]);
    let report = audit_rule(&account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium task-start-failures prod/web (ecs:service)
    Tasks of web fail to start: 2 × the image could not be pulled, it does not exist (last at 2026-11-20T11:50:00Z); 1 × a secret could not be fetched from Secrets Manager, access was denied (last at 2026-11-20T11:50:00Z)
    blocker task/task-failed-to-start - -> web: 2 × the image could not be pulled, it does not exist (last at 2026-11-20T11:50:00Z)
    blocker task/task-failed-to-start - -> web: 1 × a secret could not be fetched from Secrets Manager, access was denied (last at 2026-11-20T11:50:00Z)
    seen 2 x stopped-task
    seen 1 x stopped-task
    fix Push the image, or correct its name, tag or digest in the task definition. Give the execution role secretsmanager:GetSecretValue on the secret and kms:Decrypt on its key.
    $ aws ecs describe-tasks --region eu-west-1 --cluster prod --tasks arn:aws:ecs:eu-west-1:111122223333:task/prod/01eea76725986b8d9 arn:aws:ecs:eu-west-1:111122223333:task/prod/03bc825a0eb4ffec2 --query 'tasks[].[taskArn,stoppedReason,containers[].[name,reason]]'
    "##);
    assert_eq!(only(&report).severity, Severity::Medium);
}

#[test]
fn the_dialled_address_is_said() {
    let (account, _) = stopped(&[&pull_from("10.0.3.9"), &pull_from("34.240.1.2"), &pull_from("10.0.4.9")]);
    let report = audit_rule(&account, RULE);
    assert_snapshot!(message(&report), @r##"
    Tasks of web fail to start: 2 × the image could not be pulled, no answer over the network: a private address was dialled, as an endpoint's is, so the way to it is blocked (last at 2026-11-20T11:50:00Z); 1 × the image could not be pulled, no answer over the network: a public address was dialled, so no endpoint answers and the way out is missing or blocked (last at 2026-11-20T11:50:00Z)
    "##);
}

#[test]
fn a_wording_that_nobody_knows_is_quoted() {
    let (account, _) = stopped(&["The moon was in the wrong phase"]);
    assert_snapshot!(message(&audit_rule(&account, RULE)), @r##"
    Tasks of web fail to start: 1 × another reason, “The moon was in the wrong phase” (last at 2026-11-20T11:50:00Z)
    "##);
    // So is one that says no more than that a task failed; long ones are cut.
    let long = format!("ResourceInitializationError: {}", "é".repeat(400));
    let (account, _) = stopped(&[&long]);
    let report = audit_rule(&account, RULE);
    assert!(message(&report).contains("é…”") && only(&report).confirmed_by[0].text.len() > 400);
}

#[test]
fn the_reason_of_the_container_says_more_than_that_of_the_task() {
    let (mut account, service) = stopped(&[]);
    let task = account.stopped_task(&service, "t", "Task failed to start");
    let container = |name: &str, reason: &str| TaskContainer {
        name: name.into(),
        last_status: "STOPPED".into(),
        reason: Some(reason.into()),
        network_bindings: Vec::new(),
    };
    account.edit_task(&task, |task| task.containers.push(container("app", NOT_FOUND)));
    assert!(message(&audit_rule(&account, RULE)).contains("1 × the image could not be pulled, it does not exist"));
    account.edit_task(&task, |task| task.containers = vec![container("app", "Something new")]);
    assert!(message(&audit_rule(&account, RULE)).contains("“Something new”"));
}

#[test]
fn the_container_of_guardduty_is_not_the_applications() {
    let (mut account, service) = stopped(&[]);
    let task = account.stopped_task(&service, "t", NOT_FOUND);
    account.edit_task(&task, |task| {
        task.containers.push(TaskContainer {
            name: "aws-guardduty-agent-AbCdEf".into(),
            last_status: "STOPPED".into(),
            reason: Some(pull_from("34.240.1.2").into()),
            network_bindings: Vec::new(),
        });
    });
    // Its own trouble stays untold beside the task's, and explains nothing.
    assert_eq!(only(&audit_rule(&account, RULE)).blockers.len(), 1);
    account.edit_task(&task, |task| {
        task.stop_code = Some("EssentialContainerExited".into());
        task.stopped_reason = Some("Essential container in task exited".into());
    });
    assert_silent(&audit_rule(&account, RULE));
    let mut isolated = fargate_isolated_without_endpoints();
    let task = isolated.account.stopped_task(&isolated.service, "t", "Task failed to start");
    let containers = account.data.tasks.items()[0].containers.clone();
    isolated.account.edit_task(&task, |task| task.containers = containers);
    let report = audit_rule(&isolated.account, "vpc-endpoint-missing");
    assert!(only(&report).confirmed_by.is_empty());
}

#[test]
fn other_ways_to_stop_are_no_start_failures() {
    for code in ["EssentialContainerExited", "ServiceSchedulerInitiated", "UserInitiated", "SpotInterruption"] {
        let (mut account, service) = stopped(&[]);
        let task = account.stopped_task(&service, "t", "Essential container in task exited");
        account.edit_task(&task, |task| task.stop_code = Some(code.into()));
        assert_silent(&audit_rule(&account, RULE));
    }
    assert_silent(&audit_rule(&stopped(&[]).0, RULE));
}

#[test]
fn what_has_healed_is_no_symptom() {
    let healed = |edit: &dyn Fn(&mut Account, &Arn)| {
        let (mut account, service) = stopped(&[NOT_FOUND]);
        let running = account.task(&service, "running");
        account.edit_task(&running, |task| task.started_at = Some(now() - SignedDuration::from_mins(2)));
        edit(&mut account, &service);
        audit_rule(&account, RULE)
    };
    assert_silent(&healed(&|_, _| ()));
    // A task is missing still, or the deployment goes on.
    only(&healed(&|account, service| account.edit_service(service, |service| set_counts(service, 3, 2))));
    only(&healed(&|account, service| {
        account.edit_service(service, |s| s.deployments[0].rollout_state = Some("IN_PROGRESS".to_owned()));
    }));
    // The tasks that run are the old ones: nothing shows that a new one would start.
    only(&healed(&|account, _| {
        for task in account.data.tasks.items_mut().unwrap() {
            task.started_at = task.started_at.map(|_| now() - SignedDuration::from_hours(20));
        }
    }));
    // One more has failed since.
    only(&healed(&|account, service| {
        let late = account.stopped_task(service, "late", NOT_FOUND);
        account.edit_task(&late, |task| task.stopped_at = Some(now() - SignedDuration::from_mins(1)));
    }));
}

#[test]
fn a_rollback_heals_what_the_revision_it_left_did() {
    let rolled_back = |edit: &dyn Fn(&mut Account, &Arn)| {
        let (mut account, service) = stopped(&[NOT_FOUND]);
        // The tasks that run are older than the failure.
        account.task(&service, "running");
        let bad = Arn::from("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:2");
        for task in account.data.tasks.items_mut().unwrap().iter_mut().filter(|task| task.last_status == "STOPPED") {
            task.task_definition_arn = bad.clone();
        }
        account.event(&service, "(service web) has reached a steady state.");
        edit(&mut account, &service);
        audit_rule(&account, RULE)
    };
    assert_silent(&rolled_back(&|_, _| ()));
    // The rollback goes on, or the steady state was before.
    only(&rolled_back(&|account, service| {
        account.edit_service(service, |s| s.deployments[0].rollout_state = Some("IN_PROGRESS".to_owned()));
    }));
    only(&rolled_back(&|account, service| {
        account.edit_service(service, |s| s.events[0].created_at = Some(now() - SignedDuration::from_mins(30)));
    }));
    only(&rolled_back(&|account, service| account.edit_service(service, |s| s.events.clear())));
    // A deployment uses the revision still.
    only(&rolled_back(&|account, service| {
        account.edit_service(service, |s| {
            let mut old = s.deployments[0].clone();
            old.status = "ACTIVE".to_owned();
            old.task_definition = Some(Arn::from("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:2"));
            s.deployments.push(old);
        });
    }));
}

#[test]
fn a_later_run_of_a_schedule_heals_too() {
    let mut fixture = fargate_private_with_nat();
    let schedule = |fixture: &mut crate::mocks::accounts::Fixture, name: &str, failed: bool| {
        let task = fixture.account.stopped_task(&fixture.service, name, NOT_FOUND);
        fixture.account.edit_task(&task, |task| {
            task.group = Some("family:web".into());
            task.started_by = Some("chronos-schedule/nightly".into());
            if !failed {
                task.started_at = Some(now() - SignedDuration::from_mins(5));
                task.stop_code = Some("EssentialContainerExited".into());
                task.stopped_reason = Some("Essential container in task exited".into());
            }
        });
    };
    fixture.account.schedule("nightly", &fixture.cluster, &fixture.definition, &[&fixture.subnet]);
    schedule(&mut fixture, "first", true);
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).resource.kind, "scheduler:schedule");
    schedule(&mut fixture, "second", false);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_finding_on_the_path_explains_what_gets_no_answer() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.stopped_task(&fixture.service, "a", &pull_from("34.240.1.2"));
    only(&audit_rule(&fixture.account, RULE));
    assert_silent(&audit_beside(&fixture.account, RULE, "vpc-endpoint-missing"));
    // Another cause beside it is told, and only that.
    fixture.account.stopped_task(&fixture.service, "b", SECRET_DENIED);
    let report = audit_beside(&fixture.account, RULE, "vpc-endpoint-missing");
    assert_eq!(only(&report).blockers.len(), 1);
    assert!(message(&report).contains("a secret could not be fetched"));
    // A private address was answered by an endpoint, so a missing one is not why.
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.stopped_task(&fixture.service, "a", &pull_from("10.0.3.9"));
    only(&audit_beside(&fixture.account, RULE, "vpc-endpoint-missing"));
}

#[test]
fn an_environment_file_without_an_answer_is_explained_by_the_way_to_s3() {
    let mut fixture = fargate_isolated_with_endpoints();
    fixture.account.route_table(&fixture.vpc, "other", &[&fixture.subnet]);
    let reason = "ResourceInitializationError: failed to download env files: file download command: non-empty error \
        stream: RequestCanceled: request context canceled caused by: context deadline exceeded";
    fixture.account.stopped_task(&fixture.service, "a", reason);
    assert!(message(&audit_rule(&fixture.account, RULE)).contains("an environment file could not be fetched from S3"));
    assert_silent(&audit_beside(&fixture.account, RULE, "s3-gateway-not-routed"));
    let report = audit_rule(&fixture.account, "s3-gateway-not-routed");
    assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::Critical, 1));
}

#[test]
fn what_was_killed_before_it_said_what_it_waited_for_may_be_any_of_three() {
    let reason =
        "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed";
    for missing in ["ecr.api", "secretsmanager", "ssm"] {
        let mut fixture = fargate_isolated_without_endpoints();
        for service in ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm"] {
            if service != missing {
                fixture.account.interface_endpoint(&fixture.vpc, service, &[&fixture.subnet]);
            }
        }
        fixture.account.s3_gateway(&fixture.vpc, &[&fixture.table]);
        let secrets = container("app", &ecr("web"))
            .secret("arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf")
            .secret("/app/parameter")
            .into_secrets();
        fixture.account.edit_definition(&fixture.definition, |definition| definition.containers[0].secrets = secrets);
        fixture.account.stopped_task(&fixture.service, "a", reason);
        assert_silent(&audit_beside(&fixture.account, RULE, "vpc-endpoint-missing"));
        let report = audit_rule(&fixture.account, "vpc-endpoint-missing");
        assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::Critical, 1), "{missing}");
    }
    let (account, _) = stopped(&[reason]);
    assert_snapshot!(message(&audit_rule(&account, RULE)), @r##"
    Tasks of web fail to start: 1 × the login to Amazon ECR or the fetch of a secret or parameter failed (AWS does not say which), no answer over the network (last at 2026-11-20T11:50:00Z)
    "##);
}

#[test]
fn a_path_that_is_proved_to_be_fine_explains_nothing() {
    let (account, _) = stopped(&[&pull_from("34.240.1.2")]);
    let report = all_rules(&account);
    assert!(report.findings.iter().any(|finding| finding.rule == RULE));
}

#[test]
fn a_path_that_was_not_read_leaves_it_open() {
    let mut fixture = fargate_isolated_without_endpoints();
    fixture.account.stopped_task(&fixture.service, "a", &pull_from("34.240.1.2"));
    fixture.account.deny(Dataset::RouteTables, "ec2:DescribeRouteTables");
    let report = audit_beside(&fixture.account, RULE, "vpc-endpoint-missing");
    assert_unknown(&report, "route-tables could not be read");
    // A missing image has nothing to do with routes.
    fixture.account.stopped_task(&fixture.service, "b", NOT_FOUND);
    assert!(message(&audit_beside(&fixture.account, RULE, "vpc-endpoint-missing")).contains("it does not exist"));
}

#[test]
fn a_subnet_without_addresses_explains_the_interfaces_that_could_not_be_made() {
    let mut fixture = fargate_private_with_nat();
    let subnet = fixture.subnet.clone();
    let reason = format!("{NO_ADDRESS}{subnet}': InsufficientFreeAddressesInSubnet");
    fixture.account.stopped_task(&fixture.service, "a", &reason);
    assert!(message(&audit_beside(&fixture.account, RULE, "subnet-address-exhaustion")).contains("no free address"));
    fixture.account.edit_subnet(&subnet, |subnet| subnet.available_ip_address_count = 0);
    assert_silent(&audit_beside(&fixture.account, RULE, "subnet-address-exhaustion"));
    let report = audit_rule(&fixture.account, "subnet-address-exhaustion");
    assert_eq!((only(&report).severity, only(&report).confirmed_by.len()), (Severity::High, 1));
    // Subnets are not judged with a part of the services, so there is no finding that could explain it.
    let settings = Settings {
        rules: vec![RULE, "subnet-address-exhaustion"],
        services: vec!["web".to_owned()],
        ..Settings::all_rules()
    };
    assert_eq!(only(&evaluate(&fixture.account.snapshot(), &settings)).rule, RULE);
}

#[test]
fn a_security_group_that_is_gone_is_named_with_the_network_configuration_that_has_it() {
    let (mut account, service) = stopped(&[]);
    let subnet = account.data.services.items()[0].network_configuration.as_ref().unwrap().subnets[0].clone();
    account.stopped_task(&service, "a", &format!("{NO_ADDRESS}{subnet}': InvalidSecurityGroupID.NotFound"));
    assert_snapshot!(shown(only(&audit_rule(&account, RULE))), @r##"
    medium task-start-failures prod/web (ecs:service)
    Tasks of web fail to start: 1 × a security group of the network configuration is gone: sg-00ee3097251c489aa (last at 2026-11-20T11:50:00Z)
    blocker task/task-failed-to-start - -> web: 1 × a security group of the network configuration is gone: sg-00ee3097251c489aa (last at 2026-11-20T11:50:00Z)
    seen 1 x stopped-task
    fix Put a security group that exists into the network configuration, in place of the one that is gone.
    $ aws ecs describe-tasks --region eu-west-1 --cluster prod --tasks arn:aws:ecs:eu-west-1:111122223333:task/prod/084fda2e90cbc1b67 --query 'tasks[].[taskArn,stoppedReason,containers[].[name,reason]]'
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --network-configuration 'awsvpcConfiguration={subnets=[subnet-04c2cb0f785a4be86],securityGroups=['"$SECURITY_GROUP"'],assignPublicIp=DISABLED}'
    "##);
    // What failed before this deployment had another configuration perhaps.
    let mut later = account.clone();
    later.edit_service(&service, |service| service.deployments[0].created_at = Some(now()));
    let report = audit_rule(&later, RULE);
    assert!(message(&report).contains("is gone (last at"), "{}", message(&report));
    assert!(!only(&report).remediation.commands.iter().any(|command| command.contains("update-service")));
    // With several groups AWS has to say which.
    let other = SecurityGroupId::from("sg-0123456789abcdef0");
    account.edit_service(&service, |service| {
        let mut network = service.network_configuration.clone().unwrap();
        network.security_groups.push(other);
        set_network(service, network);
    });
    let report = audit_rule(&account, RULE);
    assert!(message(&report).contains("is gone: one of sg-"), "{}", message(&report));
    assert!(!only(&report).remediation.commands.iter().any(|command| command.contains("update-service")));
    account.stopped_task(
        &service,
        "b",
        "InvalidGroup.NotFound: the security group 'sg-0123456789abcdef0' does not exist",
    );
    account
        .data
        .tasks
        .items_mut()
        .unwrap()
        .retain(|task| task.stopped_reason.as_ref().unwrap().contains("InvalidGroup"));
    let report = audit_rule(&account, RULE);
    assert_snapshot!(only(&report).remediation.commands[1], @r##"
    aws ecs update-service --region eu-west-1 --cluster prod --service web --network-configuration 'awsvpcConfiguration={subnets=[subnet-04c2cb0f785a4be86],securityGroups=[sg-00ee3097251c489aa,'"$SECURITY_GROUP"'],assignPublicIp=DISABLED}'
    "##);
}

#[test]
fn a_subnet_that_is_gone_is_named_too() {
    let (mut account, service) = stopped(&[]);
    let subnet = account.data.services.items()[0].network_configuration.as_ref().unwrap().subnets[0].clone();
    account.stopped_task(&service, "a", &format!("{NO_ADDRESS}{subnet}': InvalidSubnetID.NotFound"));
    assert_snapshot!(shown(only(&audit_rule(&account, RULE))), @r##"
    medium task-start-failures prod/web (ecs:service)
    Tasks of web fail to start: 1 × a subnet of the network configuration is gone: subnet-04c2cb0f785a4be86 (last at 2026-11-20T11:50:00Z)
    blocker task/task-failed-to-start - -> web: 1 × a subnet of the network configuration is gone: subnet-04c2cb0f785a4be86 (last at 2026-11-20T11:50:00Z)
    seen 1 x stopped-task
    fix Take the subnet that is gone out of the network configuration, or put another one in its place.
    $ aws ecs describe-tasks --region eu-west-1 --cluster prod --tasks arn:aws:ecs:eu-west-1:111122223333:task/prod/084fda2e90cbc1b67 --query 'tasks[].[taskArn,stoppedReason,containers[].[name,reason]]'
    $ aws ecs update-service --region eu-west-1 --cluster prod --service web --network-configuration 'awsvpcConfiguration={subnets=['"$SUBNET"'],securityGroups=[sg-00ee3097251c489aa],assignPublicIp=DISABLED}'
    "##);
    account.edit_service(&service, |service| service.deployment_controller = DeploymentController::CodeDeploy);
    let report = audit_rule(&account, RULE);
    assert!(only(&report).remediation.text.to_string().contains("create a new CodeDeploy deployment"));
    assert_eq!(only(&report).remediation.commands.len(), 1);
}

#[test]
fn a_full_disk_a_missing_command_and_another_architecture_are_no_missing_image() {
    let (account, _) = stopped(&[
        "CannotPullContainerError: failed to extract layer sha256:0a: write /x: no space left on device: unknown",
        "CannotStartContainerError: exec: \"serve\": executable file not found in $PATH: unknown",
        "CannotStartContainerError: exec /app/serve: exec format error",
    ]);
    let report = audit_rule(&account, RULE);
    assert_snapshot!(message(&report), @r##"
    Tasks of web fail to start: 1 × the command of a container is not in its image, or cannot be run (last at 2026-11-20T11:50:00Z); 1 × a container runs a program that is built for another CPU architecture (last at 2026-11-20T11:50:00Z); 1 × no disk space was left (last at 2026-11-20T11:50:00Z)
    "##);
    assert_snapshot!(only(&report).remediation.text, @r##"
    Correct the command or entry point in the task definition, or put the program into the image and make it executable. Build the image for the architecture of the instances, or on Fargate of runtimePlatform.cpuArchitecture; a script also fails so without its first line (#!). Free or enlarge the disk of the instances; on Fargate raise ephemeralStorage in the task definition.
    "##);
}

#[test]
fn a_file_system_out_of_reach_explains_the_mount() {
    let mut fixture = fargate_private_with_nat();
    let (vpc, definition) = (fixture.vpc.clone(), fixture.definition.clone());
    let other = fixture.account.subnet(&vpc, "other-b", "10.0.9.0/24", "b");
    let group = fixture.account.security_group(&vpc, "files");
    fixture.account.file_system("fs-0a", &[&other], &group);
    fixture.account.mount(&definition, "fs-0a");
    let reason = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Failed to \
        resolve \"fs-0a.efs.eu-west-1.amazonaws.com\" - check that your file system ID is correct";
    fixture.account.stopped_task(&fixture.service, "a", reason);
    assert_silent(&audit_beside(&fixture.account, RULE, "efs-mount-unreachable"));
    assert_eq!(only(&audit_rule(&fixture.account, "efs-mount-unreachable")).severity, Severity::Critical);
    let denied = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: \
        b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'";
    fixture.account.stopped_task(&fixture.service, "b", denied);
    let report = audit_beside(&fixture.account, RULE, "efs-mount-unreachable");
    assert!(message(&report).contains("could not be mounted, access was denied"));
}

#[test]
fn what_finds_no_place_is_told_by_another_rule() {
    let (account, _) = stopped(&["TaskFailedToStart: RESOURCE:MEMORY", "TaskFailedToStart: NO ACTIVE INSTANCES"]);
    assert_silent(&audit_rule(&account, RULE));
    only(&audit_rule(&account, "placement-failures"));
    // A task that has an instance was given its place.
    let mut fixture = ec2_bridge_behind_alb();
    let instance = instances(&fixture)[0].clone();
    let reason = "CannotStartContainerError: Error response from daemon: driver failed programming external connectivity \
        on endpoint web: Bind for 0.0.0.0:80 failed: port is already allocated";
    let task = fixture.account.stopped_task(&fixture.service, "a", reason);
    fixture.account.edit_task(&task, |task| task.container_instance_arn = Some(instance));
    assert!(message(&audit_rule(&fixture.account, RULE)).contains("a static host port was taken"));
    assert_silent(&audit_rule(&fixture.account, "placement-failures"));
}

#[test]
fn an_event_tells_of_tasks_that_were_never_made() {
    let (mut account, service) = stopped(&[]);
    let event = "(service web) failed to launch a task with (error ECS was unable to assume the role \
        'arn:aws:iam::111122223333:role/task' that was provided for this task. Please verify that the role being passed has \
        the proper trust relationship and permissions.).";
    account.event(&service, event);
    assert_snapshot!(shown(only(&audit_rule(&account, RULE))), @r##"
    medium task-start-failures prod/web (ecs:service)
    Tasks of web fail to start: 1 × a role of the task could not be assumed, access was denied (last at 2026-11-20T11:55:00Z)
    blocker task/task-failed-to-start - -> web: 1 × a role of the task could not be assumed, access was denied (last at 2026-11-20T11:55:00Z)
    seen 1 x service-event
    fix See that the role exists and that ecs-tasks.amazonaws.com may assume it.
    $ aws ecs describe-services --region eu-west-1 --cluster prod --services web --query 'services[].events[:10].[createdAt,message]'
    "##);
    account.event(&service, "(service web) has reached a steady state.");
    assert_silent(&audit_rule(&account, RULE));
    // That tasks fail to start says no more than the tasks do.
    let (mut account, service) = stopped(&[]);
    account.event(&service, "(service web) is unable to consistently start tasks successfully.");
    assert_silent(&audit_rule(&account, RULE));
}

#[test]
fn a_service_that_wants_no_task_is_one_step_less() {
    let (mut account, service) = stopped(&[NOT_FOUND]);
    account.edit_service(&service, |service| set_counts(service, 0, 0));
    assert_eq!(only(&audit_rule(&account, RULE)).severity, Severity::Low);
}

#[test]
fn healthy_accounts_are_silent_and_unread_tasks_are_unknown() {
    for (_, pattern) in patterns::all() {
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
    let (mut account, _) = stopped(&[NOT_FOUND]);
    account.deny(Dataset::Tasks, "ecs:ListTasks");
    assert_unknown(&audit_rule(&account, RULE), "tasks could not be read");
}
