//! A watch on its way to the operator: one event a line, passed on as it comes unless a fault says otherwise.

use crate::{
    answer::{AnswerBody, BoxError},
    fault::{Action, EventType, Fault, Stage},
    injected::{Armed, Faults},
    log::{Log, WatchEvent},
    request::Request,
    status,
};
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use serde::Deserialize;
use serde_json::json;
use std::{collections::VecDeque, sync::Arc, time::SystemTime};
use tokio::sync::watch::Receiver;

/// A watch with the faults that may come over it.
pub(crate) struct Watch {
    /// Its place in the log.
    number: usize,
    request: Request,
    upstream: AnswerBody,
    faults: Arc<Faults>,
    log: Arc<Log>,
    changes: Receiver<()>,
    /// Faults that this watch has been counted for.
    counted: Vec<Arc<Armed>>,
    /// The start of a line whose end has not come.
    partial: Vec<u8>,
    lines: VecDeque<Bytes>,
    /// Nothing passes while this is in force.
    held: Option<Arc<Armed>>,
    ended: bool,
    /// What is still to be said at the end.
    last: Option<Bytes>,
}

/// What the proxy reads of an event.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: EventType,
    #[serde(default)]
    object: Object,
}

#[derive(Default, Deserialize)]
struct Object {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
}

impl Watch {
    /// The body of a watch's answer, with the faults over it.
    pub(crate) fn over(
        (number, request): (usize, Request),
        upstream: AnswerBody,
        faults: Arc<Faults>,
        log: Arc<Log>,
    ) -> AnswerBody {
        let watch = Self {
            number,
            request,
            upstream,
            changes: faults.changes(),
            faults,
            log,
            counted: Vec::new(),
            partial: Vec::new(),
            lines: VecDeque::new(),
            held: None,
            ended: false,
            last: None,
        };
        let frames = stream::unfold(watch, |mut watch| async move { Some((watch.next().await?, watch)) });
        StreamBody::new(frames).boxed_unsync()
    }

    /// What the operator is given next; `None` at the end.
    async fn next(&mut self) -> Option<Result<Frame<Bytes>, BoxError>> {
        loop {
            self.changes.mark_unchanged();
            self.end_by_fault();
            if self.ended {
                return self.last.take().map(|line| Ok(Frame::data(line)));
            }
            if let Some(held) = &self.held {
                if !held.is_lifted() {
                    // What the API server sends meanwhile waits in the connection to it, as it would for a slow client.
                    self.changes.changed().await.ok()?;
                    continue;
                }
                self.held = None;
            }
            if let Some(line) = self.lines.pop_front() {
                if let Some(line) = self.judge(line) {
                    return Some(Ok(Frame::data(line)));
                }
                continue;
            }
            tokio::select! {
                frame = self.upstream.frame() => match frame {
                    Some(Ok(frame)) => self.split(frame.into_data().unwrap_or_default()),
                    Some(Err(error)) => {
                        self.ended = true;
                        return Some(Err(error));
                    }
                    None => self.ended = true,
                },
                _ = self.changes.changed() => {}
            }
        }
    }

    /// Ends the watch if a fault says so.
    fn end_by_fault(&mut self) {
        if self.ended {
            return;
        }
        let Some(hit) = self.faults.on_watch(&self.request, &mut self.counted) else { return };
        self.ended = true;
        self.met(&hit);
        if matches!(hit.fault.action, Action::Gone) {
            self.record(EventType::Error, Metadata::default(), true);
            let event = json!({"type": "ERROR", "object": status::too_old()});
            self.last = Some(Bytes::from(format!("{event}\n")));
        }
        hit.has_fired();
    }

    /// Writes down that the watch has met a fault.
    fn met(&mut self, fault: &Armed) {
        self.request.fault = Some(fault.fault.action.to_string());
        self.log.requests.replace(self.number, self.request.clone());
    }

    fn split(&mut self, data: Bytes) {
        let mut rest = data;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = rest.split_to(end + 1);
            let line = match std::mem::take(&mut self.partial) {
                partial if partial.is_empty() => line,
                mut partial => {
                    partial.extend_from_slice(&line);
                    partial.into()
                }
            };
            self.lines.push_back(line);
        }
        self.partial.extend_from_slice(&rest);
    }

    /// The line, if the operator is given it now.
    fn judge(&mut self, line: Bytes) -> Option<Bytes> {
        // A table, as kubectl asks for, says nothing that a fault could be aimed at.
        let Ok(Event { kind, object }) = serde_json::from_slice::<Event>(&line) else { return Some(line) };
        let meant = |fault: &Fault| {
            let is_new = fault.aim.generation.is_none_or(|from| object.metadata.generation >= Some(from));
            is_new && !matches!(fault.action, Action::DropEvent(meant) if meant != kind)
        };
        let hit = self.faults.hit(Stage::Event, &self.request, object.metadata.name.as_deref(), meant);
        match hit {
            Some(hold) if matches!(hold.fault.action, Action::HoldEvents) => {
                self.lines.push_front(line);
                self.met(&hold);
                hold.has_fired();
                self.held = Some(hold);
                return None;
            }
            Some(drop) => {
                self.record(kind, object.metadata, false);
                drop.has_fired();
                return None;
            }
            None => self.record(kind, object.metadata, true),
        }
        Some(line)
    }

    fn record(&self, event: EventType, object: Metadata, delivered: bool) {
        // Bookmarks are the API server's own housekeeping.
        if event == EventType::Bookmark {
            return;
        }
        self.log.events.push(WatchEvent {
            at: SystemTime::now(),
            event,
            resource: self.request.resource.clone(),
            namespace: object.namespace,
            name: object.name,
            version: object.resource_version,
            delivered,
        });
    }
}
