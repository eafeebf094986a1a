//! One scan of two accounts and four Regions: one with mistakes, one without, one without clusters, one of an account
//! that refuses the role.

use ecs_network_audit::snapshot::{Snapshot, Target, UnreadTarget};

use super::account::{ACCOUNT, Account, REGION};
use super::accounts::{fargate_isolated_without_endpoints, fargate_private_with_nat};

/// The second account.
pub const OTHER_ACCOUNT: &str = "222233334444";
/// The account that refuses.
pub const REFUSING_ACCOUNT: &str = "333344445555";

/// The scan.
pub fn snapshot() -> Snapshot {
    let mut snapshot = fargate_isolated_without_endpoints().account.snapshot();
    snapshot.targets.push(elsewhere(&Account::new(), ACCOUNT, "us-east-1"));
    snapshot.targets.push(elsewhere(&fargate_private_with_nat().account, OTHER_ACCOUNT, "ap-southeast-2"));
    for region in ["eu-west-1", "us-east-1"] {
        snapshot.unread_targets.push(UnreadTarget {
            account: Some(REFUSING_ACCOUNT.to_owned()),
            region: Some(region.to_owned()),
            ..refused(&format!("arn:aws:iam::{REFUSING_ACCOUNT}:role/audit"))
        });
    }
    snapshot.unread_targets.extend(["profile old", "profile older"].map(refused));
    snapshot.unread_targets.sort();
    snapshot
}

/// Nobody can say which account and Region are meant.
fn refused(login: &str) -> UnreadTarget {
    UnreadTarget {
        account: None,
        region: None,
        login: login.to_owned(),
        error: format!("assuming {login}: AccessDenied: not authorized to perform sts:AssumeRole"),
        help: vec!["the caller needs sts:AssumeRole".to_owned()],
    }
}

/// The same account under another number and in another Region.
pub fn elsewhere(account: &Account, number: &str, region: &str) -> Target {
    let snapshot = account.snapshot();
    let text = serde_json::to_string(&snapshot.targets[0]).expect("a target is JSON");
    serde_json::from_str(&text.replace(ACCOUNT, number).replace(REGION, region)).expect("only names have changed")
}
