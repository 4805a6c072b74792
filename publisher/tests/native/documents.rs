//! Every document fits the schema that the contract gives for it, and says what the snapshot says.

use std::sync::Arc;

use publisher::{Archive, Face, Publisher};
use schemas::entry::Notice;
use schemas::policy::Schedule;
use schemas::snapshot::OutletView;
use serde_json::{Value, json};

use crate::client::{get, paths};
use crate::world::{Event, World};

fn world() -> World {
    let mut world = World::of(80);
    let mut schedule: Schedule = toml::from_str(schemas::policy::shipped("korea-2020").unwrap()).unwrap();
    schedule.title.ko = "마스크".to_owned();
    world.next.schedule = Some(Arc::new(schedule));
    world
}

/// The schema of a path's answer, with the components beside it.
fn schema(contract: &Value, path: &str) -> Option<Value> {
    let path = path.split('?').next().unwrap();
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        template.len() == parts.len()
            && template.iter().zip(&parts).all(|(t, p)| t.starts_with('{') || t == p)
    };
    let (_, item) = contract["paths"].as_object().unwrap().iter().find(|(template, _)| fits(template))?;
    let content = item["get"]["responses"]["200"]["content"].as_object().unwrap();
    let mut schema = content.values().next().unwrap()["schema"].clone();
    schema["components"] = contract["components"].clone();
    Some(schema)
}

#[tokio::test]
async fn every_document_fits_its_schema() {
    let publisher = Publisher::new(Face::default());
    publisher.publish(world().cut());
    let router = publisher.router();
    let contract = get(&router, "/openapi.json").await.json();
    assert_eq!(contract["openapi"], "3.1.0");
    let others = [
        "/v1/status.json",
        "/v1/limits.json",
        "/v1/unregistered.json",
        "/v1/outlets/10007919",
        "/openapi.json",
    ];
    let mut checked = 0;
    let all = paths().into_iter().chain(others.map(str::to_owned));
    for path in all.filter(|path| !path.ends_with(".ndjson") && !path.ends_with(".csv")) {
        let answer = get(&router, &path).await;
        assert_eq!(answer.status, 200, "{path}");
        let schema = schema(&contract, &path).unwrap_or_else(|| panic!("{path} is not in the contract"));
        let validator =
            jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&answer.json())
            .map(|e| format!("{e} at {}", e.instance_path()))
            .take(3)
            .collect();
        assert!(faults.is_empty(), "{path}: {faults:?}");
        checked += 1;
    }
    assert_eq!(checked, 30 + 8 + 5, "two formats of 15 files, other paths, and these");
}

#[tokio::test]
async fn the_history_fits_its_schema() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(Face::default());
    publisher.keep_history(Archive::open(dir.path().to_owned(), 9, Face::default()).unwrap());
    let router = publisher.router();
    let mut world = world();
    for day in 0..3 {
        world.report(day, 5);
        world.happen(&Event::Leave(7));
        publisher.publish(world.cut());
        world.next.at = world.next.at.plus(86_400_000 / 2);
    }
    let days = crate::history::until_sealed(&router, 1).await;
    let contract = get(&router, "/openapi.json").await.json();
    let faults = |schema: &Value, document: &Value| {
        let validator =
            jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(document).map(|e| format!("{e} at {}", e.instance_path())).collect();
        faults
    };
    let index = get(&router, "/v1/history.json").await.json();
    assert_eq!(faults(&schema(&contract, "/v1/history.json").unwrap(), &index), [""; 0]);
    let line = json!({ "$ref": "#/components/schemas/HistoryLine", "components": contract["components"] });
    let lines = crate::history::lines_of(&router, &days[0]).await;
    assert!(lines.len() > 80);
    for told in &lines {
        assert_eq!(faults(&line, told), [""; 0], "{told}");
    }
    assert_ne!(faults(&line, &json!({ "version": 1, "at": "2020-03-11T00:00:00+09:00" })), [""; 0]);
}

#[tokio::test]
async fn the_day_of_the_version_tells_whose_it_is() {
    let publisher = Publisher::new(Face::default());
    let mut world = world();
    let router = publisher.router();
    for (at, date, weekday, everyone, digits) in [
        // A Wednesday: 3 and 8. A Saturday: all that have bought nothing yet. Before the five-day rule: everybody.
        ("2020-03-11T09:00:00+09:00", "2020-03-11", "wed", false, json!([3, 8])),
        ("2020-03-13T23:59:58+09:00", "2020-03-13", "fri", false, json!([5, 0])),
        ("2020-03-14T00:00:00+09:00", "2020-03-14", "sat", true, json!(null)),
        ("2020-03-06T12:00:00+09:00", "2020-03-06", "fri", true, json!(null)),
    ] {
        world.next.at = schemas::Millis::parse(at).unwrap().plus(-1000);
        publisher.publish(world.cut());
        let today = get(&router, "/v1/policies.json").await.json()["today"].clone();
        let told = [&today["date"], &today["weekday"], &today["everyone"], &today["birth_digits"]];
        assert_eq!(told, [&json!(date), &json!(weekday), &json!(everyone), &digits], "{at}");
        // On 6 March nothing was rationed yet.
        let rules = today["rules"].as_array().unwrap();
        assert_eq!(
            rules.iter().map(|rule| &rule["group"]).collect::<Vec<_>>(),
            if date == "2020-03-06" { vec![] } else { vec!["mask"] }
        );
    }
}

#[tokio::test]
async fn the_list_of_files_tells_their_length_and_digest() {
    use sha2::{Digest, Sha256};
    let publisher = Publisher::new(Face::default());
    let mut world = world();
    publisher.publish(world.cut());
    let router = publisher.router();
    let manifest = get(&router, "/v1/manifest.json").await.json();
    let files = manifest["files"].as_array().unwrap();
    assert!(files.len() > 60, "{}", files.len());
    // What is listed stays for a while, whatever is published since.
    for n in 0..20 {
        world.report(n, 3);
        publisher.publish(world.cut());
    }
    for file in files {
        let body = get(&router, file["url_of_version"].as_str().unwrap()).await.body;
        assert_eq!(file["bytes"], body.len());
        let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(file["sha256"], digest);
        assert_eq!(get(&router, file["url"].as_str().unwrap()).await.status, 200);
    }
    assert_eq!(get(&router, "/v1/manifest.json").await.json(), manifest, "a new list comes after a minute");
}

#[tokio::test]
async fn a_spreadsheet_reads_every_row() {
    let publisher = Publisher::new(Face::default());
    let mut world = world();
    let mut first = OutletView::clone(world.next.outlets[0].as_ref().unwrap());
    let (ko, en) = (Some("=1+1".to_owned()), Some("from 2, \"numbered\"".to_owned()));
    first.notice = Some(Arc::new(Notice { ko, en, sells_from: Some(14 * 60), tickets: true }));
    let code = first.info.code.to_string();
    world.next.outlets[0] = Some(Arc::new(first));
    publisher.publish(world.cut());
    let answer = get(&publisher.router(), "/v1/outlets_with_stock.csv").await;
    let text = answer.text();
    assert!(text.starts_with('\u{feff}'), "a spreadsheet would take it for another alphabet");
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let first = rows.iter().find(|row| row[0] == code);
    assert_eq!(
        first.unwrap().iter().skip(18).collect::<Vec<_>>(),
        ["'=1+1", "from 2, \"numbered\"", "14:00", "true"]
    );
    let told: usize = world.next.outlets.iter().flatten().map(|view| view.items.len().max(1)).sum();
    assert_eq!(rows.len(), told);
    for view in world.next.outlets.iter().flatten() {
        let of_outlet: Vec<_> = rows.iter().filter(|row| &row[0] == view.info.code.as_str()).collect();
        assert!(of_outlet.iter().all(|row| row[1] == view.info.name && row[3] == view.info.addr));
        for item in &view.items {
            let row = of_outlet.iter().find(|row| &row[7] == item.item.as_str()).unwrap();
            assert_eq!((row[9].parse().ok(), &row[17]), (item.count, &*item.gap.to_string()));
        }
    }
}
