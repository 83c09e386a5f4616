//! The page from top to bottom.

use aws_lc_rs::digest;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::custody;
use super::data::{ReportData, ReportedRecording};
use super::format::{digest as grouped, duration, instant, number, words};
use super::plain::{Plain, Visible};
use super::texts::{self, Texts};
use crate::audio::{Codec, Finding, svg_named};
use crate::ledger::verify::Outcome;
use crate::recording::{Direction, Language};

const STYLE: &str = include_str!("style.css");

/// The picture's own size; the page stretches it.
const WAVEFORM_PX: (u32, u32) = (960, 110);

/// Where the recordings stand in the page. Nothing that others wrote looks like this: they cannot write markup.
const RECORDINGS: &str = "<!--recordings-->";

/// What stands around the recordings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Before the first.
    pub before: String,
    /// Behind the last.
    pub after: String,
}

/// The whole report in a language.
pub fn render(data: &ReportData, recordings: &[ReportedRecording], language: Language) -> String {
    let Frame { before, after } = frame(data, language);
    let sections = recordings.iter().enumerate().map(|(place, one)| section(data, one, place, language));
    before + &sections.collect::<String>() + &after
}

/// One recording's part; `place` is where it comes, from 0.
pub fn section(data: &ReportData, one: &ReportedRecording, place: usize, language: Language) -> String {
    recording(data, one, place, texts::of(language)).into_string()
}

/// All but the recordings.
pub fn frame(data: &ReportData, language: Language) -> Frame {
    let texts = texts::of(language);
    let page = html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (texts.title) " · " (Visible(&data.case_reference)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(data, texts))
                main {
                    (about(data, texts))
                    (PreEscaped(RECORDINGS))
                    (checks(data, texts))
                    (ledger(data, texts))
                }
                footer { p { (texts.checks.footer) } }
            }
        }
    };
    let page = page.into_string();
    let (before, after) = page.split_once(RECORDINGS).unwrap_or((&page, ""));
    Frame { before: before.to_owned(), after: after.to_owned() }
}

/// Nothing is loaded and nothing is run; the one style is known by its digest.
fn policy() -> String {
    let style = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}

fn head(data: &ReportData, texts: &Texts) -> Markup {
    let controller = &data.controller;
    html! {
        header {
            div {
                h1 { (texts.title) }
                p.intro { (texts.intro) }
            }
            div.controller {
                span { (texts.about.controller) }
                strong { (Plain(&controller.name)) }
                span { (Plain(&controller.address)) }
                span { (texts.about.privacy_contact) ": " (Plain(&controller.privacy_contact)) }
            }
        }
    }
}

/// A fact with its name; left out where it is not known.
fn fact(name: &str, value: Option<Markup>) -> Markup {
    html! { @if let Some(value) = value { dt { (name) } dd { (value) } } }
}

fn plain(text: &str) -> Option<Markup> {
    Some(html! { (Plain(text)) })
}

fn about(data: &ReportData, texts: &Texts) -> Markup {
    let own = &texts.about;
    let recipient = html! { (Plain(&data.recipient.name)) " (" (texts.recipient(data.recipient.kind)) ")" };
    let maker = html! { (Plain(&data.made_by.name)) " (" (texts.role(data.made_by.role)) ")" };
    html! {
        section.box aria-label=(own.heading) {
            dl {
                (fact(own.case_reference, plain(&data.case_reference)))
                (fact(own.purpose, plain(&data.purpose)))
                (fact(own.recipient, Some(recipient)))
                (fact(own.made_at, Some(instant(data.made_at, data.zone, texts))))
                (fact(own.made_by, Some(maker)))
                (fact(own.package, Some(html! { code { (data.package_id) } })))
            }
        }
    }
}

fn recording(data: &ReportData, one: &ReportedRecording, place: usize, texts: &Texts) -> Markup {
    let own = &texts.recording;
    html! {
        section {
            h2 {
                (own.heading)
                @if data.recordings > 1 { " " (place + 1) "/" (data.recordings) }
                " · " (words(one.metadata.recorded_at, data.zone, texts))
            }
            div.two {
                div {
                    h3 { (own.parties) }
                    (parties(one, texts))
                }
                div {
                    h3 { (own.times_and_sound) }
                    (times_and_sound(data, one, texts))
                }
            }
            (picture(one, texts))
            h3 { (texts.findings.heading) }
            (findings(one, texts))
            h3 { (own.digests) }
            p.note { (own.digests_note) }
            dl {
                (fact(own.file, Some(html! { code { (Visible(&one.file)) } })))
                (fact("SHA-256", Some(grouped(&one.sha256))))
                (fact("SHA-512", Some(grouped(&one.sha512))))
            }
            h3 { (texts.custody.heading) }
            p.note { (texts.custody.intro) }
            (custody::table(&one.custody, data.case_id, data.zone, texts))
        }
    }
}

fn parties(one: &ReportedRecording, texts: &Texts) -> Markup {
    let (own, call) = (&texts.recording, &one.metadata);
    let or_not = |text: Option<&str>| match text {
        Some(text) => plain(text),
        None => Some(html! { span.note { (texts.not_stated) } }),
    };
    let person = call.person.as_ref().map(|person| {
        let (name, id) = (person.name.as_deref(), person.id.as_deref());
        html! {
            (Plain(name.or(id).unwrap_or_default()))
            @if let (Some(_), Some(id)) = (name, id) { " (" (Plain(id)) ")" }
        }
    });
    let direction = call.direction.map(|direction| match direction {
        Direction::Inbound => own.inbound,
        Direction::Outbound => own.outbound,
    });
    let call_name = html! { (Plain(&call.call_id)) @if call.part > 0 { " / " (call.part) } };
    html! {
        dl {
            (fact(own.account, plain(&call.account_id)))
            (fact(own.person, person.or_else(|| or_not(None))))
            (fact(own.number, or_not(call.number.as_deref())))
            (fact(own.agent, or_not(call.agent.as_deref())))
            (fact(own.direction, or_not(direction)))
            (fact(own.call, Some(call_name)))
            (fact(own.lead, call.lead_id.as_deref().and_then(plain)))
            (fact(own.listing, call.listing_id.as_deref().and_then(plain)))
            (fact(own.product, call.product.as_deref().and_then(plain)))
        }
    }
}

fn times_and_sound(data: &ReportData, one: &ReportedRecording, texts: &Texts) -> Markup {
    let (own, facts) = (&texts.recording, &one.facts);
    let time = |at| Some(instant(at, data.zone, texts));
    let channels = match facts.channels {
        1 => own.mono.to_owned(),
        2 => own.stereo.to_owned(),
        many => format!("{many} {}", own.channels),
    };
    let coding = if facts.codec == Codec::Other { own.unknown_coding } else { facts.codec.label() };
    let sound = html! {
        (coding)
        @if facts.sample_rate_hz > 0 { ", " (number(u64::from(facts.sample_rate_hz))) " Hz, " (channels) }
    };
    html! {
        dl {
            (fact(own.recorded_at, time(one.metadata.recorded_at)))
            (fact(own.received_at, time(one.received_at)))
            (fact(own.kept_until, time(one.expires_at)))
            (fact(own.duration, (facts.duration_ms > 0).then(|| html! { (duration(facts.duration_ms, texts)) })))
            (fact(own.coding, Some(sound)))
            (fact(own.size, Some(html! { (number(facts.byte_len)) " " (own.bytes) })))
            (fact(own.status, plain(texts.status(one.status))))
        }
    }
}

fn picture(one: &ReportedRecording, texts: &Texts) -> Markup {
    let own = &texts.recording;
    let drawn = one.waveform.as_ref().filter(|waveform| waveform.length > 0);
    html! {
        @match drawn {
            Some(waveform) => figure {
                (PreEscaped(svg_named(waveform, WAVEFORM_PX.0, WAVEFORM_PX.1, own.waveform)))
                figcaption { (own.waveform) ", " (duration(one.facts.duration_ms, texts)) }
            },
            None => p.note { (own.no_waveform) },
        }
    }
}

fn findings(one: &ReportedRecording, texts: &Texts) -> Markup {
    let own = &texts.findings;
    let said = |finding: &Finding| html! { li { (texts.finding(finding.code)) " " span.note lang="en" { "(" (Visible(&finding.detail)) ")" } } };
    html! {
        @if one.findings.is_empty() {
            p { @if one.facts.frames > 0 { (own.nothing) } @else { (own.undecoded) } }
        } @else {
            p { (own.something) }
            ul { @for finding in &one.findings { (said(finding)) } }
        }
    }
}

fn checks(data: &ReportData, texts: &Texts) -> Markup {
    let own = &texts.checks;
    html! {
        section {
            h2 { (own.heading) }
            @if !data.verified.is_empty() {
                p { (own.intro) }
                ul.checks {
                    @for (what, outcome) in &data.verified {
                        li {
                            span class={ "tag " (if *outcome == Outcome::Passed { "good" } else { "bad" }) } { (texts.outcome(*outcome)) }
                            span { (texts.verified(*what)) }
                        }
                    }
                }
            }
            @if !data.commands.is_empty() {
                h3 { (own.repeat_heading) }
                p.note { (own.repeat_intro) }
                dl.commands {
                    @for (what, command) in &data.commands { dt { (texts.repeat(*what)) } dd { code { (Visible(command)) } } }
                }
            }
        }
    }
}

fn ledger(data: &ReportData, texts: &Texts) -> Markup {
    let (own, checkpoint, seal) = (&texts.checks, &data.checkpoint, &data.seal);
    let put = |text: &str, name: &str, value: &str| html! { (Plain(&text.replace(name, value))) };
    let entries = own.entries.replace("{n}", &number(checkpoint.size));
    let stamped = match &checkpoint.stamped {
        Some((at, authority)) => put(&own.stamped.replace("{t}", &words(*at, data.zone, texts)), "{a}", authority),
        None => html! { (own.not_stamped) },
    };
    let stamped_seal = match &seal.timestamp {
        Some(authority) => put(own.seal_timestamp_by, "{a}", authority),
        None => html! { (own.seal_no_timestamp) },
    };
    let witnesses = if checkpoint.witnesses.is_empty() {
        html! { (own.no_witnesses) }
    } else {
        html! { @for (place, name) in checkpoint.witnesses.iter().enumerate() { @if place > 0 { ", " } (Plain(name)) } }
    };
    html! {
        section {
            h2 { (own.ledger_heading) }
            dl {
                (fact(own.ledger, Some(html! { (Plain(&checkpoint.origin)) ", " (entries) ". " (stamped) "." })))
                (fact(own.root, Some(html! { code { (Visible(&checkpoint.root)) } })))
                (fact(own.ledger_key, Some(grouped(&data.ledger_key))))
                (fact(own.witnesses, Some(witnesses)))
                (fact(own.seal, plain(&seal.subject)))
                (fact(own.seal_fingerprint, Some(grouped(&seal.fingerprint))))
                (fact(own.seal_timestamp, Some(stamped_seal)))
            }
            @if seal.self_made { p.note { (own.self_made) } }
        }
    }
}
