//! Faults that keep a request from the API server.

use crate::{Behind, NEVER, SOON, at, create, refusal};
use fault_proxy::{Action, Aim, Verb};
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn an_answer_is_a_real_servers_and_nothing_is_written() {
    for (status, reason) in [
        (403, "Forbidden"),
        (409, "AlreadyExists"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
        (504, "Timeout"),
    ] {
        let behind = Behind::start().await;
        let fault = behind.inject(Action::Answer(status), at(Verb::Create));
        assert_eq!(refusal(create(&behind.maps(), "a").await), (status, reason.to_owned()));
        assert_eq!((fault.fired(), behind.server.names()), (1, vec![]));
        create(&behind.maps(), "a").await.unwrap();
        assert_eq!(fault.fired(), 1, "only once");
    }
}

#[tokio::test]
async fn a_fault_hits_what_it_is_aimed_at() {
    let behind = Behind::start().await;
    let aim = Aim { name: Some("b".into()), skip: 1, times: 2, ..at(Verb::Patch) };
    let fault = behind.inject(Action::Answer(409), aim);
    let maps = behind.maps();
    create(&maps, "a").await.unwrap();
    create(&maps, "b").await.unwrap();
    let patch = async |name: &str, value: usize| {
        let patch = Patch::Merge(json!({"data": {"key": value.to_string()}}));
        maps.patch(name, &PatchParams::default(), &patch).await.map_or_else(|_| 409, |_| 200)
    };
    let mut answers = Vec::new();
    for value in 0..4 {
        answers.push((patch("a", value).await, patch("b", value).await));
    }
    assert_eq!(answers, [(200, 200), (200, 409), (200, 409), (200, 200)]);
    assert_eq!((fault.seen(), fault.fired()), (4, 2));
}

#[tokio::test]
async fn the_second_of_two_faults_waits_for_its_turn() {
    let behind = Behind::start().await;
    let first = behind.inject(Action::Answer(503), at(Verb::Create));
    let second = behind.inject(Action::Answer(500), at(Verb::Create));
    assert_eq!(refusal(create(&behind.maps(), "a").await).0, 503);
    assert_eq!((first.fired(), second.fired()), (1, 0));
    assert_eq!(refusal(create(&behind.maps(), "a").await).0, 500);
    create(&behind.maps(), "a").await.unwrap();
}

#[tokio::test]
async fn a_request_hangs_until_the_fault_is_lifted() {
    let behind = Behind::start().await;
    let fault = behind.inject(Action::Hang, at(Verb::Create));
    let maps = behind.maps();
    let hung = tokio::spawn(async move { create(&maps, "a").await });
    assert!(fault.fired_once(SOON).await);
    assert_eq!(behind.server.names(), Vec::<String>::new());
    assert!(!hung.is_finished());
    behind.proxy.lift(&fault);
    hung.await.unwrap().unwrap();
    assert_eq!(behind.server.names(), ["a"]);
    let requests = behind.proxy.requests();
    assert_eq!(requests.len(), 1, "one request, written down once");
    assert_eq!((requests[0].status, requests[0].fault.as_deref()), (200, Some("hang")));
}

#[tokio::test]
async fn a_hung_request_that_is_given_up_never_reaches_the_server() {
    let behind = Behind::start().await;
    let fault = behind.inject(Action::Hang, at(Verb::Create));
    assert!(timeout(NEVER, create(&behind.maps(), "a")).await.is_err());
    behind.proxy.lift_all();
    create(&behind.maps(), "b").await.unwrap();
    assert_eq!((fault.fired(), behind.server.names()), (1, vec!["b".to_owned()]));
    assert_eq!(behind.proxy.requests()[0].status, 0);
}

#[tokio::test]
async fn a_fault_that_did_not_fire_says_what_it_was_and_what_it_saw() {
    let behind = Behind::start().await;
    let aim = Aim { resource: Some("configmaps".into()), skip: 2, ..at(Verb::Create) };
    let fault = behind.inject(Action::Answer(503), aim);
    create(&behind.maps(), "a").await.unwrap();
    assert!(!fault.fired_once(Duration::ZERO).await);
    assert_eq!(
        fault.must_have_fired().unwrap_err().to_string(),
        "not run: the fault never fired: answer 503 at create configmaps number 3; 1 seen"
    );
    let never = behind.inject(Action::Answer(503), Aim { times: 0, ..at(Verb::Create) });
    create(&behind.maps(), "b").await.unwrap();
    assert!(never.must_have_fired().is_err());
}

#[tokio::test]
async fn an_older_list_is_the_one_from_before_the_fault() {
    let behind = Behind::start().await;
    let maps = behind.maps();
    let names = async |params: &ListParams| {
        let list = maps.list(params).await.unwrap();
        list.items.into_iter().filter_map(|map| map.metadata.name).collect::<Vec<_>>()
    };
    let fault = behind.inject(Action::OlderList, at(Verb::List));
    let all = ListParams::default();
    assert_eq!((names(&all).await.len(), fault.fired()), (0, 0), "a first list has no older one");
    create(&maps, "a").await.unwrap();
    assert_eq!((names(&all).await.len(), fault.fired()), (0, 1));
    assert_eq!(names(&all).await, ["a"]);
    let fault = behind.inject(Action::OlderList, at(Verb::List));
    create(&maps, "b").await.unwrap();
    assert_eq!((names(&all.clone().labels("x=y")).await.len(), fault.fired()), (2, 0), "another list");
    assert_eq!((names(&all).await, fault.fired()), (vec!["a".to_owned()], 1));
}
