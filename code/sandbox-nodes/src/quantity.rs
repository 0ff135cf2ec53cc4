//! Amounts as Kubernetes writes them, as numbers.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// The number that a quantity stands for; none if it is malformed, which the API server has ruled out.
pub(crate) fn number(quantity: &Quantity) -> Option<f64> {
    let text = quantity.0.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (amount, unit) = text.split_at(end);
    let factor = match unit {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024_f64.powi(3),
        "Ti" => 1024_f64.powi(4),
        "Pi" => 1024_f64.powi(5),
        "Ei" => 1024_f64.powi(6),
        // An exponent, as in 1e3.
        _ => return text.parse().ok(),
    };
    amount.parse::<f64>().ok().map(|amount| amount * factor)
}

/// Whether one is more than the other.
pub(crate) fn exceeds(one: &Quantity, other: &Quantity) -> bool {
    matches!((number(one), number(other)), (Some(one), Some(other)) if one > other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_a_table() {
        for (text, expected) in [
            ("1", Some(1.0)),
            ("100m", Some(0.1)),
            ("1Gi", Some(1_073_741_824.0)),
            ("1G", Some(1e9)),
            ("1e3", Some(1e3)),
            ("0.5Ki", Some(512.0)),
            ("x", None),
        ] {
            assert_eq!(number(&Quantity(text.into())), expected, "{text}");
        }
        assert!(exceeds(&Quantity("2Gi".into()), &Quantity("2G".into())));
    }
}
