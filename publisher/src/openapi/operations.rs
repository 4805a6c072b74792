//! The table of operations: every path that can be asked, with what it takes and answers.

use serde_json::{Map, Value, json};

use super::examples::example;
use super::face;
use super::parts::{announced, counted, located, ranged, reference, tagged, told};
use crate::Deprecations;

/// One way of asking.
pub(super) struct Operation {
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: &'static [&'static str],
    /// Media types of the answer, each with the name of its schema.
    pub(super) answers: &'static [(&'static str, &'static str)],
    /// Other statuses.
    pub(super) errors: &'static [u16],
    /// Whether it is tagged and may be kept.
    pub(super) cached: bool,
}

pub(super) const JSON: &str = "application/json";
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

const OPERATIONS: [Operation; 16] = [
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
        path: "/v1/history.json",
        id: "history",
        summary: "The days of which every published change is kept, with length and SHA-256 of their files",
        parameters: &[],
        answers: &[(JSON, "History")],
        errors: &[307, 404],
        cached: true,
    },
    Operation {
        path: "/v1/history/changes-{day}.{format}",
        id: "history_file",
        summary: "Every change that was published on a day, as lines (each a `HistoryLine`, Zstandard) or as a Parquet table",
        parameters: &["Day", "HistoryFormat"],
        answers: &[("application/zstd", "Bytes"), ("application/vnd.apache.parquet", "Bytes")],
        errors: &[307, 404, 410],
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
        summary: "One outlet, by its own code or by what another register calls it; `Content-Location` then tells the former",
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
        cached: true,
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

/// All paths with what can be asked there; those that are to go are marked.
pub(super) fn paths(deprecations: &Deprecations) -> Map<String, Value> {
    let mut paths = Map::new();
    for operation in OPERATIONS.iter().chain(&face::OPERATIONS) {
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
    for (_, item) in paths.iter_mut().filter(|(path, _)| deprecations.names(path)) {
        item.as_object_mut().expect("a path has operations").values_mut().for_each(deprecate);
    }
    paths
}

/// Marks an operation, and says that its answers say so.
fn deprecate(operation: &mut Value) {
    operation["deprecated"] = true.into();
    let responses = operation["responses"].as_object_mut().expect("an operation has answers");
    for answer in responses.values_mut().filter(|answer| answer.get("description").is_some()) {
        let headers =
            answer.as_object_mut().expect("an answer is an object").entry("headers").or_insert(json!({}));
        headers.as_object_mut().expect("headers have names").extend(announced());
    }
}

/// The body of an answer: its schema, and what the code gave to a small registry.
fn content(operation: &str, answers: &[(&str, &str)]) -> Map<String, Value> {
    let media = answers.iter().map(|(media, schema)| {
        let mut content = json!({ "schema": reference(schema) });
        if let Some(example) = example(operation) {
            content["example"] = example.clone();
        }
        ((*media).to_owned(), content)
    });
    media.collect()
}

impl Operation {
    fn get(&self) -> Value {
        let content = content(self.id, self.answers);
        operation(self.id, self.summary, self.parameters, &content, self.errors, self.cached)
    }
}

fn file(name: &str, end: &str, summary: &str, (media, schema): (&str, &str), parameters: &[&str]) -> Value {
    let of = if parameters.is_empty() { "" } else { "_of_region" };
    let errors: &[u16] = if parameters.is_empty() { &[] } else { &[404] };
    let id = format!("{name}_{end}{of}");
    operation(&id, summary, parameters, &content(&id, &[(media, schema)]), errors, true)
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
    let mut headers = if cached { tagged() } else { counted() };
    if ["application/x-ndjson", "text/csv"].iter().any(|media| content.contains_key(*media)) {
        headers.extend(told());
    }
    if id == "outlet" {
        headers.extend(located());
    }
    responses.insert(
        "200".to_owned(),
        json!({ "description": "Here it is.", "content": content, "headers": &headers }),
    );
    if cached {
        headers.extend(ranged());
        // A part is an example of nothing.
        let mut part = content.clone();
        part.values_mut()
            .filter_map(Value::as_object_mut)
            .for_each(|content| drop(content.remove("example")));
        responses.insert(
            "206".to_owned(),
            json!({ "description": "The part.", "content": part, "headers": headers }),
        );
        responses.insert("304".to_owned(), json!({ "$ref": "#/components/responses/NotModified" }));
    }
    let of_caching: &[u16] = if cached { &[406, 412, 416] } else { &[] };
    for status in errors.iter().chain(of_caching).chain(&[401, 405, 429, 503]) {
        responses.insert(status.to_string(), other(*status));
    }
    let parameters: Vec<Value> =
        parameters.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })).collect();
    json!({ "get": { "operationId": id, "summary": summary, "parameters": parameters, "responses": responses } })
}

/// What is said with another status than that of a good answer.
fn other(status: u16) -> Value {
    let name = match status {
        307 => "Elsewhere",
        416 => "Beyond",
        429 | 503 => "Later",
        _ => "Problem",
    };
    json!({ "$ref": format!("#/components/responses/{name}") })
}

fn keys() -> Value {
    let mut responses = Map::new();
    let made = content("new_key", &[(JSON, "NewKey")]);
    responses.insert(
        "201".to_owned(),
        json!({ "description": "Here it is.", "content": made, "headers": counted() }),
    );
    for status in [401, 404, 405, 429, 503] {
        responses.insert(status.to_string(), other(status));
    }
    let summary = "Makes a key, with which more may be asked for. Nothing has to be told for it";
    json!({ "post": { "operationId": "new_key", "summary": summary, "parameters": [], "responses": responses } })
}
