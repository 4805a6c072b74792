//! Numbers of the real shapes, all made up.

use super::*;

fn said(kind: PersonKind, number: &str) -> PersonSaid<'_> {
    PersonSaid { kind, number: number.into(), country: None, born: None }
}

fn passport<'a>(number: &'a str, country: Option<&'a str>, born: Option<u16>) -> PersonSaid<'a> {
    PersonSaid { kind: PersonKind::Passport, number: number.into(), country: country.map(Into::into), born }
}

#[test]
fn a_number_tells_kind_year_and_check_digit() {
    use PersonKind::{Foreigner, Resident};
    // Check digits worked out apart from this code, from the weights.
    for (number, kind, born, check_digit_ok) in [
        ("900101-1234568", Resident, 1990, true),
        ("900101-1234561", Resident, 1990, false),
        ("851231-2000002", Resident, 1985, true),
        ("040229-3123453", Resident, 2004, true),
        ("101010-4000001", Resident, 2010, true),
        ("991231-9000009", Resident, 1899, true),
        ("991231-0000004", Resident, 1899, true),
        ("780505-5100009", Foreigner, 1978, true),
        ("780505-5100002", Foreigner, 1978, false),
        ("780505-6100002", Foreigner, 1978, true),
        ("050709-7600000", Foreigner, 2005, true),
        ("050709-8600003", Foreigner, 2005, true),
    ] {
        for named in [Resident, Foreigner] {
            let parsed = Parsed::read(&said(named, number)).unwrap();
            assert_eq!(
                (parsed.kind, parsed.born, parsed.check_digit_ok),
                (kind, Some(born), Some(check_digit_ok)),
                "{number} named {named:?}"
            );
        }
    }
}

#[test]
fn a_number_may_be_written_as_people_write() {
    for written in [
        "9001011234568",
        "900101-1234568",
        " 900101 - 1234568 ",
        "９００１０１－１２３４５６８",
        "900101–1234568",
        "900101\u{a0}1234568\u{feff}",
        "9 0 0 1 0 1 1 2 3 4 5 6 8",
    ] {
        let parsed = Parsed::read(&said(PersonKind::Resident, written)).unwrap();
        assert_eq!(parsed.number.as_bytes(), b"9001011234568", "{written:?}");
    }
}

#[test]
fn what_is_no_number_is_refused_by_what_is_wrong() {
    for (number, wrong) in [
        ("", BadPerson::NotThirteenDigits),
        ("900101-123456", BadPerson::NotThirteenDigits),
        ("900101-12345678", BadPerson::NotThirteenDigits),
        ("900101-12345678901234567890", BadPerson::NotThirteenDigits),
        ("900101-123456A", BadPerson::NotThirteenDigits),
        ("900101-123456八", BadPerson::NotThirteenDigits),
        ("900101_1234568", BadPerson::NotThirteenDigits),
        ("901301-1234568", BadPerson::NoSuchDay),
        ("900001-1234568", BadPerson::NoSuchDay),
        ("900100-1234568", BadPerson::NoSuchDay),
        ("900431-1234568", BadPerson::NoSuchDay),
        // 1900 was no leap year, 2000 was one.
        ("000229-1234568", BadPerson::NoSuchDay),
        ("010229-3234568", BadPerson::NoSuchDay),
    ] {
        let found = Parsed::read(&said(PersonKind::Resident, number)).err();
        assert_eq!(found, Some(wrong), "{number}");
    }
    assert!(Parsed::read(&said(PersonKind::Resident, "000229-3234568")).is_ok());
}

#[test]
fn a_passport_needs_its_country_and_a_year_of_birth() {
    let parsed = Parsed::read(&passport("m 123-4567８", Some("kor"), Some(1985))).unwrap();
    assert_eq!((parsed.number.as_bytes(), parsed.country.as_bytes()), (&b"M12345678"[..], &b"KOR"[..]));
    assert_eq!((parsed.kind, parsed.born, parsed.check_digit_ok), (PersonKind::Passport, Some(1985), None));
    let refused = |number, country, born| Parsed::read(&passport(number, country, born)).err();
    assert_eq!(refused("M12345678", None, Some(1985)), Some(BadPerson::NoCountry));
    for country in ["", "KR", "KORE", "K0R", "한국인"] {
        assert_eq!(refused("M12345678", Some(country), Some(1985)), Some(BadPerson::NoCountry), "{country}");
    }
    assert_eq!(refused("M12345678", Some("KOR"), None), Some(BadPerson::NoBirthYear));
    assert_eq!(refused("M12345678", Some("KOR"), Some(85)), Some(BadPerson::BirthYear));
    assert_eq!(refused("M12345678", Some("KOR"), Some(2201)), Some(BadPerson::BirthYear));
    let not_a_number = Some(BadPerson::NotANumber { kind: PersonKind::Passport, min: 5, max: 20 });
    for number in ["", "M123", "ABCDEFG", "M1234567/8", "M12345678901234567890"] {
        assert_eq!(refused(number, Some("KOR"), Some(1985)), not_a_number, "{number}");
    }
}

#[test]
fn a_card_keeps_its_last_digit() {
    for (number, digit) in
        [("A123456789", 9), ("a 800000014", 4), ("AB12345670", 0), ("000012345678", 8), ("12345K", 5)]
    {
        let parsed = Parsed::read(&said(PersonKind::Card, number)).unwrap();
        assert_eq!((parsed.digit, parsed.born), (Some(digit), None), "{number}");
    }
    let born = PersonSaid { born: Some(1990), ..said(PersonKind::Card, "A123456789") };
    assert_eq!(Parsed::read(&born).unwrap().born, Some(1990));
    assert!(Parsed::read(&said(PersonKind::Card, "A1234")).is_err());
    assert!(Parsed::read(&said(PersonKind::Card, "ABCDEFG")).is_err());
    assert!(Parsed::read(&PersonSaid { born: Some(19), ..born }).is_err());
}

#[test]
fn an_error_does_not_hold_the_number() {
    for number in ["901399-1234568", "9001011234568901", "900101-123456X"] {
        let error = Parsed::read(&said(PersonKind::Foreigner, number)).err().unwrap();
        let rejection = Rejection::from(error);
        assert_eq!(rejection.reason, Reason::BadPerson);
        assert!(!rejection.detail.contains("90") && !format!("{error:?}").contains("90"), "{rejection:?}");
    }
}

#[test]
fn the_copy_that_decoding_made_is_wiped() {
    let mut escaped: PersonSaid<'_> =
        serde_json::from_str(r#"{"kind":"resident","number":"\u0039001011234568"}"#).unwrap();
    assert_eq!(escaped.number, "9001011234568");
    wipe(&mut escaped);
    assert_eq!(escaped.number, "");
}
