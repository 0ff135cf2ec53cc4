//! What can go wrong in a pass, named after the operation that failed.

use std::time::Duration;

/// An error of one pass. It is logged and the pass is tried again; nothing of it reaches the status.
///
/// What a user can act on is not an error but a [`Blocked`](crate::blocked::Blocked), which the status reports.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A read failed. It never means that the object is not there.
    #[error("cannot read {what}")]
    Read {
        /// Kind and name.
        what: String,
        /// The client's error.
        #[source]
        source: kube::Error,
    },
    /// A write failed before the API server answered: it may have happened or not.
    #[error("cannot write {what}")]
    Write {
        /// Kind and name.
        what: String,
        /// The client's error.
        #[source]
        source: kube::Error,
    },
    /// The pass decided on an object that has changed since. The next one sees the newer object.
    #[error("{what} has changed since it was read")]
    Stale {
        /// Kind and name.
        what: String,
    },
    /// An object cannot be turned into JSON or back.
    #[error("cannot convert {what}")]
    Convert {
        /// Kind and name.
        what: String,
        /// The serializer's error.
        #[source]
        source: serde_json::Error,
    },
    /// The backup store.
    #[error("the backup store")]
    Store {
        /// How it went.
        #[source]
        source: Box<crate::external::store::StoreError>,
    },
    /// A pass went on longer than any way through the phases is.
    #[error("the pass found ever more to do")]
    Unsettled,
    /// A cache that the pass needs has not been filled in time.
    #[error("the watch caches are not filled after {} s", .0.as_secs())]
    CachesNotReady(Duration),
    /// The pass took longer than it may.
    #[error("the pass took longer than {} s and was given up", .0.as_secs())]
    Timeout(Duration),
    /// The pass panicked. The other objects go on.
    #[error("the pass panicked: {0}")]
    Panicked(String),
}

impl Error {
    /// The kind of error in one word, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::Stale { .. } => "stale",
            Self::Convert { .. } => "convert",
            Self::Store { .. } => "store",
            Self::Unsettled => "unsettled",
            Self::CachesNotReady(_) => "caches",
            Self::Timeout(_) => "timeout",
            Self::Panicked(_) => "panic",
        }
    }

    /// From the answer to a write: a conflict, or an object that is gone, means that the pass decided on an old one.
    pub fn from_write(what: String, source: kube::Error) -> Self {
        match source {
            kube::Error::Api(status) if matches!(status.code, 404 | 409) => Self::Stale { what },
            source => Self::Write { what, source },
        }
    }
}

/// An error with its sources on one line. The API server's answers are told in its own words, where kube would add all of
/// their fields as debug output.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let answer = match error.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) if !status.message.is_empty() => Some(status.message.clone()),
            _ => None,
        };
        next = if answer.is_some() { None } else { error.source() };
        let words = answer.unwrap_or_else(|| error.to_string());
        // Some errors repeat their source's text in their own; once is enough.
        if !text.contains(&words) {
            text = if text.is_empty() { words } else { format!("{text}: {words}") };
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_to_an_object_that_has_changed_or_gone_is_no_failure() {
        for (code, expected) in [(409, "stale"), (404, "stale"), (403, "write"), (500, "write")] {
            let status = kube::core::Status { code, ..Default::default() };
            let error = Error::from_write("Service a".into(), kube::Error::Api(Box::new(status)));
            assert_eq!(error.reason(), expected, "{code}");
        }
    }

    #[test]
    fn an_answer_of_the_api_server_is_told_in_its_own_words() {
        let status = kube::core::Status { message: "quota exceeded".into(), code: 403, ..Default::default() };
        let error = Error::Write { what: "Service a".into(), source: kube::Error::Api(Box::new(status)) };
        assert_eq!(chain(&error), "cannot write Service a: quota exceeded");
    }
}
