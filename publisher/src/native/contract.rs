//! The shapes of all native documents as JSON Schemas, made of the types that write them.

use schemars::SchemaGenerator;
use schemas::policy::Schedule;
use serde_json::{Map, Value, json};

use crate::archive::Day;

use super::{document, manifest, policies, regions, rows};

/// Schemas by name, for the components of an OpenAPI document.
pub(crate) fn documents(generator: &mut SchemaGenerator) -> Map<String, Value> {
    for add in [
        SchemaGenerator::subschema_for::<document::Head>,
        SchemaGenerator::subschema_for::<rows::Info<'_>>,
        SchemaGenerator::subschema_for::<rows::Stock<'_>>,
        SchemaGenerator::subschema_for::<regions::Region>,
        SchemaGenerator::subschema_for::<policies::Today<'_>>,
        SchemaGenerator::subschema_for::<manifest::File>,
        SchemaGenerator::subschema_for::<Day>,
        SchemaGenerator::subschema_for::<Schedule>,
    ] {
        add(generator);
    }
    let array = |of: &str| json!({ "type": "array", "items": reference(of) });
    let only = |name: &str, schema: Value| whole(&Map::from_iter([(name.to_owned(), schema)]));
    let mut near = fields(&[("total", json!({ "type": "integer", "minimum": 0 }))]);
    near.insert("outlets".to_owned(), array("Row"));
    let history_at =
        json!({ "type": "string", "description": "Where the archives of past days are listed." });
    let mut listed = fields(&[("history", history_at)]);
    listed.insert("files".to_owned(), array("File"));
    let schedule = json!({ "anyOf": [reference("Schedule"), { "type": "null" }] });
    fields(&[
        ("Row", json!({ "allOf": [reference("Info"), reference("Stock")] })),
        (
            "StockRow",
            json!({ "allOf": [{ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } }, reference("Stock")] }),
        ),
        ("Features", features()),
        ("Outlets", only("outlets", array("Info"))),
        ("StockList", only("outlets", array("StockRow"))),
        ("OutletsWithStock", only("outlets", array("Row"))),
        ("One", only("outlet", reference("Row"))),
        ("Nearby", whole(&near)),
        ("Regions", only("regions", array("Region"))),
        ("Manifest", whole(&listed)),
        ("Policies", whole(&fields(&[("today", reference("Today")), ("schedule", schedule)]))),
        ("History", history(array("HistoryDay"))),
        ("HistoryLine", history_line()),
        ("Tile", tile()),
        ("Unregistered", only("outlets", json!({ "type": "array", "items": { "type": "string" } }))),
        (
            "StatusPage",
            json!({ "allOf": [reference("Status"), { "type": "object", "required": ["version", "last_updated", "ttl", "age_ms"] }] }),
        ),
    ])
}

fn features() -> Value {
    let point = json!({
        "type": "object", "required": ["type", "coordinates"],
        "properties": {
            "type": { "const": "Point" },
            "coordinates": { "type": "array", "minItems": 2, "maxItems": 2, "items": { "type": "number" } },
        },
    });
    let feature = json!({
        "type": "object", "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": { "const": "Feature" }, "id": { "type": "string" },
            "geometry": { "anyOf": [point, { "type": "null" }] },
            "properties": { "type": "object", "required": ["id"] },
        },
    });
    whole(&fields(&[
        ("type", json!({ "const": "FeatureCollection" })),
        ("features", json!({ "type": "array", "items": feature })),
    ]))
}

fn history(days: Value) -> Value {
    whole(&fields(&[
        (
            "keep_days",
            json!({ "type": "integer", "minimum": 0, "description": "Sealed days that are kept." }),
        ),
        ("on", json!({ "type": "boolean", "description": "Whether changes are being written now." })),
        ("days", days),
    ]))
}

/// One line of a sealed day.
fn history_line() -> Value {
    let one_of = ["start", "upsert", "remove", "next"].map(|name| json!({ "required": [name] }));
    let row = |description: &str| json!({ "allOf": [reference("Row")], "description": description });
    json!({
        "type": "object",
        "required": ["version", "at"],
        "properties": {
            "version": { "type": "integer", "minimum": 0 },
            "at": { "type": "string", "format": "date-time", "description": "When the version was cut." },
            "start": row("The day began with this outlet so."),
            "upsert": row("It is to be put in the place of what was there of it."),
            "remove": { "type": "string", "description": "It is no more." },
            "next": { "type": "integer", "minimum": 0, "description": "All changes of this version are told." },
        },
        "oneOf": one_of,
    })
}

fn tile() -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let row = json!({
        "type": "array",
        "description": "Id, latitude, longitude, index into types, index into levels, count, seconds since 1970 of the last change, 1 where silent.",
        "prefixItems": [
            { "type": "string" }, { "type": "number" }, { "type": "number" }, { "type": "integer" }, { "type": "integer" },
            { "type": ["integer", "null"] }, { "type": ["integer", "null"] }, { "enum": [0, 1] },
        ],
        "minItems": 8,
    });
    let outlets = json!({ "type": "array", "items": row });
    whole(&fields(&[
        ("item", json!({ "type": "string" })),
        ("types", texts.clone()),
        ("levels", texts),
        ("outlets", outlets),
    ]))
}

/// A document of its head and these members, all of them required.
fn whole(members: &Map<String, Value>) -> Value {
    let required: Vec<&String> = members.keys().collect();
    json!({ "allOf": [reference("Head"), { "type": "object", "required": required, "properties": members }] })
}

fn fields(fields: &[(&str, Value)]) -> Map<String, Value> {
    fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
