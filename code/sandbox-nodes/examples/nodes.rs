//! Runs controllers and node against the API server of the current kubeconfig, which should have none of its own; or, with
//! `--serve PORT KUBECONFIG`, serves a whole sandbox. `--pods postgres` makes pods real.

use sandbox::{Sandbox, kubeconfig};
use sandbox_nodes::{Nodes, Options, Pods};
use std::{env, error::Error, fs, sync::Arc};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).init();
    let arguments: Vec<_> = env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().position(|it| it == name).map(|at| &arguments[at + 1..]);
    let postgres = after("--pods").is_some_and(|rest| rest.first().is_some_and(|it| it == "postgres"));
    let options = if postgres { Options { pods: Pods::postgres() } } else { Options::default() };
    let nodes = Nodes::new(options)?;
    let Some([port, file, ..]) = after("--serve") else {
        return Err(nodes.run(kube::Client::try_default().await?).await.into());
    };
    let options = sandbox::Options { pods: Some(Arc::new(nodes.access())), ..sandbox::Options::default() };
    let sandbox = Sandbox::new(options);
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    fs::write(file, kubeconfig(listener.local_addr()?).to_string())?;
    tokio::select! {
        served = sandbox.serve(listener) => served?,
        crash = nodes.run(sandbox.client()) => return Err(crash.into()),
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    Ok(())
}
