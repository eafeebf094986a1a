//! Tasks that find no place.

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::mocks::account::now;
use crate::mocks::accounts::{
    Fixture, ec2_awsvpc_full, ec2_bridge_behind_alb, fargate_private_with_nat, in_provider, instances,
};
use crate::mocks::compute::set_counts;
use crate::mocks::patterns;
use crate::support::{assert_silent, assert_unknown, audit_beside, audit_rule, only, shown};

const RULE: &str = "placement-failures";

fn event(tail: &str) -> String {
    format!(
        "(service web) was unable to place a task because no container instance met all of its requirements. {tail} For more \
         information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    )
}

fn closest(what: &str) -> String {
    event(&format!("The closest matching (container-instance 0123456789abcdef0123456789abcdef) {what}"))
}

/// A service on instances with these events, the newest last.
fn with(mut fixture: Fixture, events: &[String]) -> Fixture {
    for message in events {
        fixture.account.event(&fixture.service, message);
    }
    fixture
}

fn said(fixture: &Fixture) -> String {
    only(&audit_rule(&fixture.account, RULE)).message.to_string()
}

#[test]
fn every_cause_is_counted() {
    let memory = closest("has insufficient memory available.");
    let events = [memory.clone(), closest("has insufficient CPU units available."), memory];
    let fixture = with(ec2_bridge_behind_alb(), &events);
    let report = audit_rule(&fixture.account, RULE);
    assert_snapshot!(shown(only(&report)), @r##"
    medium placement-failures prod/web (ecs:service)
    Tasks of web find no place: 2 × no instance had enough memory left (last at 2026-11-20T11:55:00Z); 1 × no instance had enough CPU left (last at 2026-11-20T11:55:00Z)
    blocker task/no-placement - -> web: 2 × no instance had enough memory left (last at 2026-11-20T11:55:00Z)
    blocker task/no-placement - -> web: 1 × no instance had enough CPU left (last at 2026-11-20T11:55:00Z)
    seen 2 x service-event
    seen 1 x service-event
    fix Add instances or larger ones, or let the task definition reserve less.
    $ aws ecs describe-services --region eu-west-1 --cluster prod --services web --query 'services[].events[:10].[createdAt,message]'
    "##);
    assert_eq!(only(&report).severity, Severity::Medium);
}

#[test]
fn the_causes_in_plain_words() {
    for (tail, words) in [
        (closest("encountered error \"RESOURCE:ENI\"."), "no slot for a task ENI was free"),
        (closest("is already using a port required by your task."), "a static host port was taken"),
        (closest("is missing an attribute required by your task."), "no instance had what the task requires"),
        (closest("encountered error \"AGENT\"."), "the agent of the instance was not connected"),
        (event("Reason: No Container Instances were found in your cluster."), "there was no container instance"),
        (event(""), "no place was found, for no closer reason"),
    ] {
        let said = said(&with(ec2_bridge_behind_alb(), &[tail]));
        assert!(said.contains(words), "{said}");
    }
    let unsteady = "(service web) was unable to reach steady state. Reason: No Container Instances were found in your \
        capacity provider.";
    assert!(said(&with(ec2_bridge_behind_alb(), &[unsteady.to_owned()])).contains("there was no container instance"));
}

#[test]
fn fargate_finds_no_place_either() {
    for (reason, words) in [
        ("Capacity is unavailable at this time. Please try again later.", "AWS had no capacity"),
        ("You've reached the limit on the number of vCPUs you can run concurrently", "a quota of the account"),
        ("Internal error.", "no place was found"),
    ] {
        let message = format!("(service web) was unable to place a task. Reason: {reason}");
        let said = said(&with(fargate_private_with_nat(), &[message]));
        assert!(said.contains(words), "{said}");
    }
    let mut fixture = fargate_private_with_nat();
    fixture.account.stopped_task(
        &fixture.service,
        "a",
        "Capacity is unavailable at this time. Please try again later.",
    );
    assert!(said(&fixture).contains("AWS had no capacity"));
    assert_silent(&audit_rule(&fixture.account, "task-start-failures"));
}

#[test]
fn with_a_capacity_provider_the_stopped_tasks_say_it() {
    let mut fixture = ec2_bridge_behind_alb();
    for (number, reason) in
        ["RESOURCE:MEMORY", "RESOURCE:MEMORY", "MemberOf placement constraint unsatisfied."].iter().enumerate()
    {
        let reason = format!("TaskFailedToStart: {reason}");
        fixture.account.stopped_task(&fixture.service, &format!("t-{number}"), &reason);
    }
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    medium placement-failures prod/web (ecs:service)
    Tasks of web find no place: 2 × no instance had enough memory left (last at 2026-11-20T11:50:00Z); 1 × no instance satisfied the placement constraints (last at 2026-11-20T11:50:00Z)
    blocker task/no-placement - -> web: 2 × no instance had enough memory left (last at 2026-11-20T11:50:00Z)
    blocker task/no-placement - -> web: 1 × no instance satisfied the placement constraints (last at 2026-11-20T11:50:00Z)
    seen 2 x stopped-task
    seen 1 x stopped-task
    fix Add instances or larger ones, or let the task definition reserve less. Relax the placement constraints, or give instances what they ask for.
    $ aws ecs describe-tasks --region eu-west-1 --cluster prod --tasks arn:aws:ecs:eu-west-1:111122223333:task/prod/008a4cd1d3eefb486 arn:aws:ecs:eu-west-1:111122223333:task/prod/02ad4c655a2905ba5 --query 'tasks[].[taskArn,stoppedReason,containers[].[name,reason]]'
    "##);
}

#[test]
fn a_steady_state_heals() {
    let events =
        [closest("has insufficient memory available."), "(service web) has reached a steady state.".to_owned()];
    assert_silent(&audit_rule(&with(ec2_bridge_behind_alb(), &events).account, RULE));
    let [old, steady] = events.clone();
    only(&audit_rule(&with(ec2_bridge_behind_alb(), &[steady, old]).account, RULE));
}

#[test]
fn a_task_that_started_later_heals_where_none_is_missing() {
    let mut fixture = with(ec2_bridge_behind_alb(), &[closest("has insufficient memory available.")]);
    let task = fixture.account.task(&fixture.service, "t");
    fixture.account.edit_task(&task, |task| task.started_at = Some(now() - SignedDuration::from_mins(1)));
    assert_silent(&audit_rule(&fixture.account, RULE));
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 4, 2));
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn interface_limits_explain_their_own_placements_only() {
    let full = || {
        let mut fixture = ec2_awsvpc_full();
        fixture.account.edit_service(&fixture.service, |service| set_counts(service, 7, 6));
        fixture
    };
    let fixture = with(full(), &[closest("encountered error \"RESOURCE:ENI\".")]);
    only(&audit_rule(&fixture.account, RULE));
    assert_silent(&audit_beside(&fixture.account, RULE, "eni-limit-pressure"));
    let fixture = with(full(), &[closest("has insufficient memory available.")]);
    only(&audit_beside(&fixture.account, RULE, "eni-limit-pressure"));
}

#[test]
fn a_group_that_cannot_grow_explains_whatever_is_lacking() {
    for tail in ["has insufficient memory available.", "encountered error \"RESOURCE:ENI\"."] {
        let fixture = with(in_provider(ec2_awsvpc_full(), 3, 3), &[closest(tail)]);
        only(&audit_rule(&fixture.account, RULE));
        assert_silent(&audit_beside(&fixture.account, RULE, "capacity-provider-cannot-scale"));
        let fixture = with(in_provider(ec2_awsvpc_full(), 3, 9), &[closest(tail)]);
        only(&audit_beside(&fixture.account, RULE, "capacity-provider-cannot-scale"));
    }
}

#[test]
fn a_finding_that_sees_relief_coming_does_not_make_a_failure_silent() {
    // Managed scaling has room, so the pressure is low; the task found no place all the same.
    let mut fixture = in_provider(ec2_awsvpc_full(), 3, 9);
    fixture.account.edit_service(&fixture.service, |service| set_counts(service, 7, 6));
    let fixture = with(fixture, &[closest("encountered error \"RESOURCE:ENI\".")]);
    assert_eq!(only(&audit_rule(&fixture.account, "eni-limit-pressure")).severity, Severity::Low);
    only(&audit_beside(&fixture.account, RULE, "eni-limit-pressure"));
}

#[test]
fn host_ports_explain_the_placements_that_met_them() {
    let wanting = |port: u16, desired: i32| {
        let mut fixture = ec2_bridge_behind_alb();
        fixture
            .account
            .edit_definition(&fixture.definition, |d| d.containers[0].port_mappings[0].host_port = Some(port));
        fixture.account.edit_service(&fixture.service, |service| set_counts(service, desired, 0));
        for instance in instances(&fixture) {
            fixture.account.edit_instance(&instance, |instance| instance.registered_resources.ports = vec![22]);
        }
        with(fixture, &[closest("is already using a port required by your task.")])
    };
    for (fixture, rule) in [(wanting(22, 2), "host-port-reserved"), (wanting(80, 3), "host-port-conflict")] {
        only(&audit_rule(&fixture.account, RULE));
        assert_silent(&audit_beside(&fixture.account, RULE, rule));
        assert_eq!(only(&audit_rule(&fixture.account, rule)).confirmed_by.len(), 1, "{rule}");
    }
    only(&audit_beside(&wanting(80, 2).account, RULE, "host-port-conflict"));
}

#[test]
fn zones_without_instances_explain_missing_attributes() {
    let mut fixture = ec2_awsvpc_full();
    let third = fixture.account.subnet(&fixture.vpc.clone(), "private-c", "10.0.3.0/24", "c");
    fixture.account.network(&fixture.service.clone(), &[&third]);
    let fixture = with(fixture, &[closest("is missing an attribute required by your task.")]);
    only(&audit_rule(&fixture.account, RULE));
    assert_silent(&audit_beside(&fixture.account, RULE, "zone-without-instances"));
    assert_eq!(only(&audit_rule(&fixture.account, "zone-without-instances")).confirmed_by.len(), 1);
}

#[test]
fn a_lost_agent_explains_what_met_it() {
    let mut fixture = with(ec2_bridge_behind_alb(), &[closest("encountered error \"AGENT\".")]);
    only(&audit_beside(&fixture.account, RULE, "agent-disconnected"));
    let instance = instances(&fixture)[0].clone();
    fixture.account.edit_instance(&instance, |instance| {
        instance.agent_connected = false;
        instance.agent_connected_at_end = Some(false);
    });
    assert_silent(&audit_beside(&fixture.account, RULE, "agent-disconnected"));
}

#[test]
fn what_was_not_read_leaves_it_open() {
    let mut fixture = with(in_provider(ec2_awsvpc_full(), 3, 3), &[closest("has insufficient memory available.")]);
    fixture.account.deny(Dataset::AutoScalingGroups, "autoscaling:DescribeAutoScalingGroups");
    let report = audit_beside(&fixture.account, RULE, "capacity-provider-cannot-scale");
    assert_unknown(&report, "auto-scaling-groups could not be read");
    only(&audit_rule(&fixture.account, RULE));
}

#[test]
fn healthy_accounts_are_silent_and_unread_tasks_are_unknown() {
    for (_, pattern) in patterns::all() {
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
    let mut fixture = ec2_bridge_behind_alb();
    fixture.account.deny(Dataset::Tasks, "ecs:ListTasks");
    assert_unknown(&audit_rule(&fixture.account, RULE), "tasks could not be read");
    let mut fixture = ec2_bridge_behind_alb();
    fixture.account.deny(Dataset::Services, "ecs:ListServices");
    assert_unknown(&audit_rule(&fixture.account, RULE), "services could not be read");
}
