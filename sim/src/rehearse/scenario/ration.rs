//! The ration of a rehearsal: so many pieces a person and week, on every day or by the last digit of the birth year.

use anyhow::Context;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};

/// Last digits of the birth years whose day it is, Monday to Friday (Ministry of Food and Drug Safety, from 2020-03-09).
const DIGITS: [[u16; 2]; 5] = [[1, 6], [2, 7], [3, 8], [4, 9], [5, 0]];

/// A ration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ration {
    /// Pieces a person and week.
    pub quantity: u32,
    /// Whether the weekday rule holds.
    pub weekdays: bool,
}

impl Ration {
    /// Whether somebody born in this year may come on this day of the week, Monday 0 to Sunday 6, while something is left.
    #[must_use]
    pub fn admits(self, born: u16, weekday: usize) -> bool {
        !self.weekdays || DIGITS.get(weekday).is_none_or(|digits| digits.contains(&(born % 10)))
    }

    /// The schedule, as `jaego serve --policy` reads it.
    #[must_use]
    pub fn document(self) -> Value {
        let quantity = self.quantity;
        let words = json!({ "ko": format!("연습: 1주 1인 {quantity}매"), "en": format!("Rehearsal: {quantity} per person and week") });
        let mut policy = json!({
            "effective_from": "2020-03-09T00:00:00+09:00", "group": "mask", "window": "week", "quantity": quantity,
            "words": words, "source": "jaego rehearse",
        });
        if self.weekdays {
            let digits = DIGITS.iter().map(|digits| json!({ "digits": digits }));
            let week: Vec<Value> = digits.chain([json!("catch_up"), json!("catch_up")]).collect();
            policy["days"] = json!({ "by": "birth_year", "week": week });
        }
        json!({
            "name": "rehearsal",
            "title": words,
            "offset_minutes": schemas::time::KST_MINUTES,
            "groups": [{ "name": "mask", "items": ["mask"] }],
            "policies": [policy],
        })
    }
}

impl<'de> Deserialize<'de> for Ration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (kind, quantity) = text.split_once(' ').unwrap_or_default();
        let quantity = quantity.trim().parse::<u32>().ok().filter(|quantity| (1..=100).contains(quantity));
        let weekdays = match kind {
            "weekly" => Some(false),
            "weekday" => Some(true),
            _ => None,
        };
        let read = quantity.zip(weekdays).map(|(quantity, weekdays)| Self { quantity, weekdays });
        read.with_context(|| format!("{text:?} is no ration; write \"weekly 2\" or \"weekday 2\""))
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rations_are_read_and_judge_days() {
        let read = |text: &str| serde_json::from_value::<Ration>(json!(text));
        let weekday = read("weekday 2").unwrap();
        assert!(
            weekday.admits(1991, 0)
                && !weekday.admits(1991, 1)
                && weekday.admits(2010, 4)
                && weekday.admits(1991, 6)
        );
        assert!(read("weekly 3").unwrap().admits(1991, 1));
        assert!(read("weekly").is_err() && read("weekly 0").is_err() && read("daily 2").is_err());
        serde_json::from_value::<schemas::policy::Schedule>(weekday.document()).unwrap();
    }
}
