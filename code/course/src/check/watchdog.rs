//! Looks on while a check runs, whatever the check is about: an operator that floods the API server, or logs a password, is wrong
//! in all of them.

use super::{Arena, Failure};
use fault_proxy::Request;
use k8s_openapi::api::core::v1::Secret;
use kube::{ResourceExt, api::ListParams};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// No operator of a few objects has so much to write in a second, or to ask.
const WRITES: usize = 100;
const REQUESTS: usize = 400;
/// Seconds in a row: the first pass over everything is a burst, and no flood.
const SUSTAINED: usize = 3;
/// Seconds between two looks at the Secrets.
const SECRETS_EVERY: usize = 3;
/// Shorter words may be in a log by chance.
const TELLING: usize = 12;

/// What the operator did in one second.
#[derive(Clone, Copy, Debug)]
struct Second {
    writes: usize,
    requests: usize,
}

impl Second {
    fn of(requests: &[Request]) -> Self {
        let writes = requests.iter().filter(|request| request.verb.writes()).count();
        Self { writes, requests: requests.len() }
    }

    /// Whether it is too much for an operator of so many objects: each may be looked at once, and written once.
    fn floods(self, objects: usize) -> bool {
        self.writes > WRITES.max(objects) || self.requests > REQUESTS.max(objects)
    }
}

/// Counts seconds that are too much, in a row.
#[derive(Default)]
struct Flood(usize);

impl Flood {
    fn note(&mut self, second: Second, objects: usize) -> bool {
        self.0 = if second.floods(objects) { self.0 + 1 } else { 0 };
        self.0 >= SUSTAINED
    }
}

/// Passwords, and the Secret that each is from, also if that is gone by now.
#[derive(Default)]
struct Passwords(BTreeMap<String, String>);

impl Passwords {
    fn learn(&mut self, secret: &Secret) {
        let named = secret.data.iter().flatten().filter(|(key, _)| key.contains("password"));
        let texts = named.filter_map(|(_, value)| String::from_utf8(value.0.clone()).ok());
        self.0.extend(texts.filter(|text| text.len() >= TELLING).map(|text| (text, secret.name_any())));
    }

    /// The Secret whose password is in a text.
    fn told_in(&self, text: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(password, _)| text.contains(password.as_str()))
            .map(|(_, secret)| secret.as_str())
    }
}

/// For one arena.
pub(super) struct Watchdog<'a> {
    arena: &'a Arena,
    passwords: Passwords,
}

impl<'a> Watchdog<'a> {
    pub(super) fn new(arena: &'a Arena) -> Self {
        Self { arena, passwords: Passwords::default() }
    }

    /// Waits for something that no operator may do.
    pub(super) async fn barks(&mut self) -> Failure {
        let (mut flood, mut seconds, mut mark) = (Flood::default(), 0_usize, self.arena.proxy.mark());
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, and there is nothing to see yet.
        tick.tick().await;
        loop {
            tick.tick().await;
            seconds += 1;
            let second = Second::of(&self.arena.proxy.requests_since(mark));
            mark = self.arena.proxy.mark();
            if flood.note(second, self.arena.databases.names()) {
                let Second { writes, requests } = second;
                let seen = format!(
                    "the operator floods the API server: {requests} requests in one second, {writes} of them writes"
                );
                return Failure::new("an operator that waits between its tries", seen);
            }
            if seconds.is_multiple_of(SECRETS_EVERY)
                && let Err(failure) = self.last_look().await
            {
                return failure;
            }
        }
    }

    /// Looks whether a password is in the log.
    pub(super) async fn last_look(&mut self) -> Result<(), Failure> {
        // An API server that does not answer has other checks to fail.
        if let Ok(secrets) = self.arena.api::<Secret>().list(&ListParams::default()).await {
            for secret in &secrets.items {
                self.passwords.learn(secret);
            }
        }
        match self.passwords.told_in(&self.arena.operator.log().text()) {
            Some(secret) => {
                let seen = format!("the operator's log has the password of Secret {secret}");
                Err(Failure::new("passwords are in Secrets and nowhere else", seen))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;
    use kube::api::ObjectMeta;

    #[test]
    fn a_burst_is_no_flood_and_a_flood_lasts() {
        let (calm, writes, reads) = (
            Second { writes: WRITES, requests: REQUESTS },
            Second { writes: WRITES + 1, requests: WRITES + 1 },
            Second { writes: 0, requests: REQUESTS + 1 },
        );
        for (seconds, objects, expected) in [
            (vec![writes, writes, calm, writes, writes], 1, false),
            (vec![writes, writes, writes], 1, true),
            (vec![reads, reads, reads], 1, true),
            (vec![reads, writes, reads], 1, true),
            (vec![calm; 9], 1, false),
            (vec![reads; 9], 1000, false),
        ] {
            let mut flood = Flood::default();
            let found = seconds.iter().any(|second| flood.note(*second, objects));
            assert_eq!(found, expected, "{seconds:?} with {objects} objects");
        }
    }

    #[test]
    fn a_password_is_found_in_a_log_and_short_words_are_not() {
        let data =
            [("password", "correct-horse"), ("username", "application-user"), ("old-password", "short")];
        let data = data.map(|(key, value)| (key.to_owned(), ByteString(value.into())));
        let metadata = ObjectMeta { name: Some("login".into()), ..ObjectMeta::default() };
        let mut passwords = Passwords::default();
        passwords.learn(&Secret { metadata, data: Some(data.into()), ..Secret::default() });
        for (log, expected) in [
            ("connecting with correct-horse", Some("login")),
            ("application-user logged in, in short", None),
            ("", None),
        ] {
            assert_eq!(passwords.told_in(log), expected, "{log}");
        }
    }
}
