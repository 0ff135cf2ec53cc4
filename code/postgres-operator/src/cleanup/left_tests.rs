use super::*;
use crate::resources::{credentials, tests::database};
use k8s_openapi::ByteString;

#[test]
fn a_backup_is_needed_wherever_data_can_be() {
    for (servers, pods, volumes, expected) in
        [(None, 0, 0, false), (None, 0, 1, true), (Some("set".to_owned()), 0, 0, true), (None, 1, 0, true)]
    {
        let left = Left { servers: servers.clone(), pods, ..Left::of(DeletionPolicy::Snapshot) };
        assert_eq!(may_have_data(&left, volumes), expected, "{servers:?} {pods} {volumes}");
    }
}

#[test]
fn only_the_database_that_the_servers_were_made_with_is_backed_up() {
    let mut db = database();
    let mut secret = credentials(&db);
    secret.data = Some([("dbname".to_owned(), ByteString("app".into()))].into());
    assert_eq!(is_the_database(&db, Some(&secret)), Ok(()));
    db.spec.database_name = "postgres".into();
    let edited = is_the_database(&db, Some(&secret)).unwrap_err();
    assert_eq!(edited, "spec.databaseName: is immutable: app cannot become postgres");
    secret.data = None;
    let unknown = "Secret orders-credentials does not say which database to back up, under the key dbname";
    for secret in [Some(&secret), None] {
        assert_eq!(is_the_database(&db, secret).unwrap_err(), unknown);
    }
}
