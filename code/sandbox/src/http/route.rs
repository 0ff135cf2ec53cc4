//! What a path means.

use crate::{
    error::{Failure, Outcome},
    registry::{Registry, Resource},
};
use http::Method;
use std::sync::Arc;

/// What a request does, in the words of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// A resource's path.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) resource: Arc<Resource>,
    /// Empty for cluster-scoped objects and for lists over all namespaces.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    Resource(Target),
    /// A review: a resource that can only be created, and that nothing keeps.
    Review {
        group: String,
        plural: String,
        namespace: String,
    },
    /// Anything else: discovery, health, OpenAPI.
    Path(Vec<String>),
}

const REVIEWS: [(&str, &str); 5] = [
    ("authorization.k8s.io", "localsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
    ("authentication.k8s.io", "selfsubjectreviews"),
];

impl Route {
    pub(crate) fn find(path: &str, registry: &Registry) -> Outcome<Self> {
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let texts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match texts[..] {
            ["api", "v1", ref rest @ ..] if !rest.is_empty() => ("", "v1", rest),
            ["apis", group, version, ref rest @ ..] if !rest.is_empty() => (group, version, rest),
            _ => return Ok(Self::Path(parts)),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..]
                if !rest.is_empty() && (!group.is_empty() || !matches!(rest, ["status" | "finalize"])) =>
            {
                (*namespace, rest)
            }
            rest => ("", rest),
        };
        let [plural, rest @ ..] = rest else { return Err(Failure::no_such_path()) };
        if version == "v1" && rest.is_empty() && REVIEWS.contains(&(group, *plural)) {
            let (group, plural) = (group.to_owned(), (*plural).to_owned());
            return Ok(Self::Review { group, plural, namespace: namespace.to_owned() });
        }
        let resource = registry.find(group, version, plural);
        let resource = resource.ok_or_else(|| {
            let known = registry.all().keys().any(|(own, at, _)| own == group && at == version);
            if known { Failure::no_such_path() } else { Failure::no_such_page() }
        })?;
        let (name, subresource) = match rest {
            [] => ("", String::new()),
            [name] => (*name, String::new()),
            [name, subresource @ ..] => (*name, subresource.join("/")),
        };
        // A namespaced object has its namespace in the path, a cluster-scoped one has none.
        if resource.namespaced == namespace.is_empty() && !(resource.namespaced && name.is_empty()) {
            return Err(Failure::no_such_path());
        }
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Ok(Self::Resource(Target { resource, namespace, name, subresource }))
    }
}

impl Target {
    pub(crate) fn verb(&self, method: &Method, watch: bool) -> Outcome<Verb> {
        let one = !self.name.is_empty();
        Ok(match (method, one) {
            (&Method::GET | &Method::HEAD, true) => Verb::Get,
            (&Method::GET | &Method::HEAD, false) if watch => Verb::Watch,
            (&Method::GET | &Method::HEAD, false) => Verb::List,
            (&Method::POST, false) => Verb::Create,
            (&Method::POST, true) if !self.subresource.is_empty() => Verb::Create,
            (&Method::PUT, true) => Verb::Update,
            (&Method::PATCH, true) => Verb::Patch,
            (&Method::DELETE, true) => Verb::Delete,
            (&Method::DELETE, false) => Verb::DeleteCollection,
            _ => return Err(Failure::method_not_allowed()),
        })
    }
}

fn decoded(part: &str) -> String {
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| part.get(at + 1..at + 3)).flatten();
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_resources() {
        let registry = Registry::new();
        for (path, expected) in [
            ("/api/v1/pods", "pods ns= name= sub="),
            ("/api/v1/namespaces/a/pods/b", "pods ns=a name=b sub="),
            ("/api/v1/namespaces/a/pods/b/log", "pods ns=a name=b sub=log"),
            ("/api/v1/namespaces/a", "namespaces ns= name=a sub="),
            ("/api/v1/namespaces/a/status", "namespaces ns= name=a sub=status"),
            ("/api/v1/namespaces", "namespaces ns= name= sub="),
            ("/apis/apps/v1/namespaces/a/statefulsets/b/scale", "statefulsets ns=a name=b sub=scale"),
            ("/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Ab", "clusterroles ns= name=a:b sub="),
            ("/apis/apps/v1/statefulsets/b", "none"),
            ("/api/v1/namespaces/a/nodes", "none"),
            ("/apis/apps/v1/wheels", "none"),
            ("/apis/apps/v1", "path"),
        ] {
            let found = match Route::find(path, &registry) {
                Ok(Route::Resource(t)) => {
                    format!("{} ns={} name={} sub={}", t.resource.plural, t.namespace, t.name, t.subresource)
                }
                Ok(_) => "path".to_owned(),
                Err(_) => "none".to_owned(),
            };
            assert_eq!(found, expected, "{path}");
        }
    }
}
