//! Conversions of Amazon ECS answers, one function for each type.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as sdk;

use super::convert::{Tight, id, ids, maybe_id, maybe_word, port, text, time, word};
use super::task_definition::log_configuration;
use crate::snapshot::ecs::{
    AccountSetting, AwsvpcConfiguration, CapacityProvider, CapacityProviderKind, CapacityProviderStrategyItem, Cluster,
    ContainerInstance, Deployment, DeploymentConfiguration, ExecuteCommandConfiguration, InstanceAttachment,
    InstanceResources, NetworkBinding, PlacementConstraint, PlacementStrategy, Service, ServiceConnectConfiguration,
    ServiceConnectService, ServiceEvent, ServiceLoadBalancer, ServiceRegistry, Task, TaskContainer,
    TaskNetworkInterface, TaskSet,
};
use crate::snapshot::enums::{DeploymentController, DeploymentStrategy, LaunchType, SchedulingStrategy};
use crate::snapshot::ids::Arn;
use crate::symptom;

pub(super) fn cluster(cluster: sdk::Cluster) -> Cluster {
    let settings = cluster.settings.unwrap_or_default().into_iter();
    let exec = cluster.configuration.and_then(|configuration| configuration.execute_command_configuration);
    let mut capacity_providers = cluster.capacity_providers.unwrap_or_default();
    capacity_providers.sort();
    Cluster {
        arn: id(cluster.cluster_arn),
        name: text(cluster.cluster_name),
        status: text(cluster.status),
        active_services_count: cluster.active_services_count,
        running_tasks_count: cluster.running_tasks_count,
        pending_tasks_count: cluster.pending_tasks_count,
        registered_container_instances_count: cluster.registered_container_instances_count,
        settings: settings
            .filter_map(|setting| Some((setting.name?.as_str().to_owned(), text(setting.value))))
            .collect(),
        capacity_providers,
        default_capacity_provider_strategy: strategy(cluster.default_capacity_provider_strategy),
        execute_command_configuration: exec.map(execute_command),
        service_connect_default_namespace: cluster.service_connect_defaults.and_then(|defaults| defaults.namespace),
    }
}

fn execute_command(configuration: sdk::ExecuteCommandConfiguration) -> ExecuteCommandConfiguration {
    let log = configuration.log_configuration;
    ExecuteCommandConfiguration {
        kms_key_id: configuration.kms_key_id,
        logging: configuration.logging.map(|logging| logging.as_str().to_owned()),
        logs_to_cloud_watch: log.as_ref().is_some_and(|log| log.cloud_watch_log_group_name.is_some()),
        logs_to_s3: log.as_ref().is_some_and(|log| log.s3_bucket_name.is_some()),
    }
}

fn strategy(items: Option<Vec<sdk::CapacityProviderStrategyItem>>) -> Vec<CapacityProviderStrategyItem> {
    let item = |item: sdk::CapacityProviderStrategyItem| CapacityProviderStrategyItem {
        capacity_provider: item.capacity_provider,
        weight: item.weight,
        base: item.base,
    };
    items.unwrap_or_default().into_iter().map(item).tight()
}

fn network(configuration: Option<sdk::NetworkConfiguration>) -> Option<AwsvpcConfiguration> {
    let awsvpc = configuration?.awsvpc_configuration?;
    let mut subnets: Vec<_> = awsvpc.subnets.into_iter().map(Into::into).tight();
    subnets.sort();
    Some(AwsvpcConfiguration {
        subnets,
        security_groups: ids(awsvpc.security_groups),
        assign_public_ip: awsvpc.assign_public_ip == Some(sdk::AssignPublicIp::Enabled),
    })
}

fn launch_type(launch_type: Option<sdk::LaunchType>) -> Option<LaunchType> {
    launch_type.map(|launch_type| LaunchType::from(launch_type.as_str()))
}

fn load_balancers(entries: Option<Vec<sdk::LoadBalancer>>) -> Vec<ServiceLoadBalancer> {
    let mut entries: Vec<_> = entries.unwrap_or_default().into_iter().map(load_balancer).tight();
    entries.sort();
    entries
}

fn load_balancer(entry: sdk::LoadBalancer) -> ServiceLoadBalancer {
    let advanced = entry.advanced_configuration;
    let arn = |arn: Option<&String>| arn.map(|arn| Arn::from(arn.as_str()));
    ServiceLoadBalancer {
        target_group_arn: maybe_id(entry.target_group_arn),
        load_balancer_name: entry.load_balancer_name,
        container_name: entry.container_name,
        container_port: port(entry.container_port),
        alternate_target_group_arn: arn(advanced.as_ref().and_then(|a| a.alternate_target_group_arn.as_ref())),
        production_listener_rule: arn(advanced.as_ref().and_then(|a| a.production_listener_rule.as_ref())),
        test_listener_rule: arn(advanced.as_ref().and_then(|a| a.test_listener_rule.as_ref())),
    }
}

pub(super) fn service(service: sdk::Service) -> Service {
    let registries = service.service_registries.unwrap_or_default().into_iter().map(|registry| ServiceRegistry {
        registry_arn: maybe_id(registry.registry_arn),
        port: port(registry.port),
        container_name: registry.container_name,
        container_port: port(registry.container_port),
    });
    let constraints = service.placement_constraints.unwrap_or_default().into_iter().map(|constraint| {
        let kind = constraint.r#type.map(|kind| kind.as_str().to_owned());
        PlacementConstraint { kind: text(kind), expression: constraint.expression }
    });
    let strategies = service.placement_strategy.unwrap_or_default().into_iter().map(|strategy| PlacementStrategy {
        kind: text(strategy.r#type.map(|kind| kind.as_str().to_owned())),
        field: strategy.field,
    });
    let controller = service.deployment_controller.map(|controller| controller.r#type);
    let scheduling = service.scheduling_strategy;
    Service {
        arn: id(service.service_arn),
        name: text(service.service_name),
        cluster_arn: id(service.cluster_arn),
        status: text(service.status),
        desired_count: service.desired_count,
        running_count: service.running_count,
        pending_count: service.pending_count,
        launch_type: launch_type(service.launch_type),
        capacity_provider_strategy: strategy(service.capacity_provider_strategy),
        platform_version: service.platform_version,
        platform_family: service.platform_family,
        task_definition: maybe_id(service.task_definition),
        // The API leaves the default, ECS, out.
        deployment_controller: controller
            .map_or(DeploymentController::Ecs, |controller| DeploymentController::from(controller.as_str())),
        deployment_configuration: service.deployment_configuration.map(deployment_configuration).unwrap_or_default(),
        scheduling_strategy: scheduling
            .map_or(SchedulingStrategy::Replica, |strategy| SchedulingStrategy::from(strategy.as_str())),
        deployments: service.deployments.unwrap_or_default().into_iter().map(deployment).tight(),
        task_sets: service.task_sets.unwrap_or_default().into_iter().map(task_set).tight(),
        network_configuration: network(service.network_configuration),
        load_balancers: load_balancers(service.load_balancers),
        service_registries: registries.tight(),
        placement_constraints: constraints.tight(),
        placement_strategy: strategies.tight(),
        health_check_grace_period_seconds: service.health_check_grace_period_seconds,
        enable_execute_command: service.enable_execute_command,
        availability_zone_rebalancing: service.availability_zone_rebalancing
            == Some(sdk::AvailabilityZoneRebalancing::Enabled),
        created_at: time(service.created_at),
        events: up_to_steady(service.events.unwrap_or_default()),
    }
}

/// Events, the newest first, up to the newest steady state: what is older is over, and most of what ECS keeps.
fn up_to_steady(events: Vec<sdk::ServiceEvent>) -> Vec<ServiceEvent> {
    let mut kept = Vec::new();
    for event in events {
        let event = ServiceEvent { created_at: time(event.created_at), message: text(event.message) };
        let heals = symptom::heals(&event.message);
        kept.push(event);
        if heals {
            break;
        }
    }
    kept
}

fn deployment_configuration(configuration: sdk::DeploymentConfiguration) -> DeploymentConfiguration {
    DeploymentConfiguration {
        strategy: configuration.strategy.map(|strategy| DeploymentStrategy::from(strategy.as_str())),
        minimum_healthy_percent: configuration.minimum_healthy_percent,
        maximum_percent: configuration.maximum_percent,
        circuit_breaker: configuration.deployment_circuit_breaker.is_some_and(|breaker| breaker.enable),
        alarms: configuration.alarms.is_some_and(|alarms| alarms.enable),
    }
}

fn deployment(deployment: sdk::Deployment) -> Deployment {
    Deployment {
        id: text(deployment.id),
        status: text(deployment.status),
        task_definition: maybe_id(deployment.task_definition),
        desired_count: deployment.desired_count,
        running_count: deployment.running_count,
        pending_count: deployment.pending_count,
        failed_tasks: deployment.failed_tasks,
        launch_type: launch_type(deployment.launch_type),
        capacity_provider_strategy: strategy(deployment.capacity_provider_strategy),
        platform_version: deployment.platform_version,
        platform_family: deployment.platform_family,
        network_configuration: network(deployment.network_configuration),
        rollout_state: deployment.rollout_state.map(|state| state.as_str().to_owned()),
        rollout_state_reason: deployment.rollout_state_reason,
        service_connect_configuration: deployment.service_connect_configuration.and_then(service_connect),
        created_at: time(deployment.created_at),
        updated_at: time(deployment.updated_at),
    }
}

fn service_connect(configuration: sdk::ServiceConnectConfiguration) -> Option<ServiceConnectConfiguration> {
    let service = |service: sdk::ServiceConnectService| ServiceConnectService {
        port_name: service.port_name,
        discovery_name: service.discovery_name,
        ingress_port_override: port(service.ingress_port_override),
        client_ports: service.client_aliases.unwrap_or_default().iter().filter_map(|a| port(Some(a.port))).tight(),
        tls: service.tls.is_some(),
    };
    configuration.enabled.then(|| ServiceConnectConfiguration {
        namespace: configuration.namespace,
        services: configuration.services.unwrap_or_default().into_iter().map(service).tight(),
        log_configuration: configuration.log_configuration.map(log_configuration),
    })
}

fn task_set(set: sdk::TaskSet) -> TaskSet {
    TaskSet {
        id: text(set.id),
        arn: id(set.task_set_arn),
        status: text(set.status),
        task_definition: maybe_id(set.task_definition),
        launch_type: launch_type(set.launch_type),
        capacity_provider_strategy: strategy(set.capacity_provider_strategy),
        platform_version: set.platform_version,
        platform_family: set.platform_family,
        network_configuration: network(set.network_configuration),
        load_balancers: load_balancers(set.load_balancers),
        running_count: set.running_count,
        pending_count: set.pending_count,
        computed_desired_count: set.computed_desired_count,
    }
}

pub(super) fn task(task: sdk::Task) -> Task {
    let attachments = task.attachments.unwrap_or_default().into_iter();
    let interface = attachments.into_iter().find(|a| a.r#type.as_deref() == Some("ElasticNetworkInterface"));
    Task {
        arn: id(task.task_arn),
        cluster_arn: id(task.cluster_arn),
        task_definition_arn: id(task.task_definition_arn),
        group: maybe_word(task.group),
        started_by: maybe_word(task.started_by),
        last_status: word(task.last_status),
        desired_status: word(task.desired_status),
        launch_type: launch_type(task.launch_type),
        capacity_provider_name: maybe_word(task.capacity_provider_name),
        container_instance_arn: maybe_id(task.container_instance_arn),
        platform_version: maybe_word(task.platform_version),
        platform_family: maybe_word(task.platform_family),
        enable_execute_command: task.enable_execute_command,
        created_at: time(task.created_at),
        started_at: time(task.started_at),
        stopped_at: time(task.stopped_at),
        stopping_at: time(task.stopping_at),
        stop_code: maybe_word(task.stop_code.as_ref().map(|code| code.as_str())),
        stopped_reason: maybe_word(task.stopped_reason),
        network_interface: interface.map(task_network_interface),
        containers: task.containers.unwrap_or_default().into_iter().map(container).tight(),
    }
}

fn task_network_interface(attachment: sdk::Attachment) -> TaskNetworkInterface {
    let details = attachment.details.unwrap_or_default();
    let mut details: BTreeMap<String, String> =
        details.into_iter().filter_map(|pair| Some((pair.name?, pair.value?))).collect();
    TaskNetworkInterface {
        status: word(attachment.status),
        network_interface_id: maybe_id(details.remove("networkInterfaceId")),
        subnet_id: maybe_id(details.remove("subnetId")),
        private_ipv4_address: maybe_word(details.remove("privateIPv4Address")),
        ipv6_address: maybe_word(details.remove("ipv6Address")),
    }
}

fn container(container: sdk::Container) -> TaskContainer {
    let bindings = container.network_bindings.unwrap_or_default().into_iter().map(|binding| NetworkBinding {
        container_port: port(binding.container_port),
        host_port: port(binding.host_port),
        container_port_range: maybe_word(binding.container_port_range),
        host_port_range: maybe_word(binding.host_port_range),
        protocol: binding.protocol.as_ref().map_or("tcp", |protocol| protocol.as_str()).into(),
    });
    TaskContainer {
        name: word(container.name),
        last_status: word(container.last_status),
        reason: maybe_word(container.reason),
        network_bindings: bindings.tight(),
    }
}

pub(super) fn container_instance(instance: sdk::ContainerInstance, cluster: &Arn) -> ContainerInstance {
    let attributes = instance.attributes.unwrap_or_default().into_iter();
    let attachments = instance.attachments.unwrap_or_default().into_iter().map(|attachment| {
        let details = attachment.details.unwrap_or_default();
        let interface = details.into_iter().find(|pair| pair.name.as_deref() == Some("networkInterfaceId"));
        InstanceAttachment {
            kind: text(attachment.r#type),
            status: text(attachment.status),
            network_interface_id: maybe_id(interface.and_then(|pair| pair.value)),
        }
    });
    ContainerInstance {
        arn: id(instance.container_instance_arn),
        cluster_arn: cluster.clone(),
        ec2_instance_id: maybe_id(instance.ec2_instance_id),
        capacity_provider_name: instance.capacity_provider_name,
        status: text(instance.status),
        status_reason: instance.status_reason,
        agent_connected: instance.agent_connected,
        agent_connected_at_end: None,
        agent_version: instance.version_info.and_then(|version| version.agent_version),
        registered_at: time(instance.registered_at),
        running_tasks_count: instance.running_tasks_count,
        pending_tasks_count: instance.pending_tasks_count,
        attributes: attributes.map(|attribute| (attribute.name, attribute.value.filter(|v| !v.is_empty()))).collect(),
        registered_resources: resources(instance.registered_resources),
        remaining_resources: resources(instance.remaining_resources),
        attachments: attachments.tight(),
    }
}

fn resources(resources: Option<Vec<sdk::Resource>>) -> InstanceResources {
    let mut all = InstanceResources::default();
    for resource in resources.unwrap_or_default() {
        let number = i64::from(resource.integer_value);
        let set = resource.string_set_value.unwrap_or_default();
        let ports = || {
            let mut ports: Vec<u16> = set.iter().filter_map(|port| port.parse().ok()).tight();
            ports.sort_unstable();
            ports
        };
        match resource.name.as_deref() {
            Some("CPU") => all.cpu_units = number,
            Some("MEMORY") => all.memory_mib = number,
            Some("GPU") => all.gpus = i64::try_from(set.len()).unwrap_or(i64::MAX),
            Some("PORTS") => all.ports = ports(),
            Some("PORTS_UDP") => all.ports_udp = ports(),
            _ => {}
        }
    }
    all
}

pub(super) fn capacity_provider(provider: sdk::CapacityProvider) -> CapacityProvider {
    let kind = if let Some(group) = provider.auto_scaling_group_provider {
        let scaling = group.managed_scaling;
        CapacityProviderKind::AutoScalingGroup {
            auto_scaling_group_arn: Arn::from(group.auto_scaling_group_arn),
            managed_scaling: scaling
                .as_ref()
                .is_some_and(|scaling| scaling.status == Some(sdk::ManagedScalingStatus::Enabled)),
            target_capacity: scaling.and_then(|scaling| scaling.target_capacity),
            managed_termination_protection: group.managed_termination_protection
                == Some(sdk::ManagedTerminationProtection::Enabled),
            managed_draining: group.managed_draining == Some(sdk::ManagedDraining::Enabled),
        }
    } else if let Some(managed) = provider.managed_instances_provider {
        let network = managed.instance_launch_template.and_then(|template| template.network_configuration);
        CapacityProviderKind::ManagedInstances {
            subnets: ids(network.as_ref().and_then(|network| network.subnets.clone())),
            security_groups: ids(network.and_then(|network| network.security_groups)),
        }
    } else if provider.name.as_deref().is_some_and(|name| name.starts_with("FARGATE")) {
        CapacityProviderKind::Fargate
    } else {
        CapacityProviderKind::Unknown
    };
    CapacityProvider {
        arn: id(provider.capacity_provider_arn),
        name: text(provider.name),
        status: text(provider.status.map(|status| status.as_str().to_owned())),
        kind,
    }
}

pub(super) fn account_setting(setting: sdk::Setting) -> AccountSetting {
    AccountSetting {
        name: text(setting.name.map(|name| name.as_str().to_owned())),
        value: text(setting.value),
        principal_arn: maybe_id(setting.principal_arn),
    }
}
