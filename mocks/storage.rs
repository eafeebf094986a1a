//! Files and schedules in the fixture vocabulary.

use ecs_network_audit::image;
use ecs_network_audit::snapshot::ecs::{AwsvpcConfiguration, EfsVolume, Volume};
use ecs_network_audit::snapshot::enums::LaunchType;
use ecs_network_audit::snapshot::ids::{Arn, SecurityGroupId, SubnetId};
use ecs_network_audit::snapshot::schedule::{EcsTarget, EventRule, Schedule};
use ecs_network_audit::snapshot::storage::{EfsFileSystem, EfsMountTarget, Repository};

use super::account::{ACCOUNT, Account, REGION, id, push};

impl Account {
    /// A file system with a mount target in each of these subnets.
    pub fn file_system(&mut self, file_system_id: &str, subnets: &[&SubnetId], group: &SecurityGroupId) {
        let target = |subnet: &&SubnetId| {
            let found = self.data.subnets.items().iter().find(|s| s.id == **subnet).unwrap();
            EfsMountTarget {
                id: id("fsmt", &format!("{file_system_id}/{subnet}")),
                subnet_id: found.id.clone(),
                availability_zone: found.availability_zone.clone(),
                vpc_id: Some(found.vpc_id.clone()),
                ip_address: Some(found.cidr_block.unwrap().hosts().nth(50).unwrap().to_string()),
                network_interface_id: None,
                life_cycle_state: "available".to_owned(),
                security_groups: vec![group.clone()],
            }
        };
        let mut mount_targets: Vec<EfsMountTarget> = subnets.iter().map(target).collect();
        mount_targets.sort_by(|a, b| a.id.cmp(&b.id));
        let file_system_id = file_system_id.to_owned();
        push(&mut self.data.file_systems, EfsFileSystem { file_system_id, exists: true, mount_targets });
    }

    /// The repository of an image that is in the account's own registry; it scans on push.
    pub fn repository_of(&mut self, image: &str) {
        let image = image::parse(image);
        let known = self.data.repositories.items().iter().any(|repository| repository.name == image.repository);
        if image.is_in(ACCOUNT, REGION) && !known {
            let repository = Repository { name: image.repository, exists: true, scan_on_push: true };
            push(&mut self.data.repositories, repository);
        }
    }

    pub fn edit_repository(&mut self, name: &str, edit: impl FnOnce(&mut Repository)) {
        edit(self.data.repositories.items_mut().unwrap().iter_mut().find(|found| found.name == name).unwrap());
    }

    /// Mounts a file system in a revision.
    pub fn mount(&mut self, definition: &Arn, file_system_id: &str) {
        let efs =
            EfsVolume { file_system_id: file_system_id.to_owned(), transit_encryption: true, access_point_id: None };
        self.edit_definition(definition, |definition| {
            definition.volumes.push(Volume {
                name: "files".to_owned(),
                host_source_path: None,
                efs: Some(efs),
                fsx_credentials_parameter: None,
            });
        });
    }

    fn target(&mut self, cluster: &Arn, definition: &Arn, subnets: &[&SubnetId]) -> EcsTarget {
        let group = self.ensure_group(&self.vpc_of(subnets[0]), "scheduled");
        let mut subnets: Vec<SubnetId> = subnets.iter().map(|subnet| (*subnet).clone()).collect();
        subnets.sort();
        EcsTarget {
            id: "1".to_owned(),
            cluster_arn: cluster.clone(),
            task_definition_arn: definition.clone(),
            launch_type: Some(LaunchType::Fargate),
            capacity_provider_strategy: Vec::new(),
            platform_version: None,
            network_configuration: Some(AwsvpcConfiguration {
                subnets,
                security_groups: vec![group],
                assign_public_ip: false,
            }),
            task_count: 1,
            group: None,
            enable_execute_command: false,
        }
    }

    /// An enabled schedule that runs a Fargate task.
    pub fn schedule(&mut self, name: &str, cluster: &Arn, definition: &Arn, subnets: &[&SubnetId]) {
        let mut target = self.target(cluster, definition, subnets);
        target.id = name.to_owned();
        let schedule = Schedule {
            name: name.to_owned(),
            group_name: "default".to_owned(),
            arn: Some(Arn::from(format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"))),
            state: "ENABLED".to_owned(),
            schedule_expression: Some("rate(1 day)".to_owned()),
            end_date: None,
            target,
        };
        push(&mut self.data.schedules, schedule);
    }

    /// An enabled rule of the default event bus that runs a Fargate task.
    pub fn event_rule(&mut self, name: &str, cluster: &Arn, definition: &Arn, subnets: &[&SubnetId]) {
        let target = self.target(cluster, definition, subnets);
        let rule = EventRule {
            name: name.to_owned(),
            event_bus_name: "default".to_owned(),
            arn: Some(Arn::from(format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"))),
            state: "ENABLED".to_owned(),
            schedule_expression: Some("rate(1 hour)".to_owned()),
            targets: vec![target],
        };
        push(&mut self.data.event_rules, rule);
    }
}
