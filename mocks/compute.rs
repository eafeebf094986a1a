//! The ECS half of the fixture vocabulary: clusters, task definitions, services, instances and tasks.

use ecs_network_audit::snapshot::ecs::{
    AwsvpcConfiguration, CapacityProvider, CapacityProviderKind, CapacityProviderStrategyItem, Cluster,
    ContainerDefinition, ContainerInstance, Deployment, DeploymentConfiguration, EnvironmentVariable,
    InstanceResources, LogConfiguration, NetworkBinding, PortMapping, SecretReference, Service, ServiceEvent,
    ServiceLoadBalancer, Task, TaskContainer, TaskDefinition, TaskNetworkInterface,
};
use ecs_network_audit::snapshot::elb::AutoScalingGroup;
use ecs_network_audit::snapshot::enums::{DeploymentController, LaunchType, NetworkMode, SchedulingStrategy};
use ecs_network_audit::snapshot::ids::{Arn, InstanceId, NetworkInterfaceId, SecurityGroupId, SubnetId};
use ecs_network_audit::snapshot::vpc::{Instance, InstanceMetadataOptions, InstanceNetworkInterface, InstanceType};
use jiff::SignedDuration;

use super::account::{ACCOUNT, Account, REGION, id, now, push};

/// An image of the account's own registry.
pub fn ecr(repository: &str) -> String {
    format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}:1")
}

/// An environment variable as the collector leaves it.
pub fn variable(name: &str, form: Option<&str>, kind: Option<&str>) -> EnvironmentVariable {
    EnvironmentVariable {
        name: name.to_owned(),
        credential_form: form.map(str::to_owned),
        value_kind: kind.map(str::to_owned),
    }
}

/// A container, made by chaining what it has.
pub struct Container(ContainerDefinition);

/// A container of an image that cannot change its own files and is not root.
pub fn container(name: &str, image: &str) -> Container {
    Container(ContainerDefinition {
        name: name.to_owned(),
        image: image.to_owned(),
        essential: true,
        cpu: 256,
        memory: Some(512),
        memory_reservation: None,
        gpus: 0,
        port_mappings: Vec::new(),
        links: Vec::new(),
        user: Some("1000".to_owned()),
        privileged: false,
        readonly_root_filesystem: true,
        mount_points: Vec::new(),
        environment: Vec::new(),
        environment_files: Vec::new(),
        secrets: Vec::new(),
        repository_credentials: None,
        log_configuration: None,
        firelens_type: None,
        firelens_config_file_type: None,
        firelens_config_file_value: None,
        health_check: None,
        stop_timeout: None,
        disable_networking: false,
    })
}

impl Container {
    pub fn awslogs(self) -> Self {
        self.awslogs_in(REGION)
    }

    pub fn awslogs_in(self, region: &str) -> Self {
        self.log("awslogs", &[("awslogs-group", "/ecs/app"), ("awslogs-region", region)])
    }

    pub fn log(mut self, driver: &str, options: &[(&str, &str)]) -> Self {
        self.0.log_configuration = Some(LogConfiguration {
            log_driver: driver.to_owned(),
            options: options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            secret_options: Vec::new(),
        });
        self
    }

    pub fn secret(mut self, value_from: &str) -> Self {
        let name = format!("SECRET_{}", self.0.secrets.len());
        self.0.secrets.push(SecretReference { name, value_from: value_from.to_owned() });
        self
    }

    pub fn port(mut self, container_port: u16, host_port: Option<u16>) -> Self {
        self.0.port_mappings.push(PortMapping {
            container_port: Some(container_port),
            host_port,
            container_port_range: None,
            protocol: "tcp".to_owned(),
            name: None,
            app_protocol: None,
        });
        self
    }

    pub fn with(mut self, edit: impl FnOnce(&mut ContainerDefinition)) -> Self {
        edit(&mut self.0);
        self
    }
}

/// A web application in private ECR that logs to CloudWatch.
pub fn web() -> Container {
    container("app", &ecr("web")).awslogs().port(8080, None)
}

impl Account {
    /// A cluster with Container Insights.
    pub fn cluster(&mut self, name: &str) -> Arn {
        let arn = Arn::from(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{name}"));
        push(
            &mut self.data.clusters,
            Cluster {
                arn: arn.clone(),
                name: name.to_owned(),
                status: "ACTIVE".to_owned(),
                active_services_count: 0,
                running_tasks_count: 0,
                pending_tasks_count: 0,
                registered_container_instances_count: 0,
                settings: [("containerInsights".to_owned(), "enhanced".to_owned())].into(),
                capacity_providers: Vec::new(),
                default_capacity_provider_strategy: Vec::new(),
                execute_command_configuration: None,
                service_connect_default_namespace: None,
            },
        );
        arn
    }

    pub fn edit_cluster(&mut self, arn: &Arn, edit: impl FnOnce(&mut Cluster)) {
        edit(self.data.clusters.items_mut().unwrap().iter_mut().find(|cluster| cluster.arn == *arn).unwrap());
    }

    /// Revision 1 of a family with an execution and a task role, its images in repositories that scan on push. No mode is what the API leaves out.
    pub fn definition(&mut self, family: &str, mode: Option<NetworkMode>, containers: Vec<Container>) -> Arn {
        let arn = Arn::from(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{family}:1"));
        for container in &containers {
            self.repository_of(&container.0.image);
        }
        push(
            &mut self.data.task_definitions,
            TaskDefinition {
                arn: arn.clone(),
                family: family.to_owned(),
                revision: 1,
                status: "ACTIVE".to_owned(),
                network_mode: mode,
                requires_compatibilities: Vec::new(),
                compatibilities: Vec::new(),
                operating_system_family: Some("LINUX".to_owned()),
                cpu_architecture: Some("X86_64".to_owned()),
                cpu: Some("256".to_owned()),
                memory: Some("512".to_owned()),
                task_role_arn: Some(Arn::from(format!("arn:aws:iam::{ACCOUNT}:role/task"))),
                execution_role_arn: Some(Arn::from(format!("arn:aws:iam::{ACCOUNT}:role/execution"))),
                pid_mode: None,
                ipc_mode: None,
                proxy_type: None,
                placement_constraints: Vec::new(),
                volumes: Vec::new(),
                containers: containers.into_iter().map(|container| container.0).collect(),
            },
        );
        arn
    }

    pub fn edit_definition(&mut self, arn: &Arn, edit: impl FnOnce(&mut TaskDefinition)) {
        edit(self.data.task_definitions.items_mut().unwrap().iter_mut().find(|d| d.arn == *arn).unwrap());
    }

    /// A service of launch type EC2 with a circuit breaker, two tasks desired and running, one deployment and no network of its own.
    pub fn service(&mut self, cluster: &Arn, name: &str, definition: &Arn) -> Arn {
        let arn = Arn::from(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/{}/{name}", cluster.name()));
        let deployment = Deployment {
            id: format!("ecs-svc/{name}"),
            status: "PRIMARY".to_owned(),
            task_definition: Some(definition.clone()),
            desired_count: 2,
            running_count: 2,
            pending_count: 0,
            failed_tasks: 0,
            launch_type: Some(LaunchType::Ec2),
            capacity_provider_strategy: Vec::new(),
            platform_version: None,
            platform_family: None,
            network_configuration: None,
            rollout_state: Some("COMPLETED".to_owned()),
            rollout_state_reason: None,
            service_connect_configuration: None,
            created_at: Some(now() - SignedDuration::from_hours(72)),
            updated_at: Some(now() - SignedDuration::from_hours(72)),
        };
        push(
            &mut self.data.services,
            Service {
                arn: arn.clone(),
                name: name.to_owned(),
                cluster_arn: cluster.clone(),
                status: "ACTIVE".to_owned(),
                desired_count: 2,
                running_count: 2,
                pending_count: 0,
                launch_type: Some(LaunchType::Ec2),
                capacity_provider_strategy: Vec::new(),
                platform_version: None,
                platform_family: None,
                task_definition: Some(definition.clone()),
                deployment_controller: DeploymentController::Ecs,
                deployment_configuration: DeploymentConfiguration {
                    minimum_healthy_percent: Some(100),
                    maximum_percent: Some(200),
                    circuit_breaker: true,
                    ..DeploymentConfiguration::default()
                },
                scheduling_strategy: SchedulingStrategy::Replica,
                deployments: vec![deployment],
                task_sets: Vec::new(),
                network_configuration: None,
                load_balancers: Vec::new(),
                service_registries: Vec::new(),
                placement_constraints: Vec::new(),
                placement_strategy: Vec::new(),
                health_check_grace_period_seconds: None,
                enable_execute_command: false,
                availability_zone_rebalancing: false,
                created_at: Some(now() - SignedDuration::from_hours(720)),
                events: Vec::new(),
            },
        );
        arn
    }

    /// A Fargate service in these subnets.
    pub fn fargate_service(&mut self, cluster: &Arn, name: &str, definition: &Arn, subnets: &[&SubnetId]) -> Arn {
        let arn = self.service(cluster, name, definition);
        self.network(&arn, subnets);
        self.edit_service(&arn, |service| {
            service.platform_version = Some("LATEST".to_owned());
            set_launch(service, Some(LaunchType::Fargate), &[]);
        });
        arn
    }

    /// An awsvpc configuration for a service: these subnets and one security group.
    pub fn network(&mut self, service: &Arn, subnets: &[&SubnetId]) {
        let vpc = self.vpc_of(subnets[0]);
        let group = self.ensure_group(&vpc, service.name());
        let mut subnets: Vec<SubnetId> = subnets.iter().map(|subnet| (*subnet).clone()).collect();
        subnets.sort();
        let network = AwsvpcConfiguration { subnets, security_groups: vec![group], assign_public_ip: false };
        self.edit_service(service, |service| set_network(service, network));
    }

    pub fn edit_service(&mut self, arn: &Arn, edit: impl FnOnce(&mut Service)) {
        edit(self.data.services.items_mut().unwrap().iter_mut().find(|service| service.arn == *arn).unwrap());
    }

    /// The security group of the service's tasks, or of the instances.
    pub fn group_of(&self, service: &Arn) -> SecurityGroupId {
        let found = self.data.services.items().iter().find(|s| s.arn == *service).unwrap();
        match &found.network_configuration {
            Some(network) => network.security_groups[0].clone(),
            None => SecurityGroupId::from(id("sg", "instances")),
        }
    }

    /// Registers a service's container `app`, port 8080, with a target group.
    pub fn register(&mut self, service: &Arn, target_group: &Arn) {
        self.edit_service(service, |service| service.load_balancers.push(load_balancer(target_group)));
    }

    /// An Auto Scaling group and the capacity provider that manages it.
    pub fn capacity_provider(&mut self, name: &str, desired: i32, most: i32, subnets: &[&SubnetId]) -> String {
        let group = Arn::from(format!(
            "arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:{}:autoScalingGroupName/{name}",
            id("asg", name)
        ));
        let found = self.data.subnets.items().iter().filter(|subnet| subnets.contains(&&subnet.id));
        let mut zones: Vec<String> = found.map(|subnet| subnet.availability_zone.clone()).collect();
        zones.sort();
        zones.dedup();
        push(
            &mut self.data.auto_scaling_groups,
            AutoScalingGroup {
                arn: group.clone(),
                name: name.to_owned(),
                min_size: 0,
                max_size: most,
                desired_capacity: desired,
                availability_zones: zones,
                subnets: subnets.iter().map(|subnet| (*subnet).clone()).collect(),
                suspended_processes: Vec::new(),
                instances: Vec::new(),
                instance_types: Vec::new(),
            },
        );
        push(
            &mut self.data.capacity_providers,
            CapacityProvider {
                arn: Arn::from(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:capacity-provider/{name}")),
                name: name.to_owned(),
                status: "ACTIVE".to_owned(),
                kind: CapacityProviderKind::AutoScalingGroup {
                    auto_scaling_group_arn: group,
                    managed_scaling: true,
                    target_capacity: Some(100),
                    managed_termination_protection: true,
                    managed_draining: true,
                },
            },
        );
        name.to_owned()
    }

    /// Turns the managed termination protection of an Auto Scaling group provider on or off.
    pub fn termination_protection(&mut self, provider: &str, on: bool) {
        let providers = self.data.capacity_providers.items_mut().unwrap();
        let found = providers.iter_mut().find(|found| found.name == provider).unwrap();
        if let CapacityProviderKind::AutoScalingGroup { managed_termination_protection, .. } = &mut found.kind {
            *managed_termination_protection = on;
        }
    }

    /// An ACTIVE container instance without a trunk, its agent connected.
    pub fn container_instance(&mut self, cluster: &Arn, name: &str, instance_type: &str, subnet: &SubnetId) -> Arn {
        let instance_id = InstanceId::from(id("i", name));
        let subnet = self.data.subnets.items().iter().find(|s| s.id == *subnet).unwrap().clone();
        self.ensure_group(&subnet.vpc_id, "instances");
        let number = 30 + self.data.instances.items().len();
        let block = subnet.cidr_block.unwrap();
        let address = block.hosts().nth(number % block.hosts().count()).unwrap().to_string();
        let (interfaces, vcpus, memory_mib) = size(instance_type);
        if !self.data.instance_types.items().iter().any(|kind| kind.name == instance_type) {
            push(
                &mut self.data.instance_types,
                InstanceType {
                    name: instance_type.to_owned(),
                    maximum_network_interfaces: interfaces,
                    maximum_network_cards: 1,
                    ipv4_addresses_per_interface: 10,
                    default_vcpus: vcpus,
                    memory_mib,
                },
            );
        }
        push(
            &mut self.data.instances,
            Instance {
                id: instance_id.clone(),
                instance_type: instance_type.to_owned(),
                state: "running".to_owned(),
                vpc_id: Some(subnet.vpc_id.clone()),
                subnet_id: Some(subnet.id.clone()),
                availability_zone: subnet.availability_zone.clone(),
                private_ip_address: Some(address.clone()),
                launch_time: Some(now() - SignedDuration::from_hours(100)),
                platform_details: Some("Linux/UNIX".to_owned()),
                enable_resource_name_dns_a_record: Some(false),
                metadata_options: Some(InstanceMetadataOptions {
                    http_tokens: Some("required".to_owned()),
                    http_put_response_hop_limit: Some(1),
                    http_endpoint: Some("enabled".to_owned()),
                }),
                iam_instance_profile_arn: None,
                network_interfaces: vec![InstanceNetworkInterface {
                    private_ips: vec![address.into()],
                    ..interface(&format!("{name}-primary"), 0, "", &subnet.id)
                }],
            },
        );
        let arn = Arn::from(format!(
            "arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/{}/{}",
            cluster.name(),
            &id("ci", name)[3..]
        ));
        let attributes = [
            ("ecs.instance-type", Some(instance_type.to_owned())),
            ("ecs.os-type", Some("linux".to_owned())),
            ("ecs.availability-zone", Some(subnet.availability_zone)),
            ("ecs.capability.task-eni", None),
        ];
        let resources =
            InstanceResources { cpu_units: i64::from(vcpus) * 1024, memory_mib, ..InstanceResources::default() };
        push(
            &mut self.data.container_instances,
            ContainerInstance {
                arn: arn.clone(),
                cluster_arn: cluster.clone(),
                ec2_instance_id: Some(instance_id),
                capacity_provider_name: None,
                status: "ACTIVE".to_owned(),
                status_reason: None,
                agent_connected: true,
                agent_connected_at_end: None,
                agent_version: Some("1.105.1".to_owned()),
                registered_at: Some(now() - SignedDuration::from_hours(100)),
                running_tasks_count: 0,
                pending_tasks_count: 0,
                attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                registered_resources: resources.clone(),
                remaining_resources: resources,
                attachments: Vec::new(),
            },
        );
        arn
    }

    pub fn edit_instance(&mut self, arn: &Arn, edit: impl FnOnce(&mut ContainerInstance)) {
        edit(self.data.container_instances.items_mut().unwrap().iter_mut().find(|i| i.arn == *arn).unwrap());
    }

    /// The EC2 side of a container instance.
    pub fn edit_host(&mut self, arn: &Arn, edit: impl FnOnce(&mut Instance)) {
        let instance = self.data.container_instances.items().iter().find(|i| i.arn == *arn).unwrap();
        let host = instance.ec2_instance_id.clone().unwrap();
        edit(self.data.instances.items_mut().unwrap().iter_mut().find(|i| i.id == host).unwrap());
    }

    /// Gives an instance a role, whose metadata service answers with or without a token up to so many hops away.
    pub fn instance_role(&mut self, arn: &Arn, http_tokens: &str, hop_limit: i32) {
        self.edit_host(arn, |host| {
            let profile = format!("arn:aws:iam::{ACCOUNT}:instance-profile/ecsInstanceRole");
            host.iam_instance_profile_arn = Some(Arn::from(profile));
            let options = host.metadata_options.as_mut().unwrap();
            options.http_tokens = Some(http_tokens.to_owned());
            options.http_put_response_hop_limit = Some(hop_limit);
        });
    }

    /// Gives an instance its trunk ENI.
    pub fn trunk(&mut self, arn: &Arn) {
        let trunk = id("eni", &format!("trunk/{arn}"));
        self.edit_host(arn, |host| {
            let mut interface = interface("trunk", 1, "", host.subnet_id.as_ref().unwrap());
            interface.id = NetworkInterfaceId::from(trunk.as_str());
            interface.interface_type = "trunk".to_owned();
            host.network_interfaces.push(interface);
        });
        self.edit_instance(arn, |instance| {
            instance.attributes.insert("ecs.awsvpc-trunk-id".to_owned(), Some(trunk));
        });
    }

    /// A running task of a service, started a day ago.
    pub fn task(&mut self, service: &Arn, name: &str) -> Arn {
        let found = self.data.services.items().iter().find(|s| s.arn == *service).unwrap();
        let task = running_task(found, name);
        let arn = task.arn.clone();
        push(&mut self.data.tasks, task);
        arn
    }

    pub fn edit_task(&mut self, arn: &Arn, edit: impl FnOnce(&mut Task)) {
        edit(self.data.tasks.items_mut().unwrap().iter_mut().find(|task| task.arn == *arn).unwrap());
    }

    /// A host port that a container of a task has bound.
    pub fn bind(&mut self, task: &Arn, container: &str, container_port: u16, host_port: u16) {
        self.edit_task(task, |task| {
            task.containers.push(TaskContainer {
                name: container.into(),
                last_status: "RUNNING".into(),
                reason: None,
                network_bindings: vec![NetworkBinding {
                    container_port: Some(container_port),
                    host_port: Some(host_port),
                    container_port_range: None,
                    host_port_range: None,
                    protocol: "tcp".into(),
                }],
            });
        });
    }

    /// A running task on an instance; an awsvpc task's ENI is attached to an instance without a trunk.
    pub fn task_on(&mut self, service: &Arn, instance: &Arn, name: &str) -> Arn {
        let task = self.task(service, name);
        self.edit_task(&task, |task| task.container_instance_arn = Some(instance.clone()));
        let attached = self.data.tasks.items().iter().find(|t| t.arn == task).unwrap().network_interface.clone();
        let trunked = self.data.container_instances.items().iter().find(|i| i.arn == *instance).unwrap();
        let trunked = trunked.attributes.contains_key("ecs.awsvpc-trunk-id");
        if let Some(attached) = attached.filter(|_| !trunked) {
            self.edit_host(instance, |host| {
                let index = i32::try_from(host.network_interfaces.len()).unwrap();
                let description = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:attachment/{name}");
                let mut interface = interface(name, index, &description, &attached.subnet_id.unwrap());
                interface.id = attached.network_interface_id.unwrap();
                host.network_interfaces.push(interface);
            });
        }
        self.edit_instance(instance, |instance| {
            instance.running_tasks_count += 1;
            instance.remaining_resources.cpu_units -= 256;
            instance.remaining_resources.memory_mib -= 512;
        });
        task
    }

    /// A task of a service that stopped ten minutes ago without having started.
    pub fn stopped_task(&mut self, service: &Arn, name: &str, reason: &str) -> Arn {
        let task = self.task(service, name);
        self.edit_task(&task, |task| {
            task.last_status = "STOPPED".into();
            task.desired_status = "STOPPED".into();
            task.started_at = None;
            task.stopped_at = Some(now() - SignedDuration::from_mins(10));
            task.stop_code = Some("TaskFailedToStart".into());
            task.stopped_reason = Some(reason.into());
        });
        task
    }

    /// A task of a service that was killed ten minutes ago, so long after it had started.
    pub fn killed_task(&mut self, service: &Arn, name: &str, reason: &str, lived: SignedDuration) -> Arn {
        let task = self.stopped_task(service, name, reason);
        self.edit_task(&task, |task| {
            task.started_at = task.stopped_at.map(|at| at - lived);
            task.stop_code = Some("ServiceSchedulerInitiated".into());
        });
        task
    }

    /// The newest event of a service.
    pub fn event(&mut self, service: &Arn, message: &str) {
        let event =
            ServiceEvent { created_at: Some(now() - SignedDuration::from_mins(5)), message: message.to_owned() };
        self.edit_service(service, |service| service.events.insert(0, event));
    }
}

/// A task of a service that started a day ago and nothing shows of but its ENI.
pub fn running_task(service: &Service, name: &str) -> Task {
    let arn = Arn::from(format!(
        "arn:aws:ecs:{REGION}:{ACCOUNT}:task/{}/{}",
        service.cluster_arn.name(),
        &id("t", name)[2..]
    ));
    let network = service.network_configuration.as_ref();
    Task {
        arn,
        cluster_arn: service.cluster_arn.clone(),
        task_definition_arn: service.task_definition.clone().unwrap(),
        group: Some(format!("service:{}", service.name).into()),
        started_by: None,
        last_status: "RUNNING".into(),
        desired_status: "RUNNING".into(),
        launch_type: service.launch_type.clone(),
        capacity_provider_name: None,
        container_instance_arn: None,
        platform_version: None,
        platform_family: None,
        enable_execute_command: false,
        created_at: Some(now() - SignedDuration::from_hours(24)),
        started_at: Some(now() - SignedDuration::from_hours(24)),
        stopped_at: None,
        stopping_at: None,
        stop_code: None,
        stopped_reason: None,
        network_interface: network.map(|network| TaskNetworkInterface {
            status: "ATTACHED".into(),
            network_interface_id: Some(NetworkInterfaceId::from(id("eni", name))),
            subnet_id: network.subnets.first().cloned(),
            private_ipv4_address: Some("10.0.1.20".into()),
            ipv6_address: None,
        }),
        containers: Vec::new(),
    }
}

/// An entry for container `app`, port 8080.
pub fn load_balancer(target_group: &Arn) -> ServiceLoadBalancer {
    ServiceLoadBalancer {
        target_group_arn: Some(target_group.clone()),
        load_balancer_name: None,
        container_name: Some("app".to_owned()),
        container_port: Some(8080),
        alternate_target_group_arn: None,
        production_listener_rule: None,
        test_listener_rule: None,
    }
}

/// Sets how a service and its deployments launch.
pub fn set_launch(service: &mut Service, launch_type: Option<LaunchType>, providers: &[&str]) {
    let strategy: Vec<CapacityProviderStrategyItem> = providers
        .iter()
        .map(|provider| CapacityProviderStrategyItem { capacity_provider: (*provider).to_owned(), weight: 1, base: 0 })
        .collect();
    for deployment in &mut service.deployments {
        deployment.launch_type.clone_from(&launch_type);
        deployment.capacity_provider_strategy.clone_from(&strategy);
    }
    service.launch_type = launch_type;
    service.capacity_provider_strategy = strategy;
}

/// Sets the network of a service and its deployments.
pub fn set_network(service: &mut Service, network: AwsvpcConfiguration) {
    for deployment in &mut service.deployments {
        deployment.network_configuration = Some(network.clone());
    }
    service.network_configuration = Some(network);
}

/// Pins the Fargate platform of a service and its deployments.
pub fn set_platform(service: &mut Service, version: &str) {
    for deployment in &mut service.deployments {
        deployment.platform_version = Some(version.to_owned());
    }
    service.platform_version = Some(version.to_owned());
}

/// Sets how many tasks a service wants and has.
pub fn set_counts(service: &mut Service, desired: i32, running: i32) {
    (service.desired_count, service.running_count) = (desired, running);
    for deployment in &mut service.deployments {
        (deployment.desired_count, deployment.running_count) = (desired, running);
    }
}

/// A network interface as DescribeInstances shows it.
pub fn interface(name: &str, device_index: i32, description: &str, subnet: &SubnetId) -> InstanceNetworkInterface {
    InstanceNetworkInterface {
        id: NetworkInterfaceId::from(id("eni", name)),
        interface_type: "interface".to_owned(),
        description: description.to_owned(),
        device_index,
        network_card_index: 0,
        subnet_id: Some(subnet.clone()),
        security_group_ids: vec![SecurityGroupId::from(id("sg", "instances"))],
        private_ips: vec!["10.0.0.10".into()],
        public_ip: None,
        ipv6_addresses: Vec::new(),
    }
}

/// Interfaces, vCPUs and memory in MiB of the types that fixtures use.
fn size(instance_type: &str) -> (i32, i32, i64) {
    match instance_type {
        "c5.large" => (3, 2, 4096),
        "m5.large" => (3, 2, 8192),
        "m5.xlarge" => (4, 4, 16384),
        "t3.large" => (3, 2, 8192),
        "p5.48xlarge" => (64, 192, 2_097_152),
        other => panic!("no size for {other}"),
    }
}

impl Container {
    /// Only its secrets.
    pub fn into_secrets(self) -> Vec<SecretReference> {
        self.0.secrets
    }

    /// Only its log configuration.
    pub fn into_log(self) -> Option<LogConfiguration> {
        self.0.log_configuration
    }
}
