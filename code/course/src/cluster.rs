//! What labs run on: a kind cluster or the sandbox, unless the reader insists.

use crate::here::{Here, Pods};
use kube::{Client, Config, config::KubeConfigOptions, config::Kubeconfig};
use postgres_operator::error::chain;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// PostgreSQL servers that start at the same time, in all checks of all operators together: in a cluster, and in a sandbox, where
/// there are no containers to make.
const TURNS: [usize; 2] = [4, 8];

/// What to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum On {
    /// A kind cluster
    Kind,
    /// A sandbox in this process, which is gone at its end
    Sandbox,
}

/// Which cluster.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct ClusterOptions {
    /// What to run on. Default: the cluster of the current context, or the sandbox where there is no kubeconfig
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with_all = ["context", "any_cluster"])]
    on: Option<On>,

    /// What pods are in the sandbox
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pods: Pods,

    /// Context of the kubeconfig. Default: the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Use a cluster that kind did not make. Labs install a CRD and create namespaces in it
    #[arg(long)]
    any_cluster: bool,
}

impl ClusterOptions {
    /// The kind cluster of the current context, and nothing in its place.
    pub(crate) fn kind() -> Self {
        Self { on: Some(On::Kind), ..Self::default() }
    }
}

/// A cluster that answers.
pub(crate) struct Cluster {
    /// Its context.
    pub(crate) context: String,
    /// Its version, `v1.33.1` for example.
    pub(crate) version: String,
    /// A client that does not retry by itself: retries would blur what is measured.
    pub(crate) client: Client,
    /// What ends with it, if it runs in this process.
    pub(crate) here: Option<Here>,
    /// Turns to start a server.
    pub(crate) turns: Arc<Semaphore>,
}

impl Cluster {
    /// Whether it is a sandbox in this process.
    pub(crate) fn is_here(&self) -> bool {
        self.here.is_some()
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, version, .. } = self;
        if self.is_here() {
            write!(f, "the sandbox (speaks Kubernetes {version})")
        } else {
            write!(f, "{context} (Kubernetes {version})")
        }
    }
}

/// Finds the cluster, refuses one that is not kind's, and asks for its version; or starts a sandbox.
pub(crate) async fn connect(options: &ClusterOptions) -> Result<Cluster, String> {
    if options.on == Some(On::Sandbox) {
        return sandbox(options.pods).await;
    }
    let kubeconfig = match Kubeconfig::read() {
        Ok(kubeconfig) => kubeconfig,
        // Nobody has said anything of a cluster.
        Err(_)
            if options.on.is_none()
                && options.context.is_none()
                && std::env::var_os("KUBECONFIG").is_none() =>
        {
            return sandbox(options.pods).await;
        }
        Err(error) => {
            return Err(format!(
                "no kubeconfig: run ./scripts/setup-kind-cluster.sh, set KUBECONFIG, or pass --on sandbox ({})",
                chain(&error)
            ));
        }
    };
    let context = options.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    guard(&context, options.any_cluster)?;
    let select = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &select)
        .await
        .map_err(|error| format!("context {context:?} cannot be used: {}", chain(&error)))?;
    reach(context, config, None).await
}

async fn sandbox(pods: Pods) -> Result<Cluster, String> {
    let here = Here::start(0, pods).await?;
    let config = Config::new(here.url());
    reach(sandbox::CONTEXT.to_owned(), config, Some(here)).await
}

/// Asks an API server for its version.
async fn reach(context: String, mut config: Config, here: Option<Here>) -> Result<Cluster, String> {
    config.connect_timeout = Some(Duration::from_secs(5));
    config.default_retry = false;
    let url = config.cluster_url.to_string();
    let client = Client::try_from(config).map_err(|error| chain(&error))?;
    let down = |why: String| {
        format!(
            "the API server of {context} at {url} does not answer: run ./scripts/setup-kind-cluster.sh, or pass \
             --on sandbox ({why})"
        )
    };
    match timeout(ANSWER_WITHIN, client.apiserver_version()).await {
        Ok(Ok(version)) => {
            let turns = Arc::new(Semaphore::new(TURNS[usize::from(here.is_some())]));
            Ok(Cluster { context, version: version.git_version, client, here, turns })
        }
        Ok(Err(error)) => Err(down(chain(&error))),
        Err(_) => Err(down(format!("nothing within {} s", ANSWER_WITHIN.as_secs()))),
    }
}

/// kind names its contexts `kind-<cluster>`.
fn guard(context: &str, any_cluster: bool) -> Result<(), String> {
    match context {
        "" => Err(
            "the kubeconfig has no current context: run ./scripts/setup-kind-cluster.sh, pass --context, or --on sandbox"
                .into(),
        ),
        context if context.starts_with("kind-") || context == sandbox::CONTEXT || any_cluster => Ok(()),
        context => Err(format!(
            "context {context:?} is not a kind cluster's, and labs install a CRD and create namespaces: \
             choose another with --context, pass --on sandbox, or --any-cluster if you mean it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kind_clusters_are_used_unasked() {
        assert_eq!(guard("kind-course", false), Ok(()));
        assert_eq!(guard(sandbox::CONTEXT, false), Ok(()));
        assert!(guard("production", false).unwrap_err().contains("\"production\" is not a kind cluster's"));
        assert_eq!(guard("production", true), Ok(()));
        assert!(guard("", true).unwrap_err().contains("no current context"));
    }
}
