//! What the lessons say of kube itself, seen happening. A new version of kube that behaves otherwise fails here, and then the
//! sentence has to go.

#![allow(missing_docs)]

use futures::{StreamExt, future::join_all, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::{
    Api, Client, Config,
    runtime::{
        Controller, WatchStreamExt,
        controller::Action,
        reflector,
        watcher::{self, Event},
    },
};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{Instant, sleep, sleep_until, timeout},
};

fn config_map(name: &str) -> ConfigMap {
    let mut object = ConfigMap::default();
    object.metadata.name = Some(name.into());
    object.metadata.namespace = Some("shop".into());
    object
}

/// A store with these objects.
fn stored(names: &[&str]) -> (reflector::Store<ConfigMap>, reflector::store::Writer<ConfigMap>) {
    let (store, mut writer) = reflector::store();
    writer.apply_watcher_event(&Event::Init);
    for name in names {
        writer.apply_watcher_event(&Event::InitApply(config_map(name)));
    }
    writer.apply_watcher_event(&Event::InitDone);
    (store, writer)
}

/// Starts and ends of passes, by object.
type Passes = Arc<Mutex<Vec<(String, Instant, Instant)>>>;

async fn ten_seconds(object: Arc<ConfigMap>, passes: Arc<Passes>) -> Result<Action, Infallible> {
    let started = Instant::now();
    sleep(Duration::from_secs(10)).await;
    let name = object.metadata.name.clone().unwrap_or_default();
    passes.lock().unwrap().push((name, started, Instant::now()));
    Ok(Action::await_change())
}

#[tokio::test(start_paused = true)]
async fn passes_over_one_object_never_overlap_and_those_over_two_do() {
    let (store, _writer) = stored(&["a", "b"]);
    let start = Instant::now();
    let events =
        [("a", 0), ("b", 0), ("a", 3)].map(|(name, second)| (name, start + Duration::from_secs(second)));
    let events = stream::iter(events).then(|(name, at)| async move {
        sleep_until(at).await;
        Ok(config_map(name))
    });
    let passes = Passes::default();
    let controller = Controller::for_stream(events.chain(stream::pending()), store).run(
        ten_seconds,
        |_, _: &Infallible, _| Action::await_change(),
        Arc::new(passes.clone()),
    );
    let _ = timeout(Duration::from_mins(1), controller.for_each(|_| async {})).await;
    let passes = passes.lock().unwrap().clone();
    let of = |name: &str| passes.iter().filter(|pass| pass.0 == name).cloned().collect::<Vec<_>>();
    let (a, b) = (of("a"), of("b"));
    assert_eq!((a.len(), b.len()), (2, 1));
    assert!(a[1].1 >= a[0].2, "the second pass over a begins after the first has ended");
    assert!(b[0].1 < a[0].2, "b does not wait for a");
}

#[tokio::test(start_paused = true)]
async fn a_controller_waits_for_its_own_store_before_the_first_pass() {
    let (store, mut writer) = reflector::store::<ConfigMap>();
    let passes = Passes::default();
    let events = stream::iter([Ok(config_map("a"))]).chain(stream::pending());
    let controller = Controller::for_stream(events, store).run(
        ten_seconds,
        |_, _: &Infallible, _| Action::await_change(),
        Arc::new(passes.clone()),
    );
    let mut controller = std::pin::pin!(controller.for_each(|_| async {}));
    let _ = timeout(Duration::from_mins(1), &mut controller).await;
    assert!(passes.lock().unwrap().is_empty());
    for event in [Event::Init, Event::InitApply(config_map("a")), Event::InitDone] {
        writer.apply_watcher_event(&event);
    }
    let _ = timeout(Duration::from_mins(1), &mut controller).await;
    assert_eq!(passes.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_several_that_wait_for_a_store_at_the_same_time_the_last_one_alone_is_woken() {
    let (store, mut writer) = reflector::store::<ConfigMap>();
    let waiting = (0..3).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            // The timer looks once more when it is over, and finds that the store is ready.
            let _ = timeout(Duration::from_mins(1), store.wait_until_ready()).await;
            Instant::now()
        })
    });
    let (waiting, start): (Vec<_>, _) = (waiting.collect(), Instant::now());
    tokio::task::yield_now().await;
    writer.apply_watcher_event(&Event::InitDone);
    let ends = join_all(waiting).await.into_iter();
    let after: Vec<u64> = ends.map(|end| (end.unwrap() - start).as_secs()).collect();
    assert_eq!(after, [60, 60, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_may_not_be_watched_holds_up_the_others_by_default() {
    let (store, _writer) = stored(&["a"]);
    let start = Instant::now();
    // The delay is random. That ten events all come at a lucky moment is not to be expected.
    let events: Vec<Instant> = (1..=10).map(|hundred| start + Duration::from_secs(hundred * 100)).collect();
    let seen = stream::iter(events.clone()).then(|at| async move {
        sleep_until(at).await;
        Ok(config_map("a"))
    });
    let refused = stream::repeat_with(|| Err::<Service, _>(watcher::Error::NoResourceVersion));
    let starts = Arc::new(Mutex::new(Vec::new()));
    let controller = Controller::for_stream(seen.chain(stream::pending()), store).owns_stream(refused).run(
        |_, starts: Arc<Mutex<Vec<Instant>>>| async move {
            starts.lock().unwrap().push(Instant::now());
            Ok::<_, Infallible>(Action::await_change())
        },
        |_, _, _| Action::await_change(),
        starts.clone(),
    );
    let _ = timeout(Duration::from_mins(20), controller.for_each(|_| async {})).await;
    let starts = starts.lock().unwrap().clone();
    assert_eq!(starts.len(), events.len());
    let late = starts.iter().zip(&events).map(|(start, event)| *start - *event).max();
    assert!(late > Some(Duration::from_secs(5)), "{late:?}");
}

#[tokio::test]
async fn a_list_that_lacks_an_object_is_no_deletion() {
    let (store, writer) = reflector::store();
    let events = [
        Event::Init,
        Event::InitApply(config_map("a")),
        Event::InitApply(config_map("b")),
        Event::InitDone,
        Event::Init,
        Event::InitApply(config_map("a")),
        Event::InitDone,
    ];
    let told = stream::iter(events.map(Ok::<_, watcher::Error>)).reflect(writer).touched_objects();
    let told: Vec<String> =
        told.map(|object| object.unwrap().metadata.name.unwrap_or_default()).collect().await;
    assert_eq!(told, ["a", "b", "a"], "nobody tells that b is gone");
    assert_eq!(store.len(), 1);
}

/// An API server that gives the same answer to the first requests, and then the object. Returns how many requests it took
/// until the client was content, or gave up.
async fn requests(answer: &'static str) -> (usize, bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(Mutex::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            *counted.lock().unwrap() += 1;
            let body = serde_json::to_string(&config_map("a")).unwrap();
            let head = if *counted.lock().unwrap() == 1 { answer } else { "200 OK" };
            let text = format!(
                "HTTP/1.1 {head}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    let config = Config::new(format!("http://{address}").parse().unwrap());
    let api: Api<ConfigMap> = Api::namespaced(Client::try_from(config).unwrap(), "shop");
    let got = timeout(Duration::from_secs(20), api.get("a")).await.is_ok_and(|answer| answer.is_ok());
    let count = *count.lock().unwrap();
    (count, got)
}

#[tokio::test]
async fn the_client_tries_429_503_and_504_again_by_itself_and_500_not() {
    postgres_operator::install_crypto();
    for (answer, expected) in [
        ("429 Too Many Requests", (2, true)),
        ("503 Service Unavailable", (2, true)),
        ("504 Gateway Timeout", (2, true)),
        ("500 Internal Server Error", (1, false)),
    ] {
        assert_eq!(requests(answer).await, expected, "{answer}");
    }
}
