//! A reader without a socket, that can take compressed bodies apart.

use std::io::Read;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// An answer, read to its end.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body as it was before it was compressed.
    pub(crate) fn plain(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        match self.header("content-encoding") {
            None => plain.clone_from(&self.body),
            Some("gzip") => {
                flate2::read::GzDecoder::new(&self.body[..]).read_to_end(&mut plain).unwrap();
            }
            Some("br") => {
                brotli::Decompressor::new(&self.body[..], 4096).read_to_end(&mut plain).unwrap();
            }
            Some("zstd") => plain = zstd::decode_all(&self.body[..]).unwrap(),
            Some(other) => panic!("{other}"),
        }
        plain
    }
}

pub(crate) async fn ask(router: &Router, method: &str, uri: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(uri);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(router: &Router, uri: &str) -> Answer {
    ask(router, "GET", uri, &[]).await
}

/// Questions to the face of 2020: pages that are ready and such as are made, circles, districts, and what finds nothing.
pub(crate) const FACE: [&str; 9] = [
    "/corona19-masks/v1/stores/json",
    "/corona19-masks/v1/stores/json?page=01&perPage=777",
    "/corona19-masks/v1/sales/json?page=1",
    "/corona19-masks/v1/sales/json/?page=9",
    "/corona19-masks/v1/storesByGeo/json?m=5000",
    "/corona19-masks/v1/storesByGeo/json?lat=37.56&lng=126.97&m=900",
    "/corona19-masks/v1/storesByAddr/json",
    "/corona19-masks/v1/storesByAddr/json?address=%EA%B2%BD%EB%82%A8+%EC%A7%84%EC%A3%BC%EC%8B%9C",
    "/corona19-masks/v1/storesByAddr/json?address=nowhere",
];

/// All paths of which every server must give the same bytes for the same version.
pub(crate) fn paths() -> Vec<String> {
    let bases = ["/v1", "/v1/regions/11", "/v1/regions/11680", "/v1/regions/41110", "/v1/regions/48"];
    let subjects = ["outlets", "stock", "outlets_with_stock"];
    let formats = ["json", "ndjson", "geojson", "csv"];
    let mut paths = Vec::new();
    for base in bases {
        for subject in subjects {
            paths.extend(formats.map(|format| format!("{base}/{subject}.{format}")));
        }
    }
    let others = [
        "regions.json",
        "policies.json",
        "manifest.json",
        "tiles/6/54/24.json",
        "tiles/12/3492/1586.json",
        "tiles/12/0/0.json",
        "nearby?lat=37.5663&lng=126.9779&radius_m=5000",
        "within?bbox=126,37,128,38&limit=7",
    ];
    paths.extend(others.map(|path| format!("/v1/{path}")));
    paths
}
