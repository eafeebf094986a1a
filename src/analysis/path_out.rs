//! The part of a path that leaves by the internet: NAT and internet gateways, with the groups and network ACLs on the way.

use std::rc::Rc;

use super::endpoint::EndpointFault;
use super::ends;
use super::internet::{self, InternetPath, Way};
use super::path::{Fault, Judge, Reach, fails};
use crate::reach::leg::{self, Leg};
use crate::reach::space::AddressSet;
use crate::reach::traffic::Traffic;
use crate::reach::verdict::{Blocker, Gap};
use crate::snapshot::ids::PrefixListId;
use crate::text;
use crate::topology::origin::InterfaceKind;

impl<'s> Judge<'_, 's> {
    pub(super) fn internet(&self) -> Rc<InternetPath> {
        self.analyses.internet_path(self.origin.subnet_id, self.origin.public_address)
    }

    /// `hidden` matters where there is no way out, `by_zone` also where there is one.
    pub(super) fn over_the_internet(
        &mut self,
        internet: &InternetPath,
        endpoint_faults: Vec<EndpointFault<'s>>,
        hidden: Vec<Gap>,
        by_zone: &[Gap],
    ) -> Reach<'s> {
        self.by_internet = true;
        self.hops.extend(internet.hops.iter().cloned());
        let leg = self.leg_out(internet);
        let way = match &internet.way {
            Way::Unknown(gaps) => return self.unknown(gaps.clone()),
            _ if !by_zone.is_empty() => return self.unknown(by_zone.to_vec()),
            Way::Yes => {
                self.hops.extend(leg.hops.iter().cloned());
                // The name may lead to an endpoint elsewhere, by a way that this leg does not take.
                if !leg.blockers.is_empty() && !hidden.is_empty() {
                    return self.unknown(hidden);
                }
                return self.of_leg(&leg, Fault::Refused, None);
            }
            Way::No(faults) => faults,
        };
        if !hidden.is_empty() {
            return self.unknown(hidden);
        }
        let broken: Vec<internet::Fault> = way.iter().filter(|fault| !self.is_no_way_at_all(fault)).cloned().collect();
        let mut blockers: Vec<Blocker> = broken.iter().map(|fault| self.of_internet_fault(fault)).collect();
        blockers.extend(endpoint_faults.iter().map(|fault| self.of_endpoint_fault(fault)));
        let mut repairs = Vec::new();
        let fault = match (broken.as_slice(), endpoint_faults.into_iter().next()) {
            ([internet::Fault::NoPublicAddress(gateway)], _) => Fault::NoPublicAddress(gateway.clone()),
            ([], Some(fault)) => Fault::Endpoint(fault),
            ([], None) => {
                blockers.extend(way.iter().map(|fault| self.of_internet_fault(fault)));
                Fault::Missing
            }
            (_, _) => {
                // The groups matter only where the way, once repaired, leads out.
                self.hops.extend(leg.hops.iter().cloned());
                blockers.extend(leg.blockers.iter().cloned());
                repairs.clone_from(&leg.repairs);
                Fault::WayOut(broken)
            }
        };
        fails(fault, blockers, repairs)
    }

    /// The groups and network ACLs between the origin and the internet, those of the NAT gateways' subnets included.
    pub(super) fn leg_out(&self, internet: &InternetPath) -> Rc<Leg> {
        self.analyses.leg_out(self.origin, || self.make_leg_out(internet))
    }

    fn make_leg_out(&self, internet: &InternetPath) -> Leg {
        let own = self.analyses.end_of_place(self.origin, self.subnet);
        let outside = ends::outside(text!["the internet"], AddressSet::internet(), None);
        let acls = &self.analyses.acls;
        let entries = |id: &PrefixListId| self.topology.prefix_list_entries(id);
        let mut all = leg::follow(&own, &outside, Traffic::tcp(443), &entries, acls);
        for (nat, subnet) in &internet.nat_gateways {
            let Ok(subnet) = ends::subnet(self.topology, subnet) else { continue };
            let end = leg::End {
                subnet_id: Some(&subnet.id),
                network_acl: Some(ends::network_acl(self.topology, &subnet.id)),
                ..ends::outside(text!["NAT gateway ", nat], ends::subnet_addresses(subnet), None)
            };
            all.append(leg::through_nat(&own, &end, &outside, Traffic::tcp(443), &entries, acls));
        }
        all
    }

    /// A missing route is no way at all; so is, for an instance, an internet gateway without a public address.
    fn is_no_way_at_all(&self, fault: &internet::Fault) -> bool {
        match fault {
            internet::Fault::NoRoute(_) => true,
            internet::Fault::NoPublicAddress(_) => self.origin.interface == InterfaceKind::InstanceEni,
            internet::Fault::Blackhole(_)
            | internet::Fault::GatewayDetached(_)
            | internet::Fault::NatState(_)
            | internet::Fault::NatSubnet(_)
            | internet::Fault::PublicAccessBlocked => false,
        }
    }
}
