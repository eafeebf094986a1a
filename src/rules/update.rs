//! What UpdateService changes of a service, and for which services it refuses to.

use crate::shell;
use crate::snapshot::ecs::Service;
use crate::snapshot::enums::DeploymentController;
use crate::topology::workload::Workload;

/// An id in a configuration, or the variable of a shell that holds it.
#[derive(Clone, Copy)]
pub(super) enum Id<'a> {
    Known(&'a str),
    Variable(&'static str),
}

/// What to do where UpdateService takes neither a network configuration nor a platform version: with the CODE_DEPLOY and
/// EXTERNAL controllers. `None` where it takes them.
pub(super) fn instead(service: &Service) -> Option<&'static str> {
    match service.deployment_controller {
        DeploymentController::CodeDeploy => Some(
            " UpdateService refuses this for a service with the CODE_DEPLOY controller: create a new CodeDeploy deployment \
             whose AppSpec file says it.",
        ),
        DeploymentController::External => Some(
            " UpdateService refuses this for a service with the EXTERNAL controller: create a new task set with it.",
        ),
        DeploymentController::Ecs | DeploymentController::Other(_) => None,
    }
}

/// The command that gives a service another network. Without groups the field is left out.
pub(super) fn network<'a>(
    workload: &Workload<'_>,
    region: &str,
    subnets: &[Id<'a>],
    groups: &[Id<'a>],
    assign_public_ip: bool,
) -> Option<String> {
    let service = workload.service.filter(|service| instead(service).is_none())?;
    let mut argument = Argument::default();
    argument.add("awsvpcConfiguration={subnets=[");
    argument.list(subnets);
    if !groups.is_empty() {
        argument.add("],securityGroups=[");
        argument.list(groups);
    }
    argument.add(if assign_public_ip { "],assignPublicIp=ENABLED}" } else { "],assignPublicIp=DISABLED}" });
    let mut command = shell::Command::new("aws ecs update-service");
    command.option("region", region);
    command.option("cluster", &workload.cluster_name);
    command.option("service", &service.name);
    command.raw(&format!("--network-configuration {}", argument.finish()));
    Some(command.to_string())
}

/// An argument with variables between its quoted parts.
#[derive(Default)]
struct Argument {
    done: String,
    open: String,
}

impl Argument {
    fn add(&mut self, text: &str) {
        self.open.push_str(text);
    }

    fn list(&mut self, ids: &[Id<'_>]) {
        for (index, id) in ids.iter().enumerate() {
            if index > 0 {
                self.add(",");
            }
            match id {
                Id::Known(id) => self.add(id),
                Id::Variable(name) => {
                    let before = shell::quote(&std::mem::take(&mut self.open));
                    self.done.push_str(&format!("{before}\"${name}\""));
                }
            }
        }
    }

    fn finish(self) -> String {
        self.done + &shell::quote(&self.open)
    }
}
