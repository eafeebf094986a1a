//! The AWS Config managed rules behind controls of AWS Security Hub.

/// The managed rule that a control evaluates; `None` for a control with a rule of Security Hub's own, which nobody else
/// can deploy ("Security Hub controls for Amazon ECS", "… Amazon EC2" and "… Amazon ECR").
pub fn config_rule(control: &str) -> Option<&'static str> {
    Some(match control {
        "EC2.6" => "vpc-flow-logs-enabled",
        "ECR.1" => "ecr-private-image-scanning-enabled",
        "ECS.3" => "ecs-task-definition-pid-mode-check",
        "ECS.4" => "ecs-containers-nonprivileged",
        "ECS.5" => "ecs-containers-readonly-access",
        "ECS.8" => "ecs-no-environment-secrets",
        "ECS.9" => "ecs-task-definition-log-configuration",
        "ECS.10" => "ecs-fargate-latest-platform-version",
        "ECS.12" => "ecs-container-insights-enabled",
        "ECS.17" => "ecs-task-definition-network-mode-not-host",
        "ECS.18" => "ecs-task-definition-efs-encryption-enabled",
        "ECS.19" => "ecs-capacity-provider-termination-check",
        "ECS.20" => "ecs-task-definition-linux-user-non-root",
        "ECS.21" => "ecs-task-definition-windows-user-non-admin",
        _ => return None,
    })
}
