//! Files that nobody wrote like this: damaged, odd, huge. They are refused with a line, or judged without a crash.

use std::path::Path;

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::explain;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::{Snapshot, file};
use ecs_network_audit::{capacity, saved};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::mocks::accounts::{ec2_awsvpc_full, ec2_awsvpc_trunked, ec2_bridge_behind_alb, in_provider};
use crate::mocks::{organization, patterns};

/// Values that a hand or a bug might put anywhere.
fn odd_values() -> Vec<Value> {
    let long = "x".repeat(10_000);
    vec![
        Value::Null,
        json!(""),
        json!(long),
        json!("0.0.0.0/0"),
        json!("10.0.0.0/33"),
        json!("255.255.255.255/0"),
        json!("::/0"),
        json!("2001:db8::/129"),
        json!("sg-self"),
        json!("arn:"),
        json!("arn:aws:ecs:::"),
        json!("{\"Statement\": {\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": []}}"),
        json!("attribute:a =~ ((((((("),
        json!("not(not(not("),
        json!("-65536"),
        json!(0),
        json!(-1),
        json!(65_535),
        json!(65_536),
        json!(i64::from(i32::MAX)),
        json!(i64::from(i32::MIN)),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(true),
        json!([]),
        json!([[]]),
        json!({}),
        json!("9999-12-31T23:59:59Z"),
        json!("0001-01-01T00:00:00Z"),
    ]
}

/// Paths to all values below this one.
fn places(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    if !path.is_empty() {
        found.push(path.clone());
    }
    let mut below = |key: String, value: &Value| {
        path.push(key);
        places(value, path, found);
        path.pop();
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| below(index.to_string(), item)),
        Value::Object(fields) => fields.iter().for_each(|(key, field)| below(key.clone(), field)),
        _ => {}
    }
}

fn at<'v>(value: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
        Value::Object(fields) => fields.get_mut(key),
        _ => None,
    })
}

/// Judges a snapshot in every way that there is. A rule that crashes is caught and told, which is a failure here.
fn judge(snapshot: &Snapshot) {
    let settings = Settings::all_rules();
    let report = evaluate(snapshot, &settings);
    let crashed = report.not_evaluated.iter().filter(|entry| entry.reason.to_string().contains("the rule crashed"));
    let crashed: Vec<&str> = crashed.map(|entry| entry.rule).collect();
    assert!(crashed.is_empty(), "crashed: {crashed:?}");
    explain::explain(snapshot, &settings, &report, |_| true);
    capacity::of(snapshot, &settings);
    saved::SavedReport::of(&report);
}

fn bases() -> Vec<Value> {
    let small = [
        patterns::fargate_nat().account.snapshot(),
        patterns::fargate_endpoints().account.snapshot(),
        organization::snapshot(),
        ec2_awsvpc_full().account.snapshot(),
        ec2_bridge_behind_alb().account.snapshot(),
        in_provider(ec2_awsvpc_trunked(), 3, 6).account.snapshot(),
    ];
    small.iter().map(|snapshot| serde_json::to_value(snapshot).unwrap()).collect()
}

/// One change to a snapshot.
#[derive(Clone, Debug)]
enum Change {
    /// A value in another's place.
    Replace(prop::sample::Index, prop::sample::Index),
    /// A field or an item less.
    Remove(prop::sample::Index),
    /// Another value of the same snapshot in its place: names that name themselves, routes that lead nowhere.
    Swap(prop::sample::Index, prop::sample::Index),
    /// The same item twice.
    Double(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let index = || any::<prop::sample::Index>();
    prop_oneof![
        4 => (index(), index()).prop_map(|(place, value)| Change::Replace(place, value)),
        1 => index().prop_map(Change::Remove),
        3 => (index(), index()).prop_map(|(place, other)| Change::Swap(place, other)),
        1 => index().prop_map(Change::Double),
    ]
}

fn apply(base: &mut Value, change: &Change) {
    let mut all = Vec::new();
    places(base, &mut Vec::new(), &mut all);
    let of = |index: &prop::sample::Index| all[index.index(all.len())].clone();
    match change {
        Change::Replace(place, value) => {
            let odd = odd_values();
            if let Some(found) = at(base, &of(place)) {
                *found = odd[value.index(odd.len())].clone();
            }
        }
        Change::Remove(place) => {
            let path = of(place);
            let (last, parents) = path.split_last().expect("a place is below the root");
            match at(base, parents) {
                Some(Value::Object(fields)) => drop(fields.remove(last)),
                Some(Value::Array(items)) => drop(items.remove(last.parse().unwrap())),
                _ => {}
            }
        }
        Change::Swap(place, other) => {
            let other = at(base, &of(other)).cloned();
            if let (Some(found), Some(other)) = (at(base, &of(place)), other) {
                let is_leaf = !found.is_array() && !found.is_object() && !other.is_array() && !other.is_object();
                if is_leaf {
                    *found = other;
                }
            }
        }
        Change::Double(place) => {
            let path = of(place);
            let (last, parents) = path.split_last().expect("a place is below the root");
            if let (Some(Value::Array(items)), Ok(index)) = (at(base, parents), last.parse::<usize>()) {
                let twice = items[index].clone();
                items.push(twice);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_that_was_tampered_with_is_refused_or_judged(
        base in 0..6usize,
        changes in proptest::collection::vec(change(), 1..6),
    ) {
        let mut value = bases().swap_remove(base);
        changes.iter().for_each(|change| apply(&mut value, change));
        let text = serde_json::to_vec(&value).unwrap();
        if let Ok(snapshot) = file::parse(Path::new("odd.json"), &text) {
            judge(&snapshot);
        }
    }

    #[test]
    fn no_bytes_are_too_odd_for_a_loader(bytes in any::<Vec<u8>>(), cut in any::<prop::sample::Index>(), flip in any::<u8>()) {
        let _ = file::parse(Path::new("odd"), &bytes);
        let _ = saved::SavedReport::parse(&bytes);
        let mut real = include_bytes!("../../mocks/demo.json").to_vec();
        let at = cut.index(real.len());
        real[at] ^= flip;
        if at.is_multiple_of(2) {
            real.truncate(at);
        }
        let _ = file::parse(Path::new("damaged"), &real);
    }
}

/// Numbers at the ends of their ranges in all places at once.
#[test]
fn an_account_of_extremes_is_judged() {
    for number in [json!(0), json!(i32::MAX), json!(i32::MIN), json!(65_535)] {
        for mut value in bases() {
            let mut all = Vec::new();
            places(&value, &mut Vec::new(), &mut all);
            for path in all {
                let Some(found) = at(&mut value, &path) else { continue };
                if found.is_number() && path.last().is_none_or(|key| key != "schema_version") {
                    let before = std::mem::replace(found, number.clone());
                    // Where the type has no room for it, the number stays.
                    if serde_json::from_value::<Snapshot>(value.clone()).is_err() {
                        *at(&mut value, &path).unwrap() = before;
                    }
                }
            }
            judge(&serde_json::from_value(value).unwrap());
        }
    }
}
