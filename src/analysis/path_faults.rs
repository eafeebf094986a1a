//! The faults of a path in words, each as the blocker that has to be repaired.

use super::endpoint::{EndpointFault, Why};
use super::internet;
use super::path::{Judge, blocker};
use crate::reach::verdict::{Blocker, Family};
use crate::text;

impl<'s> Judge<'_, 's> {
    pub(super) fn of_internet_fault(&self, fault: &internet::Fault) -> Blocker {
        let id = &self.subnet.id;
        match fault {
            internet::Fault::NoRoute(table) => {
                let detail = text![table, " of ", id, " has no route to the internet"];
                blocker(Family::Route, "no-route", table.as_str(), detail)
            }
            internet::Fault::Blackhole(table) => {
                let detail = text!["the default route of ", table, " leads to a target that is gone (blackhole)"];
                blocker(Family::Route, "blackhole", table.as_str(), detail)
            }
            internet::Fault::NoPublicAddress(gateway) => {
                let detail = text![gateway, " drops what comes from an interface without a public address"];
                blocker(Family::Address, "no-public-address", gateway.as_str(), detail)
            }
            internet::Fault::GatewayDetached(gateway) => {
                let detail = text![gateway, " is not attached to ", &self.vpc.id];
                blocker(Family::Route, "internet-gateway-detached", gateway.as_str(), detail)
            }
            internet::Fault::NatState(nat) => {
                let detail = match self.topology.nat_gateway(nat).found() {
                    Some(found) => text![nat, " is in state ", found.state.as_str().to_owned()],
                    None => text![nat, " does not work"],
                };
                blocker(Family::Route, "nat-gateway-state", nat.as_str(), detail)
            }
            internet::Fault::NatSubnet(nat) => {
                let detail = text![nat, " is in a subnet without a route to an attached internet gateway"];
                blocker(Family::Route, "nat-gateway-subnet", nat.as_str(), detail)
            }
            internet::Fault::PublicAccessBlocked => {
                let detail = text!["VPC block public access stops internet gateways in ", &self.vpc.id];
                blocker(Family::Route, "block-public-access", self.vpc.id.as_str(), detail)
            }
        }
    }

    pub(super) fn of_endpoint_fault(&self, fault: &EndpointFault<'s>) -> Blocker {
        let id = fault.endpoint.id.as_str();
        let detail = self.endpoint_fault_detail(fault);
        match fault.why {
            Why::State => blocker(Family::Endpoint, "endpoint-state", id, detail),
            Why::PrivateDnsOff => blocker(Family::Dns, "private-dns-off", id, detail),
            Why::VpcDnsOff => blocker(Family::Dns, "vpc-dns-off", self.vpc.id.as_str(), detail),
            Why::NotRouted => blocker(Family::Endpoint, "gateway-not-routed", id, detail),
        }
    }

    pub(super) fn endpoint_fault_detail(&self, fault: &EndpointFault<'s>) -> text::Text {
        let id = &fault.endpoint.id;
        match fault.why {
            Why::State => text![id, " is in state ", fault.endpoint.state.as_str().to_owned()],
            Why::PrivateDnsOff => text!["private DNS of ", id, " is off"],
            Why::VpcDnsOff => text!["a DNS attribute of ", &self.vpc.id, " is off, so ", id, " has no private names"],
            Why::NotRouted => text![id, " is not on the route table of ", &self.subnet.id],
        }
    }
}
