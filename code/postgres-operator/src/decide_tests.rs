use super::*;
use crate::{
    api::DatabaseStatus,
    conditions::{Verdict, stamp},
    finalizer::FINALIZER,
    plan::tests::settled,
    reason::Reason,
    resources::tests::database,
};
use jiff::Timestamp;

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
    let says = |type_, generation| {
        let verdict = Verdict::yes(type_, Reason::Settled, "");
        let mut condition = stamp(verdict, &database(), Timestamp::UNIX_EPOCH);
        condition.observed_generation = Some(generation);
        let mut db = database();
        db.status = Some(DatabaseStatus { conditions: vec![condition], ..Default::default() });
        db
    };
    let steps = || Work::Steps(Vec::new());
    for (db, work, expected) in [
        (says("Ready", 1), Work::Ask, true),
        (says("Ready", 0), Work::Ask, false),
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
