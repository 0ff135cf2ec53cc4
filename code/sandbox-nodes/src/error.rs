//! What can go wrong between a controller and the API server.

/// A request that failed, and what it was for.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}")]
pub(crate) struct Error {
    what: String,
    // Not boxed by itself: whoever looks for a kube::Error finds it here.
    source: kube::Error,
}

impl Error {
    /// Whether the object changed under the writer's hands: not worth a word, the next pass sees the change.
    pub(crate) fn is_race(&self) -> bool {
        matches!(&self.source, kube::Error::Api(status) if matches!(status.code, 404 | 409))
    }
}

/// Says what a request was for.
pub(crate) trait During<T> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> During<T> for Result<T, kube::Error> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error { what: what(), source })
    }
}

/// Takes "it is not there" as done: for deletes.
pub(crate) fn gone_is_fine<T>(result: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match result {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes "it is there already" as done: for what is made under a name that says all about it.
pub(crate) fn there_is_fine<T>(result: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match result {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(()),
        Err(error) => Err(error),
    }
}

/// The whole chain of an error in one line. Of the API server's refusal, its message says it all.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(kube::Error::Api(status)) = error.downcast_ref() {
        return status.message.clone();
    }
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
