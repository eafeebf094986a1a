//! Small conversions from the SDK's types.

use aws_smithy_types::DateTime;
use compact_str::CompactString;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::Timestamp;

/// Lists that are kept. `collect` may keep the memory of the SDK's items, which are several times as large.
pub(super) trait Tight: Iterator + Sized {
    /// The items in a list of just their size.
    fn tight(self) -> Vec<Self::Item> {
        let mut kept = Vec::with_capacity(self.size_hint().0);
        kept.extend(self);
        kept.shrink_to_fit();
        kept
    }
}

impl<I: Iterator> Tight for I {}

/// A time, if it is one that can be represented.
pub(super) fn time(time: Option<DateTime>) -> Option<Timestamp> {
    let time = time?;
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// Required by the API's documentation, optional in its model.
pub(super) fn text(text: Option<String>) -> String {
    text.unwrap_or_default()
}

/// The same for a short text of which there are many.
pub(super) fn word(text: Option<impl AsRef<str>>) -> CompactString {
    maybe_word(text).unwrap_or_default()
}

/// A short text that may be left out.
pub(super) fn maybe_word(text: Option<impl AsRef<str>>) -> Option<CompactString> {
    text.map(|text| CompactString::from(text.as_ref()))
}

/// An identifier; an empty one where the answer left it out.
pub(super) fn id<T: From<String>>(id: Option<String>) -> T {
    T::from(id.unwrap_or_default())
}

/// An identifier that may be left out.
pub(super) fn maybe_id<T: From<String>>(id: Option<String>) -> Option<T> {
    id.filter(|id| !id.is_empty()).map(T::from)
}

/// Identifiers, sorted.
pub(super) fn ids<T: From<String> + Ord>(ids: Option<Vec<String>>) -> Vec<T> {
    let mut ids: Vec<T> = ids.unwrap_or_default().into_iter().map(T::from).tight();
    ids.sort();
    ids
}

/// A port; none where it is 0 or no port.
pub(super) fn port(port: Option<i32>) -> Option<u16> {
    port.and_then(|port| u16::try_from(port).ok())
}

/// An address block of either family; host bits are cut off.
pub(super) fn block(block: Option<&str>) -> Option<IpNet> {
    block?.parse::<IpNet>().ok().map(|block| block.trunc())
}

/// An IPv4 block.
pub(super) fn block_v4(block: Option<&str>) -> Option<Ipv4Net> {
    block?.parse::<Ipv4Net>().ok().map(|block| block.trunc())
}

/// An IPv6 block.
pub(super) fn block_v6(block: Option<&str>) -> Option<Ipv6Net> {
    block?.parse::<Ipv6Net>().ok().map(|block| block.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_small_items_keeps_nothing_of_the_large_ones() {
        let large = || vec![[7_u64; 100]; 3];
        assert_eq!(large().into_iter().map(|item| item[0]).tight().capacity(), 3);
        assert_eq!(large().into_iter().filter_map(|item| (item[0] == 8).then_some(0_u8)).tight().capacity(), 0);
    }
}
