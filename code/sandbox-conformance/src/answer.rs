//! What a server answered, and the ways to expect something of it.

use crate::case::{Failure, Outcome};
use http::HeaderMap;
use serde_json::Value;

/// How much of a body a failure shows.
const SHOWN: usize = 400;

/// A whole answer.
pub(crate) struct Answer {
    /// Method and path.
    pub(crate) request: String,
    /// 0: there was none, and `text` says why.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// `Null` where the text is not one JSON document.
    pub(crate) body: Value,
}

impl Answer {
    /// The body of any success.
    pub(crate) fn ok(self) -> Result<Value, Failure> {
        if (200..300).contains(&self.status) { Ok(self.body) } else { Err(self.unexpected("a success")) }
    }

    /// The body of an answer with this status.
    pub(crate) fn is(self, status: u16) -> Result<Value, Failure> {
        if self.status == status { Ok(self.body) } else { Err(self.unexpected(&status.to_string())) }
    }

    /// The Status object of a refusal with this code and reason. Its own parts have to agree with them.
    pub(crate) fn refused(self, code: u16, reason: &str) -> Result<Refusal, Failure> {
        let body = &self.body;
        let agrees = self.status == code
            && body["kind"] == "Status"
            && body["apiVersion"] == "v1"
            && body["status"] == "Failure"
            && body["code"] == code
            && body["reason"] == reason;
        if agrees {
            return Ok(Refusal { request: self.request, body: self.body });
        }
        Err(self.unexpected(&format!("a Status with {code} {reason}")))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn unexpected(&self, wanted: &str) -> Failure {
        let text: String = self.text.trim().chars().take(SHOWN).collect();
        match self.status {
            0 => Failure(format!("{}: expected {wanted}, got no answer: {text}", self.request)),
            status => Failure(format!("{}: expected {wanted}, got {status}: {text}", self.request)),
        }
    }
}

/// A Status object that says no.
pub(crate) struct Refusal {
    request: String,
    pub(crate) body: Value,
}

impl Refusal {
    /// Every one of these parts is in the message.
    pub(crate) fn says(&self, parts: &[&str]) -> Outcome {
        let message = self.body["message"].as_str().unwrap_or_default();
        match parts.iter().find(|part| !message.contains(**part)) {
            None => Ok(()),
            Some(part) => {
                Err(Failure(format!("{}: expected {part:?} in the message {message:?}", self.request)))
            }
        }
    }

    /// One cause is of this field, has this reason and its message this part.
    pub(crate) fn cause(&self, field: &str, reason: &str, part: &str) -> Outcome {
        let causes = self.body["details"]["causes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = causes.iter().any(|cause| {
            cause["field"] == field
                && cause["reason"] == reason
                && cause["message"].as_str().unwrap_or_default().contains(part)
        });
        if found {
            return Ok(());
        }
        let details = &self.body["details"];
        Err(Failure(format!(
            "{}: expected a cause {reason} of {field} with {part:?} in {details}",
            self.request
        )))
    }

    /// This part of the details is this.
    pub(crate) fn detail(&self, name: &str, wanted: &str) -> Outcome {
        let details = &self.body["details"];
        if details[name] == wanted {
            return Ok(());
        }
        Err(Failure(format!("{}: expected details.{name} {wanted:?} in {details}", self.request)))
    }
}
