//! Amazon Route 53: what may answer for a name inside a VPC instead of Amazon's public DNS.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_route53::types::{HostedZoneSummary, RrType, VpcRegion};

use super::convert::id;
use super::ec2;
use super::ecs::sorted;
use super::plan::{Reader, each, gather, whole};
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure, Fetched};
use crate::snapshot::ids::VpcId;
use crate::snapshot::vpc::{HostedZone, ProfileAssociation, ResolverRule, VpcHostedZones, ZoneRecords};

const PAGE: i32 = 100;

/// What forwards for the VPCs, their zones, and the records of those that answer for names of AWS.
pub(super) async fn read(reader: &Reader) {
    tokio::join!(
        reader.read(Dataset::ResolverRules, |data| &mut data.resolver_rules, resolver_rules(reader)),
        reader.read(Dataset::ProfileAssociations, |data| &mut data.profile_associations, profile_associations(reader)),
        reader.derive(
            Dataset::HostedZones,
            |data| &mut data.hosted_zones,
            ec2::workload_vpcs,
            |vpcs| hosted_zones(reader, vpcs)
        ),
        reader.derive(
            Dataset::HostedZoneRecords,
            |data| &mut data.hosted_zone_records,
            |data| own_zones_of_aws_names(reader, data),
            |zones| zone_records(reader, zones)
        ),
    );
}

/// Zones of this account that answer for names of AWS services.
fn own_zones_of_aws_names(reader: &Reader, data: &TargetData) -> Vec<String> {
    let zones = data.hosted_zones.items().iter().flat_map(|answer| &answer.zones);
    let own = zones.filter(|zone| {
        let made_here = zone.owning_service.is_none() && zone.owning_account.as_ref() == Some(&reader.account);
        made_here && covers_aws(&zone.name)
    });
    let ids: BTreeSet<String> = own.map(|zone| zone.id.clone()).collect();
    ids.into_iter().collect()
}

async fn zone_records(reader: &Reader, zones: Vec<String>) -> Fetched<ZoneRecords> {
    let parts = each(zones, |id| records_of(reader.clone(), id)).await;
    sorted(gather(parts), |a, b| a.zone_id.cmp(&b.zone_id))
}

/// Whether names of AWS services end like the zone, or the zone lies below such a name.
fn covers_aws(zone: &str) -> bool {
    let zone = zone.to_ascii_lowercase();
    ["amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "api.aws", "on.aws"]
        .iter()
        .any(|suffix| zone == *suffix || zone.ends_with(&format!(".{suffix}")))
}

async fn records_of(reader: Reader, zone_id: String) -> (Vec<ZoneRecords>, Option<Failure>) {
    let client = &reader.clients.route53;
    // Three fields say where the next page starts; a line feed is in none of them.
    let request = |token: Option<String>| {
        let token = token.unwrap_or_default();
        let mut parts = token.split('\n').map(|part| (!part.is_empty()).then(|| part.to_owned()));
        let list = client.list_resource_record_sets().hosted_zone_id(&zone_id).max_items(PAGE);
        let list = list.set_start_record_name(parts.next().flatten());
        let list = list.set_start_record_type(parts.next().flatten().as_deref().map(RrType::from));
        list.set_start_record_identifier(parts.next().flatten()).send()
    };
    let take = |page: aws_sdk_route53::operation::list_resource_record_sets::ListResourceRecordSetsOutput| {
        let records = page.resource_record_sets.into_iter();
        let records = records.map(|set| (record_name(&set.name), set.r#type.as_str().to_owned()));
        let next = page.is_truncated.then(|| {
            let kind = page.next_record_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default();
            let identifier = page.next_record_identifier.unwrap_or_default();
            format!("{}\n{kind}\n{identifier}", page.next_record_name.unwrap_or_default())
        });
        (records.collect::<Vec<_>>(), next)
    };
    match reader.caller.pages("route53:ListResourceRecordSets", &[&zone_id], request, take).await {
        (mut records, None) => {
            records.sort();
            records.dedup();
            (vec![ZoneRecords { zone_id, records }], None)
        }
        (_, Some(failure)) => (Vec::new(), Some(failure)),
    }
}

/// Route 53 writes an asterisk as its octal code.
fn record_name(name: &str) -> String {
    name.trim_end_matches('.').replace("\\052", "*").to_ascii_lowercase()
}

/// The private zones of each VPC, whoever owns them.
async fn hosted_zones(reader: &Reader, vpcs: BTreeSet<VpcId>) -> Fetched<VpcHostedZones> {
    let parts = each(vpcs.into_iter().collect(), |vpc| zones_of(reader.clone(), vpc)).await;
    sorted(gather(parts), |a, b| a.vpc_id.cmp(&b.vpc_id))
}

async fn zones_of(reader: Reader, vpc: VpcId) -> (Vec<VpcHostedZones>, Option<Failure>) {
    let client = &reader.clients.route53;
    let region = VpcRegion::from(reader.region.as_str());
    let request = |token| {
        let list = client.list_hosted_zones_by_vpc().vpc_id(vpc.as_str()).vpc_region(region.clone());
        list.max_items(PAGE).set_next_token(token).send()
    };
    let take = |page: aws_sdk_route53::operation::list_hosted_zones_by_vpc::ListHostedZonesByVpcOutput| {
        (page.hosted_zone_summaries.into_iter().map(hosted_zone).collect::<Vec<_>>(), page.next_token)
    };
    match reader.caller.pages("route53:ListHostedZonesByVPC", &[vpc.as_str()], request, take).await {
        (mut zones, None) => {
            zones.sort();
            (vec![VpcHostedZones { vpc_id: vpc, zones }], None)
        }
        // Some zones of a VPC say nothing of the others.
        (_, Some(failure)) => (Vec::new(), Some(failure)),
    }
}

fn hosted_zone(zone: HostedZoneSummary) -> HostedZone {
    HostedZone {
        id: zone.hosted_zone_id,
        name: zone.name.trim_end_matches('.').to_owned(),
        owning_account: zone.owner.as_ref().and_then(|owner| owner.owning_account.clone()),
        owning_service: zone.owner.and_then(|owner| owner.owning_service),
    }
}

/// Associations with what is visible of their rules: a rule shared by another account may not be.
async fn resolver_rules(reader: &Reader) -> Fetched<ResolverRule> {
    let client = &reader.clients.route53resolver;
    let request = |token| client.list_resolver_rule_associations().max_results(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_route53resolver::operation::list_resolver_rule_associations::ListResolverRuleAssociationsOutput| {
        (page.resolver_rule_associations.unwrap_or_default(), page.next_token)
    };
    let api = "route53resolver:ListResolverRuleAssociations";
    let (associations, failure) = reader.caller.pages(api, &[], request, take).await;
    let mut failures: Vec<Failure> = failure.into_iter().collect();
    let mut rules = BTreeMap::new();
    if !associations.is_empty() {
        let request = |token| client.list_resolver_rules().max_results(PAGE).set_next_token(token).send();
        let take = |page: aws_sdk_route53resolver::operation::list_resolver_rules::ListResolverRulesOutput| {
            (page.resolver_rules.unwrap_or_default(), page.next_token)
        };
        let (found, failure) = reader.caller.pages("route53resolver:ListResolverRules", &[], request, take).await;
        failures.extend(failure);
        rules.extend(found.into_iter().filter_map(|rule| Some((rule.id.clone()?, rule))));
    }
    let items = associations.into_iter().map(|association| {
        let rule_id = association.resolver_rule_id.unwrap_or_default();
        let rule = rules.get(&rule_id);
        ResolverRule {
            vpc_id: id(association.vpc_id),
            domain_name: rule
                .and_then(|rule| rule.domain_name.as_ref())
                .map(|name| name.trim_end_matches('.').to_owned()),
            rule_type: rule.and_then(|rule| rule.rule_type.as_ref()).map(|kind| kind.as_str().to_owned()),
            id: rule_id,
        }
    });
    sorted(Fetched::from_parts(items.collect(), failures), Ord::cmp)
}

async fn profile_associations(reader: &Reader) -> Fetched<ProfileAssociation> {
    let client = &reader.clients.route53profiles;
    let request = |token| client.list_profile_associations().max_results(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_route53profiles::operation::list_profile_associations::ListProfileAssociationsOutput| {
        let associations =
            page.profile_associations.unwrap_or_default().into_iter().map(|association| ProfileAssociation {
                vpc_id: id(association.resource_id),
                profile_id: association.profile_id.unwrap_or_default(),
                name: association.name,
            });
        (associations.collect::<Vec<_>>(), page.next_token)
    };
    whole(reader.caller.pages("route53profiles:ListProfileAssociations", &[], request, take).await, Ord::cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_records_and_zones() {
        assert_eq!(record_name("\\052.DKR.ecr.eu-west-1.amazonaws.com."), "*.dkr.ecr.eu-west-1.amazonaws.com");
        assert!(covers_aws("eu-west-1.amazonaws.com") && covers_aws("amazonaws.com") && covers_aws("logs.api.aws"));
        assert!(!covers_aws("notamazonaws.com") && !covers_aws("corp.internal"));
    }
}
