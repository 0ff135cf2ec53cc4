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
    let defaults = ["wal_keep_size=256MB".to_owned()].into_iter();
    let given = db.spec.parameters.iter().map(|(name, value)| format!("{name}={value}"));
    let settings = defaults.chain(given).chain(OURS.map(str::to_owned));
    let options = settings.flat_map(|setting| ["-c".to_owned(), as_argument(&setting)]);
    ["postgres".to_owned()].into_iter().chain(options).collect()
}

/// The kubelet replaces `$(NAME)` in a command; `$$(NAME)` stands for the text itself.
fn as_argument(text: &str) -> String {
    text.replace("$(", "$$(")
}

/// Asks the running primary's own program what it has against the parameters, if they are not in force yet.
///
/// `postgres -C` reads configuration and options as at a start, prints one setting and ends.
pub async fn check(db: &Database, observed: &Observed, ctx: &Context) -> Result<(), Blocked> {
    if observed.template_holds {
        return Ok(());
    }
    let running = observed.stateful_set.as_deref().and_then(running_command);
    let (Some(running), Some(primary)) = (running, observed.primary()) else {
        return Ok(());
    };
    let wanted = command(db);
    if *running == wanted {
        return Ok(());
    }
    let given = db.spec.parameters.iter().flat_map(|(name, value)| ["-c".into(), format!("{name}={value}")]);
    let program: Vec<String> =
        ["postgres", "-C", "server_version"].map(str::to_owned).into_iter().chain(given).collect();
    let pods: Api<Pod> = ctx.namespaced(db);
    match exec::look(&pods, &primary.name_any(), &program).await {
        Ok(()) => Ok(()),
        Err(ExecError::Failed { stderr }) => {
            let complaint = exec::complaint(&stderr).unwrap_or_else(|| "it does not say why".into());
            Err(Blocked::ParametersRefused { complaint })
        }
        Err(error) => {
            tracing::warn!(error = chain(&error), "the parameters cannot be checked");
            Err(Blocked::ParametersUnchecked)
        }
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

    #[test]
    fn the_operators_settings_come_last_and_nothing_is_expanded() {
        let mut db = database();
        db.spec.parameters = [("log_line_prefix".into(), "%m $(HOME) ".into())].into();
        let settings: Vec<_> = command(&db).into_iter().skip(1).filter(|word| word != "-c").collect();
        let expected = [
            "wal_keep_size=256MB",
            "log_line_prefix=%m $$(HOME) ",
            "listen_addresses=*",
            "password_encryption=scram-sha-256",
            "wal_level=replica",
        ];
        assert_eq!(settings, expected);
    }
}
