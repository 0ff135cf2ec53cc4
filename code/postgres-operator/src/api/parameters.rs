//! Which settings of postgresql.conf a user may give.

use super::validate::{Violation, rule};
use std::collections::BTreeMap;

/// Settings that the operator's own work stands on: where the server listens and keeps its files, who may come in, and how
/// standbys follow.
const OURS: [&str; 16] = [
    "config_file",
    "data_directory",
    "external_pid_file",
    "hba_file",
    "hot_standby",
    "ident_file",
    "listen_addresses",
    "logging_collector",
    "password_encryption",
    "port",
    "primary_conninfo",
    "primary_slot_name",
    "recovery_target_timeline",
    "ssl",
    "unix_socket_directories",
    "wal_level",
];

/// The first rule that the settings break. Whether a value is right only PostgreSQL knows, and it is asked before any pod
/// is replaced.
pub(super) fn parameters(given: &BTreeMap<String, String>) -> Result<(), Violation> {
    for (name, value) in given {
        let word = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let named = name.len() <= 63 && name.split('.').all(word) && name.matches('.').count() <= 1;
        rule("spec.parameters", named, || {
            format!("{name:?} is not the name of a setting, which has a-z, 0-9 and _")
        })?;
        rule("spec.parameters", !OURS.contains(&name.as_str()), || format!("{name} is set by the operator"))?;
        let printable = value.len() <= 1024 && !value.chars().any(char::is_control);
        rule("spec.parameters", printable, || {
            format!("the value of {name} must have at most 1024 characters, all of them on one line")
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Result<(), String> {
        parameters(&[(name.to_owned(), value.to_owned())].into()).map_err(|violation| violation.to_string())
    }

    #[test]
    fn settings_of_postgresql_and_of_extensions_are_allowed() {
        for (name, value) in [
            ("max_connections", "200"),
            ("auto_explain.log_min_duration", "1s"),
            ("search_path", "\"a b\", c"),
        ] {
            assert_eq!(one(name, value), Ok(()));
        }
    }

    #[test]
    fn what_would_break_the_operators_work_or_the_command_line_is_refused() {
        for (name, value, expected) in [
            ("port", "1", "spec.parameters: port is set by the operator"),
            ("wal_level", "minimal", "spec.parameters: wal_level is set by the operator"),
            ("", "1", "spec.parameters: \"\" is not the name"),
            ("Max_Connections", "1", "spec.parameters: \"Max_Connections\" is not the name"),
            ("a=b -c c", "1", "spec.parameters: \"a=b -c c\" is not the name"),
            ("a.b.c", "1", "spec.parameters: \"a.b.c\" is not the name"),
            ("1st", "1", "spec.parameters: \"1st\" is not the name"),
            ("work_mem", "1\n2", "spec.parameters: the value of work_mem must"),
        ] {
            let violation = one(name, value).unwrap_err();
            assert!(violation.starts_with(expected), "{violation}");
        }
        assert!(one("work_mem", &"9".repeat(1025)).is_err());
    }
}
