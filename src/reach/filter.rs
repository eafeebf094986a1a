//! What a security group or a network ACL does with traffic: an exact answer over all addresses and ports at once.

use super::space::AddressSet;
use super::traffic::Ports;

/// A range of ports with the addresses that are let through there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The ports.
    pub ports: Ports,
    /// Addresses proved to be let through.
    pub admitted: AddressSet,
    /// Addresses of which it can't be told.
    pub undecided: AddressSet,
}

/// The answer for some traffic from or to some addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// All addresses that were asked about.
    pub asked: AddressSet,
    /// The parts of the ports, in order.
    pub slices: Vec<Slice>,
}

/// How much is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    /// Nothing, as far as it can be told.
    Nothing,
    /// Some ports or some addresses.
    Part,
    /// All of it.
    All,
}

impl Passage {
    /// How much is proved to be refused.
    pub fn refused(&self) -> Amount {
        let admits_nothing = |slice: &Slice| slice.admitted.is_empty() && slice.undecided.is_empty();
        let admits_all = |slice: &Slice| self.asked.is_within(&slice.admitted.or(&slice.undecided));
        if self.slices.iter().all(admits_all) {
            Amount::Nothing
        } else if self.slices.iter().all(admits_nothing) {
            Amount::All
        } else {
            Amount::Part
        }
    }

    /// Whether some port is refused to every address.
    pub fn shuts_a_port(&self) -> bool {
        self.slices.iter().any(|slice| slice.admitted.is_empty() && slice.undecided.is_empty())
    }

    /// Whether something is let through for sure.
    pub fn admits_something(&self) -> bool {
        self.slices.iter().any(|slice| !slice.admitted.is_empty())
    }

    /// Whether it can't be told of something that isn't refused.
    pub fn is_undecided(&self) -> bool {
        self.slices.iter().any(|slice| !slice.undecided.is_empty())
    }

    /// Addresses that are refused on some port.
    pub fn refused_addresses(&self) -> AddressSet {
        let refused = |slice: &Slice| self.asked.minus(&slice.admitted.or(&slice.undecided));
        self.slices.iter().fold(AddressSet::default(), |all, slice| all.or(&refused(slice)))
    }

    /// Ports on which some address is refused, joined where they touch.
    pub fn refused_ports(&self) -> Vec<Ports> {
        let refuses = |slice: &&Slice| !self.asked.is_within(&slice.admitted.or(&slice.undecided));
        let mut ports: Vec<Ports> = Vec::new();
        for slice in self.slices.iter().filter(refuses) {
            match ports.last_mut() {
                Some(last) if u32::from(last.last) + 1 == u32::from(slice.ports.first) => last.last = slice.ports.last,
                _ => ports.push(slice.ports),
            }
        }
        ports
    }
}
