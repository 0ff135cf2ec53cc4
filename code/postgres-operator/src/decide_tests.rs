use super::*;
use crate::{
    api::DatabaseStatus,
    conditions::{Verdict, stamp},
    finalizer::FINALIZER,
    plan::tests::settled,
    reason::Reason,
    resources::{ROLE_LABEL, STANDBY, tests::database},
};
use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::StatefulSetStatus, core::v1::Pod};
use serde_json::json;
use std::sync::Arc;

fn kinds(work: &Work) -> Vec<String> {
    let Work::Steps(steps) = work else { return Vec::new() };
    let kind = |step: &Step| match step {
        Step::Apply { child, .. } => child.what(),
        Step::CreateCredentials(_) => "credentials".into(),
        other => format!("{other:?}"),
    };
    steps.iter().map(kind).collect()
}

#[test]
fn nothing_is_made_before_the_finalizer_is_on() {
    let decision = decide(&database(), &Observed::default()).unwrap();
    assert_eq!((decision.phase, decision.work), (Phase::Pending, Work::AddFinalizer));
}

#[test]
fn a_finalizer_that_somebody_took_off_is_put_on_again_and_the_phase_stays_what_it_is() {
    let db = database();
    let decision = decide(&db, &settled(&db)).unwrap();
    assert_eq!((decision.phase, decision.work), (Phase::Deploying, Work::AddFinalizer));
}

#[test]
fn a_phase_has_its_own_steps() {
    let mut db = database();
    db.metadata.finalizers = Some(vec![FINALIZER.into()]);
    let decision = decide(&db, &Observed::default()).unwrap();
    assert_eq!(decision.phase, Phase::Provisioning);
    assert_eq!(kinds(&decision.work), ["credentials", "ServiceAccount orders"]);
}

#[test]
fn only_another_try_is_no_news() {
    let told = |verdict, generation| {
        let mut condition = stamp(verdict, &database(), Timestamp::UNIX_EPOCH);
        condition.observed_generation = Some(generation);
        let mut db = database();
        db.status = Some(DatabaseStatus { conditions: vec![condition], ..Default::default() });
        db
    };
    let says = |type_, generation| told(Verdict::yes(type_, Reason::Settled, ""), generation);
    let denies = |reason| told(Verdict::no("Ready", reason, ""), 1);
    let steps = || Work::Steps(Vec::new());
    for (db, work, expected) in [
        (says("Ready", 1), Work::Ask, true),
        // Another generation with the same servers.
        (says("Ready", 0), Work::Ask, true),
        (denies(Reason::NoAnswer), Work::Ask, true),
        (denies(Reason::ReplicasNotReady), Work::Ask, false),
        (says("Ready", 1), steps(), false),
        (says("Failed", 1), steps(), true),
        (says("Failed", 1), Work::Ask, true),
        (says("Failed", 0), steps(), false),
        (says("Failed", 1), Work::Nothing, false),
        (database(), Work::Ask, false),
    ] {
        assert_eq!(work.is_another_try(&db), expected, "{work:?}");
    }
}

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
    let table: [(&str, Change, Phase); 13] = [
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
        ("PostgreSQL cannot be asked about a change yet", |it| it.unasked = true, Phase::Updating),
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
        db.status = Some(DatabaseStatus { phase: Some(phase), ..Default::default() });
        assert_eq!(derive(&db, &observed, &plan(&db, &observed).unwrap()), Phase::Ready);
    }
}

#[test]
fn a_login_is_tried_while_a_standby_is_waited_for() {
    let mut db = ours();
    db.spec.replicas = 2;
    let server = |ordinal: u8, ready: &str| {
        let mut pod = pod(ready);
        pod.metadata.name = Some(format!("orders-{ordinal}"));
        // What is labelled already needs no step.
        pod.metadata.labels = Some([(ROLE_LABEL.to_owned(), STANDBY.to_owned())].into());
        Arc::new(pod)
    };
    let alone = || vec![server(0, "True")];
    for (login, pods, expected) in [
        (None, alone(), Work::Ask),
        (None, vec![server(0, "True"), server(1, "False")], Work::Ask),
        // The StatefulSet's word is all that is missing.
        (None, vec![server(0, "True"), server(1, "True")], Work::Nothing),
        (None, vec![server(0, "False"), server(1, "True")], Work::Nothing),
        (None, vec![], Work::Nothing),
        (Some(Login::NoAnswer), alone(), Work::Nothing),
        (Some(Login::WrongPassword), alone(), Work::Steps(vec![Step::ChangePassword])),
    ] {
        let mut observed = Observed { pods, login, ..verified(&db) };
        set_of(&mut observed).status.as_mut().unwrap().ready_replicas = None;
        let decision = decide(&db, &observed).unwrap();
        assert_eq!(decision.work, expected);
        assert_ne!(decision.phase, Phase::Verifying);
    }
}
