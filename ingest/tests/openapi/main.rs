//! `desk.openapi.json` says what the desk does: its routes, its types, its reasons, and examples that fit.
//!
//! After a change, `UPDATE_CONTRACT=1 cargo test -p ingest --test openapi` writes it anew, out of `desk.yaml` beside this file and
//! the types.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod document;
mod routes;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use document::document;
use ingest::desk::{OPENAPI, ROUTES};
use serde_json::Value;

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/contract/desk.openapi.json")
}

#[test]
fn the_committed_document_is_that_of_the_types() {
    let now = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        fs::write(committed(), &now).unwrap();
    }
    assert!(
        fs::read_to_string(committed()).unwrap() == now,
        "it differs from the types: run with UPDATE_CONTRACT=1"
    );
    assert!(std::env::var_os("UPDATE_CONTRACT").is_some() || OPENAPI == now);
}

#[test]
fn it_lists_the_routes_of_the_router_and_no_others() {
    let document = document();
    let listed: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(listed, ROUTES.map(|(path, _)| path).into());
}

/// Every value of a document, in any depth, with the key that it stands under.
fn walk<'v>(value: &'v Value, see: &mut impl FnMut(&str, &'v Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, field)| {
            see(key, field);
            walk(field, see);
        }),
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        _ => {}
    }
}

#[test]
fn every_reference_resolves_and_every_schema_is_used() {
    let document = document();
    let mut found = BTreeSet::new();
    walk(&document, &mut |key, value| {
        if key == "$ref" {
            found.insert(value.as_str().unwrap());
        }
    });
    assert!(found.len() >= 30, "only {} references", found.len());
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect("all in one file");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for part in ["schemas", "responses", "parameters", "headers", "examples"] {
        for name in document["components"][part].as_object().unwrap().keys() {
            let reference = format!("#/components/{part}/{name}");
            assert!(found.contains(reference.as_str()), "{reference} is used nowhere");
        }
    }
}

#[test]
fn the_schemas_are_schemas_and_the_examples_fit_them() {
    let document = document();
    let mut shown = 0;
    walk(&document["paths"], &mut |key, media| {
        if key == "application/json" {
            shown += check_examples(&document, media);
        }
    });
    walk(&document["components"]["responses"], &mut |key, media| {
        if key == "application/json" || key == "application/problem+json" {
            shown += check_examples(&document, media);
        }
    });
    assert!(shown >= 6, "only {shown} examples");
}

/// Holds a media type's examples against its schema; returns how many there are.
fn check_examples(document: &Value, media: &Value) -> usize {
    // The whole document is the root, so that the references of the schema resolve.
    let mut schema = document.clone();
    schema.as_object_mut().unwrap().remove("$schema");
    schema["allOf"] = Value::Array(vec![media["schema"].clone()]);
    let schema = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let examples = media["examples"].as_object().into_iter().flatten();
    examples
        .map(|(name, example)| {
            let example = match example["$ref"].as_str() {
                Some(reference) => document.pointer(&reference[1..]).unwrap(),
                None => example,
            };
            let faults: Vec<String> = schema.iter_errors(&example["value"]).map(|e| e.to_string()).collect();
            assert!(faults.is_empty(), "{name}: {faults:?}");
        })
        .count()
}
