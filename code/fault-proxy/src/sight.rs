//! What an operator gets to see of a cluster that it shares with others.

use crate::request::{Request, Verb};
use http::Uri;
use std::sync::{Mutex, PoisonError};

/// Label selectors that are added to lists and watches of every namespace, by resource.
#[derive(Debug, Default)]
pub(crate) struct Sight(Mutex<Vec<(String, String)>>);

impl Sight {
    pub(crate) fn narrow(&self, resource: &str, selector: &str) {
        let mut narrowed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        narrowed.push((resource.to_owned(), escape(selector)));
    }

    /// The address to ask for in place of the one that was asked for, if that is another.
    pub(crate) fn of(&self, request: &Request, uri: &Uri) -> Option<Uri> {
        let of_all = matches!(request.verb, Verb::List | Verb::Watch) && request.namespace.is_none();
        if !of_all {
            return None;
        }
        let narrowed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, selector) = narrowed.iter().find(|(resource, _)| *resource == request.resource)?;
        with_selector(uri, selector)
    }
}

fn with_selector(uri: &Uri, selector: &str) -> Option<Uri> {
    let mut pairs: Vec<String> = Vec::new();
    let mut all = selector.to_owned();
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        match pair.strip_prefix("labelSelector=") {
            Some("") => {}
            // A comma is an "and".
            Some(theirs) => all = format!("{theirs}%2C{all}"),
            None => pairs.push(pair.to_owned()),
        }
    }
    pairs.push(format!("labelSelector={all}"));
    format!("{}?{}", uri.path(), pairs.join("&")).parse().ok()
}

/// Of the characters that selectors are made of, those that mean something else in a query.
fn escape(selector: &str) -> String {
    selector
        .replace('%', "%25")
        .replace('=', "%3D")
        .replace(',', "%2C")
        .replace(' ', "%20")
        .replace('!', "%21")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use std::time::SystemTime;

    #[test]
    fn only_what_asks_for_every_namespace_is_narrowed() {
        let sight = Sight::default();
        sight.narrow("databases", "run=a,tier!=b");
        for (asked, expected) in [
            ("/apis/g/v1/databases?", Some("/apis/g/v1/databases?labelSelector=run%3Da%2Ctier%21%3Db")),
            (
                "/apis/g/v1/databases?watch=true&labelSelector=x%3Dy&limit=5",
                Some("/apis/g/v1/databases?watch=true&limit=5&labelSelector=x%3Dy%2Crun%3Da%2Ctier%21%3Db"),
            ),
            ("/apis/g/v1/namespaces/shop/databases", None),
            ("/apis/g/v1/namespaces/shop/databases/orders", None),
            ("/api/v1/secrets", None),
        ] {
            let uri: Uri = asked.parse().unwrap();
            let request = Request::read(&Method::GET, &uri, SystemTime::UNIX_EPOCH);
            assert_eq!(sight.of(&request, &uri).map(|uri| uri.to_string()).as_deref(), expected, "{asked}");
        }
    }
}
