//! Tasks that can take the role of their instance.

use ecs_network_audit::finding::{Report, Severity};
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::ecs::PlacementConstraint;
use ecs_network_audit::snapshot::enums::NetworkMode;
use insta::assert_snapshot;

use crate::mocks::compute::container;
use crate::mocks::patterns::{self, Pattern, on_unread_capacity};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "metadata-reachable-from-tasks";

fn audit(pattern: &Pattern) -> Report {
    audit_rule(&pattern.account, RULE)
}

/// The instances get a role, and metadata options.
fn with_role(mut pattern: Pattern, tokens: &str, hop_limit: i32) -> Pattern {
    for instance in &pattern.instances {
        pattern.account.instance_role(instance, tokens, hop_limit);
    }
    pattern
}

fn in_mode(mut pattern: Pattern, mode: NetworkMode) -> Pattern {
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| definition.network_mode = Some(mode));
    pattern
}

fn without_task_role(mut pattern: Pattern) -> Pattern {
    let definition = pattern.definition.clone();
    pattern.account.edit_definition(&definition, |definition| definition.task_role_arn = None);
    pattern
}

/// The agents were started with `ECS_AWSVPC_BLOCK_IMDS=true`.
fn blocked(mut pattern: Pattern) -> Pattern {
    for instance in &pattern.instances {
        pattern.account.edit_instance(instance, |instance| {
            instance.attributes.insert("ecs.capability.task-eni-block-instance-metadata".to_owned(), None);
        });
    }
    pattern
}

#[test]
fn bridge_tasks_get_through_two_hops() {
    let report = audit(&with_role(patterns::ec2_bridge(), "required", 2));
    assert_snapshot!(shown(only(&report)), @r##"
    low metadata-reachable-from-tasks prod (ecs:cluster)
    No setting that AWS shows keeps tasks of prod from the role of their instances: web (bridge mode) on i-02ac4c6bb1a66d01a and i-078618cd28be4b176 with instance profile ecsInstanceRole, IMDSv2 only, hop limit 2
    fix Keep the instance role to what the agent needs, and give tasks roles of their own. Require tokens with a hop limit of 1, in the launch template too: it stops tasks in bridge mode. A firewall rule on the instances would as well, but AWS does not show it: waive this where there is one.
    $ aws ec2 modify-instance-metadata-options --region eu-west-1 --instance-id i-02ac4c6bb1a66d01a --http-tokens required --http-put-response-hop-limit 1
    $ aws ec2 modify-instance-metadata-options --region eu-west-1 --instance-id i-078618cd28be4b176 --http-tokens required --http-put-response-hop-limit 1
    "##);
}

#[test]
fn bridge_tasks_get_through_without_a_token_whatever_the_hop_limit() {
    let report = audit(&with_role(patterns::ec2_bridge(), "optional", 1));
    assert_eq!(only(&report).severity, Severity::Low);
    assert_snapshot!(only(&report).message, @r##"
    No setting that AWS shows keeps tasks of prod from the role of their instances: web (bridge mode) on i-02ac4c6bb1a66d01a and i-078618cd28be4b176 with instance profile ecsInstanceRole, IMDSv1 allowed, hop limit 1
    "##);
}

#[test]
fn a_hop_limit_of_1_with_tokens_stops_bridge_tasks() {
    assert_silent(&audit(&with_role(patterns::ec2_bridge(), "required", 1)));
    // No mode is bridge mode on Linux.
    let mut pattern = with_role(patterns::ec2_bridge(), "required", 1);
    pattern.account.edit_definition(&pattern.definition, |definition| definition.network_mode = None);
    assert_silent(&audit(&pattern));
}

#[test]
fn it_does_not_stop_awsvpc_tasks() {
    let report = audit(&with_role(patterns::ec2_awsvpc(), "required", 1));
    assert_snapshot!(shown(only(&report)), @r##"
    low metadata-reachable-from-tasks prod (ecs:cluster)
    No setting that AWS shows keeps tasks of prod from the role of their instances: web (awsvpc mode) on i-02ac4c6bb1a66d01a and i-078618cd28be4b176 with instance profile ecsInstanceRole, IMDSv2 only, hop limit 1
    fix Keep the instance role to what the agent needs, and give tasks roles of their own. For awsvpc mode set ECS_AWSVPC_BLOCK_IMDS=true in /etc/ecs/ecs.config, best by the user data of the launch template, and restart the agent.
    "##);
}

#[test]
fn the_agent_can_block_awsvpc_tasks_and_nobody_else() {
    assert_silent(&audit(&blocked(with_role(patterns::ec2_awsvpc(), "optional", 2))));
    only(&audit(&blocked(with_role(patterns::ec2_bridge(), "optional", 2))));
}

#[test]
fn host_mode_cannot_be_stopped() {
    let report = audit(&with_role(in_mode(patterns::ec2_bridge(), NetworkMode::Host), "required", 1));
    assert_eq!(only(&report).severity_reason.as_deref(), Some("tasks in host mode can't be kept from it"));
    assert_snapshot!(shown(only(&report)), @r##"
    medium metadata-reachable-from-tasks prod (ecs:cluster)
    No setting that AWS shows keeps tasks of prod from the role of their instances: web (host mode) on i-02ac4c6bb1a66d01a and i-078618cd28be4b176 with instance profile ecsInstanceRole, IMDSv2 only, hop limit 1
    fix Keep the instance role to what the agent needs, and give tasks roles of their own. In host mode nothing stops it: use another mode, or instances of their own for such tasks.
    "##);
}

#[test]
fn without_a_task_role_imds_v1_is_medium() {
    let report = audit(&without_task_role(with_role(patterns::ec2_bridge(), "optional", 1)));
    assert_eq!(only(&report).severity, Severity::Medium);
    let reason = "IMDSv1 answers, and tasks of web have no role of their own";
    assert_eq!(only(&report).severity_reason.as_deref(), Some(reason));
    let report = audit(&without_task_role(with_role(patterns::ec2_bridge(), "required", 2)));
    assert_eq!(only(&report).severity, Severity::Low);
}

#[test]
fn tasks_that_live_by_the_instance_role_need_one_of_their_own_first() {
    let report = audit(&without_task_role(with_role(patterns::ec2_bridge(), "required", 2)));
    assert_snapshot!(only(&report).remediation.text, @r##"
    Keep the instance role to what the agent needs, and give tasks roles of their own. Require tokens with a hop limit of 1, in the launch template too: it stops tasks in bridge mode. A firewall rule on the instances would as well, but AWS does not show it: waive this where there is one. First give web a taskRoleArn: without one, these tasks have only the role that this takes from them.
    "##);
    // The hop limit takes nothing from tasks with an interface of their own.
    let report = audit(&without_task_role(with_role(patterns::ec2_awsvpc(), "optional", 2)));
    assert!(!only(&report).remediation.text.to_string().contains("First"));
}

#[test]
fn who_runs_a_task_may_name_a_role_in_the_call() {
    let mut pattern = without_task_role(with_role(patterns::ec2_bridge(), "optional", 2));
    let first = pattern.instances[0].clone();
    for task in pattern.account.data.tasks.items_mut().unwrap() {
        task.group = Some("family:web".into());
        task.container_instance_arn = Some(first.clone());
    }
    pattern.account.data.services.items_mut().unwrap().clear();
    let report = audit(&pattern);
    assert_eq!((only(&report).severity, &only(&report).severity_reason), (Severity::Low, &None));
    assert_snapshot!(only(&report).remediation.text, @r##"
    Keep the instance role to what the agent needs, and give tasks roles of their own. Require tokens with a hop limit of 1, in the launch template too: it stops tasks in bridge mode. A firewall rule on the instances would as well, but AWS does not show it: waive this where there is one. First see that whoever runs family:web names a task role: the task definition names none.
    "##);
}

#[test]
fn a_cluster_is_one_finding_for_all_its_services_and_instances() {
    let mut pattern = with_role(patterns::ec2_bridge(), "required", 2);
    pattern.account.instance_role(&pattern.instances[1], "optional", 1);
    let daemon = pattern.account.definition("agent", Some(NetworkMode::Host), vec![container("agent", "agent")]);
    pattern.account.service(&pattern.cluster, "agent", &daemon);
    assert_snapshot!(shown(only(&audit(&pattern))), @r##"
    medium metadata-reachable-from-tasks prod (ecs:cluster)
    No setting that AWS shows keeps tasks of prod from the role of their instances: web (bridge mode) and agent (host mode) on i-078618cd28be4b176 with instance profile ecsInstanceRole, IMDSv2 only, hop limit 2; web (bridge mode) and agent (host mode) on i-02ac4c6bb1a66d01a with instance profile ecsInstanceRole, IMDSv1 allowed, hop limit 1
    fix Keep the instance role to what the agent needs, and give tasks roles of their own. Require tokens with a hop limit of 1, in the launch template too: it stops tasks in bridge mode. A firewall rule on the instances would as well, but AWS does not show it: waive this where there is one. In host mode nothing stops it: use another mode, or instances of their own for such tasks.
    $ aws ec2 modify-instance-metadata-options --region eu-west-1 --instance-id i-02ac4c6bb1a66d01a --http-tokens required --http-put-response-hop-limit 1
    $ aws ec2 modify-instance-metadata-options --region eu-west-1 --instance-id i-078618cd28be4b176 --http-tokens required --http-put-response-hop-limit 1
    "##);
}

#[test]
fn no_role_or_no_metadata_service_is_nothing_to_take() {
    assert_silent(&audit(&in_mode(patterns::ec2_bridge(), NetworkMode::Host)));
    let mut pattern = with_role(in_mode(patterns::ec2_bridge(), NetworkMode::Host), "optional", 2);
    for instance in &pattern.instances {
        pattern.account.edit_host(instance, |host| {
            host.metadata_options.as_mut().unwrap().http_endpoint = Some("disabled".to_owned());
        });
    }
    assert_silent(&audit(&pattern));
}

#[test]
fn tasks_without_a_network_get_nothing() {
    assert_silent(&audit(&with_role(in_mode(patterns::ec2_bridge(), NetworkMode::None), "optional", 2)));
}

#[test]
fn fargate_has_no_instance_role() {
    let report = audit(&patterns::fargate_nat());
    assert_silent(&report);
    assert_eq!(report.rules[0].not_applicable, 1);
}

#[test]
fn only_instances_that_a_service_may_use_count() {
    let mut pattern = with_role(patterns::ec2_bridge(), "required", 2);
    pattern.account.data.tasks.items_mut().unwrap().clear();
    pattern.account.edit_service(&pattern.service, |service| {
        service.placement_constraints.push(PlacementConstraint {
            kind: "memberOf".to_owned(),
            expression: Some("attribute:role == frontend".to_owned()),
        });
    });
    assert_silent(&audit(&pattern));
    let chosen = pattern.instances[0].clone();
    pattern.account.edit_instance(&chosen, |instance| {
        instance.attributes.insert("role".to_owned(), Some("frontend".to_owned()));
    });
    assert_eq!(only(&audit(&pattern)).facts["instances"].as_array().unwrap().len(), 1);
}

#[test]
fn standalone_tasks_count_where_they_run() {
    let mut pattern = with_role(patterns::ec2_bridge(), "required", 2);
    let first = pattern.instances[0].clone();
    for task in pattern.account.data.tasks.items_mut().unwrap() {
        task.group = Some("family:web".into());
        task.container_instance_arn = Some(first.clone());
    }
    pattern.account.data.services.items_mut().unwrap().clear();
    assert_eq!(only(&audit(&pattern)).facts["instances"].as_array().unwrap().len(), 1);
}

#[test]
fn windows_is_unknown_unless_its_agent_blocks() {
    let windows = |mut pattern: Pattern| {
        for instance in &pattern.instances {
            pattern.account.edit_instance(instance, |instance| {
                instance.attributes.insert("ecs.os-type".to_owned(), Some("windows".to_owned()));
            });
        }
        let definition = pattern.definition.clone();
        pattern.account.edit_definition(&definition, |definition| {
            definition.operating_system_family = Some("WINDOWS_SERVER_2022_CORE".to_owned());
        });
        with_role(pattern, "optional", 2)
    };
    assert_unknown(&audit(&windows(patterns::ec2_awsvpc())), "is known for Linux only");
    assert_silent(&audit(&blocked(windows(patterns::ec2_awsvpc()))));
}

#[test]
fn what_is_not_shown_is_unknown() {
    let mut pattern = with_role(patterns::ec2_bridge(), "required", 2);
    for instance in &pattern.instances {
        pattern.account.edit_host(instance, |host| host.metadata_options = None);
    }
    assert_unknown(&audit(&pattern), "the metadata options of");
    let mut pattern = with_role(patterns::ec2_bridge(), "required", 2);
    pattern.account.deny(Dataset::Instances, "ec2:DescribeInstances");
    assert_unknown(&audit(&pattern), "instances could not be read");
    let pattern = on_unread_capacity(with_role(patterns::ec2_bridge(), "required", 2));
    assert_unknown(&audit(&pattern), "capacity-providers could not be read");
}
