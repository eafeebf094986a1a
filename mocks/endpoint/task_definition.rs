//! What Amazon ECS says of a task definition. What a snapshot never holds is answered with stand-ins.

use ecs_network_audit::snapshot::ecs::{
    ContainerDefinition, EnvironmentVariable, LogConfiguration, PortMapping, SecretReference, TaskDefinition, Volume,
};
use ecs_network_audit::snapshot::ids::Arn;
use serde_json::{Map, Value, json};

use crate::sdk::SENTINEL;

pub(super) fn task_definition(definition: &TaskDefinition) -> Value {
    let constraints = definition.placement_constraints.iter();
    let constraints = constraints.map(|c| json!({"type": c.kind, "expression": c.expression})).collect::<Vec<_>>();
    let platform = json!({
        "operatingSystemFamily": definition.operating_system_family,
        "cpuArchitecture": definition.cpu_architecture,
    });
    let proxy = definition.proxy_type.as_ref().map(|kind| json!({"type": kind, "containerName": "envoy"}));
    json!({
        "taskDefinitionArn": definition.arn.as_str(),
        "family": definition.family,
        "revision": definition.revision,
        "status": definition.status,
        "networkMode": definition.network_mode.as_ref().map(|mode| mode.as_str()),
        "requiresCompatibilities": definition.requires_compatibilities,
        "compatibilities": definition.compatibilities,
        "runtimePlatform": platform,
        "cpu": definition.cpu,
        "memory": definition.memory,
        "taskRoleArn": definition.task_role_arn.as_ref().map(Arn::as_str),
        "executionRoleArn": definition.execution_role_arn.as_ref().map(Arn::as_str),
        "pidMode": definition.pid_mode,
        "ipcMode": definition.ipc_mode,
        "proxyConfiguration": proxy,
        "placementConstraints": constraints,
        "volumes": definition.volumes.iter().map(volume).collect::<Vec<_>>(),
        "containerDefinitions": definition.containers.iter().map(container).collect::<Vec<_>>(),
    })
}

fn volume(volume: &Volume) -> Value {
    let efs = volume.efs.as_ref().map(|efs| {
        json!({
            "fileSystemId": efs.file_system_id,
            "transitEncryption": if efs.transit_encryption { "ENABLED" } else { "DISABLED" },
            "authorizationConfig": efs.access_point_id.as_ref().map(|id| json!({"accessPointId": id})),
        })
    });
    let fsx = volume.fsx_credentials_parameter.as_ref().map(|credentials| {
        json!({
            "fileSystemId": "fs-windows",
            "rootDirectory": "share",
            "authorizationConfig": {"credentialsParameter": credentials, "domain": "corp.example.com"},
        })
    });
    json!({
        "name": volume.name,
        "host": volume.host_source_path.as_ref().map(|path| json!({"sourcePath": path})),
        "efsVolumeConfiguration": efs,
        "fsxWindowsFileServerVolumeConfiguration": fsx,
    })
}

fn container(container: &ContainerDefinition) -> Value {
    let environment = container.environment.iter();
    let environment = environment.map(|v| json!({"name": v.name, "value": value_of(v)})).collect::<Vec<_>>();
    let files = container.environment_files.iter();
    let files = files.map(|file| json!({"type": "s3", "value": file})).collect::<Vec<_>>();
    let mounts = container.mount_points.iter().map(|mount| {
        json!({
            "sourceVolume": mount.source_volume,
            "containerPath": mount.container_path,
            "readOnly": mount.read_only,
        })
    });
    let gpus = (container.gpus > 0).then(|| json!([{"type": "GPU", "value": container.gpus.to_string()}]));
    let credentials = container.repository_credentials.as_ref();
    let firelens = container.firelens_type.as_ref().map(|kind| {
        let options = json!({
            "config-file-type": container.firelens_config_file_type,
            "config-file-value": container.firelens_config_file_value,
        });
        json!({"type": kind, "options": options})
    });
    let check = container.health_check.as_ref().map(|check| {
        json!({
            "command": ["CMD", SENTINEL],
            "interval": check.interval,
            "timeout": check.timeout,
            "retries": check.retries,
            "startPeriod": check.start_period,
        })
    });
    json!({
        "name": container.name,
        "image": container.image,
        "essential": container.essential,
        "cpu": container.cpu,
        "memory": container.memory,
        "memoryReservation": container.memory_reservation,
        "resourceRequirements": gpus,
        "portMappings": container.port_mappings.iter().map(port_mapping).collect::<Vec<_>>(),
        "links": container.links,
        "user": container.user,
        "privileged": container.privileged,
        "readonlyRootFilesystem": container.readonly_root_filesystem,
        "mountPoints": mounts.collect::<Vec<_>>(),
        "environment": environment,
        "environmentFiles": files,
        "secrets": secrets(&container.secrets),
        "repositoryCredentials": credentials.map(|arn| json!({"credentialsParameter": arn})),
        "logConfiguration": container.log_configuration.as_ref().map(log_configuration),
        "firelensConfiguration": firelens,
        "healthCheck": check,
        "stopTimeout": container.stop_timeout,
        "disableNetworking": container.disable_networking,
        "command": [SENTINEL],
        "entryPoint": [SENTINEL],
        "dockerLabels": {"label": SENTINEL},
    })
}

fn port_mapping(mapping: &PortMapping) -> Value {
    json!({
        "containerPort": mapping.container_port,
        "hostPort": mapping.host_port,
        "containerPortRange": mapping.container_port_range,
        "protocol": mapping.protocol,
        "name": mapping.name,
        "appProtocol": mapping.app_protocol,
    })
}

fn secrets(secrets: &[SecretReference]) -> Vec<Value> {
    secrets.iter().map(|secret| json!({"name": secret.name, "valueFrom": secret.value_from})).collect()
}

pub(super) fn log_configuration(log: &LogConfiguration) -> Value {
    let mut options: Map<String, Value> = log.options.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    // Other options may hold keys of other vendors.
    options.insert("apikey".to_owned(), json!(SENTINEL));
    json!({"logDriver": log.log_driver, "options": options, "secretOptions": secrets(&log.secret_options)})
}

/// A value that is taken for what the snapshot says of it.
fn value_of(variable: &EnvironmentVariable) -> String {
    let filler = "x".repeat(24);
    match (variable.credential_form.as_deref(), variable.value_kind.as_deref()) {
        (Some(form), _) => credential(form, &filler),
        (None, Some(kind)) => plain(kind),
        (None, None) => SENTINEL.to_owned(),
    }
}

/// A made-up credential of a form.
fn credential(form: &str, filler: &str) -> String {
    let prefix = match form {
        "aws-access-key-id" => return format!("AKIA{}", "X".repeat(16)),
        "private-key" => return format!("-----BEGIN {} KEY-----", "PRIVATE"),
        "json-web-token" => return format!("eyJ{filler}.eyJ{filler}.{filler}"),
        "url-with-password" => return "postgres://user:not-a-password@db.internal/app".to_owned(),
        "connection-string-with-password" => return "Server=db;Password=not-a-password;".to_owned(),
        "github-token" => "ghp_",
        "gitlab-token" => "glpat-",
        "slack-token" => "xoxb-",
        "stripe-key" => "sk_live_",
        "sendgrid-key" => "SG.",
        "npm-token" => "npm_",
        "pypi-token" => "pypi-",
        "digitalocean-token" => "dop_v1_",
        "vault-token" => "hvs.",
        "openai-key" => "sk-proj-",
        "anthropic-key" => "sk-ant-",
        "google-api-key" => "AIza",
        _ => return SENTINEL.to_owned(),
    };
    format!("{prefix}{filler}")
}

fn plain(kind: &str) -> String {
    let value = match kind {
        "empty" => "",
        "flag" => "true",
        "number" => "42",
        "arn" => "arn:aws:s3:::bucket",
        "reference" => "vault:secret/data/app#value",
        "path" => "/run/app/settings",
        "url" => "https://api.example.com/v1",
        "placeholder" => "${VALUE}",
        "publishable-key" => "pk_test_example",
        "identifier" => "prod/app/name",
        _ => SENTINEL,
    };
    value.to_owned()
}
