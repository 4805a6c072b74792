//! Archives of past days: every version once and in order whatever is torn or killed, the same rows in both forms, files for ever.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use proptest::prelude::*;
use publisher::{Archive, Face, Publisher};
use schemas::Millis;
use schemas::snapshot::Snapshot;
use schemas::time::KST_MINUTES;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Answer, ask, get};
use crate::world::{Event, World, event};

const DAY_MS: i64 = 86_400_000;

fn open(dir: &Path, keep: u32) -> (Publisher, Archive) {
    let archive = Archive::open(dir.to_owned(), keep, Face::default()).unwrap();
    let publisher = Publisher::new(Face::default());
    publisher.keep_history(archive.clone());
    (publisher, archive)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Publishes, and waits until it is written.
fn write(publisher: &Publisher, archive: &Archive, snapshot: &Arc<Snapshot>) {
    publisher.publish(Arc::clone(snapshot));
    until("a version to be written", || archive.status().written == snapshot.version);
}

/// All lines of the days under way and over, in their order.
fn lines(dir: &Path) -> Vec<Value> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(day) = name.strip_suffix(".ndjson.zst").and_then(|name| name.split_once('-')) {
            files.insert(day.1.to_owned(), path);
        }
    }
    let text: Vec<u8> = files.values().flat_map(|path| plain(&std::fs::read(path).unwrap())).collect();
    parse(&text)
}

/// What a file of frames holds, as far as it is whole.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    zstd::Decoder::new(bytes).unwrap().read_to_end(&mut text).unwrap();
    text
}

fn parse(text: &[u8]) -> Vec<Value> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// The versions whose changes are told to the end.
fn versions(lines: &[Value]) -> Vec<u64> {
    lines.iter().filter_map(|line| line["next"].as_u64()).collect()
}

/// What a reader of the lines has at each version; days begin with all that they need.
fn states(lines: &[Value]) -> BTreeMap<u64, BTreeMap<String, Value>> {
    let (mut state, mut states) = (BTreeMap::new(), BTreeMap::new());
    let mut began = false;
    for line in lines {
        let row = line.get("start").or_else(|| line.get("upsert"));
        if line.get("start").is_some() && !std::mem::replace(&mut began, true) {
            state.clear();
        }
        if line.get("start").is_none() {
            began = false;
        }
        if let Some(row) = row {
            state.insert(row["id"].as_str().unwrap().to_owned(), row.clone());
        } else if let Some(id) = line["remove"].as_str() {
            assert!(state.remove(id).is_some(), "{id} was not there");
        } else {
            states.insert(line["next"].as_u64().unwrap(), state.clone());
        }
    }
    states
}

/// What the files of the newest version say.
async fn published(router: &Router) -> BTreeMap<String, Value> {
    let rows = get(router, "/v1/outlets_with_stock.ndjson").await.body;
    parse(&rows).into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect()
}

async fn days(router: &Router) -> Vec<Value> {
    get(router, "/v1/history.json").await.json()["days"].as_array().unwrap().clone()
}

/// Waits until a day is sealed, and returns it as it is listed.
async fn sealed(router: &Router, day: &str) -> Value {
    let started = Instant::now();
    loop {
        let listed = days(router).await;
        if let Some(found) = listed.iter().find(|listed| listed["day"] == day && listed["sealed"] == true) {
            return found.clone();
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{day} is not sealed: {listed:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until so many days are sealed, and returns them.
pub(crate) async fn until_sealed(router: &Router, count: usize) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let days: Vec<Value> = days(router).await.into_iter().filter(|day| day["sealed"] == true).collect();
        if days.len() == count {
            return days;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{days:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The lines of a sealed day, as a reader has them.
pub(crate) async fn lines_of(router: &Router, day: &Value) -> Vec<Value> {
    parse(&plain(&get(router, file(day, "ndjson.zst")["url"].as_str().unwrap()).await.body))
}

fn file<'d>(day: &'d Value, format: &str) -> &'d Value {
    let files = day["files"].as_array().unwrap();
    files.iter().find(|file| file["format"] == format).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Versions come day and night, and the process is started anew in between, with or without being told versions again.
    #[test]
    fn the_lines_lead_to_each_version(
        steps in prop::collection::vec((prop::collection::vec(event(), 0..8), 0..5u8, 0..3u8), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut world = World::of(20);
        let (mut publisher, mut archive) = open(dir.path(), 99);
        let (mut told, mut cuts) = (BTreeMap::new(), Vec::new());
        for (events, later, restart) in steps {
            events.iter().for_each(|event| world.happen(event));
            if later == 0 {
                world.next.at = world.next.at.plus(DAY_MS / 2);
            }
            if restart > 0 {
                archive.close();
                (publisher, archive) = open(dir.path(), 99);
                let last = archive.last();
                assert_eq!(last, cuts.last().map(|cut: &Arc<Snapshot>| cut.version));
                // The journal tells some of them again, all of which are written.
                cuts.iter().rev().take(usize::from(restart - 1) * 2).rev().for_each(|cut| archive.again(Arc::clone(cut)));
            }
            let cut = world.cut();
            write(&publisher, &archive, &cut);
            told.insert(cut.version, runtime.block_on(published(&publisher.router())));
            cuts.push(cut);
        }
        archive.close();
        let korean = |cut: &Arc<Snapshot>| (cut.at.0 + i64::from(KST_MINUTES) * 60_000).div_euclid(DAY_MS);
        let all = cuts.iter().map(korean).collect::<std::collections::BTreeSet<_>>().len();
        until("all days to be sealed", || {
            let now = runtime.block_on(days(&publisher.router()));
            now.iter().filter(|day| day["sealed"] == false).count() == 1 && now.len() == all
        });
        let lines = lines(dir.path());
        prop_assert_eq!(versions(&lines), told.keys().copied().collect::<Vec<_>>());
        prop_assert!(states(&lines) == told);
    }

    /// Wherever the end is torn: what was lost is told again, and the bytes are those of a life without accident.
    #[test]
    fn a_torn_end_is_made_good(cut in 0.0..1.0f64, garbage in prop::collection::vec(any::<u8>(), 0..40)) {
        let dir = tempfile::tempdir().unwrap();
        let (publisher, archive) = open(dir.path(), 9);
        let mut world = World::of(12);
        let mut cuts = Vec::new();
        for n in 0..8 {
            world.report(n, 17);
            cuts.push(world.cut());
            write(&publisher, &archive, &cuts[n]);
        }
        archive.close();
        let (path, note) = (dir.path().join("running-2020-03-11.ndjson.zst"), dir.path().join("running.json"));
        let whole = std::fs::read(&path).unwrap();
        std::fs::remove_file(note).unwrap();
        // What is cut off, and what a disk may leave in its place.
        let kept = (whole.len() as f64 * cut) as usize;
        std::fs::write(&path, [&whole[..kept], &garbage[..]].concat()).unwrap();

        let (publisher, archive) = open(dir.path(), 9);
        for cut in cuts.iter().filter(|cut| archive.last().is_some_and(|last| cut.version >= last)) {
            archive.again(Arc::clone(cut));
        }
        if archive.last().is_none() {
            // Nothing is left: the day begins with what is published now.
            write(&publisher, &archive, &cuts[7]);
        }
        until("the last version", || archive.status().written == cuts[7].version);
        archive.close();
        if kept > 0 && archive.last().is_some() {
            prop_assert!(std::fs::read(&path).unwrap() == whole);
        }
        let expected = if archive.last().is_some() { &cuts[..] } else { &cuts[7..] };
        let expected: Vec<u64> = expected.iter().map(|cut| cut.version).collect();
        prop_assert_eq!(versions(&lines(dir.path())), expected);
    }
}

#[tokio::test]
async fn a_day_that_is_over_becomes_files_that_never_change() {
    let dir = tempfile::tempdir().unwrap();
    let (publisher, archive) = open(dir.path(), 9);
    let router = publisher.router();
    let mut world = World::of(40);
    for n in 0..30 {
        world.report(n, 9);
        if n % 7 == 0 {
            world.happen(&Event::Leave(n));
        }
        write(&publisher, &archive, &world.cut());
    }
    let [running] = &days(&router).await[..] else { panic!("one day runs") };
    assert_eq!((&running["sealed"], &running["files"]), (&json!(false), &json!([])));
    let early = get(&router, "/v1/history/changes-2020-03-11.parquet").await;
    assert_eq!((early.status.as_u16(), early.json()["title"].as_str()), (404, Some("No such file")));
    let before = lines(dir.path());

    world.next.at = world.next.at.plus(DAY_MS);
    write(&publisher, &archive, &world.cut());
    let day = sealed(&router, "2020-03-11").await;
    let upserts = before.iter().filter(|line| line.get("upsert").is_some() || line.get("remove").is_some());
    assert_eq!(day["changes"], upserts.count());
    let of_day = versions(&before);
    assert_eq!((&day["first_version"], &day["last_version"]), (&json!(of_day[0]), &json!(of_day[29])));
    for format in ["ndjson.zst", "parquet"] {
        let file = file(&day, format);
        let answer = served(&router, file).await;
        let digest: String = Sha256::digest(&answer.body).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&file["bytes"], &file["sha256"]), (&json!(answer.body.len()), &json!(digest)));
    }
    assert!(lines_of(&router, &day).await == before, "the sealed lines are those that were written");
    let table = get(&router, file(&day, "parquet")["url"].as_str().unwrap()).await.body;
    let expected: Vec<Value> = before.iter().flat_map(expected_rows).collect();
    assert!(expected.len() > 60);
    assert_eq!(rows(table), expected);
}

/// Asks for a file in all ways, and returns the whole of it.
async fn served(router: &Router, file: &Value) -> Answer {
    let url = file["url"].as_str().unwrap();
    let whole = get(router, url).await;
    assert_eq!((whole.status.as_u16(), whole.header("content-type")), (200, file["media"].as_str()));
    assert_eq!(whole.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!((whole.header("content-encoding"), whole.header("vary")), (None, None));
    let tag = whole.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag} is strong");

    let head = ask(router, "HEAD", url, &[]).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()));
    for (wanted, status) in [(&*tag, 200), ("*", 200), ("\"x\"", 412), (&*format!("W/{tag}"), 412)] {
        assert_eq!(ask(router, "GET", url, &[("if-match", wanted)]).await.status, status, "{wanted}");
    }
    let known = ask(router, "GET", url, &[("if-none-match", &tag)]).await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    for (range, from, to) in [
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, whole.body.len()),
        ("bytes=-7", whole.body.len() - 7, whole.body.len()),
    ] {
        let part = ask(router, "GET", url, &[("range", range), ("if-range", &tag)]).await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.body, whole.body[from..to], "{range}");
        let told = format!("bytes {from}-{}/{}", to - 1, whole.body.len());
        assert_eq!(part.header("content-range"), Some(told.as_str()));
    }
    let other = ask(router, "GET", url, &[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status.as_u16(), other.body.len()), (200, whole.body.len()));
    let beyond = ask(router, "GET", url, &[("range", "bytes=99999999-")]).await;
    assert_eq!(beyond.status, 416);
    whole
}

/// The rows that a line becomes in the table.
fn expected_rows(line: &Value) -> Vec<Value> {
    let millis = |text: &Value| text.as_str().map(|text| Millis::parse(text).unwrap().0);
    let op = ["start", "upsert", "remove", "next"].into_iter().find(|op| line.get(op).is_some()).unwrap();
    let outlet = match op {
        "start" | "upsert" => line[op].clone(),
        "remove" => json!({ "id": line[op] }),
        _ => json!({}),
    };
    let row = |item: &Value| {
        let mut row = json!({ "version": line["version"], "at": millis(&line["at"]), "op": op });
        for name in ["id", "name", "type", "addr", "region", "lat", "lng", "silent"] {
            row[name] = outlet[name].clone();
        }
        for name in ["hours", "external_ids", "notice"] {
            let value = outlet.get(name).filter(|value| !value.is_null());
            row[name] = value.map_or(Value::Null, |value| value.to_string().into());
        }
        row["received_at"] = json!(millis(&outlet["received_at"]));
        for name in ["item", "level", "count", "promised", "paused", "gap"] {
            row[name] = item[name].clone();
        }
        for name in ["observed_at", "received_at", "changed_at", "arrived_at"] {
            row[format!("item_{name}")] = json!(millis(&item[name]));
        }
        row
    };
    match outlet["stock"].as_array().filter(|stock| !stock.is_empty()) {
        Some(stock) => stock.iter().map(row).collect(),
        None => vec![row(&Value::Null)],
    }
}

/// The rows of a Parquet table, each as an object.
fn rows(table: Vec<u8>) -> Vec<Value> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(table)).unwrap();
    let value = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Bool(is) => json!(is),
        Field::Long(number) => json!(number),
        Field::ULong(number) => json!(number),
        Field::Double(number) => json!(number),
        Field::Str(text) => json!(text),
        Field::Bytes(text) => json!(text.as_utf8().unwrap()),
        Field::TimestampMillis(at) => json!(at),
        other => panic!("{other:?}"),
    };
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        let row = row.unwrap();
        row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect()
    })
    .collect()
}

#[tokio::test]
async fn what_the_disk_does_not_give_is_not_said_to_be_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (publisher, archive) = open(dir.path(), 9);
    let mut world = World::of(4);
    write(&publisher, &archive, &world.cut());
    world.next.at = world.next.at.plus(DAY_MS);
    write(&publisher, &archive, &world.cut());
    let router = publisher.router();
    sealed(&router, "2020-03-11").await;
    let address = "/v1/history/changes-2020-03-11.parquet";
    assert_eq!(get(&router, address).await.status, 200);
    let path = dir.path().join("changes-2020-03-11.parquet");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(get(&router, address).await.status, 410);
    // A link to itself can be opened by nobody, not even by root.
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let answer = get(&router, address).await;
    assert_eq!((answer.status.as_u16(), answer.json()["title"].as_str()), (503, Some("Not readable now")));
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn old_days_are_dropped_and_said_to_be_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (publisher, archive) = open(dir.path(), 2);
    let mut world = World::of(4);
    for day in 11..16 {
        write(&publisher, &archive, &world.cut());
        if day > 11 {
            sealed(&publisher.router(), &format!("2020-03-{}", day - 1)).await;
        }
        world.next.at = world.next.at.plus(DAY_MS);
    }
    let router = publisher.router();
    let listed: Vec<Value> = days(&router).await.iter().map(|day| day["day"].clone()).collect();
    assert_eq!(listed, ["2020-03-13", "2020-03-14", "2020-03-15"]);
    for (day, status, title) in [
        ("2020-03-12", 410, "Too old"),
        ("2020-03-15", 404, "No such file"),
        ("2020-03-16", 404, "No such file"),
        ("../etc/passwd", 404, ""),
    ] {
        let answer = get(&router, &format!("/v1/history/changes-{day}.parquet")).await;
        assert_eq!(answer.status, status, "{day}");
        assert!(answer.json()["title"].as_str().unwrap().contains(title), "{}", answer.text());
    }
    until("the old files to go", || {
        std::fs::read_dir(dir.path())
            .unwrap()
            .all(|entry| !entry.unwrap().file_name().to_str().unwrap().contains("2020-03-12"))
    });
    // A shorter memory holds from the next start on.
    archive.close();
    let (publisher, _archive) = open(dir.path(), 1);
    publisher.publish(world.cut());
    until("the day before yesterday to go", || !dir.path().join("changes-2020-03-14.json").exists());
}

#[tokio::test]
async fn a_disk_that_refuses_turns_the_history_off_until_it_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("history");
    std::fs::write(&folder, "in the way").unwrap();
    let (publisher, archive) = open(&folder, 9);
    let router = publisher.router();
    let mut world = World::of(6);
    for _ in 0..3 {
        publisher.publish(world.cut());
    }
    until("the versions to be taken", || !archive.status().on);
    let index = get(&router, "/v1/history.json").await.json();
    assert_eq!((&index["on"], &index["days"]), (&json!(false), &json!([])));
    assert_eq!(get(&router, "/v1/outlets.json").await.status, 200, "all else goes on");

    // Not before a minute is it tried again.
    std::fs::remove_file(&folder).unwrap();
    world.next.at = world.next.at.plus(50_000);
    publisher.publish(world.cut());
    world.next.at = world.next.at.plus(10_000);
    let first = world.cut();
    write(&publisher, &archive, &first);
    assert!(archive.status().on);
    assert_eq!(versions(&lines(&folder)), [first.version]);

    // The folder goes away under it: a day can not be begun, then it can.
    std::fs::rename(&folder, dir.path().join("gone")).unwrap();
    std::fs::write(&folder, "in the way again").unwrap();
    world.next.at = world.next.at.plus(DAY_MS);
    publisher.publish(world.cut());
    until("it to be off", || !archive.status().on);
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(dir.path().join("gone"), &folder).unwrap();
    world.next.at = world.next.at.plus(60_000);
    let last = world.cut();
    write(&publisher, &archive, &last);
    sealed(&router, "2020-03-11").await;
    archive.close();
    let lines = lines(&folder);
    assert_eq!(versions(&lines), [first.version, last.version]);
    assert!(states(&lines)[&last.version] == published(&router).await);
}

#[tokio::test]
async fn a_server_without_a_history_says_where_it_is() {
    let mut world = World::of(3);
    let [nowhere, elsewhere] = [(); 2].map(|()| Publisher::new(Face::default()));
    elsewhere.history_is_at("https://core.example".to_owned());
    nowhere.publish(world.cut());
    elsewhere.publish(world.cut());
    for path in ["/v1/history.json", "/v1/history/changes-2020-03-11.ndjson.zst"] {
        let answer = get(&nowhere.router(), path).await;
        assert_eq!((answer.status.as_u16(), answer.json()["title"].as_str()), (404, Some("No history here")));
        for method in ["GET", "HEAD"] {
            let answer = ask(&elsewhere.router(), method, path, &[]).await;
            let location = format!("https://core.example{path}");
            assert_eq!((answer.status.as_u16(), answer.header("location")), (307, Some(location.as_str())));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        }
    }
}

#[test]
fn the_day_is_that_of_korea() {
    let dir = tempfile::tempdir().unwrap();
    let (publisher, archive) = open(dir.path(), 9);
    let mut world = World::of(3);
    for (at, day) in [("2020-03-11T14:59:58Z", "2020-03-11"), ("2020-03-11T15:00:00Z", "2020-03-12")] {
        world.next.at = Millis::parse(at).unwrap().plus(-1000);
        let cut = world.cut();
        assert!(cut.at.rfc3339(KST_MINUTES).starts_with(day));
        write(&publisher, &archive, &cut);
        assert!(dir.path().join(format!("running-{day}.ndjson.zst")).exists(), "{day}");
    }
}
