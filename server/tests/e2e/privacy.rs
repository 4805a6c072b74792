//! Keys and numbers of persons stay in memory: no core file, no child, no dead letter, no file and no log has them.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use futures::StreamExt;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{self, Jaego, PERSON_KEY, children, jaego, wait_for};

const NUMBER: &str = "9001011234568";

#[tokio::test]
async fn a_jaego_that_is_aborted_leaves_no_core() {
    let (_, most) = getrlimit(Resource::RLIMIT_CORE).unwrap();
    setrlimit(Resource::RLIMIT_CORE, most, most).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut other = Command::new("sh");
    let other = other.args(["-c", "kill -ABRT $$"]).current_dir(dir.path()).status().unwrap();
    if !other.core_dumped() {
        eprintln!("not shown: this machine lets no process dump its core");
        return;
    }
    let jaego = Jaego::start(dir.path(), &[]).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", jaego.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    kill(Pid::from_raw(i32::try_from(jaego.pid()).unwrap()), Signal::SIGABRT).unwrap();
    let status = jaego.ended().await;
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::SIGABRT as i32), false));
}

#[tokio::test]
async fn the_child_nats_does_not_get_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &[]).await;
    let ours = std::fs::read_to_string(format!("/proc/{}/environ", jaego.pid())).unwrap();
    assert!(ours.contains(PERSON_KEY));
    for child in children(jaego.pid()) {
        let environment = std::fs::read_to_string(format!("/proc/{child}/environ")).unwrap();
        assert!(environment.contains("PATH=") && !environment.contains(PERSON_KEY), "{environment}");
    }
}

#[tokio::test]
async fn what_is_turned_away_reaches_no_disk_with_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &["--log", "debug"]).await;
    let mut dead = jaego.nats.subscribe("dead.v1.>").await.unwrap();
    let at = "2020-03-11T09:05:00+09:00";
    let messages = [
        (
            "pos.v1.report.34840559".to_owned(),
            format!(r#"{{"terminal":"t1","seq":1,"at":"{at}","item":"mask","count":"{NUMBER}"}}"#),
        ),
        (
            "pos.v1.report.34840559".to_owned(),
            format!(r#"{{"terminal":"{NUMBER}","seq":1,"at":"{at}","item":"MASK","count":1}}"#),
        ),
        (
            format!("pos.v1.claim.34840559.{NUMBER}"),
            format!(r#"{{"person":{{"kind":"resident","number":"{NUMBER}"}}"#),
        ),
    ];
    for (subject, body) in messages {
        jaego.nats.publish(subject, body.into()).await.unwrap();
        let letter = tokio::time::timeout(harness::LIMIT, dead.next()).await.unwrap().unwrap();
        let headers = letter.headers.unwrap();
        assert_eq!(headers.get("Jaego-Redacted").unwrap().as_str(), "true");
        let kept = format!("{headers:?} {}", String::from_utf8(letter.payload.to_vec()).unwrap());
        assert!(kept.contains("pos.v1.") && !kept.contains(NUMBER), "{kept}");
    }
    wait_for("the dead letters on disk", || holds(dir.path(), b"Jaego-Redacted").then_some(())).await;
    assert!(!jaego.admin("/metrics").await.contains(NUMBER));
    assert!(jaego.terminate().await.0.success());
    // Both the stream of dead letters and the log are in this folder.
    assert!(!holds(dir.path(), NUMBER.as_bytes()) && !holds(dir.path(), PERSON_KEY.as_bytes()));
}

/// Whether a file of the folder holds these bytes.
fn holds(dir: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            holds(&path, bytes)
        } else {
            std::fs::read(&path).unwrap_or_default().windows(bytes.len()).any(|window| window == bytes)
        }
    })
}

#[tokio::test]
async fn a_key_is_made_once_and_serves() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("person.key");
    let file = file.to_str().unwrap();
    let (code, made, err) = jaego(&["key", "new", file]);
    assert_eq!(code, 0, "{err}");
    assert!(made.contains(&format!("jaego serve --person-key {file}")), "{made}");
    let (_, shown, _) = jaego(&["key", "show", file]);
    assert!(shown.starts_with("key ") && made.contains(shown.trim_end()), "{made} {shown}");
    let text = std::fs::read_to_string(file).unwrap();
    assert!(!format!("{made}{shown}").contains(&text[..16]));
    let (code, _, err) = jaego(&["key", "new", file]);
    assert!(code == 1 && err.contains("never overwritten"), "{err}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);

    let jaego = Jaego::start(dir.path(), &["--person-key", file]).await;
    assert!(jaego.terminate().await.0.success());
    let (code, _, err) = harness::jaego(&["serve"]);
    assert!(code == 2 && err.contains("`jaego key new FILE`"), "{err}");
}
