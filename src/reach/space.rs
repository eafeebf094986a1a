//! Sets of IPv4 addresses, exact.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use range_set_blaze::RangeSetBlaze;

/// A set of IPv4 addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet(RangeSetBlaze<Ipv4Addr>);

/// Blocks that the internet doesn't route: IANA's IPv4 special-purpose registry, multicast and reserved space.
const NOT_PUBLIC: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

impl AddressSet {
    /// The addresses that public services can have.
    pub fn internet() -> Self {
        let all = Self::from(Ipv4Net::default());
        let private =
            NOT_PUBLIC.iter().map(|block| block.parse::<Ipv4Net>().expect("the blocks are written correctly"));
        private.fold(all, |set, block| set.minus(&Self::from(block)))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many addresses are in it.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// What is in both.
    pub fn and(&self, other: &Self) -> Self {
        Self(&self.0 & &other.0)
    }

    /// What is in this one only.
    pub fn minus(&self, other: &Self) -> Self {
        Self(&self.0 - &other.0)
    }

    /// What is in either.
    pub fn or(&self, other: &Self) -> Self {
        Self(&self.0 | &other.0)
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.0.contains(address)
    }
}

impl From<Ipv4Net> for AddressSet {
    fn from(block: Ipv4Net) -> Self {
        Self(RangeSetBlaze::from_iter([block.network()..=block.broadcast()]))
    }
}

impl fmt::Display for AddressSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.ranges().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            if range.start() == range.end() {
                write!(f, "{separator}{}", range.start())?;
            } else {
                write!(f, "{separator}{}-{}", range.start(), range.end())?;
            }
        }
        Ok(())
    }
}
