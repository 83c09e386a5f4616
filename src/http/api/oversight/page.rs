//! How many rows a page has.

use crate::http::codes::Code;
use crate::http::problem::Problem;

/// Rows of a page when nobody says how many.
const USUAL: u32 = 50;
/// Rows of a page at the most.
pub(super) const MOST: u32 = 200;

/// The `limit` of a query: 1 to 200, 50 when it is left out.
pub(in crate::http::api) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(USUAL),
        Some(n) if (1..=MOST).contains(&n) => Ok(n),
        Some(_) => Err(Problem::new(Code::InvalidQuery).detail(format!("limit must be 1 to {MOST}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_to_two_hundred_rows() {
        assert_eq!((limit(None).unwrap(), limit(Some(1)).unwrap(), limit(Some(200)).unwrap()), (50, 1, 200));
        for bad in [0, 201] {
            assert_eq!(limit(Some(bad)).unwrap_err().code(), Code::InvalidQuery);
        }
    }
}
