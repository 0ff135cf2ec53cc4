//! Measures the sandbox, and beside it etcd with kube-apiserver where their programs are at hand. Both are processes of their
//! own, both are asked over TCP by the same client. Run it with `--release`: a debug build measures the compiler.

use clap::Parser;
use futures::{StreamExt, TryStreamExt, pin_mut, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api, Client, Config,
    api::{ListParams, ObjectMeta, PostParams, WatchEvent, WatchParams},
};
use sandbox::{Options, Sandbox};
use sandbox_conformance::control_plane::ControlPlane;
use std::{
    collections::BTreeMap,
    error::Error,
    fmt::Write,
    path::PathBuf,
    process::{Child, Command},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, time::sleep};

const NAMESPACE: &str = "benchmark";
const AT_ONCE: usize = 32;
const LISTED: usize = 10_000;
const HELD: usize = 20_000;
const WATCHED: usize = 200;

/// Measures the sandbox, and beside it a real API server
#[derive(Parser)]
struct Cli {
    /// Folder of kube-apiserver and kube-controller-manager; without it only the sandbox is measured
    #[arg(long, env = "KUBERNETES_PROGRAMS")]
    programs: Option<PathBuf>,

    /// Serve a sandbox on this port: what the benchmark starts itself for
    #[arg(long, hide = true)]
    serve: Option<u16>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    if let Some(port) = cli.serve {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        return Ok(Sandbox::new(Options::default()).serve(listener).await?);
    }
    let mut columns = vec![of_sandbox().await?];
    if let Some(programs) = &cli.programs {
        let plane = ControlPlane::start(programs).await?;
        let processes = plane.processes();
        columns.push(
            measure("etcd + kube-apiserver", plane.target.client.clone(), plane.started_in, &processes)
                .await?,
        );
    }
    print(&columns);
    Ok(())
}

/// A child that ends with this process.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn of_sandbox() -> Result<Measures, Box<dyn Error>> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut config = Config::new(format!("http://127.0.0.1:{port}").parse()?);
    config.default_retry = false;
    let client = Client::try_from(config)?;
    let started = Instant::now();
    let child = Command::new(std::env::current_exe()?).args(["--serve", &port.to_string()]).spawn()?;
    let server = Server(child);
    while client.apiserver_version().await.is_err() {
        if started.elapsed() > Duration::from_secs(10) {
            return Err("the sandbox does not answer within 10 s".into());
        }
        sleep(Duration::from_millis(1)).await;
    }
    measure("sandbox", client, started.elapsed(), &[server.0.id()]).await
}

/// What was measured of a server.
struct Measures {
    name: &'static str,
    start: Duration,
    writes_per_second: f64,
    list: Duration,
    watch_median: Duration,
    watch_worst: Duration,
    memory_mib: u64,
}

async fn measure(
    name: &'static str,
    client: Client,
    start: Duration,
    processes: &[u32],
) -> Result<Measures, Box<dyn Error>> {
    let metadata = ObjectMeta { name: Some(NAMESPACE.into()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    let maps: Api<ConfigMap> = Api::namespaced(client, NAMESPACE);
    let started = Instant::now();
    fill(&maps, 0, LISTED).await?;
    let writing = started.elapsed();
    let list = list(&maps).await?;
    let (watch_median, watch_worst) = watch(&maps).await?;
    fill(&maps, LISTED, HELD - WATCHED).await?;
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let writes_per_second = LISTED as f64 / writing.as_secs_f64();
    let memory_mib = processes.iter().map(|id| memory_mib(*id)).sum();
    Ok(Measures { name, start, writes_per_second, list, watch_median, watch_worst, memory_mib })
}

/// About 300 bytes of data, as a small Secret has.
fn map(name: String) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(name), ..ObjectMeta::default() };
    let data = BTreeMap::from([("key".to_owned(), "x".repeat(300))]);
    ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }
}

async fn fill(maps: &Api<ConfigMap>, from: usize, to: usize) -> kube::Result<()> {
    stream::iter((from..to).map(Ok))
        .try_for_each_concurrent(AT_ONCE, async |number| {
            maps.create(&PostParams::default(), &map(format!("map-{number}"))).await.map(drop)
        })
        .await
}

/// The best of three: the first one pays for connections and caches.
async fn list(maps: &Api<ConfigMap>) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let started = Instant::now();
        let count = maps.list(&ListParams::default()).await?.items.len();
        best = best.min(started.elapsed());
        if count < LISTED {
            return Err(format!("a list of {count} objects instead of {LISTED}").into());
        }
    }
    Ok(best)
}

/// From the moment before a write is sent until its event has come: the median and the worst.
async fn watch(maps: &Api<ConfigMap>) -> Result<(Duration, Duration), Box<dyn Error>> {
    let version = maps.list_metadata(&ListParams::default().limit(1)).await?.metadata.resource_version;
    let events = maps.watch(&WatchParams::default(), &version.unwrap_or_default()).await?;
    pin_mut!(events);
    let mut latencies = Vec::with_capacity(WATCHED);
    for number in 0..WATCHED {
        let name = format!("watched-{number}");
        let started = Instant::now();
        maps.create(&PostParams::default(), &map(name.clone())).await?;
        while let Some(event) = events.next().await {
            match event? {
                WatchEvent::Added(map) if map.metadata.name.as_ref() == Some(&name) => break,
                WatchEvent::Error(status) => return Err(status.message.into()),
                _ => {}
            }
        }
        latencies.push(started.elapsed());
    }
    latencies.sort_unstable();
    Ok((latencies[WATCHED / 2], latencies[WATCHED - 1]))
}

/// Resident memory of a process; 0 where the machine does not tell.
fn memory_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

fn print(columns: &[Measures]) {
    let row = |what: &str, cell: &dyn Fn(&Measures) -> String| {
        let mut line = format!("{what:<34}");
        for column in columns {
            let _ = write!(line, "  {:>22}", cell(column));
        }
        println!("{line}");
    };
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    row(build, &|column| column.name.to_owned());
    row("start to first answer", &|column| milliseconds(column.start));
    row("writes a second", &|column| format!("{:.0}", column.writes_per_second));
    row("list of 10,000", &|column| milliseconds(column.list));
    row("write to its watch event, median", &|column| milliseconds(column.watch_median));
    row("write to its watch event, worst", &|column| milliseconds(column.watch_worst));
    row("memory with 20,000 objects", &|column| format!("{} MiB", column.memory_mib));
}
