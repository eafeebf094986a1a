//! ENIs that AWS makes for others: the nodes of load balancers and the tasks of awsvpc mode.

use ecs_network_audit::snapshot::ids::{Arn, NetworkInterfaceId, SecurityGroupId};
use ecs_network_audit::snapshot::vpc::{NetworkInterface, Subnet};

use super::account::{Account, id, push};

impl Account {
    /// Shows the ENI of a running task, with its groups.
    pub fn task_eni(&mut self, task: &Arn, groups: &[&SecurityGroupId]) {
        let tasks = self.data.tasks.items();
        let seen = tasks.iter().find(|t| t.arn == *task).unwrap().network_interface.clone().unwrap();
        let subnet = self.data.subnets.items().iter().find(|s| Some(&s.id) == seen.subnet_id.as_ref()).unwrap();
        let address = seen.private_ipv4_address.unwrap();
        let interface = NetworkInterface {
            id: seen.network_interface_id.unwrap(),
            ..requester_managed(task.name(), subnet, groups, &address)
        };
        push(&mut self.data.network_interfaces, interface);
    }
}

/// An attached ENI that belongs to an AWS service.
pub fn requester_managed(name: &str, subnet: &Subnet, groups: &[&SecurityGroupId], address: &str) -> NetworkInterface {
    NetworkInterface {
        id: NetworkInterfaceId::from(id("eni", name)),
        vpc_id: subnet.vpc_id.clone(),
        subnet_id: subnet.id.clone(),
        availability_zone: subnet.availability_zone.clone().into(),
        interface_type: "interface".into(),
        status: "in-use".into(),
        description: "".into(),
        security_group_ids: groups.iter().map(|group| (*group).clone()).collect(),
        private_ips: vec![address.into()],
        ipv6_addresses: Vec::new(),
        public_ip: None,
    }
}
