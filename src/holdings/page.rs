//! The record as a page: read on a screen, printed on paper, nothing loaded and nothing run.

use aws_lc_rs::digest;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use chrono_tz::Tz;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::gather::Holding;
use super::texts::{self, Section, Texts};
use crate::clock::Timestamp;
use crate::ledger::shapes::Controller;
use crate::recording::Language;

const STYLE: &str = include_str!("page.css");

/// What the page shows.
pub struct Shown<'a> {
    /// The instant of all figures.
    pub as_of: Timestamp,
    /// Who answers for it.
    pub controller: &'a Controller,
    /// The zone of its times.
    pub zone: Tz,
    /// The kinds of data.
    pub holdings: &'a [Holding],
}

/// The page's policy: its one style, by its digest.
pub fn policy() -> String {
    let style = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Writes the page.
pub fn render(shown: &Shown<'_>, language: Language) -> String {
    let texts = texts::of(language);
    let page = html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (texts.title) " · " (shown.controller.name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (texts.title) }
                    p { (texts.intro) }
                    dl {
                        dt { (texts.controller) }
                        dd { (shown.controller.name) ", " (shown.controller.address) }
                        dt { (texts.privacy_contact) }
                        dd { (shown.controller.privacy_contact) }
                        dt { (texts.as_of) }
                        dd { (day(shown.as_of, shown.zone)) " (" (shown.zone.name()) ")" }
                    }
                }
                main {
                    (table(shown, texts))
                    @for section in [&texts.recipients, &texts.transfers, &texts.security] { (paragraph(section)) }
                }
            }
        }
    };
    page.into_string()
}

fn paragraph(section: &Section) -> Markup {
    html! { h2 { (section.heading) } p { (section.text) } }
}

fn table(shown: &Shown<'_>, texts: &Texts) -> Markup {
    let heads = &texts.columns;
    html! {
        table {
            thead {
                tr {
                    @for head in [heads.data, heads.purpose, heads.subjects, heads.ground, heads.until] {
                        th scope="col" { (head) }
                    }
                    @for head in [heads.count, heads.next_end, heads.last_end] { th scope="col" .number { (head) } }
                }
            }
            tbody { @for holding in shown.holdings { (row(holding, shown.zone, texts)) } }
        }
    }
}

fn row(holding: &Holding, zone: Tz, texts: &Texts) -> Markup {
    let kind = texts.kind(holding.category);
    let end = |at: Option<Timestamp>| at.map_or_else(|| "–".to_owned(), |at| day(at, zone));
    html! {
        tr {
            th scope="row" { (kind.name) }
            td { (kind.purpose) }
            td { (kind.subjects) }
            td { (texts.ground(holding.ground)) }
            td {
                (texts.until(holding.until))
                @if let Some(rule) = &holding.rule { br; code { (rule) } }
            }
            td.number { (holding.count) }
            td.number { (end(holding.first_end)) }
            td.number { (end(holding.last_end)) }
        }
    }
}

fn day(at: Timestamp, zone: Tz) -> String {
    at.to_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}
