//! Tables, as kubectl asks for them.

use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    crd::Definition,
    endpoint::Endpoint,
    expect::{absent, present, same},
    resource::{CONFIG_MAPS, SECRETS},
};
use serde_json::{Value, json};

cases! { "table":
    a_list_comes_as_a_table,
    an_object_comes_as_a_table,
    printer_columns_are_columns,
    a_kind_without_columns_shows_its_age,
    a_column_can_show_a_condition,
    a_missing_value_is_null,
    rows_carry_metadata,
    rows_can_carry_the_object_or_nothing,
    a_watch_comes_in_tables,
    errors_are_no_tables,
}

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

fn tabled(objects: &Endpoint) -> Endpoint {
    objects.header("accept", TABLE)
}

fn columns(table: &Value) -> Value {
    let columns = table["columnDefinitions"].as_array().into_iter().flatten();
    columns.map(|column| column["name"].clone()).collect()
}

async fn a_list_comes_as_a_table(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    let metadata = json!({"name": "a", "labels": {"mine": "true"}});
    maps.create(json!({"metadata": metadata, "data": {"one": "1", "two": "2"}})).await.is(201)?;
    let table = tabled(&maps).list().await.is(200)?;
    same("kind", &table["kind"], "Table")?;
    same("apiVersion", &table["apiVersion"], "meta.k8s.io/v1")?;
    present("version", &table["metadata"]["resourceVersion"])?;
    same("columns", &columns(&table), json!(["Name", "Data", "Age"]))?;
    same("name", &table["rows"][0]["cells"][0], "a")?;
    same("data", &table["rows"][0]["cells"][1], 2)
}

async fn an_object_comes_as_a_table(arena: &Arena) -> Outcome {
    let secrets = arena.at(SECRETS);
    secrets.create(json!({"metadata": {"name": "a"}, "stringData": {"key": "1"}})).await.is(201)?;
    let table = tabled(&secrets).get("a").await.is(200)?;
    same("columns", &columns(&table), json!(["Name", "Type", "Data", "Age"]))?;
    same("rows", &table["rows"].as_array().map_or(0, Vec::len).into(), 1)?;
    same("type", &table["rows"][0]["cells"][1], "Opaque")
}

async fn printed(arena: &Arena) -> Result<Endpoint, Failure> {
    let columns = json!([
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "how large"},
        {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
        {"name": "Color", "type": "string", "jsonPath": ".spec.color", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]);
    let spec = json!({"type": "object", "properties": {
        "size": {"type": "integer"}, "color": {"type": "string"},
    }});
    let condition =
        json!({"type": "object", "properties": {"type": {"type": "string"}, "status": {"type": "string"}}});
    let status = json!({"type": "object", "properties": {
        "conditions": {"type": "array", "items": condition},
    }});
    Definition::of(spec)
        .status(status)
        .version(json!({"additionalPrinterColumns": columns}))
        .install(arena)
        .await
}

async fn printer_columns_are_columns(arena: &Arena) -> Outcome {
    let things = printed(arena).await?;
    things.create(json!({"metadata": {"name": "a"}, "spec": {"size": 3, "color": "red"}})).await.is(201)?;
    let table = tabled(&things).list().await.is(200)?;
    same("columns", &columns(&table), json!(["Name", "Size", "Ready", "Color", "Age"]))?;
    let definitions = &table["columnDefinitions"];
    same("type", &definitions[1]["type"], "integer")?;
    same("description", &definitions[1]["description"], "how large")?;
    same("priority", &definitions[3]["priority"], 1)?;
    let cells = &table["rows"][0]["cells"];
    same("name", &cells[0], "a")?;
    same("size", &cells[1], 3)?;
    same("color", &cells[3], "red")?;
    present("age", &cells[4])
}

async fn a_kind_without_columns_shows_its_age(arena: &Arena) -> Outcome {
    let things = Definition::of(json!({"type": "object"})).install(arena).await?;
    things.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let table = tabled(&things).list().await.is(200)?;
    same("columns", &columns(&table), json!(["Name", "Age"]))
}

async fn a_column_can_show_a_condition(arena: &Arena) -> Outcome {
    let things = printed(arena).await?;
    things.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let conditions = json!([{"type": "Other", "status": "True"}, {"type": "Ready", "status": "False"}]);
    things.merge("a/status", json!({"status": {"conditions": conditions}})).await.is(200)?;
    let table = tabled(&things).get("a").await.is(200)?;
    same("ready", &table["rows"][0]["cells"][2], "False")
}

async fn a_missing_value_is_null(arena: &Arena) -> Outcome {
    let things = printed(arena).await?;
    things.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let cells = tabled(&things).get("a").await.is(200)?["rows"][0]["cells"].clone();
    absent("size", &cells[1])?;
    same("number of cells", &cells.as_array().map_or(0, Vec::len).into(), 5)
}

async fn rows_carry_metadata(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    let map = maps.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let object = tabled(&maps).get("a").await.is(200)?["rows"][0]["object"].clone();
    same("kind", &object["kind"], "PartialObjectMetadata")?;
    same("uid", &object["metadata"]["uid"], map["metadata"]["uid"].clone())
}

async fn rows_can_carry_the_object_or_nothing(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS);
    maps.create(json!({"metadata": {"name": "a"}, "data": {"key": "1"}})).await.is(201)?;
    let whole = tabled(&maps).with("includeObject", "Object").get("a").await.is(200)?;
    same("data", &whole["rows"][0]["object"]["data"], json!({"key": "1"}))?;
    let bare = tabled(&maps).with("includeObject", "None").get("a").await.is(200)?;
    absent("object", &bare["rows"][0]["object"])
}

async fn a_watch_comes_in_tables(arena: &Arena) -> Outcome {
    let maps = arena.at(CONFIG_MAPS).with("labelSelector", "mine");
    maps.create(json!({"metadata": {"name": "a", "labels": {"mine": "true"}}})).await.is(201)?;
    let mut watch = tabled(&maps).watch().await?;
    let first = watch.expect("ADDED").await?;
    same("kind", &first["kind"], "Table")?;
    same("columns", &columns(&first), json!(["Name", "Data", "Age"]))?;
    same("name", &first["rows"][0]["cells"][0], "a")?;
    maps.delete("a").await.is(200)?;
    let last = watch.expect("DELETED").await?;
    same("name", &last["rows"][0]["cells"][0], "a")
}

async fn errors_are_no_tables(arena: &Arena) -> Outcome {
    tabled(&arena.at(CONFIG_MAPS)).get("a").await.refused(404, "NotFound").map(drop)
}
