//! The catalogue: each rule is data and one function, a view on an analysis.
//!
//! To add one: its file in the folder of its group, its line in `ALL`, its page, its test and its place in the demo.

mod capacity;
pub mod controls;
mod definitions;
mod egress;
mod explained;
mod exposure;
mod load_balancing;
mod network_mode;
mod operations;
mod repair;
mod revisions;
mod update;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::analysis::Analyses;
use crate::finding::{Cause, Evidence, Related, Remediation, RuleInfo, Severity};
use crate::reach::verdict::{Blocker, Gap, Trace};
use crate::settings::Settings;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::Cluster;
use crate::snapshot::vpc::{Subnet, Vpc};
use crate::text::Text;
use crate::topology::workload::Workload;

/// The part of the catalogue that a rule belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// How the task attaches to the network.
    NetworkMode,
    /// From the load balancer to the task.
    LoadBalancing,
    /// From the task to what it needs.
    Egress,
    /// Interfaces, addresses, ports, deployments.
    Capacity,
    /// Who can reach the task, what it may do.
    Exposure,
    /// What is failing right now.
    Operations,
}

impl Group {
    /// In the order of the catalogue.
    pub const ALL: [Self; 6] =
        [Self::NetworkMode, Self::LoadBalancing, Self::Egress, Self::Capacity, Self::Exposure, Self::Operations];

    /// What it is about, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::NetworkMode => "how the task attaches to the network",
            Self::LoadBalancing => "from the load balancer to the task",
            Self::Egress => "from the task to what it needs",
            Self::Capacity => "interfaces, addresses, ports, deployments",
            Self::Exposure => "who can reach the task, and what it may do",
            Self::Operations => "what is failing right now",
        }
    }

    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::NetworkMode => "network-mode",
            Self::LoadBalancing => "load-balancing",
            Self::Egress => "egress",
            Self::Capacity => "capacity",
            Self::Exposure => "exposure",
            Self::Operations => "operations",
        }
    }
}

/// A rule of the catalogue.
#[derive(Debug)]
pub struct Rule {
    /// The user's name for it, in waivers and pipelines: never changed.
    pub id: &'static str,
    /// Its part of the catalogue.
    pub group: Group,
    /// Before demotion and promotion; the check may give another one with its reason.
    pub severity: Severity,
    /// One line, reads after "finds: ".
    pub summary: &'static str,
    /// The page, in Markdown.
    pub page: &'static str,
    /// What it reads.
    pub needs: &'static [Dataset],
    /// Controls of AWS Security Hub that look at the same thing.
    pub controls: &'static [&'static str],
    /// Pages of AWS.
    pub references: &'static [&'static str],
    /// The judgement.
    pub check: Check,
}

/// The level that a rule judges.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Each service and each group of standalone tasks.
    Workload(for<'s> fn(&Workload<'s>, &Analyses<'s>) -> Outcome),
    /// Each cluster, which may have several subjects: one for each instance type, for instance.
    Cluster(for<'s> fn(&'s Cluster, &Analyses<'s>) -> Vec<Outcome>),
    /// Each VPC that awsvpc tasks start in.
    Vpc(for<'s> fn(&'s Vpc, &Analyses<'s>) -> Outcome),
    /// Each subnet that tasks start in.
    Subnet(for<'s> fn(&'s Subnet, &Analyses<'s>) -> Outcome),
    /// Each zone with network interfaces.
    Zone(for<'s> fn(&str, &Analyses<'s>) -> Outcome),
}

impl Check {
    /// Whether it judges anything in a run that is limited so: what is shared can't be judged with a part of those who
    /// share it.
    pub fn judges(self, settings: &Settings) -> bool {
        match self {
            Self::Workload(_) | Self::Vpc(_) => true,
            // With a part of its services a cluster can't be judged.
            Self::Cluster(_) => settings.services.is_empty(),
            Self::Subnet(_) | Self::Zone(_) => settings.is_everything(),
        }
    }
}

/// The judgement of one subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The rule doesn't concern it.
    NotApplicable,
    /// Proved fine.
    Holds,
    /// Proved wrong.
    Fails(Box<Failing>),
    /// Neither, and why.
    Unknown(Vec<Gap>),
}

/// The facts of a proved failure; the engine adds what is the same for every rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Failing {
    /// As judged; the reason is given when it isn't the rule's own.
    pub severity: Severity,
    /// Why it isn't the rule's own.
    pub severity_reason: Option<String>,
    /// Tells several findings of one resource apart: an instance type, for instance.
    pub sub_key: String,
    /// One sentence.
    pub message: Text,
    /// What else plays a part.
    pub related: Vec<Related>,
    /// Everything to be repaired.
    pub blockers: Vec<Blocker>,
    /// How it was decided.
    pub traces: Vec<Trace>,
    /// What to repair, where several findings share it.
    pub cause: Option<Cause>,
    /// Numbers and ids.
    pub facts: BTreeMap<&'static str, Value>,
    /// Live symptoms that are current.
    pub confirmed_by: Vec<Evidence>,
    /// What to do.
    pub remediation: Remediation,
    /// What else could not be judged of the same subject.
    pub gaps: Vec<Gap>,
}

impl Failing {
    /// A failure at the rule's own severity with nothing but its sentence and its repair; the rule fills in the rest.
    pub(in crate::rules) fn new(rule: &Rule, message: Text, remediation: Remediation) -> Self {
        Self {
            severity: rule.severity,
            severity_reason: None,
            sub_key: String::new(),
            message,
            related: Vec::new(),
            blockers: Vec::new(),
            traces: Vec::new(),
            cause: None,
            facts: BTreeMap::new(),
            confirmed_by: Vec::new(),
            remediation,
            gaps: Vec::new(),
        }
    }
}

/// Every rule, in the order of the catalogue.
pub static ALL: &[&Rule] = &[
    &network_mode::unsupported_network_mode::RULE,
    &network_mode::none_mode_with_ports::RULE,
    &network_mode::container_port_clash::RULE,
    &network_mode::host_port_mismatch::RULE,
    &network_mode::host_mode_isolation::RULE,
    &network_mode::bridge_mode_in_use::RULE,
    &load_balancing::target_type_mismatch::RULE,
    &load_balancing::target_group_unattached::RULE,
    &load_balancing::load_balancer_port_undefined::RULE,
    &load_balancing::target_group_vpc_mismatch::RULE,
    &load_balancing::load_balancer_zone_missing::RULE,
    &load_balancing::load_balancer_path_blocked::RULE,
    &load_balancing::health_check_path_blocked::RULE,
    &load_balancing::dynamic_ports_blocked::RULE,
    &load_balancing::health_check_port_fixed::RULE,
    &load_balancing::listener_path_blocked::RULE,
    &load_balancing::load_balancer_subnet_private::RULE,
    &load_balancing::load_balancer_address_space::RULE,
    &load_balancing::default_security_group_in_use::RULE,
    &load_balancing::security_group_vpc_mismatch::RULE,
    &load_balancing::health_check_grace_missing::RULE,
    &load_balancing::targets_unhealthy::RULE,
    &egress::vpc_endpoint_missing::RULE,
    &egress::s3_gateway_not_routed::RULE,
    &egress::vpc_endpoint_private_dns_off::RULE,
    &egress::vpc_endpoint_path_blocked::RULE,
    &egress::vpc_endpoint_unavailable::RULE,
    &egress::vpc_endpoint_policy_denies::RULE,
    &egress::egress_blocked::RULE,
    &egress::nat_path_broken::RULE,
    &egress::public_subnet_without_public_ip::RULE,
    &egress::ec2_task_in_public_subnet::RULE,
    &egress::public_ip_unusable::RULE,
    &egress::container_agent_unreachable::RULE,
    &egress::registry_unreachable::RULE,
    &egress::log_destination_unreachable::RULE,
    &egress::exec_unreachable::RULE,
    &egress::private_zone_mismatch::RULE,
    &egress::service_connect_misconfigured::RULE,
    &egress::efs_mount_unreachable::RULE,
    &egress::scheduled_task_network::RULE,
    &egress::vpc_endpoint_single_zone::RULE,
    &egress::nat_cross_zone::RULE,
    &egress::s3_gateway_absent::RULE,
    &capacity::eni_limit_pressure::RULE,
    &capacity::eni_limit_blocks_deployment::RULE,
    &capacity::trunking_disabled::RULE,
    &capacity::trunking_ineffective::RULE,
    &capacity::trunking_unsupported_type::RULE,
    &capacity::foreign_network_interfaces::RULE,
    &capacity::daemon_takes_network_interface::RULE,
    &capacity::subnet_address_exhaustion::RULE,
    &capacity::network_interface_quota::RULE,
    &capacity::host_port_conflict::RULE,
    &capacity::host_port_blocks_deployment::RULE,
    &capacity::host_port_reserved::RULE,
    &capacity::host_port_ephemeral::RULE,
    &capacity::deployment_deadlock::RULE,
    &capacity::zone_without_instances::RULE,
    &capacity::capacity_provider_cannot_scale::RULE,
    &capacity::host_port_limit::RULE,
    &capacity::service_single_zone::RULE,
    &exposure::task_reachable_from_internet::RULE,
    &exposure::task_public_ip::RULE,
    &exposure::load_balancer_bypassed::RULE,
    &exposure::instance_ports_exposed::RULE,
    &exposure::shared_security_group::RULE,
    &exposure::metadata_reachable_from_tasks::RULE,
    &exposure::flow_logs_off::RULE,
    &exposure::execution_role_missing::RULE,
    &exposure::task_role_missing_on_ec2::RULE,
    &exposure::privileged_container::RULE,
    &exposure::host_process_namespace::RULE,
    &exposure::root_user::RULE,
    &exposure::writable_root_filesystem::RULE,
    &exposure::secret_in_environment::RULE,
    &exposure::dangerous_mount::RULE,
    &exposure::log_driver_missing::RULE,
    &exposure::log_driver_blocking::RULE,
    &exposure::fargate_platform_outdated::RULE,
    &exposure::container_insights_off::RULE,
    &exposure::efs_transit_encryption_off::RULE,
    &exposure::termination_protection_off::RULE,
    &exposure::image_scan_off::RULE,
    &operations::agent_disconnected::RULE,
    &operations::agent_outdated::RULE,
    &operations::task_start_failures::RULE,
    &operations::placement_failures::RULE,
    &operations::deployment_circuit_breaker_off::RULE,
    &operations::app_mesh_proxy::RULE,
];

impl Rule {
    /// What reports say of it.
    pub fn info(&self) -> RuleInfo {
        RuleInfo {
            id: self.id,
            group: self.group.name(),
            severity: self.severity,
            summary: self.summary,
            page: self.page,
            controls: self.controls,
            config_rules: self.config_rules(),
            references: self.references,
        }
    }

    /// The AWS Config managed rules that look at the same thing.
    pub fn config_rules(&self) -> Vec<&'static str> {
        self.controls.iter().filter_map(|control| controls::config_rule(control)).collect()
    }
}

/// The rule of that id.
pub fn by_id(id: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.id == id)
}
