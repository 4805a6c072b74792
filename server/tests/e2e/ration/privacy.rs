//! No number of a person is in any file, however it is written; and the search that says so is shown to find one.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::people::People;

/// Every file under a folder that holds the number of one of these people.
pub fn leaks(dir: &Path, people: &People) -> Vec<PathBuf> {
    let forms: HashSet<Vec<u8>> = people.forms().map(String::into_bytes).collect();
    let mut found = Vec::new();
    for path in files(dir) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        if holds(&bytes, &forms) {
            found.push(path);
        }
    }
    found
}

/// All files under a folder.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Looks at every run of characters that has the form of a number: 13 digits, or 6 and 7 with a hyphen or blank between.
fn holds(bytes: &[u8], forms: &HashSet<Vec<u8>>) -> bool {
    let mut digits = 0;
    bytes.iter().enumerate().any(|(at, byte)| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        if digits < 7 {
            return false;
        }
        let ends = |len: usize| at + 1 >= len && forms.contains(&bytes[at + 1 - len..=at]);
        digits >= 13 && ends(13) || digits == 7 && ends(14)
    })
}

#[test]
fn the_search_finds_a_number_wherever_and_however_it_stands() {
    let people = People::draw(200, 7);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
    let file = dir.path().join("a/b/0.blk");
    std::fs::write(&file, "1234567890123 9001011234568 and nothing else").unwrap();
    assert_eq!(leaks(dir.path(), &people), Vec::<PathBuf>::new());
    for (n, form) in people.forms().enumerate() {
        let around = [&b"\x00\xff"[..], b"123", b"\"number\":\"", b""][n % 4];
        std::fs::write(&file, [around, form.as_bytes(), &b"99"[..n % 2 * 2]].concat()).unwrap();
        let found = leaks(dir.path(), &people);
        // A hyphen or blank keeps its seven digits apart; digits that run on are another number.
        let runs_on = n % 3 != 0 && n % 2 == 1;
        assert!(runs_on || found == std::slice::from_ref(&file), "{form:?} after {around:?}");
    }
}
