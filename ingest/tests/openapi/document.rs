//! The OpenAPI document: what is written by hand, with schemas of the Rust types and the statuses of the reasons.

use ingest::desk::problem::{Problem, status};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use schemas::OutletCode;
use schemas::claim::{Check, Claim, ClaimId, Decision, LateClaim, Reserve, Settle};
use schemas::pos::{Reason, Reply};
use serde_json::{Map, Value, json};

const WRITTEN: &str = include_str!("desk.yaml");
const SCHEMAS: &str = "#/components/schemas/";

/// The document in full.
pub(crate) fn document() -> Value {
    let mut document: Value = serde_saphyr::from_str(WRITTEN).unwrap();
    let components = &mut document["components"];
    components["schemas"] = Value::Object(schemas());
    for reason in Reason::ALL {
        let told =
            components["x-reasons"][reason.name()].as_object_mut().unwrap_or_else(|| panic!("{reason:?}"));
        told.insert("status".to_owned(), status(reason).as_u16().into());
    }
    assert_eq!(components["x-reasons"].as_object().unwrap().len(), Reason::ALL.len());
    plain_words(&mut document);
    document
}

fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    for add in [
        SchemaGenerator::subschema_for::<Claim<'_>>,
        SchemaGenerator::subschema_for::<LateClaim<'_>>,
        SchemaGenerator::subschema_for::<Reserve<'_>>,
        SchemaGenerator::subschema_for::<Settle<'_>>,
        SchemaGenerator::subschema_for::<Check<'_>>,
        SchemaGenerator::subschema_for::<Decision>,
        SchemaGenerator::subschema_for::<Reply>,
        SchemaGenerator::subschema_for::<Problem<'_>>,
        SchemaGenerator::subschema_for::<ClaimId>,
        SchemaGenerator::subschema_for::<OutletCode>,
    ] {
        add(&mut generator);
    }
    let mut schemas = generator.take_definitions(true);
    for request in ["Claim", "LateClaim", "Reserve", "Settle", "Check"] {
        name_outlet(&mut schemas[request]);
    }
    let mut of_path = schemas["Settle"].clone();
    required(&mut of_path).retain(|field| field != "id");
    schemas.insert("SettleOfPath".to_owned(), of_path);
    let reference = |name: &str| json!({ "$ref": format!("{SCHEMAS}{name}") });
    let answer = json!({ "oneOf": [reference("Decision"), reference("Reply")] });
    let answers = json!({
        "type": "object", "required": ["answers"],
        "properties": { "answers": { "type": "array", "maxItems": 1000, "items": answer } },
    });
    schemas.insert("Answers".to_owned(), answers);
    schemas
}

/// Over HTTP no subject names the outlet, so the body must.
fn name_outlet(request: &mut Value) {
    request["properties"]["outlet"] =
        json!({ "$ref": format!("{SCHEMAS}OutletCode"), "description": "Outlet that sells." });
    required(request).insert(0, "outlet".into());
}

fn required(schema: &mut Value) -> &mut Vec<Value> {
    schema["required"].as_array_mut().unwrap()
}

/// Takes the links of Rust's documentation out of descriptions.
fn plain_words(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::String(text) if key == "description" => *text = without_links(text),
                    field => plain_words(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_words),
        _ => {}
    }
}

fn without_links(text: &str) -> String {
    let mut text = text.replace("[`", "`").replace("`]", "`");
    while let Some(at) = text.find("(crate::") {
        let end = text[at..].find(')').unwrap();
        text.replace_range(at..=at + end, "");
    }
    text
}
