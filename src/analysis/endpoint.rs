//! Which VPC endpoint serves a service for the interfaces of a subnet, and if none does, what is wrong with those there.
//!
//! Sources: "Access AWS services through AWS PrivateLink" and "Gateway endpoints for Amazon S3" in the PrivateLink guide.
//! An endpoint in one zone serves every subnet of its VPC.

use crate::analysis::names;
use crate::reach::verdict::Gap;
use crate::snapshot::enums::{RouteState, VpcEndpointState, VpcEndpointType};
use crate::snapshot::ids::VpcId;
use crate::snapshot::vpc::{RouteTable, RouteTarget, VpcEndpoint};
use crate::text;
use crate::topology::{Lookup, Topology};

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served<'s> {
    /// By this endpoint.
    By(&'s VpcEndpoint),
    /// By none; these are there and don't serve.
    No(Vec<EndpointFault<'s>>),
    /// It can't be told.
    Unknown(Vec<Gap>),
}

/// An endpoint for the service that doesn't serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointFault<'s> {
    /// Which endpoint.
    pub endpoint: &'s VpcEndpoint,
    /// Why not.
    pub why: Why,
}

/// Why an endpoint doesn't serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Its state isn't `available`.
    State,
    /// Its own private DNS is off: the service's name leads past it.
    PrivateDnsOff,
    /// A DNS attribute of the VPC is off.
    VpcDnsOff,
    /// A gateway endpoint that isn't on the route table of the subnet.
    NotRouted,
}

/// The kind of gap where the name leads to an endpoint that can't be judged.
const TAKES_THE_NAME: &str = "s3-interface-endpoint";

enum Fit {
    Serves,
    Fault(Why),
    Unknown(Gap),
}

/// Whether names lead to an endpoint that this gap is about, or may.
pub fn takes_the_name(gap: &Gap) -> bool {
    matches!(gap, Gap::Unread { .. } | Gap::Undecidable { kind: TAKES_THE_NAME, .. })
}

/// Looks for the endpoint that serves `service` of `region`, by the name `host`, from a subnet of `vpc` with this route
/// table.
pub fn serving<'s>(
    topology: &Topology<'s>,
    vpc: &VpcId,
    table: Option<&RouteTable>,
    service: &str,
    region: &str,
    host: &str,
) -> Served<'s> {
    let (mut faults, mut gaps) = (Vec::new(), Vec::new());
    let mut by_gateway = None;
    for endpoint in topology.known_endpoints_in(vpc) {
        let Some(candidate) = candidate(endpoint, service, region) else { continue };
        let fit = match candidate {
            // ECR does not take PrivateLink traffic at its dual-stack names ("Amazon ECR requests over IPv6").
            Candidate::Plain if service.starts_with("ecr.") && is_dual_stack(host) => continue,
            Candidate::Plain if host.contains("-fips") => Fit::Unknown(fips_host(endpoint)),
            Candidate::Plain => fit(topology, endpoint, table),
            Candidate::Fips => Fit::Unknown(fips_only(endpoint)),
        };
        match fit {
            // Its route takes S3's addresses; whether the name leads there hangs on interface endpoints beside it.
            Fit::Serves if endpoint.endpoint_type == VpcEndpointType::Gateway => by_gateway = Some(endpoint),
            Fit::Serves => return Served::By(endpoint),
            Fit::Fault(why) => faults.push(EndpointFault { endpoint, why }),
            Fit::Unknown(gap) => gaps.push(gap),
        }
    }
    gaps.extend(topology.endpoints_in(vpc).err());
    if let Some(endpoint) = by_gateway
        && !gaps.iter().any(takes_the_name)
    {
        return Served::By(endpoint);
    }
    if gaps.is_empty() { Served::No(faults) } else { Served::Unknown(gaps) }
}

fn is_dual_stack(host: &str) -> bool {
    host.ends_with(".on.aws") || host.ends_with(".on.amazonwebservices.com.cn")
}

enum Candidate {
    Plain,
    Fips,
}

fn candidate(endpoint: &VpcEndpoint, service: &str, region: &str) -> Option<Candidate> {
    if !matches!(endpoint.endpoint_type, VpcEndpointType::Interface | VpcEndpointType::Gateway) {
        return None;
    }
    let (own_region, own_service) = names::parse_service_name(&endpoint.service_name)?;
    if endpoint.service_region.as_deref().unwrap_or(own_region) != region {
        return None;
    }
    if own_service == service {
        return Some(Candidate::Plain);
    }
    (own_service.contains("-fips") && own_service.replacen("-fips", "", 1) == service).then_some(Candidate::Fips)
}

fn fit(topology: &Topology<'_>, endpoint: &VpcEndpoint, table: Option<&RouteTable>) -> Fit {
    match endpoint.state {
        VpcEndpointState::Available | VpcEndpointState::Partial => {}
        VpcEndpointState::Other(_) => return Fit::Unknown(unknown_state(endpoint)),
        _ => return Fit::Fault(Why::State),
    }
    match endpoint.endpoint_type {
        VpcEndpointType::Gateway => gateway_fit(topology, endpoint, table),
        _ => interface_fit(topology, endpoint),
    }
}

fn gateway_fit(topology: &Topology<'_>, endpoint: &VpcEndpoint, table: Option<&RouteTable>) -> Fit {
    let Some(table) = table else {
        let reason = text!["it can't be seen whether ", &endpoint.id, " is on the subnet's route table"];
        return Fit::Unknown(Gap::Undecidable { kind: "no-route-table", reason });
    };
    let mut routes =
        table.routes.iter().filter(|route| route.target == RouteTarget::VpcEndpoint(endpoint.id.clone())).peekable();
    let routed = match routes.peek() {
        Some(_) => routes.any(|route| route.state == RouteState::Active),
        None => endpoint.route_table_ids.contains(&table.id),
    };
    if !routed {
        return Fit::Fault(Why::NotRouted);
    }
    match topology.vpc_dns(&endpoint.vpc_id) {
        Lookup::Found(dns) if dns.enable_dns_support => Fit::Serves,
        Lookup::Found(_) => Fit::Fault(Why::VpcDnsOff),
        Lookup::Absent => Fit::Unknown(dns_not_shown(endpoint)),
        Lookup::Unread(gap) => Fit::Unknown(gap),
    }
}

fn interface_fit(topology: &Topology<'_>, endpoint: &VpcEndpoint) -> Fit {
    if !endpoint.private_dns_enabled || endpoint.private_dns_only_for_inbound_resolver {
        return Fit::Fault(Why::PrivateDnsOff);
    }
    match topology.vpc_dns(&endpoint.vpc_id) {
        Lookup::Found(dns) if dns.enable_dns_support && dns.enable_dns_hostnames => {}
        Lookup::Found(_) => return Fit::Fault(Why::VpcDnsOff),
        Lookup::Absent => return Fit::Unknown(dns_not_shown(endpoint)),
        Lookup::Unread(gap) => return Fit::Unknown(gap),
    }
    // With private DNS for the whole VPC its names lead here, a gateway endpoint beside it or not.
    let is_s3 = names::parse_service_name(&endpoint.service_name).is_some_and(|(_, service)| service == "s3");
    if is_s3 {
        // The ECR guide asks for the gateway endpoint; whether layers come through the interface one isn't documented.
        let reason = text![
            "the names of S3 lead to the interface endpoint ",
            &endpoint.id,
            "; whether ECR's layers come through it is not documented"
        ];
        return Fit::Unknown(Gap::Undecidable { kind: TAKES_THE_NAME, reason });
    }
    Fit::Serves
}

fn fips_host(endpoint: &VpcEndpoint) -> Gap {
    let reason = text![&endpoint.id, " serves the plain names of ", &endpoint.service_name, ", not a FIPS host name"];
    Gap::Undecidable { kind: "fips-endpoint", reason }
}

fn fips_only(endpoint: &VpcEndpoint) -> Gap {
    let reason = text![
        &endpoint.id,
        " serves only the FIPS names of ",
        &endpoint.service_name,
        "; whether they are used is not visible"
    ];
    Gap::Undecidable { kind: "fips-endpoint", reason }
}

fn unknown_state(endpoint: &VpcEndpoint) -> Gap {
    let reason = text![&endpoint.id, " is in state ", endpoint.state.as_str().to_owned()];
    Gap::Undecidable { kind: "endpoint-state", reason }
}

fn dns_not_shown(endpoint: &VpcEndpoint) -> Gap {
    let reason = text!["the DNS attributes of ", &endpoint.vpc_id, " are not in the snapshot"];
    Gap::Undecidable { kind: "vpc-dns-attributes", reason }
}
