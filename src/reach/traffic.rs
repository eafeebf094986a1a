//! What is sent: a protocol and the ports it goes to.

use std::fmt;

/// An IP protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Icmpv6,
    /// Any other, by its number.
    Other(u8),
}

impl Protocol {
    /// Reads `tcp`, `6`, `icmpv6` …; `None` for all protocols (`-1`), and for what is no protocol.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" | "6" => Some(Self::Tcp),
            "udp" | "17" => Some(Self::Udp),
            "icmp" | "1" => Some(Self::Icmp),
            "icmpv6" | "58" => Some(Self::Icmpv6),
            other => other.parse().ok().map(Self::Other),
        }
    }

    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Icmpv6 => "icmpv6",
            Self::Other(_) => "protocol",
        }
    }

    /// Whether rules for it name ports.
    pub fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }

    /// Whether rules for it name a type and a code.
    pub fn has_types(self) -> bool {
        matches!(self, Self::Icmp | Self::Icmpv6)
    }
}

/// A range of destination ports. Of ICMP, the type is the upper byte and the code the lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl Ports {
    /// Every port.
    pub const ALL: Self = Self { first: 0, last: u16::MAX };
    /// What Linux takes client ports from (`ip_local_port_range`).
    pub const EPHEMERAL_LINUX: Self = Self { first: 32768, last: 60999 };
    /// What Windows takes client ports from.
    pub const EPHEMERAL_WINDOWS: Self = Self { first: 49152, last: 65535 };
    /// What load balancers and NAT gateways take client ports from ("Ephemeral ports" in the VPC User Guide).
    pub const EPHEMERAL_AWS: Self = Self { first: 1024, last: 65535 };

    /// One port.
    pub fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// What is in both.
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        (both.first <= both.last).then_some(both)
    }

    /// Whether a port is in it.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// ICMP messages of a type and code; `-1` stands for any.
    pub fn of_icmp(kind: i32, code: i32) -> Option<Self> {
        match (u8::try_from(kind), u8::try_from(code)) {
            _ if kind == -1 => Some(Self::ALL),
            (Ok(kind), Ok(code)) => Some(Self::one(u16::from_be_bytes([kind, code]))),
            (Ok(kind), Err(_)) => {
                Some(Self { first: u16::from_be_bytes([kind, 0]), last: u16::from_be_bytes([kind, u8::MAX]) })
            }
            (Err(_), _) => None,
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

/// A protocol to a range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traffic {
    /// The protocol.
    pub protocol: Protocol,
    /// The destination ports.
    pub ports: Ports,
}

impl Traffic {
    /// TCP to one port.
    pub fn tcp(port: u16) -> Self {
        Self { protocol: Protocol::Tcp, ports: Ports::one(port) }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::Other(number) => write!(f, "protocol {number}"),
            protocol => write!(f, "{} {}", protocol.name(), self.ports),
        }
    }
}

/// The parts that `cuts` divide `whole` into; each lies wholly inside or outside of every cut.
pub(super) fn slices(whole: Ports, cuts: impl IntoIterator<Item = Ports>) -> Vec<Ports> {
    let mut starts = vec![u32::from(whole.first)];
    for cut in cuts.into_iter().filter_map(|cut| cut.and(whole)) {
        starts.push(u32::from(cut.first));
        starts.push(u32::from(cut.last) + 1);
    }
    starts.sort_unstable();
    starts.dedup();
    let end = u32::from(whole.last) + 1;
    starts.retain(|start| *start < end);
    let ends = starts.iter().skip(1).copied().chain([end]);
    let port = |number: u32| u16::try_from(number).expect("at most the last port");
    starts.iter().zip(ends).map(|(start, end)| Ports { first: port(*start), last: port(end - 1) }).collect()
}
