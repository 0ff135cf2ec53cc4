//! Starting: a client, and a first request of each kind that the operator watches, so that what is missing is said in one
//! line at the start and not as a watch that never delivers.

use crate::{api::Database, error::chain, resources::MANAGED_BY, watches::Scope};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Pod, Secret, Service, ServiceAccount},
};
use kube::{Client, Config, Resource, api::ListParams, config::KubeConfigOptions};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, time::Duration};
use tokio::time::timeout;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Why the operator does not start. Each text is one line and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No usable kubeconfig, and not in a cluster.
    #[error("no cluster is configured: set KUBECONFIG, or run scripts/setup-kind-cluster.sh ({0})")]
    Config(String),
    /// The API server does not answer.
    #[error("the API server at {url} does not answer: is the cluster up? ({message})")]
    Unreachable {
        /// Its address.
        url: String,
        /// What the client saw.
        message: String,
    },
    /// The API server knows no Database.
    #[error(
        "the API server knows no Database: install the CRD with `postgres-operator crdgen | kubectl create -f -`"
    )]
    NoCrd,
    /// A right is missing.
    #[error(
        "not allowed to list {resource} {place}: apply code/postgres-operator/deploy/rbac.yaml ({message})"
    )]
    Forbidden {
        /// Plural of the kind.
        resource: String,
        /// In which namespace, or cluster-wide.
        place: String,
        /// The API server's own words.
        message: String,
    },
    /// The Lease of the leader election.
    #[error("cannot use the Lease postgres-operator: {0}")]
    Lease(String),
    /// The address to serve metrics on.
    #[error("cannot listen for /healthz and /metrics")]
    Listen(#[source] std::io::Error),
    /// Any other answer.
    #[error("cannot list {resource}: {message}")]
    Refused {
        /// Plural of the kind.
        resource: String,
        /// The API server's own words.
        message: String,
    },
}

/// A client for the given context, the current one, or the cluster that the operator runs in; and the API server's address.
pub async fn client(context: Option<&str>) -> Result<(Client, String), StartError> {
    let config_error = |error: &(dyn std::error::Error + 'static)| StartError::Config(chain(error));
    let mut config = match context {
        Some(context) => {
            let options =
                KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
            Config::from_kubeconfig(&options).await.map_err(|error| config_error(&error))?
        }
        None => Config::infer().await.map_err(|error| config_error(&error))?,
    };
    config.connect_timeout = Some(CONNECT_WITHIN);
    let url = config.cluster_url.to_string();
    let client = Client::try_from(config).map_err(|error| config_error(&error))?;
    Ok((client, url))
}

/// Lists one object of each kind that will be watched.
pub async fn preflight(client: &Client, url: &str, scope: &Scope) -> Result<(), StartError> {
    let reached = timeout(ANSWER_WITHIN, client.apiserver_version()).await;
    let unreachable = |message: String| StartError::Unreachable { url: url.to_owned(), message };
    match reached {
        Ok(Err(kube::Error::Api(_)) | Ok(_)) => {}
        Ok(Err(error)) => return Err(unreachable(chain(&error))),
        Err(_) => return Err(unreachable(format!("nothing within {} s", ANSWER_WITHIN.as_secs()))),
    }
    may_list::<Database>(client, scope, "").await?;
    let ours = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
    may_list::<StatefulSet>(client, scope, &ours).await?;
    may_list::<Service>(client, scope, &ours).await?;
    may_list::<ServiceAccount>(client, scope, &ours).await?;
    // Also those that the operator did not make: a user's own holds the password.
    may_list::<Secret>(client, scope, "").await?;
    may_list::<Pod>(client, scope, &ours).await
}

async fn may_list<K>(client: &Client, scope: &Scope, labels: &str) -> Result<(), StartError>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let api = scope.api::<K>(client);
    let one = ListParams::default().limit(1).labels(labels);
    let resource = K::plural(&()).into_owned();
    match timeout(ANSWER_WITHIN, api.list_metadata(&one)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(kube::Error::Api(status))) if status.is_not_found() || status.code == 404 => {
            Err(StartError::NoCrd)
        }
        Ok(Err(kube::Error::Api(status))) if status.is_forbidden() || status.code == 401 => {
            let place = match scope {
                Scope::Cluster => "in the whole cluster".to_owned(),
                Scope::Namespace(namespace) => format!("in namespace {namespace}"),
            };
            Err(StartError::Forbidden { resource, place, message: status.message.clone() })
        }
        Ok(Err(kube::Error::Api(status))) => {
            Err(StartError::Refused { resource, message: status.message.clone() })
        }
        Ok(Err(error)) => Err(StartError::Refused { resource, message: chain(&error) }),
        Err(_) => {
            let message = format!("no answer within {} s", ANSWER_WITHIN.as_secs());
            Err(StartError::Refused { resource, message })
        }
    }
}
