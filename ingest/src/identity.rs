//! From what a counter says to what the journal may hold: a keyed fingerprint of the person, and nothing else of them.
//!
//! # Change of keys
//! A key is in use for [`CHANGE_OVER_MS`] before the fingerprints of claims go over to it, see [`Identity::body`]. The
//! operator's steps are in `docs/person-keys.md`.

mod secret;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use schemas::Millis;
use schemas::claim::PersonSaid;
use schemas::entry::Keys;
use schemas::person::{Person, PersonKey, PersonKind};
use schemas::policy::Ground;
use zeroize::Zeroizing;

pub use self::secret::{PersonSecret, SecretError};
use crate::person::{BadPerson, Parsed};

/// The environment variables in which the key in use and the one before it may be given, as a key file has them. Children
/// do not get them.
pub const KEY_VARIABLES: [&str; 2] = ["JAEGO_PERSON_KEY_HEX", "JAEGO_PERSON_KEY_PREVIOUS_HEX"];
/// From the making of a key until the fingerprints of claims go over to it: 7 days. Within them every core must be given
/// the key as current, with the one before as previous.
pub const CHANGE_OVER_MS: i64 = 7 * 86_400_000;

/// The keys of person fingerprints: the one in use, and while keys change the one before it. Wiped when it is dropped.
pub struct Identity {
    current: PersonSecret,
    previous: Option<PersonSecret>,
    wrong_check_digits: AtomicU64,
}

/// A person as the journal knows them, and what the gateway counts beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identified {
    /// For the journal entry.
    pub person: Person,
    /// Whether the check digit is right: to be counted, never a ground for refusing, since numbers issued after October
    /// 2020 end in any digit. `None` for passports and cards.
    pub check_digit_ok: Option<bool>,
}

/// What the till said in a claim, late claim or reservation, in the form in which two copies are alike.
#[derive(Debug, Clone, Copy)]
pub struct Body<'a> {
    /// Outlet code.
    pub outlet: &'a str,
    /// Terminal of that outlet.
    pub terminal: &'a str,
    /// When the till sent it first, by its clock.
    pub at: Millis,
    /// Item.
    pub item: &'a str,
    /// Pieces.
    pub quantity: u32,
    /// Whose allowance it is.
    pub person: &'a Person,
    /// Who came, when it is another person.
    pub buyer: Option<&'a Person>,
    /// The proof that was shown.
    pub ground: Option<Ground>,
    /// When it was sold on paper: of a late claim.
    pub occurred: Option<Millis>,
    /// How long it is to hold, with the default where nothing was said: of a reservation. Not the moment at which that
    /// ends, which is another for every copy.
    pub hold_minutes: Option<u32>,
}

impl Identity {
    /// The key in use, and the one before it while keys change over.
    #[must_use]
    pub fn new(current: PersonSecret, previous: Option<PersonSecret>) -> Self {
        Self { current, previous, wrong_check_digits: AtomicU64::new(0) }
    }

    /// The fingerprints of the keys, for the journal: equal keys are seen to be equal, and nothing else is.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys {
            current: self.current.fingerprint(),
            previous: self.previous.as_ref().map(PersonSecret::fingerprint),
        }
    }

    /// Who this is. The same document gives the same key, however its number is written and whatever kind is named with a
    /// resident's or foreigner's number.
    ///
    /// # Errors
    /// [`BadPerson`], which holds no part of the number.
    pub fn person(&self, said: &PersonSaid<'_>) -> Result<Identified, BadPerson> {
        let parsed = Parsed::read(said)?;
        let message = Message::of(&parsed);
        let person = Person {
            key: message.under(&self.current),
            was: self.previous.as_ref().map(|previous| message.under(previous)),
            kind: parsed.kind,
            born: parsed.born,
            digit: parsed.digit,
        };
        if parsed.check_digit_ok == Some(false) {
            self.wrong_check_digits.fetch_add(1, Relaxed);
        }
        Ok(Identified { person, check_digit_ok: parsed.check_digit_ok })
    }

    /// How many numbers had a wrong check digit, since this process started.
    #[must_use]
    pub fn wrong_check_digits(&self) -> u64 {
        self.wrong_check_digits.load(Relaxed)
    }

    /// Fingerprint of what the till said: two claims under one id are the same if it is.
    ///
    /// It is made of the persons' fingerprints, so a number can be guessed from it no better than from the entry it stands
    /// in. While keys change, which of a person's two fingerprints goes in is decided by `at`, which is alike in all copies:
    /// the older until [`CHANGE_OVER_MS`] after the current key was made, the current from then on. So a copy is known for
    /// one by cores that have the old key alone, both, or the new one alone, as long as every core has both when that
    /// moment comes and for [`KEPT_MS`](schemas::claim::KEPT_MS) after it.
    #[must_use]
    pub fn body(&self, body: &Body<'_>) -> u32 {
        let changed = self.current.made().is_some_and(|made| body.at >= made.plus(CHANGE_OVER_MS));
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"body/1/");
        for text in [body.outlet, body.terminal, body.item] {
            // None of them can hold a zero byte.
            hasher.update(text.as_bytes()).update(&[0]);
        }
        let number = |n: Option<i64>| n.unwrap_or(i64::MIN).to_le_bytes();
        hasher.update(&number(Some(body.at.0))).update(&body.quantity.to_le_bytes());
        hasher.update(&number(body.occurred.map(|t| t.0))).update(&number(body.hold_minutes.map(i64::from)));
        hasher.update(&[body.ground.map_or(0, |ground| 1 + ground as u8)]);
        push_person(&mut hasher, body.person, changed);
        if let Some(buyer) = body.buyer {
            push_person(&mut hasher, buyer, changed);
        }
        u32::from_le_bytes(first(hasher.finalize().as_bytes()))
    }
}

/// What was said of a person, under one key.
fn push_person(hasher: &mut blake3::Hasher, person: &Person, changed: bool) {
    let key = if changed { person.key } else { person.was.unwrap_or(person.key) };
    let year = person.born.unwrap_or_default().to_le_bytes();
    hasher.update(&key.0).update(&year);
}

/// Shows the keys by their fingerprints.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys();
        write!(f, "Identity({:016x}", keys.current)?;
        keys.previous.map_or(Ok(()), |previous| write!(f, ", before {previous:016x}"))?;
        f.write_str(")")
    }
}

/// What is fingerprinted of a person: the document's kind, a passport's country, the number. One BLAKE3 block.
struct Message {
    bytes: Zeroizing<[u8; blake3::BLOCK_LEN]>,
    len: usize,
}

impl Message {
    fn of(parsed: &Parsed) -> Self {
        let kind: &[u8] = match parsed.kind {
            PersonKind::Resident | PersonKind::Foreigner => b"person/1/number/",
            PersonKind::Passport => b"person/1/passport/",
            PersonKind::Card => b"person/1/card/",
        };
        let mut message = Self { bytes: Zeroizing::new([0; blake3::BLOCK_LEN]), len: 0 };
        for part in [kind, parsed.country.as_bytes(), parsed.number.as_bytes()] {
            message.bytes[message.len..message.len + part.len()].copy_from_slice(part);
            message.len += part.len();
        }
        message
    }

    fn under(&self, secret: &PersonSecret) -> PersonKey {
        PersonKey(first(&secret.hash(&self.bytes[..self.len])))
    }
}

/// The first bytes of a hash.
fn first<const N: usize>(hash: &[u8; blake3::OUT_LEN]) -> [u8; N] {
    std::array::from_fn(|n| hash[n])
}
