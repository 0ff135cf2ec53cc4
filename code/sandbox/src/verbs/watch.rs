//! Watches: what is, if asked for, and then what changes, until the client or the time limit ends it.

use crate::{
    error::{Failure, Outcome},
    http::{Answer, Target, negotiate::Form, respond},
    registry::Resource,
    selectors::Selection,
    server::{Call, Server},
    store::{Change, Event, Object},
    table,
};
use futures::{Stream, stream};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// A watch under way.
struct Watch {
    server: Arc<Server>,
    resource: Arc<Resource>,
    namespace: String,
    selection: Selection,
    form: Form,
    news: watch::Receiver<u64>,
    /// Everything up to here has been told.
    seen: u64,
    bookmarks: bool,
    next_bookmark: Instant,
    end: Instant,
    ready: VecDeque<Bytes>,
    over: bool,
    headed: bool,
    era: u64,
}

pub(crate) fn watch(call: &Call, target: &Target) -> Outcome<Answer> {
    let resource = Arc::clone(&target.resource);
    let selection = Selection::parse(&resource, &call.query)?;
    let bookmarks = call.query.flag("allowWatchBookmarks");
    let initial = call.query.get("sendInitialEvents").map(|_| call.query.flag("sendInitialEvents"));
    let rule = call.query.get("resourceVersionMatch");
    if initial.is_some() && rule != Some("NotOlderThan") {
        return Err(forbidden_rule(rule, initial.is_some()));
    }
    if initial.is_none() && rule.is_some() {
        return Err(forbidden_rule(rule, false));
    }
    let asked = call.query.revision()?.unwrap_or_default();
    let seconds = u64::try_from(call.query.number("timeoutSeconds")?.unwrap_or_default()).unwrap_or_default();
    // Without a limit of the client's, a real server picks one between half an hour and a whole one.
    let limit = if seconds == 0 { 1_800 + rand::random_range(0..1_800) } else { seconds };
    let now = Instant::now();
    let store = &call.server.store;
    // Subscribed before the first look, so that nothing falls between.
    let news = store.subscribe(&resource.table);
    let mut watch = Watch {
        server: Arc::clone(&call.server),
        namespace: target.namespace.clone(),
        form: call.form,
        seen: asked,
        next_bookmark: now + call.server.options.bookmark_every,
        end: now + Duration::from_secs(limit),
        ready: VecDeque::new(),
        over: false,
        headed: false,
        era: store.era(),
        resource,
        selection,
        news,
        bookmarks,
    };
    let wants_state = initial.unwrap_or(asked == 0);
    if wants_state {
        watch.tell_state(initial == Some(true));
    } else if asked == 0 {
        watch.seen = store.revision();
    } else if let Err(oldest) = store.reaches_back_to(&watch.resource.table, asked) {
        watch.expire(oldest);
    }
    Ok(respond::stream(chunks(watch)))
}

fn forbidden_rule(rule: Option<&str>, initial: bool) -> Failure {
    let why = if rule.is_none() || initial {
        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    } else {
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    };
    let cause = crate::error::Cause::forbidden("resourceVersionMatch", why);
    Failure::invalid_options("ListOptions", cause)
}

fn chunks(watch: Watch) -> impl Stream<Item = Bytes> + Send {
    stream::unfold(watch, |mut watch| async move {
        loop {
            if let Some(chunk) = watch.ready.pop_front() {
                return Some((chunk, watch));
            }
            if watch.over {
                return None;
            }
            watch.collect();
            if watch.ready.is_empty() {
                watch.wait().await;
            }
        }
    })
}

impl Watch {
    /// Waits for news, the next bookmark or the end.
    async fn wait(&mut self) {
        let bookmark = if self.bookmarks { self.next_bookmark.min(self.end) } else { self.end };
        tokio::select! {
            biased;
            changed = self.news.changed() => self.over |= changed.is_err(),
            () = sleep_until(bookmark) => {
                self.collect();
                if self.bookmarks {
                    self.bookmark(false);
                }
                self.next_bookmark = Instant::now() + self.server.options.bookmark_every;
                self.over |= Instant::now() >= self.end;
            }
        }
    }

    /// Tells what is there, as if it had just been added.
    fn tell_state(&mut self, with_end: bool) {
        let Ok(snapshot) = self.server.store.list(&self.resource.table, &self.namespace, None) else {
            return;
        };
        for object in &snapshot.objects {
            if self.selection.matches(&self.resource, object) {
                self.tell("ADDED", object);
            }
        }
        self.seen = snapshot.revision;
        if with_end && self.bookmarks {
            self.bookmark(true);
        }
    }

    /// Tells what happened since the last look, as much as can go out in one piece.
    fn collect(&mut self) {
        let store = &self.server.store;
        match store.events(&self.resource.table, self.seen).filter(|_| store.era() == self.era) {
            Some((events, seen)) => {
                for event in &events {
                    self.tell_event(event);
                }
                self.seen = seen;
            }
            None => self.expire(store.revision()),
        }
    }

    /// Says in the stream that the history is gone, as a real server does, and ends it.
    fn expire(&mut self, oldest: u64) {
        let status = Failure::expired(format!("too old resource version: {} ({oldest})", self.seen)).status();
        self.ready.push_back(line("ERROR", &status));
        self.over = true;
    }

    fn tell_event(&mut self, event: &Event) {
        if !self.namespace.is_empty() && event.object.key.namespace != self.namespace {
            return;
        }
        let matches = |object: &Arc<Object>| self.selection.matches(&self.resource, object);
        let before = event.previous.as_ref().is_some_and(matches);
        let after = event.change != Change::Deleted && matches(&event.object);
        match (before, after) {
            (false, false) => {}
            (false, true) => self.tell("ADDED", &event.object),
            (true, true) => self.tell("MODIFIED", &event.object),
            // It left the selection, or is gone: its last state that was in it, with the version of the change.
            (true, false) => {
                let gone = match &event.previous {
                    Some(previous) if event.change != Change::Deleted => {
                        Arc::new(previous.at(event.revision))
                    }
                    _ => Arc::clone(&event.object),
                };
                self.tell("DELETED", &gone);
            }
        }
    }

    fn tell(&mut self, kind: &str, object: &Object) {
        let chunk = match self.form {
            Form::Table => {
                let mut rows = table::of_one(&self.resource, &object.value(&self.resource));
                if self.headed {
                    rows["columnDefinitions"] = Value::Null;
                }
                self.headed = true;
                line(kind, &rows)
            }
            Form::Partial => line(kind, &super::partial(&object.value(&self.resource))),
            _ => {
                let mut out = format!("{{\"type\":\"{kind}\",\"object\":").into_bytes();
                object.write(&self.resource, &mut out);
                out.extend_from_slice(b"}\n");
                out.into()
            }
        };
        self.ready.push_back(chunk);
    }

    /// Tells up to which version everything has been told.
    fn bookmark(&mut self, initial_end: bool) {
        let mut object = match self.form {
            Form::Partial => json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1" }),
            _ => json!({ "kind": self.resource.kind, "apiVersion": self.resource.api_version() }),
        };
        object["metadata"] = json!({ "resourceVersion": self.seen.to_string(), "creationTimestamp": null });
        if initial_end {
            object["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        if self.form == Form::Table {
            object = table::bookmark(&object);
        }
        self.ready.push_back(line("BOOKMARK", &object));
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n").into()
}
