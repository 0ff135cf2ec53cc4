//! Which fields a rule in CEL names. The evaluator finds out with an object; a real server tells with the definition.

use kube_cel::cel::{
    IdedExpr, Program,
    common::ast::{EntryExpr, Expr, operators::INDEX},
};
use serde_json::Value;

/// A field that the rule reads and the schema does not have.
pub(super) fn undefined(rule: &Value, schema: &Value, root: bool) -> Option<String> {
    // Text that is no CEL is told of elsewhere.
    let program = Program::compile(rule["rule"].as_str()?).ok()?;
    let mut search = Search { schema, root, optional: rule["optionalOldSelf"] == true, undefined: None };
    search.schema_of(program.expression());
    search.undefined
}

struct Search<'a> {
    schema: &'a Value,
    root: bool,
    /// `oldSelf` is an optional, and no object.
    optional: bool,
    undefined: Option<String>,
}

impl<'a> Search<'a> {
    /// The schema of a part of a rule; none where it is not known.
    fn schema_of(&mut self, part: &IdedExpr) -> Option<&'a Value> {
        match &part.expr {
            Expr::Ident(name) if name == "self" || (name == "oldSelf" && !self.optional) => Some(self.schema),
            Expr::Select(select) => {
                let of = self.schema_of(&select.operand)?;
                self.field(of, &select.field)
            }
            Expr::Call(call) => {
                let target = call.target.as_deref().and_then(|target| self.schema_of(target));
                let first = call.args.iter().map(|part| self.schema_of(part)).fold(None, Option::or);
                let indexed = target.or(first).filter(|_| call.func_name == INDEX)?;
                [&indexed["items"], &indexed["additionalProperties"]].into_iter().find(|it| it.is_object())
            }
            Expr::Comprehension(all) => {
                let parts = [&all.iter_range, &all.accu_init, &all.loop_cond, &all.loop_step, &all.result];
                self.look_into(parts);
                None
            }
            Expr::List(list) => {
                self.look_into(&list.elements);
                None
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.look_into([&entry.key, &entry.value]);
                    }
                }
                None
            }
            _ => None,
        }
    }

    fn look_into<'b>(&mut self, parts: impl IntoIterator<Item = &'b IdedExpr>) {
        for part in parts {
            self.schema_of(part);
        }
    }

    fn field(&mut self, of: &'a Value, name: &str) -> Option<&'a Value> {
        if let Some(found) = of["properties"].get(name) {
            return Some(found);
        }
        let of_every_object =
            self.root && std::ptr::eq(of, self.schema) && ["apiVersion", "kind", "metadata"].contains(&name);
        // Names with `__` stand for others that CEL could not read.
        let open = of["type"] != "object"
            || of["additionalProperties"].is_object()
            || of["x-kubernetes-embedded-resource"] == true
            || name.contains("__");
        if !of_every_object && !open {
            self.undefined.get_or_insert_with(|| name.to_owned());
        }
        of.get("additionalProperties").filter(|it| it.is_object())
    }
}

#[cfg(test)]
mod tests {
    use super::undefined;
    use serde_json::json;

    #[test]
    fn fields_of_rules_as_a_table() {
        let schema = json!({"type": "object", "properties": {
            "size": {"type": "integer"},
            "list": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
            "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {}}},
        }});
        for (rule, expected) in [
            ("self.size > 0 && self.size == oldSelf.size", None),
            ("self.weight > 0", Some("weight")),
            ("has(self.weight)", Some("weight")),
            ("self.list.all(it, it.anything == 1)", None),
            ("self.list.all(it, self.weight == 1)", Some("weight")),
            ("self.list[0].name == ''", None),
            ("self.list[0].weight == ''", Some("weight")),
            ("self.map.any != self.map['other']", None),
            ("self.map.any.weight == 1", Some("weight")),
            ("self.size <", None),
            ("{'a': self.weight}.a == [self.weight][0]", Some("weight")),
        ] {
            let found = undefined(&json!({"rule": rule}), &schema, false);
            assert_eq!(found.as_deref(), expected, "{rule}");
        }
        let root = |rule: &str| undefined(&json!({"rule": rule}), &schema, true);
        assert_eq!(root("self.metadata.name == ''"), None);
    }
}
