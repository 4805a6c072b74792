//! `/openapi.json`, made of the types and of one table of operations.

use std::sync::LazyLock;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use schemas::status::Status;
use serde_json::{Map, Value, json};

use crate::answer::Problem;
use crate::limits;
use crate::native::NativeBody;

/// One way of asking.
struct Operation {
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: &'static [&'static str],
    /// Media types of the answer, each with the name of its schema.
    answers: &'static [(&'static str, &'static str)],
    /// Other statuses.
    errors: &'static [u16],
    /// Whether it is tagged and may be kept.
    cached: bool,
}

const JSON: &str = "application/json";
const FILES: [(&str, &str, &str); 3] = [
    ("outlets", "Outlets", "Who sells, where and when"),
    ("stock", "StockList", "What they have"),
    ("outlets_with_stock", "OutletsWithStock", "Who sells, and what they have"),
];
const OF_FORMATS: [(&str, &str, &str); 3] = [
    ("ndjson", "application/x-ndjson", "Text"),
    ("geojson", "application/geo+json", "Features"),
    ("csv", "text/csv", "Text"),
];

const OPERATIONS: [Operation; 14] = [
    Operation {
        path: "/v1/manifest.json",
        id: "manifest",
        summary: "All files of a version with their length and SHA-256; a new list every minute",
        parameters: &[],
        answers: &[(JSON, "Manifest")],
        errors: &[],
        cached: true,
    },
    Operation {
        path: "/v1/regions.json",
        id: "regions",
        summary: "All provinces and districts, and how many outlets of which level they hold",
        parameters: &[],
        answers: &[(JSON, "Regions")],
        errors: &[],
        cached: true,
    },
    Operation {
        path: "/v1/policies.json",
        id: "policies",
        summary: "The rules in force, in words and as data, and whose day it is",
        parameters: &[],
        answers: &[(JSON, "Policies")],
        errors: &[],
        cached: true,
    },
    Operation {
        path: "/v1/limits.json",
        id: "limits",
        summary: "How much may be asked for",
        parameters: &[],
        answers: &[(JSON, "Limits")],
        errors: &[],
        cached: true,
    },
    Operation {
        path: "/v1/status.json",
        id: "status",
        summary: "Age of the data and delay of every hop",
        parameters: &[],
        answers: &[(JSON, "StatusPage")],
        errors: &[],
        cached: false,
    },
    Operation {
        path: "/v1/outlets/{id}",
        id: "outlet",
        summary: "One outlet",
        parameters: &["Id"],
        answers: &[(JSON, "One")],
        errors: &[404],
        cached: true,
    },
    Operation {
        path: "/v1/nearby",
        id: "nearby",
        summary: "Outlets near a place, nearest first",
        parameters: &["Lat", "Lng", "Radius", "Limit", "Item", "MinLevel"],
        answers: &[(JSON, "Nearby")],
        errors: &[400],
        cached: true,
    },
    Operation {
        path: "/v1/within",
        id: "within",
        summary: "Outlets within a box of degrees, in the order of the registry",
        parameters: &["Bbox", "Limit", "Item", "MinLevel"],
        answers: &[(JSON, "Nearby")],
        errors: &[400],
        cached: true,
    },
    Operation {
        path: "/v1/tiles/{z}/{x}/{y}.json",
        id: "tile",
        summary: "Outlets of one map tile (XYZ, web mercator), in short rows",
        parameters: &["Z", "X", "Y"],
        answers: &[(JSON, "Tile")],
        errors: &[404],
        cached: true,
    },
    Operation {
        path: "/v1/changes",
        id: "changes",
        summary: "What changed since a version; the last line tells the version that a reader then has",
        parameters: &["From", "Region"],
        answers: &[("application/x-ndjson", "Text")],
        errors: &[400, 410],
        cached: true,
    },
    Operation {
        path: "/v1/stream",
        id: "stream",
        summary: "Changes as they happen: server-sent events `changes` and `reset`, whose id is a version",
        parameters: &["Since", "Region", "LastEventId"],
        answers: &[("text/event-stream", "Text")],
        errors: &[400],
        cached: false,
    },
    Operation {
        path: "/v1/versions/{version}/outlets_with_stock.json",
        id: "version",
        summary: "A file of a version that is kept; it never changes. All files are to be had so",
        parameters: &["Version"],
        answers: &[(JSON, "OutletsWithStock")],
        errors: &[404],
        cached: true,
    },
    Operation {
        path: "/v1/unregistered.json",
        id: "unregistered",
        summary: "Outlets that report and are in no registry",
        parameters: &[],
        answers: &[(JSON, "Unregistered")],
        errors: &[],
        cached: false,
    },
    Operation {
        path: "/openapi.json",
        id: "openapi",
        summary: "This document",
        parameters: &[],
        answers: &[(JSON, "Object")],
        errors: &[],
        cached: true,
    },
];

/// The document; it never changes while a process runs.
pub(crate) fn body() -> &'static NativeBody {
    static BODY: LazyLock<NativeBody> = LazyLock::new(|| {
        NativeBody::new(JSON, serde_json::to_vec(&document()).expect("texts and numbers always serialise"))
    });
    &BODY
}

fn document() -> Value {
    let mut paths = Map::new();
    for operation in &OPERATIONS {
        paths.insert(operation.path.to_owned(), operation.get());
    }
    for (base, parameters) in [("/v1", &[][..]), ("/v1/regions/{code}", &["Code"])] {
        for (name, schema, summary) in FILES {
            let formats = std::iter::once(("json", JSON, schema)).chain(OF_FORMATS);
            for (end, media, schema) in formats {
                let path = format!("{base}/{name}.{end}");
                paths.insert(path, file(name, end, summary, (media, schema), parameters));
            }
        }
    }
    paths.insert("/v1/keys".to_owned(), keys());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "jaego open data",
            "version": "1.0.0",
            "summary": "Public stock of rationed goods: versioned, cached, live.",
            "description": WORDS,
            "license": { "name": crate::native::LICENCE, "url": "https://www.kogl.or.kr/info/license.do" },
        },
        "servers": [{ "url": "/" }],
        "security": [],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "parameters": parameters(),
            "headers": headers(),
            "responses": { "Problem": {
                "description": "What is wrong, and what to do (RFC 9457).",
                "content": { "application/problem+json": { "schema": reference("Problem") } },
            }, "NotModified": { "description": "You have it already.", "headers": tagged() } },
        },
    })
}

const WORDS: &str = "Every document tells its `version` (it grows), `last_updated` and `ttl` in seconds. The same version at the same \
    address is the same bytes on every server, and has the same strong ETag. Bodies come as they are or in gzip, br or zstd; parts \
    (`Range: bytes=`) are given. Times are RFC 3339 with an offset. Fields may be added; none of those listed will go or change its \
    meaning under /v1: what is to go is announced by `Deprecation` and `Sunset` headers at least 180 days before.";

impl Operation {
    fn get(&self) -> Value {
        let content: Map<String, Value> = self
            .answers
            .iter()
            .map(|(media, schema)| ((*media).to_owned(), json!({ "schema": reference(schema) })))
            .collect();
        operation(self.id, self.summary, self.parameters, &content, self.errors, self.cached)
    }
}

fn file(name: &str, end: &str, summary: &str, (media, schema): (&str, &str), parameters: &[&str]) -> Value {
    let content = Map::from_iter([(media.to_owned(), json!({ "schema": reference(schema) }))]);
    let of = if parameters.is_empty() { "" } else { "_of_region" };
    let errors: &[u16] = if parameters.is_empty() { &[] } else { &[404] };
    operation(&format!("{name}_{end}{of}"), summary, parameters, &content, errors, true)
}

fn operation(
    id: &str,
    summary: &str,
    parameters: &[&str],
    content: &Map<String, Value>,
    errors: &[u16],
    cached: bool,
) -> Value {
    let mut responses = Map::new();
    let headers = if cached { tagged() } else { json!({}) };
    responses.insert(
        "200".to_owned(),
        json!({ "description": "Here it is.", "content": content, "headers": headers }),
    );
    if cached {
        responses.insert(
            "206".to_owned(),
            json!({ "description": "The part.", "content": content, "headers": tagged() }),
        );
        responses.insert("304".to_owned(), json!({ "$ref": "#/components/responses/NotModified" }));
    }
    let of_caching: &[u16] = if cached { &[406, 416] } else { &[] };
    for status in errors.iter().chain(of_caching).chain(&[401, 405, 429, 503]) {
        responses.insert(status.to_string(), json!({ "$ref": "#/components/responses/Problem" }));
    }
    let parameters: Vec<Value> =
        parameters.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })).collect();
    json!({ "get": { "operationId": id, "summary": summary, "parameters": parameters, "responses": responses } })
}

fn keys() -> Value {
    let mut responses = Map::new();
    let made = json!({ "application/json": { "schema": reference("NewKey") } });
    responses.insert("201".to_owned(), json!({ "description": "Here it is.", "content": made }));
    for status in [401, 404, 405, 429, 503] {
        responses.insert(status.to_string(), json!({ "$ref": "#/components/responses/Problem" }));
    }
    let summary = "Makes a key, with which more may be asked for. Nothing has to be told for it";
    json!({ "post": { "operationId": "new_key", "summary": summary, "parameters": [], "responses": responses } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn tagged() -> Value {
    let names = ["ETag", "Age", "Cache-Control", "Cache-Status", "Vary"];
    names
        .into_iter()
        .map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect::<Map<_, _>>()
        .into()
}

fn headers() -> Value {
    let header =
        |description: &str, kind: &str| json!({ "description": description, "schema": { "type": kind } });
    json!({
        "ETag": header("Strong; the same for the same bytes on every server.", "string"),
        "Age": header("Seconds since this version was made, by the clock of the server that answers.", "integer"),
        "Cache-Control": header("How long it may be used, and how long while nothing newer is to be had.", "string"),
        "Cache-Status": header("RFC 9211; a `ttl` below zero tells of a late version.", "string"),
        "Vary": header("Accept-Encoding.", "string"),
    })
}

fn parameters() -> Value {
    let parameter = |place: &str, name: &str, description: &str, schema: Value| {
        // A question without these three can not be answered.
        let required = place == "path" || ["lat", "lng", "bbox"].contains(&name);
        json!({ "in": place, "name": name, "description": description, "required": required, "schema": schema })
    };
    let mut from = parameter(
        "query",
        "since",
        "The version that the reader has.",
        json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }),
    );
    from["required"] = true.into();
    let four = json!({ "type": "array", "items": { "type": "number", "minimum": -180, "maximum": 180 }, "minItems": 4, "maxItems": 4 });
    let mut bbox = parameter("query", "bbox", "west,south,east,north in degrees.", four);
    bbox["style"] = "form".into();
    bbox["explode"] = false.into();
    bbox["example"] = json!([126.9, 37.5, 127.0, 37.6]);
    let number = |from: f64, to: f64| json!({ "type": "number", "minimum": from, "maximum": to });
    let whole = |from: u64, to: u64| json!({ "type": "integer", "minimum": from, "maximum": to });
    let region = || json!({ "type": "string", "pattern": "^([0-9]{2}|[0-9]{5})$", "examples": ["11680"] });
    json!({
        "Id": parameter("path", "id", "Code of the outlet.", json!({ "type": "string", "pattern": "^[0-9A-Za-z_-]{1,32}$" })),
        "Code": parameter("path", "code", "Province (two digits) or district (five).", region()),
        "Region": parameter("query", "region", "Province or district; the whole country where missing.", region()),
        "Version": parameter("path", "version", "A version that is kept.", whole(0, u64::MAX)),
        "From": from,
        "Since": parameter("query", "since", "The version that the reader has.", whole(0, u64::MAX)),
        "LastEventId": parameter("header", "Last-Event-ID", "The version that the reader has; browsers send it.", whole(0, u64::MAX)),
        "Lat": parameter("query", "lat", "Degrees north.", number(-90.0, 90.0)),
        "Lng": parameter("query", "lng", "Degrees east.", number(-180.0, 180.0)),
        "Radius": parameter("query", "radius_m", "Metres; 1000 where missing.", number(0.0, 5000.0)),
        "Bbox": bbox,
        "Limit": parameter("query", "limit", "Most rows; 100 where missing, never more than 1000.", whole(1, 1_000_000_000)),
        "Item": parameter("query", "item", "Item whose level counts.", json!({ "type": "string", "pattern": "^[0-9a-z_-]{1,32}$", "examples": ["mask"] })),
        "MinLevel": parameter("query", "min_level", "Only outlets that have at least so much.", json!({ "type": "string", "enum": ["plenty", "some", "few", "empty"] })),
        "Z": parameter("path", "z", "Zoom.", whole(6, 14)),
        "X": parameter("path", "x", "Column.", whole(0, 16_383)),
        "Y": parameter("path", "y", "Row.", whole(0, 16_383)),
    })
}

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
    schemas.extend(documents);
    schemas.insert("Text".to_owned(), json!({ "type": "string" }));
    schemas.insert("Object".to_owned(), json!({ "type": "object" }));
    schemas.into()
}
