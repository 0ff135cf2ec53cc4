//! Kubernetes quantities such as `500m`, `1.5Gi` or `12e6`, exactly as far as comparing them needs.

/// What Kubernetes accepts as a quantity, for schemas.
pub const QUANTITY_PATTERN: &str =
    r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)(([KMGTPE]i)|[numkMGTPE]|([eE][-+]?[0-9]+))?$";

/// A quantity that Kubernetes would not accept either.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a quantity such as 500m, 2 or 10Gi")]
pub struct ParseQuantityError(pub String);

/// The value in billionths of a unit, the finest step that Kubernetes keeps.
///
/// Grammar: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>. Fractions of a
/// billionth are rounded up, as the API server does.
pub fn parse_quantity(text: &str) -> Result<i128, ParseQuantityError> {
    let error = || ParseQuantityError(text.to_owned());
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (mantissa, scale) = decimal(number).ok_or_else(error)?;
    let (base, exponent) = unit(suffix).ok_or_else(error)?;
    // value · base^exponent · 10^9 / 10^scale, with every power that is positive on one side of the division
    let nano = 9 - i32::try_from(scale).map_err(|_| error())?;
    let (ten, two) = if base == 10 { (exponent + nano, 0) } else { (nano, exponent) };
    let mut value = mantissa.checked_mul(1_i128 << two).ok_or_else(error)?;
    let power = 10_i128.checked_pow(ten.unsigned_abs()).ok_or_else(error)?;
    if ten >= 0 {
        value = value.checked_mul(power).ok_or_else(error)?;
    } else {
        value = value.div_euclid(power) + i128::from(value.rem_euclid(power) != 0);
    }
    Ok(value)
}

/// `1.50` is (150, 2): digits, and how many of them stand behind the point.
fn decimal(number: &str) -> Option<(i128, usize)> {
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i128 = digits.parse().ok()?;
    Some((if number.starts_with('-') { -value } else { value }, fraction.len()))
}

/// The base and the exponent that a suffix stands for.
fn unit(suffix: &str) -> Option<(u32, i32)> {
    Some(match suffix {
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "" => (10, 0),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (2, 10),
        "Mi" => (2, 20),
        "Gi" => (2, 30),
        "Ti" => (2, 40),
        "Pi" => (2, 50),
        "Ei" => (2, 60),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            (-30..=30).contains(&exponent).then_some((10, exponent))?
        }
    })
}

/// Whether two texts are the same amount: what is written as `1024Mi` comes back as `1Gi`.
pub fn same_quantity(left: &str, right: &str) -> bool {
    parse_quantity(left).is_ok_and(|left| parse_quantity(right) == Ok(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_quantities_have_equal_values() {
        for (left, right) in [
            ("1Gi", "1024Mi"),
            ("1", "1000m"),
            ("0.5", "500m"),
            (".5", "0.50"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("12e-3", "12m"),
            ("1.5Gi", "1536Mi"),
            ("0.1n", "1n"), // rounded up
            ("+2", "2"),
            ("1E", "1000P"),
        ] {
            assert_eq!(parse_quantity(left).unwrap(), parse_quantity(right).unwrap(), "{left} = {right}");
        }
    }

    #[test]
    fn quantities_are_ordered_by_value() {
        let value = |text: &str| parse_quantity(text).unwrap();
        assert!(value("1Gi") > value("1G"));
        assert!(value("999m") < value("1"));
        assert!(value("-1") < value("0"));
        assert!(
            same_quantity("1024Mi", "1Gi") && !same_quantity("1G", "1Gi") && !same_quantity("ten", "ten")
        );
    }

    #[test]
    fn what_kubernetes_refuses_is_refused() {
        for text in [
            "",
            "ten",
            "1gi",
            "1 Gi",
            "Gi",
            "1.2.3",
            "--1",
            "1e",
            "1e99",
            "0x10",
            "1Gi ",
            "99999999999999999999Ei",
            "1ä",
        ] {
            assert_eq!(parse_quantity(text), Err(ParseQuantityError(text.into())), "{text:?}");
        }
    }
}
