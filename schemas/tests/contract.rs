//! The documents in `contract/` say what the types say: JSON Schemas, examples, AsyncAPI and the page for vendors.
//!
//! After a change of the types, `UPDATE_CONTRACT=1 cargo test -p schemas --test contract` writes the JSON Schemas anew.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemas::claim::{Check, Claim, Decision, LateClaim, Reserve, Settle};
use schemas::pos::{Delta, MAX_MESSAGE_BYTES, NoticeMessage, Reason, Reply, Report, Suspension};
use schemas::status::Status;
use schemas::subject::PosKind;
use serde::Deserialize;
use serde_json::Value;

type Reads = fn(&[u8]) -> serde_json::Result<()>;

/// One document of the contract: its name, its schema, and whether its Rust type reads a body.
struct Document {
    name: &'static str,
    schema: Value,
    reads: Reads,
}

fn document<T: JsonSchema>(name: &'static str, reads: Reads) -> Document {
    // Draft 7 without references: what AsyncAPI tools and the languages of the vendors read without further files.
    let settings = SchemaSettings::draft07().with(|s| s.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<T>();
    Document { name, schema: schema.to_value(), reads }
}

fn reads<'a, T: Deserialize<'a>>(body: &'a [u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<T>(body).map(drop)
}

fn documents() -> Vec<Document> {
    vec![
        document::<Report<'_>>("report", |b| reads::<Report<'_>>(b)),
        document::<Delta<'_>>("delta", |b| reads::<Delta<'_>>(b)),
        document::<Suspension<'_>>("pause", |b| reads::<Suspension<'_>>(b)),
        document::<Suspension<'_>>("resume", |b| reads::<Suspension<'_>>(b)),
        document::<NoticeMessage<'_>>("notice", |b| reads::<NoticeMessage<'_>>(b)),
        document::<Claim<'_>>("claim", |b| reads::<Claim<'_>>(b)),
        document::<LateClaim<'_>>("late", |b| reads::<LateClaim<'_>>(b)),
        document::<Reserve<'_>>("reserve", |b| reads::<Reserve<'_>>(b)),
        document::<Settle<'_>>("void", |b| reads::<Settle<'_>>(b)),
        document::<Settle<'_>>("confirm", |b| reads::<Settle<'_>>(b)),
        document::<Check<'_>>("check", |b| reads::<Check<'_>>(b)),
        document::<Decision>("decision", |b| reads::<Decision>(b)),
        document::<Reply>("reply", |b| reads::<Reply>(b)),
        document::<Status>("status", |b| reads::<Status>(b)),
    ]
}

fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contract")
}

/// Name without `.json` and content of every example; a missing or empty folder fails the test.
fn examples(kind: &str, class: &str) -> Vec<(String, Vec<u8>)> {
    let folder = contract().join("examples").join(kind).join(class);
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let example = |path: PathBuf| {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name in UTF-8").to_owned();
        (name, fs::read(&path).expect("a readable example"))
    };
    let found: Vec<_> = files.map(|file| example(file.expect("a listed file").path())).collect();
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}

fn accepts(schema: &Validator, body: &[u8]) -> bool {
    serde_json::from_slice(body).is_ok_and(|value: Value| schema.is_valid(&value))
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for Document { name, schema, .. } in documents() {
        let path = contract().join("json-schema").join(format!("{name}.json"));
        let now = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE_CONTRACT").is_some() {
            fs::write(&path, &now).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == now, "{name}.json differs from its type: run with UPDATE_CONTRACT=1");
    }
}

#[test]
fn valid_examples_pass_the_schema_and_the_type() {
    for Document { name, schema, reads } in documents().iter().filter(|d| d.name != "status") {
        let schema = jsonschema::draft7::options().should_validate_formats(true).build(schema).unwrap();
        for (file, body) in examples(name, "valid") {
            assert!(body.len() <= MAX_MESSAGE_BYTES, "{name}/{file}");
            assert!(accepts(&schema, &body), "the schema refuses {name}/{file}");
            reads(&body).unwrap_or_else(|e| panic!("the type refuses {name}/{file}: {e}"));
        }
    }
}

#[test]
fn invalid_examples_fail_for_the_reason_in_their_name() {
    for Document { name, schema, reads } in documents().iter().filter(|d| d.name != "status") {
        let schema = jsonschema::draft7::options().should_validate_formats(true).build(schema).unwrap();
        for (file, body) in examples(name, "invalid") {
            let (reason, what) = file.split_once("--").expect("named <reason>--<what>.json");
            assert!(!what.is_empty(), "{name}/{file}");
            let reason = Reason::ALL.into_iter().find(|r| r.name() == reason);
            let refused = !accepts(&schema, &body);
            // What is wrong with a person's number or with a time against the clock is not for a schema to see.
            assert!(
                refused || reason.is_some_and(|r| !seen_by_schema(r, &file)),
                "the schema accepts {name}/{file}"
            );
            match reason {
                Some(Reason::Malformed) => assert!(reads(&body).is_err(), "{name}/{file}"),
                Some(Reason::OutOfRange | Reason::BadPerson | Reason::FutureDated) => {
                    assert!(reads(&body).is_ok(), "{name}/{file}");
                }
                Some(Reason::Oversized) => assert!(body.len() > MAX_MESSAGE_BYTES, "{name}/{file}"),
                _ => panic!("{name}/{file}: no example can show this reason"),
            }
        }
    }
}

fn seen_by_schema(reason: Reason, file: &str) -> bool {
    !matches!(reason, Reason::BadPerson | Reason::FutureDated) && !file.ends_with("-days-ago")
}

fn asyncapi() -> Value {
    let text = fs::read_to_string(contract().join("asyncapi.yaml")).expect("asyncapi.yaml");
    serde_saphyr::from_str(&text).expect("asyncapi.yaml is YAML")
}

/// Every `$ref` of the document, in any depth.
fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_the_asyncapi_document_resolves() {
    let document = asyncapi();
    assert_eq!(document["asyncapi"], "3.0.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() >= 20, "only {} references", found.len());
    for reference in found {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let other = (!file.is_empty()).then(|| fs::read(contract().join(file)).expect(reference));
        let other: Option<Value> = other.map(|text| serde_json::from_slice(&text).expect(reference));
        assert!(other.as_ref().unwrap_or(&document).pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_asyncapi_document_names_every_kind_and_reason() {
    let document = asyncapi();
    for kind in PosKind::ALL {
        let channel = &document["channels"][kind.name()];
        assert_eq!(channel["address"], format!("pos.v1.{}.{{outlet}}", kind.name()));
        assert_eq!(document["operations"][kind.name()]["action"], "receive", "{kind:?}");
    }
    let reasons = &document["channels"]["dead"]["parameters"]["reason"]["enum"];
    assert_eq!(*reasons, serde_json::json!(Reason::ALL.map(Reason::name)));
}

#[test]
fn the_page_for_vendors_shows_valid_messages_and_every_reason() {
    let page = fs::read_to_string(contract().join("../../docs/pos-vendors.md")).unwrap();
    let documents = documents();
    let mut shown = 0;
    for block in page.split("```json ").skip(1) {
        let (name, rest) = block.split_once('\n').expect("a block has lines");
        let (body, _) = rest.split_once("```").expect("a block ends");
        let document = documents.iter().find(|d| d.name == name).unwrap_or_else(|| panic!("{name}"));
        let schema = jsonschema::draft7::options().build(&document.schema).unwrap();
        assert!(accepts(&schema, body.as_bytes()), "{name}: {body}");
        shown += 1;
    }
    assert!(shown >= documents.len(), "only {shown} messages are shown");
    for reason in Reason::ALL {
        assert_eq!(
            page.matches(&format!("| `{}` |", reason.name())).count(),
            2,
            "{reason:?} in two languages"
        );
    }
}
