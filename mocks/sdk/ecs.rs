//! Amazon ECS as it answers.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::operation::describe_capacity_providers::DescribeCapacityProvidersOutput;
use aws_sdk_ecs::operation::describe_clusters::DescribeClustersOutput;
use aws_sdk_ecs::operation::describe_container_instances::DescribeContainerInstancesOutput;
use aws_sdk_ecs::operation::describe_services::DescribeServicesOutput;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::operation::describe_tasks::DescribeTasksOutput;
use aws_sdk_ecs::operation::list_account_settings::ListAccountSettingsOutput;
use aws_sdk_ecs::operation::list_clusters::ListClustersOutput;
use aws_sdk_ecs::operation::list_container_instances::ListContainerInstancesOutput;
use aws_sdk_ecs::operation::list_services::ListServicesOutput;
use aws_sdk_ecs::operation::list_tasks::ListTasksOutput;
use aws_sdk_ecs::types as sdk;
use aws_smithy_types::DateTime;
use ecs_network_audit::snapshot::ecs as own;
use ecs_network_audit::snapshot::ids::Arn;
use jiff::Timestamp;

use super::{Mock, World, answer};

/// Planted in every value that must never reach a snapshot.
pub const SENTINEL: &str = "planted-value-that-must-not-be-kept 42!";

pub(super) fn rules(mock: &mut Mock) {
    answer!(mock, "ecs:ListClusters", Client::list_clusters, |world, input| {
        assert_eq!(input.max_results(), Some(100), "full pages");
        let arns: Vec<String> = strings(world.target.data.clusters.items().iter().map(|c| &c.arn));
        let (page, next) = world.page(&arns, input.next_token());
        ListClustersOutput::builder().set_cluster_arns(Some(page)).set_next_token(next).build()
    });
    answer!(mock, "ecs:DescribeClusters", Client::describe_clusters, |world, input| {
        assert!(input.clusters().len() <= 100, "at most 100 clusters a call");
        let (found, failures) = described(&world, input.clusters(), world.target.data.clusters.items(), |c| &c.arn);
        DescribeClustersOutput::builder()
            .set_clusters(Some(found.into_iter().map(cluster).collect()))
            .set_failures(Some(failures))
            .build()
    });
    answer!(mock, "ecs:ListServices", Client::list_services, |world, input| {
        assert_eq!(input.max_results(), Some(100), "full pages");
        let services =
            world.target.data.services.items().iter().filter(|s| Some(s.cluster_arn.as_str()) == input.cluster());
        let (page, next) = world.page(&strings(services.map(|s| &s.arn)), input.next_token());
        ListServicesOutput::builder().set_service_arns(Some(page)).set_next_token(next).build()
    });
    answer!(mock, "ecs:DescribeServices", Client::describe_services, |world, input| {
        assert!(input.services().len() <= 10, "at most 10 services a call");
        let (found, failures) = described(&world, input.services(), world.target.data.services.items(), |s| &s.arn);
        DescribeServicesOutput::builder()
            .set_services(Some(found.into_iter().map(service).collect()))
            .set_failures(Some(failures))
            .build()
    });
    answer!(mock, "ecs:ListTasks", Client::list_tasks, |world, input| {
        let status = input.desired_status().map_or("RUNNING", |status| status.as_str());
        let tasks = world.target.data.tasks.items().iter();
        let tasks = tasks.filter(|t| Some(t.cluster_arn.as_str()) == input.cluster() && t.desired_status == status);
        let (page, next) = world.page(&strings(tasks.map(|t| &t.arn)), input.next_token());
        ListTasksOutput::builder().set_task_arns(Some(page)).set_next_token(next).build()
    });
    answer!(mock, "ecs:DescribeTasks", Client::describe_tasks, |world, input| {
        assert!(input.tasks().len() <= 100, "at most 100 tasks a call");
        let (found, failures) = described(&world, input.tasks(), world.target.data.tasks.items(), |t| &t.arn);
        DescribeTasksOutput::builder()
            .set_tasks(Some(found.into_iter().map(task).collect()))
            .set_failures(Some(failures))
            .build()
    });
    answer!(mock, "ecs:DescribeTaskDefinition", Client::describe_task_definition, |world, input| {
        let wanted = input.task_definition().unwrap();
        // Without a revision it is the newest of the family.
        let names = |arn: &Arn| {
            arn.as_str() == wanted || arn.as_str().rsplit_once(':').is_some_and(|(family, _)| family == wanted)
        };
        let all = world.target.data.task_definitions.items().iter();
        let found = all.filter(|d| names(&d.arn)).max_by_key(|d| d.revision);
        let found = found.unwrap_or_else(|| panic!("{wanted} is not in use"));
        DescribeTaskDefinitionOutput::builder().task_definition(task_definition(found)).build()
    });
    answer!(mock, "ecs:ListContainerInstances", Client::list_container_instances, |world, input| {
        let instances = world.target.data.container_instances.items().iter();
        let instances = instances.filter(|i| Some(i.cluster_arn.as_str()) == input.cluster());
        let (page, next) = world.page(&strings(instances.map(|i| &i.arn)), input.next_token());
        ListContainerInstancesOutput::builder().set_container_instance_arns(Some(page)).set_next_token(next).build()
    });
    answer!(mock, "ecs:DescribeContainerInstances", Client::describe_container_instances, |world, input| {
        assert!(input.container_instances().len() <= 100, "at most 100 instances a call");
        let now = as_of_now(&world, input.container_instances());
        let (found, failures) = described(&world, input.container_instances(), &now, |i| &i.arn);
        DescribeContainerInstancesOutput::builder()
            .set_container_instances(Some(found.into_iter().map(container_instance).collect()))
            .set_failures(Some(failures))
            .build()
    });
    answer!(mock, "ecs:DescribeCapacityProviders", Client::describe_capacity_providers, |world, input| {
        let all = world.target.data.capacity_providers.items().iter();
        let found = all.filter(|p| input.capacity_providers().contains(&p.name)).map(capacity_provider);
        DescribeCapacityProvidersOutput::builder().set_capacity_providers(Some(found.collect())).build()
    });
    answer!(mock, "ecs:ListAccountSettings", Client::list_account_settings, |world, input| {
        assert_eq!(input.effective_settings(), Some(true), "the effective settings");
        let settings: Vec<sdk::Setting> = world.target.data.account_settings.items().iter().map(setting).collect();
        let (page, next) = world.page(&settings, input.next_token());
        ListAccountSettingsOutput::builder().set_settings(Some(page)).set_next_token(next).build()
    });
}

/// The instances as they are, or as they are at the end of the scan where that is asked: those that say nothing are gone.
fn as_of_now(world: &World, wanted: &[String]) -> Vec<own::ContainerInstance> {
    let mut seen = world.seen.lock().unwrap();
    let mut now = world.target.data.container_instances.items().to_vec();
    now.retain_mut(|instance| {
        if !seen.contains(instance.arn.as_str()) {
            return true;
        }
        instance.agent_connected = instance.agent_connected_at_end.unwrap_or_default();
        instance.agent_connected_at_end.is_some()
    });
    seen.extend(wanted.iter().cloned());
    now
}

fn strings<'a>(arns: impl Iterator<Item = &'a Arn>) -> Vec<String> {
    arns.map(|arn| arn.as_str().to_owned()).collect()
}

/// What is there of the wanted, and a failure for each that isn't.
fn described<'a, T>(
    world: &World,
    wanted: &[String],
    all: &'a [T],
    arn: impl Fn(&T) -> &Arn,
) -> (Vec<&'a T>, Vec<sdk::Failure>) {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in wanted {
        match all.iter().find(|item| arn(item).as_str() == name && !world.vanished.contains(name)) {
            Some(item) => found.push(item),
            None => failures.push(sdk::Failure::builder().arn(name).reason("MISSING").build()),
        }
    }
    (found, failures)
}

fn time(time: Option<Timestamp>) -> Option<DateTime> {
    time.map(|time| DateTime::from_secs(time.as_second()))
}

fn text(text: &Option<impl AsRef<str>>) -> Option<String> {
    text.as_ref().map(|text| text.as_ref().to_owned())
}

fn cluster(cluster: &own::Cluster) -> sdk::Cluster {
    sdk::Cluster::builder()
        .cluster_arn(cluster.arn.as_str())
        .cluster_name(&cluster.name)
        .status(&cluster.status)
        .active_services_count(cluster.active_services_count)
        .running_tasks_count(cluster.running_tasks_count)
        .pending_tasks_count(cluster.pending_tasks_count)
        .registered_container_instances_count(cluster.registered_container_instances_count)
        .set_capacity_providers(Some(cluster.capacity_providers.clone()))
        .set_default_capacity_provider_strategy(Some(strategy(&cluster.default_capacity_provider_strategy)))
        .set_settings(Some(cluster.settings.iter().map(cluster_setting).collect()))
        .build()
}

fn cluster_setting((name, value): (&String, &String)) -> sdk::ClusterSetting {
    sdk::ClusterSetting::builder().name(name.as_str().into()).value(value).build()
}

fn strategy(items: &[own::CapacityProviderStrategyItem]) -> Vec<sdk::CapacityProviderStrategyItem> {
    let item = |item: &own::CapacityProviderStrategyItem| {
        let builder = sdk::CapacityProviderStrategyItem::builder().capacity_provider(&item.capacity_provider);
        builder.weight(item.weight).base(item.base).build().unwrap()
    };
    items.iter().map(item).collect()
}

fn network(network: &Option<own::AwsvpcConfiguration>) -> Option<sdk::NetworkConfiguration> {
    let network = network.as_ref()?;
    let assign = if network.assign_public_ip { sdk::AssignPublicIp::Enabled } else { sdk::AssignPublicIp::Disabled };
    // AWS keeps the order of the request, which needn't be sorted.
    let awsvpc = sdk::AwsVpcConfiguration::builder()
        .set_subnets(Some(network.subnets.iter().rev().map(|subnet| subnet.as_str().to_owned()).collect()))
        .set_security_groups(Some(network.security_groups.iter().map(|group| group.as_str().to_owned()).collect()))
        .assign_public_ip(assign)
        .build()
        .unwrap();
    Some(sdk::NetworkConfiguration::builder().awsvpc_configuration(awsvpc).build())
}

fn load_balancers(entries: &[own::ServiceLoadBalancer]) -> Vec<sdk::LoadBalancer> {
    let entry = |entry: &own::ServiceLoadBalancer| {
        let advanced = entry
            .alternate_target_group_arn
            .as_ref()
            .map(|arn| sdk::AdvancedConfiguration::builder().alternate_target_group_arn(arn.as_str()).build());
        sdk::LoadBalancer::builder()
            .set_target_group_arn(text(&entry.target_group_arn))
            .set_container_name(entry.container_name.clone())
            .set_container_port(entry.container_port.map(i32::from))
            .set_advanced_configuration(advanced)
            .build()
    };
    entries.iter().map(entry).collect()
}

fn service(service: &own::Service) -> sdk::Service {
    let configuration = &service.deployment_configuration;
    let breaker =
        sdk::DeploymentCircuitBreaker::builder().enable(configuration.circuit_breaker).rollback(false).build();
    let alarms = sdk::DeploymentAlarms::builder().enable(configuration.alarms).rollback(false);
    let alarms = alarms.set_alarm_names(Some(Vec::new())).build().unwrap();
    let configuration = sdk::DeploymentConfiguration::builder()
        .set_minimum_healthy_percent(configuration.minimum_healthy_percent)
        .set_maximum_percent(configuration.maximum_percent)
        .deployment_circuit_breaker(breaker)
        .alarms(alarms)
        .build();
    let constraints = service.placement_constraints.iter().map(|constraint| {
        sdk::PlacementConstraint::builder()
            .r#type(sdk::PlacementConstraintType::from(constraint.kind.as_str()))
            .set_expression(constraint.expression.clone())
            .build()
    });
    let events = service.events.iter().map(|event| {
        sdk::ServiceEvent::builder().set_created_at(time(event.created_at)).message(&event.message).build()
    });
    sdk::Service::builder()
        .service_arn(service.arn.as_str())
        .service_name(&service.name)
        .cluster_arn(service.cluster_arn.as_str())
        .status(&service.status)
        .desired_count(service.desired_count)
        .running_count(service.running_count)
        .pending_count(service.pending_count)
        .set_launch_type(service.launch_type.as_ref().map(|kind| sdk::LaunchType::from(kind.as_str())))
        .set_capacity_provider_strategy(Some(strategy(&service.capacity_provider_strategy)))
        .set_platform_version(service.platform_version.clone())
        .set_task_definition(text(&service.task_definition))
        .enable_execute_command(service.enable_execute_command)
        .deployment_configuration(configuration)
        .scheduling_strategy(sdk::SchedulingStrategy::from(service.scheduling_strategy.as_str()))
        .set_deployments(Some(service.deployments.iter().map(deployment).collect()))
        .set_network_configuration(network(&service.network_configuration))
        .set_load_balancers(Some(load_balancers(&service.load_balancers)))
        .set_placement_constraints(Some(constraints.collect()))
        .set_created_at(time(service.created_at))
        .set_events(Some(events.collect()))
        .build()
}

fn deployment(deployment: &own::Deployment) -> sdk::Deployment {
    sdk::Deployment::builder()
        .id(&deployment.id)
        .status(&deployment.status)
        .set_task_definition(text(&deployment.task_definition))
        .desired_count(deployment.desired_count)
        .running_count(deployment.running_count)
        .pending_count(deployment.pending_count)
        .failed_tasks(deployment.failed_tasks)
        .set_launch_type(deployment.launch_type.as_ref().map(|kind| sdk::LaunchType::from(kind.as_str())))
        .set_capacity_provider_strategy(Some(strategy(&deployment.capacity_provider_strategy)))
        .set_platform_version(deployment.platform_version.clone())
        .set_network_configuration(network(&deployment.network_configuration))
        .set_service_connect_configuration(deployment.service_connect_configuration.as_ref().map(service_connect))
        .set_rollout_state(deployment.rollout_state.as_deref().map(sdk::DeploymentRolloutState::from))
        .set_created_at(time(deployment.created_at))
        .set_updated_at(time(deployment.updated_at))
        .build()
}

fn task(task: &own::Task) -> sdk::Task {
    let pair = |name: &str, value: &str| sdk::KeyValuePair::builder().name(name).value(value).build();
    let interface = task.network_interface.as_ref().map(|interface| {
        let details = [
            ("networkInterfaceId", interface.network_interface_id.as_ref().map(|id| id.as_str())),
            ("subnetId", interface.subnet_id.as_ref().map(|id| id.as_str())),
            ("privateIPv4Address", interface.private_ipv4_address.as_deref()),
        ];
        let details = details.iter().filter_map(|(name, value)| Some(pair(name, (*value)?))).collect();
        let attachment = sdk::Attachment::builder().r#type("ElasticNetworkInterface").status(interface.status.as_str());
        attachment.set_details(Some(details)).build()
    });
    // A secret given at start, which is none of ours.
    let overrides =
        sdk::ContainerOverride::builder().name("app").environment(pair("TOKEN", SENTINEL)).command(SENTINEL);
    let overrides = sdk::TaskOverride::builder().container_overrides(overrides.build()).build();
    sdk::Task::builder()
        .overrides(overrides)
        .task_arn(task.arn.as_str())
        .cluster_arn(task.cluster_arn.as_str())
        .task_definition_arn(task.task_definition_arn.as_str())
        .set_group(text(&task.group))
        .last_status(task.last_status.as_str())
        .desired_status(task.desired_status.as_str())
        .set_launch_type(task.launch_type.as_ref().map(|kind| sdk::LaunchType::from(kind.as_str())))
        .set_container_instance_arn(text(&task.container_instance_arn))
        .set_platform_version(text(&task.platform_version))
        .set_platform_family(text(&task.platform_family))
        .set_created_at(time(task.created_at))
        .set_started_at(time(task.started_at))
        .set_stopped_at(time(task.stopped_at))
        .set_stopping_at(time(task.stopping_at))
        .set_stop_code(task.stop_code.as_deref().map(sdk::TaskStopCode::from))
        .set_stopped_reason(text(&task.stopped_reason))
        .set_attachments(Some(interface.into_iter().collect()))
        .set_containers(Some(task.containers.iter().map(task_container).collect()))
        .build()
}

fn task_container(container: &own::TaskContainer) -> sdk::Container {
    let binding = |binding: &own::NetworkBinding| {
        sdk::NetworkBinding::builder()
            .set_container_port(binding.container_port.map(i32::from))
            .set_host_port(binding.host_port.map(i32::from))
            .protocol(sdk::TransportProtocol::from(binding.protocol.as_str()))
            .build()
    };
    sdk::Container::builder()
        .name(container.name.as_str())
        .last_status(container.last_status.as_str())
        .set_reason(text(&container.reason))
        .set_network_bindings(Some(container.network_bindings.iter().map(binding).collect()))
        .build()
}

fn service_connect(configuration: &own::ServiceConnectConfiguration) -> sdk::ServiceConnectConfiguration {
    let service = |service: &own::ServiceConnectService| {
        let aliases = service
            .client_ports
            .iter()
            .map(|port| sdk::ServiceConnectClientAlias::builder().port(i32::from(*port)).build().unwrap());
        sdk::ServiceConnectService::builder()
            .port_name(&service.port_name)
            .set_discovery_name(service.discovery_name.clone())
            .set_ingress_port_override(service.ingress_port_override.map(i32::from))
            .set_client_aliases(Some(aliases.collect()))
            .build()
            .unwrap()
    };
    sdk::ServiceConnectConfiguration::builder()
        .enabled(true)
        .set_namespace(configuration.namespace.clone())
        .set_services(Some(configuration.services.iter().map(service).collect()))
        .build()
}

fn volume(volume: &own::Volume) -> sdk::Volume {
    let efs = volume.efs.as_ref().map(|efs| {
        let encryption = if efs.transit_encryption { "ENABLED" } else { "DISABLED" };
        sdk::EfsVolumeConfiguration::builder()
            .file_system_id(&efs.file_system_id)
            .transit_encryption(encryption.into())
            .build()
            .unwrap()
    });
    let host =
        volume.host_source_path.as_ref().map(|path| sdk::HostVolumeProperties::builder().source_path(path).build());
    sdk::Volume::builder().name(&volume.name).set_host(host).set_efs_volume_configuration(efs).build()
}

fn task_definition(definition: &own::TaskDefinition) -> sdk::TaskDefinition {
    let platform = sdk::RuntimePlatform::builder()
        .set_operating_system_family(definition.operating_system_family.as_deref().map(sdk::OsFamily::from))
        .set_cpu_architecture(definition.cpu_architecture.as_deref().map(sdk::CpuArchitecture::from))
        .build();
    let proxy = definition
        .proxy_type
        .as_deref()
        .map(|kind| sdk::ProxyConfiguration::builder().r#type(kind.into()).container_name("envoy").build().unwrap());
    sdk::TaskDefinition::builder()
        .task_definition_arn(definition.arn.as_str())
        .family(&definition.family)
        .revision(definition.revision)
        .status(sdk::TaskDefinitionStatus::from(definition.status.as_str()))
        .set_network_mode(definition.network_mode.as_ref().map(|mode| sdk::NetworkMode::from(mode.as_str())))
        .runtime_platform(platform)
        .set_cpu(definition.cpu.clone())
        .set_memory(definition.memory.clone())
        .set_execution_role_arn(text(&definition.execution_role_arn))
        .set_task_role_arn(text(&definition.task_role_arn))
        .set_pid_mode(definition.pid_mode.as_deref().map(sdk::PidMode::from))
        .set_proxy_configuration(proxy)
        .set_volumes(Some(definition.volumes.iter().map(volume).collect()))
        .set_container_definitions(Some(definition.containers.iter().map(container).collect()))
        .build()
}

fn container(container: &own::ContainerDefinition) -> sdk::ContainerDefinition {
    let secrets = container
        .secrets
        .iter()
        .map(|secret| sdk::Secret::builder().name(&secret.name).value_from(&secret.value_from).build().unwrap());
    let ports = container.port_mappings.iter().map(|mapping| {
        sdk::PortMapping::builder()
            .set_container_port(mapping.container_port.map(i32::from))
            .set_host_port(mapping.host_port.map(i32::from))
            .protocol(sdk::TransportProtocol::from(mapping.protocol.as_str()))
            .build()
    });
    let log = container.log_configuration.as_ref().map(|log| {
        let mut builder = sdk::LogConfiguration::builder().log_driver(sdk::LogDriver::from(log.log_driver.as_str()));
        for (key, value) in &log.options {
            builder = builder.options(key, value);
        }
        builder.options("apikey", SENTINEL).build().unwrap()
    });
    let variables = container.environment.iter().map(|variable| {
        let value = match (variable.credential_form.as_deref(), variable.value_kind.as_deref()) {
            (None, None) => SENTINEL,
            (Some("aws-access-key-id"), _) => "AKIAIOSFODNN7EXAMPLE",
            (None, Some("number")) => "42",
            other => panic!("no value for {other:?}"),
        };
        sdk::KeyValuePair::builder().name(&variable.name).value(value).build()
    });
    let mounts = container.mount_points.iter().map(|mount| {
        sdk::MountPoint::builder()
            .set_source_volume(mount.source_volume.clone())
            .set_container_path(mount.container_path.clone())
            .read_only(mount.read_only)
            .build()
    });
    sdk::ContainerDefinition::builder()
        .privileged(container.privileged)
        .readonly_root_filesystem(container.readonly_root_filesystem)
        .set_user(container.user.clone())
        .set_mount_points(Some(mounts.collect()))
        .name(&container.name)
        .image(&container.image)
        .essential(container.essential)
        .cpu(container.cpu)
        .set_memory(container.memory)
        .set_port_mappings(Some(ports.collect()))
        .set_environment(Some(variables.collect()))
        .set_secrets(Some(secrets.collect()))
        .set_log_configuration(log)
        .command(SENTINEL)
        .entry_point(SENTINEL)
        .docker_labels("label", SENTINEL)
        .build()
}

fn container_instance(instance: &own::ContainerInstance) -> sdk::ContainerInstance {
    let attributes = instance
        .attributes
        .iter()
        .map(|(name, value)| sdk::Attribute::builder().name(name).set_value(value.clone()).build().unwrap());
    let version = sdk::VersionInfo::builder().set_agent_version(instance.agent_version.clone()).build();
    sdk::ContainerInstance::builder()
        .container_instance_arn(instance.arn.as_str())
        .set_ec2_instance_id(instance.ec2_instance_id.as_ref().map(|id| id.as_str().to_owned()))
        .set_capacity_provider_name(instance.capacity_provider_name.clone())
        .status(&instance.status)
        .agent_connected(instance.agent_connected)
        .version_info(version)
        .set_registered_at(time(instance.registered_at))
        .running_tasks_count(instance.running_tasks_count)
        .pending_tasks_count(instance.pending_tasks_count)
        .set_attributes(Some(attributes.collect()))
        .set_registered_resources(Some(resources(&instance.registered_resources)))
        .set_remaining_resources(Some(resources(&instance.remaining_resources)))
        .build()
}

fn resources(resources: &own::InstanceResources) -> Vec<sdk::Resource> {
    let number = |name: &str, value: i64| {
        sdk::Resource::builder().name(name).r#type("INTEGER").integer_value(i32::try_from(value).unwrap()).build()
    };
    let set = |name: &str, ports: &[u16]| {
        let ports = ports.iter().map(u16::to_string).collect();
        sdk::Resource::builder().name(name).r#type("STRINGSET").set_string_set_value(Some(ports)).build()
    };
    vec![
        number("CPU", resources.cpu_units),
        number("MEMORY", resources.memory_mib),
        set("PORTS", &resources.ports),
        set("PORTS_UDP", &resources.ports_udp),
    ]
}

fn capacity_provider(provider: &own::CapacityProvider) -> sdk::CapacityProvider {
    let builder = sdk::CapacityProvider::builder()
        .capacity_provider_arn(provider.arn.as_str())
        .name(&provider.name)
        .status(sdk::CapacityProviderStatus::from(provider.status.as_str()));
    let own::CapacityProviderKind::AutoScalingGroup {
        auto_scaling_group_arn,
        managed_scaling,
        target_capacity,
        managed_draining,
        managed_termination_protection,
    } = &provider.kind
    else {
        panic!("fixtures read by SDK calls have Auto Scaling group providers only")
    };
    let status = |on: bool| if on { sdk::ManagedScalingStatus::Enabled } else { sdk::ManagedScalingStatus::Disabled };
    let scaling = sdk::ManagedScaling::builder().status(status(*managed_scaling)).set_target_capacity(*target_capacity);
    let draining = if *managed_draining { sdk::ManagedDraining::Enabled } else { sdk::ManagedDraining::Disabled };
    let protection = match managed_termination_protection {
        true => sdk::ManagedTerminationProtection::Enabled,
        false => sdk::ManagedTerminationProtection::Disabled,
    };
    let group = sdk::AutoScalingGroupProvider::builder()
        .auto_scaling_group_arn(auto_scaling_group_arn.as_str())
        .managed_scaling(scaling.build())
        .managed_draining(draining)
        .managed_termination_protection(protection)
        .build()
        .unwrap();
    builder.auto_scaling_group_provider(group).build()
}

fn setting(setting: &own::AccountSetting) -> sdk::Setting {
    let builder = sdk::Setting::builder().name(sdk::SettingName::from(setting.name.as_str())).value(&setting.value);
    builder.set_principal_arn(text(&setting.principal_arn)).build()
}
