use super::*;
use crate::{
    api::DatabaseStatus,
    conditions::{Verdict, stamp},
    reason::Reason,
    resources::{stateful_set, tests::database},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

#[test]
fn the_recorded_size_is_that_of_the_largest_volume() {
    let set = Arc::new(stateful_set(&database(), None));
    for (claims, expected) in
        [(vec![], "1Gi"), (vec!["1024Mi"], "1Gi"), (vec!["512Mi"], "1Gi"), (vec!["1Gi", "5Gi", "2Gi"], "5Gi")]
    {
        let claims =
            claims.iter().enumerate().map(|(at, size)| (format!("data-orders-{at}"), (*size).to_owned()));
        let observed =
            Observed { stateful_set: Some(set.clone()), claims: claims.collect(), ..Observed::default() };
        assert_eq!(observed.recorded(&database()).storage.unwrap().size, expected);
    }
    let kept = |claims| Observed { claims, ..Observed::default() }.recorded(&database()).storage;
    let claims = [("data-orders-0", "1Gi"), ("data-orders-1", "5Gi")];
    let claims = claims.map(|(name, size)| (name.to_owned(), size.to_owned())).into();
    assert_eq!(kept(claims).unwrap().size, "5Gi", "of a previous life");
    assert_eq!(kept(BTreeMap::new()), None);
}

#[test]
fn a_size_in_other_words_is_no_growth() {
    let mut db = database();
    let observed = Observed { stateful_set: Some(Arc::new(stateful_set(&db, None))), ..Observed::default() };
    for (size, expected) in [("1Gi", false), ("1024Mi", false), ("2Gi", true)] {
        db.spec.storage.size = size.into();
        assert_eq!(grows(&db, &observed), expected, "from 1Gi to {size}");
    }
}

#[test]
fn the_volumes_are_looked_at_when_a_spec_is_new_or_was_refused() {
    let mut db = database();
    assert!(may_shrink(&db), "never seen");
    let mut status = DatabaseStatus { observed_generation: Some(1), ..DatabaseStatus::default() };
    db.status = Some(status.clone());
    assert!(!may_shrink(&db));
    let refused = Verdict::yes("Failed", Reason::InvalidSpec, "spec.storage.size: cannot shrink");
    status.conditions = vec![stamp(refused, &db, jiff::Timestamp::UNIX_EPOCH)];
    db.status = Some(status);
    assert!(may_shrink(&db));
    db.status.as_mut().unwrap().conditions.clear();
    db.metadata.generation = Some(2);
    assert!(may_shrink(&db), "changed");
}

#[test]
fn volumes_of_others_are_not_taken_for_ours() {
    let db = database();
    let claim = |name: &str, labels: BTreeMap<String, String>| PersistentVolumeClaim {
        metadata: ObjectMeta { name: Some(name.into()), labels: Some(labels), ..ObjectMeta::default() },
        ..PersistentVolumeClaim::default()
    };
    let instance = BTreeMap::from([("app.kubernetes.io/instance".to_owned(), "orders".to_owned())]);
    for (name, labels, ours) in [
        ("data-orders-0", labels(&db), true),
        ("data-orders-12", labels(&db), true),
        ("data-orders-0", instance.clone(), false),
        ("data-orders-postgresql-0", labels(&db), false),
        ("data-orders-", labels(&db), false),
    ] {
        assert_eq!(is_volume_of(&claim(name, labels), &db), ours, "{name}");
    }
}
