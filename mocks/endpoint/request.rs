//! What a request asks for, and on whose behalf.

use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;

use super::answer::Protocol;
use super::operations::{self, Operation};
use super::params::Params;

/// Access keys of this form select an account.
const ACCOUNT_KEY: &str = "ACCOUNT-";

/// A request that was understood so far.
pub(super) struct Request {
    pub(super) protocol: Protocol,
    pub(super) operation: &'static Operation,
    pub(super) params: Params,
    /// The account of the access key, if it names one.
    pub(super) account: Option<String>,
    pub(super) region: String,
}

/// Why a request can't be answered.
pub(super) enum Unknown {
    /// It isn't signed, or for a service that isn't here.
    Service,
    /// The service has no such operation.
    Operation(Protocol, String),
}

impl Request {
    pub(super) fn read(head: &Parts, body: &[u8]) -> Result<Self, Unknown> {
        let signed = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let scope = signed.and_then(scope).ok_or(Unknown::Service)?;
        let protocol = Protocol::of(scope.service).ok_or(Unknown::Service)?;
        let path = head.uri.path();
        let query = Params::from_form(head.uri.query().unwrap_or_default());
        let (name, params) = match protocol {
            Protocol::Json => {
                let target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
                let name = target.rsplit('.').next().unwrap_or_default().to_owned();
                (name, Params::from_json(body).ok_or(Unknown::Service)?)
            }
            Protocol::Query | Protocol::Ec2 => {
                let params = Params::from_form(&String::from_utf8_lossy(body));
                (params.text("Action").unwrap_or_default().to_owned(), params)
            }
            Protocol::RestJson | Protocol::RestXml => {
                let (name, named) = of_path(scope.service, path);
                let params = match named {
                    Some((key, value)) => query.with(key, value),
                    None => query,
                };
                (name.to_owned(), params)
            }
        };
        let unknown = || Unknown::Operation(protocol, name.clone());
        let operation = operations::find(&format!("{}:{name}", scope.service)).ok_or_else(unknown)?;
        let account = scope.key.strip_prefix(ACCOUNT_KEY).map(str::to_owned);
        Ok(Self { protocol, operation, params, account, region: scope.region.to_owned() })
    }

    /// EC2 gives such calls a smaller bucket.
    pub(super) fn is_unfiltered(&self) -> bool {
        self.params.text("MaxResults").is_none() && !self.params.is_filtered()
    }
}

struct Scope<'a> {
    key: &'a str,
    region: &'a str,
    service: &'a str,
}

/// Of `AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-west-1/ecs/aws4_request, …`.
fn scope(authorization: &str) -> Option<Scope<'_>> {
    let (_, rest) = authorization.split_once("Credential=")?;
    let mut parts = rest.split([',', ' ']).next()?.split('/');
    let (key, _day, region, service) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(Scope { key, region, service })
}

/// The operation of a path, and what the path names.
fn of_path<'p>(service: &str, path: &'p str) -> (&'static str, Option<(&'static str, &'p str)>) {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (service, parts.as_slice()) {
        ("route53", [_, "hostedzonesbyvpc"]) => ("ListHostedZonesByVPC", None),
        ("route53", [_, "hostedzone", id, "rrset"]) => ("ListResourceRecordSets", Some(("Id", id))),
        ("elasticfilesystem", [_, "mount-targets"]) => ("DescribeMountTargets", None),
        ("elasticfilesystem", [_, "mount-targets", id, "security-groups"]) => {
            ("DescribeMountTargetSecurityGroups", Some(("Id", id)))
        }
        ("scheduler", ["schedules"]) => ("ListSchedules", None),
        ("scheduler", ["schedules", name]) => ("GetSchedule", Some(("Name", name))),
        ("route53profiles", ["profileassociations"]) => ("ListProfileAssociations", None),
        _ => ("", None),
    }
}

/// The access key of an account's role.
pub(super) fn access_key(account: &str) -> String {
    format!("{ACCOUNT_KEY}{account}")
}
