use super::*;
use crate::{
    blocked::Blocked,
    external::login::Login,
    finalizer::FINALIZER,
    plan::{plan, tests::settled},
    resources::tests::database,
};
use k8s_openapi::api::{apps::v1::StatefulSetStatus, core::v1::Pod};
use serde_json::json;
use std::sync::Arc;

/// Everything is there, ready and verified.
fn verified(db: &Database) -> Observed {
    let mut observed = settled(db);
    let set = set_of(&mut observed);
    set.metadata.generation = Some(1);
    set.status = Some(StatefulSetStatus {
        observed_generation: Some(1),
        replicas: 1,
        updated_replicas: Some(1),
        ready_replicas: Some(1),
        current_revision: Some("a".into()),
        update_revision: Some("a".into()),
        ..StatefulSetStatus::default()
    });
    observed.pods = vec![Arc::new(pod("True"))];
    observed.login = Some(Login::Accepted { version: "17.2".into() });
    observed
}

fn pod(ready: &str) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"name": "orders-0", "uid": "pod"},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }))
    .unwrap()
}

fn ours() -> Database {
    let mut db = database();
    db.metadata.finalizers = Some(vec![FINALIZER.into()]);
    db
}

fn set_of(observed: &mut Observed) -> &mut StatefulSet {
    Arc::make_mut(observed.stateful_set.as_mut().unwrap())
}

#[test]
fn phases_as_a_table() {
    type Change = fn(&mut Observed);
    let table: [(&str, Change, Phase); 12] = [
        ("all is well", |_| (), Phase::Ready),
        ("nothing exists", |it| *it = Observed::default(), Phase::Provisioning),
        (
            "no servers and no Services",
            |it| {
                it.stateful_set = None;
                it.services.clear();
            },
            Phase::Configuring,
        ),
        ("no servers", |it| it.stateful_set = None, Phase::Deploying),
        ("a Service is lost while servers run", |it| drop(it.services.pop_first()), Phase::Updating),
        (
            "a newer spec rolls out",
            |it| set_of(it).status.as_mut().unwrap().update_revision = Some("b".into()),
            Phase::Updating,
        ),
        ("a change nobody has looked at", |it| set_of(it).metadata.generation = Some(2), Phase::Updating),
        (
            "the first servers start",
            |it| set_of(it).status.as_mut().unwrap().ready_replicas = None,
            Phase::Deploying,
        ),
        (
            "the StatefulSet controller has not seen it",
            |it| set_of(it).status.as_mut().unwrap().observed_generation = None,
            Phase::Deploying,
        ),
        ("nobody has asked", |it| it.login = None, Phase::Verifying),
        ("nobody answers", |it| it.login = Some(Login::NoAnswer), Phase::Verifying),
        (
            "a write was refused",
            |it| it.refused = Some(Blocked::NameTaken { kind: "Service".into(), name: "orders".into() }),
            Phase::Failed,
        ),
    ];
    for (situation, change, expected) in table {
        let db = ours();
        let mut observed = verified(&db);
        change(&mut observed);
        let plan = plan(&db, &observed).unwrap();
        assert_eq!(derive(&db, &observed, &plan), expected, "{situation}: {:?}", plan.steps);
    }
}

#[test]
fn what_the_status_says_changes_nothing() {
    for phase in Phase::ALL {
        let mut db = ours();
        let observed = verified(&db);
        db.status = Some(crate::api::DatabaseStatus { phase: Some(phase), ..Default::default() });
        assert_eq!(derive(&db, &observed, &plan(&db, &observed).unwrap()), Phase::Ready);
    }
}

#[test]
fn ready_is_entered_after_a_login_only_and_failed_can_be_left() {
    let into =
        |to: Phase| Phase::ALL.into_iter().filter(|from| from.next().contains(&to)).collect::<Vec<_>>();
    assert_eq!(into(Phase::Ready), [Phase::Verifying, Phase::Failed]);
    assert!(into(Phase::Pending).is_empty());
    assert!(!Phase::Failed.next().is_empty());
    for phase in Phase::ALL {
        assert!(!phase.next().contains(&phase), "{phase} follows itself");
        assert!(
            phase == Phase::Deleting || phase.next().contains(&Phase::Deleting),
            "{phase} can be deleted"
        );
    }
}

#[test]
fn what_the_diagram_leaves_out_holds_for_every_phase() {
    for phase in Phase::ALL.into_iter().filter(|phase| !matches!(phase, Phase::Failed | Phase::Deleting)) {
        assert!(phase.next().contains(&Phase::Failed), "{phase} can fail");
    }
}

#[test]
fn the_books_page_shows_the_transitions_of_the_code() {
    let page = include_str!("../../../book/reference/phases.md");
    for (what, text) in [("phases --mermaid", mermaid()), ("phases", table())] {
        assert!(
            page.contains(&text),
            "book/reference/phases.md: put in the output of `cargo run -p postgres-operator -- {what}`"
        );
    }
}
