//! Server-side apply where the schema decides: lists, maps, defaults and the status.

use super::managers::{entry, owns, owns_not};
use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    crd::{Definition, widgets},
    endpoint::{Endpoint, named_a},
    expect::{absent, holds, same},
    resource::{CONFIG_MAPS, SERVICES, STATEFUL_SETS},
};
use serde_json::{Value, json};

cases! { "apply":
    a_plain_list_has_one_owner,
    a_set_is_merged_by_value,
    a_list_map_is_merged_by_its_key,
    an_item_of_a_list_map_has_its_own_owner,
    an_atomic_map_has_one_owner,
    defaults_belong_to_no_applier,
    conditions_of_others_survive_an_apply_of_status,
    an_apply_of_status_leaves_the_spec_alone,
    spec_and_status_have_separate_owners since 22,
    an_apply_ignores_the_status_without_its_subresource_path,
    finalizers_are_a_set,
    ports_of_a_service_merge_by_port_and_protocol,
    a_container_is_merged_by_its_name,
    an_apply_that_breaks_the_schema_is_refused,
    an_apply_of_an_unknown_field_of_a_built_in_kind_is_refused,
}

async fn lists(arena: &Arena) -> Result<Endpoint, Failure> {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let mut set = texts.clone();
    set["x-kubernetes-list-type"] = json!("set");
    Definition::of(json!({"type": "object", "properties": {
        "plain": texts,
        "set": set,
        "map": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"}, "one": {"type": "string"}, "two": {"type": "string"},
            }},
        },
        "atomic": {
            "type": "object",
            "x-kubernetes-map-type": "atomic",
            "properties": {"one": {"type": "string"}, "two": {"type": "string"}},
        },
        "color": {"type": "string", "default": "blue"},
    }}))
    .install(arena)
    .await
}

fn spec(spec: Value) -> Value {
    named_a("spec", spec)
}

async fn a_plain_list_has_one_owner(arena: &Arena) -> Outcome {
    let lists = lists(arena).await?;
    lists.apply("a", "one", spec(json!({"plain": ["x"]}))).await.is(201)?;
    let conflict = lists.apply("a", "two", spec(json!({"plain": ["y"]}))).await.refused(409, "Conflict")?;
    conflict.cause(".spec.plain", "FieldManagerConflict", "conflict with \"one\"")?;
    let forced = lists.force("a", "two", spec(json!({"plain": ["y"]}))).await.is(200)?;
    same("plain", &forced["spec"]["plain"], json!(["y"]))
}

async fn a_set_is_merged_by_value(arena: &Arena) -> Outcome {
    let lists = lists(arena).await?;
    lists.apply("a", "one", spec(json!({"set": ["x", "y"]}))).await.is(201)?;
    let merged = lists.apply("a", "two", spec(json!({"set": ["y", "z"]}))).await.is(200)?;
    same("set", &merged["spec"]["set"], json!(["x", "y", "z"]))?;
    owns(&merged, "one", &["f:spec", "f:set", "v:\"x\""])?;
    let less = lists.apply("a", "one", spec(json!({"set": ["x"]}))).await.is(200)?;
    same("set", &less["spec"]["set"], json!(["x", "y", "z"]))?;
    let less = lists.apply("a", "two", spec(json!({"set": ["z"]}))).await.is(200)?;
    same("set", &less["spec"]["set"], json!(["x", "z"]))
}

async fn a_list_map_is_merged_by_its_key(arena: &Arena) -> Outcome {
    let lists = lists(arena).await?;
    lists.apply("a", "one", spec(json!({"map": [{"name": "x", "one": "1"}]}))).await.is(201)?;
    let theirs = json!({"map": [{"name": "y", "two": "2"}, {"name": "x", "two": "2"}]});
    let merged = lists.apply("a", "two", spec(theirs)).await.is(200)?;
    let map = &merged["spec"]["map"];
    let item = |name: &str| map.as_array().and_then(|items| items.iter().find(|item| item["name"] == name));
    let wanted = json!({"name": "x", "one": "1", "two": "2"});
    holds(item("x") == Some(&wanted), || format!("x to be {wanted} in {map}"))?;
    holds(item("y") == Some(&json!({"name": "y", "two": "2"})), || format!("y in {map}"))?;
    same("length", &map.as_array().map_or(0, Vec::len).into(), 2)
}

async fn an_item_of_a_list_map_has_its_own_owner(arena: &Arena) -> Outcome {
    let lists = lists(arena).await?;
    lists.apply("a", "one", spec(json!({"map": [{"name": "x", "one": "1"}]}))).await.is(201)?;
    let merged = lists.apply("a", "two", spec(json!({"map": [{"name": "y", "one": "1"}]}))).await.is(200)?;
    owns(&merged, "one", &["f:spec", "f:map", "k:{\"name\":\"x\"}", "f:one"])?;
    owns(&merged, "two", &["f:spec", "f:map", "k:{\"name\":\"y\"}", "."])?;
    let changed = json!({"map": [{"name": "x", "one": "2"}]});
    let conflict = lists.apply("a", "two", spec(changed)).await.refused(409, "Conflict")?;
    conflict.cause(".spec.map[name=\"x\"].one", "FieldManagerConflict", "conflict with \"one\"")?;
    let gone = lists.apply("a", "two", spec(json!({}))).await.is(200)?;
    same("map", &gone["spec"]["map"], json!([{"name": "x", "one": "1"}]))
}

async fn an_atomic_map_has_one_owner(arena: &Arena) -> Outcome {
    let lists = lists(arena).await?;
    let created = lists.apply("a", "one", spec(json!({"atomic": {"one": "1"}}))).await.is(201)?;
    owns(&created, "one", &["f:spec", "f:atomic"])?;
    let theirs = spec(json!({"atomic": {"two": "2"}}));
    let conflict = lists.apply("a", "two", theirs.clone()).await.refused(409, "Conflict")?;
    conflict.cause(".spec.atomic", "FieldManagerConflict", "conflict with \"one\"")?;
    let forced = lists.force("a", "two", theirs).await.is(200)?;
    same("atomic", &forced["spec"]["atomic"], json!({"two": "2"}))
}

async fn defaults_belong_to_no_applier(arena: &Arena) -> Outcome {
    let lists = lists(arena).await?;
    let created = lists.apply("a", "one", spec(json!({"plain": ["x"]}))).await.is(201)?;
    same("color", &created["spec"]["color"], "blue")?;
    owns_not(&created, "one", &["f:spec", "f:color"])?;
    let painted = lists.apply("a", "two", spec(json!({"color": "red"}))).await.is(200)?;
    same("color", &painted["spec"]["color"], "red")
}

fn condition(kind: &str, status: &str) -> Value {
    json!({"metadata": {"name": "a"}, "status": {"conditions": [{"type": kind, "status": status}]}})
}

async fn conditions_of_others_survive_an_apply_of_status(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}, "spec": {"size": 1}})).await.is(201)?;
    widgets.apply("a/status", "one", condition("Ready", "True")).await.is(200)?;
    let both = widgets.apply("a/status", "two", condition("BackedUp", "True")).await.is(200)?;
    same("conditions", &both["status"]["conditions"].as_array().map_or(0, Vec::len).into(), 2)?;
    let changed = widgets.apply("a/status", "one", condition("Ready", "False")).await.is(200)?;
    let wanted = json!([{"type": "Ready", "status": "False"}, {"type": "BackedUp", "status": "True"}]);
    same("conditions", &changed["status"]["conditions"], wanted)
}

async fn an_apply_of_status_leaves_the_spec_alone(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.apply("a", "operator", spec(json!({"size": 1}))).await.is(201)?;
    let status = json!({"metadata": {"name": "a"}, "status": {"phase": "Ready"}});
    let applied = widgets.apply("a/status", "status", status).await.is(200)?;
    same("spec", &applied["spec"], json!({"size": 1}))?;
    same("generation", &applied["metadata"]["generation"], 1)
}

/// Entries tell their subresource since 1.22: <https://github.com/kubernetes/kubernetes/pull/100970>.
async fn spec_and_status_have_separate_owners(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.apply("a", "one", spec(json!({"size": 1}))).await.is(201)?;
    let status = json!({"metadata": {"name": "a"}, "status": {"phase": "Ready"}});
    let applied = widgets.apply("a/status", "one", status).await.is(200)?;
    let entries = applied["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let fields = |subresource: Value| {
        entries.iter().find(|it| it["manager"] == "one" && it["subresource"] == subresource)
    };
    let of_status = fields("status".into()).map(|entry| &entry["fieldsV1"]);
    holds(of_status == Some(&json!({"f:status": {"f:phase": {}}})), || format!("the status in {entries:?}"))?;
    let of_spec = fields(Value::Null).map(|entry| &entry["fieldsV1"]);
    holds(of_spec == Some(&json!({"f:spec": {"f:size": {}}})), || format!("the spec in {entries:?}"))?;
    // The same manager applies the spec again without a status: that status stays.
    let again = widgets.apply("a", "one", spec(json!({"size": 2}))).await.is(200)?;
    same("status", &again["status"], json!({"phase": "Ready"}))
}

async fn an_apply_ignores_the_status_without_its_subresource_path(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    let object = json!({"metadata": {"name": "a"}, "spec": {"size": 1}, "status": {"phase": "Ready"}});
    let applied = widgets.apply("a", "one", object).await.is(201)?;
    absent("status", &applied["status"])
}

async fn finalizers_are_a_set(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let with = |finalizer: &str| json!({"metadata": {"name": "a", "finalizers": [finalizer]}});
    maps.apply("a", "one", with("example.com/one")).await.is(201)?;
    let both = maps.apply("a", "two", with("example.com/two")).await.is(200)?;
    let wanted = json!(["example.com/one", "example.com/two"]);
    same("finalizers", &both["metadata"]["finalizers"], wanted)?;
    let one = maps.apply("a", "two", json!({"metadata": {"name": "a"}})).await.is(200)?;
    same("finalizers", &one["metadata"]["finalizers"], json!(["example.com/one"]))
}

async fn ports_of_a_service_merge_by_port_and_protocol(arena: &Arena) -> Outcome {
    let services = arena.at(SERVICES);
    let port = |name: &str, port: u16| json!({"name": name, "port": port, "protocol": "TCP"});
    services.apply("a", "one", spec(json!({"ports": [port("one", 1)]}))).await.is(201)?;
    let both = services.apply("a", "two", spec(json!({"ports": [port("two", 2)]}))).await.is(200)?;
    let names: Vec<_> =
        both["spec"]["ports"].as_array().into_iter().flatten().map(|it| &it["name"]).collect();
    same("ports", &json!(names), json!(["one", "two"]))?;
    owns(&both, "one", &["f:spec", "f:ports", "k:{\"port\":1,\"protocol\":\"TCP\"}", "f:name"])
}

async fn a_container_is_merged_by_its_name(arena: &Arena) -> Outcome {
    let sets = arena.at(STATEFUL_SETS);
    let set = super::stateful_set_spec::of_pods("a", 0, &arena.image);
    sets.apply("a", "one", set.clone()).await.is(201)?;
    let mut theirs = set;
    theirs["spec"]["template"]["spec"]["containers"] =
        json!([{"name": "sidecar", "image": arena.image, "imagePullPolicy": "IfNotPresent"}]);
    let both = sets.apply("a", "two", theirs).await.is(200)?;
    let containers = both["spec"]["template"]["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let names: Vec<_> = containers.iter().map(|it| it["name"].clone()).collect();
    same("containers", &names.into(), json!(["main", "sidecar"]))?;
    same("fields of one", &entry(&both, "one")?["operation"], "Apply")
}

async fn an_apply_that_breaks_the_schema_is_refused(arena: &Arena) -> Outcome {
    let answer = lists(arena).await?.apply("a", "one", spec(json!({"color": 5}))).await;
    // Which of the two checks speaks first is the server's matter: the merge by the schema, or its validation.
    holds(answer.status >= 400 && answer.text.contains("color"), || {
        format!("a refusal that names the field, got {}: {}", answer.status, answer.text)
    })
}

async fn an_apply_of_an_unknown_field_of_a_built_in_kind_is_refused(arena: &Arena) -> Outcome {
    let map = json!({"metadata": {"name": "a"}, "datum": {"key": "value"}});
    let answer = arena.at(CONFIG_MAPS).apply("a", "one", map).await;
    holds(answer.status >= 400 && answer.text.contains("field not declared in schema"), || {
        format!("a refusal that names the field, got {}: {}", answer.status, answer.text)
    })
}
