//! Task 7: which changes of a Database are news.

use kube::runtime::{Predicate, predicates};
use postgres_operator::api::Database;

/// Task 7: a number that changes when a Database has news for a pass, and stays when it has not.
// ANCHOR: solution-4-3-news
pub fn news(db: &Database) -> Option<u64> {
    predicates::generation
        .combine(predicates::finalizers)
        .combine(predicates::labels)
        .combine(predicates::annotations)
        .hash_property(db)
}
// ANCHOR_END: solution-4-3-news

#[cfg(test)]
mod tests {
    use super::*;
    use postgres_operator::api::{DatabaseSpec, DatabaseStatus};

    #[test]
    fn a_status_is_no_news_and_all_that_a_user_changes_is() {
        let mut db = Database::new("orders", DatabaseSpec::default());
        db.metadata.generation = Some(1);
        let before = news(&db);
        db.status = Some(DatabaseStatus::default());
        db.metadata.resource_version = Some("2".into());
        assert_eq!(news(&db), before, "a status");
        let change = |change: fn(&mut Database)| {
            let mut changed = db.clone();
            change(&mut changed);
            news(&changed)
        };
        for (what, changed) in [
            ("generation", change(|db| db.metadata.generation = Some(2))),
            ("finalizers", change(|db| db.metadata.finalizers = Some(vec!["a/b".into()]))),
            ("labels", change(|db| db.metadata.labels = Some([("a".into(), "b".into())].into()))),
            ("annotations", change(|db| db.metadata.annotations = Some([("a".into(), "b".into())].into()))),
        ] {
            assert_ne!(changed, before, "{what}");
        }
    }
}
