//! Durations and sizes as people write them.

use std::time::Duration;

/// Reads `500ms`, `60s`, `5m`, `12h` or `30d`. A number without its unit could mean anything and is refused.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a whole number with its unit, for instance 500ms, 60s, 5m, 12h or 30d".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| "that is too long".to_owned())
}

/// Reads a number of bytes: `1048576`, `64KiB`, `1GiB`, `5MB`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "write a whole number of bytes, or with a unit: 64KiB, 512MiB, 1GiB, 5MB".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let factor = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(|| "that is too large".to_owned())
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for bad in ["", "60", "s", "1.5h", "-1s", "60 sec", "99999999999999999999s", "99999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_numbers_or_have_units() {
        assert_eq!(bytes("1073741824"), bytes("1GiB"));
        assert_eq!(bytes("64KiB"), Ok(65_536));
        assert_eq!(bytes("5 MB"), Ok(5_000_000));
        for bad in ["", "GiB", "1.5GiB", "1gib", "-1", "99999999999GiB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
