//! What a case is: a promise of the Kubernetes API, and the function that looks whether a server keeps it.

use crate::arena::Arena;
use futures::future::LocalBoxFuture;
use std::{fmt, time::Duration};

/// Why a server did not keep a promise: what was expected of which request, and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a case comes to.
pub type Outcome = Result<(), Failure>;

/// What a server needs beside its API before a case means anything. Each needs what stands before it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// The API server alone.
    Api,
    /// The controllers: garbage collection, namespaces, quotas, StatefulSets.
    Controllers,
    /// Nodes that run pods.
    Nodes,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Api => "the API alone",
            Self::Controllers => "controllers",
            Self::Nodes => "nodes",
        })
    }
}

/// A version of Kubernetes, without its patch level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1, so far.
    pub major: u32,
    /// 33 in `v1.33.1`.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// One promise.
pub struct Case {
    /// What it is about, `watch` for example.
    pub group: &'static str,
    /// The name of its function.
    pub(crate) function: &'static str,
    /// The first Kubernetes that keeps the promise without a feature gate. None: every one since 1.20.
    pub since: Option<Version>,
    /// What has to run beside the API server.
    pub needs: Needs,
    /// How long the server may take. Controllers take longer: the garbage collector looks every 30 seconds for new kinds.
    pub deadline: Duration,
    pub(crate) run: for<'a> fn(&'a Arena) -> LocalBoxFuture<'a, Outcome>,
}

impl Case {
    /// The promise: `update-with-an-old-version-conflicts`, for example.
    pub fn name(&self) -> String {
        self.function.replace('_', "-")
    }
}

/// Lists the cases of a group by their functions. `since 25` says that Kubernetes 1.25 is the first with the feature, `with Nodes`
/// what a case needs beside the API, `within 60` that older servers take that many seconds.
macro_rules! cases {
    ($group:literal: $($function:ident $(since $minor:literal)? $(with $needs:ident)? $(within $seconds:literal)?),*
        $(,)?) => {
        pub(crate) fn cases() -> Vec<$crate::case::Case> {
            vec![$({
                #[allow(unused_mut, unused_assignments, reason = "not every case has a version")]
                let mut since = None;
                $(since = Some($crate::case::Version { major: 1, minor: $minor });)?
                #[allow(unused_mut, unused_assignments, reason = "not every case needs more than the API")]
                let mut needs = $crate::case::Needs::Api;
                $(needs = $crate::case::Needs::$needs;)?
                #[allow(unused_mut, unused_assignments, reason = "few cases have a deadline of their own")]
                let mut seconds = if needs == $crate::case::Needs::Api { 10 } else { 60 };
                $(seconds = $seconds;)?
                $crate::case::Case {
                    group: $group,
                    function: stringify!($function),
                    since,
                    needs,
                    deadline: std::time::Duration::from_secs(seconds),
                    run: |arena| Box::pin($function(arena)),
                }
            }),*]
        }
    };
}
pub(crate) use cases;
