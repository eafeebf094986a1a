//! Agents that have lost their connection.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::CapacityProviderKind;
use ecs_network_audit::snapshot::ids::Arn;
use insta::assert_snapshot;

use crate::mocks::account::Account;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "agent-disconnected";

/// What the two readings say.
fn read(account: &mut Account, instance: &Arn, first: bool, at_end: Option<bool>) {
    account.edit_instance(instance, |instance| {
        instance.agent_connected = first;
        instance.agent_connected_at_end = at_end;
    });
}

/// One agent of two is gone at both readings.
fn one_lost() -> Pattern {
    let mut pattern = patterns::ec2_bridge();
    let instance = pattern.instances[0].clone();
    read(&mut pattern.account, &instance, false, Some(false));
    pattern
}

fn all_lost() -> Pattern {
    let mut pattern = one_lost();
    let instance = pattern.instances[1].clone();
    read(&mut pattern.account, &instance, false, Some(false));
    pattern
}

#[test]
fn one_agent_of_two() {
    let report = audit_rule(&one_lost().account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium agent-disconnected prod (ecs:cluster)
    The agent of 1 of 2 running container instances in prod was not connected at the start and at the end of the scan: i-078618cd28be4b176; ECS places no task there and can neither watch nor stop the 1 task there
    blocker task/agent-disconnected - -> prod: not connected: i-078618cd28be4b176
    fix Restart the agents, over Systems Manager where the instances are managed by it, and read /var/log/ecs/ecs-agent.log where that does not help; replace instances that stay away.
    $ aws ecs describe-container-instances --region eu-west-1 --cluster prod --container-instances 0b3542497e9d6d246 --query 'containerInstances[].[ec2InstanceId,agentConnected,status,versionInfo.agentVersion]'
    $ aws ssm send-command --region eu-west-1 --instance-ids i-078618cd28be4b176 --document-name AWS-RunShellScript --parameters 'commands=["systemctl restart ecs"]'
    "##);
}

#[test]
fn all_agents_of_a_cluster() {
    let report = audit_rule(&all_lost().account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    high agent-disconnected prod (ecs:cluster)
    The agents of 2 of 2 running container instances in prod were not connected at the start and at the end of the scan: i-078618cd28be4b176 and i-02ac4c6bb1a66d01a; ECS places no task there and can neither watch nor stop the 2 tasks there
    blocker task/agent-disconnected - -> prod: not connected: i-078618cd28be4b176 and i-02ac4c6bb1a66d01a
    fix Restart the agents, over Systems Manager where the instances are managed by it, and read /var/log/ecs/ecs-agent.log where that does not help; replace instances that stay away.
    $ aws ecs describe-container-instances --region eu-west-1 --cluster prod --container-instances 0b3542497e9d6d246 0f4b23e90d41e3f15 --query 'containerInstances[].[ec2InstanceId,agentConnected,status,versionInfo.agentVersion]'
    $ aws ssm send-command --region eu-west-1 --instance-ids i-078618cd28be4b176 i-02ac4c6bb1a66d01a --document-name AWS-RunShellScript --parameters 'commands=["systemctl restart ecs"]'
    "##);
    assert_eq!(only(&report).severity_reason.as_deref(), Some("no agent of the cluster is connected"));
}

#[test]
fn each_command_takes_no_more_instances_than_its_api() {
    let mut pattern = patterns::ec2_bridge();
    let subnet = pattern.subnets[0].clone();
    for number in 0..101 {
        let name = format!("lost-{number}");
        let instance = pattern.account.container_instance(&pattern.cluster, &name, "m5.large", &subnet);
        read(&mut pattern.account, &instance, false, Some(false));
    }
    let report = audit_rule(&pattern.account, RULE);
    let named = |command: &String, prefix: &str| command.split(' ').filter(|word| word.starts_with(prefix)).count();
    let commands = &only(&report).remediation.commands;
    let described: Vec<_> = commands.iter().filter(|c| c.contains("describe-container-instances")).collect();
    let ids: usize = described.iter().map(|c| c.split(' ').filter(|word| word.len() == 17).count()).sum();
    assert_eq!((described.len(), ids), (2, 101));
    let restarts: Vec<_> = commands.iter().filter(|c| c.contains("send-command")).map(|c| named(c, "i-")).collect();
    assert_eq!(restarts, [50, 50, 1]);
}

#[test]
fn the_finding_stays_the_same_when_another_instance_is_lost() {
    let id = |pattern: &Pattern| only(&audit_rule(&pattern.account, RULE)).id.clone();
    assert_eq!(id(&one_lost()), id(&all_lost()));
}

#[test]
fn a_short_disconnect_is_normal() {
    assert_silent(&audit_rule(&patterns::ec2_bridge().account, RULE));
    let mut pattern = patterns::ec2_bridge();
    let instance = pattern.instances[0].clone();
    read(&mut pattern.account, &instance, false, Some(true));
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn one_reading_proves_nothing() {
    let mut pattern = patterns::ec2_bridge();
    let instance = pattern.instances[0].clone();
    read(&mut pattern.account, &instance, false, None);
    assert_unknown(&audit_rule(&pattern.account, RULE), "short disconnects are normal");
    // What is not known of one doesn't take the proof of another away, but all of them it can't be.
    let other = pattern.instances[1].clone();
    read(&mut pattern.account, &other, false, Some(false));
    let report = audit_rule(&pattern.account, RULE);
    assert_eq!((only(&report).severity, report.not_evaluated.len()), (Severity::Medium, 1));
}

#[test]
fn instances_that_come_or_go_are_no_subjects() {
    for status in ["DRAINING", "REGISTERING", "DEREGISTERING", "REGISTRATION_FAILED"] {
        let mut pattern = one_lost();
        let instance = pattern.instances[0].clone();
        pattern.account.edit_instance(&instance, |instance| instance.status = status.to_owned());
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
}

#[test]
fn a_stopped_instance_has_no_agent_that_could_be_connected() {
    for state in ["stopped", "stopping", "shutting-down", "terminated"] {
        let mut pattern = one_lost();
        let instance = pattern.instances[0].clone();
        pattern.account.edit_host(&instance, |host| host.state = state.to_owned());
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
    // EC2 forgets terminated instances after a while; ECS keeps those whose agent was gone before.
    let mut pattern = one_lost();
    let gone = pattern.account.data.container_instances.items()[0].ec2_instance_id.clone().unwrap();
    pattern.account.data.instances.items_mut().unwrap().retain(|host| host.id != gone);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn the_running_ones_are_all_that_count_for_all() {
    let mut pattern = one_lost();
    let stopped = pattern.instances[1].clone();
    pattern.account.edit_host(&stopped, |host| host.state = "stopped".to_owned());
    read(&mut pattern.account, &stopped, false, Some(false));
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::High);
}

#[test]
fn aws_looks_after_managed_instances_and_nobody_in_ec2_after_external_ones() {
    let mut pattern = one_lost();
    let instance = pattern.instances[0].clone();
    let provider = pattern.account.capacity_provider("managed", 1, 1, &[&pattern.subnets[0]]);
    pattern.account.data.capacity_providers.items_mut().unwrap()[0].kind =
        CapacityProviderKind::ManagedInstances { subnets: Vec::new(), security_groups: Vec::new() };
    pattern.account.edit_instance(&instance, |instance| instance.capacity_provider_name = Some(provider));
    assert_silent(&audit_rule(&pattern.account, RULE));
    pattern.account.deny(Dataset::CapacityProviders, "ecs:DescribeCapacityProviders");
    assert_unknown(&audit_rule(&pattern.account, RULE), "capacity-providers could not be read");
    let mut pattern = one_lost();
    pattern.account.edit_instance(&instance, |i| i.ec2_instance_id = Some("mi-0123456789abcdef0".into()));
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_broken_path_is_the_cause_and_this_its_symptom() {
    let mut pattern = all_lost();
    for table in pattern.tables.clone() {
        pattern.account.edit_table(&table, |table| table.routes.truncate(1));
    }
    let report = audit_beside(&pattern.account, RULE, "container-agent-unreachable");
    let said = (only(&report).severity, only(&report).severity_reason.as_deref());
    assert_eq!(said, (Severity::Info, Some("container-agent-unreachable tells why")));
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).severity, Severity::High);
    // The path of one of them only.
    let mut pattern = all_lost();
    let table = pattern.tables[0].clone();
    pattern.account.edit_table(&table, |table| table.routes.truncate(1));
    let report = audit_beside(&pattern.account, RULE, "container-agent-unreachable");
    assert_eq!(only(&report).severity, Severity::High);
}

#[test]
fn placements_that_met_the_agent_confirm_it() {
    let mut pattern = one_lost();
    let message = "(service web) was unable to place a task because no container instance met all of its requirements. \
        The closest matching (container-instance 8f12) encountered error \"AGENT\".";
    pattern.account.event(&pattern.service.clone(), message);
    assert_eq!(only(&audit_rule(&pattern.account, RULE)).confirmed_by.len(), 1);
}

#[test]
fn windows_restarts_its_agent_in_its_own_way() {
    let mut pattern = one_lost();
    let instance = pattern.instances[0].clone();
    pattern.account.edit_instance(&instance, |instance| {
        instance.attributes.insert("ecs.os-type".to_owned(), Some("windows".to_owned()));
    });
    let report = audit_rule(&pattern.account, RULE);
    let commands = &only(&report).remediation.commands;
    assert!(commands[1].contains("AWS-RunPowerShellScript") && commands.len() == 2, "{commands:?}");
}

#[test]
fn a_cluster_without_instances_is_not_concerned_and_unread_is_unknown() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    for (dataset, api) in
        [(Dataset::ContainerInstances, "ecs:ListContainerInstances"), (Dataset::Instances, "ec2:DescribeInstances")]
    {
        let mut pattern = one_lost();
        pattern.account.deny(dataset, api);
        assert_unknown(&audit_rule(&pattern.account, RULE), &format!("{} could not be read", dataset.name()));
    }
}
