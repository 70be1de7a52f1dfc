//! `#[rpc(timeout = "5s")]`.

use super::model::Timeout;

/// What is wrong with a timeout's text, as advice.
const ADVICE: &str = "write a whole number from 1 and its unit, `ms`, `s`, `m` or `h`: `timeout = \"5s\"`";

/// Reads a length of time.
pub(crate) fn parse(text: &str) -> Result<Timeout, &'static str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err(ADVICE),
    };
    let milliseconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    match milliseconds {
        Some(0) | None => Err(ADVICE),
        Some(milliseconds) => Ok(Timeout { milliseconds }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each unit, and what is no length of time.
    #[test]
    fn timeouts_have_a_number_and_a_unit() {
        let milliseconds = |text| parse(text).map(|timeout| timeout.milliseconds);
        assert_eq!(milliseconds("250ms"), Ok(250));
        assert_eq!(milliseconds("5s"), Ok(5_000));
        assert_eq!(milliseconds("2m"), Ok(120_000));
        assert_eq!(milliseconds("1h"), Ok(3_600_000));
        for wrong in ["", "5", "s", "0s", "1.5s", "-1s", "5 s", "5d", "99999999999999999999h"] {
            assert_eq!(milliseconds(wrong), Err(ADVICE), "{wrong:?}");
        }
    }
}
