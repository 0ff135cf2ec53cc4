//! A timeline as a page of its own: lanes over time, and below them every entry with what it changed.

use super::{
    Entry, Lane, entries,
    page::{STYLE, escape},
    seconds,
};
use crate::{log::WatchEvent, request::Request};
use std::{fmt::Write as _, time::Duration};

/// So many entries are drawn, the latest: a browser has its limits too.
const DRAWN: usize = 2_000;
/// A pause as long as this is told between two entries.
const PAUSE: Duration = Duration::from_secs(1);

/// Marks and what they mean.
const KEYS: [(&str, &str); 6] = [
    ("told", "told by a watch"),
    ("read", "read"),
    ("written", "written"),
    ("written still", "written, nothing changed"),
    ("written refused", "refused"),
    ("written fault", "met by a fault"),
];

/// A timeline as an HTML page that needs nothing else: no script, no font, no network. It is readable in light and in dark, on a
/// phone, and without seeing the picture.
pub fn html(title: &str, requests: &[Request], events: &[WatchEvent]) -> String {
    let mut entries = entries(requests, events);
    let left_out = entries.len().saturating_sub(DRAWN);
    entries.drain(..left_out);
    let title = escape(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{}</p>\n",
        escape(&summary(&entries))
    );
    if left_out > 0 {
        let _ = writeln!(page, "<p>{left_out} earlier entries are left out.</p>");
    }
    if !entries.is_empty() {
        page.push_str(&lanes(&entries));
        page.push_str(&list(&entries));
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// When the first came, and the last.
fn ends(entries: &[Entry]) -> (Duration, Duration) {
    let first = entries.first().map(|entry| entry.at).unwrap_or_default();
    (first, entries.iter().map(|entry| entry.until).max().unwrap_or_default())
}

/// The timeline in a sentence; also what is read out in place of the picture.
fn summary(entries: &[Entry]) -> String {
    let count = |which: fn(&Entry) -> bool| {
        entries.iter().filter(|entry| which(entry)).map(|entry| entry.times).sum::<usize>()
    };
    let (first, last) = ends(entries);
    format!(
        "In {} s: {} watch events, {} reads and {} writes, of which {} changed something. {} refused, {} met by a fault.",
        seconds(last.saturating_sub(first)),
        count(|it| it.lane == Lane::Told),
        count(|it| it.lane == Lane::Read),
        count(|it| it.lane == Lane::Written),
        count(|it| !it.changes.is_empty()),
        count(|it| it.refused),
        count(|it| it.fault.is_some()),
    )
}

/// The picture: a lane of marks for each kind of entry, from left to right in time. Each mark leads to its entry below; without
/// a mouse, the list says the same.
fn lanes(entries: &[Entry]) -> String {
    let (first, last) = ends(entries);
    let span = last.saturating_sub(first);
    let mut html = format!("<figure aria-label=\"Lanes over time. {}\">\n", escape(&summary(entries)));
    for lane in Lane::ALL {
        let _ = writeln!(
            html,
            "<div class=\"lane\"><span class=\"of\">{}</span><div class=\"line\">",
            lane.name()
        );
        for (number, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.lane == lane) {
            let left = entry.at.saturating_sub(first).as_secs_f64() / span.as_secs_f64().max(0.001) * 100.0;
            let what = escape(&format!("{} s: {}", seconds(entry.at), entry.line()));
            let _ = writeln!(
                html,
                "<a class=\"{}\" style=\"left:{left:.2}%\" href=\"#e{number}\" title=\"{what}\" aria-hidden=\"true\" \
                 tabindex=\"-1\"></a>",
                classes(entry)
            );
        }
        html.push_str("</div></div>\n");
    }
    let _ = writeln!(
        html,
        "<div class=\"lane axis\"><span class=\"of\">seconds</span><div class=\"ends\"><span>{}</span><span>{}</span>\
         <span>{}</span></div></div>",
        seconds(first),
        seconds(first + span / 2),
        seconds(last)
    );
    html.push_str("<figcaption>");
    for (classes, meaning) in KEYS {
        let _ = write!(html, "<span><i class=\"key {classes}\"></i> {meaning}</span> ");
    }
    html.push_str("</figcaption>\n</figure>\n");
    html
}

fn classes(entry: &Entry) -> String {
    let mut classes = vec![match entry.lane {
        Lane::Told => "told",
        Lane::Read => "read",
        Lane::Written => "written",
    }];
    let flags = [
        ("still", entry.lane == Lane::Written && entry.changes.is_empty() && !entry.refused),
        ("refused", entry.refused),
        ("fault", entry.fault.is_some()),
    ];
    classes.extend(flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| name));
    classes.join(" ")
}

fn list(entries: &[Entry]) -> String {
    let mut html = String::from("<ol>\n");
    let mut before = entries.first().map(|entry| entry.at).unwrap_or_default();
    for (number, entry) in entries.iter().enumerate() {
        let pause = entry.at.saturating_sub(before);
        if pause >= PAUSE {
            let _ = writeln!(html, "<li class=\"pause\">{:.1} s of silence</li>", pause.as_secs_f64());
        }
        before = entry.until;
        let _ = writeln!(html, "<li id=\"e{number}\" class=\"{}\">{}</li>", classes(entry), item(entry));
    }
    html + "</ol>\n"
}

fn item(entry: &Entry) -> String {
    let mut html = format!(
        "<time>{}</time><div class=\"what\"><b>{}</b> {} <span class=\"object\">{}</span> <span class=\"outcome\">{}</span>",
        seconds(entry.at),
        escape(&entry.verb),
        escape(&entry.resource),
        escape(&entry.object),
        escape(&entry.outcome)
    );
    if entry.times > 1 {
        let _ = write!(
            html,
            " <span class=\"again\">{} times, until {}</span>",
            entry.times,
            seconds(entry.until)
        );
    }
    if let Some(fault) = &entry.fault {
        let _ = write!(html, " <em>fault: {}</em>", escape(fault));
    }
    if !entry.changes.is_empty() {
        // The long ones, whole objects mostly, are folded.
        let open = if entry.changes.len() <= 12 { " open" } else { "" };
        let _ = write!(html, "<details{open}><summary>{}</summary><ul>", counted(entry));
        for change in &entry.changes {
            let class = match change.chars().next() {
                Some('+') => "added",
                Some('-') => "removed",
                _ => "changed",
            };
            let _ = write!(html, "<li class=\"{class}\">{}</li>", escape(change));
        }
        html.push_str("</ul></details>");
    }
    html + "</div>"
}

fn counted(entry: &Entry) -> String {
    match entry.changes.len() {
        1 => "1 change".into(),
        lines => format!("{lines} changes"),
    }
}

#[cfg(test)]
mod tests {
    use crate::timeline::tests::example;

    #[test]
    fn a_page_tells_every_entry_and_needs_nothing_else() {
        let (requests, events) = example();
        let page = super::html("orders <1>", &requests, &events);
        assert_eq!(page.matches("<li id=\"e").count(), 11);
        assert_eq!(page.matches("href=\"#e").count(), 11, "a mark for each");
        for told in [
            "<title>orders &lt;1&gt;</title>",
            "In 2.700 s: 2 watch events, 7 reads and 4 writes, of which 2 changed something. 1 refused, 2 met by a fault.",
            "+ .spec.a &quot;&lt;b&gt;&quot;",
            "fault: lose the response",
            "200, no change",
            "prefers-color-scheme: dark",
        ] {
            assert!(page.contains(told), "{told} is missing");
        }
        for foreign in ["<script", "http://", "https://", "<link", "<b>\"", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        let empty = super::html("nothing", &[], &[]);
        assert!(empty.contains("0 watch events") && !empty.contains("<ol>"));
    }
}
