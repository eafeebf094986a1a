//! What ECS could not do, in plain words, and what helps.

use crate::symptom::{Kind, Nature, Side, Trouble};

/// The word for a trouble in facts.
pub(super) fn name(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Pull => "pull",
        Trouble::RegistryAuth => "registry-auth",
        Trouble::SecretsManager => "secrets-manager",
        Trouble::Parameter => "parameter-store",
        Trouble::SecretsOrAuth => "secrets-or-registry-auth",
        Trouble::Logs => "logs",
        Trouble::EnvironmentFile => "environment-file",
        Trouble::FileSystem => "file-system",
        Trouble::Role => "role",
        Trouble::Slots => "task-eni-slots",
        Trouble::NetworkInterface => "network-interface",
        Trouble::SecurityGroup => "security-group",
        Trouble::Subnet => "subnet",
        Trouble::Addresses => "addresses",
        Trouble::Ports => "ports",
        Trouble::Cpu => "cpu",
        Trouble::Memory => "memory",
        Trouble::Gpu => "gpu",
        Trouble::Attribute => "attribute",
        Trouble::Zone => "zone",
        Trouble::Constraint => "constraint",
        Trouble::Agent => "agent",
        Trouble::Instances => "instances",
        Trouble::Placement => "placement",
        Trouble::Capacity => "capacity",
        Trouble::Quota => "quota",
        Trouble::ContainerStart => "container-start",
        Trouble::Command => "command",
        Trouble::Architecture => "architecture",
        Trouble::DiskSpace => "disk-space",
        Trouble::OutOfMemory => "out-of-memory",
        Trouble::Host => "host",
        Trouble::DeploymentLimits
        | Trouble::TargetType
        | Trouble::TargetGroup
        | Trouble::LoadBalancerHealth
        | Trouble::ContainerHealth
        | Trouble::ApplicationExit
        | Trouble::Start => "other",
    }
}

/// The word for a nature in facts.
pub(super) fn nature_name(nature: Nature) -> &'static str {
    match nature {
        Nature::Network => "network",
        Nature::Refused => "refused",
        Nature::Permission => "permission",
        Nature::Absent => "absent",
        Nature::RateLimit => "rate-limit",
        Nature::Unsaid => "unsaid",
    }
}

/// The word for where a connection was tried.
pub(super) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Private => "private-address",
        Side::Public => "public-address",
        Side::Name => "unresolved-name",
    }
}

/// What went wrong, as a sentence without its end. `None` where only the message itself says it.
pub(super) fn words(trouble: Trouble) -> Option<&'static str> {
    let words = match trouble {
        Trouble::Pull => "the image could not be pulled",
        Trouble::RegistryAuth => "the login to Amazon ECR failed",
        Trouble::SecretsManager => "a secret could not be fetched from Secrets Manager",
        Trouble::Parameter => "a parameter could not be fetched from Parameter Store",
        Trouble::SecretsOrAuth => {
            "the login to Amazon ECR or the fetch of a secret or parameter failed (AWS does not say which)"
        }
        Trouble::Logs => "the log destination could not be set up",
        Trouble::EnvironmentFile => "an environment file could not be fetched from S3",
        Trouble::FileSystem => "the EFS file system could not be mounted",
        Trouble::Role => "a role of the task could not be assumed",
        Trouble::Slots => "no slot for a task ENI was free",
        Trouble::NetworkInterface => "the network interface could not be made or attached",
        Trouble::SecurityGroup => "a security group of the network configuration is gone",
        Trouble::Subnet => "a subnet of the network configuration is gone",
        Trouble::Addresses => "the subnet had no free address",
        Trouble::Ports => "a static host port was taken",
        Trouble::Cpu => "no instance had enough CPU left",
        Trouble::Memory => "no instance had enough memory left",
        Trouble::Gpu => "no instance had a GPU left",
        Trouble::Attribute => "no instance had what the task requires, the zone of its subnets included",
        Trouble::Zone => "no instance was in a zone of the subnets",
        Trouble::Constraint => "no instance satisfied the placement constraints",
        Trouble::Agent => "the agent of the instance was not connected",
        Trouble::Instances => "there was no container instance",
        Trouble::Placement => "no place was found, for no closer reason",
        Trouble::Capacity => "AWS had no capacity",
        Trouble::Quota => "a quota of the account was reached",
        Trouble::ContainerStart => "a container could not be started",
        Trouble::Command => "the command of a container is not in its image, or cannot be run",
        Trouble::Architecture => "a container runs a program that is built for another CPU architecture",
        Trouble::DiskSpace => "no disk space was left",
        Trouble::OutOfMemory => "a container ran out of memory",
        Trouble::Host => "the instance went away",
        Trouble::DeploymentLimits
        | Trouble::TargetType
        | Trouble::TargetGroup
        | Trouble::LoadBalancerHealth
        | Trouble::ContainerHealth
        | Trouble::ApplicationExit
        | Trouble::Start => return None,
    };
    Some(words)
}

/// Why, and what the dialled address tells, after a comma.
pub(super) fn why(kind: Kind) -> Option<&'static str> {
    let says_it = |trouble| {
        use Trouble::{Architecture, Command, DiskSpace, SecurityGroup, Subnet};
        matches!(trouble, Architecture | Command | DiskSpace | SecurityGroup | Subnet)
    };
    let words = match (kind.nature, kind.dialled) {
        _ if says_it(kind.trouble) => return None,
        (Nature::Network, Some(Side::Private)) => {
            "no answer over the network: a private address was dialled, as an endpoint's is, so the way to it is blocked"
        }
        (Nature::Network, Some(Side::Public)) => {
            "no answer over the network: a public address was dialled, so no endpoint answers and the way out is missing \
             or blocked"
        }
        (Nature::Network, Some(Side::Name)) => "no answer over the network: the name was not resolved",
        (Nature::Network, None) => "no answer over the network",
        (Nature::Refused, _) => "the connection was refused, so the path is open",
        (Nature::Permission, _) => "access was denied",
        (Nature::Absent, _) if kind.trouble == Trouble::ContainerStart => {
            "a file or folder that it needs does not exist"
        }
        (Nature::Absent, _) => "it does not exist",
        (Nature::RateLimit, _) => "too many requests",
        (Nature::Unsaid, _) => return None,
    };
    Some(words)
}

/// What helps.
pub(super) fn advice(kind: Option<Kind>) -> &'static str {
    let Some(kind) = kind else { return OTHER };
    match (kind.trouble, kind.nature) {
        (Trouble::FileSystem, Nature::Permission) => {
            "Check the policy and the access point of the file system, and the task role."
        }
        (Trouble::FileSystem, _) => {
            "Give the file system a mount target in the zones of the tasks and let TCP 2049 through."
        }
        (
            Trouble::Pull
            | Trouble::RegistryAuth
            | Trouble::SecretsManager
            | Trouble::Parameter
            | Trouble::SecretsOrAuth
            | Trouble::Logs
            | Trouble::EnvironmentFile,
            Nature::Network,
        ) => {
            "Follow the path from the subnets of the tasks (on container instances, of the instances): a way out or \
             endpoints, TCP 443 in security groups and network ACLs, and DNS."
        }
        (Trouble::Pull, Nature::Absent) => "Push the image, or correct its name, tag or digest in the task definition.",
        (Trouble::Pull, Nature::Permission) => {
            "Let the execution role (on container instances, the instance role) pull from the repository, and check the \
             repository's policy or the registry's credentials."
        }
        (Trouble::Pull, Nature::RateLimit) => {
            "Log in to the registry, or take the image from Amazon ECR through a pull-through cache."
        }
        (Trouble::Pull, _) => {
            "See that the registry answers where the image's name leads, and has the image for the tasks' platform."
        }
        (Trouble::RegistryAuth, _) => {
            "Give the execution role ecr:GetAuthorizationToken and the right to pull from the repository."
        }
        (Trouble::SecretsManager, Nature::Permission) => {
            "Give the execution role secretsmanager:GetSecretValue on the secret and kms:Decrypt on its key."
        }
        (Trouble::SecretsManager, _) => "Check the ARN, JSON key and version of the secret in the task definition.",
        (Trouble::Parameter, Nature::Permission) => {
            "Give the execution role ssm:GetParameters on the parameter and kms:Decrypt on its key."
        }
        (Trouble::Parameter, _) => "Check the name and Region of the parameter in the task definition.",
        (Trouble::SecretsOrAuth, Nature::Permission) => {
            "Give the execution role what the task uses of ecr:GetAuthorizationToken, secretsmanager:GetSecretValue, \
             ssm:GetParameters and kms:Decrypt."
        }
        (Trouble::SecretsOrAuth, _) => {
            "Check the execution role, and the secrets and parameters that the task definition names."
        }
        (Trouble::Logs, Nature::Absent) => {
            "Create the log group, or set awslogs-create-group and allow logs:CreateLogGroup."
        }
        (Trouble::Logs, Nature::Permission) => {
            "Give the execution role (on container instances, the instance role) logs:CreateLogStream and \
             logs:PutLogEvents."
        }
        (Trouble::Logs, _) => "Check the log options of the task definition.",
        (Trouble::EnvironmentFile, Nature::Permission) => {
            "Give the execution role s3:GetObject on the file and s3:GetBucketLocation on its bucket."
        }
        (Trouble::EnvironmentFile, _) => "Check the ARN of the environment file in the task definition.",
        (trouble, nature) => elsewhere(trouble, nature),
    }
}

const OTHER: &str = "Read the reason that is quoted.";

fn elsewhere(trouble: Trouble, nature: Nature) -> &'static str {
    match (trouble, nature) {
        (Trouble::Role, _) => "See that the role exists and that ecs-tasks.amazonaws.com may assume it.",
        (Trouble::Slots, _) => {
            "Detach interfaces that ECS does not know of, turn on ENI trunking, or add instances or larger ones."
        }
        (Trouble::SecurityGroup, _) => {
            "Put a security group that exists into the network configuration, in place of the one that is gone."
        }
        (Trouble::Subnet, _) => {
            "Take the subnet that is gone out of the network configuration, or put another one in its place."
        }
        (Trouble::NetworkInterface, Nature::Permission) => {
            "See that no policy keeps the role AWSServiceRoleForECS from making network interfaces."
        }
        (Trouble::NetworkInterface, _) => "ECS tries again by itself; where it goes on, start fewer tasks at once.",
        (Trouble::Addresses, _) => "Free addresses of the subnet, or add a larger subnet of the zone to the service.",
        (Trouble::Ports, _) => "Use dynamic host ports or awsvpc mode, or add instances.",
        (Trouble::Cpu | Trouble::Memory | Trouble::Gpu, _) => {
            "Add instances or larger ones, or let the task definition reserve less."
        }
        (Trouble::Attribute, _) => {
            "Compare requiresAttributes of the task definition with the attributes of the instances, and the zones of the \
             subnets with theirs."
        }
        (Trouble::Zone, _) => "Add instances in the zones of the subnets.",
        (Trouble::Constraint, _) => "Relax the placement constraints, or give instances what they ask for.",
        (Trouble::Agent, _) => "Restart the agents, or replace the instances.",
        (Trouble::Instances, _) => "Register instances in the cluster, or let its capacity provider launch some.",
        (Trouble::Placement, _) => {
            "On instances look for what they lack; on Fargate see that it is offered in the zones of the subnets."
        }
        (Trouble::Capacity, _) => "Add other zones, capacity providers or instance types; capacity also comes back.",
        (Trouble::Quota, _) => "Ask Service Quotas for more.",
        (Trouble::ContainerStart, _) => "Look at the container's command, entry point, mounts and limits.",
        (Trouble::Command, _) => {
            "Correct the command or entry point in the task definition, or put the program into the image and make it \
             executable."
        }
        (Trouble::Architecture, _) => {
            "Build the image for the architecture of the instances, or on Fargate of runtimePlatform.cpuArchitecture; a \
             script also fails so without its first line (#!)."
        }
        (Trouble::DiskSpace, _) => {
            "Free or enlarge the disk of the instances; on Fargate raise ephemeralStorage in the task definition."
        }
        (Trouble::OutOfMemory, _) => "Raise the memory of the container.",
        (Trouble::Host, _) => "See why the instance went away.",
        _ => OTHER,
    }
}
