//! Sets of IPv4 and IPv6 addresses, exact.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use range_set_blaze::{Integer, RangeSetBlaze};

/// A set of addresses of both families. Clones share what they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    v4: Arc<RangeSetBlaze<Ipv4Addr>>,
    v6: Arc<RangeSetBlaze<Ipv6Addr>>,
}

/// One family of a set, with what is quicker than going through all ranges.
trait Family: Sized {
    fn is_whole(&self) -> bool;
}

impl Family for RangeSetBlaze<Ipv4Addr> {
    fn is_whole(&self) -> bool {
        self.first() == Some(Ipv4Addr::UNSPECIFIED)
            && self.ranges_len() == 1
            && self.last() == Some(Ipv4Addr::BROADCAST)
    }
}

impl Family for RangeSetBlaze<Ipv6Addr> {
    fn is_whole(&self) -> bool {
        self.first() == Some(Ipv6Addr::UNSPECIFIED)
            && self.ranges_len() == 1
            && self.last() == Some(Ipv6Addr::from_bits(u128::MAX))
    }
}

type Shared<T> = Arc<RangeSetBlaze<T>>;

fn both<T: Integer>(one: &Shared<T>, other: &Shared<T>) -> Shared<T>
where
    RangeSetBlaze<T>: Family,
{
    if Arc::ptr_eq(one, other) || one.is_empty() || other.is_whole() {
        return Arc::clone(one);
    }
    if other.is_empty() || one.is_whole() {
        return Arc::clone(other);
    }
    Arc::new(&**one & &**other)
}

fn either<T: Integer>(one: &Shared<T>, other: &Shared<T>) -> Shared<T>
where
    RangeSetBlaze<T>: Family,
{
    if Arc::ptr_eq(one, other) || other.is_empty() || one.is_whole() {
        return Arc::clone(one);
    }
    if one.is_empty() || other.is_whole() {
        return Arc::clone(other);
    }
    Arc::new(&**one | &**other)
}

fn without<T: Integer>(one: &Shared<T>, other: &Shared<T>) -> Shared<T>
where
    RangeSetBlaze<T>: Family,
{
    if one.is_empty() || other.is_empty() {
        return Arc::clone(one);
    }
    if Arc::ptr_eq(one, other) || other.is_whole() {
        return Arc::default();
    }
    Arc::new(&**one - &**other)
}

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
    /// The IPv4 addresses that public services can have.
    pub fn internet() -> Self {
        static INTERNET: LazyLock<AddressSet> = LazyLock::new(AddressSet::public);
        INTERNET.clone()
    }

    fn public() -> Self {
        let all = Self::from(Ipv4Net::default());
        let private =
            NOT_PUBLIC.iter().map(|block| block.parse::<Ipv4Net>().expect("the blocks are written correctly"));
        private.fold(all, |set, block| set.minus(&Self::from(block)))
    }

    /// Every address of both families.
    pub fn everywhere() -> Self {
        Self::from(Ipv4Net::default()).or(&Self::from(Ipv6Net::default()))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether all of it is IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.v6.is_empty()
    }

    /// How many IPv4 addresses are in it.
    pub fn ipv4_len(&self) -> u64 {
        self.v4.len()
    }

    /// What is in one of the blocks.
    pub fn in_blocks(&self, blocks: &[IpNet]) -> Self {
        let everywhere = |block: &IpNet| *block == IpNet::V4(Ipv4Net::default());
        if self.is_ipv4() && blocks.iter().any(everywhere) {
            return self.clone();
        }
        blocks.iter().copied().collect::<Self>().and(self)
    }

    /// What is in both.
    pub fn and(&self, other: &Self) -> Self {
        Self { v4: both(&self.v4, &other.v4), v6: both(&self.v6, &other.v6) }
    }

    /// What is in this one only.
    pub fn minus(&self, other: &Self) -> Self {
        Self { v4: without(&self.v4, &other.v4), v6: without(&self.v6, &other.v6) }
    }

    /// What is in either.
    pub fn or(&self, other: &Self) -> Self {
        Self { v4: either(&self.v4, &other.v4), v6: either(&self.v6, &other.v6) }
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(address),
            IpAddr::V6(address) => self.v6.contains(address),
        }
    }

    /// Whether all of it is in the other.
    pub fn is_within(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.v4, &other.v4) || self.v4.is_subset(&other.v4))
            && (Arc::ptr_eq(&self.v6, &other.v6) || self.v6.is_subset(&other.v6))
    }

    /// The smallest IPv4 block that holds all of its IPv4 addresses.
    pub fn enclosing_block(&self) -> Option<IpNet> {
        let (first, last) = (self.v4.first()?, self.v4.last()?);
        let differing = u8::try_from((first.to_bits() ^ last.to_bits()).leading_zeros()).ok()?;
        Some(Ipv4Net::new(first, differing).ok()?.trunc().into())
    }

    /// Adds a block.
    pub fn add(&mut self, block: IpNet) {
        match block {
            IpNet::V4(block) => Arc::make_mut(&mut self.v4).ranges_insert(block.network()..=block.broadcast()),
            IpNet::V6(block) => Arc::make_mut(&mut self.v6).ranges_insert(block.network()..=block.broadcast()),
        };
    }
}

impl From<Ipv4Net> for AddressSet {
    fn from(block: Ipv4Net) -> Self {
        Self { v4: Arc::new(RangeSetBlaze::from_iter([block.network()..=block.broadcast()])), v6: Arc::default() }
    }
}

impl From<Ipv6Net> for AddressSet {
    fn from(block: Ipv6Net) -> Self {
        Self { v4: Arc::default(), v6: Arc::new(RangeSetBlaze::from_iter([block.network()..=block.broadcast()])) }
    }
}

impl From<IpAddr> for AddressSet {
    fn from(address: IpAddr) -> Self {
        [IpNet::from(address)].into_iter().collect()
    }
}

impl FromIterator<IpNet> for AddressSet {
    fn from_iter<I: IntoIterator<Item = IpNet>>(blocks: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for block in blocks {
            match block {
                IpNet::V4(block) => v4.push(block.network()..=block.broadcast()),
                IpNet::V6(block) => v6.push(block.network()..=block.broadcast()),
            }
        }
        Self { v4: Arc::new(RangeSetBlaze::from_iter(v4)), v6: Arc::new(RangeSetBlaze::from_iter(v6)) }
    }
}

/// The addresses as blocks where they are whole blocks, else as ranges; after three it only says how many more.
impl fmt::Display for AddressSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        let v4 = self.v4.ranges().map(|range| block_or_range(*range.start(), *range.end(), Ipv4Net::with_netmask_of));
        let v6 = self.v6.ranges().map(|range| block_or_range(*range.start(), *range.end(), Ipv6Net::with_netmask_of));
        let all: Vec<String> = v4.chain(v6).collect();
        let shown = if all.len() > SHOWN { SHOWN - 1 } else { all.len() };
        f.write_str(&all[..shown].join(", "))?;
        if shown < all.len() {
            write!(f, " and {} more", all.len() - shown)?;
        }
        Ok(())
    }
}

trait Block: Sized {
    type Address;
    /// The block of exactly these addresses, if they are one.
    fn with_netmask_of(first: Self::Address, last: Self::Address) -> Option<Self>;
}

impl Block for Ipv4Net {
    type Address = Ipv4Addr;
    fn with_netmask_of(first: Ipv4Addr, last: Ipv4Addr) -> Option<Self> {
        let differing = (first.to_bits() ^ last.to_bits()).leading_zeros();
        let block = Ipv4Net::new(first, u8::try_from(differing).ok()?).ok()?;
        (block.network() == first && block.broadcast() == last).then_some(block)
    }
}

impl Block for Ipv6Net {
    type Address = Ipv6Addr;
    fn with_netmask_of(first: Ipv6Addr, last: Ipv6Addr) -> Option<Self> {
        let differing = (first.to_bits() ^ last.to_bits()).leading_zeros();
        let block = Ipv6Net::new(first, u8::try_from(differing).ok()?).ok()?;
        (block.network() == first && block.broadcast() == last).then_some(block)
    }
}

fn block_or_range<A: Copy + PartialEq + fmt::Display, B: fmt::Display>(
    first: A,
    last: A,
    block: impl Fn(A, A) -> Option<B>,
) -> String {
    match block(first, last) {
        Some(_) if first == last => first.to_string(),
        Some(block) => block.to_string(),
        None => format!("{first}-{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(blocks: &[&str]) -> AddressSet {
        blocks.iter().map(|block| block.parse::<IpNet>().unwrap()).collect()
    }

    #[test]
    fn a_set_reads_like_people_write_it() {
        assert_eq!(set(&["10.0.0.0/25", "10.0.0.128/25"]).to_string(), "10.0.0.0/24");
        assert_eq!(set(&["0.0.0.0/0", "::/0"]).to_string(), "0.0.0.0/0, ::/0");
        assert_eq!(set(&["10.0.0.5/32", "10.0.0.6/32"]).to_string(), "10.0.0.5-10.0.0.6");
        assert_eq!(
            set(&["10.0.0.0/24", "10.0.2.0/24", "10.0.4.0/24", "10.0.6.1/32"]).to_string(),
            "10.0.0.0/24, 10.0.2.0/24 and 2 more"
        );
        assert_eq!(AddressSet::default().to_string(), "");
    }

    #[test]
    fn the_families_do_not_mix() {
        let both = set(&["10.0.0.0/8", "fd00::/8"]);
        assert!(set(&["10.1.0.0/16", "fd00:1::/32"]).is_within(&both));
        assert!(!set(&["fd00::/8"]).is_within(&set(&["10.0.0.0/8"])));
        assert_eq!(both.minus(&set(&["::/0"])), set(&["10.0.0.0/8"]));
        assert_eq!(both.and(&AddressSet::internet()), AddressSet::default());
        assert!(AddressSet::everywhere().contains("2001:db8::1".parse().unwrap()));
    }
}
