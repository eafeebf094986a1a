//! How fast AWS lets an account ask, as it publishes: each operation's bucket, with its burst and its refill.
//!
//! Sources: the request-throttling pages of the developer guides of Amazon ECS, Amazon EC2 and Elastic Load Balancing, and
//! the quotas pages of Route 53 and Service Quotas. What is not published gets a moderate guess, which throttles correct.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bucket::Bucket;

/// The size of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    /// Requests at once, when the bucket is full.
    pub(super) burst: f64,
    /// Requests a second after that.
    pub(super) per_second: f64,
}

const fn limit(burst: u16, per_second: u16) -> Limit {
    Limit { burst: burst as f64, per_second: per_second as f64 }
}

const UNPUBLISHED: Limit = limit(50, 20);

/// Name and size of the bucket that an operation draws from; operations of one name share it.
fn bucket_of(api: &'static str) -> (&'static str, Limit) {
    match api {
        "ecs:ListClusters" | "ecs:DescribeClusters" => ("ecs:cluster-read", limit(50, 20)),
        "ecs:ListServices" | "ecs:DescribeServices" => ("ecs:service-read", limit(100, 20)),
        "ecs:ListTasks" | "ecs:DescribeTasks" | "ecs:ListContainerInstances" | "ecs:DescribeContainerInstances" => {
            ("ecs:cluster-resource-read", limit(100, 20))
        }
        "ecs:DescribeTaskDefinition" => ("ecs:task-definition-read", limit(50, 20)),
        "ecs:DescribeCapacityProviders" => ("ecs:capacity-provider-read", limit(50, 20)),
        "ecs:ListAccountSettings" => ("ecs:setting-read", limit(50, 20)),
        // Of non-mutating calls each has a bucket of its own.
        api if api.starts_with("ec2:") => (api, limit(100, 20)),
        // The page names 40 and 10 in its text, 200 and 50 in its table.
        api if api.starts_with("elasticloadbalancing:") => ("elbv2:non-mutating", limit(40, 10)),
        // Five a second for the whole account, and no burst is published.
        api if api.starts_with("route53:") => (ROUTE_53, limit(5, 5)),
        api if api.starts_with("route53resolver:") => ("route53resolver:all", limit(5, 5)),
        api if api.starts_with("servicequotas:") => (api, limit(5, 5)),
        api => (api, UNPUBLISHED),
    }
}

const ROUTE_53: &str = "route53:all";

/// Account, Region and name of a bucket.
type Key = (String, String, &'static str);

/// The buckets of all accounts and Regions of a scan.
#[derive(Debug)]
pub(super) struct Limits {
    share: f64,
    moment: Duration,
    buckets: Mutex<BTreeMap<Key, Arc<Bucket>>>,
}

impl Limits {
    /// With this share of each quota; throttled answers within a moment count once.
    pub(super) fn new(share: f64, moment: Duration) -> Arc<Self> {
        Arc::new(Self { share, moment, buckets: Mutex::default() })
    }

    /// The bucket that a request draws from.
    pub(super) fn bucket(&self, account: &str, region: &str, api: &'static str) -> Arc<Bucket> {
        let (name, limit) = bucket_of(api);
        // Route 53 has no Regions.
        let region = if name == ROUTE_53 { "" } else { region };
        let key = (account.to_owned(), region.to_owned(), name);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(buckets.entry(key).or_insert_with(|| Arc::new(Bucket::new(limit, self.share, self.moment))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_regions_have_buckets_of_their_own() {
        let limits = Limits::new(1.0, Duration::ZERO);
        let of = |account, region, api| limits.bucket(account, region, api);
        let one = of("1", "eu-west-1", "ecs:ListTasks");
        assert!(Arc::ptr_eq(&one, &of("1", "eu-west-1", "ecs:DescribeTasks")));
        for (account, region, api) in [
            ("2", "eu-west-1", "ecs:ListTasks"),
            ("1", "us-east-1", "ecs:ListTasks"),
            ("1", "eu-west-1", "ecs:ListServices"),
        ] {
            assert!(!Arc::ptr_eq(&one, &of(account, region, api)), "{account} {region} {api}");
        }
        let zones = of("1", "eu-west-1", "route53:ListHostedZonesByVPC");
        assert!(Arc::ptr_eq(&zones, &of("1", "us-east-1", "route53:ListResourceRecordSets")));
    }
}
