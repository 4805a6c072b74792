//! Numbers of persons in any place of any message, and what must stay readable.

use proptest::prelude::*;
use schemas::Millis;
use schemas::subject::{PosKind, parse_pos};

use crate::decode::claim::{self, Address};
use crate::decode::{Rejection, decode};
use crate::identity::{Identity, PersonSecret};

use super::*;

/// A day of birth, the digits behind it, and documents of other shapes. All made up.
fn number() -> impl Strategy<Value = String> {
    let birth = (0..100u32, 1..=12u32, 1..=28u32).prop_map(|(y, m, d)| format!("{y:02}{m:02}{d:02}"));
    prop_oneof![
        4 => (birth, 0..10_000_000u32).prop_map(|(birth, rest)| format!("{birth}{rest:07}")),
        1 => "[A-Z][1-9][0-9]{7}",
        1 => "[A-Z][0-9]{3}[A-Z][0-9]{4}",
        1 => "[A-Z][1289][0-9]{8}",
        1 => "[A-Z]{2}[0-9]{8}",
    ]
}

/// As people and programs write it.
fn written(number: &str, how: u8) -> String {
    let each = |f: &dyn Fn(char) -> String| number.chars().map(f).collect();
    match how {
        0 => number.to_owned(),
        1 => format!("{}-{}", &number[..6], &number[6..]),
        2 => each(&|c| format!("{c} ")),
        3 => each(&|c| format!("\\u{:04x}", u32::from(c))),
        4 => each(&|c| char::from_u32(u32::from(c) + 0xfee0).unwrap().to_string()),
        5 => each(&|c| format!("\\u{:04x}", u32::from(c) + 0xfee0)),
        _ => each(&|c| format!("%{:02x}", u32::from(c))),
    }
}

/// Messages with the number at `@`.
const MESSAGES: &[&str] = &[
    r#"{"terminal":"@","seq":1,"at":"2020-03-11T09:05:00+09:00","item":"mask","count":5}"#,
    r#"{"terminal":"t1","seq":@,"at":"2020-03-11T09:05:00+09:00","item":"mask","count":5}"#,
    r#"{"terminal":"t1","seq":"@","at":"2020-03-11T09:05:00+09:00","item":"mask","count":5}"#,
    r#"{"terminal":"t1","seq":1,"at":"@","item":"mask","count":5}"#,
    r#"{"terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","item":"@","count":5}"#,
    r#"{"terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","item":"mask","count":@}"#,
    r#"{"terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","item":"mask","change":-@}"#,
    r#"{"terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","item":"mask","change":0.@}"#,
    r#"{"outlet":"@","terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","item":"mask","count":5}"#,
    r#"{"terminal":"t1","seq":1,"at":"2020-03-11T09:05:00.@+09:00","item":"mask","count":5}"#,
    r#"{"terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","ko":"문의는 @ 로","en":"ask @","sells_from":"@"}"#,
    r#"{"terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","tickets":"@"}"#,
    r#"{"terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","item":"mask","count":5,"memo":"@"}"#,
    r#"{"terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","item":"mask","count":5,"@":[{"a":"@"}]}"#,
    r#"{"terminal":"@","terminal":"t1","seq":1,"at":"2020-03-11T09:05:00+09:00","item":"mask","count":5}"#,
    r#"{"id":"0195b1f0-6c1e-7cc3-98c4-dc0c0c07398f","terminal":"t1","at":"2020-03-11T09:05:00+09:00","item":"mask","quantity":2,"person":{"kind":"resident","number":"@"},"buyer":{"kind":"@"}}"#,
    r#"{"id":"@","terminal":"t1","at":"2020-03-11T09:05:00+09:00","item":"mask","quantity":@,"ground":"@","hold_minutes":@}"#,
    r#"{"id":{"@":null},"terminal":["@"],"person":"@","occurred_at":"@"}"#,
    r#"{"person":{"number":"@"#,
    r#"{"terminal":"t1","seq":1} @"#,
    r#"["@"]"#,
    r#""@""#,
    "@",
    "number=@&kind=resident",
    "person,@,mask",
];
const SUBJECTS: &[&str] =
    &["pos.v1.report.34840559", "pos.v1.report.@", "pos.v1.@.34840559", "pos.v1.claim.a.@", "@"];

/// Letters and digits alone, full-width ones made plain: what a reader could put together again.
fn legible(text: &str) -> String {
    let plain = |c: char| match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap(),
        _ => c,
    };
    text.chars().map(plain).filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase()
}

/// The number from its first digit on, with and without leading zeros, as programs that count would lose them.
fn holds(text: &str, number: &str) -> bool {
    let digits = number.trim_start_matches(|c: char| c.is_ascii_alphabetic()).trim_start_matches('0');
    digits.len() >= 6 && legible(text).contains(digits)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_number_of_a_person_is_kept_or_told(
        number in number(),
        how in 0..=6u8,
        cut in prop::option::of(0..4096usize),
        broken in prop::option::of((0..256usize, any::<u8>())),
    ) {
        let said = written(&number, how);
        for message in MESSAGES {
            let mut bytes = message.replace('@', &said).into_bytes();
            if let Some((place, byte)) = broken {
                bytes.insert(place.min(bytes.len()), byte);
            }
            bytes.truncate(cut.unwrap_or(usize::MAX));
            let kept = payload(&bytes);
            let text = String::from_utf8(kept.payload.to_vec()).unwrap();
            prop_assert!(!holds(&text, &number), "{said} in {message} kept as {text}");
            for kind in PosKind::ALL {
                if let Err(rejection) = decoded(kind, &bytes) {
                    prop_assert!(!holds(&rejection.detail, &number), "{message}: {}", rejection.detail);
                }
            }
        }
        for subject in SUBJECTS {
            let received = subject.replace('@', &said);
            let kept = super::subject(&received);
            prop_assert!(!holds(&kept, &number), "{received} kept as {kept}");
            if let Err(wrong) = parse_pos(&received) {
                prop_assert!(!holds(&wrong.to_string(), &number), "{wrong}");
            }
        }
    }
}

/// What the decoder of a kind says.
fn decoded(kind: PosKind, bytes: &[u8]) -> Result<(), Rejection> {
    let (address, received) = (Address { outlet: Some("34840559"), claim: None }, Millis(1_583_885_100_000));
    let identity = Identity::new(PersonSecret::from_bytes(std::array::from_fn(|n| n as u8), None), None);
    match kind {
        PosKind::Check => claim::read_check(bytes)?.checked(address, &identity).map(drop),
        kind if kind.is_personal() => claim::read(kind, bytes)?.entry(address, received, &identity).map(drop),
        kind => decode(kind, "34840559", bytes, received).map(drop),
    }
}

/// The check that the property relies on finds what is to be found.
#[test]
fn a_number_is_found_however_it_is_written() {
    for how in [0, 1, 2, 4] {
        let text = format!("{{\"ko\":\"({})\"}}", written("9001011234568", how));
        assert!(holds(&text, "9001011234568"), "{text}");
    }
    assert!(holds("M1234-5678", "M12345678") && holds(r#"{"seq":101233456789}"#, "0101233456789"));
    assert!(!holds("******-*******", "9001011234568"));
}

fn kept(message: &str) -> (String, bool) {
    let kept = payload(message.as_bytes());
    (String::from_utf8(kept.payload.to_vec()).unwrap(), kept.redacted)
}

#[test]
fn a_stock_message_is_kept_as_it_says() {
    let message = r#"{"outlet":"34840559","terminal":"t1","seq":17,"at":"2019-03-11T09:05:00.000+09:00","item":"mask","count":120}"#;
    assert_eq!(kept(message), (message.to_owned(), false));
    let message = r#"{"terminal":"t1","seq":17,"at":"2020-03-11T09:05:00.000+09:00","sells_from":"09:00","ko":"이번 주 일요일 오전 판매"}"#;
    assert_eq!(kept(message), (message.to_owned(), false));
    let told = subject("pos.v1.report.34840559");
    assert_eq!(told, "pos.v1.report.34840559");
    let hira = "pos.v1.delta.JDQ4MTg4MSM1MSMkMSMk==";
    assert_eq!(subject(hira), hira);
}

#[test]
fn of_a_claim_all_is_kept_but_its_persons() {
    let message = r#"{"id":"0195b1f0-6c1e-7cc3-98c4-dc0c0c07398f","terminal":"t1","at":"2020-03-11T09:05:00+09:00","item":"mask","quantity":2,"person":{"kind":"resident","number":"900101-1234568"},"buyer":{"kind":"card","number":"A123456789"}}"#;
    let expected = r#"{"id":"0195b1f0-6c1e-7cc3-98c4-dc0c0c07398f","terminal":"t1","at":"2020-03-11T09:05:00.000+09:00","item":"mask","quantity":2,"person":"masked","buyer":"masked"}"#;
    assert_eq!(kept(message), (expected.to_owned(), true));
}

#[test]
fn of_anything_else_the_shape_stays() {
    for (message, expected) in [
        (
            r#"{"terminal":"t1","seq":17,"memo":"김 900101-1"}"#,
            r#"{"terminal":"**","seq":**,"****":"* ******-*"}"#,
        ),
        (r#"{"terminal":"t1","count":"12"#, r#"{"terminal":"**","count":"**"#),
        (r#"{"seq":1,"ko":"\u0039五①"}"#, r#"{"seq":1}"#),
        ("counted seat ats sent_at", "******* **** *** sent_at"),
    ] {
        assert_eq!(kept(message), (expected.to_owned(), true), "{message}");
    }
    assert_eq!(&payload(b"\xff9\xfe seq").payload[..], b"*** seq");
    assert_eq!(subject("pos.v1.report.9001011234568"), "pos.v1.report.*************");
    assert_eq!(subject("pos.v1.report.M12345678"), "pos.v1.report.*********");
}
