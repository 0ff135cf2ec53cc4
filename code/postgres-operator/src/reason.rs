//! The reasons that conditions carry. An enum, because scripts and alerts match on them: a reason that exists today
//! keeps its spelling.

use std::fmt;

/// One list of variants and their documentation: for the enum, and for those who print it.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Why a condition has its status. The text form is the variant's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// All of them, in the order in which they are declared.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// What it means, in the words of its documentation.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc,)+).trim_ascii(),)+
                }
            }
        }
    };
}

reasons! {
    /// All servers of the current spec answer.
    ReplicasReady,
    /// Fewer servers answer than the spec asks for.
    ReplicasNotReady,
    /// Children were created or changed in this pass.
    ApplyingChildren,
    /// The StatefulSet controller is replacing pods.
    RollingOut,
    /// All pods are of the current spec, and some do not answer yet.
    WaitingForReplicas,
    /// Nothing is under way.
    Settled,
    /// Nothing stands in the way.
    NoFailure,
    /// The spec breaks a rule.
    InvalidSpec,
    /// A child's name is taken by an object that belongs to somebody else.
    NameTaken,
    /// The Secret that the spec names does not exist.
    SecretMissing,
    /// The Secret has no such key, or nothing in it.
    SecretKeyMissing,
    /// The generated passwords are gone while a volume that knows them lives.
    CredentialsLost,
    /// The API server refused a child.
    ChildRefused,
    /// PostgreSQL refuses a parameter.
    ParametersRefused,
    /// PostgreSQL cannot be asked about its parameters.
    ParametersUnchecked,
    /// All servers are up, and the application's login is being tried.
    VerifyingLogin,
    /// PostgreSQL does not answer.
    NoAnswer,
    /// PostgreSQL refuses the application's login.
    LoginRefused,
    /// A pod's image cannot be pulled.
    ImageUnavailable,
    /// A server stops as soon as it has started.
    ServerCrashes,
    /// The Database is being deleted.
    Deleting,
    /// The servers of a Database that is being deleted are stopping.
    StoppingServers,
    /// The final backup is being written.
    FinalBackup,
    /// The final backup cannot be written now.
    BackupFailed,
    /// There is no server to take the final backup from.
    NoServerToBackUp,
    /// A part of the operator is not written yet. Only labs report it.
    NotImplemented,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The reasons as text, one a line with its meaning.
pub fn table() -> String {
    let line = |reason: &Reason| format!("{:<18} {}\n", reason.to_string(), reason.meaning());
    Reason::ALL.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_meaning_and_a_spelling_of_its_own() {
        let names: std::collections::BTreeSet<String> = Reason::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().all(|reason| reason.meaning().ends_with('.')));
        assert!(table().contains("NoAnswer           PostgreSQL does not answer.\n"));
    }
}
