//! The JSON paths of printer columns: `.status.conditions[?(@.type=="Ready")].status`.

use serde_json::Value;

/// The value at `path`, or the first of several.
pub(super) fn find(path: &str, object: &Value) -> Option<Value> {
    let mut found = vec![object];
    let mut rest = path.trim_start_matches('.');
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let end = closing(after)?;
            let inside = &after[..end];
            rest = after[end + 1..].trim_start_matches('.');
            found = found.into_iter().flat_map(|value| select(value, inside)).collect();
        } else {
            let end = name_end(rest);
            let name = rest[..end].replace("\\.", ".");
            rest = rest[end..].trim_start_matches('.');
            found = found.into_iter().filter_map(|value| value.get(&name)).collect();
        }
    }
    found.into_iter().find(|value| !value.is_null()).cloned()
}

/// The end of a name: a dot that is not escaped, or a bracket.
fn name_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '\\' => escaped = true,
            '.' | '[' if !escaped => return at,
            _ => escaped = false,
        }
    }
    text.len()
}

fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, ']') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if letter == open => quote = None,
            _ => {}
        }
    }
    None
}

fn select<'a>(value: &'a Value, inside: &str) -> Vec<&'a Value> {
    if inside == "*" {
        return match value {
            Value::Array(list) => list.iter().collect(),
            Value::Object(map) => map.values().collect(),
            _ => Vec::new(),
        };
    }
    if let Ok(index) = inside.parse::<i64>() {
        let list = value.as_array().map_or(&[][..], Vec::as_slice);
        let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        let at = if index < 0 { list.len().checked_sub(distance) } else { Some(distance) };
        return at.and_then(|at| list.get(at)).into_iter().collect();
    }
    let condition = inside.strip_prefix("?(").and_then(|text| text.strip_suffix(')'));
    if let Some((field, wanted)) = condition.and_then(|text| text.split_once("==")) {
        let field = field.trim().trim_start_matches("@.");
        let wanted = wanted.trim().trim_matches(['"', '\'']);
        let fits = |item: &&Value| {
            find(field, item).is_some_and(|found| {
                let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                text == wanted
            })
        };
        return value.as_array().into_iter().flatten().filter(fits).collect();
    }
    value.get(inside.trim_matches(['"', '\''])).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use serde_json::json;

    #[test]
    fn paths_lead_to_values() {
        let object = json!({ "metadata": { "labels": { "a.b/c": "x" } }, "list": [{ "type": "A", "v": 1 }, { "type": "B", "v": 2 }] });
        for (path, expected) in [
            (".list[?(@.type==\"B\")].v", json!(2)),
            (".list[?(@.type=='A')].v", json!(1)),
            (".list[0].type", json!("A")),
            (".list[-1].type", json!("B")),
            (".list[*].v", json!(1)),
            (".metadata.labels.a\\.b/c", json!("x")),
            (".metadata.labels['a.b/c']", json!("x")),
        ] {
            assert_eq!(find(path, &object), Some(expected), "{path}");
        }
        assert_eq!(find(".nothing.here", &object), None);
    }
}
