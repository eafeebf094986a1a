//! What Amazon ECS says of each thing.

use ecs_network_audit::snapshot::ecs::{
    AwsvpcConfiguration, CapacityProvider, CapacityProviderKind, CapacityProviderStrategyItem, Cluster,
    ContainerInstance, Deployment, InstanceResources, Service, ServiceConnectConfiguration, ServiceEvent,
    ServiceLoadBalancer, Task, TaskContainer, TaskNetworkInterface, TaskSet,
};
use ecs_network_audit::snapshot::ids::Arn;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::task_definition::log_configuration;

const EVENTS: usize = 100;
const STEADY: &str = "has reached a steady state.";
const IMAGE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:2026-11-20.1";
const IMAGE_DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A time as AWS JSON has it: seconds, with milliseconds where there are any.
pub(super) fn time(time: Option<Timestamp>) -> Value {
    match time {
        None => Value::Null,
        Some(time) if time.subsec_nanosecond() == 0 => json!(time.as_second()),
        Some(time) => {
            let rounded = time.round(jiff::Unit::Millisecond).unwrap_or(time);
            json!(rounded.as_millisecond() as f64 / 1000.0)
        }
    }
}

fn on(on: bool) -> &'static str {
    if on { "ENABLED" } else { "DISABLED" }
}

fn arn(arn: &Option<Arn>) -> Option<&str> {
    arn.as_ref().map(Arn::as_str)
}

pub(super) fn texts<T: AsRef<str>>(ids: &[T]) -> Vec<&str> {
    ids.iter().map(AsRef::as_ref).collect()
}

/// A cluster with the fields that were asked for.
pub(super) fn cluster(cluster: &Cluster, fields: &[&str]) -> Value {
    let settings: Vec<Value> =
        cluster.settings.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let exec = cluster.execute_command_configuration.as_ref().map(|exec| {
        let log = (exec.logs_to_cloud_watch || exec.logs_to_s3).then(|| {
            json!({
                "cloudWatchLogGroupName": exec.logs_to_cloud_watch.then_some("/ecs/exec"),
                "s3BucketName": exec.logs_to_s3.then_some("exec-sessions"),
            })
        });
        let exec = json!({"kmsKeyId": exec.kms_key_id, "logging": exec.logging, "logConfiguration": log});
        json!({"executeCommandConfiguration": exec})
    });
    let defaults = cluster.service_connect_default_namespace.as_ref().map(|name| json!({"namespace": name}));
    json!({
        "clusterArn": cluster.arn.as_str(),
        "clusterName": cluster.name,
        "status": cluster.status,
        "activeServicesCount": cluster.active_services_count,
        "runningTasksCount": cluster.running_tasks_count,
        "pendingTasksCount": cluster.pending_tasks_count,
        "registeredContainerInstancesCount": cluster.registered_container_instances_count,
        "settings": fields.contains(&"SETTINGS").then_some(settings),
        "configuration": if fields.contains(&"CONFIGURATIONS") { exec } else { None },
        "capacityProviders": cluster.capacity_providers,
        "defaultCapacityProviderStrategy": strategy(&cluster.default_capacity_provider_strategy),
        "serviceConnectDefaults": defaults,
    })
}

pub(super) fn strategy(items: &[CapacityProviderStrategyItem]) -> Vec<Value> {
    let item = |item: &CapacityProviderStrategyItem| json!({"capacityProvider": item.capacity_provider, "weight": item.weight, "base": item.base});
    items.iter().map(item).collect()
}

fn network(network: &Option<AwsvpcConfiguration>) -> Option<Value> {
    let network = network.as_ref()?;
    // AWS keeps the order of the request, which needn't be sorted.
    let subnets: Vec<&str> = network.subnets.iter().rev().map(AsRef::as_ref).collect();
    let awsvpc = json!({
        "subnets": subnets,
        "securityGroups": texts(&network.security_groups),
        "assignPublicIp": on(network.assign_public_ip),
    });
    Some(json!({"awsvpcConfiguration": awsvpc}))
}

fn load_balancers(entries: &[ServiceLoadBalancer]) -> Vec<Value> {
    let entry = |entry: &ServiceLoadBalancer| {
        let is_advanced = entry.alternate_target_group_arn.is_some()
            || entry.production_listener_rule.is_some()
            || entry.test_listener_rule.is_some();
        let advanced = is_advanced.then(|| {
            json!({
                "alternateTargetGroupArn": arn(&entry.alternate_target_group_arn),
                "productionListenerRule": arn(&entry.production_listener_rule),
                "testListenerRule": arn(&entry.test_listener_rule),
                "roleArn": "arn:aws:iam::111122223333:role/ecs-load-balancers",
            })
        });
        json!({
            "targetGroupArn": arn(&entry.target_group_arn),
            "loadBalancerName": entry.load_balancer_name,
            "containerName": entry.container_name,
            "containerPort": entry.container_port,
            "advancedConfiguration": advanced,
        })
    };
    entries.iter().map(entry).collect()
}

pub(super) fn service(service: &Service) -> Value {
    let configuration = &service.deployment_configuration;
    let configuration = json!({
        "strategy": configuration.strategy.as_ref().map(|strategy| strategy.as_str()),
        "minimumHealthyPercent": configuration.minimum_healthy_percent,
        "maximumPercent": configuration.maximum_percent,
        "deploymentCircuitBreaker": {"enable": configuration.circuit_breaker, "rollback": false},
        "alarms": {"enable": configuration.alarms, "rollback": false, "alarmNames": []},
    });
    let registries: Vec<Value> = service
        .service_registries
        .iter()
        .map(|registry| {
            json!({
                "registryArn": arn(&registry.registry_arn),
                "port": registry.port,
                "containerName": registry.container_name,
                "containerPort": registry.container_port,
            })
        })
        .collect();
    let constraints = service.placement_constraints.iter();
    let constraints = constraints.map(|c| json!({"type": c.kind, "expression": c.expression})).collect::<Vec<_>>();
    let strategies = service.placement_strategy.iter();
    let strategies = strategies.map(|s| json!({"type": s.kind, "field": s.field})).collect::<Vec<_>>();
    let events: Vec<Value> = history(service)
        .into_iter()
        .map(|event| json!({"createdAt": time(event.created_at), "message": event.message}))
        .collect();
    json!({
        "serviceArn": service.arn.as_str(),
        "serviceName": service.name,
        "clusterArn": service.cluster_arn.as_str(),
        "status": service.status,
        "desiredCount": service.desired_count,
        "runningCount": service.running_count,
        "pendingCount": service.pending_count,
        "launchType": service.launch_type.as_ref().map(|kind| kind.as_str()),
        "capacityProviderStrategy": strategy(&service.capacity_provider_strategy),
        "platformVersion": service.platform_version,
        "platformFamily": service.platform_family,
        "taskDefinition": arn(&service.task_definition),
        "deploymentController": {"type": service.deployment_controller.as_str()},
        "deploymentConfiguration": configuration,
        "schedulingStrategy": service.scheduling_strategy.as_str(),
        "deployments": service.deployments.iter().map(deployment).collect::<Vec<_>>(),
        "taskSets": service.task_sets.iter().map(task_set).collect::<Vec<_>>(),
        "networkConfiguration": network(&service.network_configuration),
        "loadBalancers": load_balancers(&service.load_balancers),
        "serviceRegistries": registries,
        "placementConstraints": constraints,
        "placementStrategy": strategies,
        "healthCheckGracePeriodSeconds": service.health_check_grace_period_seconds,
        "enableExecuteCommand": service.enable_execute_command,
        "availabilityZoneRebalancing": on(service.availability_zone_rebalancing),
        "createdAt": time(service.created_at),
        "events": events,
    })
}

fn deployment(deployment: &Deployment) -> Value {
    json!({
        "id": deployment.id,
        "status": deployment.status,
        "taskDefinition": arn(&deployment.task_definition),
        "desiredCount": deployment.desired_count,
        "runningCount": deployment.running_count,
        "pendingCount": deployment.pending_count,
        "failedTasks": deployment.failed_tasks,
        "launchType": deployment.launch_type.as_ref().map(|kind| kind.as_str()),
        "capacityProviderStrategy": strategy(&deployment.capacity_provider_strategy),
        "platformVersion": deployment.platform_version,
        "platformFamily": deployment.platform_family,
        "networkConfiguration": network(&deployment.network_configuration),
        "rolloutState": deployment.rollout_state,
        "rolloutStateReason": deployment.rollout_state_reason,
        "serviceConnectConfiguration": deployment.service_connect_configuration.as_ref().map(service_connect),
        "createdAt": time(deployment.created_at),
        "updatedAt": time(deployment.updated_at),
    })
}

fn service_connect(configuration: &ServiceConnectConfiguration) -> Value {
    let services = configuration.services.iter().map(|service| {
        let aliases: Vec<Value> = service.client_ports.iter().map(|port| json!({"port": port})).collect();
        let tls = service.tls.then(
            || json!({"issuerCertificateAuthority": {"awsPcaAuthorityArn": "arn:aws:acm-pca:eu-west-1:1:authority/1"}}),
        );
        json!({
            "portName": service.port_name,
            "discoveryName": service.discovery_name,
            "ingressPortOverride": service.ingress_port_override,
            "clientAliases": aliases,
            "tls": tls,
        })
    });
    json!({
        "enabled": true,
        "namespace": configuration.namespace,
        "services": services.collect::<Vec<_>>(),
        "logConfiguration": configuration.log_configuration.as_ref().map(log_configuration),
    })
}

fn task_set(set: &TaskSet) -> Value {
    json!({
        "id": set.id,
        "taskSetArn": set.arn.as_str(),
        "status": set.status,
        "taskDefinition": arn(&set.task_definition),
        "launchType": set.launch_type.as_ref().map(|kind| kind.as_str()),
        "capacityProviderStrategy": strategy(&set.capacity_provider_strategy),
        "platformVersion": set.platform_version,
        "platformFamily": set.platform_family,
        "networkConfiguration": network(&set.network_configuration),
        "loadBalancers": load_balancers(&set.load_balancers),
        "runningCount": set.running_count,
        "pendingCount": set.pending_count,
        "computedDesiredCount": set.computed_desired_count,
    })
}

pub(super) fn task(task: &Task) -> Value {
    // A secret given at start, which is nobody's business.
    let overrides = json!({"containerOverrides": [{
        "name": "app",
        "command": [crate::sdk::SENTINEL],
        "environment": [{"name": "TOKEN", "value": crate::sdk::SENTINEL}],
    }]});
    let attachments: Vec<Value> = task.network_interface.iter().map(attachment).collect();
    json!({
        "overrides": overrides,
        "taskArn": task.arn.as_str(),
        "clusterArn": task.cluster_arn.as_str(),
        "taskDefinitionArn": task.task_definition_arn.as_str(),
        "group": task.group,
        "startedBy": task.started_by,
        "lastStatus": task.last_status,
        "desiredStatus": task.desired_status,
        "launchType": task.launch_type.as_ref().map(|kind| kind.as_str()),
        "capacityProviderName": task.capacity_provider_name,
        "containerInstanceArn": arn(&task.container_instance_arn),
        "platformVersion": task.platform_version,
        "platformFamily": task.platform_family,
        "healthStatus": "UNKNOWN",
        "connectivity": "CONNECTED",
        "enableExecuteCommand": task.enable_execute_command,
        "createdAt": time(task.created_at),
        "pullStartedAt": time(task.started_at),
        "pullStoppedAt": time(task.started_at),
        "startedAt": time(task.started_at),
        "stoppedAt": time(task.stopped_at),
        "stoppingAt": time(task.stopping_at),
        "stopCode": task.stop_code,
        "stoppedReason": task.stopped_reason,
        "attachments": attachments,
        "containers": task.containers.iter().map(container).collect::<Vec<_>>(),
    })
}

/// The events of a service with those before them: ECS keeps 100, and says every six hours that a service is steady.
fn history(service: &Service) -> Vec<ServiceEvent> {
    let mut events = service.events.clone();
    while let Some(last) = events.last().filter(|last| last.message.ends_with(STEADY) && events.len() < EVENTS) {
        let created_at = last.created_at.map(|at| at - SignedDuration::from_hours(6));
        events.push(ServiceEvent { created_at, message: last.message.clone() });
    }
    events
}

fn attachment(interface: &TaskNetworkInterface) -> Value {
    let details = [
        ("networkInterfaceId", interface.network_interface_id.as_ref().map(|id| id.as_str())),
        ("subnetId", interface.subnet_id.as_ref().map(|id| id.as_str())),
        ("privateIPv4Address", interface.private_ipv4_address.as_deref()),
        ("ipv6Address", interface.ipv6_address.as_deref()),
    ];
    let details = details.into_iter().filter_map(|(name, value)| Some(json!({"name": name, "value": value?})));
    json!({
        "id": "attachment",
        "type": "ElasticNetworkInterface",
        "status": interface.status,
        "details": details.collect::<Vec<_>>(),
    })
}

fn container(container: &TaskContainer) -> Value {
    let bindings = container.network_bindings.iter().map(|binding| {
        json!({
            "bindIP": "0.0.0.0",
            "containerPort": binding.container_port,
            "hostPort": binding.host_port,
            "containerPortRange": binding.container_port_range,
            "hostPortRange": binding.host_port_range,
            "protocol": binding.protocol,
        })
    });
    json!({
        "name": container.name,
        "image": IMAGE,
        "imageDigest": IMAGE_DIGEST,
        "lastStatus": container.last_status,
        "reason": container.reason,
        "networkBindings": bindings.collect::<Vec<_>>(),
    })
}

pub(super) fn container_instance(instance: &ContainerInstance, agent_connected: bool) -> Value {
    let attributes: Vec<Value> =
        instance.attributes.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let attachments = instance.attachments.iter().map(|attachment| {
        let interface = attachment.network_interface_id.as_ref().map(|id| id.as_str());
        let details = interface.map(|id| json!([{"name": "networkInterfaceId", "value": id}]));
        json!({"type": attachment.kind, "status": attachment.status, "details": details})
    });
    json!({
        "containerInstanceArn": instance.arn.as_str(),
        "ec2InstanceId": instance.ec2_instance_id.as_ref().map(|id| id.as_str()),
        "capacityProviderName": instance.capacity_provider_name,
        "status": instance.status,
        "statusReason": instance.status_reason,
        "agentConnected": agent_connected,
        "versionInfo": {"agentVersion": instance.agent_version},
        "registeredAt": time(instance.registered_at),
        "runningTasksCount": instance.running_tasks_count,
        "pendingTasksCount": instance.pending_tasks_count,
        "attributes": attributes,
        "registeredResources": resources(&instance.registered_resources),
        "remainingResources": resources(&instance.remaining_resources),
        "attachments": attachments.collect::<Vec<_>>(),
    })
}

fn resources(resources: &InstanceResources) -> Vec<Value> {
    let number = |name: &str, value: i64| json!({"name": name, "type": "INTEGER", "integerValue": value});
    let ports = |name: &str, ports: &[u16]| {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        json!({"name": name, "type": "STRINGSET", "stringSetValue": ports})
    };
    let gpus: Vec<String> = (0..resources.gpus).map(|number| format!("GPU-{number}")).collect();
    let mut all = vec![
        number("CPU", resources.cpu_units),
        number("MEMORY", resources.memory_mib),
        ports("PORTS", &resources.ports),
        ports("PORTS_UDP", &resources.ports_udp),
    ];
    if !gpus.is_empty() {
        all.push(json!({"name": "GPU", "type": "STRINGSET", "stringSetValue": gpus}));
    }
    all
}

pub(super) fn capacity_provider(provider: &CapacityProvider) -> Value {
    let (mut group, mut managed) = (Value::Null, Value::Null);
    match &provider.kind {
        CapacityProviderKind::AutoScalingGroup {
            auto_scaling_group_arn,
            managed_scaling,
            target_capacity,
            managed_termination_protection,
            managed_draining,
        } => {
            group = json!({
                "autoScalingGroupArn": auto_scaling_group_arn.as_str(),
                "managedScaling": {"status": on(*managed_scaling), "targetCapacity": target_capacity},
                "managedTerminationProtection": on(*managed_termination_protection),
                "managedDraining": on(*managed_draining),
            });
        }
        CapacityProviderKind::ManagedInstances { subnets, security_groups } => {
            let network = json!({"subnets": texts(subnets), "securityGroups": texts(security_groups)});
            managed = json!({
                "infrastructureRoleArn": "arn:aws:iam::111122223333:role/ecs-infrastructure",
                "instanceLaunchTemplate": {
                    "ec2InstanceProfileArn": "arn:aws:iam::111122223333:instance-profile/ecs",
                    "networkConfiguration": network,
                },
            });
        }
        CapacityProviderKind::Fargate | CapacityProviderKind::Unknown => {}
    }
    json!({
        "capacityProviderArn": provider.arn.as_str(),
        "name": provider.name,
        "status": provider.status,
        "autoScalingGroupProvider": group,
        "managedInstancesProvider": managed,
    })
}
