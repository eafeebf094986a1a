//! The cluster `tooling`: what tasks may do to their instances, and what they still rely on.

use ecs_network_audit::snapshot::ecs::{MountPoint, Volume};
use ecs_network_audit::snapshot::enums::NetworkMode;

use super::Network;
use crate::account::Account;
use crate::compute::{container, ecr, web};

pub(super) fn tooling(account: &mut Account, network: &Network) {
    let cluster = account.cluster("tooling");
    let [a, _] = &network.private;
    account.container_instance(&cluster, "tooling-0", "m5.large", a);

    let monitor =
        account.definition("host-monitor", Some(NetworkMode::Bridge), vec![container("agent", &ecr("monitor"))]);
    account.edit_definition(&monitor, |definition| {
        definition.pid_mode = Some("host".to_owned());
        definition.volumes.push(Volume {
            name: "docker".to_owned(),
            host_source_path: Some("/var/run/docker.sock".to_owned()),
            efs: None,
            fsx_credentials_parameter: None,
        });
        definition.containers[0].privileged = true;
        definition.containers[0].mount_points.push(MountPoint {
            source_volume: Some("docker".to_owned()),
            container_path: Some("/var/run/docker.sock".to_owned()),
            read_only: true,
        });
    });
    account.service(&cluster, "host-monitor", &monitor);

    let billing = account.definition("billing-export", Some(NetworkMode::Awsvpc), vec![web()]);
    account.mount(&billing, "fs-0d0c5a1b2c3d4e5f6");
    account.edit_definition(&billing, |definition| {
        definition.proxy_type = Some("APPMESH".to_owned());
        definition.volumes[0].efs.as_mut().expect("mounted above").transit_encryption = false;
    });
    account.fargate_service(&cluster, "billing-export", &billing, &[a]);
}
