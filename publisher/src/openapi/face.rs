//! The face of 2020 in the contract: four operations, which take any text and never find it wrong.

use serde_json::{Map, Value, json};

use super::operations::{JSON, Operation};
use super::parts::reference;

/// The operations.
pub(super) const OPERATIONS: [Operation; 4] = [
    one(
        "/corona19-masks/v1/stores/json",
        "stores_2020",
        "Who sells, page by page, as in 2020",
        PAGES,
        "Stores2020",
    ),
    one(
        "/corona19-masks/v1/sales/json",
        "sales_2020",
        "What they have, page by page, as in 2020",
        PAGES,
        "Sales2020",
    ),
    one(
        "/corona19-masks/v1/storesByGeo/json",
        "stores_by_geo_2020",
        "Both, within a radius, as in 2020",
        &["Lat2020", "Lng2020", "Metres2020"],
        "StoresByGeo2020",
    ),
    one(
        "/corona19-masks/v1/storesByAddr/json",
        "stores_by_addr_2020",
        "Both, by district, as in 2020",
        &["Address2020"],
        "StoresByAddr2020",
    ),
];

const PAGES: &[&str] = &["Page2020", "PerPage2020"];

const fn one(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: &'static [&'static str],
    schema: &'static str,
) -> Operation {
    // An array that lives as long as the program has to be made of each name by itself.
    let answers: &[(&str, &str)] = match schema.as_bytes() {
        b"Stores2020" => &[(JSON, "Stores2020")],
        b"Sales2020" => &[(JSON, "Sales2020")],
        b"StoresByGeo2020" => &[(JSON, "StoresByGeo2020")],
        _ => &[(JSON, "StoresByAddr2020")],
    };
    Operation { path, id, summary, parameters, answers, errors: &[], cached: true }
}

/// Name in the contract, name in the query, what it means and an example. Whatever is sent has an answer.
pub(super) const PARAMETERS: [(&str, &str, &str, &str); 6] = [
    ("Page2020", "page", "Page from 1; comes back as it was sent. 1 where missing or no number.", "1"),
    (
        "PerPage2020",
        "perPage",
        "Rows of a page, held within 500 and 5000; 500 where missing or no number.",
        "500",
    ),
    ("Lat2020", "lat", "Degrees north; Seoul City Hall where missing.", "37.5663"),
    ("Lng2020", "lng", "Degrees east; Seoul City Hall where missing.", "126.9779"),
    ("Metres2020", "m", "Radius in metres, held within 0 and 5000; 1000 where missing or no number.", "1000"),
    (
        "Address2020",
        "address",
        "A district, such as 서울특별시 강남구; that one where missing.",
        "서울특별시 강남구",
    ),
];

/// The shapes of the answers.
pub(super) fn schemas() -> Map<String, Value> {
    let text = || json!({ "type": "string" });
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let whole = || json!({ "type": "integer", "minimum": 0 });
    let time = || json!({ "type": ["string", "null"], "pattern": "^[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$" });
    let stat = || json!({ "enum": ["plenty", "some", "few", "empty", "break", null] });
    let who = [
        ("addr", text()),
        ("lat", maybe("number")),
        ("lng", maybe("number")),
        ("name", text()),
        ("type", json!({ "enum": ["01", "02", "03"] })),
    ];
    let what = [("created_at", time()), ("remain_stat", stat()), ("stock_at", time())];
    // Post offices have numbers here, and here alone.
    let store = object(who.iter().cloned().chain([("code", json!({ "type": ["string", "integer"] }))]));
    let sale = object(what.iter().cloned().chain([("code", text())]));
    let joined = object(who.iter().chain(&what).cloned().chain([("code", text())]));
    let rows = |of: &str| json!({ "type": "array", "items": reference(of) });
    let pages = |key, of| {
        object([
            ("count", whole()),
            ("page", text()),
            (key, rows(of)),
            ("totalCount", whole()),
            ("totalPages", whole()),
        ])
    };
    [
        ("Store2020", store),
        ("Sale2020", sale),
        ("StoreWithSale2020", joined),
        ("Stores2020", pages("storeInfos", "Store2020")),
        ("Sales2020", pages("sales", "Sale2020")),
        ("StoresByGeo2020", object([("count", whole()), ("stores", rows("StoreWithSale2020"))])),
        (
            "StoresByAddr2020",
            object([("address", text()), ("count", whole()), ("stores", rows("StoreWithSale2020"))]),
        ),
    ]
    .map(|(name, schema)| (name.to_owned(), schema))
    .into_iter()
    .collect()
}

/// An object of exactly these members, all of them required.
fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let members: Map<String, Value> =
        members.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let required: Vec<&String> = members.keys().collect();
    json!({ "type": "object", "required": required, "properties": members, "additionalProperties": false })
}
