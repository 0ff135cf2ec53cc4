//! Measures the operator against a real API server: how long until many Databases are Ready, and what that costs.
//!
//! There are no nodes. etcd, the API server and the StatefulSet controller are real; a loop sets each pod ready as soon as it
//! exists, and one PostgreSQL of this machine answers for all of them, trusting every login.

mod control_plane;
mod floor;
mod pods;
mod postgres;
mod process;
mod usage;

use clap::Parser;
use control_plane::ControlPlane;
use futures::{StreamExt, stream, stream::TryStreamExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use postgres_operator::api::{Database, DatabaseSpec};
use process::Process;
use std::{
    collections::HashSet,
    error::Error,
    path::PathBuf,
    pin::pin,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

const NAMESPACE: &str = "benchmark";
const CREATES_AT_ONCE: usize = 32;
const READY_WITHIN: Duration = Duration::from_mins(20);

/// Measures the operator against a real API server without nodes
#[derive(Parser)]
struct Cli {
    /// How many Databases to create at once
    #[arg(long, default_value_t = 500)]
    databases: usize,

    /// Create only the children, without an operator: what the machine needs for them at least
    #[arg(long)]
    floor: bool,

    /// Seconds of steady state to watch afterwards
    #[arg(long, default_value_t = 30)]
    steady: u64,

    /// The operator. Default: the release build beside this program
    #[arg(long)]
    operator: Option<PathBuf>,

    /// What the operator logs, to benchmark.log in the target directory
    #[arg(long, default_value = "warn")]
    log_level: String,

    /// Folder of kube-apiserver and kube-controller-manager
    #[arg(long, env = "KUBERNETES_PROGRAMS")]
    programs: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    postgres_operator::install_crypto();
    // This program is target/debug/examples/benchmark.
    let target = std::env::current_exe()?.ancestors().nth(3).ok_or("no target directory")?.to_owned();
    let folder = tempfile::tempdir()?;
    let plane = ControlPlane::start(folder.path(), &cli.programs).await?;
    let _postgres = postgres::start(folder.path()).await?;
    let client = plane.client("bench").await?;
    postgres_operator::crd::install(&client).await?;
    let metadata = ObjectMeta { name: Some(NAMESPACE.into()), ..ObjectMeta::default() };
    Api::all(client.clone())
        .create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() })
        .await?;
    let pods = tokio::spawn(pods::set_ready(client.clone()));
    if cli.floor {
        let began = Instant::now();
        let ready = tokio::spawn(floor::all_ready(client.clone(), cli.databases));
        floor::create(&client, cli.databases).await?;
        timeout(READY_WITHIN, ready).await.map_err(|_| "not all are ready in time")???;
        println!(
            "children of {} Databases, created without an operator, ready after {:.1} s",
            cli.databases,
            began.elapsed().as_secs_f64()
        );
        return Ok(());
    }

    let started = Instant::now();
    let operator = Process::start(
        "operator",
        folder.path(),
        &cli.operator.unwrap_or(target.join("release/postgres-operator")),
        &["run", "--namespace", NAMESPACE, "--reach", "pod-ip", "--log-level", &cli.log_level],
        &[("KUBECONFIG", plane.kubeconfig("operator")?)],
    )?;
    // The first list of Databases is the last thing before the first pass.
    plane.wait_for_request("operator", "databases", Duration::from_secs(10)).await?;
    let startup = started.elapsed();

    let began = Instant::now();
    let ready = tokio::spawn(all_ready(client.clone(), cli.databases));
    create(&client, cli.databases).await?;
    let created = began.elapsed();
    timeout(READY_WITHIN, ready).await.map_err(|_| "not all are Ready in time")???;
    let took = began.elapsed();
    let cost = usage::of(operator.id())?;
    // What is under way when the last one gets Ready belongs to the way there.
    sleep(Duration::from_secs(5)).await;
    let requests = plane.requests("operator");

    sleep(Duration::from_secs(cli.steady)).await;
    let steady = plane.requests("operator").total() - requests.total();
    let idle = usage::of(operator.id())?;
    pods.abort();
    std::fs::copy(folder.path().join("operator.log"), target.join("benchmark.log"))?;

    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let each = |count: usize| number(count) / number(cli.databases);
    println!("| measure | value |\n| --- | --- |");
    println!("| Databases | {} |", cli.databases);
    println!("| start to first list | {:.2} s |", startup.as_secs_f64());
    println!("| created after | {:.1} s |", created.as_secs_f64());
    println!("| all Ready after | {:.1} s |", took.as_secs_f64());
    println!("| resident memory | {:.1} MiB, at most {:.1} MiB |", idle.resident_mib, idle.peak_mib);
    println!("| CPU until all were Ready | {:.2} s |", cost.cpu_seconds);
    println!(
        "| requests per Database | {:.2}, of them writes {:.2} |",
        each(requests.total()),
        each(requests.writes())
    );
    println!("| requests in {} s of steady state | {steady} |", cli.steady);
    println!("\n| request | per Database |\n| --- | --- |");
    for (what, count) in requests.by_kind() {
        println!("| {what} | {:.2} |", each(count));
    }
    Ok(())
}

async fn create(client: &Client, databases: usize) -> Result<(), kube::Error> {
    let api: Api<Database> = Api::namespaced(client.clone(), NAMESPACE);
    stream::iter(0..databases)
        .map(|number| {
            let api = api.clone();
            async move {
                let db = Database::new(&format!("db-{number}"), DatabaseSpec::default());
                api.create(&PostParams::default(), &db).await.map(drop)
            }
        })
        .buffer_unordered(CREATES_AT_ONCE)
        .try_collect()
        .await
}

async fn all_ready(client: Client, databases: usize) -> Result<(), String> {
    let api: Api<Database> = Api::namespaced(client, NAMESPACE);
    let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff().applied_objects());
    let mut ready = HashSet::new();
    while ready.len() < databases {
        let db = events.next().await.ok_or("the watch ended")?.map_err(|error| error.to_string())?;
        let is_ready = db.conditions().iter().any(|it| it.type_ == "Ready" && it.status == "True");
        let name = db.metadata.name.unwrap_or_default();
        if is_ready {
            ready.insert(name)
        } else {
            ready.remove(&name)
        };
    }
    Ok(())
}
