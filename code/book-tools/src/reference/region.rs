//! Parts of a page that a program writes, between `<!-- generated: name -->` and `<!-- end of generated -->`.

use std::collections::{BTreeMap, BTreeSet};

const END: &str = "<!-- end of generated -->";

/// A page with its generated parts as they should be. Says which parts it has in `used`.
pub(super) fn fill(
    page: &str,
    text: &str,
    parts: &BTreeMap<&str, String>,
    used: &mut BTreeSet<String>,
) -> Result<String, String> {
    let mut out = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    for (index, line) in text.lines().enumerate() {
        let at = |message: &str| format!("{page}:{}: {message}", index + 1);
        match (open, name(line)) {
            (Some(_), _) if line.trim() == END => {
                out.push(line);
                open = None;
            }
            (Some(_), Some(_)) => return Err(at("a generated part starts within another")),
            (Some(_), None) => {}
            (None, Some(name)) => {
                let part = parts.get(name).ok_or_else(|| at(&format!("nothing generates `{name}`")))?;
                out.extend([line, "", part.trim_end(), ""]);
                used.insert(name.to_owned());
                open = Some((index + 1, name));
            }
            (None, None) => out.push(line),
        }
    }
    match open {
        Some((line, name)) => Err(format!("{page}:{line}: generated part `{name}` has no end")),
        None => Ok(out.join("\n") + "\n"),
    }
}

fn name(line: &str) -> Option<&str> {
    line.trim().strip_prefix("<!-- generated: ")?.strip_suffix(" -->")
}

/// The first line, counted from 1, in which two texts differ.
pub(super) fn first_difference(one: &str, other: &str) -> Option<usize> {
    if one == other {
        return None;
    }
    let same = one.lines().zip(other.lines()).take_while(|(one, other)| one == other).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_takes_the_place_of_what_was_there() {
        let parts = BTreeMap::from([("a", "new\n".to_owned())]);
        let mut used = BTreeSet::new();
        let page = "# P\n<!-- generated: a -->\nold\n<!-- end of generated -->\nrest\n";
        let filled = fill("p.md", page, &parts, &mut used).unwrap();
        assert_eq!(filled, "# P\n<!-- generated: a -->\n\nnew\n\n<!-- end of generated -->\nrest\n");
        assert_eq!(fill("p.md", &filled, &parts, &mut used).unwrap(), filled);
        assert_eq!(first_difference(page, &filled), Some(3));
        assert_eq!(first_difference(page, page), None);
        assert!(used.contains("a"));
    }

    #[test]
    fn mistakes_name_the_page_and_the_line() {
        let parts = BTreeMap::from([("a", String::new())]);
        for (page, expected) in [
            ("x\n<!-- generated: b -->\n", "p.md:2: nothing generates `b`"),
            ("<!-- generated: a -->\n", "p.md:1: generated part `a` has no end"),
            (
                "<!-- generated: a -->\n<!-- generated: a -->\n",
                "p.md:2: a generated part starts within another",
            ),
        ] {
            assert_eq!(fill("p.md", page, &parts, &mut BTreeSet::new()).unwrap_err(), expected);
        }
    }
}
