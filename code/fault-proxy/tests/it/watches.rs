//! Faults in the stream of a watch.

use crate::{Behind, NEVER, SOON, at, create, map};
use fault_proxy::{Action, Aim, EventType, Verb};
use futures::{Stream, StreamExt};
use kube::api::{DeleteParams, PostParams, WatchEvent, WatchParams};
use std::pin::Pin;
use tokio::time::timeout;

type Events = Pin<Box<dyn Stream<Item = String> + Send>>;

/// The events of a watch, in words.
async fn watch(behind: &Behind) -> Events {
    let before = behind.server.watches();
    let maps = behind.maps();
    let events = maps.watch(&WatchParams::default(), "0").await.unwrap();
    let events = events.map(|event| match event {
        Ok(WatchEvent::Added(map)) => format!("added {}", map.metadata.name.unwrap_or_default()),
        Ok(WatchEvent::Deleted(map)) => format!("deleted {}", map.metadata.name.unwrap_or_default()),
        Ok(WatchEvent::Error(status)) => format!("error {} {}", status.code, status.reason),
        other => format!("{other:?}"),
    });
    while behind.server.watches() == before {
        tokio::task::yield_now().await;
    }
    Box::pin(events)
}

async fn next(events: &mut Events) -> Option<String> {
    timeout(SOON, events.next()).await.expect("an event or the end comes soon")
}

async fn silent(events: &mut Events) -> bool {
    timeout(NEVER, events.next()).await.is_err()
}

#[tokio::test]
async fn events_pass_as_they_come_and_are_written_down() {
    let behind = Behind::start().await;
    let mut events = watch(&behind).await;
    create(&behind.maps(), "a").await.unwrap();
    assert_eq!(next(&mut events).await.as_deref(), Some("added a"));
    behind.maps().delete("a", &DeleteParams::default()).await.unwrap();
    assert_eq!(next(&mut events).await.as_deref(), Some("deleted a"));
    let seen = behind.proxy.events();
    let seen: Vec<_> = seen.iter().map(|it| (it.event, it.name.as_deref(), it.version.as_deref())).collect();
    assert_eq!(seen, [(EventType::Added, Some("a"), Some("1")), (EventType::Deleted, Some("a"), Some("2"))]);
}

#[tokio::test]
async fn an_open_watch_is_cut_and_so_is_the_next_to_open() {
    let behind = Behind::start().await;
    let mut events = watch(&behind).await;
    let fault = behind.inject(Action::CutWatch, Aim { times: 2, ..at(Verb::Watch) });
    assert_eq!((next(&mut events).await, fault.fired()), (None, 1));
    let maps = behind.maps();
    let mut second = maps.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    assert!(timeout(SOON, second.next()).await.unwrap().is_none());
    assert_eq!(fault.fired(), 2);
    let mut third = watch(&behind).await;
    create(&behind.maps(), "a").await.unwrap();
    assert_eq!(next(&mut third).await.as_deref(), Some("added a"));
}

#[tokio::test]
async fn a_watch_is_told_in_its_stream_that_it_is_too_old() {
    let behind = Behind::start().await;
    let mut events = watch(&behind).await;
    let fault = behind.inject(Action::Gone, at(Verb::Watch));
    assert_eq!(next(&mut events).await.as_deref(), Some("error 410 Expired"));
    assert_eq!((next(&mut events).await, fault.fired()), (None, 1));
}

#[tokio::test]
async fn events_are_held_back_and_come_in_order_once_released() {
    let behind = Behind::start().await;
    let mut events = watch(&behind).await;
    let aim = Aim { name: Some("b".into()), ..at(Verb::Watch) };
    let fault = behind.inject(Action::HoldEvents, aim);
    for name in ["a", "b", "c"] {
        create(&behind.maps(), name).await.unwrap();
    }
    assert_eq!(next(&mut events).await.as_deref(), Some("added a"));
    assert!(silent(&mut events).await);
    assert!(fault.fired_once(SOON).await);
    behind.proxy.lift(&fault);
    assert_eq!(next(&mut events).await.as_deref(), Some("added b"));
    assert_eq!(next(&mut events).await.as_deref(), Some("added c"));
}

#[tokio::test]
async fn what_is_held_back_from_a_generation_on_is_not_counted_before() {
    let behind = Behind::start().await;
    let mut events = watch(&behind).await;
    let aim = Aim { generation: Some(3), skip: 1, ..at(Verb::Watch) };
    behind.inject(Action::HoldEvents, aim);
    for (name, generation) in [("none", None), ("two", Some(2)), ("three", Some(3)), ("four", Some(4))] {
        let mut map = map(name, "x");
        map.metadata.generation = generation;
        behind.maps().create(&PostParams::default(), &map).await.unwrap();
    }
    for name in ["none", "two", "three"] {
        assert_eq!(next(&mut events).await, Some(format!("added {name}")));
    }
    assert!(silent(&mut events).await);
}

#[tokio::test]
async fn one_event_of_one_object_is_dropped() {
    let behind = Behind::start().await;
    let mut events = watch(&behind).await;
    let aim = Aim { name: Some("a".into()), ..at(Verb::Watch) };
    let fault = behind.inject(Action::DropEvent(EventType::Deleted), aim);
    for name in ["a", "b"] {
        create(&behind.maps(), name).await.unwrap();
    }
    for name in ["b", "a"] {
        behind.maps().delete(name, &DeleteParams::default()).await.unwrap();
    }
    create(&behind.maps(), "c").await.unwrap();
    for expected in ["added a", "added b", "deleted b", "added c"] {
        assert_eq!(next(&mut events).await.as_deref(), Some(expected));
    }
    assert_eq!(fault.fired(), 1);
    let dropped: Vec<_> = behind.proxy.events().into_iter().filter(|event| !event.delivered).collect();
    assert_eq!((dropped.len(), dropped[0].name.as_deref()), (1, Some("a")));
}
