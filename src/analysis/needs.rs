//! What a workload must reach to start, to log and to be entered, which field says so, and from which interface.
//!
//! Sources: "Amazon ECS interface VPC endpoints" and "Fargate task networking" in the ECS Developer Guide, "Amazon ECR
//! interface VPC endpoints" in the ECR User Guide. Secrets need no KMS endpoint: the service decrypts.

use crate::analysis::names;
use crate::image::{self, Image, Registry};
use crate::snapshot::ecs::{Cluster, ContainerDefinition, LogConfiguration, TaskDefinition};
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::InterfaceKind;
use crate::topology::workload::{Variant, Workload};
use crate::topology::{Lookup, Topology};

/// What has to be reached, over TCP 443.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// An AWS service.
    Service {
        /// The endpoint service, `ecr.dkr` for instance.
        service: &'static str,
        /// Its Region.
        region: String,
        /// The host that is resolved.
        host: String,
    },
    /// A public registry, or an upstream one behind a pull-through cache.
    PublicHost(String),
    /// A host of which it isn't known where it is.
    OtherHost(String),
}

/// What a need is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// To pull an image.
    Image,
    /// To fetch a secret, parameter, credential or file.
    Fetch,
    /// To log.
    Log,
    /// To be entered by ECS Exec.
    Exec,
    /// To run the Service Connect proxy.
    ServiceConnect,
    /// To be told by ECS what to run.
    ControlPlane,
}

/// A call that an endpoint's policy has to allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The IAM action.
    pub action: &'static str,
    /// The ARN, where it is known.
    pub resource: Option<String>,
    /// AWS itself signs the request, not a role of the account.
    pub by_aws: bool,
    /// The platform signs it on start, with the execution role; afterwards it is the task's own.
    pub on_start: bool,
}

/// Something that a workload must reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub destination: Destination,
    /// The interface that calls it.
    pub interface: InterfaceKind,
    /// What asks for it.
    pub causes: Vec<NeedCause>,
    /// What an endpoint's policy has to allow.
    pub calls: Vec<Call>,
    /// A task can't start without it.
    pub blocks_start: bool,
    /// Why it isn't certain that it is needed in this form; `None` when it is.
    pub doubt: Option<Text>,
}

impl Need {
    /// The name in reports: `logs`, `logs (us-east-1)` or a host.
    pub fn name(&self, home_region: &str) -> String {
        match &self.destination {
            Destination::Service { service, region, .. } if region == home_region => (*service).to_owned(),
            Destination::Service { service, region, .. } => format!("{service} ({region})"),
            Destination::PublicHost(host) | Destination::OtherHost(host) => host.clone(),
        }
    }

    /// The endpoint service, if it is an AWS service.
    pub fn service(&self) -> Option<&'static str> {
        match &self.destination {
            Destination::Service { service, .. } => Some(service),
            Destination::PublicHost(_) | Destination::OtherHost(_) => None,
        }
    }

    /// The Region, if it is an AWS service.
    pub fn region(&self) -> Option<&str> {
        match &self.destination {
            Destination::Service { region, .. } => Some(region),
            Destination::PublicHost(_) | Destination::OtherHost(_) => None,
        }
    }

    /// Whether one of its causes has the purpose.
    pub fn is_for(&self, purpose: Purpose) -> bool {
        self.causes.iter().any(|cause| cause.purpose == purpose)
    }
}

/// The container and field that ask for something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeedCause {
    /// What for.
    pub purpose: Purpose,
    /// The container; `None` for what the task asks for as a whole.
    pub container: Option<String>,
    /// `image`, `logConfiguration`, `secrets` …
    pub field: &'static str,
}

/// The field of a cause that is an image which its pull-through cache has yet to fetch.
pub const PULL_THROUGH: &str = "image, not yet in the pull-through cache";

struct Needs<'a, 's> {
    topology: &'a Topology<'s>,
    region: &'a str,
    partition: &'a str,
    launch: LaunchKind,
    awsvpc: bool,
    before_1_4: bool,
    list: Vec<Need>,
}

/// The needs of a revision where it launches, one for each destination and interface.
pub fn of<'s>(
    topology: &Topology<'s>,
    workload: &Workload<'s>,
    variant: &Variant<'s>,
    definition: &TaskDefinition,
    launch: LaunchKind,
) -> Vec<Need> {
    if launch == LaunchKind::External {
        // ECS Anywhere instances are on somebody else's network.
        return Vec::new();
    }
    let mut needs = Needs {
        topology,
        region: &topology.target.region,
        partition: &topology.target.partition,
        launch,
        awsvpc: definition.network_mode == Some(NetworkMode::Awsvpc),
        before_1_4: launch == LaunchKind::Fargate && is_before_1_4(variant, definition),
        list: Vec::new(),
    };
    for container in &definition.containers {
        needs.of_container(container);
    }
    for volume in &definition.volumes {
        if let Some(parameter) = &volume.fsx_credentials_parameter {
            needs.of_reference(parameter, None, "fsxWindowsFileServerVolumeConfiguration");
        }
    }
    if let Some(configuration) = variant.service_connect {
        if let Some(log) = &configuration.log_configuration {
            needs.of_log(log, None);
        }
        if launch == LaunchKind::Fargate {
            needs.of_service_connect();
        }
    }
    if workload.execute_command_enabled() {
        needs.of_exec(&topology.cluster(workload.cluster_arn));
    }
    needs.list
}

/// What the agent of a container instance has to reach; ECS hands it a polling host of its own under the names of these.
pub fn of_container_instances(topology: &Topology<'_>) -> Vec<Need> {
    let (region, partition) = (&topology.target.region, &topology.target.partition);
    let need = |service: &'static str, calls: &[&'static str]| Need {
        destination: Destination::Service {
            service,
            region: region.clone(),
            host: names::host(partition, region, service),
        },
        interface: InterfaceKind::InstanceEni,
        causes: vec![NeedCause { purpose: Purpose::ControlPlane, container: None, field: "container agent" }],
        calls: calls.iter().map(|action| Call { action, resource: None, by_aws: false, on_start: true }).collect(),
        blocks_start: true,
        doubt: None,
    };
    vec![
        need("ecs", &["ecs:RegisterContainerInstance", "ecs:DiscoverPollEndpoint", "ecs:SubmitTaskStateChange"]),
        need("ecs-agent", &["ecs:Poll"]),
        need("ecs-telemetry", &["ecs:StartTelemetrySession"]),
    ]
}

/// Platform version 1.3.0 and older fetch secrets and registry credentials over a network of AWS's own.
fn is_before_1_4(variant: &Variant<'_>, definition: &TaskDefinition) -> bool {
    let windows = definition.operating_system_family.as_deref().is_some_and(|family| family.starts_with("WINDOWS"));
    let minor = variant.platform_version.and_then(|version| version.strip_prefix("1."));
    let minor = minor.and_then(|rest| rest.split('.').next()).and_then(|minor| minor.parse::<u32>().ok());
    !windows && minor.is_some_and(|minor| minor < 4)
}

/// What is added to the list.
struct Asked {
    destination: Destination,
    interface: InterfaceKind,
    cause: NeedCause,
    calls: Vec<Call>,
    blocks_start: bool,
    doubt: Option<Text>,
}

fn call(action: &'static str, resource: Option<String>) -> Call {
    Call { action, resource, by_aws: false, on_start: true }
}

impl Needs<'_, '_> {
    fn of_container(&mut self, container: &ContainerDefinition) {
        self.of_image(container);
        let name = || Some(container.name.clone());
        if !self.before_1_4 {
            for secret in &container.secrets {
                self.of_reference(&secret.value_from, name(), "secrets");
            }
            if let Some(credentials) = &container.repository_credentials {
                self.of_secret(credentials, name(), "repositoryCredentials");
            }
            for file in &container.environment_files {
                self.of_file(file, name(), "environmentFiles");
            }
        }
        if container.firelens_config_file_type.as_deref() == Some("s3") {
            let file = container.firelens_config_file_value.clone().unwrap_or_default();
            self.of_file(&file, name(), "firelensConfiguration");
        }
        if let Some(log) = &container.log_configuration {
            self.of_log(log, Some(container));
        }
    }

    fn of_image(&mut self, container: &ContainerDefinition) {
        let cause = || NeedCause { purpose: Purpose::Image, container: Some(container.name.clone()), field: "image" };
        let parsed = image::parse(&container.image);
        let repository = &parsed.repository;
        match parsed.registry.clone() {
            Registry::Ecr { account, region, fips, host } => {
                let doubt = fips.then(|| text!["the image has a FIPS host name, which only a FIPS endpoint serves"]);
                let arn = format!("arn:{}:ecr:{region}:{account}:repository/{repository}", self.partition);
                if !self.before_1_4 {
                    let calls = vec![call("ecr:GetAuthorizationToken", Some("*".to_owned()))];
                    self.add(self.service("ecr.api", &region), cause(), calls, doubt.clone());
                }
                let registry = Destination::Service { service: "ecr.dkr", region: region.clone(), host };
                let calls =
                    vec![call("ecr:BatchGetImage", Some(arn.clone())), call("ecr:GetDownloadUrlForLayer", Some(arn))];
                self.add(registry, cause(), calls, doubt);
                let layers = format!("arn:{}:s3:::prod-{region}-starport-layer-bucket/*", self.partition);
                // Layers are fetched by addresses that ECR signs.
                let calls = vec![Call { action: "s3:GetObject", resource: Some(layers), by_aws: true, on_start: true }];
                self.add(self.service("s3", &region), cause(), calls, None);
                self.of_pull_through(&parsed, cause());
            }
            Registry::Other { host } => {
                let destination = match image::is_public_registry(&host) {
                    true => Destination::PublicHost(host),
                    false => Destination::OtherHost(host),
                };
                self.add(destination, cause(), Vec::new(), None);
            }
        }
    }

    /// The first pull through a cache rule has to fetch from upstream, which through an endpoint needs a way out too
    /// ("Amazon ECR interface VPC endpoints"); what is cached already needs none.
    fn of_pull_through(&mut self, image: &Image, cause: NeedCause) {
        let target = self.topology.target;
        if !image.is_in(&target.account, &target.region) {
            return;
        }
        let mut rules = target.data.pull_through_cache_rules.items().iter();
        let Some(rule) = rules.find(|rule| image.comes_through(&rule.ecr_repository_prefix)) else { return };
        let known = target.data.cached_images.items().iter();
        let mut known = known.filter(|c| c.repository == image.repository && c.reference == image.reference);
        let doubt = match known.next().map(|cached| cached.present) {
            Some(true) => return,
            Some(false) => None,
            None => Some(text!["whether ", &image.repository, " is in the pull-through cache is not known"]),
        };
        let cause = NeedCause { field: PULL_THROUGH, ..cause };
        self.add(Destination::PublicHost(rule.upstream_registry_url.clone()), cause, Vec::new(), doubt);
    }

    fn of_log(&mut self, log: &LogConfiguration, container: Option<&ContainerDefinition>) {
        let name = container.map(|container| container.name.clone());
        if !self.before_1_4 {
            for secret in &log.secret_options {
                self.of_reference(&secret.value_from, name.clone(), "logConfiguration.secretOptions");
            }
        }
        let cause = NeedCause { purpose: Purpose::Log, container: name, field: "logConfiguration" };
        match log.log_driver.as_str() {
            "awslogs" => {
                let region = log.options.get("awslogs-region").map_or(self.region, String::as_str);
                let doubt =
                    log.options.get("awslogs-endpoint").map(|_| text!["awslogs-endpoint names an endpoint of its own"]);
                let group = log.options.get("awslogs-group").map(|group| self.log_group(region, group));
                let calls = vec![call("logs:CreateLogStream", group.clone()), call("logs:PutLogEvents", group)];
                self.add(self.service("logs", region), cause, calls, doubt);
            }
            "awsfirelens" => self.of_firelens(log, cause),
            _ => {}
        }
    }

    fn log_group(&self, region: &str, group: &str) -> String {
        let account = &self.topology.target.account;
        format!("arn:{}:logs:{region}:{account}:log-group:{group}:log-stream:*", self.partition)
    }

    /// The output plugin runs in the log router and sends from its network namespace.
    fn of_firelens(&mut self, log: &LogConfiguration, cause: NeedCause) {
        let (service, action) = match log.options.get("Name").map(String::as_str) {
            Some("cloudwatch" | "cloudwatch_logs") => ("logs", "logs:PutLogEvents"),
            Some("firehose" | "kinesis_firehose") => ("kinesis-firehose", "firehose:PutRecordBatch"),
            Some("kinesis" | "kinesis_streams") => ("kinesis-streams", "kinesis:PutRecords"),
            Some("s3") => ("s3", "s3:PutObject"),
            _ => return,
        };
        let region = log.options.get("region").map_or(self.region, String::as_str);
        let doubt = log.options.get("endpoint").map(|_| text!["the log output names an endpoint of its own"]);
        self.merge(Asked {
            destination: self.service(service, region),
            interface: self.own_interface(),
            cause,
            calls: vec![call(action, None)],
            blocks_start: false,
            doubt,
        });
    }

    fn of_service_connect(&mut self) {
        let doubt =
            text!["what the Service Connect proxy of a Fargate task needs without internet access is not documented"];
        let cause =
            NeedCause { purpose: Purpose::ServiceConnect, container: None, field: "serviceConnectConfiguration" };
        self.add(self.service("ecs-agent", self.region), cause, vec![call("ecs:Poll", None)], Some(doubt));
    }

    /// The Exec agent runs inside the container ("ECS Exec" in the ECS Developer Guide).
    fn of_exec(&mut self, cluster: &Lookup<&Cluster>) {
        let configuration = match cluster {
            Lookup::Found(cluster) => cluster.execute_command_configuration.as_ref(),
            Lookup::Absent | Lookup::Unread(_) => None,
        };
        let mut services = vec![("ssmmessages", "ssmmessages:OpenDataChannel", "enableExecuteCommand")];
        if let Some(configuration) = configuration {
            let field = "executeCommandConfiguration";
            if configuration.kms_key_id.is_some() {
                services.push(("kms", "kms:Decrypt", field));
            }
            if configuration.logging.as_deref() == Some("OVERRIDE") {
                if configuration.logs_to_cloud_watch {
                    services.push(("logs", "logs:PutLogEvents", field));
                }
                if configuration.logs_to_s3 {
                    services.push(("s3", "s3:PutObject", field));
                }
            }
        }
        for (service, action, field) in services {
            self.merge(Asked {
                destination: self.service(service, self.region),
                interface: self.own_interface(),
                cause: NeedCause { purpose: Purpose::Exec, container: None, field },
                calls: vec![call(action, None)],
                blocks_start: false,
                doubt: None,
            });
        }
    }

    /// An ARN of Secrets Manager or Parameter Store, or the bare name of a parameter of this Region.
    fn of_reference(&mut self, value_from: &str, container: Option<String>, field: &'static str) {
        let cause = NeedCause { purpose: Purpose::Fetch, container, field };
        let mut parts = value_from.split(':');
        if parts.next() != Some("arn") {
            let account = &self.topology.target.account;
            let name = value_from.trim_start_matches('/');
            let arn = format!("arn:{}:ssm:{}:{account}:parameter/{name}", self.partition, self.region);
            self.add(self.service("ssm", self.region), cause, vec![call("ssm:GetParameters", Some(arn))], None);
            return;
        }
        let (service, region) = (parts.nth(1), parts.next());
        match (service, region) {
            (Some("secretsmanager"), Some(region)) => {
                // The secret's ARN ends before a JSON key, a stage or a version.
                let arn = value_from.split(':').take(7).collect::<Vec<_>>().join(":");
                let calls = vec![call("secretsmanager:GetSecretValue", Some(arn))];
                self.add(self.service("secretsmanager", region), cause, calls, None);
            }
            (Some("ssm"), Some(region)) => {
                let calls = vec![call("ssm:GetParameters", Some(value_from.to_owned()))];
                self.add(self.service("ssm", region), cause, calls, None);
            }
            _ => {}
        }
    }

    /// Like [`Self::of_reference`], but a bare name is a secret's.
    fn of_secret(&mut self, parameter: &str, container: Option<String>, field: &'static str) {
        if parameter.starts_with("arn:") {
            self.of_reference(parameter, container, field);
        } else {
            let cause = NeedCause { purpose: Purpose::Fetch, container, field };
            let calls = vec![call("secretsmanager:GetSecretValue", None)];
            self.add(self.service("secretsmanager", self.region), cause, calls, None);
        }
    }

    /// An object of a bucket whose Region its ARN doesn't say.
    fn of_file(&mut self, arn: &str, container: Option<String>, field: &'static str) {
        let cause = NeedCause { purpose: Purpose::Fetch, container, field };
        let calls = vec![call("s3:GetObject", arn.starts_with("arn:").then(|| arn.to_owned()))];
        self.add(self.service("s3", self.region), cause, calls, None);
    }

    fn service(&self, service: &'static str, region: &str) -> Destination {
        let host = names::host(self.partition, region, service);
        Destination::Service { service, region: region.to_owned(), host }
    }

    /// The interface of the container's own network namespace.
    fn own_interface(&self) -> InterfaceKind {
        match (self.launch, self.awsvpc) {
            (LaunchKind::Fargate, _) | (_, true) => InterfaceKind::TaskEni,
            (_, false) => InterfaceKind::InstanceEni,
        }
    }

    /// What the platform fetches before the containers start: by the task ENI on Fargate, else by the instance's.
    fn add(&mut self, destination: Destination, cause: NeedCause, calls: Vec<Call>, doubt: Option<Text>) {
        let interface = match self.launch {
            LaunchKind::Fargate => InterfaceKind::TaskEni,
            LaunchKind::Ec2 | LaunchKind::ManagedInstances | LaunchKind::External => InterfaceKind::InstanceEni,
        };
        self.merge(Asked { destination, interface, cause, calls, blocks_start: true, doubt });
    }

    fn merge(&mut self, asked: Asked) {
        let doubt = match self.launch {
            LaunchKind::ManagedInstances => {
                Some(text!["which endpoints Managed Instances need without internet access is not documented"])
            }
            LaunchKind::Fargate | LaunchKind::Ec2 | LaunchKind::External => asked.doubt,
        };
        let on_start = asked.blocks_start;
        let calls: Vec<Call> = asked.calls.into_iter().map(|call| Call { on_start, ..call }).collect();
        let same = |need: &&mut Need| need.destination == asked.destination && need.interface == asked.interface;
        if let Some(need) = self.list.iter_mut().find(same) {
            if !need.causes.contains(&asked.cause) {
                need.causes.push(asked.cause);
            }
            for call in calls {
                if !need.calls.contains(&call) {
                    need.calls.push(call);
                }
            }
            need.blocks_start |= asked.blocks_start;
            // One certain cause is enough.
            need.doubt = need.doubt.take().and(doubt);
            return;
        }
        self.list.push(Need {
            destination: asked.destination,
            interface: asked.interface,
            causes: vec![asked.cause],
            calls,
            blocks_start: asked.blocks_start,
            doubt,
        });
    }
}
