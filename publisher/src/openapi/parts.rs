//! Parameters, headers and references that operations share.

use serde_json::{Map, Value, json};

use super::face;

/// A schema by its name.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Headers of what may be kept.
pub(super) fn tagged() -> Map<String, Value> {
    let mut headers = of_names(["ETag", "Age", "Cache-Control", "Cache-Status", "Vary"]);
    headers.extend(counted());
    headers
}

/// Headers of whatever is counted against a rate.
pub(super) fn counted() -> Map<String, Value> {
    of_names(["RateLimit", "RateLimit-Policy"])
}

/// Headers of answers that say when to come again.
pub(super) fn later() -> Map<String, Value> {
    of_names(["Retry-After", "RateLimit", "RateLimit-Policy"])
}

/// Headers of a part, and of a refusal that tells how long the whole is.
pub(super) fn ranged() -> Map<String, Value> {
    of_names(["Content-Range"])
}

/// Headers of an answer that has an address of its own.
pub(super) fn located() -> Map<String, Value> {
    of_names(["Content-Location"])
}

/// Headers of formats that have no place for version, time and terms.
pub(super) fn told() -> Map<String, Value> {
    of_names(["Jaego-Version", "Jaego-Last-Updated", "Link"])
}

/// Headers of what is to go.
pub(super) fn announced() -> Map<String, Value> {
    of_names(["Deprecation", "Sunset", "Link"])
}

fn of_names<const N: usize>(names: [&str; N]) -> Map<String, Value> {
    let header = |name: &str| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    names.into_iter().map(header).collect()
}

/// All headers.
pub(super) fn headers() -> Value {
    let header =
        |description: &str, kind: &str| json!({ "description": description, "schema": { "type": kind } });
    json!({
        "ETag": header("Strong; the same for the same bytes on every server.", "string"),
        "Age": header("Seconds since this version was made, by the clock of the server that answers.", "integer"),
        "Cache-Control": header("How long it may be used, and how long while nothing newer is to be had.", "string"),
        "Cache-Status": header("RFC 9211; a `ttl` below zero tells of a late version.", "string"),
        "Vary": header("Accept-Encoding.", "string"),
        "Deprecation": header("RFC 9745; `@` and seconds since 1970: since when nothing new should be built on it.", "string"),
        "Sunset": header("RFC 8594; when it will answer no more.", "string"),
        "Link": header("`rel=\"license\"`: the terms, where the body has no place for them. `rel=\"deprecation\"`: what to use instead.", "string"),
        "RateLimit": header("draft-ietf-httpapi-ratelimit-headers-10: requests left at once (`r`), and the seconds until all are back (`t`). Absent where there is no rate.", "string"),
        "RateLimit-Policy": header("The rate in force: requests at once (`q`) that come back in so many seconds (`w`). Absent where there is no rate.", "string"),
        "Retry-After": header("Seconds to wait before asking again.", "integer"),
        "Content-Location": header("The outlet by its own code, where it was asked for by another.", "string"),
        "Content-Range": header("Which bytes of how many.", "string"),
        "Jaego-Version": header("The version, where the body has no place for it.", "integer"),
        "Jaego-Last-Updated": header("When this version was cut, where the body has no place for it; RFC 3339 with milliseconds, so no `Last-Modified`.", "string"),
    })
}

/// All parameters.
pub(super) fn parameters() -> Value {
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
    let mut all = json!({
        "Id": parameter("path", "id", "Code of the outlet, or its code in the mask lists of 2020 or HIRA's id where the registry tells them; percent-encoded.", json!({ "type": "string", "pattern": "^[0-9A-Za-z_+/=-]{1,100}$" })),
        "Code": parameter("path", "code", "Province (two digits) or district (five).", reference("RegionCode")),
        "Region": parameter("query", "region", "Province or district; the whole country where missing.", reference("RegionCode")),
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
        "Day": parameter("path", "day", "A sealed day.", json!({ "type": "string", "format": "date", "examples": ["2026-11-25"] })),
        "HistoryFormat": parameter("path", "format", "How it is written.", json!({ "type": "string", "enum": ["ndjson.zst", "parquet"] })),
        "X": parameter("path", "x", "Column.", whole(0, 16_383)),
        "Y": parameter("path", "y", "Row.", whole(0, 16_383)),
    });
    for name in ["Code", "Region"] {
        all[name]["example"] = "11680".into();
    }
    for (name, asked, description, example) in face::PARAMETERS {
        all[name] =
            parameter("query", asked, description, json!({ "type": "string", "examples": [example] }));
        // Missing ones have an answer too.
        all[name]["required"] = false.into();
    }
    all
}
