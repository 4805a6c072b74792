//! `jaego audit`: what a person or an outlet asked for and what went over the limit, out of the journal; no number is printed.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{Duration, Utc};
use serde_json::Value;

use super::{OTHER, PHARMACY, claim, id, number, post, settle, start};
use crate::harness::{Jaego, PERSON_KEY};

/// What `jaego audit` printed.
fn audit(jaego: &Jaego, args: &[&str], typed: &str) -> String {
    let (code, told) = ask(jaego, &jaego.dir.join("audit.key"), args, typed);
    assert_eq!(code, Some(0));
    told
}

/// Runs `jaego audit` with this key; its exit code and what it printed.
fn ask(jaego: &Jaego, key: &Path, args: &[&str], typed: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_jaego"))
        .arg("audit")
        .args(args)
        .arg("--data-dir")
        .arg(&jaego.dir)
        .env("JAEGO_PERSON_KEY", key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The key of the core under test, as a file that only its owner reads.
fn keep_key(jaego: &Jaego) {
    let path = jaego.dir.join("audit.key");
    let file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(path);
    file.unwrap().write_all(PERSON_KEY.as_bytes()).unwrap();
}

#[tokio::test]
async fn an_audit_tells_what_was_decided_and_no_number() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    keep_key(&jaego);
    // A void that is sent twice before its claim, which no other person made.
    for (void, outlet) in [(9, PHARMACY), (9, PHARMACY), (8, OTHER)] {
        post(&jaego, &format!("claims/{}/void", id(void)), &settle(outlet)).await;
    }
    post(&jaego, "claims", &claim(9, 1, 1)).await;
    post(&jaego, "claims", &claim(1, 1, 2)).await;
    post(&jaego, "claims", &claim(2, 1, 1)).await;
    post(&jaego, &format!("claims/{}/void", id(1)), &settle(PHARMACY)).await;
    let mut elsewhere = claim(3, 1, 2);
    elsewhere["outlet"] = OTHER.into();
    post(&jaego, "claims", &elsewhere).await;
    let mut late = claim(4, 1, 1);
    late["occurred_at"] = (Utc::now() - Duration::seconds(1)).to_rfc3339().into();
    post(&jaego, "late-claims", &late).await;
    post(&jaego, "claims", &claim(5, 2, 2)).await;

    let person = rows(&audit(&jaego, &["person", "--json"], &format!("{}\n", number(1))));
    let told: Vec<_> =
        person.iter().map(|row| (row["kind"].as_str().unwrap(), row["decision"].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("void", "rejected"),
            ("claim", "rejected"),
            ("claim", "granted"),
            ("claim", "refused"),
            ("void", "voided"),
            ("claim", "granted"),
            ("late", "recorded")
        ]
    );
    let outlet = rows(&audit(&jaego, &["outlet", PHARMACY, "--json"], ""));
    assert_eq!(outlet.len(), 8);
    assert!(outlet.iter().all(|row| row["outlet"] == PHARMACY));
    let over = rows(&audit(&jaego, &["over-limit", "--json"], ""));
    assert_eq!(over.len(), 1);
    assert_eq!((&over[0]["id"], &over[0]["over_limit"]), (&id(4).into(), &true.into()));

    // Under another key everybody is a stranger, and nothing found would be no answer.
    let other = jaego.dir.join("other.key");
    assert_eq!(crate::harness::jaego(&["key", "new", other.to_str().unwrap()]).0, 0);
    let (code, told) = ask(&jaego, &other, &["person", "--json"], &number(1));
    assert!(code != Some(0) && told.is_empty(), "{code:?} {told}");

    let table = audit(&jaego, &["person"], &number(1));
    assert!(table.starts_with("seq") && table.ends_with("7 entries\n"), "{table}");
    assert!(table.contains("limit_reached") && table.contains("over_limit"), "{table}");
    let plain = number(1).replace('-', "");
    assert!(!table.contains(&plain) && !table.contains(&number(1)), "{table}");
}
