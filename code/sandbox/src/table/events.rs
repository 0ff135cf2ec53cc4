//! The columns of events, in either of their two forms.

use super::{
    age,
    built_in::{count, text},
};
use serde_json::Value;

pub(super) fn cell(column: &str, object: &Value) -> String {
    // Either form of events: the core's names, or those of events.k8s.io.
    let either = |core: &str, new: &str| {
        if object[core].is_null() { object[new].clone() } else { object[core].clone() }
    };
    let time = |value: &Value| age::since(value.as_str().unwrap_or_default());
    let optional = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match column {
        "Last Seen" | "First Seen" => {
            let series = &object["series"]["lastObservedTime"];
            let own = if column == "Last Seen" {
                either("lastTimestamp", "deprecatedLastTimestamp")
            } else {
                either("firstTimestamp", "deprecatedFirstTimestamp")
            };
            if !series.is_null() && column == "Last Seen" {
                time(series)
            } else if own.is_null() {
                time(&object["eventTime"])
            } else {
                time(&own)
            }
        }
        "Type" => optional(&object["type"]),
        "Reason" => optional(&object["reason"]),
        "Object" => {
            let about = either("involvedObject", "regarding");
            format!("{}/{}", text(&about["kind"]).to_lowercase(), text(&about["name"]))
        }
        "Subobject" => optional(&either("involvedObject", "regarding")["fieldPath"]),
        "Source" => optional(&either("reportingComponent", "reportingController")),
        "Message" => optional(&either("message", "note")).trim().to_owned(),
        _ => count(&either("count", "deprecatedCount")).max(1).to_string(),
    }
}
