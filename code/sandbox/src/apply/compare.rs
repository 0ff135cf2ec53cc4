//! What differs between two states of an object.

use super::fields::{Set, element};
use crate::schema::{ListKind, Node, Shape};
use serde_json::{Map, Value};

/// The fields that were added, changed or removed.
#[derive(Debug, Default)]
pub(super) struct Difference {
    added: Set,
    modified: Set,
    pub(super) removed: Set,
}

/// Built-in objects always have these, as Go writes structs that are not pointers: nobody adds them.
const ALWAYS_THERE: [&str; 8] =
    ["containers", "metadata", "resources", "spec", "status", "strategy", "template", "updateStrategy"];

impl Difference {
    /// What is new or different.
    pub(super) fn changed(&self) -> Set {
        let mut set = self.added.clone();
        set.add(&self.modified);
        set
    }
}

pub(super) fn compare(node: &Node, old: &Value, new: &Value) -> Difference {
    let mut difference = Difference::default();
    walk(
        node,
        Some(old),
        Some(new),
        (&mut difference.added, &mut difference.modified, &mut difference.removed),
    );
    difference
}

type Sets<'a> = (&'a mut Set, &'a mut Set, &'a mut Set);

fn walk(node: &Node, old: Option<&Value>, new: Option<&Value>, (added, modified, removed): Sets) {
    if old == new {
        return;
    }
    match (old, new) {
        (None, Some(new)) => all(node, new, added),
        (Some(old), None) => all(node, old, removed),
        (Some(old), Some(new)) => {
            let whole =
                node.atomic || matches!(node.shape, Shape::Scalar(_) | Shape::List(_, ListKind::Atomic));
            match (&node.shape, old, new) {
                (Shape::List(items, kind), Value::Array(old), Value::Array(new)) if !whole => {
                    lists(items, kind, (old, new), (added, modified, removed));
                }
                (_, Value::Object(old), Value::Object(new)) if !whole => {
                    objects(node, old, new, (added, modified, removed));
                }
                _ => modified.member = true,
            }
        }
        (None, None) => {}
    }
}

fn objects(
    node: &Node,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    (added, modified, removed): Sets,
) {
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let mut child = (Set::default(), Set::default(), Set::default());
        walk(
            &node.field_or_any(name),
            old.get(name),
            new.get(name),
            (&mut child.0, &mut child.1, &mut child.2),
        );
        keep(&format!("f:{name}"), child, (&mut *added, &mut *modified, &mut *removed));
    }
}

fn lists(items: &Node, kind: &ListKind, (old, new): (&[Value], &[Value]), (added, modified, removed): Sets) {
    let named = |list: &[Value]| -> Vec<(String, Value)> {
        list.iter().map(|item| (element(kind, items, item), item.clone())).collect()
    };
    let (old, new) = (named(old), named(new));
    let find = |list: &[(String, Value)], name: &str| {
        list.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    };
    for (name, _) in old.iter().chain(new.iter().filter(|(name, _)| find(&old, name).is_none())) {
        let (before, after) = (find(&old, name), find(&new, name));
        let mut child = (Set::default(), Set::default(), Set::default());
        walk(items, before.as_ref(), after.as_ref(), (&mut child.0, &mut child.1, &mut child.2));
        child.0.member |= before.is_none();
        child.2.member |= after.is_none();
        keep(name, child, (&mut *added, &mut *modified, &mut *removed));
    }
}

fn keep(name: &str, child: (Set, Set, Set), (added, modified, removed): Sets) {
    for (set, child) in [(added, child.0), (modified, child.1), (removed, child.2)] {
        if !child.is_empty() {
            set.children.insert(name.to_owned(), child);
        }
    }
}

/// Everything in `value` and on the way to it.
fn all(node: &Node, value: &Value, into: &mut Set) {
    let mut set = Set::of(node, value);
    mark(&mut set);
    into.add(&set);
}

fn mark(set: &mut Set) {
    set.member = true;
    for (name, child) in &mut set.children {
        let there = name.strip_prefix("f:").is_some_and(|name| ALWAYS_THERE.contains(&name));
        mark(child);
        if there && !child.children.is_empty() {
            child.member = false;
        }
    }
}
