//! What a request carries: its size, its media type, its object.

use crate::error::{Failure, Outcome};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use serde_json::Value;
use std::error::Error;

/// As etcd and the real server have it.
const LIMIT: usize = 3 * 1024 * 1024;

/// A request's body with its media type.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

impl Input {
    pub(crate) async fn read<B>(headers: &HeaderMap, body: B) -> Outcome<Self>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_lowercase();
        match Limited::new(body, LIMIT).collect().await {
            Ok(body) => Ok(Self { media_type, bytes: body.to_bytes() }),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(Failure::too_large(&format!("Request entity too large: limit is {LIMIT}")))
            }
            Err(error) => Err(Failure::bad_request(format!("the request's body broke off: {error}"))),
        }
    }

    /// The body as an object of `kind`, by its media type: JSON unless it says YAML.
    pub(crate) fn object(&self, kind: &str) -> Outcome<Value> {
        match self.media_type.as_str() {
            "" | "application/json" => self.json().map_err(|why| unrecognized(kind, &why, &self.bytes)),
            "application/yaml" => self.yaml(),
            "application/vnd.kubernetes.protobuf" => {
                crate::protobuf::decode(&self.bytes).map_err(Failure::unsupported_media)
            }
            _ => Err(Failure::unsupported_media(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json, application/yaml, application/vnd.kubernetes.protobuf"
                    .to_owned(),
            )),
        }
    }

    /// The body as JSON, or why it is none, in the words of Go's reader.
    pub(crate) fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.bytes).map_err(|error| not_json(&self.bytes, &error))
    }

    pub(crate) fn yaml(&self) -> Outcome<Value> {
        serde_yaml_ng::from_slice(&self.bytes)
            .map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")))
    }
}

pub(crate) fn unrecognized(kind: &str, why: &str, bytes: &[u8]) -> Failure {
    Failure::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({})",
        summary(bytes)
    ))
}

/// The start of a body: as text if it looks like an object, else in hexadecimal digits.
fn summary(bytes: &[u8]) -> String {
    const LENGTH: usize = 1024;
    let (start, more) = if bytes.len() > LENGTH { (&bytes[..LENGTH], " ...") } else { (bytes, "") };
    match start.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(start)),
        Some(_) => {
            let digits: Vec<String> = start.iter().map(|byte| format!("{byte:02x}")).collect();
            digits.concat() + more
        }
    }
}

/// The words of Go's JSON reader, as far as they depend on the text alone.
fn not_json(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let at = error.column().saturating_sub(1);
    let found = line.chars().nth(at).unwrap_or(' ');
    let before = line.get(..at).unwrap_or_default();
    let place = match before.trim_end().chars().last() {
        None | Some(':' | ',' | '[') => "looking for beginning of value",
        Some('{') => "looking for beginning of object key string",
        Some(letter) if letter.is_alphabetic() => "in literal",
        Some(_) => "after object key:value pair",
    };
    format!("invalid character '{found}' {place}")
}
