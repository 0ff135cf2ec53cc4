//! What the API server said to a write.

use crate::{apply::Live, blocked::Blocked, error::Error, expectations::version, external::login::Login};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::core::Status;
use std::sync::Arc;

/// How a write ended.
pub enum Written {
    /// It holds now.
    Done {
        /// Kind and name.
        what: String,
        /// What the API server has now.
        answer: Answer,
    },
    /// The API server said no, or the name is somebody else's.
    Refused(Blocked),
}

/// The object that a write left behind, where a later decision of the same pass looks at it.
pub enum Answer {
    /// The credentials.
    Credentials(Arc<Secret>),
    /// An applied child, and whether it is what is desired: somebody may have changed it on its way.
    Child {
        /// As it is now.
        live: Live,
        /// Whether there is nothing more to do about it.
        holds: bool,
    },
    /// A pod with its new label.
    Pod(Arc<Pod>),
    /// A volume claim and the size that it asks for now.
    Claim(String, String),
    /// The password is another one: the login has to be tried again.
    Password,
    /// The server said nothing, so the password is what it was.
    NoPassword(Login),
}

impl Answer {
    /// Version of a child that the caches will show.
    pub(super) fn version(&self) -> Option<u64> {
        match self {
            Self::Credentials(secret) => version(&secret.metadata),
            Self::Child { live, .. } => version(live.metadata()),
            Self::Pod(_) | Self::Claim(..) | Self::Password | Self::NoPassword(_) => None,
        }
    }
}

/// Sorts an answer: done, refused for a reason that the status should give, or an error of this pass alone.
pub fn written(kind: &str, name: &str, answer: Result<Answer, kube::Error>) -> Result<Written, Error> {
    let what = format!("{kind} {name}");
    match answer {
        Ok(answer) => Ok(Written::Done { what, answer }),
        Err(kube::Error::Api(status)) if is_stale(&status) => Err(Error::Stale { what }),
        Err(kube::Error::Api(status)) => {
            tracing::warn!(%what, reason = status.reason, answer = status.message, "refused");
            Ok(Written::Refused(Blocked::refused(kind, name, &status)))
        }
        Err(source) => Err(Error::Write { what, source }),
    }
}

/// Whether a write was refused because it was decided on something old. Somebody was faster, perhaps an earlier pass whose write
/// the cache does not show yet; or another object has taken the name since. To a UID of which there is no object the API server
/// answers 409, and 422 to one that is not the object's own: to it that is an attempt to change it.
pub fn is_stale(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.is_conflict()
        || status.is_already_exists()
        || status.code == 422 && causes.any(|cause| cause.field == "metadata.uid")
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
