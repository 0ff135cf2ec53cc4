//! Diagrams: Mermaid text in a chapter, drawn as SVG when the book is built. No script runs in the reader's browser.

use mermaid_rs_renderer::{RenderOptions, Theme, render_with_options};

/// Colours to draw with, and the variables of the book's theme that take their place, so that a diagram follows light and
/// dark.
const TEXT: (&str, &str) = ("#010203", "var(--fg)");
const BACKGROUND: (&str, &str) = ("#010204", "var(--bg)");
const BOX: (&str, &str) = ("#010205", "var(--quote-bg)");
const LINE: (&str, &str) = ("#010206", "var(--diagram-line)");
const NOTE: (&str, &str) = ("#010207", "var(--diagram-note)");

/// A Mermaid diagram as a figure. Its first line is its text alternative: `%% alt: what a person sees in it`.
pub fn render(source: &str) -> Result<String, String> {
    let alternative = source.lines().find_map(|line| line.trim().strip_prefix("%% alt:")).map(str::trim);
    let alternative =
        alternative.filter(|text| !text.is_empty()).ok_or("a diagram needs a line `%% alt: …`")?;
    let options = RenderOptions { theme: theme(), ..RenderOptions::default() };
    let svg = render_with_options(source, options)
        .map_err(|error| format!("this diagram cannot be drawn: {error}"))?;
    let svg = [TEXT, BACKGROUND, BOX, LINE, NOTE]
        .iter()
        .fold(svg, |svg, (color, variable)| svg.replace(color, variable));
    let label = escape(alternative);
    let svg = svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{label}\" "), 1);
    // A blank line would end the HTML block.
    let svg = svg.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n");
    // What scrolls is the drawing: its caption stays.
    let drawing = format!("<div class=\"drawing\">\n{svg}\n</div>");
    Ok(format!("<figure class=\"diagram\">\n{drawing}\n<figcaption>{label}</figcaption>\n</figure>\n"))
}

fn theme() -> Theme {
    let [text, background, fill, line, note] =
        [TEXT, BACKGROUND, BOX, LINE, NOTE].map(|(color, _)| color.to_owned());
    Theme {
        font_family: "Open Sans, DejaVu Sans, sans-serif".into(),
        primary_color: fill.clone(),
        primary_text_color: text.clone(),
        primary_border_color: line.clone(),
        line_color: line.clone(),
        secondary_color: fill.clone(),
        tertiary_color: background.clone(),
        edge_label_background: background.clone(),
        cluster_background: background.clone(),
        cluster_border: line.clone(),
        background,
        sequence_actor_fill: fill.clone(),
        sequence_actor_border: line.clone(),
        sequence_actor_line: line.clone(),
        sequence_note_fill: note,
        sequence_note_border: line.clone(),
        sequence_activation_fill: fill,
        sequence_activation_border: line,
        text_color: text,
        ..Theme::modern()
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagram_has_a_text_alternative_and_no_colour_of_its_own() {
        let drawn = render("%% alt: a leads to \"b\"\nflowchart LR\n  a --> b\n").unwrap();
        assert!(drawn.contains("aria-label=\"a leads to &quot;b&quot;\""), "{drawn}");
        assert!(drawn.contains("var(--fg)"));
        assert!(!drawn.contains("=\"#"), "{drawn}");
        assert!(!drawn.contains("\n\n"));
    }

    #[test]
    fn a_diagram_without_one_is_refused() {
        assert!(render("flowchart LR\n  a --> b\n").unwrap_err().contains("%% alt"));
    }
}
