//! What each fault does to a client, with a small API server behind the proxy.

mod answers;
mod api_server;
mod commits;
mod connections;
mod log;
mod watches;

use api_server::ApiServer;
use fault_proxy::{Action, Aim, Fault, Proxy, Verb};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, Config,
    api::{ObjectMeta, PostParams},
};
use std::time::Duration;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(10);
/// Longer than an answer of the small server takes: what has not come by then does not come.
const NEVER: Duration = Duration::from_millis(300);

/// A client behind a proxy before a small API server.
struct Behind {
    proxy: Proxy,
    server: ApiServer,
}

impl Behind {
    async fn start() -> Self {
        let server = ApiServer::start().await;
        let proxy = Proxy::start(client(&server.url()), None).await.unwrap();
        Self { proxy, server }
    }

    /// Configuration maps, as a client sees them that does not retry. Each call has connections of its own.
    fn maps(&self) -> Api<ConfigMap> {
        Api::namespaced(client(&self.proxy.url()), "shop")
    }

    fn inject(&self, action: Action, aim: Aim) -> fault_proxy::Injected {
        self.proxy.inject(Fault { aim, action })
    }
}

fn client(url: &str) -> Client {
    let mut config = Config::new(url.parse().unwrap());
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

fn at(verb: Verb) -> Aim {
    Aim { verb: Some(verb), ..Aim::default() }
}

fn map(name: &str, value: &str) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
    let data = Some([("key".to_owned(), value.to_owned())].into());
    ConfigMap { metadata, data, ..ConfigMap::default() }
}

async fn create(maps: &Api<ConfigMap>, name: &str) -> Result<ConfigMap, kube::Error> {
    maps.create(&PostParams::default(), &map(name, "1")).await
}

/// HTTP status and reason of a refusal.
fn refusal<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> (u16, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.reason.clone()),
        other => panic!("no refusal: {other:?}"),
    }
}
