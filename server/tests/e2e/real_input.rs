//! March 2020 as it was recorded: stores, stock and answers, field by field.

use std::collections::{BTreeSet, HashMap};

use schemas::pos::Outcome;
use schemas::time::KST_MINUTES;
use schemas::{Band, Millis};
use serde_json::{Value, json};

use crate::data;
use crate::harness::{Jaego, jaego};

const MARCH: &str = "kr-mask-stores/stores_2020-03-15.csv.gz";
const JUNE: &str = "kr-mask-stores/stores_2020-06-29.csv.gz";
const SALES: &str = "kr-mask-sales/sales_2020-03-14_2355_sample1000.csv";
const BY_ADDR: &str = "kr-mask-sales/storesByAddr_dongjak-gu_2020-03-14_2355.csv";
const BY_GEO: &str = "kr-mask-sales/storesByGeo_dongjak_1km_2020-03-14_2355.csv";

/// What was recorded of an outlet: band or `break`, and the time of the last arrival.
type Recorded = HashMap<String, (String, String)>;

/// The recorded stock of all three files. Rows without a time (`no_data`, and one that is no time) said nothing.
fn recorded() -> Option<Recorded> {
    let mut all = Recorded::new();
    for file in [SALES, BY_ADDR, BY_GEO] {
        for row in data::rows(file)? {
            if Millis::parse_naive(&row["stock_at"], KST_MINUTES).is_ok() {
                all.insert(row["code"].clone(), (row["remain_stat"].clone(), row["stock_at"].clone()));
            }
        }
    }
    Some(all)
}

/// Posts what the outlets would have posted: a report of a count of the band when stock arrived, a pause for `break`.
async fn post(jaego: &Jaego, recorded: &Recorded) -> u64 {
    let mut version = 0;
    for (code, (stat, stock_at)) in recorded {
        let at = Millis::parse_naive(stock_at, KST_MINUTES).unwrap().rfc3339(KST_MINUTES);
        let head = json!({ "terminal": "t1", "seq": 1, "at": at, "item": "mask" });
        let reply = if stat == "break" {
            jaego.pos("pause", code, &head).await
        } else {
            let mut report = head;
            report["count"] = count_of(stat).into();
            jaego.pos("report", code, &report).await
        };
        assert_eq!(reply.status, Outcome::Accepted, "{code}: {reply:?}");
        version = version.max(reply.version.unwrap());
    }
    version
}

fn count_of(stat: &str) -> u32 {
    match serde_json::from_value::<Band>(stat.into()).unwrap() {
        Band::Plenty => 100,
        Band::Some => 30,
        Band::Few => 2,
        Band::Empty => 0,
    }
}

fn text<'v>(row: &'v Value, key: &str) -> &'v str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {row}"))
}

/// Compares a nine-key row with its record: every field but `created_at`, which is null where nothing was reported.
fn assert_row(row: &Value, record: &HashMap<String, String>) {
    for key in ["code", "name", "type"] {
        assert_eq!(text(row, key), record[key], "{key} of {row}");
    }
    // Long addresses were cut when the recording was printed.
    match record["addr"].strip_suffix("...") {
        Some(beginning) => assert!(text(row, "addr").starts_with(beginning), "{row}: {beginning}"),
        None => assert_eq!(text(row, "addr"), record["addr"], "{row}"),
    }
    for (key, column) in [("lat", "latitude"), ("lng", "longitude")] {
        // The recordings were printed with six decimals.
        let recorded: f64 = record[column].parse().unwrap();
        assert!((row[key].as_f64().unwrap() - recorded).abs() < 6e-7, "{key} of {row}: {recorded}");
    }
    for key in ["remain_stat", "stock_at"] {
        assert_eq!(row[key], expected(&record[key]), "{key} of {row}");
    }
    assert_eq!(row["created_at"].is_null(), record["created_at"].is_empty(), "{row}");
}

/// An empty field of a recording was null in the answer.
fn expected(recorded: &str) -> Value {
    if recorded.is_empty() { Value::Null } else { recorded.into() }
}

#[tokio::test]
async fn the_four_endpoints_return_the_recorded_rows() {
    let (Some(recorded), Some(march), Some(june)) = (recorded(), data::path(MARCH), data::path(JUNE)) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let jaego = Jaego::start(dir.path(), &["--registry", march.to_str().unwrap()]).await;
    let version = post(&jaego, &recorded).await;
    jaego.serves(version).await;

    assert_stores(&jaego, MARCH).await;
    let unregistered = assert_sales(&jaego, &recorded).await;
    let of_the_sales: BTreeSet<String> =
        data::rows(SALES).unwrap().into_iter().map(|row| row["code"].clone()).collect();
    let missing: Vec<_> = unregistered.iter().filter(|code| of_the_sales.contains(*code)).collect();
    assert_eq!(missing.len(), 36, "of the 1,000 recorded codes, those that the March list lacks");
    assert_by_geo(&jaego, &unregistered).await;
    assert_by_addr(&jaego).await;

    import_june(&jaego, &june);
    assert_stores(&jaego, JUNE).await;
    assert_eq!(assert_sales(&jaego, &recorded).await, [] as [String; 0]);
    assert_late_shop(&jaego).await;
}

/// `/stores` pages hold the list of the file, row by row.
async fn assert_stores(jaego: &Jaego, file: &str) {
    let expected: HashMap<String, _> =
        data::rows(file).unwrap().into_iter().map(|r| (r["code"].clone(), r)).collect();
    let mut served = HashMap::new();
    for row in jaego.pages("stores", "storeInfos").await {
        let code = row["code"].as_str().map_or_else(|| row["code"].to_string(), str::to_owned);
        assert_eq!(row["code"].is_number(), row["type"] == "02", "{row}");
        served.insert(code, row);
    }
    assert_eq!(served.len(), expected.len());
    for (code, record) in expected {
        let row = &served[&code];
        for key in ["addr", "name", "type"] {
            assert_eq!(text(row, key), record[key], "{key} of {row}");
        }
        assert_eq!(row["lat"].as_f64(), record["latitude"].parse().ok(), "{row}");
        assert_eq!(row["lng"].as_f64(), record["longitude"].parse().ok(), "{row}");
    }
}

/// `/sales` has the recorded rows of registered outlets; returns the codes that are listed as unregistered.
async fn assert_sales(jaego: &Jaego, recorded: &Recorded) -> Vec<String> {
    let list = jaego.get("/v1/unregistered.json").await;
    let unregistered: Vec<String> =
        list["outlets"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
    let rows = jaego.pages("sales", "sales").await;
    assert_eq!(rows.len() + unregistered.len(), recorded.len());
    for row in rows {
        let (stat, stock_at) = &recorded[text(&row, "code")];
        assert_eq!(
            (text(&row, "remain_stat"), text(&row, "stock_at")),
            (stat.as_str(), stock_at.as_str()),
            "{row}"
        );
    }
    unregistered
}

/// The recorded circle: every shop of it that is registered, and no other.
async fn assert_by_geo(jaego: &Jaego, unregistered: &[String]) {
    let mut expected: HashMap<String, _> =
        data::rows(BY_GEO).unwrap().into_iter().map(|r| (r["code"].clone(), r)).collect();
    assert_eq!(expected.len(), 41);
    let missing: Vec<_> = unregistered.iter().filter(|code| expected.remove(*code).is_some()).collect();
    assert_eq!(missing, ["11824280"], "the one shop of the recorded circle that the March list lacks");
    for row in in_the_circle(jaego).await {
        assert_row(&row, &expected.remove(text(&row, "code")).expect("a shop of the recorded circle, once"));
    }
    assert!(expected.is_empty(), "not served: {expected:?}");
}

async fn in_the_circle(jaego: &Jaego) -> Vec<Value> {
    let mut body = jaego.get("/corona19-masks/v1/storesByGeo/json?lat=37.513489&lng=126.941986&m=1000").await;
    let rows = body["stores"].take();
    assert_eq!(body["count"].as_u64().unwrap() as usize, rows.as_array().unwrap().len());
    rows.as_array().unwrap().clone()
}

/// The shop of the circle that had no registry row appears with the stock that it had reported.
async fn assert_late_shop(jaego: &Jaego) {
    let rows = in_the_circle(jaego).await;
    let row = rows.iter().find(|row| row["code"] == "11824280").expect("it is in the June list");
    let record = data::rows(BY_GEO).unwrap().into_iter().find(|r| r["code"] == "11824280").unwrap();
    assert_eq!(row["remain_stat"], expected(&record["remain_stat"]), "{row}");
    assert_eq!(row["stock_at"], expected(&record["stock_at"]), "{row}");
}

/// The district: every recorded row that is registered, in the order of codes. 60 of the 190 rows were printed; the March
/// list, short of 1,110 stores, has 184 of them.
async fn assert_by_addr(jaego: &Jaego) {
    let address = "%EC%84%9C%EC%9A%B8%ED%8A%B9%EB%B3%84%EC%8B%9C+%EB%8F%99%EC%9E%91%EA%B5%AC";
    let body = jaego.get(&format!("/corona19-masks/v1/storesByAddr/json?address={address}")).await;
    assert_eq!((body["address"].as_str(), body["count"].as_u64()), (Some("서울특별시 동작구"), Some(184)));
    let rows = body["stores"].as_array().unwrap();
    assert!(rows.is_sorted_by_key(|row| text(row, "code")));
    let registered: BTreeSet<_> =
        data::rows(MARCH).unwrap().into_iter().map(|row| row["code"].clone()).collect();
    for record in data::rows(BY_ADDR).unwrap().iter().filter(|record| registered.contains(&record["code"])) {
        let row = rows.iter().find(|row| row["code"] == record["code"].as_str());
        assert_row(row.unwrap_or_else(|| panic!("not served: {record:?}")), record);
    }
}

fn import_june(running: &Jaego, june: &std::path::Path) {
    let dir = running.dir.to_str().unwrap();
    let (code, out, err) =
        jaego(&["registry", "import", june.to_str().unwrap(), "--data-dir", dir, "--max-loss", "500"]);
    assert_eq!(code, 0, "{out}{err}");
}
