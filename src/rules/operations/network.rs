//! What a network configuration names and EC2 no longer finds.

use std::collections::BTreeSet;

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
pub(super) fn named(workload: &Workload<'_>, kind: Kind, message: &str) -> Text {
    let Some((prefix, _)) = gone(Some(kind)) else { return Text::default() };
    let said = ids(message, prefix);
    let known = !said.is_empty();
    let candidates = if known { said } else { configured(workload, prefix) };
    let mut text = Text::default();
    if !candidates.is_empty() {
        text.push(if known || candidates.len() == 1 { ": " } else { ": one of " });
        text.append(Text::list(candidates.into_iter().map(str::to_owned), 5));
    }
    text
}

/// The network configuration of the service without what is surely gone.
pub(super) fn repair(workload: &Workload<'_>, region: &str, kind: Kind, message: &str) -> Option<String> {
    let (prefix, variable) = gone(Some(kind))?;
    let network = network(workload)?;
    let said = ids(message, prefix);
    let configured = configured(workload, prefix);
    let is_gone = |id: &str| said.contains(id) || (said.is_empty() && configured.len() == 1 && configured.contains(id));
    if !configured.iter().any(|id| is_gone(id)) {
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

fn configured<'s>(workload: &Workload<'s>, prefix: &str) -> BTreeSet<&'s str> {
    let network = network(workload).into_iter();
    let all = network.flat_map(|network| {
        let subnets = network.subnets.iter().map(|id| id.as_str());
        subnets.chain(network.security_groups.iter().map(|id| id.as_str()))
    });
    all.filter(|id| id.starts_with(prefix)).collect()
}

fn ids<'m>(message: &'m str, prefix: &str) -> BTreeSet<&'m str> {
    let words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.len() > prefix.len() && word.starts_with(prefix)).collect()
}
