use super::*;
use serde_json::json;

#[test]
fn an_answer_to_a_write_as_a_table() {
    let answer = |code: u16, reason: &str, field: &str| {
        let status = json!({
            "status": "Failure", "code": code, "reason": reason, "message": "",
            "details": {"causes": [{"reason": "", "message": "", "field": field}]},
        });
        let status: Status = serde_json::from_value(status).unwrap();
        match written("Service", "orders", Err(kube::Error::Api(Box::new(status)))) {
            Err(Error::Stale { .. }) => "stale",
            Ok(Written::Refused(_)) => "refused",
            _ => "something else",
        }
    };
    for (code, reason, field, expected) in [
        (409, "Conflict", "", "stale"),
        (409, "AlreadyExists", "", "stale"),
        (422, "Invalid", "metadata.uid", "stale"),
        (422, "Invalid", "spec.ports", "refused"),
        (403, "Forbidden", "", "refused"),
    ] {
        assert_eq!(answer(code, reason, field), expected, "{code} {reason} {field}");
    }
}
