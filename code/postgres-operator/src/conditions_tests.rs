use super::*;
use crate::{api::DatabaseStatus, blocked::Blocked, pods::Trouble, resources::tests::database};
use k8s_openapi::api::apps::v1::StatefulSetStatus;
use std::sync::Arc;

fn outcome(generation: i64, observed: Option<i64>, total: i32, updated: i32, ready: i32) -> Outcome {
    let status = StatefulSetStatus {
        observed_generation: observed,
        replicas: total,
        updated_replicas: Some(updated),
        ready_replicas: Some(ready),
        ..StatefulSetStatus::default()
    };
    let mut set = StatefulSet { status: Some(status), ..StatefulSet::default() };
    set.metadata.generation = Some(generation);
    Outcome { stateful_set: Some(Arc::new(set)), login: Some(accepted()), ..Outcome::default() }
}

fn accepted() -> Login {
    Login::Accepted { version: "17.2".into() }
}

fn three() -> Database {
    let mut db = database();
    db.spec.replicas = 3;
    db
}

#[test]
fn conditions_as_a_table() {
    let blocked = || Outcome {
        blocked: Some(Blocked::NameTaken { kind: "Service".into(), name: "orders".into() }),
        ..outcome(1, Some(1), 3, 3, 3)
    };
    for (situation, outcome, ready, progressing, failed) in [
        ("nothing exists", Outcome::default(), "False", ("True", Reason::ApplyingChildren), "False"),
        (
            "created, not yet seen by its controller",
            outcome(1, None, 0, 0, 0),
            "False",
            ("True", Reason::ApplyingChildren),
            "False",
        ),
        ("pods start", outcome(1, Some(1), 3, 3, 1), "False", ("True", Reason::WaitingForReplicas), "False"),
        ("all answer", outcome(1, Some(1), 3, 3, 3), "True", ("False", Reason::Settled), "False"),
        (
            "changed: the numbers are of the old one",
            outcome(2, Some(1), 3, 3, 3),
            "False",
            ("True", Reason::ApplyingChildren),
            "False",
        ),
        ("rolling", outcome(2, Some(2), 3, 1, 3), "False", ("True", Reason::RollingOut), "False"),
        (
            "scaling down: one too many",
            outcome(2, Some(2), 4, 3, 3),
            "False",
            ("True", Reason::WaitingForReplicas),
            "False",
        ),
        ("a pod died", outcome(2, Some(2), 3, 3, 2), "False", ("True", Reason::WaitingForReplicas), "False"),
        (
            "nobody has asked yet",
            Outcome { login: None, ..outcome(1, Some(1), 3, 3, 3) },
            "False",
            ("True", Reason::VerifyingLogin),
            "False",
        ),
        (
            "PostgreSQL does not answer: waiting is not failing",
            Outcome { login: Some(Login::NoAnswer), ..outcome(1, Some(1), 3, 3, 3) },
            "False",
            ("True", Reason::VerifyingLogin),
            "False",
        ),
        (
            "an image cannot be pulled",
            Outcome {
                trouble: Some(Trouble { reason: Reason::ImageUnavailable, message: "orders-0: …".into() }),
                ..outcome(2, Some(2), 3, 1, 2)
            },
            "False",
            ("True", Reason::RollingOut),
            "True",
        ),
        ("blocked while the servers run", blocked(), "False", ("False", Reason::NameTaken), "True"),
    ] {
        let found = conditions(&three(), &outcome, Timestamp::UNIX_EPOCH);
        let status = |type_: &str| found.iter().find(|condition| condition.type_ == type_).unwrap();
        assert_eq!(status("Ready").status, ready, "Ready when {situation}");
        assert_eq!(status("Progressing").status, progressing.0, "Progressing when {situation}");
        assert_eq!(status("Progressing").reason, progressing.1.to_string(), "Progressing when {situation}");
        assert_eq!(status("Failed").status, failed, "Failed when {situation}");
    }
}

#[test]
fn every_field_is_filled_and_speaks_of_the_current_generation() {
    let mut db = three();
    db.metadata.generation = Some(7);
    for condition in conditions(&db, &outcome(1, Some(1), 3, 3, 2), Timestamp::UNIX_EPOCH) {
        assert_eq!(condition.observed_generation, Some(7));
        assert!(!condition.reason.is_empty() && !condition.message.is_empty(), "{condition:?}");
    }
}

#[test]
fn the_time_moves_with_the_status_and_only_with_it() {
    let mut db = three();
    let at = |second| Timestamp::from_second(second).unwrap();
    let ready = |db: &Database, outcome: &Outcome, second| {
        conditions(db, outcome, at(second)).into_iter().find(|condition| condition.type_ == "Ready").unwrap()
    };
    let keep = |db: &mut Database, conditions: Vec<Condition>| {
        db.status = Some(DatabaseStatus { conditions, ..DatabaseStatus::default() });
    };
    let first = ready(&db, &outcome(1, Some(1), 3, 3, 1), 10);
    assert_eq!(first.last_transition_time, Time(at(10)));
    keep(&mut db, vec![first]);
    let other_words = ready(&db, &outcome(1, Some(1), 3, 3, 2), 20);
    assert_eq!(other_words.message, "2 of 3 servers are ready");
    assert_eq!(other_words.last_transition_time, Time(at(10)));
    keep(&mut db, vec![other_words]);
    assert_eq!(ready(&db, &outcome(1, Some(1), 3, 3, 3), 30).last_transition_time, Time(at(30)));
}

#[test]
fn the_words_fit_each_stage_of_a_rollout() {
    for (outcome, words) in [
        (outcome(1, Some(1), 3, 3, 2), "2 of 3 servers are ready"),
        (outcome(2, Some(2), 3, 1, 3), "3 servers are ready, 1 of 3 run the current spec"),
        (outcome(2, Some(2), 4, 3, 4), "4 servers are there, 3 are wanted"),
    ] {
        assert_eq!(Rollout::of(&three(), outcome.stateful_set.as_deref()).told(), words);
    }
}
