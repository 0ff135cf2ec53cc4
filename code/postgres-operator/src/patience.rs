//! Who waits after a watch has failed: its own stream, and no other.

use crate::api::Database;
use kube::runtime::{Controller, utils::Backoff};
use std::time::Duration;

/// No delay, however often it is asked for.
struct NoDelay;

impl Iterator for NoDelay {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}

impl Backoff for NoDelay {
    fn reset(&mut self) {}
}

/// For a controller whose streams back off by themselves. Its own backoff, by default, is one for all triggers together: a kind
/// that may not be watched would hold up the events of all others.
pub fn each_stream_waits_for_itself(controller: Controller<Database>) -> Controller<Database> {
    controller.trigger_backoff(NoDelay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::tests::database;
    use futures::{StreamExt, stream};
    use k8s_openapi::api::core::v1::Service;
    use kube::runtime::{
        controller::Action,
        reflector,
        utils::StreamBackoff,
        watcher::{self, DefaultBackoff, Event},
    };
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex},
    };
    use tokio::time::{Instant, sleep_until, timeout};

    #[tokio::test(start_paused = true)]
    async fn a_kind_that_may_not_be_watched_holds_up_no_other() {
        let start = Instant::now();
        let events = [100, 131, 170, 223, 290].map(|seconds| start + Duration::from_secs(seconds));
        let (store, mut writer) = reflector::store::<Database>();
        for event in [Event::Init, Event::InitApply(database()), Event::InitDone] {
            writer.apply_watcher_event(&event);
        }
        let databases = stream::iter(events).then(|at| async move {
            sleep_until(at).await;
            Ok(database())
        });
        let refused = stream::repeat_with(|| Err::<Service, _>(watcher::Error::NoResourceVersion));
        let refused = StreamBackoff::new(refused, DefaultBackoff::default());
        let passes = Arc::new(Mutex::new(Vec::new()));
        let controller =
            Controller::for_stream(databases.chain(stream::pending()), store).owns_stream(refused);
        let run = each_stream_waits_for_itself(controller).run(
            |_, passes: Arc<Mutex<Vec<Instant>>>| async move {
                passes.lock().unwrap().push(Instant::now());
                Ok::<_, Infallible>(Action::await_change())
            },
            |_, _, _| Action::await_change(),
            passes.clone(),
        );
        let _ = timeout(Duration::from_secs(400), run.for_each(|_| async {})).await;
        let late = passes.lock().unwrap().iter().zip(events).map(|(pass, event)| *pass - event).max();
        assert_eq!(passes.lock().unwrap().len(), events.len());
        assert!(late < Some(Duration::from_millis(100)), "a pass came {late:?} after its event");
    }
}
