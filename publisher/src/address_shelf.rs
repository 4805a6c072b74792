//! Answers to addresses at one version, made once: thousands of readers ask for the same few hundred districts.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::native::NativeBody;

/// Most spellings that are kept at one version: there are some 250 districts, and whoever makes up spellings gains nothing.
const MOST: usize = 320;

/// The answers that were made.
#[derive(Default)]
pub(crate) struct AddressShelf {
    /// Where no address was given.
    without: OnceLock<Arc<NativeBody>>,
    named: RwLock<HashMap<String, Arc<NativeBody>>>,
}

impl AddressShelf {
    /// The answer to an address, or to none; `make` says beside it whether it is worth keeping.
    pub(crate) fn body(
        &self,
        asked: Option<&str>,
        make: impl FnOnce() -> (NativeBody, bool),
    ) -> Arc<NativeBody> {
        let Some(address) = asked else {
            return Arc::clone(self.without.get_or_init(|| Arc::new(make().0)));
        };
        if let Some(body) = self.named.read().unwrap_or_else(PoisonError::into_inner).get(address) {
            return Arc::clone(body);
        }
        let (body, keep) = make();
        let body = Arc::new(body);
        if keep {
            let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
            if named.len() < MOST {
                named.insert(address.to_owned(), Arc::clone(&body));
            }
        }
        body
    }

    /// Forgets all but the one without an address.
    pub(crate) fn clear(&self) {
        self.named.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_there_is_room_for_and_only_what_found_something() {
        let shelf = AddressShelf::default();
        let made = |found| move || (NativeBody::new("text/plain", vec![b'x']), found);
        let kept = |address: Option<&str>, found: bool| {
            Arc::ptr_eq(&shelf.body(address, made(found)), &shelf.body(address, made(found)))
        };
        assert!(kept(None, true) && kept(Some("a"), true) && kept(Some(""), true));
        assert!(!kept(Some("b"), false));
        for n in 0..2 * MOST {
            shelf.body(Some(&n.to_string()), made(true));
        }
        assert!(kept(Some("a"), true) && !kept(Some("one more"), true));
        assert_eq!(shelf.named.read().unwrap().len(), MOST);
        shelf.clear();
        assert!(kept(None, true) && kept(Some("one more"), true));
    }
}
