//! What answers for a name inside a VPC: Amazon's public DNS, an endpoint's private name, or something of the customer's.
//!
//! Source: "Working with private hosted zones" and "Resolver rules" in the Route 53 guide. The most specific zone or rule
//! for a name wins, and a name that its zone lacks does not resolve at all.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::analysis::names;
use crate::reach::verdict::Gap;
use crate::snapshot::ids::VpcId;
use crate::snapshot::vpc::{HostedZone, Vpc};
use crate::text;
use crate::topology::{Lookup, Topology};

/// The answer for one name in one VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution<'s> {
    /// A readable private zone covers the name and has no record for it.
    pub unresolved_in: Option<&'s HostedZone>,
    /// A private zone may answer with an address of its own.
    pub by_zone: Vec<Gap>,
    /// Servers or rules that can't be seen through may answer, or not know private names.
    pub elsewhere: Vec<Gap>,
}

impl Resolution<'_> {
    /// Everything that makes the answer uncertain.
    pub fn gaps(&self) -> Vec<Gap> {
        self.by_zone.iter().chain(&self.elsewhere).cloned().collect()
    }
}

/// What answers for `host`. `endpoint_zone` is the private zone of the endpoint that serves the name, if one does: less
/// specific zones and rules lose against it.
pub fn of<'s>(topology: &Topology<'s>, vpc: &Vpc, host: &str, endpoint_zone: Option<&str>) -> Resolution<'s> {
    let mut answer = Resolution::default();
    let wins = |domain: &str| {
        names::covers(domain, host) && endpoint_zone.is_none_or(|zone| domain.trim_end_matches('.').len() >= zone.len())
    };
    servers(topology, vpc, &mut answer);
    zones(topology, &vpc.id, host, endpoint_zone, wins, &mut answer);
    match topology.resolver_rules_in(&vpc.id) {
        Ok(rules) => answer.elsewhere.extend(
            rules
                .items()
                .iter()
                // SYSTEM and RECURSIVE leave a name with Amazon's resolver.
                .filter(|rule| !matches!(rule.rule_type.as_deref(), Some("SYSTEM" | "RECURSIVE")))
                .filter(|rule| rule.domain_name.as_deref().is_none_or(wins))
                .map(|rule| {
                    let reason = text!["Resolver rule ", &rule.id, " forwards names of ", &vpc.id, " elsewhere"];
                    Gap::Undecidable { kind: "resolver-rule", reason }
                }),
        ),
        Err(gap) => answer.elsewhere.push(gap),
    }
    match topology.profiles_in(&vpc.id) {
        Ok(profiles) => answer.elsewhere.extend(profiles.items().iter().map(|profile| {
            let reason = text!["Route 53 Profile ", &profile.profile_id, " can bring zones and rules to ", &vpc.id];
            Gap::Undecidable { kind: "route53-profile", reason }
        })),
        Err(gap) => answer.elsewhere.push(gap),
    }
    answer
}

fn servers(topology: &Topology<'_>, vpc: &Vpc, answer: &mut Resolution<'_>) {
    let Some(id) = vpc.dhcp_options_id.as_ref().filter(|id| id.as_str() != "default") else { return };
    match topology.dhcp_options(id) {
        Lookup::Found(options) => {
            let own = options.domain_name_servers.iter().find(|server| !is_amazons(server, vpc));
            answer.elsewhere.extend(own.map(|server| {
                let reason = text![&vpc.id, " resolves names with ", server, " instead of Amazon's resolver"];
                Gap::Undecidable { kind: "custom-dns", reason }
            }));
        }
        Lookup::Absent => {
            let reason = text!["the DHCP options ", id, " of ", &vpc.id, " are not visible"];
            answer.elsewhere.push(Gap::Undecidable { kind: "dhcp-options", reason });
        }
        Lookup::Unread(gap) => answer.elsewhere.push(gap),
    }
}

/// Amazon's resolver answers at the second address of the VPC's range as well, and at a link-local one ("DNS attributes
/// for your VPC").
fn is_amazons(server: &str, vpc: &Vpc) -> bool {
    let second =
        |block: &Ipv4Net| u32::from(block.network()).checked_add(2).map(|address| Ipv4Addr::from(address).to_string());
    server.eq_ignore_ascii_case("AmazonProvidedDNS")
        || server == "169.254.169.253"
        || vpc.cidr_blocks.first().and_then(second).is_some_and(|address| address == server)
}

fn zones<'s>(
    topology: &Topology<'s>,
    vpc: &VpcId,
    host: &str,
    endpoint_zone: Option<&str>,
    wins: impl Fn(&str) -> bool,
    answer: &mut Resolution<'s>,
) {
    let zones = match topology.hosted_zones_in(vpc) {
        Lookup::Found(found) => &found.zones,
        Lookup::Absent => {
            let reason = text!["the private hosted zones of ", vpc, " are not in the snapshot"];
            answer.by_zone.push(Gap::Undecidable { kind: "private-hosted-zone", reason });
            return;
        }
        // A zone that wasn't seen may answer, or lack the name: even a way out proves nothing then.
        Lookup::Unread(gap) => {
            answer.by_zone.push(gap);
            return;
        }
    };
    // AWS makes a zone for each endpoint with private DNS; where the endpoint is known, that zone is no news.
    let known = |zone: &HostedZone| zone.owning_service.is_some() && endpoint_zone.is_some();
    let covering = zones.iter().filter(|zone| wins(&zone.name) && !known(zone));
    let Some(zone) = covering.max_by_key(|zone| zone.name.len()) else { return };
    let is_own = zone.owning_service.is_none() && zone.owning_account.as_ref() == Some(&topology.target.account);
    match is_own.then(|| topology.zone_has_record(&zone.id, host)) {
        Some(Lookup::Found(false)) => answer.unresolved_in = Some(zone),
        Some(Lookup::Unread(gap)) => answer.by_zone.push(gap),
        answered => {
            // Whether the address in a record serves is another matter than whether the name resolves.
            let kind = match answered {
                Some(Lookup::Found(true)) => "private-hosted-zone-record",
                _ => "private-hosted-zone",
            };
            let reason = text!["a private hosted zone for ", &zone.name, " (", &zone.id, ") answers in ", vpc];
            answer.by_zone.push(Gap::Undecidable { kind, reason });
        }
    }
}
