//! Ready is said only after a query was answered as the application's own user, and not while that user cannot log in.

use super::{NAME, NOTICED, create_ready, denies, phase};
use crate::check::{Arena, Failure, Version};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use postgres_operator::{api::Database, error::chain, phase::Phase};
use serde_json::json;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    // The database's own log tells who asked what.
    let parameters = json!({"log_statement": "all", "log_line_prefix": "%n %u@%d "});
    let ready = create_ready(arena, json!({"parameters": parameters})).await?;
    let question = asked_before(arena, &ready).await?;

    let mark = arena.databases.mark();
    arena.sql(NAME, "ALTER ROLE app NOLOGIN").await?;
    arena.poke(NAME, "may the application log in?").await?;
    arena
        .database(mark, NOTICED, "Ready=False while the application's user may not log in", |db| {
            denies(db, "Ready") && phase(db) != Some(Phase::Ready)
        })
        .await?;
    Ok(format!("before Ready, app was answered {question:?}"))
}

/// The application's user asked something before the first Ready=True.
async fn asked_before(arena: &Arena, ready: &Version<Database>) -> Result<String, Failure> {
    let params = LogParams { container: Some("postgres".into()), ..LogParams::default() };
    let log = arena.api::<Pod>().logs("orders-0", &params).await;
    let log = log.map_err(|error| Failure::new("the log of PostgreSQL can be read", chain(&error)))?;
    let first = log.lines().find_map(statement_of_app);
    let condition = ready.object.conditions().iter().find(|condition| condition.type_ == "Ready");
    let since = condition.map(|condition| condition.last_transition_time.0.as_second());
    match (first, since) {
        // The status has whole seconds.
        (Some((at, statement)), Some(since)) if at.floor() <= since_as_f64(since) => Ok(statement),
        (Some((at, _)), since) => {
            let seen =
                format!("it asked first at {at}, and Ready is True since {}", since.unwrap_or_default());
            Err(Failure::new("Ready=True only after the application's user was answered", seen))
        }
        (None, _) => Err(Failure::new(
            "Ready=True only after the application's user was answered",
            "app@app never asked anything",
        )),
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
fn since_as_f64(seconds: i64) -> f64 {
    seconds as f64
}

/// Time and text of a statement of the application's user, from a line of the log.
fn statement_of_app(line: &str) -> Option<(f64, String)> {
    let (at, rest) = line.split_once(' ')?;
    let statement = rest.strip_prefix("app@app LOG:")?.trim().strip_prefix("statement: ")?;
    Some((at.parse().ok()?, statement.chars().take(40).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_statements_of_the_application_count() {
        for (line, expected) in [
            (
                "1700000000.123 app@app LOG:  statement: SELECT 1",
                Some((1_700_000_000.123, "SELECT 1".to_owned())),
            ),
            ("1700000000.123 postgres@postgres LOG:  statement: SELECT 1", None),
            ("1700000000.123 app@app FATAL:  role \"app\" is not permitted to log in", None),
            ("1700000000.123 @ LOG:  checkpoint complete", None),
        ] {
            assert_eq!(statement_of_app(line), expected, "{line}");
        }
    }
}
