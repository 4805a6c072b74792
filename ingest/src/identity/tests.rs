//! Fingerprints: stable, different under another key, alike on every core while keys change; and what files are taken.

use std::os::unix::fs::PermissionsExt;

use super::*;

const NUMBER: &str = "900101-1234568";
/// 2026-11-24T00:00:00Z.
const MADE: Millis = Millis(1_795_478_400_000);

fn secret(seed: u8, made: Option<Millis>) -> PersonSecret {
    PersonSecret::from_bytes(std::array::from_fn(|n| seed.wrapping_add(n as u8)), made)
}

fn resident(number: &str) -> PersonSaid<'_> {
    PersonSaid { kind: PersonKind::Resident, number: number.into(), country: None, born: None }
}

fn card(number: &str) -> PersonSaid<'_> {
    PersonSaid { kind: PersonKind::Card, ..resident(number) }
}

fn passport<'a>(number: &'a str, country: &'a str) -> PersonSaid<'a> {
    PersonSaid {
        kind: PersonKind::Passport,
        country: Some(country.into()),
        born: Some(1985),
        ..resident(number)
    }
}

fn key(identity: &Identity, said: &PersonSaid<'_>) -> PersonKey {
    identity.person(said).unwrap().person.key
}

fn hex(key: PersonKey) -> String {
    serde_json::to_value(key).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn a_fingerprint_never_changes() {
    let identity = Identity::new(secret(1, None), None);
    let found = [resident(NUMBER), passport("M12345678", "KOR"), card("A123456789")]
        .map(|said| hex(key(&identity, &said)));
    assert_eq!(
        found,
        [
            "1370e7774df9c370011f9b4612d12843",
            "76075eb92180c58c82f17b718a63e159",
            "cdf494858e13a57407aff9eee1899ab3"
        ]
    );
    assert_eq!(identity.keys(), Keys { current: 7_434_034_190_056_401_533, previous: None });
    let by_hand =
        blake3::keyed_hash(&std::array::from_fn(|n| 1 + n as u8), b"person/1/passport/KORM12345678");
    assert_eq!(found[1], by_hand.to_hex()[..32]);
}

#[test]
fn wrong_check_digits_are_counted_and_never_refused() {
    let identity = Identity::new(secret(1, None), None);
    let digits = ["900101-1234568", "900101-1234567"].map(|number| {
        let found = identity.person(&resident(number)).unwrap();
        (found.check_digit_ok, identity.wrong_check_digits())
    });
    assert_eq!(digits, [(Some(true), 0), (Some(false), 1)]);
    assert_eq!(identity.person(&card("A123456789")).unwrap().check_digit_ok, None);
    assert_eq!(identity.wrong_check_digits(), 1);
}

#[test]
fn one_document_is_one_person_and_two_are_two() {
    let identity = Identity::new(secret(1, None), None);
    let foreigner = PersonSaid { kind: PersonKind::Foreigner, ..resident("９００１０１ 1234568") };
    assert_eq!(identity.person(&foreigner), identity.person(&resident(NUMBER)));
    let different = [
        key(&identity, &resident(NUMBER)),
        key(&identity, &resident("900101-1234567")),
        key(&identity, &card("9001011234568")),
        key(&identity, &passport("9001011234568", "KOR")),
        key(&identity, &passport("9001011234568", "CHN")),
        key(&Identity::new(secret(2, None), None), &resident(NUMBER)),
    ];
    for (n, one) in different.iter().enumerate() {
        assert!(different[..n].iter().all(|other| other != one), "{n}");
    }
}

#[test]
fn with_two_keys_the_person_is_known_under_both() {
    let before = Identity::new(secret(1, None), None).person(&resident(NUMBER)).unwrap().person;
    let both =
        Identity::new(secret(2, None), Some(secret(1, None))).person(&resident(NUMBER)).unwrap().person;
    let after = Identity::new(secret(2, None), None).person(&resident(NUMBER)).unwrap().person;
    assert_eq!(both.was, Some(before.key));
    assert_eq!(both.key, after.key);
    assert_eq!((before.was, after.was), (None, None));
}

/// Body of a claim as a core with these keys sees it.
fn body(identity: &Identity, at: Millis, change: impl FnOnce(&mut Body<'_>)) -> u32 {
    let person = identity.person(&resident(NUMBER)).unwrap().person;
    let mut body = Body {
        outlet: "34840559",
        terminal: "t1",
        at,
        item: "mask",
        quantity: 2,
        person: &person,
        buyer: None,
        ground: None,
        occurred: None,
        hold_minutes: None,
    };
    change(&mut body);
    identity.body(&body)
}

#[test]
fn a_copy_is_known_by_every_core_while_keys_change() {
    let old = Identity::new(secret(1, None), None);
    let both = Identity::new(secret(2, Some(MADE)), Some(secret(1, None)));
    let new = Identity::new(secret(2, Some(MADE)), None);
    let moment = MADE.plus(CHANGE_OVER_MS);
    for at in [MADE, moment.plus(-1)] {
        assert_eq!(body(&old, at, |_| ()), body(&both, at, |_| ()));
    }
    for at in [moment, moment.plus(CHANGE_OVER_MS)] {
        assert_eq!(body(&both, at, |_| ()), body(&new, at, |_| ()));
    }
    assert_ne!(body(&old, moment, |_| ()), body(&new, moment, |_| ()));
}

#[test]
fn every_part_of_a_body_counts() {
    let identity = Identity::new(secret(1, None), None);
    let other = identity.person(&card("A123456789")).unwrap().person;
    let older = Person { born: Some(1989), ..identity.person(&resident(NUMBER)).unwrap().person };
    let with = |change: &dyn for<'b> Fn(&mut Body<'b>)| body(&identity, MADE, change);
    let all = [
        with(&|_| ()),
        with(&|b| b.outlet = "34840558"),
        with(&|b| b.terminal = "t2"),
        with(&|b| b.at = MADE.plus(1)),
        with(&|b| b.item = "mask_child"),
        with(&|b| b.quantity = 1),
        with(&|b| b.ground = Some(Ground::Family)),
        with(&|b| b.ground = Some(Ground::LongTermCare)),
        with(&|b| b.occurred = Some(MADE)),
        with(&|b| b.hold_minutes = Some(60)),
        with(&|b| (b.outlet, b.terminal) = ("3484055", "9t1")),
        body(&identity, MADE, |b| b.quantity = 3),
        identity_body(&identity, &other, None),
        identity_body(&identity, &older, None),
        identity_body(&identity, &older, Some(&other)),
    ];
    for (n, one) in all.iter().enumerate() {
        assert!(all[..n].iter().all(|other| other != one), "{n}");
    }
}

fn identity_body(identity: &Identity, person: &Person, buyer: Option<&Person>) -> u32 {
    let (outlet, terminal, item) = ("34840559", "t1", "mask");
    let parts = Body {
        outlet,
        terminal,
        at: MADE,
        item,
        quantity: 2,
        person,
        buyer,
        ground: None,
        occurred: None,
        hold_minutes: None,
    };
    identity.body(&parts)
}

#[test]
fn a_key_file_reads_back_and_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("person.key");
    let made = PersonSecret::generate().unwrap();
    made.write_file(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    let read = PersonSecret::read_file(&path).unwrap();
    assert_eq!((read.fingerprint(), read.made()), (made.fingerprint(), made.made()));
    let other = PersonSecret::generate().unwrap();
    assert!(matches!(other.write_file(&path), Err(SecretError::Io { .. })));
    assert_ne!(other.fingerprint(), made.fingerprint());
    assert_eq!(PersonSecret::read_file(&path).unwrap().fingerprint(), made.fingerprint());
}

#[test]
fn a_key_file_that_others_may_touch_is_refused_with_what_to_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("person.key");
    PersonSecret::generate().unwrap().write_file(&path).unwrap();
    for (mode, taken) in [(0o400, true), (0o640, false), (0o604, false), (0o622, false), (0o600, true)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        match PersonSecret::read_file(&path) {
            Ok(_) => assert!(taken, "{mode:o}"),
            Err(error) => {
                let told = error.to_string();
                assert!(
                    !taken && told.contains(&format!("`chmod 600 {}`", path.display())),
                    "{mode:o}: {told}"
                );
            }
        }
    }
    assert!(matches!(PersonSecret::read_file(dir.path()), Err(SecretError::NotAFile { .. })));
    assert!(matches!(PersonSecret::read_file(&dir.path().join("none")), Err(SecretError::Io { .. })));
}

#[test]
fn what_is_no_key_is_refused_and_not_shown() {
    let digits = "00112233445566778899aabbccddeeff0123456789abcdef0f1e2d3c4b5a6978";
    assert!(PersonSecret::parse(digits).is_ok());
    let dated = PersonSecret::parse(&format!("{digits} 2026-11-24T00:00:00Z\n")).unwrap();
    assert_eq!(dated.made(), Some(MADE));
    let texts =
        [&digits[1..], &format!("{digits}0"), &format!("{digits} today"), &format!("g{}", &digits[1..]), ""];
    for text in texts {
        let error = PersonSecret::parse(text).unwrap_err();
        assert!(matches!(error, SecretError::Text), "{text}");
        assert!(!error.to_string().contains("0011") && !format!("{error:?}").contains("0011"));
    }
    assert!(matches!(PersonSecret::parse(&"01".repeat(32)), Err(SecretError::Weak)));
    let identity = Identity::new(PersonSecret::parse(digits).unwrap(), None);
    assert!(!format!("{identity:?}").contains("0011"));
}
