//! `/v1/outlets/{id}`: one outlet by its own code, or by what another register calls it; the document is the same.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::scope::Named;
use super::{NativeEdition, Terms, respond};
use crate::answer;

/// What stands in a path as it is; HIRA's ids hold `+`, `/` and `=` besides.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Answers a GET or HEAD.
pub(super) fn answer(edition: &NativeEdition, id: &str, headers: &HeaderMap, terms: Terms) -> Response {
    let id = percent_decode_str(id).decode_utf8_lossy();
    let (native, snapshot) = (edition.native(), edition.snapshot());
    let (place, is_own) = match native.members.named(&id) {
        Named::Own(place) => (place, true),
        Named::Other(place) => (place, false),
        Named::Several => return answer::several_outlets(),
        Named::Nobody => return answer::no_outlet(),
    };
    let Some((body, (view, _))) = native.one(place, snapshot).zip(native.outlet(place, snapshot)) else {
        return answer::no_outlet();
    };
    let mut response = respond(headers, &body, terms);
    if !is_own {
        let own = own_address(edition, view.info.code.as_str(), terms);
        response.headers_mut().insert(header::CONTENT_LOCATION, own);
    }
    response
}

/// Where an outlet is by its own code, in the version that was asked for.
fn own_address(edition: &NativeEdition, code: &str, terms: Terms) -> HeaderValue {
    let code = utf8_percent_encode(code, IN_PATHS);
    let address = match terms {
        Terms::Immutable => format!("/v1/versions/{}/outlets/{code}", edition.version()),
        Terms::Current { .. } => format!("/v1/outlets/{code}"),
    };
    HeaderValue::from_str(&address).expect("an encoded path is a header")
}
