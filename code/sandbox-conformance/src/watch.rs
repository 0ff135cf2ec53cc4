//! An open watch, read event by event.

use crate::case::Failure;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;

/// A watch that the server has accepted.
pub(crate) struct Watch {
    request: String,
    body: Body,
    buffer: Vec<u8>,
}

impl Watch {
    pub(crate) fn new(request: String, body: Body) -> Self {
        Self { request, body, buffer: Vec::new() }
    }

    /// The next event, `None` once the server has ended the watch.
    pub(crate) async fn next(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let event = serde_json::from_slice(&line);
                return event.map(Some).map_err(|error| Failure(format!("{}: event: {error}", self.request)));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(Failure(format!("{}: cut: {error}", self.request))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }

    /// The object of the next event, which has to be of this type.
    pub(crate) async fn expect(&mut self, kind: &str) -> Result<Value, Failure> {
        match self.next().await? {
            Some(event) if event["type"] == kind => Ok(event["object"].clone()),
            Some(event) => Err(Failure(format!("{}: expected {kind}, got {event}", self.request))),
            None => Err(Failure(format!("{}: expected {kind}, but the watch ended", self.request))),
        }
    }

    /// The object of the next event, which has to be of this type and about the object of this name.
    pub(crate) async fn expect_of(&mut self, kind: &str, name: &str) -> Result<Value, Failure> {
        let object = self.expect(kind).await?;
        if object["metadata"]["name"] == name {
            return Ok(object);
        }
        Err(Failure(format!("{}: expected {kind} of {name}, got {object}", self.request)))
    }
}
