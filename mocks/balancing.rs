//! The load-balancing half of the fixture vocabulary: load balancers, listeners, rules and the health of targets.

use std::collections::BTreeMap;

use ecs_network_audit::snapshot::elb::{
    Action, Listener, ListenerRule, LoadBalancer, LoadBalancerAttributes, LoadBalancerZone, TargetGroup,
    TargetGroupAttributes, TargetHealth,
};
use ecs_network_audit::snapshot::enums::LoadBalancerType;
use ecs_network_audit::snapshot::ids::{Arn, SecurityGroupId, SubnetId};
use ecs_network_audit::snapshot::vpc::NetworkInterface;

use super::account::{ACCOUNT, Account, REGION, id, push};
use super::interfaces::requester_managed;

impl Account {
    /// An internet-facing Application Load Balancer with a security group `NAME-alb` that admits everyone to port 80.
    pub fn alb(&mut self, name: &str, subnets: &[&SubnetId]) -> Arn {
        let vpc = self.vpc_of(subnets[0]);
        let group = self.security_group(&vpc, &format!("{name}-alb"));
        self.admit(&group, "tcp", 80, 80, "0.0.0.0/0");
        self.load_balancer(name, LoadBalancerType::Application, subnets, &[&group])
    }

    /// A Network Load Balancer with one node in each subnet; without groups unless some are given.
    pub fn nlb(&mut self, name: &str, subnets: &[&SubnetId], groups: &[&SecurityGroupId]) -> Arn {
        let arn = self.load_balancer(name, LoadBalancerType::Network, subnets, groups);
        for (number, subnet) in subnets.iter().enumerate() {
            let found = self.data.subnets.items().iter().find(|s| s.id == **subnet).unwrap().clone();
            let address = found.cidr_block.unwrap().hosts().nth(20).unwrap();
            let node = NetworkInterface {
                interface_type: "network_load_balancer".into(),
                description: format!("ELB {}", arn.as_str().split_once("loadbalancer/").unwrap().1).into(),
                ..requester_managed(&format!("{name}-node-{number}"), &found, groups, &address.to_string())
            };
            push(&mut self.data.network_interfaces, node);
        }
        let attributes = [("load_balancing.cross_zone.enabled".to_owned(), "false".to_owned())].into();
        push(
            &mut self.data.load_balancer_attributes,
            LoadBalancerAttributes { load_balancer_arn: arn.clone(), attributes },
        );
        arn
    }

    fn load_balancer(
        &mut self,
        name: &str,
        kind: LoadBalancerType,
        subnets: &[&SubnetId],
        groups: &[&SecurityGroupId],
    ) -> Arn {
        let word = if kind == LoadBalancerType::Network { "net" } else { "app" };
        let arn = Arn::from(format!(
            "arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/{word}/{name}/{}",
            &id("lb", name)[3..]
        ));
        let zone = |subnet: &&SubnetId| LoadBalancerZone {
            zone_name: self.data.subnets.items().iter().find(|s| s.id == **subnet).unwrap().availability_zone.clone(),
            subnet_id: (*subnet).clone(),
            private_ipv4_addresses: Vec::new(),
        };
        let mut availability_zones: Vec<LoadBalancerZone> = subnets.iter().map(zone).collect();
        availability_zones.sort();
        let vpc_id = Some(self.vpc_of(subnets[0]));
        let mut security_groups: Vec<SecurityGroupId> = groups.iter().map(|group| (*group).clone()).collect();
        security_groups.sort();
        push(
            &mut self.data.load_balancers,
            LoadBalancer {
                arn: arn.clone(),
                name: name.to_owned(),
                kind,
                scheme: "internet-facing".to_owned(),
                vpc_id,
                state: "active".to_owned(),
                ip_address_type: "ipv4".to_owned(),
                security_groups,
                availability_zones,
                enforce_security_group_inbound_rules_on_private_link_traffic: None,
            },
        );
        arn
    }

    pub fn edit_load_balancer(&mut self, arn: &Arn, edit: impl FnOnce(&mut LoadBalancer)) {
        edit(self.data.load_balancers.items_mut().unwrap().iter_mut().find(|b| b.arn == *arn).unwrap());
    }

    /// A listener that forwards to a target group; an Application Load Balancer's has its default rule too.
    pub fn listener(&mut self, load_balancer: &Arn, port: u16, target_group: &Arn) -> Arn {
        let path = load_balancer.as_str().replace(":loadbalancer/", ":listener/");
        let arn = Arn::from(format!("{path}/{}", &id("l", &format!("{load_balancer}/{port}"))[2..]));
        let network = load_balancer.as_str().contains("/net/");
        let forward = Action { kind: "forward".to_owned(), target_groups: vec![(target_group.clone(), 1)] };
        push(
            &mut self.data.listeners,
            Listener {
                arn: arn.clone(),
                load_balancer_arn: load_balancer.clone(),
                port: Some(port),
                protocol: Some(if network { "TCP" } else { "HTTP" }.to_owned()),
                default_actions: vec![forward.clone()],
            },
        );
        if !network {
            self.push_rule(&arn, "default", forward);
        }
        self.edit_target_group(target_group, |group| {
            if !group.load_balancer_arns.contains(load_balancer) {
                group.load_balancer_arns.push(load_balancer.clone());
            }
            if network {
                group.protocol = Some("TCP".to_owned());
                group.health_check.protocol = Some("TCP".to_owned());
            }
        });
        arn
    }

    pub fn edit_listener(&mut self, arn: &Arn, edit: impl FnOnce(&mut Listener)) {
        edit(self.data.listeners.items_mut().unwrap().iter_mut().find(|l| l.arn == *arn).unwrap());
    }

    /// A rule of an Application Load Balancer's listener that forwards to these target groups with their weights.
    pub fn listener_rule(&mut self, listener: &Arn, priority: &str, targets: &[(&Arn, i32)]) -> Arn {
        let target_groups = targets.iter().map(|(arn, weight)| ((*arn).clone(), *weight)).collect();
        self.push_rule(listener, priority, Action { kind: "forward".to_owned(), target_groups })
    }

    fn push_rule(&mut self, listener: &Arn, priority: &str, action: Action) -> Arn {
        let path = listener.as_str().replace(":listener/", ":listener-rule/");
        let arn = Arn::from(format!("{path}/{}", &id("r", &format!("{listener}/{priority}"))[2..]));
        push(
            &mut self.data.listener_rules,
            ListenerRule {
                arn: arn.clone(),
                listener_arn: listener.clone(),
                priority: priority.to_owned(),
                is_default: priority == "default",
                actions: vec![action],
            },
        );
        arn
    }

    pub fn edit_rule(&mut self, arn: &Arn, edit: impl FnOnce(&mut ListenerRule)) {
        edit(self.data.listener_rules.items_mut().unwrap().iter_mut().find(|r| r.arn == *arn).unwrap());
    }

    pub fn edit_target_group(&mut self, arn: &Arn, edit: impl FnOnce(&mut TargetGroup)) {
        edit(self.data.target_groups.items_mut().unwrap().iter_mut().find(|g| g.arn == *arn).unwrap());
    }

    /// Sets an attribute of a target group.
    pub fn attribute(&mut self, target_group: &Arn, key: &str, value: &str) {
        let all = self.data.target_group_attributes.items_mut().unwrap();
        let found = match all.iter_mut().position(|a| a.target_group_arn == *target_group) {
            Some(position) => &mut all[position],
            None => {
                let attributes = BTreeMap::new();
                all.push(TargetGroupAttributes { target_group_arn: target_group.clone(), attributes });
                all.last_mut().unwrap()
            }
        };
        found.attributes.insert(key.to_owned(), value.to_owned());
    }

    /// The health of a target.
    pub fn target_health(&mut self, target_group: &Arn, target: &str, port: u16, state: &str, reason: Option<&str>) {
        push(
            &mut self.data.target_health,
            TargetHealth {
                target_group_arn: target_group.clone(),
                target_id: target.into(),
                port: Some(port),
                availability_zone: None,
                state: state.into(),
                reason: reason.map(Into::into),
                description: None,
            },
        );
    }
}
