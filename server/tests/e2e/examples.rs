//! The examples of the contract against the gateway's own decoder: it takes the valid ones and names what is wrong with
//! the others.

use std::fs;
use std::path::PathBuf;

use ingest::decode::decode;
use schemas::Millis;
use schemas::subject::PosKind;

/// The examples of one kind and class: file name without `.json`, and bytes.
fn examples(kind: PosKind, class: &str) -> Vec<(String, Vec<u8>)> {
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/contract/examples");
    let folder = PathBuf::from(contract).join(kind.name()).join(class);
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = files.map(|file| file.unwrap().path());
    paths
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
}

/// The reasons found for the examples of a class, with the names of the files; none where it was taken.
fn judged(class: &str) -> Vec<(String, Option<&'static str>)> {
    let received = Millis::parse("2020-03-12T00:00:00+09:00").unwrap();
    let mut judged = Vec::new();
    for kind in PosKind::ALL.into_iter().filter(|kind| !kind.is_personal()) {
        let examples = examples(kind, class);
        assert!(!examples.is_empty(), "no {class} {}", kind.name());
        for (name, bytes) in examples {
            let reason =
                decode(kind, "34840559", &bytes, received).err().map(|rejection| rejection.reason.name());
            judged.push((name, reason));
        }
    }
    judged
}

#[test]
fn the_gateway_takes_every_valid_example() {
    for (name, reason) in judged("valid") {
        assert_eq!(reason, None, "{name}");
    }
}

#[test]
fn the_gateway_names_what_is_wrong_as_the_file_does() {
    for (name, reason) in judged("invalid") {
        let (expected, _) = name.split_once("--").unwrap();
        assert_eq!(reason, Some(expected), "{name}");
    }
}
