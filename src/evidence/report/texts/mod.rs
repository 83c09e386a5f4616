//! Every text of the report, in each language. A language that lacks one does not compile.

mod de;
mod en;
mod fr;
mod nl;

use crate::access::Role;
use crate::audio::FindingCode;
use crate::evidence::recipient::RecipientKind;
use crate::ledger::verify::Outcome;
use crate::recording::{Language, Status};

use super::data::{Repeat, Verified};

/// The texts of one language. `{}` stands for what is put in.
pub(super) struct Texts {
    pub(super) title: &'static str,
    pub(super) intro: &'static str,
    pub(super) months: [&'static str; 12],
    /// What stands between day and month: `22. November`, `22 november`.
    pub(super) day_suffix: &'static str,
    pub(super) decimal_mark: char,
    pub(super) not_stated: &'static str,
    pub(super) about: AboutTexts,
    pub(super) recording: RecordingTexts,
    pub(super) findings: FindingTexts,
    pub(super) custody: CustodyTexts,
    pub(super) events: EventTexts,
    pub(super) roles: RoleTexts,
    pub(super) recipients: RecipientTexts,
    pub(super) checks: CheckTexts,
}

/// Who made the report, for whom, why.
pub(super) struct AboutTexts {
    pub(super) heading: &'static str,
    pub(super) controller: &'static str,
    pub(super) privacy_contact: &'static str,
    pub(super) case_reference: &'static str,
    pub(super) purpose: &'static str,
    pub(super) recipient: &'static str,
    pub(super) package: &'static str,
    pub(super) made_at: &'static str,
    pub(super) made_by: &'static str,
}

/// What a recording is.
pub(super) struct RecordingTexts {
    pub(super) heading: &'static str,
    pub(super) call: &'static str,
    pub(super) parties: &'static str,
    pub(super) times_and_sound: &'static str,
    pub(super) account: &'static str,
    pub(super) agent: &'static str,
    pub(super) person: &'static str,
    pub(super) number: &'static str,
    pub(super) direction: &'static str,
    pub(super) inbound: &'static str,
    pub(super) outbound: &'static str,
    pub(super) lead: &'static str,
    pub(super) listing: &'static str,
    pub(super) product: &'static str,
    pub(super) recorded_at: &'static str,
    pub(super) received_at: &'static str,
    pub(super) kept_until: &'static str,
    pub(super) duration: &'static str,
    pub(super) coding: &'static str,
    pub(super) unknown_coding: &'static str,
    pub(super) size: &'static str,
    pub(super) bytes: &'static str,
    pub(super) mono: &'static str,
    pub(super) stereo: &'static str,
    pub(super) channels: &'static str,
    pub(super) file: &'static str,
    pub(super) status: &'static str,
    pub(super) accepted: &'static str,
    pub(super) quarantined: &'static str,
    pub(super) rejected: &'static str,
    pub(super) superseded: &'static str,
    pub(super) waveform: &'static str,
    pub(super) no_waveform: &'static str,
    pub(super) digests: &'static str,
    pub(super) digests_note: &'static str,
}

/// What the check of the sound found.
pub(super) struct FindingTexts {
    pub(super) heading: &'static str,
    pub(super) nothing: &'static str,
    pub(super) undecoded: &'static str,
    pub(super) something: &'static str,
    pub(super) truncated: &'static str,
    pub(super) decode_error: &'static str,
    pub(super) unsupported_codec: &'static str,
    pub(super) duration_mismatch: &'static str,
    pub(super) digest_mismatch: &'static str,
    pub(super) silent: &'static str,
    pub(super) too_short: &'static str,
    pub(super) clipping: &'static str,
    pub(super) trailing_garbage: &'static str,
    pub(super) channel_missing: &'static str,
}

/// The table of what happened.
pub(super) struct CustodyTexts {
    pub(super) heading: &'static str,
    pub(super) intro: &'static str,
    pub(super) entry: &'static str,
    pub(super) pending: &'static str,
    pub(super) time: &'static str,
    pub(super) what: &'static str,
    pub(super) who: &'static str,
    pub(super) nobody: &'static str,
    pub(super) untold: &'static str,
    pub(super) repeated: &'static str,
    pub(super) left_out: &'static str,
    pub(super) purpose: &'static str,
    pub(super) to: &'static str,
    pub(super) none: &'static str,
}

/// What happened, in words.
pub(super) struct EventTexts {
    pub(super) received: &'static str,
    pub(super) quarantined: &'static str,
    pub(super) accepted: &'static str,
    pub(super) rejected: &'static str,
    pub(super) decided: &'static str,
    pub(super) read_metadata: &'static str,
    pub(super) read_audio: &'static str,
    pub(super) read_listen: &'static str,
    pub(super) read_waveform: &'static str,
    pub(super) read_receipt: &'static str,
    pub(super) read_custody: &'static str,
    pub(super) read_related: &'static str,
    pub(super) read_vcon: &'static str,
    pub(super) read: &'static str,
    pub(super) related_stored: &'static str,
    pub(super) hold_placed: &'static str,
    pub(super) hold_released: &'static str,
    pub(super) release_asked: &'static str,
    pub(super) release_approved: &'static str,
    pub(super) release_refused: &'static str,
    pub(super) release_decided: &'static str,
    pub(super) evidence_begun: &'static str,
    pub(super) evidence_made: &'static str,
    pub(super) evidence_broken: &'static str,
    pub(super) purge_fenced: &'static str,
    pub(super) retention_applied: &'static str,
    pub(super) other: &'static str,
}

/// In which role somebody acted.
pub(super) struct RoleTexts {
    pub(super) ingest: &'static str,
    pub(super) rep: &'static str,
    pub(super) legal: &'static str,
    pub(super) privacy: &'static str,
    pub(super) auditor: &'static str,
    pub(super) operator: &'static str,
    pub(super) portal: &'static str,
}

/// The notice's kinds of recipients.
pub(super) struct RecipientTexts {
    pub(super) it_provider: &'static str,
    pub(super) collection_agency: &'static str,
    pub(super) bailiff: &'static str,
    pub(super) legal_services: &'static str,
    pub(super) accountant: &'static str,
    pub(super) auditor: &'static str,
    pub(super) bank: &'static str,
    pub(super) group_company: &'static str,
    pub(super) partner_company: &'static str,
    pub(super) research_bureau: &'static str,
    pub(super) event_organiser: &'static str,
    pub(super) administration_provider: &'static str,
    pub(super) communication_provider: &'static str,
}

/// What was checked, and how it is checked again.
pub(super) struct CheckTexts {
    pub(super) heading: &'static str,
    pub(super) intro: &'static str,
    pub(super) audio_digest: &'static str,
    pub(super) receipt_signature: &'static str,
    pub(super) commitments: &'static str,
    pub(super) inclusion: &'static str,
    pub(super) checkpoint: &'static str,
    pub(super) holds: &'static str,
    pub(super) fails: &'static str,
    pub(super) open: &'static str,
    pub(super) repeat_heading: &'static str,
    pub(super) repeat_intro: &'static str,
    pub(super) repeat_everything: &'static str,
    pub(super) repeat_manifest: &'static str,
    pub(super) repeat_seal: &'static str,
    pub(super) repeat_timestamp: &'static str,
    pub(super) repeat_ledger: &'static str,
    pub(super) ledger_heading: &'static str,
    pub(super) ledger: &'static str,
    pub(super) ledger_key: &'static str,
    pub(super) entries: &'static str,
    pub(super) root: &'static str,
    pub(super) stamped: &'static str,
    pub(super) not_stamped: &'static str,
    pub(super) witnesses: &'static str,
    pub(super) no_witnesses: &'static str,
    pub(super) seal: &'static str,
    pub(super) seal_fingerprint: &'static str,
    pub(super) self_made: &'static str,
    pub(super) seal_timestamp: &'static str,
    pub(super) seal_timestamp_by: &'static str,
    pub(super) seal_no_timestamp: &'static str,
    pub(super) footer: &'static str,
}

/// The texts of a language.
pub(super) fn of(language: Language) -> &'static Texts {
    match language {
        Language::Nl => &nl::TEXTS,
        Language::Fr => &fr::TEXTS,
        Language::En => &en::TEXTS,
        Language::De => &de::TEXTS,
    }
}

impl Texts {
    pub(super) fn finding(&self, code: FindingCode) -> &'static str {
        let texts = &self.findings;
        match code {
            FindingCode::Truncated => texts.truncated,
            FindingCode::DecodeError => texts.decode_error,
            FindingCode::UnsupportedCodec => texts.unsupported_codec,
            FindingCode::DurationMismatch => texts.duration_mismatch,
            FindingCode::DigestMismatch => texts.digest_mismatch,
            FindingCode::Silent => texts.silent,
            FindingCode::TooShort => texts.too_short,
            FindingCode::Clipping => texts.clipping,
            FindingCode::TrailingGarbage => texts.trailing_garbage,
            FindingCode::ChannelMissing => texts.channel_missing,
        }
    }

    pub(super) fn status(&self, status: Status) -> &'static str {
        match status {
            Status::Accepted => self.recording.accepted,
            Status::Quarantined => self.recording.quarantined,
            Status::Rejected => self.recording.rejected,
            Status::Superseded => self.recording.superseded,
        }
    }

    pub(super) fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Ingest => self.roles.ingest,
            Role::Rep => self.roles.rep,
            Role::Legal => self.roles.legal,
            Role::Privacy => self.roles.privacy,
            Role::Auditor => self.roles.auditor,
            Role::Operator => self.roles.operator,
            Role::Portal => self.roles.portal,
        }
    }

    pub(super) fn recipient(&self, kind: RecipientKind) -> &'static str {
        let texts = &self.recipients;
        match kind {
            RecipientKind::ItProvider => texts.it_provider,
            RecipientKind::CollectionAgency => texts.collection_agency,
            RecipientKind::Bailiff => texts.bailiff,
            RecipientKind::LegalServiceProvider => texts.legal_services,
            RecipientKind::Accountant => texts.accountant,
            RecipientKind::Auditor => texts.auditor,
            RecipientKind::Bank => texts.bank,
            RecipientKind::GroupCompany => texts.group_company,
            RecipientKind::PartnerCompany => texts.partner_company,
            RecipientKind::ResearchBureau => texts.research_bureau,
            RecipientKind::EventOrganiser => texts.event_organiser,
            RecipientKind::AdministrationProvider => texts.administration_provider,
            RecipientKind::CommunicationProvider => texts.communication_provider,
        }
    }

    pub(super) fn verified(&self, what: Verified) -> &'static str {
        match what {
            Verified::AudioDigest => self.checks.audio_digest,
            Verified::ReceiptSignature => self.checks.receipt_signature,
            Verified::Commitments => self.checks.commitments,
            Verified::Inclusion => self.checks.inclusion,
            Verified::Checkpoint => self.checks.checkpoint,
        }
    }

    pub(super) fn outcome(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Passed => self.checks.holds,
            Outcome::Failed => self.checks.fails,
            Outcome::Noted | Outcome::NotMade => self.checks.open,
        }
    }

    pub(super) fn repeat(&self, what: Repeat) -> &'static str {
        match what {
            Repeat::Everything => self.checks.repeat_everything,
            Repeat::Manifest => self.checks.repeat_manifest,
            Repeat::Seal => self.checks.repeat_seal,
            Repeat::Timestamp => self.checks.repeat_timestamp,
            Repeat::Ledger => self.checks.repeat_ledger,
        }
    }
}
