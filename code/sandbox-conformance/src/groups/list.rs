//! Lists: their order, their pages, their versions.

use crate::{
    arena::Arena,
    case::{Outcome, cases},
    crd::widgets,
    endpoint::Endpoint,
    expect::{absent, differs, holds, lists, names, present, same, version},
    resource::CONFIG_MAPS,
};
use serde_json::{Value, json};

cases! { "list":
    it_is_sorted_by_name,
    it_carries_a_version_and_a_kind,
    an_empty_list_is_a_list,
    items_of_a_built_in_kind_have_no_kind_of_their_own,
    items_of_a_custom_kind_have_theirs,
    it_reaches_over_namespaces,
    limit_gives_pages,
    pages_are_of_one_version,
    a_page_of_a_selection_counts_no_remainder,
    a_bad_continue_token_is_refused,
    continue_with_a_version_is_refused,
    version_0_may_be_served_from_a_cache,
    an_exact_version_lists_the_past,
    not_older_than_gives_the_present,
    a_version_match_needs_a_version,
    a_match_of_exactly_0_is_refused,
    a_version_of_the_future_times_out,
    an_object_can_be_read_from_the_cache,
    a_name_of_the_list_reads_one_object,
    metadata_alone_can_be_listed,
}

async fn make(maps: &Endpoint, count: usize) -> Outcome {
    for number in 0..count {
        let metadata = json!({"name": format!("map-{number}"), "labels": {"mine": "true"}});
        maps.create(json!({"metadata": metadata})).await.is(201)?;
    }
    Ok(())
}

/// Only a case's own objects: controllers put theirs into every namespace.
fn mine(arena: &Arena) -> Endpoint {
    arena.at(CONFIG_MAPS).with("labelSelector", "mine")
}

async fn it_is_sorted_by_name(arena: &Arena) -> Outcome {
    let maps = mine(arena);
    for name in ["b", "c", "a", "a.b", "a-b"] {
        maps.create(json!({"metadata": {"name": name, "labels": {"mine": "true"}}})).await.is(201)?;
    }
    lists(&maps.list().await.ok()?, &["a", "a-b", "a.b", "b", "c"])
}

async fn it_carries_a_version_and_a_kind(arena: &Arena) -> Outcome {
    let list = arena.at(CONFIG_MAPS).list().await.is(200)?;
    same("kind", &list["kind"], "ConfigMapList")?;
    same("apiVersion", &list["apiVersion"], "v1")?;
    present("resourceVersion", &list["metadata"]["resourceVersion"])
}

async fn an_empty_list_is_a_list(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "nobody");
    same("items", &maps.list().await.is(200)?["items"], json!([]))?;
    let widgets = widgets(arena).await?;
    same("items of a custom kind", &widgets.list().await.is(200)?["items"], json!([]))
}

async fn items_of_a_built_in_kind_have_no_kind_of_their_own(arena: &Arena) -> Outcome {
    let maps = mine(arena);
    make(&maps, 1).await?;
    let item = maps.list().await.is(200)?["items"][0].clone();
    same("name", &item["metadata"]["name"], "map-0")?;
    absent("kind", &item["kind"])?;
    absent("apiVersion", &item["apiVersion"])
}

async fn items_of_a_custom_kind_have_theirs(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let widget = widgets.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let list = widgets.list().await.is(200)?;
    same("item", &list["items"][0], widget.clone())?;
    same("kind", &list["kind"], format!("{}List", widget["kind"].as_str().unwrap_or_default()))
}

async fn it_reaches_over_namespaces(arena: &Arena) -> Outcome {
    let label = format!("mine={}", arena.namespace);
    let map = |name: &str| json!({"metadata": {"name": name, "labels": {"mine": arena.namespace}}});
    arena.at(CONFIG_MAPS).create(map("a")).await.is(201)?;
    let (elsewhere, name) = (arena.elsewhere("default", CONFIG_MAPS), arena.unique("list"));
    elsewhere.create(map(&name)).await.is(201)?;
    let list = arena.everywhere(CONFIG_MAPS).with("labelSelector", &label).list().await;
    elsewhere.delete(&name).await.is(200)?;
    // Sorted by namespace first, and conformance-… comes before default.
    lists(&list.is(200)?, &["a", &name])
}

async fn limit_gives_pages(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    make(&widgets, 5).await?;
    let first = widgets.with("limit", "2").list().await.is(200)?;
    lists(&first, &["map-0", "map-1"])?;
    same("remainingItemCount", &first["metadata"]["remainingItemCount"], 3)?;
    let token = |page: &Value| page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
    let second = widgets.with("limit", "2").with("continue", &token(&first)).list().await.is(200)?;
    lists(&second, &["map-2", "map-3"])?;
    let third = widgets.with("limit", "2").with("continue", &token(&second)).list().await.is(200)?;
    lists(&third, &["map-4"])?;
    same("continue", &token(&third).into(), "")?;
    absent("remainingItemCount", &third["metadata"]["remainingItemCount"])
}

async fn pages_are_of_one_version(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    make(&widgets, 3).await?;
    let first = widgets.with("limit", "1").list().await.is(200)?;
    widgets.delete("map-1").await.is(200)?;
    make_one(&widgets, "map-9").await?;
    let token = first["metadata"]["continue"].as_str().unwrap_or_default();
    let rest = widgets.with("continue", token).list().await.is(200)?;
    lists(&rest, &["map-1", "map-2"])?;
    same("version", &rest["metadata"]["resourceVersion"], version(&first))
}

async fn make_one(objects: &Endpoint, name: &str) -> Outcome {
    objects.create(json!({"metadata": {"name": name}})).await.is(201).map(drop)
}

async fn a_page_of_a_selection_counts_no_remainder(arena: &Arena) -> Outcome {
    let maps = mine(arena);
    make(&maps, 3).await?;
    let page = maps.with("limit", "2").list().await.is(200)?;
    lists(&page, &["map-0", "map-1"])?;
    present("continue", &page["metadata"]["continue"])?;
    absent("remainingItemCount", &page["metadata"]["remainingItemCount"])
}

async fn a_bad_continue_token_is_refused(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("limit", "1").with("continue", "nonsense");
    maps.list().await.refused(400, "BadRequest")?.says(&["continue key is not valid"])
}

async fn continue_with_a_version_is_refused(arena: &Arena) -> Outcome {
    let maps = mine(arena);
    make(&maps, 2).await?;
    let page = maps.with("limit", "1").list().await.is(200)?;
    let token = page["metadata"]["continue"].as_str().unwrap_or_default();
    let both = maps.with("continue", token).with("resourceVersion", version(&page));
    let refusal = both.list().await.refused(400, "BadRequest")?;
    refusal.says(&["specifying resource version is not allowed when using continue"])
}

async fn version_0_may_be_served_from_a_cache(arena: &Arena) -> Outcome {
    let maps = mine(arena);
    make(&maps, 1).await?;
    let cached = maps.with("resourceVersion", "0");
    arena
        .until("the cache to catch up", async || {
            let list = cached.list().await.is(200)?;
            Ok((names(&list) == ["map-0"]).then_some(()))
        })
        .await
}

async fn an_exact_version_lists_the_past(arena: &Arena) -> Outcome {
    let maps = mine(arena);
    make(&maps, 2).await?;
    let then = maps.list().await.is(200)?;
    maps.delete("map-0").await.is(200)?;
    let exact = maps.with("resourceVersion", version(&then)).with("resourceVersionMatch", "Exact");
    let past = exact.list().await.is(200)?;
    lists(&past, &["map-0", "map-1"])?;
    same("version", &past["metadata"]["resourceVersion"], version(&then))
}

async fn not_older_than_gives_the_present(arena: &Arena) -> Outcome {
    let maps = mine(arena);
    make(&maps, 2).await?;
    let then = maps.list().await.is(200)?;
    let recent = maps.with("resourceVersion", version(&then)).with("resourceVersionMatch", "NotOlderThan");
    // From a cache, which older servers keep in no order.
    let list = recent.list().await.is(200)?;
    let mut found = names(&list);
    found.sort_unstable();
    holds(found == ["map-0", "map-1"], || format!("both maps, got {found:?}"))
}

async fn a_version_match_needs_a_version(arena: &Arena) -> Outcome {
    let refusal = mine(arena).with("resourceVersionMatch", "Exact").list().await.refused(422, "Invalid")?;
    refusal.says(&["resourceVersionMatch is forbidden unless resourceVersion is provided"])
}

async fn a_match_of_exactly_0_is_refused(arena: &Arena) -> Outcome {
    let maps = mine(arena).with("resourceVersion", "0").with("resourceVersionMatch", "Exact");
    let refusal = maps.list().await.refused(422, "Invalid")?;
    refusal.says(&["resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""])
}

async fn a_version_of_the_future_times_out(arena: &Arena) -> Outcome {
    let answer = mine(arena).with("resourceVersion", "999999999999").list().await;
    let refusal = answer.refused(504, "Timeout")?;
    refusal.says(&["Too large resource version: 999999999999, current: "])?;
    differs("retryAfterSeconds", &refusal.body["details"]["retryAfterSeconds"], &Value::Null)
}

async fn an_object_can_be_read_from_the_cache(arena: &Arena) -> Outcome {
    let maps = mine(arena);
    make(&maps, 1).await?;
    let cached = maps.with("resourceVersion", "0");
    let read = arena.until_object(&cached, "map-0", "in the cache", |_| true).await?;
    same("name", &read["metadata"]["name"], "map-0")
}

async fn a_name_of_the_list_reads_one_object(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    make(&maps, 2).await?;
    lists(&maps.with("fieldSelector", "metadata.name=map-1").list().await.is(200)?, &["map-1"])
}

async fn metadata_alone_can_be_listed(arena: &Arena) -> Outcome {
    let maps = mine(arena);
    let metadata = json!({"name": "a", "labels": {"mine": "true"}});
    maps.create(json!({"metadata": metadata, "data": {"key": "value"}})).await.is(201)?;
    let one = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let one = maps.header("accept", one).get("a").await.is(200)?;
    same("kind", &one["kind"], "PartialObjectMetadata")?;
    same("apiVersion", &one["apiVersion"], "meta.k8s.io/v1")?;
    absent("data", &one["data"])?;
    let many = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let list = maps.header("accept", many).list().await.is(200)?;
    same("kind", &list["kind"], "PartialObjectMetadataList")?;
    lists(&list, &["a"])?;
    holds(list["items"][0]["data"].is_null(), || format!("no data in {}", list["items"][0]))
}
