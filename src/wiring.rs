//! The wiring of workloads, as `audit explain` shows it: where each launches, what it must reach from where, and who
//! reaches it. The same cells and flows that the rules judge, in a form that programs can check.

use serde::Serialize;

use crate::finding::Severity;
use crate::text::Text;

/// All that was explained.
#[derive(Clone, Debug, Serialize)]
pub struct Wiring {
    /// Version of this form: fields are added, never renamed or re-typed, within a version.
    pub schema_version: u32,
    /// The workloads, sorted by account, Region and name.
    pub workloads: Vec<Workload>,
}

/// One service, or the standalone tasks of one group.
#[derive(Clone, Debug, Serialize)]
pub struct Workload {
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// `ecs:service` and the like.
    pub resource_type: &'static str,
    /// ARN of the service, or of the cluster of standalone tasks.
    pub arn: String,
    /// `cluster/service`, or `cluster/group`.
    pub name: String,
    /// What it runs or moves to, and where.
    pub launches: Vec<Launch>,
    /// The interfaces that it sends from and is reached at.
    pub origins: Vec<Origin>,
    /// Needs × origins.
    pub needs: Vec<Need>,
    /// Load balancers × targets.
    pub load_balancers: Vec<LoadBalancerPath>,
    /// The listeners that forward to it.
    pub listeners: Vec<Listener>,
    /// What hides needs, origins or targets.
    pub gaps: Vec<String>,
    /// What the rules found.
    pub findings: Vec<Finding>,
}

/// One revision where it launches.
#[derive(Clone, Debug, Serialize)]
pub struct Launch {
    /// `primary`, `task-set`, `active`, `standalone` or `scheduled`.
    pub role: &'static str,
    /// `family:revision`.
    pub task_definition: String,
    /// `awsvpc` …; `None` where the definition leaves it out or was not read.
    pub network_mode: Option<String>,
    /// `Fargate`, `EC2` …
    pub launch: &'static str,
    /// The capacity provider.
    pub capacity_provider: Option<String>,
}

/// The interfaces that something leaves from or arrives at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// `task-eni` or `instance-eni`.
    pub interface: &'static str,
    /// Subnet.
    pub subnet: String,
    /// Zone of the subnet.
    pub availability_zone: Option<String>,
    /// Security groups; `None` where they can't be seen; empty: the VPC's default one.
    pub security_groups: Option<Vec<String>>,
    /// `yes`, `no` or `unknown`.
    pub public_address: &'static str,
    /// EC2 instances it stands for.
    pub instances: Vec<String>,
}

/// One need from one origin.
#[derive(Clone, Debug, Serialize)]
pub struct Need {
    /// `ecr.dkr`, `logs (us-east-1)`, `docker.io` …
    pub need: String,
    /// The endpoint service.
    pub service: Option<&'static str>,
    /// `aws-service`, `public-host` or `other-host`.
    pub host_kind: &'static str,
    /// The host that is resolved.
    pub host: String,
    /// Its Region.
    pub region: Option<String>,
    /// Always 443.
    pub port: u16,
    /// What asks for it.
    pub causes: Vec<Cause>,
    /// How the task launches.
    pub launch: &'static str,
    /// From where.
    pub origin: Origin,
    /// The verdict and how it was found.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The field that asks for something.
#[derive(Clone, Debug, Serialize)]
pub struct Cause {
    /// Container.
    pub container: Option<String>,
    /// `image`, `secrets` …
    pub field: &'static str,
}

/// One load balancer to one place that targets run in.
#[derive(Clone, Debug, Serialize)]
pub struct LoadBalancerPath {
    /// Name of the load balancer.
    pub load_balancer: String,
    /// Its ARN.
    pub load_balancer_arn: String,
    /// Name of the target group.
    pub target_group: String,
    /// `traffic` or `health-check`.
    pub purpose: &'static str,
    /// Subnet of the load balancer.
    pub from_subnet: String,
    /// Where the targets are.
    pub to: Origin,
    /// `tcp` …
    pub protocol: &'static str,
    /// First port.
    pub first_port: u16,
    /// Last port.
    pub last_port: u16,
    /// `fixed`, `bound` by a running task, or the whole `range` of dynamic ports.
    pub port_kind: &'static str,
    /// The verdict and how it was found.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A listener that forwards to the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// Name of the load balancer.
    pub load_balancer: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    /// Port.
    pub port: Option<u16>,
    /// Protocol.
    pub protocol: Option<String>,
    /// `holds` when somebody gets through, `fails` when nobody does, `unknown`.
    pub verdict: &'static str,
    /// In a sentence.
    pub detail: String,
}

/// A verdict with everything that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// `holds`, `fails` or `unknown`.
    pub verdict: &'static str,
    /// Only a part of the addresses or ports is refused.
    pub partial: bool,
    /// What stands in the way.
    pub blockers: Vec<Blocker>,
    /// Why it can't be told.
    pub gaps: Vec<String>,
    /// The steps in order.
    pub hops: Vec<Hop>,
}

/// One thing that has to be repaired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// `route`, `group`, `nacl` …
    pub family: &'static str,
    /// What is wrong.
    pub kind: &'static str,
    /// What to repair.
    pub resource: Option<String>,
    /// In a sentence.
    pub detail: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// `route-table`, `security-group` …
    pub hop: &'static str,
    /// What decided.
    pub resource: String,
    /// `holds`, `fails` or `unknown`.
    pub verdict: &'static str,
    /// In a sentence.
    pub detail: String,
}

/// A finding of the workload, in short.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Its id.
    pub id: String,
    /// Rule.
    pub rule: &'static str,
    /// `high` …
    pub severity: &'static str,
    /// For colours.
    #[serde(skip)]
    pub level: Severity,
    /// In a sentence.
    #[serde(serialize_with = "as_text")]
    pub message: Text,
}

fn as_text<S: serde::Serializer>(text: &Text, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(text)
}
