//! The Secret of generated passwords: each is made once, and never another in its place.

use super::unowned;
use crate::api::Database;
use k8s_openapi::api::core::v1::Secret;
use rand::distr::{Alphanumeric, SampleString};

/// Key of the application's password.
pub const PASSWORD: &str = "password";
/// Key of the superuser's password.
pub const SUPERUSER_PASSWORD: &str = "superuser-password";
/// Key of the standbys' password.
pub const REPLICATION_PASSWORD: &str = "replication-password";

/// A password of 32 random characters.
pub fn generated() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 32)
}

/// Generated passwords, beside the names that they are made for.
///
/// The Secret has no owner reference: it stays with the volumes when the Database goes, since a data directory knows
/// these passwords for as long as it lives. The application's password is in it only if the user brings none.
pub fn credentials(db: &Database) -> Secret {
    let mut data = vec![
        ("username", db.spec.username.clone()),
        ("dbname", db.spec.database_name.clone()),
        (SUPERUSER_PASSWORD, generated()),
        (REPLICATION_PASSWORD, generated()),
    ];
    if db.spec.password_secret_ref.is_none() {
        data.push((PASSWORD, generated()));
    }
    Secret {
        metadata: unowned(db, db.credentials_name()),
        string_data: Some(data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::SecretKeyRef, resources::tests::database};

    #[test]
    fn passwords_are_long_random_and_different() {
        let data = |db: &Database| credentials(db).string_data.unwrap();
        let (one, two) = (data(&database()), data(&database()));
        let keys = ["password", SUPERUSER_PASSWORD, REPLICATION_PASSWORD];
        for key in keys {
            assert_eq!(one[key].len(), 32);
            assert!(one[key].chars().all(|c| c.is_ascii_alphanumeric()));
            assert_ne!(one[key], two[key]);
        }
        assert_ne!(one["password"], one[SUPERUSER_PASSWORD]);
    }

    #[test]
    fn the_users_own_password_is_not_shadowed_by_a_generated_one() {
        let mut db = database();
        db.spec.password_secret_ref = Some(SecretKeyRef { name: "mine".into(), key: "pw".into() });
        assert!(!credentials(&db).string_data.unwrap().contains_key("password"));
    }

    #[test]
    fn the_secret_outlives_its_database() {
        assert_eq!(credentials(&database()).metadata.owner_references, None);
    }
}
