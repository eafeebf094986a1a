//! What was read of Amazon EventBridge and EventBridge Scheduler: who starts tasks by itself. Inputs are never kept.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ecs::{AwsvpcConfiguration, CapacityProviderStrategyItem};
use super::enums::LaunchType;
use super::ids::Arn;

/// A rule that runs tasks on a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct EventRule {
    pub name: String,
    pub event_bus_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<Arn>,
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_expression: Option<String>,
    /// Its targets that run tasks.
    pub targets: Vec<EcsTarget>,
}

/// A schedule that runs tasks on a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Schedule {
    pub name: String,
    pub group_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<Arn>,
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_expression: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Timestamp>,
    pub target: EcsTarget,
}

impl Schedule {
    /// Whether it will not run again: AWS keeps such schedules, and keeps them ENABLED.
    pub fn is_over(&self, now: Timestamp) -> bool {
        if self.end_date.is_some_and(|end| end < now) {
            return true;
        }
        let expression = self.schedule_expression.as_deref().unwrap_or_default();
        let at = expression.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')'));
        let Some(at) = at.and_then(|at| at.parse::<DateTime>().ok()) else { return false };
        // The expression has a time zone of its own: no zone is more than a day away from UTC.
        at.to_zoned(TimeZone::UTC).is_ok_and(|at| now.duration_since(at.timestamp()) > SignedDuration::from_hours(24))
    }
}

/// `EcsParameters` of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct EcsTarget {
    pub id: String,
    pub cluster_arn: Arn,
    /// Without a revision it stands for the newest ACTIVE one.
    pub task_definition_arn: Arn,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<LaunchType>,
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<AwsvpcConfiguration>,
    pub task_count: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub enable_execute_command: bool,
}
