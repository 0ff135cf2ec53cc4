//! Watches and lists.

mod common;

use common::config_map;
use futures::{StreamExt, TryStreamExt, pin_mut};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    runtime::watcher,
};
use sandbox::{Options, Sandbox};
use serde_json::json;

fn shown(event: &WatchEvent<ConfigMap>) -> String {
    match event {
        WatchEvent::Added(map) => format!("+{}", map.name_any()),
        WatchEvent::Modified(map) => format!("~{}", map.name_any()),
        WatchEvent::Deleted(map) => format!("-{}", map.name_any()),
        WatchEvent::Bookmark(mark) => {
            format!("={}", if mark.metadata.annotations.is_empty() { "" } else { "end" })
        }
        WatchEvent::Error(status) => format!("!{}", status.code),
    }
}

async fn told(maps: &Api<ConfigMap>, params: &WatchParams, version: &str, count: usize) -> Vec<String> {
    let stream = maps.watch(params, version).await.unwrap();
    stream.take(count).map_ok(|event| shown(&event)).try_collect().await.unwrap()
}

async fn some_changes(maps: &Api<ConfigMap>) -> String {
    let first = maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    maps.create(&PostParams::default(), &config_map("b", "1")).await.unwrap();
    let patch = Patch::Merge(json!({ "metadata": { "labels": { "kept": "yes" } } }));
    maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    maps.delete("b", &DeleteParams::default()).await.unwrap();
    let patch = Patch::Merge(json!({ "metadata": { "labels": null } }));
    maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    first.resource_version().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_what_happened_since_its_version() {
    let maps: Api<ConfigMap> = Api::default_namespaced(Sandbox::default().client());
    let version = some_changes(&maps).await;
    let events = told(&maps, &WatchParams::default(), &version, 4).await;
    assert_eq!(events, ["+b", "~a", "-b", "~a"]);
    // What enters a selection is added, what leaves it is deleted.
    let labelled = WatchParams::default().labels("kept=yes");
    assert_eq!(told(&maps, &labelled, &version, 2).await, ["+a", "-a"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_after_its_time_with_a_bookmark() {
    let maps: Api<ConfigMap> = Api::default_namespaced(Sandbox::default().client());
    let version = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let params = WatchParams::default().timeout(5);
    let events: Vec<_> = maps
        .watch(&params, &version)
        .await
        .unwrap()
        .map_ok(|event| shown(&event))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(events, ["="]);
}

#[tokio::test(start_paused = true)]
async fn a_compacted_version_is_refused_in_the_stream() {
    let sandbox = Sandbox::default();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let version = some_changes(&maps).await;
    sandbox.compact();
    assert_eq!(told(&maps, &WatchParams::default(), &version, 9).await, ["!410"]);
}

#[tokio::test(start_paused = true)]
async fn a_narrow_window_loses_old_events() {
    let sandbox = Sandbox::new(Options { history: 2, ..Options::default() });
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    let version = some_changes(&maps).await;
    assert_eq!(told(&maps, &WatchParams::default(), &version, 9).await, ["!410"]);
}

#[tokio::test(start_paused = true)]
async fn kubes_watcher_recovers_from_expired_watches() {
    let sandbox = Sandbox::default();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let name = if format!("{config:?}").contains("StreamingList") { "b" } else { "a" };
        let events = watcher(maps.clone(), config);
        pin_mut!(events);
        while !matches!(events.next().await.unwrap().unwrap(), watcher::Event::InitDone) {}
        sandbox.expire_watches();
        maps.create(&PostParams::default(), &config_map(name, "1")).await.unwrap();
        loop {
            match events.next().await.unwrap() {
                Ok(watcher::Event::Apply(map) | watcher::Event::InitApply(map)) if map.name_any() == name => {
                    break;
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_in_parts_is_one_moment() {
    let sandbox = Sandbox::default();
    let maps: Api<ConfigMap> = Api::default_namespaced(sandbox.client());
    for name in ["a", "b", "c", "d", "e"] {
        maps.create(&PostParams::default(), &config_map(name, "1")).await.unwrap();
    }
    let first = maps.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.metadata.remaining_item_count, Some(3));
    maps.delete("d", &DeleteParams::default()).await.unwrap();
    maps.create(&PostParams::default(), &config_map("f", "1")).await.unwrap();
    let token = first.metadata.continue_.unwrap();
    let rest = maps.list(&ListParams::default().continue_token(&token)).await.unwrap();
    assert_eq!(rest.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["c", "d", "e"]);
    sandbox.compact();
    let status = common::refused(maps.list(&ListParams::default().continue_token(&token)).await);
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
}

#[tokio::test(start_paused = true)]
async fn selectors_choose_and_are_checked() {
    let maps: Api<ConfigMap> = Api::default_namespaced(Sandbox::default().client());
    maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    maps.create(&PostParams::default(), &config_map("b", "1")).await.unwrap();
    let named = maps.list(&ListParams::default().fields("metadata.name=b")).await.unwrap();
    assert_eq!(named.items.len(), 1);
    let status = common::refused(maps.list(&ListParams::default().fields("data=b")).await);
    assert_eq!(
        status.message,
        "\"data\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
    );
}
