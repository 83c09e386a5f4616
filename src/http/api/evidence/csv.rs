//! The register as a table (RFC 4180).

use super::register::DisclosureShown;

/// The columns, in their order.
const COLUMNS: [&str; 12] = [
    "id",
    "case_id",
    "state",
    "begun_at",
    "ended_at",
    "recipient_kind",
    "recipient_name",
    "purpose",
    "made_by",
    "recordings",
    "byte_len",
    "sha256",
];

/// The table, with its head. None where it could not be written, which no text of ours is the cause of.
pub(super) fn table(rows: &[DisclosureShown]) -> Option<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS).ok()?;
    for row in rows {
        writer.write_record(row.cells().map(|cell| harmless(&cell))).ok()?;
    }
    writer.into_inner().ok()
}

/// A text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe in front.
fn harmless(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_is_taken_for_a_formula() {
        for text in ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "a=b", "Example BV", "2026-11-22T09:15:00Z"] {
            assert_eq!(harmless(text), text);
        }
    }
}
