//! The application's own login: tried with the very password that the application reads.

use super::{
    breaker::Breakers,
    postgres::{Credentials, PostgresError, change_password, log_in},
    reach::{Primary, Reach},
};
use crate::error::chain;
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// What PostgreSQL said when the application's login was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// It works.
    Accepted {
        /// PostgreSQL's version, `17.2` for example.
        version: String,
    },
    /// PostgreSQL knows another password.
    WrongPassword,
    /// It was refused.
    Refused {
        /// PostgreSQL's own words.
        message: String,
    },
    /// Nothing was said: the server is not reached, or takes no connections now.
    NoAnswer,
}

impl From<PostgresError> for Login {
    fn from(error: PostgresError) -> Self {
        match error {
            PostgresError::Password => Self::WrongPassword,
            PostgresError::Refused { message } => Self::Refused { message },
            _ => Self::NoAnswer,
        }
    }
}

/// Tries logins, and remembers for a while which ones worked, so that a pass which finds nothing changed asks nothing.
pub struct Logins {
    reach: Box<dyn Reach>,
    breakers: Breakers<Key>,
    known: Mutex<HashMap<Key, Known>>,
    good_for: Duration,
}

/// Namespace and name of a Database. Pods come and go with new addresses; what is remembered of them must not pile up.
type Key = (String, String);

fn key(primary: &Primary) -> Key {
    (primary.namespace.clone(), primary.service.clone())
}

struct Known {
    /// Of the pod and the password that it was tried with.
    fingerprint: u64,
    until: Instant,
    version: String,
}

impl Logins {
    /// Reaches the servers by `reach`; a login that worked is good for that long, unless pod or password change.
    pub fn new(reach: Box<dyn Reach>, good_for: Duration) -> Self {
        Self { reach, breakers: Breakers::default(), known: Mutex::default(), good_for }
    }

    /// The way to the servers.
    pub fn reach(&self) -> &dyn Reach {
        self.reach.as_ref()
    }

    /// Tries the login, or tells what is still known of it. `pod_uid` is the pod that should answer.
    pub async fn attempt(&self, primary: &Primary, pod_uid: &str, as_: &Credentials) -> Login {
        let fingerprint = fingerprint(pod_uid, as_);
        if let Some(version) = self.known(primary, fingerprint) {
            return Login::Accepted { version };
        }
        match self.guarded(primary, log_in(self.reach.as_ref(), primary, as_)).await {
            Ok(version) => {
                let until = Instant::now() + self.good_for;
                let known = Known { fingerprint, until, version: version.clone() };
                self.lock().insert(key(primary), known);
                Login::Accepted { version }
            }
            Err(login) => login,
        }
    }

    /// Gives the role another password, as the superuser.
    pub async fn change_password(
        &self,
        primary: &Primary,
        superuser: &Credentials,
        role: &str,
        password: &SecretString,
    ) -> Result<(), Login> {
        let change = change_password(self.reach.as_ref(), primary, superuser, role, password);
        self.guarded(primary, change).await
    }

    /// Forgets a Database that is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.lock().remove(&key);
        self.breakers.forget(&key);
    }

    /// Number of servers that are left alone for now because they did not answer.
    pub fn open_breakers(&self) -> usize {
        self.breakers.open()
    }

    async fn guarded<T>(
        &self,
        primary: &Primary,
        call: impl Future<Output = Result<T, PostgresError>>,
    ) -> Result<T, Login> {
        let permit = self.breakers.admit(&key(primary)).map_err(|open| {
            tracing::debug!(pod = primary.pod, %open, "not asked");
            Login::NoAnswer
        })?;
        let result = call.await;
        if result.as_ref().map_or_else(PostgresError::is_answer, |_| true) {
            permit.answered();
        }
        result.map_err(|error| {
            tracing::warn!(pod = primary.pod, error = chain(&error), "PostgreSQL");
            Login::from(error)
        })
    }

    fn known(&self, primary: &Primary, fingerprint: u64) -> Option<String> {
        let known = self.lock();
        let known = known.get(&key(primary))?;
        let holds = known.fingerprint == fingerprint && Instant::now() < known.until;
        holds.then(|| known.version.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fingerprint(pod_uid: &str, as_: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    (pod_uid, &as_.user, &as_.database, as_.password.expose_secret()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
