//! Bodies of the admin port that come in time: one that never ends takes no place for ever.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Longest time from the head of a request to the end of its body.
const LIMIT: Duration = Duration::from_secs(60);

/// What was read of a body within the time.
pub(super) struct InTime<T>(pub(super) T);

impl<S: Send + Sync, T: FromRequest<S>> FromRequest<S> for InTime<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        within(LIMIT, request, state).await.map(Self)
    }
}

async fn within<S: Send + Sync, T: FromRequest<S>>(
    limit: Duration,
    request: Request,
    state: &S,
) -> Result<T, Response> {
    match tokio::time::timeout(limit, T::from_request(request, state)).await {
        Ok(read) => read.map_err(IntoResponse::into_response),
        Err(_) => Err((
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come within a minute: send the request again\n",
        )
            .into_response()),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::{Body, Bytes};
    use futures::StreamExt;
    use futures::stream;

    use super::*;

    /// A body that begins and does not end.
    fn endless() -> Request {
        let first = stream::iter([Ok::<_, Infallible>("{")]);
        Request::new(Body::from_stream(first.chain(stream::pending())))
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up_and_would_be_waited_for() {
        let short = Duration::from_millis(50);
        let given_up = within::<_, Bytes>(short, endless(), &()).await.unwrap_err();
        assert_eq!(given_up.status(), StatusCode::REQUEST_TIMEOUT);
        assert!(tokio::time::timeout(short * 10, Bytes::from_request(endless(), &())).await.is_err());
        let whole = Request::new(Body::from("{}"));
        assert_eq!(within::<_, Bytes>(short, whole, &()).await.unwrap(), "{}");
    }
}
