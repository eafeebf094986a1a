//! VPCs in which the traffic of awsvpc tasks leaves no trace.

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::vpc::FlowLog;
use insta::assert_snapshot;

use crate::mocks::account::push;
use crate::mocks::compute::web;
use crate::mocks::patterns::{self, Pattern};
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "flow-logs-off";

/// A healthy account whose only flow logs are of these resources.
fn logged(mut pattern: Pattern, resources: &[&str]) -> Pattern {
    pattern.account.data.flow_logs.items_mut().unwrap().clear();
    for resource in resources {
        push(
            &mut pattern.account.data.flow_logs,
            FlowLog {
                id: format!("fl-{resource}"),
                resource_id: (*resource).to_owned(),
                status: "ACTIVE".to_owned(),
                deliver_logs_status: Some("SUCCESS".to_owned()),
                deliver_logs_error_message: None,
                traffic_type: Some("ALL".to_owned()),
            },
        );
    }
    pattern
}

#[test]
fn a_vpc_without_a_flow_log_is_one_finding_for_all_its_subnets_and_services() {
    let mut pattern = logged(patterns::fargate_nat(), &[]);
    let [a, b] = pattern.subnets.clone();
    let definition = pattern.account.definition("api", None, vec![web()]);
    pattern.account.fargate_service(&pattern.cluster, "api", &definition, &[&a, &b]);
    assert_snapshot!(shown(only(&audit_rule(&pattern.account, RULE))), @r##"
    low flow-logs-off vpc-01f40ac3d5852ad3a (ec2:vpc)
    No flow log records the traffic of the awsvpc tasks in subnet-04c2cb0f785a4be86 and subnet-0efda74836b6450f9: neither vpc-01f40ac3d5852ad3a nor the subnets nor the interfaces of all running tasks have an active one
    fix Create a flow log for the VPC, which covers the interfaces of future tasks too; REJECT alone is cheaper and shows what security groups and network ACLs refuse.
    $ aws ec2 create-flow-logs --region eu-west-1 --resource-type VPC --resource-ids vpc-01f40ac3d5852ad3a --traffic-type ALL --log-destination-type s3 --log-destination "$BUCKET_ARN"
    "##);
}

#[test]
fn a_log_of_one_subnet_leaves_the_others() {
    let pattern = patterns::fargate_nat();
    let [a, b] = pattern.subnets.clone();
    let report = audit_rule(&logged(pattern, &[a.as_str()]).account, RULE);
    assert_eq!(only(&report).facts["subnets"], serde_json::json!([b.as_str()]));
}

#[test]
fn a_log_of_the_vpc_or_of_all_subnets_is_enough() {
    assert_silent(&audit_rule(&patterns::fargate_nat().account, RULE));
    let pattern = patterns::fargate_nat();
    let [a, b] = pattern.subnets.clone();
    assert_silent(&audit_rule(&logged(pattern, &[a.as_str(), b.as_str()]).account, RULE));
}

#[test]
fn a_log_of_rejected_or_accepted_traffic_is_a_log() {
    for kind in ["REJECT", "ACCEPT"] {
        let mut pattern = patterns::fargate_nat();
        pattern.account.data.flow_logs.items_mut().unwrap()[0].traffic_type = Some(kind.to_owned());
        assert_silent(&audit_rule(&pattern.account, RULE));
    }
}

#[test]
fn a_log_that_is_not_active_is_none() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.data.flow_logs.items_mut().unwrap()[0].status = "INACTIVE".to_owned();
    only(&audit_rule(&pattern.account, RULE));
}

/// The flow log of the VPC is there, and what it records does not arrive.
fn undelivered(error: Option<&str>) -> Pattern {
    let mut pattern = patterns::fargate_nat();
    let log = &mut pattern.account.data.flow_logs.items_mut().unwrap()[0];
    log.deliver_logs_status = Some("FAILED".to_owned());
    log.deliver_logs_error_message = error.map(str::to_owned);
    pattern
}

#[test]
fn a_log_that_is_not_delivered_is_none() {
    assert_snapshot!(shown(only(&audit_rule(&undelivered(Some("Access error")).account, RULE))), @r##"
    low flow-logs-off vpc-01f40ac3d5852ad3a (ec2:vpc)
    No flow log records the traffic of the awsvpc tasks in subnet-04c2cb0f785a4be86 and subnet-0efda74836b6450f9: neither vpc-01f40ac3d5852ad3a nor the subnets nor the interfaces of all running tasks have one that arrives; delivery of fl-0e9c94173a9c01ac4 fails (Access error)
    fix Repair the delivery: see that the log group or bucket is there, and that the role of the flow log, or the policy of the bucket, lets it write. A flow log cannot be changed: one with another role or destination has to be created in its place.
    $ aws ec2 describe-flow-logs --region eu-west-1 --flow-log-ids fl-0e9c94173a9c01ac4 --query 'FlowLogs[].[FlowLogId,DeliverLogsStatus,DeliverLogsErrorMessage,DeliverLogsPermissionArn,LogDestination]'
    "##);
    only(&audit_rule(&undelivered(None).account, RULE));
    // Another one arrives.
    let mut pattern = undelivered(Some("Access error"));
    let mut other = pattern.account.data.flow_logs.items()[0].clone();
    other.id = "fl-0123456789abcdef0".to_owned();
    other.deliver_logs_status = None;
    push(&mut pattern.account.data.flow_logs, other);
    assert_silent(&audit_rule(&pattern.account, RULE));
}

#[test]
fn a_log_that_is_rate_limited_may_arrive_in_part() {
    assert_unknown(&audit_rule(&undelivered(Some("Rate limited")).account, RULE), "is rate limited");
}

#[test]
fn tasks_without_interfaces_of_their_own_are_not_concerned() {
    assert_silent(&audit_rule(&logged(patterns::ec2_bridge(), &[]).account, RULE));
    only(&audit_rule(&logged(patterns::ec2_awsvpc(), &[]).account, RULE));
}

#[test]
fn logs_of_each_running_interface_say_nothing_of_the_next_task() {
    let mut pattern = patterns::fargate_nat();
    let [a, b] = pattern.subnets.clone();
    let task = pattern.account.task(&pattern.service, "web-0");
    pattern.account.edit_task(&task, |task| task.network_interface.as_mut().unwrap().subnet_id = Some(a.clone()));
    let attached = pattern.account.data.tasks.items()[0].network_interface.clone().unwrap();
    let interface = attached.network_interface_id.unwrap();
    let pattern = logged(pattern, &[interface.as_str(), b.as_str()]);
    assert_unknown(&audit_rule(&pattern.account, RULE), "has a flow log of its own interface");
    // Another task without one is proof.
    let mut pattern = pattern;
    let task = pattern.account.task(&pattern.service, "web-1");
    pattern.account.edit_task(&task, |task| task.network_interface.as_mut().unwrap().subnet_id = Some(a.clone()));
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn the_logs_of_a_shared_vpc_are_its_owners() {
    let mut pattern = logged(patterns::fargate_nat(), &[]);
    pattern.account.edit_vpc(&pattern.vpc, |vpc| vpc.owner_id = "999988887777".to_owned());
    assert_unknown(&audit_rule(&pattern.account, RULE), "is shared by account 999988887777");
}

#[test]
fn standalone_tasks_start_somewhere_too() {
    let mut pattern = logged(patterns::fargate_nat(), &[]);
    let task = pattern.account.task(&pattern.service, "web-0");
    pattern.account.edit_task(&task, |task| task.group = Some("family:web".into()));
    pattern.account.data.services.items_mut().unwrap().clear();
    only(&audit_rule(&pattern.account, RULE));
}

#[test]
fn only_what_was_asked_about_is_judged() {
    let pattern = logged(patterns::fargate_nat(), &[]);
    let of = |services: &str| {
        let services = vec![services.to_owned()];
        let settings = Settings { rules: vec![RULE], services, ..Settings::all_rules() };
        evaluate(&pattern.account.snapshot(), &settings).findings.len()
    };
    assert_eq!((of("web"), of("other")), (1, 0));
}

#[test]
fn unread_flow_logs_are_unknown() {
    let mut pattern = patterns::fargate_nat();
    pattern.account.deny(Dataset::FlowLogs, "ec2:DescribeFlowLogs");
    assert_unknown(&audit_rule(&pattern.account, RULE), "flow-logs could not be read");
}

#[test]
fn unread_tasks_may_be_those_with_a_log_of_their_interface() {
    let mut pattern = logged(patterns::fargate_nat(), &["eni-0123456789abcdef0"]);
    pattern.account.deny(Dataset::Tasks, "ecs:ListTasks");
    assert_unknown(&audit_rule(&pattern.account, RULE), "tasks could not be read");
    let mut pattern = logged(patterns::fargate_nat(), &[]);
    pattern.account.deny(Dataset::Tasks, "ecs:ListTasks");
    only(&audit_rule(&pattern.account, RULE));
}
