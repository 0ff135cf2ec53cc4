//! Faults at writes that have committed.

use crate::{Behind, SOON, at, create, refusal};
use fault_proxy::{Action, Aim, ChangeKind, Verb};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

fn writes() -> Aim {
    Aim { writes: true, ..Aim::default() }
}

#[tokio::test]
async fn a_lost_response_leaves_the_write_behind() {
    let behind = Behind::start().await;
    let fault = behind.inject(Action::LoseResponse, writes());
    let lost = create(&behind.maps(), "a").await;
    assert!(!matches!(lost, Ok(_) | Err(kube::Error::Api(_))), "an answer came: {lost:?}");
    assert_eq!((fault.fired(), behind.server.names()), (1, vec!["a".to_owned()]));
    let request = behind.proxy.requests().remove(0);
    assert_eq!((request.status, request.fault.as_deref()), (200, Some("lose the response")));
    assert!(request.committed());
}

#[tokio::test]
async fn a_write_can_commit_and_be_answered_otherwise() {
    let behind = Behind::start().await;
    let fault = behind.inject(Action::AnswerAfterCommit(504), writes());
    assert_eq!(refusal(create(&behind.maps(), "a").await), (504, "Timeout".to_owned()));
    assert_eq!((fault.fired(), behind.server.names()), (1, vec!["a".to_owned()]));
    assert_eq!(refusal(create(&behind.maps(), "a").await), (409, "AlreadyExists".to_owned()));
    assert_eq!(behind.proxy.requests()[0].status, 504, "what the operator was told");
}

#[tokio::test]
async fn only_committed_writes_are_counted() {
    let behind = Behind::start().await;
    let fault = behind.inject(Action::LoseResponse, Aim { skip: 2, ..writes() });
    let maps = behind.maps();
    let patch = async |params: &PatchParams, value: &str| {
        maps.patch("a", params, &Patch::Merge(json!({"data": {"key": value}}))).await
    };
    create(&maps, "a").await.unwrap();
    create(&maps, "a").await.unwrap_err();
    maps.delete("b", &DeleteParams::default()).await.unwrap_err();
    patch(&PatchParams::default(), "1").await.unwrap();
    patch(&PatchParams { dry_run: true, ..PatchParams::default() }, "2").await.unwrap();
    assert_eq!(fault.seen(), 1, "the first one; refused, without effect, or a dry run: the others");
    patch(&PatchParams::default(), "3").await.unwrap();
    assert_eq!((fault.seen(), fault.fired()), (2, 0));
    maps.delete("a", &DeleteParams::default()).await.unwrap_err();
    assert_eq!((fault.seen(), fault.fired(), behind.server.names()), (3, 1, vec![]));
    let requests = behind.proxy.requests();
    let kinds: Vec<_> = requests.iter().map(|it| it.change.as_ref().map(|change| change.kind)).collect();
    let (created, changed) = (Some(ChangeKind::Created), Some(ChangeKind::Changed));
    assert_eq!(kinds, [created, None, None, None, None, changed, Some(ChangeKind::Deleted)]);
}

#[tokio::test]
async fn the_hook_runs_once_the_write_has_committed_and_nothing_follows_it() {
    let behind = Behind::start().await;
    let killed = Arc::<AtomicUsize>::default();
    let counter = killed.clone();
    let kill = Action::AfterCommit(Arc::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    let fault = behind.inject(kill, Aim { skip: 1, ..at(Verb::Create) });
    let before = behind.maps();
    create(&before, "a").await.unwrap();
    // Opened before the kill, and idle when it comes.
    let idle = behind.maps();
    idle.get("a").await.unwrap();
    create(&before, "b").await.unwrap_err();
    assert!(fault.fired_once(SOON).await);
    assert_eq!((killed.load(Ordering::SeqCst), behind.server.names()), (1, vec!["a".into(), "b".into()]));
    // What the killed process still had in its connections does not come through; its successor does.
    create(&idle, "late").await.unwrap_err();
    create(&behind.maps(), "c").await.unwrap();
    assert_eq!(
        (killed.load(Ordering::SeqCst), behind.server.names()),
        (1, ["a", "b", "c"].map(Into::into).into())
    );
}
