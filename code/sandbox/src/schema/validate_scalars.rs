//! The checks of single values: texts and numbers.

use crate::error::Cause;
use regex::Regex;
use serde_json::Value;

pub(super) fn check_text(schema: &Value, text: &str, path: &str, causes: &mut Vec<Cause>) {
    let value = Value::String(text.to_owned());
    let length = text.chars().count() as u64;
    if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
        let why = format!("{path} in body should be at least {least} chars long");
        causes.push(Cause::invalid(path, &value, why));
    }
    if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
        causes.push(Cause::too_long(path, most));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text))
    {
        let why = format!("{path} in body should match '{pattern}'");
        causes.push(Cause::invalid(path, &value, why));
    }
    if let Some(format) = schema["format"].as_str().filter(|format| !fits_format(format, text)) {
        let why = format!("{path} in body must be of type {format}: {text:?}");
        causes.push(Cause::invalid(path, &value, why));
    }
}

/// The formats that a real server checks, as far as the standard library and this crate's dependencies know them.
fn fits_format(format: &str, text: &str) -> bool {
    use base64::{Engine, engine::general_purpose::STANDARD};
    match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.parse::<jiff::civil::Date>().is_ok(),
        "byte" => STANDARD.decode(text).is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "uri" => url::Url::parse(text).is_ok(),
        "uuid" => {
            let hex = text.replace('-', "");
            hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        _ => true,
    }
}

pub(super) fn check_number(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(number) = value.as_f64() else { return };
    let bound = |name: &str| schema[name].as_f64().map(|bound| (bound, &schema[name]));
    if let Some((least, shown)) = bound("minimum") {
        let exclusive = schema["exclusiveMinimum"] == true;
        if number < least || (exclusive && number <= least) {
            let or = if exclusive { "" } else { "or equal to " };
            let why = format!("{path} in body should be greater than {or}{}", plain(shown));
            causes.push(Cause::invalid(path, value, why));
        }
    }
    if let Some((most, shown)) = bound("maximum") {
        let exclusive = schema["exclusiveMaximum"] == true;
        if number > most || (exclusive && number >= most) {
            let or = if exclusive { "" } else { "or equal to " };
            let why = format!("{path} in body should be less than {or}{}", plain(shown));
            causes.push(Cause::invalid(path, value, why));
        }
    }
    if let Some((factor, shown)) = bound("multipleOf")
        && (number / factor).fract() != 0.0
    {
        let why = format!("{path} in body should be a multiple of {}", plain(shown));
        causes.push(Cause::invalid(path, value, why));
    }
    let fits = match schema["format"].as_str() {
        Some("int32") => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Some("int64") => value.is_i64(),
        _ => true,
    };
    if !fits {
        let format = schema["format"].as_str().unwrap_or_default();
        let why = format!("{path} in body must be of type {format}: {value}");
        causes.push(Cause::invalid(path, value, why));
    }
}

/// A bound as Go prints it: 1, not 1.0, which is what schemars writes.
fn plain(number: &Value) -> String {
    match number.as_f64() {
        Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}
