//! Who a reader is: its address, told by a proxy of ours where there is one. One IPv6 customer has 2^64 addresses, so
//! a network of 64 bits is one reader.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// One reader by its address: an IPv4 address, or the first 64 bits of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl Network {
    pub(crate) fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 => v4,
        })
    }
}

/// The last address in the list that is none of our proxies: what stands before it anybody may have written.
pub(super) fn forwarded(headers: &HeaderMap, is_proxy: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let lists = headers.get_all(FORWARDED_FOR).into_iter();
    let lists: Vec<&str> = lists.filter_map(|list| list.to_str().ok()).collect();
    let told = lists.iter().rev().flat_map(|list| list.rsplit(','));
    // One that can not be read hides all before it.
    told.map_while(|text| read(text.trim())).find(|ip| !is_proxy(*ip))
}

/// An address as proxies write it: alone, in brackets, with or without a port.
fn read(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lists: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(FORWARDED_FOR, list.parse().unwrap());
        }
        let ours: ipnet::IpNet = "10.0.0.0/8".parse().unwrap();
        forwarded(&headers, |ip| ours.contains(&ip)).map(|ip| ip.to_string())
    }

    #[test]
    fn the_nearest_stranger_is_the_reader_whatever_he_wrote_before() {
        assert_eq!(told(&["203.0.113.9"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(told(&["1.1.1.1, 203.0.113.9, 10.2.3.4"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(told(&["1.1.1.1", "203.0.113.9,10.2.3.4", "10.1.1.1"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(told(&["203.0.113.9, unknown"]), None);
        assert_eq!(told(&["10.2.3.4"]), None);
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn a_gateway_that_writes_ports_and_brackets_tells_its_readers_apart() {
        for (list, reader) in [
            ("198.51.100.7:4711", "198.51.100.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("198.51.100.7:4711, 10.2.3.4:80", "198.51.100.7"),
        ] {
            assert_eq!(told(&[list]).as_deref(), Some(reader), "{list}");
        }
        for list in ["[198.51.100.7]", "198.51.100.7:", "198.51.100.7:99999", "[2001:db8::1", "[]", ":80"] {
            assert_eq!(told(&[list]), None, "{list}");
        }
    }

    #[test]
    fn a_customer_of_ipv6_is_one_reader() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("::ffff:203.0.113.9"), network("203.0.113.9"));
        assert_ne!(network("203.0.113.8"), network("203.0.113.9"));
    }
}
