//! Identifiers as AWS prints them, one type per kind, so that a subnet can't be looked up as a route table.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($text:ty: $($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($text);

        impl $name {
            /// The identifier as AWS prints it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

// Too long to be kept in place, and the same one is in many items.
ids! { Arc<str>:
    /// An Amazon Resource Name.
    Arn,
}

ids! { CompactString:
    /// `vpc-…`
    VpcId,
    /// `subnet-…`
    SubnetId,
    /// `rtb-…`
    RouteTableId,
    /// `sg-…`
    SecurityGroupId,
    /// `acl-…`
    NetworkAclId,
    /// `eni-…`
    NetworkInterfaceId,
    /// `i-…`, or `mi-…` of ECS Anywhere.
    InstanceId,
    /// `vpce-…`
    VpcEndpointId,
    /// `nat-…`
    NatGatewayId,
    /// `igw-…` and `eigw-…`
    InternetGatewayId,
    /// `pl-…`
    PrefixListId,
    /// `dopt-…`, or `default` for a VPC without an options set.
    DhcpOptionsId,
}

impl Arn {
    /// The part after the last `/`, or the whole ARN when it has none.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}
