//! What the registry says of an outlet: who it is, where it is, when it is open.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::OutletCode;
use crate::time::Millis;

/// The type of a selling place, with its code in the lists of 2020.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutletType {
    /// 약국, `01`.
    Pharmacy,
    /// 우체국, `02`.
    PostOffice,
    /// 농협 하나로마트, `03`.
    Mart,
}

impl OutletType {
    /// All types in the order of their codes.
    pub const ALL: [Self; 3] = [Self::Pharmacy, Self::PostOffice, Self::Mart];

    /// The two-digit code of 2020; the leading zero matters.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Pharmacy => "01",
            Self::PostOffice => "02",
            Self::Mart => "03",
        }
    }

    /// Reads the two-digit code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.code() == code)
    }

    /// The name on the wire and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pharmacy => "pharmacy",
            Self::PostOffice => "post_office",
            Self::Mart => "mart",
        }
    }
}

/// A district (시군구): the first five digits of its 법정동 code, such as 11680 for 서울특별시 강남구. A province without
/// districts (세종특별자치시) has one code of its own, 36110.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RegionCode(pub u32);

/// A place on WGS84, in decimal degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Latitude, degrees north.
    pub lat: f64,
    /// Longitude, degrees east.
    pub lng: f64,
}

impl Place {
    /// Great-circle distance in metres on a sphere of the mean Earth radius 6,371,008.8 m (IUGG).
    #[must_use]
    pub fn metres_to(self, other: Self) -> f64 {
        const EARTH_RADIUS_M: f64 = 6_371_008.8;
        let (lat_a, lat_b) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = ((lat_b - lat_a) / 2.0).sin();
        let half_lng = ((other.lng - self.lng).to_radians() / 2.0).sin();
        let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lng * half_lng;
        2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
    }
}

/// Opening hours of one week: for each day from Monday, minutes after local midnight `[open, close)`; equal numbers mean closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Hours(pub [(u16, u16); 7]);

impl Default for Hours {
    /// Monday to Friday 09:00–19:00, Saturday 09:00–15:00, Sunday closed: assumed where a registry gives no hours.
    fn default() -> Self {
        let week = (9 * 60, 19 * 60);
        Self([week, week, week, week, week, (9 * 60, 15 * 60), (0, 0)])
    }
}

impl Hours {
    /// The first moment at which the outlet has been open for `span_ms` in all since `from`, or `None` where it is never
    /// that long open within the next four weeks.
    #[must_use]
    pub fn open_for(&self, from: Millis, span_ms: i64, offset_minutes: i16) -> Option<Millis> {
        const DAY: i64 = 86_400_000;
        let offset = i64::from(offset_minutes) * 60_000;
        let local = from.0.checked_add(offset)?;
        let mut left = span_ms;
        for day in local.div_euclid(DAY)..local.div_euclid(DAY) + 28 {
            // 1970-01-01 was a Thursday: day 0 has index 3 from Monday.
            let (open, close) =
                self.0[usize::try_from((day + 3).rem_euclid(7)).expect("a remainder below 7")];
            let open = (day * DAY + i64::from(open) * 60_000).max(local);
            let close = day * DAY + i64::from(close) * 60_000;
            if close > open {
                if close - open >= left {
                    return Some(Millis(open + left - offset));
                }
                left -= close - open;
            }
        }
        None
    }
}

/// One row of the registry, as it came and as it was understood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutletInfo {
    /// Identifier, unique in the registry.
    pub code: OutletCode,
    /// Name as written, not unique.
    pub name: String,
    /// Address exactly as written in the source, blanks and commas included.
    pub addr: String,
    /// Type of selling place.
    #[serde(rename = "type")]
    pub kind: OutletType,
    /// Position; absent where the source has none or an impossible one.
    #[serde(default)]
    pub place: Option<Place>,
    /// District the address was understood to lie in; absent where it was not understood.
    #[serde(default)]
    pub region: Option<RegionCode>,
    /// Opening hours where the source gives them.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// What other registers call it, where the source tells. In text alone: the binary form of checkpoints is older than this
    /// member, and keeps it beside the rows.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "in_text_alone")]
    #[schemars(with = "Option<ExternalIds>")]
    pub external_ids: Option<Box<ExternalIds>>,
}

impl OutletInfo {
    /// An outlet of which nothing else is known.
    pub fn bare(
        code: OutletCode,
        name: impl Into<String>,
        addr: impl Into<String>,
        kind: OutletType,
    ) -> Self {
        let (name, addr) = (name.into(), addr.into());
        Self { code, name, addr, kind, place: None, region: None, hours: None, external_ids: None }
    }
}

/// What other registers call an outlet. Its own code is not repeated here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ExternalIds {
    /// Its code in the store lists of the public masks of 2020 (판매처 코드).
    pub mask: Option<OutletCode>,
    /// Its encrypted id in HIRA's register (암호화요양기호).
    pub hira: Option<OutletCode>,
}

impl ExternalIds {
    /// Those that there are.
    pub fn iter(&self) -> impl Iterator<Item = &OutletCode> {
        self.mask.iter().chain(&self.hira)
    }
}

/// A member that a binary form does not have: nothing is written, and nothing read.
mod in_text_alone {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::ExternalIds;

    pub(super) fn serialize<S: Serializer>(
        ids: &Option<Box<ExternalIds>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { ids.serialize(serializer) } else { serializer.serialize_unit() }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Box<ExternalIds>>, D::Error> {
        if deserializer.is_human_readable() { Option::deserialize(deserializer) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::KST_MINUTES;

    fn at(text: &str) -> Millis {
        Millis::parse(text).unwrap()
    }

    #[test]
    fn open_time_counts_over_night_and_weekend() {
        let hours = Hours::default();
        let half_hour = |from: &str| hours.open_for(at(from), 30 * 60_000, KST_MINUTES).unwrap();
        // Wednesday noon; Wednesday before closing; Saturday 14:50 with Sunday closed.
        assert_eq!(half_hour("2020-03-11T12:00:00+09:00"), at("2020-03-11T12:30:00+09:00"));
        assert_eq!(half_hour("2020-03-11T18:50:00+09:00"), at("2020-03-12T09:20:00+09:00"));
        assert_eq!(half_hour("2020-03-14T14:50:00+09:00"), at("2020-03-16T09:20:00+09:00"));
        assert_eq!(half_hour("2020-03-11T03:00:00+09:00"), at("2020-03-11T09:30:00+09:00"));
        assert_eq!(Hours([(0, 0); 7]).open_for(at("2020-03-11T03:00:00+09:00"), 1, KST_MINUTES), None);
    }

    #[test]
    fn a_degree_of_latitude_is_111_195_metres() {
        let a = Place { lat: 37.0, lng: 127.0 };
        let b = Place { lat: 38.0, lng: 127.0 };
        assert!((a.metres_to(b) - 111_195.0).abs() < 1.0);
        assert!(a.metres_to(a) < 1e-9);
    }
}
