//! Amazon Route 53, its resolver and its profiles.

use ecs_network_audit::snapshot::ids::VpcId;
use ecs_network_audit::snapshot::vpc::{HostedZone, ProfileAssociation, ResolverRule};
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;

/// Route 53 is global: the VPC may be in any Region of the account.
pub(super) fn hosted_zones(call: &Call<'_>) -> Result<Value, Refusal> {
    let vpc = call.required("vpcid")?;
    if call.is_gone(vpc) {
        return Err(Refusal::bad("InvalidInput", format!("The VPC {vpc} does not exist")));
    }
    let all = call.world.account().flat_map(|target| target.data.hosted_zones.items());
    let own = all.into_iter().find(|answer| answer.vpc_id.as_str() == vpc);
    let zones: Vec<&HostedZone> = own.map(|own| own.zones.iter().collect()).unwrap_or_default();
    let page = call.page(&zones)?;
    let shape = |zone: &HostedZone| {
        // Route 53 closes names with a dot.
        json!({
            "HostedZoneId": zone.id,
            "Name": format!("{}.", zone.name),
            "Owner": {"OwningAccount": zone.owning_account, "OwningService": zone.owning_service},
        })
    };
    let zones: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({"HostedZoneSummaries": {"HostedZoneSummary": zones}, "MaxItems": "100", "NextToken": page.next}))
}

pub(super) fn records(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.required("Id")?;
    let all = call.world.account().flat_map(|target| target.data.hosted_zone_records.items());
    let known = all.into_iter().find(|zone| zone.zone_id == id && !call.is_gone(id));
    let missing = || Refusal::with_status(404, "NoSuchHostedZone", format!("No hosted zone found with ID: {id}"));
    let zone = known.ok_or_else(missing)?;
    let records: Vec<&(String, String)> = zone.records.iter().collect();
    let page = call.page(&records)?;
    // An asterisk is written as its octal code.
    let name = |name: &str| format!("{}.", name.replace('*', "\\052"));
    let sets: Vec<Value> = page.items.iter().map(|(own, kind)| json!({"Name": name(own), "Type": kind})).collect();
    let next = records.last().filter(|_| page.next.is_some());
    Ok(json!({
        "ResourceRecordSets": {"ResourceRecordSet": sets},
        "IsTruncated": page.next.is_some(),
        "NextRecordName": next.map(|(own, _)| name(own)),
        "NextRecordType": next.map(|(_, kind)| kind),
        "NextRecordIdentifier": page.next,
        "MaxItems": "300",
    }))
}

pub(super) fn resolver_rule_associations(call: &Call<'_>) -> Result<Value, Refusal> {
    let all: Vec<&ResolverRule> = call.world.data().resolver_rules.items().iter().collect();
    let page = call.page(&all)?;
    let shape = |rule: &ResolverRule| {
        let id = format!("rslvr-rrassoc-{}-{}", rule.id, rule.vpc_id);
        json!({"Id": id, "ResolverRuleId": rule.id, "VPCId": rule.vpc_id.as_str(), "Status": "COMPLETE"})
    };
    let associations: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({"ResolverRuleAssociations": associations, "NextToken": page.next}))
}

/// Each rule once, however many VPCs it is associated with; one that isn't visible is left out.
pub(super) fn resolver_rules(call: &Call<'_>) -> Result<Value, Refusal> {
    let visible = call.world.data().resolver_rules.items().iter().filter(|rule| rule.rule_type.is_some());
    let mut rules: Vec<&ResolverRule> = visible.collect();
    rules.sort_by_key(|rule| &rule.id);
    rules.dedup_by_key(|rule| &rule.id);
    let page = call.page(&rules)?;
    let shape = |rule: &ResolverRule| {
        let domain = rule.domain_name.as_ref().map(|name| format!("{name}."));
        json!({"Id": rule.id, "DomainName": domain, "RuleType": rule.rule_type})
    };
    let rules: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({"ResolverRules": rules, "NextToken": page.next}))
}

pub(super) fn profile_associations(call: &Call<'_>) -> Result<Value, Refusal> {
    let all: Vec<&ProfileAssociation> = call.world.data().profile_associations.items().iter().collect();
    let page = call.page(&all)?;
    let shape = |own: &ProfileAssociation| json!({"ProfileId": own.profile_id, "ResourceId": VpcId::as_str(&own.vpc_id), "Name": own.name});
    let associations: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({"ProfileAssociations": associations, "NextToken": page.next}))
}
