//! The binary form in which kubectl sends what `kubectl create` makes. Read, never written: every such client takes JSON
//! answers.

mod messages;

use base64::{Engine, engine::general_purpose::STANDARD};
use messages::{Field, Kind, Message};
use serde_json::{Map, Value, json};

/// Every Kubernetes object in this form starts so.
const MAGIC: &[u8] = b"k8s\0";

/// An object in protobuf as JSON, or why it cannot be read.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, String> {
    let body = bytes.strip_prefix(MAGIC).ok_or("the object does not start as Kubernetes' protobuf does")?;
    let envelope = object(&messages::ENVELOPE, body)?;
    let kind = envelope["typeMeta"]["kind"].as_str().unwrap_or_default();
    let version = envelope["typeMeta"]["apiVersion"].as_str().unwrap_or_default();
    let message = messages::of(kind)
        .ok_or_else(|| format!("{kind} is not read from protobuf here: send application/json"))?;
    let raw = envelope["raw"].as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let mut value = object(message, &raw)?;
    value["apiVersion"] = json!(version);
    value["kind"] = json!(kind);
    Ok(value)
}

/// One field as it is on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl Wire<'_> {
    /// What Go writes for fields that were not set.
    fn is_zero(&self) -> bool {
        match self {
            Self::Number(number) => *number == 0,
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let tag = number(bytes)?;
    let wire = match tag & 7 {
        0 => Wire::Number(number(bytes)?),
        2 => {
            let length = usize::try_from(number(bytes)?).ok()?;
            let (value, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Wire::Bytes(value)
        }
        _ => return None,
    };
    Some((tag >> 3, wire))
}

fn object(message: &Message, mut bytes: &[u8]) -> Result<Value, String> {
    let mut map = Map::new();
    while !bytes.is_empty() {
        let (number, wire) = next(&mut bytes).ok_or("the protobuf breaks off")?;
        let Some(field) = message.iter().find(|field| field.number == number) else {
            if wire.is_zero() || is_all_zero(&wire) {
                continue;
            }
            return Err(format!("field {number} of the protobuf is not read here: send application/json"));
        };
        put(&mut map, field, &wire)?;
    }
    Ok(Value::Object(map))
}

/// A message of nothing but unset fields.
fn is_all_zero(wire: &Wire) -> bool {
    let Wire::Bytes(mut bytes) = *wire else { return false };
    while !bytes.is_empty() {
        match next(&mut bytes) {
            Some((_, wire)) if wire.is_zero() || is_all_zero(&wire) => {}
            _ => return false,
        }
    }
    true
}

fn put(map: &mut Map<String, Value>, field: &Field, wire: &Wire) -> Result<(), String> {
    let name = field.name.to_owned();
    let value = match (&field.kind, wire) {
        (Kind::Texts, wire) => {
            let list = map.entry(name).or_insert_with(|| json!([]));
            return text(wire)
                .map(|text| list.as_array_mut().into_iter().for_each(|list| list.push(json!(text))));
        }
        (Kind::List(message), Wire::Bytes(bytes)) => {
            let item = object(message, bytes)?;
            let list = map.entry(name).or_insert_with(|| json!([]));
            list.as_array_mut().into_iter().for_each(|list| list.push(item.clone()));
            return Ok(());
        }
        (Kind::Map(message), Wire::Bytes(bytes)) => {
            let entry = object(message, bytes)?;
            let entries = map.entry(name).or_insert_with(|| json!({}));
            let key = entry["key"].as_str().unwrap_or_default().to_owned();
            // Go leaves out an empty value.
            entries[key] = entry.get("value").cloned().unwrap_or_else(|| json!(""));
            return Ok(());
        }
        (Kind::Text, wire) if wire.is_zero() => return Ok(()),
        (Kind::Text, wire) => json!(text(wire)?),
        (Kind::Bytes, Wire::Bytes(bytes)) => json!(STANDARD.encode(bytes)),
        (Kind::Plain, Wire::Number(0)) => return Ok(()),
        (Kind::Number | Kind::Plain, Wire::Number(number)) => json!(number.cast_signed()),
        (Kind::Flag, Wire::Number(number)) => json!(*number != 0),
        (Kind::One(message), Wire::Bytes(bytes)) => object(message, bytes)?,
        // Its text is the whole of it.
        (Kind::Quantity, Wire::Bytes(bytes)) => object(&messages::QUANTITY, bytes)?["string"].take(),
        (Kind::IntOrText, Wire::Bytes(bytes)) => {
            let parts = object(&messages::INT_OR_TEXT, bytes)?;
            if parts["type"] == 1 {
                parts["text"].clone()
            } else {
                json!(parts["number"].as_i64().unwrap_or_default())
            }
        }
        _ => return Err(format!("{} of the protobuf has another form than expected", field.name)),
    };
    map.insert(name, value);
    Ok(())
}

fn text(wire: &Wire) -> Result<String, String> {
    match wire {
        Wire::Bytes(bytes) => String::from_utf8(bytes.to_vec()).map_err(|_| "a text is not UTF-8".to_owned()),
        Wire::Number(_) => Err("a number where a text belongs".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;
    use serde_json::json;

    #[test]
    fn a_namespace_is_read() {
        // What kubectl 1.33 sends for `kubectl create namespace a`, without the empty fields.
        let meta = [b"\x0a\x0f".as_slice(), b"\x0a\x02v1", b"\x12\x09Namespace"].concat();
        let raw = b"\x0a\x05\x0a\x01a\x12\x00".as_slice();
        let body = [b"k8s\0", meta.as_slice(), b"\x12\x07", &raw[..7], b"\x1a\x00"].concat();
        let expected = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "a" } });
        assert_eq!(decode(&body), Ok(expected));
        assert!(decode(b"k8s\0\x0a\xff").is_err());
    }
}
