//! What keeps a Database from getting where its spec wants it, in words that a user can act on.

use crate::{api::Violation, cleanup, reason::Reason};
use kube::core::Status;
use std::fmt;

/// A failure that the status reports. It is retried, and goes when its cause goes.
///
/// The text is stable: the same cause gives the same words on every pass, so that it can sit in a condition without
/// causing a write each time. What changes from try to try (counts, addresses, request ids) belongs in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The spec breaks a rule.
    InvalidSpec(Violation),
    /// An object of that kind and name exists and belongs to somebody else.
    NameTaken {
        /// Kind of the object.
        kind: String,
        /// Its name.
        name: String,
    },
    /// The Secret named by `spec.passwordSecretRef` does not exist.
    SecretMissing {
        /// Its name.
        name: String,
    },
    /// A Secret lacks a key, or has it empty.
    SecretKeyMissing {
        /// Name of the Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// The credentials Secret is gone, and a volume that was initialised with it lives.
    CredentialsLost {
        /// Name of the Secret.
        secret: String,
        /// Name of the volume claim.
        claim: String,
    },
    /// PostgreSQL refuses `spec.parameters`. What runs goes on with those it has.
    ParametersRefused {
        /// PostgreSQL's own words.
        complaint: String,
    },
    /// Nobody can say what PostgreSQL has against changed `spec.parameters`. What runs goes on with those it has.
    ParametersUnchecked,
    /// PostgreSQL refuses the application's login, and not for its password.
    LoginRefused {
        /// PostgreSQL's own words.
        message: String,
    },
    /// PostgreSQL knows another password of the superuser than the credentials Secret has.
    SuperuserRefused {
        /// Name of the Secret.
        secret: String,
    },
    /// There is data, and no server that could be asked for it.
    NoServerToBackUp {
        /// Why.
        why: String,
    },
    /// The final backup cannot be taken, or the store not be looked into.
    BackupFailed {
        /// Why.
        why: String,
    },
    /// The API server refused a write.
    Refused {
        /// Kind of the child.
        kind: String,
        /// Its name.
        name: String,
        /// The API server's own reason, `Forbidden` for example.
        reason: String,
        /// Fields that it named, if any.
        fields: Vec<String>,
    },
}

impl Blocked {
    /// From the API server's answer to a write.
    pub fn refused(kind: &str, name: &str, status: &Status) -> Self {
        let reason = if status.reason.is_empty() { status.code.to_string() } else { status.reason.clone() };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let fields = causes.map(|cause| cause.field.clone()).filter(|field| !field.is_empty()).collect();
        Self::Refused { kind: kind.to_owned(), name: name.to_owned(), reason, fields }
    }

    /// The reason to report.
    pub fn reason(&self) -> Reason {
        match self {
            Self::InvalidSpec(_) => Reason::InvalidSpec,
            Self::NameTaken { .. } => Reason::NameTaken,
            Self::SecretMissing { .. } => Reason::SecretMissing,
            Self::SecretKeyMissing { .. } => Reason::SecretKeyMissing,
            Self::CredentialsLost { .. } => Reason::CredentialsLost,
            Self::ParametersRefused { .. } => Reason::ParametersRefused,
            Self::ParametersUnchecked => Reason::ParametersUnchecked,
            Self::LoginRefused { .. } | Self::SuperuserRefused { .. } => Reason::LoginRefused,
            Self::NoServerToBackUp { .. } => Reason::NoServerToBackUp,
            Self::BackupFailed { .. } => Reason::BackupFailed,
            Self::Refused { .. } => Reason::ChildRefused,
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSpec(violation) => violation.fmt(f),
            Self::NameTaken { kind, name } => write!(f, "{kind} {name} exists and belongs to somebody else"),
            Self::SecretMissing { name } => write!(f, "spec.passwordSecretRef: Secret {name} does not exist"),
            Self::SecretKeyMissing { name, key } => {
                write!(f, "Secret {name} has no value under the key {key}")
            }
            Self::CredentialsLost { secret, claim } => {
                write!(
                    f,
                    "Secret {secret} is gone, and volume {claim} was made with its passwords: restore it"
                )
            }
            Self::ParametersRefused { complaint } => {
                write!(f, "spec.parameters: PostgreSQL refuses them: {complaint}")
            }
            Self::ParametersUnchecked => {
                write!(f, "spec.parameters: the primary's pod cannot be asked whether PostgreSQL takes them")
            }
            Self::SuperuserRefused { secret } => {
                write!(f, "PostgreSQL does not accept the superuser's password from Secret {secret}")
            }
            Self::NoServerToBackUp { why } => {
                write!(
                    f,
                    "no server to take the final backup from: {why}; deletionPolicy Retain keeps the volumes, {}=true gives them up",
                    cleanup::GIVE_UP
                )
            }
            Self::BackupFailed { why } => write!(f, "{why}; {}=true gives the backup up", cleanup::GIVE_UP),
            Self::LoginRefused { message } => {
                write!(f, "PostgreSQL refuses the application's login: {message}")
            }
            Self::Refused { kind, name, reason, fields } => {
                write!(f, "the API server refuses {kind} {name}: {reason}")?;
                if fields.is_empty() { Ok(()) } else { write!(f, " ({})", fields.join(", ")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_that_fails_says_how_to_give_it_up() {
        let blocked = Blocked::BackupFailed { why: "the backup store cannot be reached".into() };
        let told = "the backup store cannot be reached; database.example.com/give-up-final-backup=true gives the backup up";
        assert_eq!(blocked.to_string(), told);
    }

    #[test]
    fn a_refusal_keeps_the_reason_and_the_fields_and_drops_what_changes() {
        let status: Status = serde_json::from_value(serde_json::json!({
            "code": 422, "reason": "Invalid", "message": "used: 17 of 17, request 8f3a",
            "details": {"causes": [{"field": "spec.template.spec.containers[0].image"}]},
        }))
        .unwrap();
        let blocked = Blocked::refused("StatefulSet", "orders", &status);
        assert_eq!(
            blocked.to_string(),
            "the API server refuses StatefulSet orders: Invalid (spec.template.spec.containers[0].image)"
        );
        assert_eq!(blocked.reason(), Reason::ChildRefused);
    }
}
