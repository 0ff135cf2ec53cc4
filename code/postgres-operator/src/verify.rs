//! Verify: the application can work when its own login works, with the very password that it reads.

use crate::{
    api::Database,
    apply::Answer,
    blocked::Blocked,
    context::Context,
    external::{login::Login, postgres::Credentials, reach::Primary},
    observe::{Observed, value},
    resources::{PASSWORD, PORT, SUPERUSER_PASSWORD},
};
use kube::ResourceExt;
use secrecy::SecretString;

/// Tries the application's login.
// ANCHOR: ask
pub async fn ask(db: &Database, observed: &Observed, ctx: &Context) -> Login {
    let (Some((primary, application)), Some(pod)) = (application(db, observed), observed.primary()) else {
        return Login::NoAnswer;
    };
    let uid = pod.uid().unwrap_or_default();
    ctx.logins.attempt(&primary, &uid, &application).await
}
// ANCHOR_END: ask

/// Where the application's login is to be tried, and with what; none while there is no server or no password.
pub fn application(db: &Database, observed: &Observed) -> Option<(Primary, Credentials)> {
    let password = application_password(db, observed)?;
    observed.primary()?;
    let (user, database) = (db.spec.username.clone(), db.spec.database_name.clone());
    Some((primary(db, observed), Credentials { user, database, password }))
}

/// Gives the application's role the password that its Secret has.
pub(crate) async fn change_password(
    db: &Database,
    observed: &Observed,
    ctx: &Context,
) -> Result<Answer, Blocked> {
    let superuser = observed.credentials.as_deref().and_then(|secret| value(secret, SUPERUSER_PASSWORD));
    let (Some(superuser), Some(password)) = (superuser, application_password(db, observed)) else {
        return Err(Blocked::SecretKeyMissing {
            name: db.credentials_name(),
            key: SUPERUSER_PASSWORD.into(),
        });
    };
    let superuser =
        Credentials { user: "postgres".into(), database: "postgres".into(), password: superuser.into() };
    let primary = primary(db, observed);
    match ctx.logins.change_password(&primary, &superuser, &db.spec.username, &password).await {
        Ok(()) => Ok(Answer::Password),
        Err(Login::WrongPassword) => Err(Blocked::SuperuserRefused { secret: db.credentials_name() }),
        Err(Login::Refused { message }) => Err(Blocked::LoginRefused { message }),
        // The next pass finds the wrong password again, and changes it.
        Err(silence) => Ok(Answer::NoPassword(silence)),
    }
}

fn application_password(db: &Database, observed: &Observed) -> Option<SecretString> {
    let password = match &db.spec.password_secret_ref {
        Some(reference) => value(observed.password_secret.as_ref()?, &reference.key),
        None => value(observed.credentials.as_deref()?, PASSWORD),
    };
    password.map(SecretString::from)
}

fn primary(db: &Database, observed: &Observed) -> Primary {
    let ip = observed.primary().and_then(|pod| pod.status.as_ref()?.pod_ip.clone());
    Primary {
        namespace: db.namespace().unwrap_or_default(),
        service: db.name_any(),
        pod: format!("{}-0", db.name_any()),
        pod_ip: ip,
        port: u16::try_from(PORT).unwrap_or_default(),
    }
}
