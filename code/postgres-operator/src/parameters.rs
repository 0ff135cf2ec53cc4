//! `spec.parameters` on the server's command line, and PostgreSQL's opinion of them before any pod is replaced.

use crate::{
    api::Database,
    blocked::Blocked,
    context::Context,
    error::chain,
    external::exec::{self, ExecError},
    observe::Observed,
};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod};
use kube::{Api, ResourceExt};

/// What the operator's own work stands on. Later settings win, and the user's come first.
const OURS: [&str; 3] = ["listen_addresses=*", "password_encryption=scram-sha-256", "wal_level=replica"];

/// The server's command line.
pub fn command(db: &Database) -> Vec<String> {
    let options = settings(db).flat_map(|setting| ["-c".to_owned(), as_argument(&setting)]);
    ["postgres".to_owned()].into_iter().chain(options).collect()
}

fn settings(db: &Database) -> impl Iterator<Item = String> + '_ {
    let defaults = ["wal_keep_size=256MB".to_owned()].into_iter();
    let given = db.spec.parameters.iter().map(|(name, value)| format!("{name}={value}"));
    defaults.chain(given).chain(OURS.map(str::to_owned))
}

/// The kubelet replaces `$(NAME)` in a command, and makes one dollar sign of two.
fn as_argument(text: &str) -> String {
    text.replace('$', "$$")
}

/// The program that tells what PostgreSQL has against the parameters.
///
/// `postgres -C` reads configuration and options as at a start, prints one setting and ends. For a setting that is computed at
/// the start, <https://www.postgresql.org/docs/15/runtime-config-preset.html>, it goes as far as to compare settings with each
/// other. Its last words are then about the server that runs, in English and without a code, whatever the parameters ask for.
fn trial(db: &Database) -> Vec<String> {
    let plain = ["lc_messages=C", "log_error_verbosity=default"].map(str::to_owned);
    let settings = settings(db).chain(plain);
    let options = settings.flat_map(|setting| ["-c".to_owned(), setting]);
    ["postgres", "-C", "shared_memory_size"].map(str::to_owned).into_iter().chain(options).collect()
}

/// What PostgreSQL has against the parameters, from what the trial wrote. That a server runs comes after all else.
fn verdict(stderr: &str) -> Result<(), Blocked> {
    let complaint = exec::complaint(stderr).unwrap_or_else(|| "it does not say why".into());
    if complaint.starts_with("lock file ") && complaint.ends_with(" already exists") {
        return Ok(());
    }
    Err(Blocked::ParametersRefused { complaint })
}

/// Whether the servers may get their parameters now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// They have them already, PostgreSQL has nothing against them, or nothing runs that they could harm.
    Now,
    /// The primary is on its way, and will be asked when it is ready.
    Later,
}

/// Asks the running primary's own program what it has against the parameters, if they are not in force yet.
pub async fn check(db: &Database, observed: &Observed, ctx: &Context) -> Result<Answer, Blocked> {
    if observed.holds("StatefulSet", &db.name_any()) {
        return Ok(Answer::Now);
    }
    let Some(running) = observed.stateful_set.as_deref().and_then(running_command) else {
        return Ok(Answer::Now);
    };
    let wanted = command(db);
    if *running == wanted {
        return Ok(Answer::Now);
    }
    if db.spec.replicas > 1 {
        not_lowered(running, &wanted)?;
    }
    let primary = match whom_to_ask(observed) {
        Whom::Primary(primary) => primary,
        Whom::Nobody => return Ok(Answer::Now),
        Whom::Later => {
            tracing::info!("new parameters wait until the primary can be asked about them");
            return Ok(Answer::Later);
        }
    };
    let pods: Api<Pod> = ctx.namespaced(db);
    match exec::look(&pods, &primary.name_any(), &trial(db)).await {
        Ok(()) => Ok(Answer::Now),
        Err(ExecError::Failed { stderr }) => verdict(&stderr).map(|()| Answer::Now),
        Err(error) => {
            tracing::warn!(error = chain(&error), "the parameters cannot be checked");
            Err(Blocked::ParametersUnchecked)
        }
    }
}

/// A standby refuses to start with less of these than its primary has, and a rollout begins with the standbys: it would never get to
/// the primary. <https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN>, with PostgreSQL's defaults.
const AT_LEAST_AS_THE_PRIMARY: [(&str, i64); 5] = [
    ("max_connections", 100),
    ("max_locks_per_transaction", 64),
    ("max_prepared_transactions", 0),
    ("max_wal_senders", 10),
    ("max_worker_processes", 8),
];

fn not_lowered(running: &[String], wanted: &[String]) -> Result<(), Blocked> {
    let value = |command: &[String], name: &str, default: i64| {
        let given =
            |word: &String| word.split_once('=').filter(|(key, _)| *key == name)?.1.trim().parse().ok();
        command.iter().rev().find_map(given).unwrap_or(default)
    };
    let lowered = AT_LEAST_AS_THE_PRIMARY.iter().find_map(|(name, default)| {
        let (from, to) = (value(running, name, *default), value(wanted, name, *default));
        (to < from).then(|| format!("{name} cannot go from {from} to {to} while there are standbys, which do not start with less than their primary has"))
    });
    lowered.map_or(Ok(()), |complaint| Err(Blocked::ParametersRefused { complaint }))
}

/// The pod to ask.
enum Whom<'a> {
    Primary(&'a Pod),
    /// No node has taken the primary's pod, or one is in trouble: nothing runs that new parameters could harm, and they may be what helps.
    Nobody,
    /// A pod that is on its way can be asked in a moment.
    Later,
}

fn whom_to_ask(observed: &Observed) -> Whom<'_> {
    let unscheduled =
        |pod: &Pod| pod.status.as_ref().is_none_or(|status| status.container_statuses.is_none());
    match observed.primary() {
        Some(primary) => Whom::Primary(primary),
        None if observed.trouble().is_some() => Whom::Nobody,
        None if observed.pods.iter().any(|pod| pod.name_any().ends_with("-0") && unscheduled(pod)) => {
            Whom::Nobody
        }
        None => Whom::Later,
    }
}

fn running_command(set: &StatefulSet) -> Option<&Vec<String>> {
    let containers = &set.spec.as_ref()?.template.spec.as_ref()?.containers;
    containers.iter().find(|container| container.name == "postgres")?.command.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::tests::database;
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn the_operators_settings_come_last_and_nothing_is_expanded() {
        let mut db = database();
        db.spec.parameters = [("log_line_prefix".into(), "%m $(HOME) $$1 ".into())].into();
        let settings: Vec<_> = command(&db).into_iter().skip(1).filter(|word| word != "-c").collect();
        let expected = [
            "wal_keep_size=256MB",
            "log_line_prefix=%m $$(HOME) $$$$1 ",
            "listen_addresses=*",
            "password_encryption=scram-sha-256",
            "wal_level=replica",
        ];
        assert_eq!(settings, expected);
        assert!(
            trial(&db).contains(&"log_line_prefix=%m $(HOME) $$1 ".to_owned()),
            "no kubelet stands between"
        );
    }

    #[test]
    fn what_a_standby_must_have_as_much_of_as_its_primary_is_not_lowered() {
        let command = |connections: Option<&str>| {
            let mut db = database();
            db.spec.parameters = connections
                .map(|value| ("max_connections".to_owned(), value.to_owned()))
                .into_iter()
                .collect();
            command(&db)
        };
        for (from, to, complaint) in [
            (None, Some("100"), None),
            (None, Some("50"), Some("max_connections cannot go from 100 to 50 ")),
            (Some("200"), None, Some("max_connections cannot go from 200 to 100 ")),
            (Some("200"), Some(" 300"), None),
            (Some("200"), Some("many"), Some("max_connections cannot go from 200 to 100 ")),
        ] {
            let refused = not_lowered(&command(from), &command(to)).err().map(|blocked| blocked.to_string());
            let as_expected = match complaint {
                None => refused.is_none(),
                Some(complaint) => refused.as_deref().is_some_and(|text| text.contains(complaint)),
            };
            assert!(as_expected, "{from:?} to {to:?}: {refused:?}");
        }
    }

    #[test]
    fn only_the_word_of_a_running_server_is_a_consent() {
        // As PostgreSQL 15 and 17 write it.
        for (stderr, complaint) in [
            (
                "2026-11-26 10:59:04.975 UTC [22532] FATAL:  lock file \"postmaster.pid\" already exists\n2026-11-26 10:59:04.975 UTC [22532] HINT:  Is another postmaster (PID 1) running in data directory \"/d\"?",
                None,
            ),
            (
                "postgres: superuser_reserved_connections (200) must be less than max_connections (100)",
                Some("superuser_reserved_connections (200) must be less than max_connections (100)"),
            ),
            (
                "2026-11-26 11:03:49.375 UTC [54] FATAL:  WAL streaming (\"max_wal_senders\" > 0) requires \"wal_level\" to be \"replica\" or \"logical\"",
                Some(
                    "WAL streaming (\"max_wal_senders\" > 0) requires \"wal_level\" to be \"replica\" or \"logical\"",
                ),
            ),
            ("Killed", Some("it does not say why")),
        ] {
            let expected =
                complaint.map(|complaint| Blocked::ParametersRefused { complaint: complaint.into() });
            assert_eq!(verdict(stderr).err(), expected, "{stderr}");
        }
    }

    #[test]
    fn a_primary_that_is_on_its_way_is_waited_for() {
        let pod = |status| {
            serde_json::from_value(json!({"metadata": {"name": "orders-0"}, "status": status})).unwrap()
        };
        let waiting = |reason: &str| {
            json!({"containerStatuses": [{"name": "postgres", "image": "x", "imageID": "", "ready": false,
                "restartCount": 0, "state": {"waiting": {"reason": reason}}}]})
        };
        let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        for (pods, expected) in [
            (vec![pod(ready)], "primary"),
            (vec![pod(waiting("PodInitializing"))], "later"),
            (Vec::new(), "later"),
            (vec![pod(waiting("ImagePullBackOff"))], "nobody"),
            (vec![pod(json!({}))], "nobody"),
        ] {
            let observed = Observed { pods: pods.into_iter().map(Arc::new).collect(), ..Observed::default() };
            let whom = match whom_to_ask(&observed) {
                Whom::Primary(_) => "primary",
                Whom::Nobody => "nobody",
                Whom::Later => "later",
            };
            assert_eq!(whom, expected, "{:?}", observed.pods);
        }
    }
}
