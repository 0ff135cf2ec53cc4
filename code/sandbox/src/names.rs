//! What may be a name, a label or a key, with the words of a real server for what may not.

use regex::Regex;
use std::sync::LazyLock;

type Check = Result<(), String>;

fn pattern(text: &str) -> Regex {
    // The patterns are this file's own.
    Regex::new(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

static LABEL: LazyLock<Regex> = LazyLock::new(|| pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"));
static SUBDOMAIN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"));
static SERVICE: LazyLock<Regex> = LazyLock::new(|| pattern("^[a-z]([-a-z0-9]*[a-z0-9])?$"));
static QUALIFIED: LazyLock<Regex> = LazyLock::new(|| pattern("^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"));
static LABEL_VALUE: LazyLock<Regex> =
    LazyLock::new(|| pattern("^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"));
static DATA_KEY: LazyLock<Regex> = LazyLock::new(|| pattern("^[-._a-zA-Z0-9]+$"));

/// RFC 1123, with dots.
pub(crate) fn subdomain(name: &str) -> Check {
    if name.len() > 253 {
        return Err("must be no more than 253 bytes".to_owned());
    }
    if SUBDOMAIN.is_match(name) {
        return Ok(());
    }
    Err("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start \
         and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        .to_owned())
}

/// RFC 1123, without dots.
pub(crate) fn label(name: &str) -> Check {
    if name.len() > 63 {
        return Err("must be no more than 63 bytes".to_owned());
    }
    if LABEL.is_match(name) {
        return Ok(());
    }
    Err("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
         with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        .to_owned())
}

/// RFC 1035, as Services are named.
pub(crate) fn service(name: &str) -> Check {
    if name.len() > 63 {
        return Err("must be no more than 63 bytes".to_owned());
    }
    if SERVICE.is_match(name) {
        return Ok(());
    }
    Err("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
         character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
         '[a-z]([-a-z0-9]*[a-z0-9])?')"
        .to_owned())
}

/// A name that is a segment of a path: RBAC's.
pub(crate) fn path_segment(name: &str) -> Check {
    match name {
        "." | ".." => Err(format!("may not be '{name}'")),
        _ if name.contains('/') => Err("may not contain '/'".to_owned()),
        _ if name.contains('%') => Err("may not contain '%'".to_owned()),
        _ => Ok(()),
    }
}

/// A key of labels, annotations or finalizers: a name, perhaps behind a domain and a slash.
pub(crate) fn qualified(key: &str) -> Check {
    let parts: Vec<&str> = key.split('/').collect();
    let name = match parts[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                return Err("prefix part must be non-empty".to_owned());
            }
            subdomain(prefix).map_err(|why| format!("prefix part {why}"))?;
            name
        }
        _ => "",
    };
    if name.is_empty() && parts.len() < 3 {
        return Err("name part must be non-empty".to_owned());
    }
    if name.len() > 63 {
        return Err("name part must be no more than 63 bytes".to_owned());
    }
    if QUALIFIED.is_match(name) {
        return Ok(());
    }
    let head = if parts.len() > 2 { "a qualified name" } else { "name part" };
    let tail = if parts.len() > 2 {
        " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
    } else {
        ""
    };
    Err(format!(
        "{head} must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
         character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
         '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'){tail}"
    ))
}

pub(crate) fn label_value(value: &str) -> Check {
    if value.len() > 63 {
        return Err("must be no more than 63 bytes".to_owned());
    }
    if LABEL_VALUE.is_match(value) {
        return Ok(());
    }
    Err("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
         and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation \
         is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        .to_owned())
}

/// A key of a ConfigMap's or Secret's data.
pub(crate) fn data_key(key: &str) -> Check {
    if DATA_KEY.is_match(key) && key.len() <= 253 && key != "." && !key.starts_with("..") {
        return Ok(());
    }
    Err("a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  \
         or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        .to_owned())
}
