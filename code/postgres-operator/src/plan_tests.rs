use super::*;
use crate::{
    api::SecretKeyRef,
    reason::Reason,
    resources::{labels, tests::database},
};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Pod;
use std::sync::Arc;

/// What a pass sees when everything that `db` wants is there.
pub(crate) fn settled(db: &Database) -> Observed {
    let mut secret = credentials(db);
    let text = secret.string_data.take().unwrap();
    secret.data = Some(text.into_iter().map(|(key, value)| (key, ByteString(value.into_bytes()))).collect());
    let live = |child: Child| child.desired;
    let typed = |value| serde_json::from_value(value).unwrap();
    Observed {
        credentials: Some(Arc::new(secret)),
        service_account: Some(Arc::new(
            serde_json::from_value(live(Child::new(&service_account(db)).unwrap())).unwrap(),
        )),
        services: services(db)
            .map(|service| {
                (
                    service.name_any(),
                    Arc::new(serde_json::from_value(live(Child::new(&service).unwrap())).unwrap()),
                )
            })
            .into(),
        stateful_set: Some(Arc::new(typed(live(Child::new(&stateful_set(db, None)).unwrap())))),
        ..Observed::default()
    }
}

fn names(plan: &Plan) -> Vec<String> {
    let name = |step: &Step| match step {
        Step::CreateCredentials(secret) => format!("create {}", secret.name_any()),
        Step::Apply { child, .. } => format!("apply {}", child.what()),
        Step::LabelStandby { pod, .. } => format!("label {pod}"),
        Step::GrowVolume { claim, size } => format!("grow {claim} to {size}"),
        Step::AddPassword { uid, version } => format!("add the password to {uid} at {version}"),
        Step::ChangePassword => "change the password".into(),
    };
    plan.steps.iter().map(name).collect()
}

#[test]
fn from_nothing_everything_is_made_in_order() {
    let plan = plan(&database(), &Observed::default()).unwrap();
    assert_eq!(plan.blocked, None);
    assert_eq!(
        names(&plan),
        [
            "create orders-credentials",
            "apply ServiceAccount orders",
            "apply Service orders-pods",
            "apply Service orders",
            "apply Service orders-ro",
            "apply StatefulSet orders",
        ]
    );
}

#[test]
fn in_steady_state_nothing_is_written() {
    let db = database();
    assert_eq!(plan(&db, &settled(&db)).unwrap(), Plan::default());
}

#[test]
fn each_lost_or_edited_child_is_one_write() {
    type Change = fn(&mut Observed);
    let db = database();
    let table: [(&str, Change); 5] = [
        ("apply ServiceAccount orders", |seen| seen.service_account = None),
        ("apply Service orders-ro", |seen| drop(seen.services.remove("orders-ro"))),
        ("apply StatefulSet orders", |seen| seen.stateful_set = None),
        ("apply StatefulSet orders", |seen| {
            let set = Arc::make_mut(seen.stateful_set.as_mut().unwrap());
            set.spec.as_mut().unwrap().replicas = Some(7);
        }),
        ("create orders-credentials", |seen| seen.credentials = None),
    ];
    for (expected, change) in table {
        let mut seen = settled(&db);
        change(&mut seen);
        assert_eq!(names(&plan(&db, &seen).unwrap()), [expected]);
    }
}

#[test]
fn a_password_is_generated_when_the_user_no_longer_brings_one_and_never_twice() {
    let mut db = database();
    db.spec.password_secret_ref = Some(SecretKeyRef { name: "mine".into(), key: "pw".into() });
    let mut seen = settled(&db);
    db.spec.password_secret_ref = None;
    let secret = Arc::make_mut(seen.credentials.as_mut().unwrap());
    secret.metadata.uid = Some("secret".into());
    secret.metadata.resource_version = Some("7".into());
    let plan_now = plan(&db, &seen).unwrap();
    assert_eq!(names(&plan_now), ["add the password to secret at 7", "apply StatefulSet orders"]);
    let secret = Arc::make_mut(seen.credentials.as_mut().unwrap());
    secret.data.as_mut().unwrap().insert(PASSWORD.into(), ByteString("x".into()));
    assert_eq!(names(&plan(&db, &seen).unwrap()), ["apply StatefulSet orders"]);
}

#[test]
fn a_standby_gets_its_label_once() {
    let mut db = database();
    db.spec.replicas = 2;
    let mut seen = settled(&db);
    let metadata =
        ObjectMeta { name: Some("orders-1".into()), labels: Some(labels(&db)), ..ObjectMeta::default() };
    let mut pod = Pod { metadata, ..Pod::default() };
    seen.pods = vec![Arc::new(pod.clone())];
    assert_eq!(names(&plan(&db, &seen).unwrap()), ["label orders-1"]);
    pod.metadata.labels.get_or_insert_default().insert(ROLE_LABEL.into(), STANDBY.into());
    seen.pods = vec![Arc::new(pod)];
    assert_eq!(names(&plan(&db, &seen).unwrap()), [""; 0]);
}

#[test]
fn a_larger_size_grows_the_volumes_that_are_smaller() {
    let mut db = database();
    let mut seen = settled(&db);
    db.spec.storage.size = "2Gi".into();
    seen.claims =
        [("data-orders-0".to_owned(), "1Gi".into()), ("data-orders-1".to_owned(), "1Gi".into())].into();
    assert_eq!(names(&plan(&db, &seen).unwrap()), ["grow data-orders-0 to 2Gi"]);
    seen.claims = [("data-orders-0".to_owned(), "2048Mi".into())].into();
    assert_eq!(names(&plan(&db, &seen).unwrap()), [""; 0]);
}

#[test]
fn what_stands_in_the_way_stops_every_write() {
    type Change = fn(&mut Database, &mut Observed);
    let table: [(Reason, &str, Change); 7] = [
        (Reason::InvalidSpec, "spec.replicas: must be between 1 and 10, not 0", |db, _| db.spec.replicas = 0),
        (Reason::InvalidSpec, "spec.databaseName: is immutable: app cannot become shop", |db, _| {
            db.spec.database_name = "shop".into();
        }),
        (Reason::NameTaken, "StatefulSet orders exists and belongs to somebody else", |_, seen| {
            Arc::make_mut(seen.stateful_set.as_mut().unwrap()).metadata.owner_references = None;
        }),
        (
            Reason::CredentialsLost,
            "Secret orders-credentials is gone, and volume data-orders-0 was made",
            |_, seen| {
                seen.credentials = None;
                seen.claims = [("data-orders-0".to_owned(), "1Gi".into())].into();
            },
        ),
        (
            Reason::SecretKeyMissing,
            "Secret orders-credentials has no value under the key password",
            |_, seen| {
                let secret = Arc::make_mut(seen.credentials.as_mut().unwrap());
                secret.data.as_mut().unwrap().insert(PASSWORD.into(), ByteString(Vec::new()));
            },
        ),
        (Reason::SecretMissing, "spec.passwordSecretRef: Secret mine does not exist", |db, _| {
            db.spec.password_secret_ref = Some(SecretKeyRef { name: "mine".into(), key: "pw".into() });
        }),
        (Reason::SecretKeyMissing, "Secret mine has no value under the key pw", |db, seen| {
            db.spec.password_secret_ref = Some(SecretKeyRef { name: "mine".into(), key: "pw".into() });
            seen.password_secret = Some(Secret {
                data: Some([("pw".to_owned(), ByteString(Vec::new()))].into()),
                ..Secret::default()
            });
        }),
    ];
    for (reason, message, change) in table {
        let mut db = database();
        let mut seen = settled(&db);
        change(&mut db, &mut seen);
        let plan = plan(&db, &seen).unwrap();
        let blocked = plan.blocked.expect(message);
        assert_eq!(blocked.reason(), reason);
        assert!(blocked.to_string().starts_with(message), "{blocked} should start with {message}");
        assert_eq!(plan.steps, []);
    }
}

#[test]
fn a_child_of_a_previous_life_is_not_touched() {
    let db = database();
    let seen = settled(&db);
    let mut reborn = db;
    reborn.metadata.uid = Some("uid-2".into());
    assert_eq!(plan(&reborn, &seen).unwrap().blocked.unwrap().reason(), Reason::NameTaken);
}

#[test]
fn for_a_database_that_goes_nothing_is_made() {
    let mut db = database();
    db.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH));
    assert_eq!(plan(&db, &Observed::default()).unwrap(), Plan::default());
}

#[test]
fn a_password_that_postgresql_does_not_know_is_changed_and_nothing_else() {
    let db = database();
    let mut seen = settled(&db);
    seen.login = Some(Login::WrongPassword);
    assert_eq!(names(&plan(&db, &seen).unwrap()), ["change the password"]);
}

#[test]
fn what_postgresql_cannot_be_asked_about_yet_waits_and_nothing_else_does() {
    let mut db = database();
    let mut seen = settled(&db);
    db.spec.parameters = [("work_mem".into(), "5MB".into())].into();
    seen.services.remove("orders-ro");
    assert_eq!(names(&plan(&db, &seen).unwrap()), ["apply Service orders-ro", "apply StatefulSet orders"]);
    seen.unasked = true;
    assert_eq!(names(&plan(&db, &seen).unwrap()), ["apply Service orders-ro"]);
}

#[test]
fn what_postgresql_refuses_stops_the_whole_plan() {
    let db = database();
    for (change, message) in [
        (
            (|seen| seen.complaint = Some(Blocked::ParametersRefused { complaint: "no such setting".into() }))
                as fn(&mut Observed),
            "spec.parameters: PostgreSQL refuses them: no such setting",
        ),
        (
            |seen| seen.login = Some(Login::Refused { message: "role \"app\" does not exist".into() }),
            "PostgreSQL refuses the application's login: role \"app\" does not exist",
        ),
        (
            |seen| (seen.login, seen.password_changed) = (Some(Login::WrongPassword), true),
            "PostgreSQL refuses the application's login: the password was changed, and is still not accepted",
        ),
    ] {
        let mut seen = settled(&db);
        seen.services.clear();
        change(&mut seen);
        let plan = plan(&db, &seen).unwrap();
        assert_eq!(plan.blocked.unwrap().to_string(), message);
        assert!(plan.steps.is_empty());
    }
}
