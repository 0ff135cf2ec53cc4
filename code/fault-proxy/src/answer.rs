//! Answers of the proxy's own.

use crate::{request::Request, status};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Bytes;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

/// What the API server would say with this status.
pub(crate) fn refusal(code: u16, request: &Request) -> Response<AnswerBody> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = json(status, status::body(status.as_u16(), request).to_string().into());
    if status == StatusCode::TOO_MANY_REQUESTS {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

/// JSON text as an answer.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response<AnswerBody> {
    let mut answer = Response::new(whole(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// The API server was not reached.
pub(crate) fn bad_gateway(error: &BoxError) -> Response<AnswerBody> {
    let text = format!("the proxy could not reach the API server: {error}");
    let mut answer = Response::new(whole(text.into()));
    *answer.status_mut() = StatusCode::BAD_GATEWAY;
    answer
}

/// A body that is there already.
pub(crate) fn whole(body: Bytes) -> AnswerBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}
