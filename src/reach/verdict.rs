//! The answer to "does it get there?": a verdict with every blocker or gap, and the hops that led to it.

use std::rc::Rc;

use crate::snapshot::coverage::{Dataset, Failure};
use crate::text::Text;

/// The part of the network that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Route tables and gateways.
    Route,
    /// Public and private addresses.
    Address,
    /// Security groups.
    Group,
    /// Network ACLs.
    Nacl,
    /// VPC endpoints.
    Endpoint,
    /// Name resolution.
    Dns,
    /// Endpoint policies.
    Policy,
    /// Load balancers and target groups.
    LoadBalancer,
    /// Network interfaces and other limits.
    Capacity,
    /// Settings of task definitions.
    Definition,
    /// Tasks and the agents that start them.
    Task,
}

impl Family {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Address => "address",
            Self::Group => "group",
            Self::Nacl => "nacl",
            Self::Endpoint => "endpoint",
            Self::Dns => "dns",
            Self::Policy => "policy",
            Self::LoadBalancer => "load-balancer",
            Self::Capacity => "capacity",
            Self::Definition => "definition",
            Self::Task => "task",
        }
    }
}

/// One thing that has to be repaired.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocker {
    /// Which part of the network.
    pub family: Family,
    /// What is wrong with it, `no-endpoint` for instance.
    pub kind: &'static str,
    /// What is not reached, `logs` for instance.
    pub need: Option<String>,
    /// Where it starts: a subnet, an instance, a load balancer.
    pub origin: Option<String>,
    /// The port concerned.
    pub port: Option<u16>,
    /// The protocol concerned.
    pub protocol: Option<&'static str>,
    /// What to repair, or the name of what is absent.
    pub resource: Option<String>,
    /// In a sentence.
    pub detail: Text,
}

/// Why something can't be decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// A call failed.
    Unread {
        /// What was not read.
        dataset: Dataset,
        /// How it failed.
        failure: Failure,
    },
    /// Everything was read, and it can't be seen from here.
    Undecidable {
        /// A short stable word for grouping, `transit-gateway` for instance.
        kind: &'static str,
        /// In a sentence.
        reason: Text,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Proved to get there.
    Holds,
    /// Proved not to, with everything that stands in the way.
    Fails(Vec<Blocker>),
    /// Neither can be proved.
    Unknown(Vec<Gap>),
}

impl Verdict {
    /// The word in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails(_) => "fails",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Steps that many paths share.
pub type Hops = Vec<Rc<Hop>>;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hop {
    /// `route-table`, `nat-gateway`, `vpc-endpoint`, `dns` …
    pub hop: &'static str,
    /// The object that decided.
    pub resource: String,
    /// `holds`, `fails` or `unknown`.
    pub verdict: &'static str,
    /// In a sentence.
    pub detail: Text,
}

/// The path from one origin to one need.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trace {
    /// `logs`, `ecr.dkr` …
    pub need: String,
    /// The subnet, or what stands for the origin.
    pub origin: String,
    /// The steps in order.
    pub hops: Vec<Hop>,
}
