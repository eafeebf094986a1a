//! What one message of ECS says went wrong: a stopped reason, a container's reason or a service event.
//!
//! Sources: "Stopped tasks error messages", "API failure reasons" and "Service event messages" in the ECS Developer
//! Guide, and the error names of the ECS agent. Wordings changed over the years and the API puts names in parentheses
//! that the guide leaves out, so a trouble is known by the words that stayed.

use std::net::IpAddr;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// What could not be done.
    pub trouble: Trouble,
    /// Why not, as far as the message tells.
    pub nature: Nature,
    /// Where a connection was tried.
    pub dialled: Option<Dialled>,
}

/// What makes two symptoms one: all but the very address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the fields are the symptom's")]
pub struct Kind {
    pub trouble: Trouble,
    pub nature: Nature,
    pub dialled: Option<Side>,
}

/// What kind of place a connection was tried to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// A private address.
    Private,
    /// A public address.
    Public,
    /// A name that was not resolved.
    Name,
}

impl Symptom {
    /// Its kind.
    pub fn kind(self) -> Kind {
        let side = |dialled| match dialled {
            Dialled::Private(_) => Side::Private,
            Dialled::Public(_) => Side::Public,
            Dialled::Name => Side::Name,
        };
        Kind { trouble: self.trouble, nature: self.nature, dialled: self.dialled.map(side) }
    }
}

/// What could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// Pull an image.
    Pull,
    /// Log in to ECR.
    RegistryAuth,
    /// Fetch a secret of Secrets Manager.
    SecretsManager,
    /// Fetch a parameter of Parameter Store.
    Parameter,
    /// Log in to ECR, or fetch a secret or a parameter: the message doesn't say which.
    SecretsOrAuth,
    /// Reach or find the log destination.
    Logs,
    /// Fetch an environment file.
    EnvironmentFile,
    /// Mount an EFS file system.
    FileSystem,
    /// Assume a role.
    Role,
    /// Find a free task-ENI slot on an instance.
    Slots,
    /// Make or attach a network interface, for another reason.
    NetworkInterface,
    /// Find a security group of the network configuration.
    SecurityGroup,
    /// Find a subnet of the network configuration.
    Subnet,
    /// Find a free address in a subnet.
    Addresses,
    /// Get a static host port.
    Ports,
    /// Find CPU on an instance.
    Cpu,
    /// Find memory on an instance.
    Memory,
    /// Find a GPU on an instance.
    Gpu,
    /// Find an instance with what the task requires, the zone of its subnets included.
    Attribute,
    /// Find an instance in a zone of the subnets.
    Zone,
    /// Satisfy a placement constraint.
    Constraint,
    /// Talk to the agent of an instance.
    Agent,
    /// Find any instance.
    Instances,
    /// Place a task, without a closer word.
    Placement,
    /// Get capacity from AWS.
    Capacity,
    /// Stay below a quota.
    Quota,
    /// Stop or start a task within the limits of the deployment.
    DeploymentLimits,
    /// Use a target group whose target type does not suit the network mode.
    TargetType,
    /// Find the target group or the target.
    TargetGroup,
    /// Pass the health check of a load balancer.
    LoadBalancerHealth,
    /// Pass the health check of the container.
    ContainerHealth,
    /// Stay within the memory of the container.
    OutOfMemory,
    /// Start the container.
    ContainerStart,
    /// Find or run the command of the container.
    Command,
    /// Run a program of another CPU architecture.
    Architecture,
    /// Find space on a disk.
    DiskSpace,
    /// Keep the application running.
    ApplicationExit,
    /// Keep the instance running.
    Host,
    /// Start tasks, without a closer word.
    Start,
}

impl Trouble {
    /// The needs whose absence it is a symptom of.
    pub fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Pull => &["ecr.dkr", "s3", "ecr.api"],
            Self::RegistryAuth => &["ecr.api"],
            Self::SecretsManager => &["secretsmanager"],
            Self::Parameter => &["ssm"],
            Self::SecretsOrAuth => &["ecr.api", "secretsmanager", "ssm"],
            Self::Logs => &["logs"],
            Self::EnvironmentFile => &["s3"],
            _ => &[],
        }
    }

    /// No instance was found for a task.
    pub fn is_placement(self) -> bool {
        matches!(
            self,
            Self::Slots
                | Self::Ports
                | Self::Cpu
                | Self::Memory
                | Self::Gpu
                | Self::Attribute
                | Self::Zone
                | Self::Constraint
                | Self::Agent
                | Self::Instances
                | Self::Placement
        )
    }
}

/// Why it could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nature {
    /// No answer: the path is broken, or the name was not resolved.
    Network,
    /// An answer that refuses the connection: the path is fine.
    Refused,
    /// A permission is missing, or a policy denies.
    Permission,
    /// What was asked for does not exist.
    Absent,
    /// Too many requests.
    RateLimit,
    /// The message doesn't say.
    Unsaid,
}

/// Where a connection was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// A private address: the name is answered by an endpoint, and what is before that refuses.
    Private(IpAddr),
    /// A public address: no endpoint answers the name, and the way out is missing or refused.
    Public(IpAddr),
    /// None: the name was not resolved.
    Name,
}

/// Words by trouble, in lower case; the first that matches counts, so closer words come first.
const TROUBLES: &[(Trouble, &[&str])] = &[
    (Trouble::Slots, &["resource:eni", "unused device index"]),
    (Trouble::Addresses, &["insufficientfreeaddressesinsubnet", "free addresses"]),
    (Trouble::SecurityGroup, &["invalidsecuritygroupid.notfound", "invalidgroup.notfound"]),
    (Trouble::Subnet, &["invalidsubnetid.notfound"]),
    (Trouble::OutOfMemory, &["outofmemoryerror", "killed due to memory"]),
    (Trouble::DiskSpace, &["no space left on device"]),
    // The name of an image may hold any of the words below.
    (Trouble::Pull, &["cannotpull", "cannot pull the image", "can't pull the image", "the task cannot pull '"]),
    (Trouble::Architecture, &["exec format error"]),
    // What runs containers quotes the command that it could not run.
    (Trouble::Command, &["executable file not found", "exec: \""]),
    (
        Trouble::Ports,
        &["already using a port", "resource:ports", "port is already allocated", "address already in use"],
    ),
    (Trouble::Cpu, &["insufficient cpu", "resource:cpu"]),
    (Trouble::Memory, &["insufficient memory", "resource:memory"]),
    (Trouble::Gpu, &["insufficient gpu", "resource:gpu"]),
    (Trouble::Constraint, &["placement constraint"]),
    (Trouble::Attribute, &["missing an attribute", "taskfailedtostart: attribute", "error \"attribute\""]),
    (Trouble::Zone, &["taskfailedtostart: location", "error \"location\""]),
    (Trouble::Agent, &["taskfailedtostart: agent", "error \"agent\"", "agent was disconnected"]),
    (
        Trouble::Instances,
        &[
            "no container instances were found",
            "no active instances",
            "empty capacity provider",
            "empty_capacity_provider",
        ],
    ),
    (Trouble::Capacity, &["capacity is unavailable", "capacity unavailable", "insufficientinstancecapacity"]),
    (
        Trouble::Quota,
        &[
            "reached the limit on the number",
            "above your limit",
            "capacity limit was exceeded",
            "networkinterfacelimitexceeded",
        ],
    ),
    (Trouble::Role, &["unable to assume the role", "unable to assume role"]),
    (
        Trouble::NetworkInterface,
        &["network interface provisioning", "create network interface", "containernetworkingerror"],
    ),
    (Trouble::DeploymentLimits, &["because of the service deployment configuration"]),
    (Trouble::TargetType, &["has target type", "incompatible with the"]),
    (Trouble::TargetGroup, &["target group is not found", "target is not found", "target group does not exist"]),
    (
        Trouble::LoadBalancerHealth,
        &[
            "failed elb health checks",
            "is unhealthy in",
            "not healthy in target",
            "is not enabled for the load balancer",
        ],
    ),
    (Trouble::ContainerHealth, &["failed container health checks"]),
    (Trouble::Logs, &["logger args", "log group", "log stream", "cloudwatch logs", "logging driver"]),
    (Trouble::FileSystem, &["efs utils", "efs volume", "failed to resolve fs-"]),
    (Trouble::SecretsManager, &["secrets manager", "secretsmanager", "from asm", "asm secret"]),
    (Trouble::Parameter, &["parameter store", "from ssm", "ssm:getparameters", "//ssm.", "ssm secret"]),
    (Trouble::EnvironmentFile, &["environment variable file", "environment file", "env file", "envfile"]),
    (
        Trouble::RegistryAuth,
        &["ecr registry auth", "registry authentication", "authorization token", "getauthorizationtoken", "//api.ecr."],
    ),
    // What fetches all three was stopped before it said which of them it waited for.
    (Trouble::SecretsOrAuth, &["secrets or registry auth"]),
    (Trouble::RegistryAuth, &["registry auth"]),
    (Trouble::Pull, &["pull command failed", "pull image", "ref pull", "image pull"]),
    (Trouble::Placement, &["unable to place a task"]),
    (Trouble::ContainerStart, &["cannotstartcontainer", "cannotcreatecontainer", "dockertimeouterror"]),
    (Trouble::ApplicationExit, &["essential container"]),
    (Trouble::Host, &["host ec2 (", "host ec2 instance"]),
    (
        Trouble::Start,
        &[
            "unable to consistently start tasks",
            "tasks failed to start",
            "could not launch",
            "taskfailedtostart",
            "resourceinitializationerror",
        ],
    ),
];

/// Words by nature, likewise.
const NATURES: &[(Nature, &[&str])] = &[
    (
        Nature::Permission,
        &[
            "accessdenied",
            "access denied",
            "not authorized to perform",
            "is not authorized",
            "unauthorizedoperation",
            "authfailure",
            "no basic auth credentials",
            "403 forbidden",
            "api error forbidden",
            "statuscode: 403",
            "status code: 403",
            "unable to assume",
            "execution role credentials",
        ],
    ),
    (Nature::RateLimit, &["toomanyrequests", "too many requests", "rate limit", "rate exceeded", "throttl"]),
    (Nature::Refused, &["connection refused"]),
    (
        Nature::Network,
        &[
            "dial tcp",
            "dial udp",
            "i/o timeout",
            "tls handshake timeout",
            "connection timed out",
            "client.timeout exceeded",
            "request canceled",
            "requestcanceled",
            "context deadline exceeded",
            "signal: killed",
            "connection issue",
            "check your network",
            "check your task network",
            "request timed out",
            "connection reset",
            "nil pointer dereference",
            "failed to resolve fs-",
        ],
    ),
    (Nature::Absent, &["not found", "notfound", "does not exist", "manifest unknown", "no such file"]),
];

/// Reads a message. `None` for one that tells of no failure, or of one that is not known here.
pub fn read(message: &str) -> Option<Symptom> {
    let text = message.to_lowercase();
    let trouble = first(TROUBLES, &text)?;
    let nature = first(NATURES, &text).unwrap_or(Nature::Unsaid);
    Some(Symptom { trouble, nature, dialled: dialled(&text) })
}

/// Whether a service event says that all is well: what came before it has healed.
pub fn heals(message: &str) -> bool {
    message.contains("has reached a steady state")
}

fn first<T: Copy>(table: &[(T, &[&str])], text: &str) -> Option<T> {
    table.iter().find(|(_, words)| words.iter().any(|word| text.contains(word))).map(|(value, _)| *value)
}

fn dialled(text: &str) -> Option<Dialled> {
    let after = ["dial tcp", "dial udp"].iter().find_map(|words| text.split_once(words))?.1;
    let rest = after.trim_start_matches([':', ' ']);
    if rest.starts_with("lookup ") {
        return Some(Dialled::Name);
    }
    let place = rest.split_whitespace().next()?.trim_end_matches([':', ',', '"']);
    let host = place.rsplit_once(':')?.0.trim_start_matches('[').trim_end_matches(']');
    let address: IpAddr = host.parse().ok()?;
    let private = match address {
        IpAddr::V4(v4) if v4.is_loopback() || v4.is_link_local() => return None,
        IpAddr::V4(v4) => v4.is_private() || is_shared(v4.octets()),
        // Addresses of a VPC are global ones too: those say nothing.
        IpAddr::V6(v6) if v6.is_unique_local() => true,
        IpAddr::V6(_) => return None,
    };
    Some(if private { Dialled::Private(address) } else { Dialled::Public(address) })
}

/// 100.64.0.0/10, which VPCs use as well.
fn is_shared(octets: [u8; 4]) -> bool {
    octets[0] == 100 && (64..128).contains(&octets[1])
}
