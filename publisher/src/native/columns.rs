//! The CSV files, as a spreadsheet opens them: a row for each item of an outlet, in columns that are there in every row.

use schemas::Millis;
use schemas::entry::Notice;
use schemas::snapshot::{OutletView, Snapshot};

use super::document::Subject;

const WHO: [&str; 7] = ["id", "name", "type", "addr", "region", "lat", "lng"];
const WHAT: [&str; 11] = [
    "item",
    "level",
    "count",
    "promised",
    "paused",
    "silent",
    "observed_at",
    "received_at",
    "changed_at",
    "arrived_at",
    "gap",
];
const SAID: [&str; 4] = ["notice_ko", "notice_en", "sells_from", "tickets"];

/// Writes the file of a subject: who sells, what they have and say, or both.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    subject: Subject,
    snapshot: &Snapshot,
    outlets: impl Iterator<Item = &'a OutletView>,
) {
    out.extend_from_slice("\u{feff}".as_bytes());
    let mut table = csv::Writer::from_writer(out);
    let (who, what) = (subject != Subject::Stock, subject != Subject::Outlets);
    let mut push = |outlet: &[String], item: &[String], said: &[String]| {
        let who = who.then_some(&outlet[1..]).into_iter().flatten();
        let what = what.then(|| item.iter().chain(said)).into_iter().flatten();
        let row = outlet[..1].iter().chain(who).chain(what);
        table.write_record(row).expect("memory takes all bytes");
    };
    push(&WHO.map(str::to_owned), &WHAT.map(str::to_owned), &SAID.map(str::to_owned));
    for view in outlets {
        let (outlet, said) = (outlet(view), said(view.notice.as_deref()));
        let mut items = if what { items(view, snapshot.rules.offset_minutes) } else { Vec::new() };
        // An outlet that has told nothing has one row all the same; one of several items has a row for each.
        if items.is_empty() {
            items.push(WHAT.map(|_| String::new()));
        }
        items.iter().for_each(|item| push(&outlet, item, &said));
    }
    table.flush().expect("memory takes all bytes");
}

fn outlet(view: &OutletView) -> [String; 7] {
    let info = &view.info;
    let degrees = |of: fn(schemas::registry::Place) -> f64| {
        info.place.map_or_else(String::new, |place| of(place).to_string())
    };
    [
        info.code.to_string(),
        info.name.clone(),
        info.kind.name().to_owned(),
        info.addr.clone(),
        info.region.map_or_else(String::new, |region| format!("{:05}", region.0)),
        degrees(|place| place.lat),
        degrees(|place| place.lng),
    ]
}

fn items(view: &OutletView, offset_minutes: i16) -> Vec<[String; 11]> {
    let time = |at: Millis| at.rfc3339(offset_minutes);
    let rows = view.items.iter().map(|item| {
        [
            item.item.to_string(),
            item.level.name().to_owned(),
            item.count.map_or_else(String::new, |count| count.to_string()),
            item.promised.to_string(),
            item.paused.to_string(),
            view.silent.to_string(),
            time(item.observed),
            time(item.received),
            time(item.changed),
            time(item.arrived),
            item.gap.to_string(),
        ]
    });
    rows.collect()
}

fn said(notice: Option<&Notice>) -> [String; 4] {
    let Some(Notice { ko, en, sells_from, tickets }) = notice else { return Default::default() };
    let text = |words: &Option<String>| words.as_deref().map_or_else(String::new, as_text);
    let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    [text(ko), text(en), sells_from.map_or_else(String::new, clock), tickets.to_string()]
}

/// Words that anybody behind a counter may have written, so that no spreadsheet takes them for a formula: with an apostrophe in front where
/// they begin as one does.
fn as_text(words: &str) -> String {
    let formula = words.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if formula { format!("'{words}") } else { words.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_counter_are_no_formula() {
        let notice = |ko: &str| {
            let ko = Some(ko.to_owned());
            said(Some(&Notice { ko, en: None, sells_from: Some(570), tickets: true }))
        };
        assert_eq!(notice("09:30부터, 번호표"), ["09:30부터, 번호표", "", "09:30", "true"]);
        for formula in ["=HYPERLINK(\"http://x\")", " @SUM(1)", "+1", "-1", "＝1"] {
            assert_eq!(notice(formula)[0], format!("'{formula}"));
        }
        assert_eq!(said(None), ["", "", "", ""]);
    }
}
