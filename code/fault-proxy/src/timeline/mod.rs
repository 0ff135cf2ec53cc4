//! What an operator was told, read and wrote, in order: the log as something to read.

mod html;
mod page;
mod text;

pub use html::html;
pub use text::text;

use crate::{
    change::{Change, ChangeKind},
    fault::EventType,
    log::WatchEvent,
    request::{Request, Verb},
};
use std::time::{Duration, SystemTime};

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// What watches told.
    Told,
    /// What was asked for.
    Read,
    /// What was written.
    Written,
}

impl Lane {
    const ALL: [Self; 3] = [Self::Told, Self::Read, Self::Written];

    fn name(self) -> &'static str {
        match self {
            Self::Told => "watch events in",
            Self::Read => "reads",
            Self::Written => "writes",
        }
    }
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// When, since the first.
    at: Duration,
    lane: Lane,
    verb: String,
    resource: String,
    /// Namespace and name.
    object: String,
    /// What came of it: a status, a version.
    outcome: String,
    refused: bool,
    fault: Option<String>,
    changes: Vec<String>,
    /// How often the same came, one right after the other.
    times: usize,
    until: Duration,
}

/// Requests and events in the order of their times.
fn entries(requests: &[Request], events: &[WatchEvent]) -> Vec<Entry> {
    let times = requests.iter().map(|it| it.at).chain(events.iter().map(|it| it.at));
    let Some(start) = times.min() else { return Vec::new() };
    let mut entries: Vec<Entry> = requests.iter().map(|it| of_request(it, start)).collect();
    entries.extend(events.iter().map(|it| of_event(it, start)));
    entries.sort_by_key(|entry| entry.at);
    let mut merged: Vec<Entry> = Vec::new();
    for entry in entries {
        match merged.last_mut().filter(|last| last.says_the_same_as(&entry)) {
            Some(last) => (last.times, last.until) = (last.times + 1, entry.at),
            None => merged.push(entry),
        }
    }
    merged
}

impl Entry {
    /// Whether the other one tells a reader nothing new. Every change does, and every event.
    fn says_the_same_as(&self, other: &Self) -> bool {
        let plain =
            |entry: &Self| (entry.changes.is_empty() && entry.lane != Lane::Told, entry.fault.is_none());
        let words =
            |entry: &Self| [&entry.verb, &entry.resource, &entry.object, &entry.outcome].map(Clone::clone);
        plain(self) == (true, true) && plain(other) == (true, true) && words(self) == words(other)
    }

    /// In words, without the time.
    fn line(&self) -> String {
        let words = [&self.verb, &self.resource, &self.object, &self.outcome];
        let words: Vec<&str> =
            words.into_iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
        words.join(" ")
    }
}

fn of_request(request: &Request, start: SystemTime) -> Entry {
    let at = request.at.duration_since(start).unwrap_or_default();
    let changes = request.change.as_ref().map(changes).unwrap_or_default();
    let answer = match request.status {
        0 => "no answer".to_owned(),
        status => status.to_string(),
    };
    let without_effect = request.verb.writes()
        && (200..300).contains(&request.status)
        && !request.committed()
        && !request.resource.contains('/');
    let outcome = if without_effect { format!("{answer}, no change") } else { answer };
    Entry {
        at,
        lane: if request.verb.writes() { Lane::Written } else { Lane::Read },
        verb: request.verb.to_string(),
        resource: if is_discovery(request) { "discovery".into() } else { request.resource.clone() },
        object: object(request.namespace.as_deref(), request.name.as_deref()),
        outcome,
        refused: is_refusal(request),
        fault: request.fault.clone(),
        changes,
        times: 1,
        until: at,
    }
}

/// Whether it asks which kinds there are and what version the API server has: some clients do so at every start, for each group.
fn is_discovery(request: &Request) -> bool {
    request.verb == Verb::Get && request.name.is_none()
}

/// An object that is not there is an answer like others.
fn is_refusal(request: &Request) -> bool {
    let not_there = request.status == 404 && !request.verb.writes();
    request.status == 0 || (request.status >= 400 && !not_there)
}

fn of_event(event: &WatchEvent, start: SystemTime) -> Entry {
    let at = event.at.duration_since(start).unwrap_or_default();
    Entry {
        at,
        lane: Lane::Told,
        verb: event.event.to_string(),
        resource: event.resource.clone(),
        object: object(event.namespace.as_deref(), event.name.as_deref()),
        outcome: event.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default(),
        refused: event.event == EventType::Error,
        fault: (!event.delivered).then(|| "dropped".to_owned()),
        changes: Vec::new(),
        times: 1,
        until: at,
    }
}

fn object(namespace: Option<&str>, name: Option<&str>) -> String {
    [namespace, name].into_iter().flatten().collect::<Vec<_>>().join("/")
}

fn changes(change: &Change) -> Vec<String> {
    let line = |field: &crate::diff::FieldChange| match (&field.old, &field.new) {
        (None, Some(new)) => format!("+ {} {new}", field.path),
        (Some(old), None) => format!("- {} {old}", field.path),
        (old, new) => {
            let or_null = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".into());
            format!("~ {} {} → {}", field.path, or_null(old), or_null(new))
        }
    };
    let mut lines: Vec<String> = change.fields.iter().map(line).collect();
    if change.omitted > 0 {
        lines.push(format!("… and {} more fields", change.omitted));
    }
    match (change.kind, lines.is_empty()) {
        (ChangeKind::Deleted, _) => vec!["the object is gone".into()],
        (_, true) => vec!["a new version, no field differs".into()],
        _ => lines,
    }
}

/// A time of a timeline.
fn seconds(at: Duration) -> String {
    format!("{:.3}", at.as_secs_f64())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::diff::FieldChange;
    use http::Method;

    /// A log with one of each: told, read, written, refused, without effect, lost, dropped.
    pub(crate) fn example() -> (Vec<Request>, Vec<WatchEvent>) {
        let start = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        let request = |millis: u64, method: &Method, path: &str, status: u16| {
            let mut request =
                Request::read(method, &path.parse().unwrap(), start + Duration::from_millis(millis));
            request.status = status;
            request
        };
        let databases = "/apis/database.example.com/v1/namespaces/shop/databases";
        let sets = "/apis/apps/v1/namespaces/shop/statefulsets/orders";
        let mut requests = vec![
            request(0, &Method::GET, "/version", 200),
            request(10, &Method::GET, "/apis/apps/v1", 200),
            request(20, &Method::GET, &format!("{databases}?watch=true"), 200),
            request(200, &Method::GET, sets, 404),
            request(300, &Method::PATCH, sets, 200),
            request(400, &Method::PATCH, &format!("{databases}/orders/status"), 409),
            request(500, &Method::PATCH, sets, 200),
            request(600, &Method::GET, sets, 200),
            request(1600, &Method::GET, sets, 200),
            request(2600, &Method::GET, sets, 200),
            request(2700, &Method::DELETE, sets, 200),
        ];
        let field = |path: &str, old: Option<&str>, new: Option<&str>| FieldChange {
            path: path.into(),
            old: old.map(Into::into),
            new: new.map(Into::into),
        };
        let fields = [field(".spec.replicas", Some("1"), Some("3")), field(".spec.a", None, Some("\"<b>\""))];
        requests[4].change = Some(Change { kind: ChangeKind::Changed, fields: fields.into(), omitted: 2 });
        requests[4].fault = Some("lose the response".into());
        requests[10].change = Some(Change { kind: ChangeKind::Deleted, fields: [].into(), omitted: 0 });
        let event = |millis: u64, event: EventType, delivered: bool| WatchEvent {
            at: start + Duration::from_millis(millis),
            event,
            resource: "databases".into(),
            namespace: Some("shop".into()),
            name: Some("orders".into()),
            version: Some("7".into()),
            delivered,
        };
        (requests, vec![event(100, EventType::Added, true), event(650, EventType::Modified, false)])
    }

    #[test]
    fn entries_are_in_order_and_what_repeats_is_told_once() {
        let (requests, events) = example();
        let entries = entries(&requests, &events);
        let told: Vec<_> = entries.iter().map(|it| (seconds(it.at), it.line(), it.times)).collect();
        let told: Vec<_> =
            told.iter().map(|(at, line, times)| (at.as_str(), line.as_str(), *times)).collect();
        assert_eq!(
            told,
            [
                ("0.000", "get discovery 200", 2),
                ("0.020", "watch databases shop 200", 1),
                ("0.100", "ADDED databases shop/orders @7", 1),
                ("0.200", "get statefulsets shop/orders 404", 1),
                ("0.300", "patch statefulsets shop/orders 200", 1),
                ("0.400", "patch databases/status shop/orders 409", 1),
                ("0.500", "patch statefulsets shop/orders 200, no change", 1),
                ("0.600", "get statefulsets shop/orders 200", 1),
                ("0.650", "MODIFIED databases shop/orders @7", 1),
                ("1.600", "get statefulsets shop/orders 200", 2),
                ("2.700", "delete statefulsets shop/orders 200", 1),
            ]
        );
        assert_eq!(super::entries(&[], &[]), []);
    }
}
