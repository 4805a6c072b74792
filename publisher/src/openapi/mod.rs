//! `/openapi.json`, made of the types, of one table of operations, and of answers that the code gave.

mod examples;
mod face;
mod operations;
mod parts;

use std::collections::BTreeSet;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use schemas::region;
use schemas::status::Status;
use serde_json::{Map, Value, json};

use self::examples::example;
use self::parts::{counted, headers, later, parameters, ranged, reference, tagged, told};
use crate::answer::Problem;
use crate::native::NativeBody;
use crate::{Deprecations, limits};

/// The document; it never changes while a process runs.
pub(crate) fn body(deprecations: &Deprecations) -> NativeBody {
    let document = document(deprecations);
    NativeBody::new(
        operations::JSON,
        serde_json::to_vec(&document).expect("texts and numbers always serialise"),
    )
}

fn document(deprecations: &Deprecations) -> Value {
    let mut problem = json!({ "schema": reference("Problem") });
    if let Some(example) = example("Problem") {
        problem["example"] = example.clone();
    }
    let refusal = |description: &str, headers: Map<String, Value>| {
        let content = json!({ "application/problem+json": problem });
        json!({ "description": description, "content": content, "headers": headers })
    };
    let mut beyond = counted();
    beyond.extend(ranged());
    let mut known = tagged();
    known.extend(told());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "jaego open data",
            "version": "1.0.0",
            "summary": "Public stock of rationed goods: versioned, cached, live.",
            "description": WORDS,
            "license": { "name": crate::native::LICENCE, "url": crate::native::LICENCE_AT },
        },
        "servers": [{ "url": "/" }],
        "security": [],
        "paths": operations::paths(deprecations),
        "components": {
            "schemas": schemas(),
            "parameters": parameters(),
            "headers": headers(),
            "securitySchemes": { "Key": {
                "type": "apiKey", "in": "header", "name": "X-Api-Key",
                "description": "Never needed: a key from `POST /v1/keys` raises the rate and does nothing else.",
            } },
            "responses": {
                "Problem": refusal("What is wrong, and what to do (RFC 9457).", counted()),
                "Later": refusal("Not now: when to come again.", later()),
                "Beyond": refusal("It is not so long.", beyond),
                "NotModified": { "description": "You have it already.", "headers": known },
                "Elsewhere": { "description": "Another server keeps it: see `Location`.", "headers": counted() },
            },
        },
    })
}

const WORDS: &str = "Every document tells its `version` (it grows), `last_updated` and `ttl` in seconds. The same version at the same \
    address is the same bytes on every server, and has the same strong ETag. Bodies come as they are or in gzip, br or zstd; parts \
    (`Range: bytes=`) are given. Times are RFC 3339 with an offset. Fields may be added; none of those listed will go or change its \
    meaning under /v1: what is to go is announced by `Deprecation` and `Sunset` headers at least 180 days before.";

fn schemas() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    for add in [
        SchemaGenerator::subschema_for::<Problem>,
        SchemaGenerator::subschema_for::<Status>,
        SchemaGenerator::subschema_for::<limits::document::Document>,
        SchemaGenerator::subschema_for::<limits::NewKey>,
    ] {
        add(&mut generator);
    }
    let documents = crate::native::documents(&mut generator);
    let mut schemas = generator.take_definitions(true);
    let plain = [
        ("Bytes", json!({ "description": "Bytes as they are." })),
        ("Text", json!({ "type": "string" })),
        ("Object", json!({ "type": "object" })),
        ("RegionCode", region_code()),
    ];
    let plain = plain.map(|(name, schema)| (name.to_owned(), schema));
    for (name, schema) in documents.into_iter().chain(face::schemas()).chain(plain) {
        let other = schemas.insert(name.clone(), schema);
        assert!(other.is_none(), "two schemas have the name {name}");
    }
    schemas.into()
}

/// All provinces and districts by their codes.
fn region_code() -> Value {
    let districts = region::all().iter().map(|region| format!("{:05}", region.code.0));
    let codes: BTreeSet<String> = districts.flat_map(|code| [code[..2].to_owned(), code]).collect();
    json!({ "type": "string", "enum": codes, "description": "Two digits of a province or five of a district." })
}
