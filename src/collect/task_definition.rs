//! Conversion of task definitions. Values of environment variables, commands and unknown log options stop here.

use aws_sdk_ecs::types as sdk;

use super::convert::{Tight, id, maybe_id, port, text};
use super::privacy;
use crate::snapshot::ecs::{
    ContainerDefinition, ContainerHealthCheck, EfsVolume, EnvironmentVariable, LogConfiguration, MountPoint,
    PlacementConstraint, PortMapping, SecretReference, TaskDefinition, Volume,
};
use crate::snapshot::enums::NetworkMode;

pub(super) fn task_definition(definition: sdk::TaskDefinition) -> TaskDefinition {
    let names = |compatibilities: Option<Vec<sdk::Compatibility>>| {
        let names = compatibilities.unwrap_or_default().into_iter();
        names.map(|compatibility| compatibility.as_str().to_owned()).tight()
    };
    let constraints = definition.placement_constraints.unwrap_or_default().into_iter().map(|constraint| {
        let kind = constraint.r#type.map(|kind| kind.as_str().to_owned());
        PlacementConstraint { kind: text(kind), expression: constraint.expression }
    });
    let platform = definition.runtime_platform;
    let containers = definition.container_definitions.unwrap_or_default().into_iter().map(container);
    TaskDefinition {
        arn: id(definition.task_definition_arn),
        family: text(definition.family),
        revision: definition.revision,
        status: text(definition.status.map(|status| status.as_str().to_owned())),
        network_mode: definition.network_mode.map(|mode| NetworkMode::from(mode.as_str())),
        requires_compatibilities: names(definition.requires_compatibilities),
        compatibilities: names(definition.compatibilities),
        operating_system_family: platform
            .as_ref()
            .and_then(|platform| platform.operating_system_family.as_ref())
            .map(|family| family.as_str().to_owned()),
        cpu_architecture: platform
            .and_then(|platform| platform.cpu_architecture)
            .map(|architecture| architecture.as_str().to_owned()),
        cpu: definition.cpu,
        memory: definition.memory,
        task_role_arn: maybe_id(definition.task_role_arn),
        execution_role_arn: maybe_id(definition.execution_role_arn),
        pid_mode: definition.pid_mode.map(|mode| mode.as_str().to_owned()),
        ipc_mode: definition.ipc_mode.map(|mode| mode.as_str().to_owned()),
        proxy_type: definition.proxy_configuration.map(proxy_type),
        placement_constraints: constraints.tight(),
        volumes: definition.volumes.unwrap_or_default().into_iter().map(volume).tight(),
        containers: containers.tight(),
    }
}

/// There is one type only, which may be left out.
fn proxy_type(proxy: sdk::ProxyConfiguration) -> String {
    proxy.r#type.map_or_else(|| "APPMESH".to_owned(), |kind| kind.as_str().to_owned())
}

fn volume(volume: sdk::Volume) -> Volume {
    let fsx = volume.fsx_windows_file_server_volume_configuration;
    let efs = volume.efs_volume_configuration.map(|efs| EfsVolume {
        file_system_id: efs.file_system_id,
        transit_encryption: efs.transit_encryption == Some(sdk::EfsTransitEncryption::Enabled),
        access_point_id: efs.authorization_config.and_then(|authorization| authorization.access_point_id),
    });
    Volume {
        name: text(volume.name),
        host_source_path: volume.host.and_then(|host| host.source_path),
        efs,
        fsx_credentials_parameter: fsx
            .and_then(|fsx| fsx.authorization_config)
            .map(|authorization| authorization.credentials_parameter),
    }
}

fn container(container: sdk::ContainerDefinition) -> ContainerDefinition {
    let environment = container.environment.unwrap_or_default().into_iter().map(environment_variable);
    let firelens = container.firelens_configuration;
    let option = |key: &str| {
        firelens.as_ref().and_then(|firelens| firelens.options.as_ref()).and_then(|options| options.get(key)).cloned()
    };
    let gpus = container.resource_requirements.unwrap_or_default().into_iter();
    let gpus = gpus.filter(|requirement| requirement.r#type == sdk::ResourceType::Gpu);
    let mounts = container.mount_points.unwrap_or_default().into_iter().map(|mount| MountPoint {
        source_volume: mount.source_volume,
        container_path: mount.container_path,
        read_only: mount.read_only.unwrap_or(false),
    });
    let mappings = container.port_mappings.unwrap_or_default().into_iter().map(port_mapping);
    let files = container.environment_files.unwrap_or_default().into_iter();
    ContainerDefinition {
        name: text(container.name),
        image: text(container.image),
        essential: container.essential.unwrap_or(true),
        cpu: container.cpu,
        memory: container.memory,
        memory_reservation: container.memory_reservation,
        gpus: gpus.filter_map(|requirement| requirement.value.parse::<i32>().ok()).sum(),
        port_mappings: mappings.tight(),
        links: container.links.unwrap_or_default(),
        user: container.user,
        privileged: container.privileged.unwrap_or(false),
        readonly_root_filesystem: container.readonly_root_filesystem.unwrap_or(false),
        mount_points: mounts.tight(),
        environment: environment.tight(),
        environment_files: files.map(|file| file.value).tight(),
        secrets: secrets(container.secrets),
        repository_credentials: container.repository_credentials.map(|credentials| credentials.credentials_parameter),
        log_configuration: container.log_configuration.map(log_configuration),
        firelens_type: firelens.as_ref().map(|firelens| firelens.r#type.as_str().to_owned()),
        firelens_config_file_type: option("config-file-type"),
        firelens_config_file_value: option("config-file-value"),
        health_check: container.health_check.map(|check| ContainerHealthCheck {
            interval: check.interval.unwrap_or(30),
            timeout: check.timeout.unwrap_or(5),
            retries: check.retries.unwrap_or(3),
            start_period: check.start_period,
        }),
        stop_timeout: container.stop_timeout,
        disable_networking: container.disable_networking.unwrap_or(false),
    }
}

fn environment_variable(variable: sdk::KeyValuePair) -> EnvironmentVariable {
    let form = variable.value.as_deref().and_then(privacy::credential_form);
    let kind = variable.value.as_deref().filter(|_| form.is_none()).and_then(privacy::value_kind);
    EnvironmentVariable {
        name: text(variable.name),
        credential_form: form.map(str::to_owned),
        value_kind: kind.map(str::to_owned),
    }
}

fn port_mapping(mapping: sdk::PortMapping) -> PortMapping {
    PortMapping {
        container_port: port(mapping.container_port),
        host_port: port(mapping.host_port),
        container_port_range: mapping.container_port_range,
        protocol: mapping.protocol.map_or_else(|| "tcp".to_owned(), |protocol| protocol.as_str().to_owned()),
        name: mapping.name,
        app_protocol: mapping.app_protocol.map(|protocol| protocol.as_str().to_owned()),
    }
}

fn secrets(secrets: Option<Vec<sdk::Secret>>) -> Vec<SecretReference> {
    let reference = |secret: sdk::Secret| SecretReference { name: secret.name, value_from: secret.value_from };
    secrets.unwrap_or_default().into_iter().map(reference).tight()
}

pub(super) fn log_configuration(configuration: sdk::LogConfiguration) -> LogConfiguration {
    let options = configuration.options.unwrap_or_default().into_iter();
    LogConfiguration {
        log_driver: configuration.log_driver.as_str().to_owned(),
        options: options.filter(|(key, _)| LogConfiguration::KEPT_OPTIONS.contains(&key.as_str())).collect(),
        secret_options: secrets(configuration.secret_options),
    }
}
