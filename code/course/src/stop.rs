//! The end that a person asks for: Ctrl-C, or SIGTERM. Whoever leaves something in a cluster hears of it and takes that away first.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// What is told of work that somebody has ended.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// Whether somebody has asked for the end. Clones hear of it together, and it stays so.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens to signals from now on. They do not end the process any more: whoever has this looks at it.
    pub(crate) fn at_a_signal() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("cannot listen to signals: {error}"));
        let (mut interrupt, mut terminate) =
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let (ask, asked) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            ask.send_replace(true);
            // Later signals say nothing new. Without a sender nobody could wait for the first one.
            ask.closed().await;
        });
        Ok(Self(asked))
    }

    /// For work that leaves nothing behind: a signal ends the process, as ever.
    pub(crate) fn never() -> Self {
        Self(watch::channel(false).1)
    }

    /// Whether somebody has asked.
    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until somebody asks.
    pub(crate) async fn asked(&self) {
        if self.0.clone().wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Does some work, or drops it when somebody asks.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        tokio::select! {
            biased;
            () = self.asked() => Err(INTERRUPTED.to_owned()),
            done = work => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_when_somebody_asks_and_none_begins_after_that() {
        let (ask, asked) = watch::channel(false);
        let stop = Stop(asked);
        assert_eq!(stop.or(async { Ok(1) }).await, Ok(1));
        let endless = tokio::spawn({
            let stop = stop.clone();
            async move { stop.or(std::future::pending::<Result<(), String>>()).await }
        });
        ask.send_replace(true);
        assert_eq!(endless.await.unwrap(), Err(INTERRUPTED.to_owned()));
        assert!(stop.is_asked());
        assert_eq!(stop.or(async { Ok(1) }).await, Err(INTERRUPTED.to_owned()));
    }
}
