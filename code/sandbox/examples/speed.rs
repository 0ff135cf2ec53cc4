//! How fast and how small the sandbox is, without sockets: `cargo run --release -p sandbox --example speed`.

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{ListParams, PostParams, WatchEvent, WatchParams},
};
use sandbox::Sandbox;
use serde_json::json;
use std::{error::Error, fs, time::Instant};

const WRITES: usize = 10_000;
const OBJECTS: usize = 20_000;

fn config_map(name: &str) -> Result<ConfigMap, serde_json::Error> {
    let labels = json!({ "app": "speed", "part": name });
    serde_json::from_value(
        json!({ "metadata": { "name": name, "labels": labels }, "data": { "key": "value of some length ".repeat(10) } }),
    )
}

/// The memory that the process has in use, in MiB.
fn memory() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).ok_or("no VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kilobytes / 1_024)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let maps: Api<ConfigMap> = Api::default_namespaced(Sandbox::default().client());
    maps.list(&ListParams::default()).await?;
    println!("start to first answer: {:?}", start.elapsed());

    let start = Instant::now();
    for at in 0..WRITES {
        maps.create(&PostParams::default(), &config_map(&format!("map-{at}"))?).await?;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("creates one after the other: {:.0}/s", f64::from(u32::try_from(WRITES)?) / seconds);

    let start = Instant::now();
    let list = maps.list(&ListParams::default()).await?;
    println!("list of {} objects, decoded: {:?}", list.items.len(), start.elapsed());

    let version = list.metadata.resource_version.clone().unwrap_or_default();
    let mut events = maps.watch(&WatchParams::default(), &version).await?.boxed();
    let mut slowest = std::time::Duration::ZERO;
    for at in 0..100 {
        let start = Instant::now();
        maps.create(&PostParams::default(), &config_map(&format!("watched-{at}"))?).await?;
        while !matches!(events.next().await.transpose()?, Some(WatchEvent::Added(_)) | None) {}
        slowest = slowest.max(start.elapsed());
    }
    println!("create to watch event, slowest of 100: {slowest:?}");

    drop(list);
    for at in WRITES + 100..OBJECTS {
        maps.create(&PostParams::default(), &config_map(&format!("map-{at}"))?).await?;
    }
    println!("memory with {OBJECTS} objects: {} MiB", memory()?);
    Ok(())
}
