//! Talking to PostgreSQL: logging in, asking, and changing a password.

use super::reach::{Connection, Primary, Reach};
use secrecy::{ExposeSecret, SecretString};
use std::{io, time::Duration};
use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, error::SqlState};

/// A login and its question together.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Who logs in, and where.
pub struct Credentials {
    /// The role.
    pub user: String,
    /// The database.
    pub database: String,
    /// The password. It has no `Debug` that shows it.
    pub password: SecretString,
}

/// How a server refused, or why it did not get to say anything.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No connection.
    #[error("the server cannot be reached")]
    Unreachable(#[source] io::Error),
    /// A connection, and then nothing.
    #[error("the server does not answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent,
    /// The connection broke, or what came over it was no PostgreSQL.
    #[error("the connection to the server broke")]
    Broken(#[source] tokio_postgres::Error),
    /// It starts up, shuts down, or has no connection to spare.
    #[error("the server takes no connections now")]
    Busy(#[source] tokio_postgres::Error),
    /// The password is not the one that it knows.
    #[error("the server does not accept the password")]
    Password,
    /// It refused for another reason.
    #[error("{message}")]
    Refused {
        /// PostgreSQL's own words, without detail and position.
        message: String,
    },
}

impl From<tokio_postgres::Error> for PostgresError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(refusal) = error.as_db_error() else {
            return Self::Broken(error);
        };
        match refusal.code() {
            &SqlState::INVALID_PASSWORD => Self::Password,
            &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::TOO_MANY_CONNECTIONS
            | &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN => Self::Busy(error),
            _ => Self::Refused { message: refusal.message().to_owned() },
        }
    }
}

impl PostgresError {
    /// Whether the server said something: then it is there, and a breaker has nothing to do.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Password | Self::Refused { .. })
    }
}

/// Logs in and asks who is there and which version answers: proof that the application can work.
pub async fn log_in(
    reach: &dyn Reach,
    primary: &Primary,
    as_: &Credentials,
) -> Result<String, PostgresError> {
    session(reach, primary, as_, async |client| {
        let question = "SELECT current_user, current_database(), current_setting('server_version')";
        let rows = client.simple_query(question).await?;
        let row = rows.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.get(0)?, row.get(1)?, row.get(2)?)),
            _ => None,
        });
        match row {
            Some((user, database, version)) if user == as_.user && database == as_.database => {
                // `17.2 (Debian 17.2-1.pgdg120+1)`: the packager's words do not belong into a status.
                Ok(version.split(' ').next().unwrap_or(version).to_owned())
            }
            _ => Err(PostgresError::Refused { message: "somebody else answered".into() }),
        }
    })
    .await
}

/// Gives a role another password. Only its SCRAM verifier travels and can appear in the server's log.
pub async fn change_password(
    reach: &dyn Reach,
    primary: &Primary,
    superuser: &Credentials,
    role: &str,
    password: &SecretString,
) -> Result<(), PostgresError> {
    let statement = change_password_statement(role, password);
    session(reach, primary, superuser, async |client| Ok(client.batch_execute(&statement).await?)).await
}

fn change_password_statement(role: &str, password: &SecretString) -> String {
    let verifier = postgres_protocol::password::scram_sha_256(password.expose_secret().as_bytes());
    format!("ALTER ROLE {} WITH LOGIN PASSWORD {}", identifier(role), literal(&verifier))
}

/// An identifier in quotes, <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string constant that means the same under every setting of `standard_conforming_strings`.
pub fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "''");
    if escaped.contains('\\') { format!("E'{escaped}'") } else { format!("'{escaped}'") }
}

/// One connection with a time limit for all that happens on it.
async fn session<T>(
    reach: &dyn Reach,
    primary: &Primary,
    as_: &Credentials,
    work: impl AsyncFnOnce(&Client) -> Result<T, PostgresError>,
) -> Result<T, PostgresError> {
    let stream = reach.connect(primary).await.map_err(PostgresError::Unreachable)?;
    let talk = async {
        let (client, connection) = open(stream, as_).await?;
        // It ends when the client is dropped.
        let driver = tokio::spawn(connection);
        let result = work(&client).await;
        drop(client);
        let _ = driver.await;
        result
    };
    timeout(ANSWER_WITHIN, talk).await.map_err(|_| PostgresError::Silent)?
}

type Driver = tokio_postgres::Connection<Box<dyn Connection>, tokio_postgres::tls::NoTlsStream>;

async fn open(stream: Box<dyn Connection>, as_: &Credentials) -> Result<(Client, Driver), PostgresError> {
    let mut config = Config::new();
    config.user(&as_.user).dbname(&as_.database).password(as_.password.expose_secret());
    config.application_name("postgres-operator");
    // Whatever the parameters make the default: a password is changed all the same.
    config.options("-c default_transaction_read_only=off");
    Ok(config.connect_raw(stream, NoTls).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_and_literals_cannot_be_left() {
        assert_eq!(identifier("app"), "\"app\"");
        assert_eq!(identifier("a\"; DROP ROLE postgres; --"), "\"a\"\"; DROP ROLE postgres; --\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\'"), "E'\\\\'''");
    }

    #[test]
    fn the_password_itself_is_not_in_the_statement() {
        let statement = change_password_statement("app", &SecretString::from("s3cret'\\ and $(strange)"));
        assert!(!statement.contains("s3cret"));
        assert!(statement.starts_with("ALTER ROLE \"app\" WITH LOGIN PASSWORD 'SCRAM-SHA-256$4096:"));
    }
}
