//! Answers.

use crate::error::Failure;
use futures::{Stream, StreamExt};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame};
use serde_json::Value;
use std::convert::Infallible;

/// The body of an answer.
pub(crate) type Output = UnsyncBoxBody<Bytes, Infallible>;
/// An answer.
pub(crate) type Answer = Response<Output>;

pub(crate) const JSON: &str = "application/json";

pub(crate) fn full(bytes: impl Into<Bytes>) -> Output {
    Full::new(bytes.into()).boxed_unsync()
}

/// Bytes of a media type.
pub(crate) fn bytes(code: u16, media_type: &str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(full(bytes));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = HeaderValue::from_str(media_type) {
        answer.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    answer
}

pub(crate) fn json(code: u16, value: &Value) -> Answer {
    bytes(code, JSON, value.to_string())
}

pub(crate) fn yaml(code: u16, value: &Value) -> Answer {
    bytes(code, "application/yaml", serde_yaml_ng::to_string(value).unwrap_or_default())
}

pub(crate) fn text(code: u16, text: &str) -> Answer {
    bytes(code, "text/plain; charset=utf-8", text.to_owned())
}

/// An answer that goes on until `chunks` ends.
pub(crate) fn stream(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Answer {
    let mut answer = bytes(200, JSON, Bytes::new());
    *answer.body_mut() = StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk)))).boxed_unsync();
    answer
}

pub(crate) fn failure(failure: &Failure) -> Answer {
    if failure.message == crate::error::NO_PAGE {
        return text(404, "404 page not found\n");
    }
    json(failure.code, &failure.status())
}

/// Adds `Warning` headers, as kubectl prints them.
pub(crate) fn warn(answer: &mut Answer, warnings: &[String]) {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            answer.headers_mut().append(header::WARNING, value);
        }
    }
}
