//! The last answer to each list, kept for the fault that replays it.

use crate::request::{Request, Verb, parameters};
use http::Uri;
use hyper::body::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// So many lists are remembered, of at most [`LONGEST`] bytes each.
const REMEMBERED: usize = 32;
const LONGEST: usize = 8 << 20;

#[derive(Debug, Default)]
pub(crate) struct Lists(Mutex<BTreeMap<String, Bytes>>);

/// What tells one list from another: the address without what says how old an answer may be or which page it is.
pub(crate) fn key(request: &Request, uri: &Uri) -> Option<String> {
    let later_page = parameters(uri).any(|(name, value)| name == "continue" && !value.is_empty());
    if request.verb != Verb::List || later_page {
        return None;
    }
    let aside = ["resourceVersion", "resourceVersionMatch", "continue", "timeout", "timeoutSeconds"];
    let kept = parameters(uri).filter(|(name, _)| !aside.contains(name));
    let mut kept: Vec<String> = kept.map(|(name, value)| format!("{name}={value}")).collect();
    kept.sort();
    Some(format!("{}?{}", uri.path(), kept.join("&")))
}

impl Lists {
    pub(crate) fn remember(&self, key: String, answer: Bytes) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.len() <= LONGEST && (lists.len() < REMEMBERED || lists.contains_key(&key)) {
            lists.insert(key, answer);
        }
    }

    pub(crate) fn recall(&self, key: &str) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use std::time::SystemTime;

    #[test]
    fn a_list_is_known_by_its_selectors_and_not_by_its_version_or_page() {
        for (address, expected) in [
            ("/api/v1/pods?limit=500&labelSelector=a", Some("/api/v1/pods?labelSelector=a&limit=500")),
            (
                "/api/v1/pods?resourceVersion=0&limit=500&labelSelector=a",
                Some("/api/v1/pods?labelSelector=a&limit=500"),
            ),
            ("/api/v1/pods?limit=500&continue=x", None),
            ("/api/v1/pods?watch=true", None),
            ("/api/v1/namespaces/shop/pods/a", None),
        ] {
            let uri = address.parse().unwrap();
            let request = Request::read(&Method::GET, &uri, SystemTime::UNIX_EPOCH);
            assert_eq!(key(&request, &uri).as_deref(), expected, "{address}");
        }
    }
}
