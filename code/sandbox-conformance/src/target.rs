//! The servers under test.

use crate::{
    case::{Needs, Version},
    resource::NODES,
};
use http::Request;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::Value;
use std::error::Error;

/// What is run where the nodes do not tell of an image that does nothing.
const IMAGE: &str = "registry.k8s.io/pause:3.10";

/// A server under test.
#[derive(Clone)]
pub struct Target {
    /// What it is, for people: `the sandbox`, `kind-course`.
    pub name: String,
    /// Talks to it, without retries of its own.
    pub client: Client,
    /// What runs beside its API.
    pub offers: Needs,
    pub(crate) image: String,
}

/// A server cannot be reached or does not answer as an API server.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Unusable {
    what: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Unusable {
    fn new(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }
}

impl Target {
    /// A server whose client is at hand.
    pub fn new(name: impl Into<String>, client: Client, offers: Needs) -> Self {
        Self { name: name.into(), client, offers, image: IMAGE.into() }
    }

    /// The server behind a context of the kubeconfig. It has nodes if it says so, and controllers.
    pub async fn of_context(context: &str) -> Result<Self, Unusable> {
        let kubeconfig = Kubeconfig::read().map_err(|error| Unusable::new("no kubeconfig", error))?;
        let options = KubeConfigOptions { context: Some(context.into()), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| Unusable::new(format!("context {context:?} cannot be used"), error))?;
        let client = client(config)?;
        let mut target = Self::new(context, client, Needs::Controllers);
        let nodes = get(&target.client, &NODES.path(None)).await?;
        let nodes = nodes["items"].as_array().cloned().unwrap_or_default();
        if !nodes.is_empty() {
            target.offers = Needs::Nodes;
        }
        let images = nodes.iter().flat_map(|node| node["status"]["images"].as_array().into_iter().flatten());
        let names = images.flat_map(|image| image["names"].as_array().into_iter().flatten());
        let idle =
            names.filter_map(Value::as_str).find(|name| name.contains("/pause:") && !name.contains('@'));
        idle.unwrap_or(IMAGE).clone_into(&mut target.image);
        Ok(target)
    }

    /// The version that the server says it is.
    pub async fn version(&self) -> Result<(Version, String), Unusable> {
        let answer = get(&self.client, "/version").await?;
        let number = |field: &str| {
            let text = answer[field].as_str().unwrap_or_default();
            // Some clouds answer `33+`.
            text.trim_end_matches(|digit: char| !digit.is_ascii_digit())
                .parse()
                .map_err(|error| Unusable::new(format!("{}: {field} version {text:?}", self.name), error))
        };
        let version = Version { major: number("major")?, minor: number("minor")? };
        Ok((version, answer["gitVersion"].as_str().unwrap_or_default().to_owned()))
    }
}

/// A client that shows every answer: the default one would try 429, 503 and 504 again.
pub(crate) fn client(mut config: Config) -> Result<Client, Unusable> {
    config.default_retry = false;
    let url = config.cluster_url.to_string();
    Client::try_from(config).map_err(|error| Unusable::new(format!("no client for {url}"), error))
}

async fn get(client: &Client, path: &str) -> Result<Value, Unusable> {
    let failed = |error: Box<dyn Error + Send + Sync>| Unusable::new(format!("GET {path} failed"), error);
    let request = Request::get(path).body(Vec::new()).map_err(|error| failed(error.into()))?;
    client.request(request).await.map_err(|error| failed(error.into()))
}
