//! What a network configuration names and EC2 no longer finds.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::rules::update::{self, Id};
use crate::snapshot::ecs::AwsvpcConfiguration;
use crate::symptom::{Kind, Trouble};
use crate::text::Text;
use crate::topology::workload::Workload;

/// How ids of what is gone begin, and the variable that stands for another one.
pub(super) fn gone(kind: Option<Kind>) -> Option<(&'static str, &'static str)> {
    match kind?.trouble {
        Trouble::SecurityGroup => Some(("sg-", "SECURITY_GROUP")),
        Trouble::Subnet => Some(("subnet-", "SUBNET")),
        _ => None,
    }
}

/// ": sg-1", or which it may be: not every message names it.
pub(super) fn named(workload: &Workload<'_>, kind: Kind, message: &str, at: Option<Timestamp>) -> Text {
    let Some((prefix, _)) = gone(Some(kind)) else { return Text::default() };
    let said = ids(message, prefix);
    let sure = !said.is_empty();
    let candidates = if sure { said } else { candidates(workload, prefix, at) };
    let mut text = Text::default();
    if !candidates.is_empty() {
        text.push(if sure || candidates.len() == 1 { ": " } else { ": one of " });
        text.append(Text::list(candidates.into_iter().map(str::to_owned), 5));
    }
    text
}

/// The network configuration of the service without what is surely gone.
pub(super) fn repair(
    workload: &Workload<'_>,
    region: &str,
    kind: Kind,
    message: &str,
    at: Option<Timestamp>,
) -> Option<String> {
    let (prefix, variable) = gone(Some(kind))?;
    let network = network(workload)?;
    let said = ids(message, prefix);
    let candidates = candidates(workload, prefix, at);
    let is_gone = |id: &str| said.contains(id) || (said.is_empty() && candidates.len() == 1 && candidates.contains(id));
    if !configured(network, prefix).any(is_gone) {
        return None;
    }
    let replaced = |id| if is_gone(id) { Id::Variable(variable) } else { Id::Known(id) };
    let subnets: Vec<Id<'_>> = network.subnets.iter().map(|id| replaced(id.as_str())).collect();
    let groups: Vec<Id<'_>> = network.security_groups.iter().map(|id| replaced(id.as_str())).collect();
    update::network(workload, region, &subnets, &groups, network.assign_public_ip)
}

fn network<'s>(workload: &Workload<'s>) -> Option<&'s AwsvpcConfiguration> {
    workload.variants.first().and_then(|variant| variant.network)
}

/// What the configuration names, if it is the one that failed then.
fn candidates<'s>(workload: &Workload<'s>, prefix: &'static str, at: Option<Timestamp>) -> BTreeSet<&'s str> {
    let only = workload.service.and_then(|service| match service.deployments.as_slice() {
        [only] => only.created_at,
        _ => None,
    });
    let same = only.zip(at).is_some_and(|(created, at)| created < at);
    let network = network(workload).filter(|_| same);
    network.into_iter().flat_map(|network| configured(network, prefix)).collect()
}

fn configured<'s>(network: &'s AwsvpcConfiguration, prefix: &'static str) -> impl Iterator<Item = &'s str> {
    let subnets = network.subnets.iter().map(|id| id.as_str());
    let all = subnets.chain(network.security_groups.iter().map(|id| id.as_str()));
    all.filter(move |id| id.starts_with(prefix))
}

fn ids<'m>(message: &'m str, prefix: &str) -> BTreeSet<&'m str> {
    let words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.len() > prefix.len() && word.starts_with(prefix)).collect()
}
