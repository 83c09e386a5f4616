//! `report.html`: what a package has, for people.

use super::shapes::{PackageFacts, RecordingFacts};

/// One recording, as far as the page tells of it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub facts: RecordingFacts,
    pub file: String,
    pub entries: u64,
}

/// The page.
pub(super) fn render(package: &PackageFacts, recordings: &[Shown]) -> String {
    let rows: String = recordings.iter().map(row).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Evidence package {id}</title></head><body>\n\
         <h1>Evidence package</h1>\n<dl>\n<dt>Package</dt><dd>{id}</dd>\n<dt>Made</dt><dd>{at}, by {by}</dd>\n\
         <dt>Controller</dt><dd>{controller}, {address}, {contact}</dd>\n<dt>Case</dt><dd>{case}</dd>\n\
         <dt>Purpose</dt><dd>{purpose}</dd>\n<dt>Recipient</dt><dd>{recipient} ({kind})</dd>\n</dl>\n\
         <table>\n<tr><th>Recording</th><th>Began</th><th>Received</th><th>Length</th><th>SHA-256</th><th>Entries</th></tr>\n\
         {rows}</table>\n<p>VERIFY.txt says how all of this is checked.</p>\n</body></html>\n",
        id = package.package_id,
        at = package.made_at,
        by = escaped(&package.made_by),
        controller = escaped(&package.controller.name),
        address = escaped(&package.controller.address),
        contact = escaped(&package.controller.privacy_contact),
        case = escaped(package.case_reference.as_deref().unwrap_or_default()),
        purpose = escaped(&package.purpose),
        recipient = escaped(&package.recipient.name),
        kind = package.recipient.kind,
    )
}

fn row(shown: &Shown) -> String {
    let facts = &shown.facts;
    format!(
        "<tr><td><a href=\"{}\">{}</a></td><td>{}</td><td>{}</td><td>{} ms</td><td><code>{}</code></td><td>{}</td></tr>\n",
        shown.file, facts.id, facts.recorded_at, facts.received_at, facts.duration_ms, facts.sha256, shown.entries
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
