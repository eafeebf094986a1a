//! AWS enumerations that rules decide on; values this version doesn't know are kept as they came.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! aws_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$vdoc])* #[doc = concat!("`", $text, "`")] $variant,)+
            /// A value that this version doesn't know.
            Other(String),
        }

        impl $name {
            /// The value as the AWS API spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

aws_enum! {
    /// `launchType` of a service, task set or task.
    LaunchType { Ec2 = "EC2", Fargate = "FARGATE", External = "EXTERNAL", ManagedInstances = "MANAGED_INSTANCES" }
}
aws_enum! {
    /// `networkMode` of a task definition; the API leaves it out for the platform's default.
    NetworkMode { Awsvpc = "awsvpc", Bridge = "bridge", Host = "host", None = "none" }
}
aws_enum! {
    /// `deploymentController.type`.
    DeploymentController { Ecs = "ECS", CodeDeploy = "CODE_DEPLOY", External = "EXTERNAL" }
}
aws_enum! {
    /// `deploymentConfiguration.strategy`.
    DeploymentStrategy { Rolling = "ROLLING", BlueGreen = "BLUE_GREEN", Linear = "LINEAR", Canary = "CANARY" }
}
aws_enum! {
    /// `schedulingStrategy` of a service.
    SchedulingStrategy { Replica = "REPLICA", Daemon = "DAEMON" }
}
aws_enum! {
    /// `TargetType` of a target group.
    TargetType { Instance = "instance", Ip = "ip", Lambda = "lambda", Alb = "alb" }
}
aws_enum! {
    /// `Type` of a load balancer.
    LoadBalancerType { Application = "application", Network = "network", Gateway = "gateway" }
}
aws_enum! {
    /// `VpcEndpointType`.
    VpcEndpointType {
        Interface = "Interface", Gateway = "Gateway", GatewayLoadBalancer = "GatewayLoadBalancer",
        Resource = "Resource", ServiceNetwork = "ServiceNetwork",
    }
}
aws_enum! {
    /// `State` of a VPC endpoint; the API answers in either letter case, `from_api` folds it.
    VpcEndpointState {
        PendingAcceptance = "pendingAcceptance", Pending = "pending", Available = "available", Deleting = "deleting",
        Deleted = "deleted", Rejected = "rejected", Failed = "failed", Expired = "expired", Partial = "partial",
    }
}
aws_enum! {
    /// `State` of a route.
    RouteState { Active = "active", Blackhole = "blackhole", Filtered = "filtered" }
}
aws_enum! {
    /// `State` of a NAT gateway.
    NatGatewayState { Pending = "pending", Failed = "failed", Available = "available", Deleting = "deleting", Deleted = "deleted" }
}
aws_enum! {
    /// `ConnectivityType` of a NAT gateway.
    ConnectivityType { Public = "public", Private = "private" }
}
aws_enum! {
    /// `AvailabilityMode` of a NAT gateway.
    AvailabilityMode { Zonal = "zonal", Regional = "regional" }
}

impl VpcEndpointState {
    /// Reads a state in either letter case: EC2 answers `available`, its model says `Available`.
    pub fn from_api(text: &str) -> Self {
        let mut chars = text.chars();
        let folded = match chars.next() {
            Some(first) => first.to_lowercase().chain(chars).collect::<String>(),
            None => String::new(),
        };
        Self::from(folded)
    }
}
