//! What a workload must reach to start and to log, which field of the task definition says so, and from which interface.
//!
//! Sources: "Amazon ECS interface VPC endpoints" and "Fargate task networking" in the ECS Developer Guide, "Amazon ECR
//! interface VPC endpoints" in the ECR User Guide. Secrets need no KMS endpoint: the service decrypts.

use crate::analysis::image::{self, Registry};
use crate::snapshot::ecs::{ContainerDefinition, LogConfiguration, TaskDefinition};
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::InterfaceKind;
use crate::topology::workload::Variant;

/// An AWS service that a workload must reach over TCP 443.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The endpoint service, `ecr.dkr` for instance.
    pub service: &'static str,
    /// Its Region.
    pub region: String,
    /// The interface that calls it.
    pub interface: InterfaceKind,
    /// What asks for it.
    pub causes: Vec<NeedCause>,
    /// A task can't start without it.
    pub blocks_start: bool,
    /// Why it isn't certain that it is needed in this form; `None` when it is.
    pub doubt: Option<Text>,
}

/// The container and field that ask for something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeedCause {
    /// The container; `None` for what the task asks for as a whole.
    pub container: Option<String>,
    /// `image`, `logConfiguration`, `secrets` …
    pub field: &'static str,
}

struct Needs<'a> {
    region: &'a str,
    launch: LaunchKind,
    awsvpc: bool,
    before_1_4: bool,
    list: Vec<Need>,
}

/// The needs of a revision where it launches, one for each (service, Region, interface).
pub fn of(region: &str, variant: &Variant<'_>, definition: &TaskDefinition, launch: LaunchKind) -> Vec<Need> {
    if launch == LaunchKind::External {
        // ECS Anywhere instances are on somebody else's network.
        return Vec::new();
    }
    let mut needs = Needs {
        region,
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
            let doubt = text![
                "what the Service Connect proxy of a Fargate task needs without internet access is not documented"
            ];
            needs.add(
                "ecs-agent",
                region,
                NeedCause { container: None, field: "serviceConnectConfiguration" },
                Some(doubt),
            );
        }
    }
    needs.list
}

/// Platform version 1.3.0 and older fetch secrets and registry credentials over a network of AWS's own.
fn is_before_1_4(variant: &Variant<'_>, definition: &TaskDefinition) -> bool {
    let windows = definition.operating_system_family.as_deref().is_some_and(|family| family.starts_with("WINDOWS"));
    let minor = variant.platform_version.and_then(|version| version.strip_prefix("1."));
    let minor = minor.and_then(|rest| rest.split('.').next()).and_then(|minor| minor.parse::<u32>().ok());
    !windows && minor.is_some_and(|minor| minor < 4)
}

impl Needs<'_> {
    fn of_container(&mut self, container: &ContainerDefinition) {
        let cause = |field| NeedCause { container: Some(container.name.clone()), field };
        if let Registry::Ecr { region, fips, .. } = image::registry(&container.image) {
            let doubt = fips.then(|| text!["the image has a FIPS host name, which only a FIPS endpoint serves"]);
            if !self.before_1_4 {
                self.add("ecr.api", &region, cause("image"), doubt.clone());
            }
            self.add("ecr.dkr", &region, cause("image"), doubt);
            self.add("s3", &region, cause("image"), None);
        }
        if !self.before_1_4 {
            for secret in &container.secrets {
                self.of_reference(&secret.value_from, Some(container), "secrets");
            }
            if let Some(credentials) = &container.repository_credentials {
                self.of_secret(credentials, Some(container), "repositoryCredentials");
            }
            for _ in &container.environment_files {
                self.add("s3", self.region, cause("environmentFiles"), None);
            }
        }
        if container.firelens_config_file_type.as_deref() == Some("s3") {
            self.add("s3", self.region, cause("firelensConfiguration"), None);
        }
        if let Some(log) = &container.log_configuration {
            self.of_log(log, Some(container));
        }
    }

    fn of_log(&mut self, log: &LogConfiguration, container: Option<&ContainerDefinition>) {
        let name = container.map(|container| container.name.clone());
        if !self.before_1_4 {
            for secret in &log.secret_options {
                self.of_reference(&secret.value_from, container, "logConfiguration.secretOptions");
            }
        }
        let cause = NeedCause { container: name, field: "logConfiguration" };
        match log.log_driver.as_str() {
            "awslogs" => {
                let region = log.options.get("awslogs-region").map_or(self.region, String::as_str);
                let doubt =
                    log.options.get("awslogs-endpoint").map(|_| text!["awslogs-endpoint names an endpoint of its own"]);
                self.add("logs", region, cause, doubt);
            }
            "awsfirelens" => self.of_firelens(log, cause),
            _ => {}
        }
    }

    /// The output plugin runs in the log router and sends from its network namespace.
    fn of_firelens(&mut self, log: &LogConfiguration, cause: NeedCause) {
        let service = match log.options.get("Name").map(String::as_str) {
            Some("cloudwatch" | "cloudwatch_logs") => "logs",
            Some("firehose" | "kinesis_firehose") => "kinesis-firehose",
            Some("kinesis" | "kinesis_streams") => "kinesis-streams",
            Some("s3") => "s3",
            _ => return,
        };
        let region = log.options.get("region").map_or(self.region, String::as_str).to_owned();
        let doubt = log.options.get("endpoint").map(|_| text!["the log output names an endpoint of its own"]);
        let interface = match (self.launch, self.awsvpc) {
            (LaunchKind::Fargate, _) | (_, true) => InterfaceKind::TaskEni,
            (_, false) => InterfaceKind::InstanceEni,
        };
        self.merge(service, &region, interface, cause, false, doubt);
    }

    /// An ARN of Secrets Manager or Parameter Store, or the bare name of a parameter of this Region.
    fn of_reference(&mut self, value_from: &str, container: Option<&ContainerDefinition>, field: &'static str) {
        let cause = NeedCause { container: container.map(|container| container.name.clone()), field };
        let mut parts = value_from.split(':');
        if parts.next() != Some("arn") {
            self.add("ssm", self.region, cause, None);
            return;
        }
        let (service, region) = (parts.nth(1), parts.next());
        match (service, region) {
            (Some("secretsmanager"), Some(region)) => self.add("secretsmanager", region, cause, None),
            (Some("ssm"), Some(region)) => self.add("ssm", region, cause, None),
            _ => {}
        }
    }

    /// Like [`Self::of_reference`], but a bare name is a secret's.
    fn of_secret(&mut self, parameter: &str, container: Option<&ContainerDefinition>, field: &'static str) {
        if parameter.starts_with("arn:") {
            self.of_reference(parameter, container, field);
        } else {
            let cause = NeedCause { container: container.map(|container| container.name.clone()), field };
            self.add("secretsmanager", self.region, cause, None);
        }
    }

    /// What the platform fetches before the containers start: by the task ENI on Fargate, else by the instance's.
    fn add(&mut self, service: &'static str, region: &str, cause: NeedCause, doubt: Option<Text>) {
        let interface = match self.launch {
            LaunchKind::Fargate => InterfaceKind::TaskEni,
            LaunchKind::Ec2 | LaunchKind::ManagedInstances | LaunchKind::External => InterfaceKind::InstanceEni,
        };
        self.merge(service, region, interface, cause, true, doubt);
    }

    fn merge(
        &mut self,
        service: &'static str,
        region: &str,
        interface: InterfaceKind,
        cause: NeedCause,
        blocks_start: bool,
        doubt: Option<Text>,
    ) {
        let doubt = match self.launch {
            LaunchKind::ManagedInstances => {
                Some(text!["which endpoints Managed Instances need without internet access is not documented"])
            }
            LaunchKind::Fargate | LaunchKind::Ec2 | LaunchKind::External => doubt,
        };
        let same = |need: &&mut Need| need.service == service && need.region == region && need.interface == interface;
        if let Some(need) = self.list.iter_mut().find(same) {
            if !need.causes.contains(&cause) {
                need.causes.push(cause);
            }
            need.blocks_start |= blocks_start;
            // One certain cause is enough.
            need.doubt = need.doubt.take().and(doubt);
            return;
        }
        let region = region.to_owned();
        self.list.push(Need { service, region, interface, causes: vec![cause], blocks_start, doubt });
    }
}
