//! What a request asks of the API server, read from its method and address.

use crate::change::Change;
use http::{Method, Uri, header, request::Parts};
use serde::Serialize;
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// One request and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// When it came.
    pub at: SystemTime,
    /// What it does.
    pub verb: Verb,
    /// API group; empty for the core group.
    pub group: String,
    /// Plural of the kind, with the subresource: `databases/status`. For addresses that name no resource, the path.
    pub resource: String,
    /// Namespace, if it names one.
    pub namespace: Option<String>,
    /// Object, if it names one; of one that is created, the name that it gets.
    pub name: Option<String>,
    /// Whether it asks for metadata only.
    pub metadata_only: bool,
    /// Whether it asks for what a label selector selects.
    pub selects: bool,
    /// HTTP status of the answer; 0 for none. Where a fault lost the answer, the one that was lost.
    pub status: u16,
    /// Time until the answer began.
    pub took: Duration,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// What a committed write did to its object. A write that was refused, that changed nothing or that was a dry run has none.
    pub change: Option<Change>,
    /// The fault that it met.
    pub fault: Option<String>,
}

/// The verbs of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read many.
    List,
    /// Follow changes.
    Watch,
    /// Make an object.
    Create,
    /// Replace an object.
    Update,
    /// Change an object.
    Patch,
    /// Delete an object.
    Delete,
    /// Delete many.
    DeleteCollection,
}

impl Verb {
    /// Whether it may change something.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        self.name.iter().try_for_each(|name| write!(f, " {name}"))?;
        match self.status {
            0 => f.write_str(" → no answer"),
            status => write!(f, " → {status}"),
        }
    }
}

/// The parameters of an address.
pub(crate) fn parameters(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    let query = uri.query().unwrap_or_default();
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

impl Request {
    /// Whether it changed something in the API server's store.
    pub fn committed(&self) -> bool {
        self.change.is_some()
    }

    /// Reads a request that has come in. `body` tells the name of an object to be created.
    pub(crate) fn of(head: &Parts, body: &[u8], at: SystemTime) -> Self {
        let mut request = Self::read(&head.method, &head.uri, at);
        let agent = head.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        request.user_agent = agent.map(str::to_owned);
        let accepted = head.headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
        request.metadata_only =
            accepted.is_some_and(|accepted| accepted.contains("as=PartialObjectMetadata"));
        if request.verb == Verb::Create && request.name.is_none() {
            let object: Option<Named> = serde_json::from_slice(body).ok();
            request.name = object.and_then(|object| object.metadata.name);
        }
        request
    }

    /// Reads method and address as the API server does:
    /// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris>.
    pub(crate) fn read(method: &Method, uri: &Uri, at: SystemTime) -> Self {
        let path = uri.path().trim_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => ("", &[] as &[&str]),
        };
        let (namespace, rest) = match rest {
            // A namespace is an object too: /api/v1/namespaces/NAME names it, a longer path is inside it.
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let (resource, name) = match rest {
            [] => (path.to_owned(), None),
            [resource] => ((*resource).to_owned(), None),
            [resource, name] => ((*resource).to_owned(), Some(*name)),
            [resource, name, sub @ ..] => (format!("{resource}/{}", sub.join("/")), Some(*name)),
        };
        let watches =
            parameters(uri).any(|(name, value)| name == "watch" && matches!(value, "" | "true" | "1"));
        let selects = parameters(uri).any(|(name, value)| name == "labelSelector" && !value.is_empty());
        let verb = match (method, name.is_some()) {
            (&Method::POST, _) => Verb::Create,
            (&Method::PUT, _) => Verb::Update,
            (&Method::PATCH, _) => Verb::Patch,
            (&Method::DELETE, true) => Verb::Delete,
            (&Method::DELETE, false) => Verb::DeleteCollection,
            _ if watches => Verb::Watch,
            (_, true) => Verb::Get,
            (_, false) if rest.is_empty() => Verb::Get,
            (_, false) => Verb::List,
        };
        Self {
            at,
            verb,
            group: group.to_owned(),
            resource,
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            metadata_only: false,
            selects,
            status: 0,
            took: Duration::ZERO,
            user_agent: None,
            change: None,
            fault: None,
        }
    }
}

/// The part of an object that names it.
#[derive(serde::Deserialize)]
struct Named {
    metadata: Name,
}

#[derive(serde::Deserialize)]
struct Name {
    name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_rbac_reads_them() {
        for (method, uri, verb, group, resource, namespace, name) in [
            (Method::GET, "/api/v1/pods?limit=5", Verb::List, "", "pods", None, None),
            (
                Method::GET,
                "/api/v1/namespaces/shop/pods?watch=true&limit=5",
                Verb::Watch,
                "",
                "pods",
                Some("shop"),
                None,
            ),
            (Method::GET, "/api/v1/namespaces/shop", Verb::Get, "", "namespaces", None, Some("shop")),
            (
                Method::GET,
                "/api/v1/namespaces/shop/secrets/a",
                Verb::Get,
                "",
                "secrets",
                Some("shop"),
                Some("a"),
            ),
            (
                Method::POST,
                "/apis/apps/v1/namespaces/shop/statefulsets",
                Verb::Create,
                "apps",
                "statefulsets",
                Some("shop"),
                None,
            ),
            (
                Method::PATCH,
                "/apis/database.example.com/v1/namespaces/shop/databases/a/status?fieldManager=x",
                Verb::Patch,
                "database.example.com",
                "databases/status",
                Some("shop"),
                Some("a"),
            ),
            (
                Method::DELETE,
                "/apis/apps/v1/namespaces/shop/statefulsets/a",
                Verb::Delete,
                "apps",
                "statefulsets",
                Some("shop"),
                Some("a"),
            ),
            (
                Method::DELETE,
                "/api/v1/namespaces/shop/pods",
                Verb::DeleteCollection,
                "",
                "pods",
                Some("shop"),
                None,
            ),
            (Method::GET, "/version", Verb::Get, "", "version", None, None),
            (Method::GET, "/apis", Verb::Get, "", "apis", None, None),
        ] {
            let read = Request::read(&method, &uri.parse().unwrap(), SystemTime::UNIX_EPOCH);
            let found = (
                read.verb,
                read.group.as_str(),
                read.resource.as_str(),
                read.namespace.as_deref(),
                read.name.as_deref(),
            );
            assert_eq!(found, (verb, group, resource, namespace, name), "{method} {uri}");
        }
    }
}
