//! English.

use super::{Columns, KindTexts, Section, Texts};

pub(super) const TEXTS: Texts = Texts {
    title: "Record of processing",
    intro: "What this call-recording archive holds, on what ground, and until when (GDPR article 30). Figures are those of the archive itself.",
    as_of: "As of",
    controller: "Controller",
    privacy_contact: "Questions about personal data",
    columns: Columns {
        data: "Data",
        purpose: "Purpose",
        subjects: "Data subjects",
        ground: "Ground",
        until: "Kept",
        count: "Number",
        next_end: "Next end",
        last_end: "Last end",
    },
    security: Section {
        heading: "Security",
        text: "Each recording is sealed under its own key, that under a key of its month, kept outside the backups. Access is denied unless a role allows it, and entered in a tamper-evident ledger before the first byte leaves. What is purged is looked for again and certified.",
    },
    recipients: Section {
        heading: "Recipients",
        text: "Evidence is handed over to named recipients of the kinds that the privacy notice lists, each entered in the register of disclosures.",
    },
    transfers: Section {
        heading: "Transfers",
        text: "The archive is run by the controller and transfers nothing by itself; where its store and keys are is the controller's choice.",
    },
    grounds: [
        "performance of a contract (GDPR 6(1)(b))",
        "legal obligation (GDPR 6(1)(c))",
        "legitimate interest (GDPR 6(1)(f))",
        "not personal data",
    ],
    until: [
        "for a period of its own",
        "as long as the recording",
        "as long as the case",
        "as long as the ledger names them",
        "for good",
    ],
    kinds: [
        KindTexts {
            name: "Call recordings, and what is known of the call",
            purpose: "proof of business communication",
            subjects: "professional customers, their contact persons, agents, callers",
        },
        KindTexts {
            name: "Related data: transcripts, notes, waveforms",
            purpose: "finding and understanding a recording",
            subjects: "as of the recording",
        },
        KindTexts {
            name: "Accesses to recordings",
            purpose: "showing who read what, when and why",
            subjects: "staff, portal users",
        },
        KindTexts {
            name: "Activity: searches, refusals, sign-ins",
            purpose: "security of processing, accountability",
            subjects: "staff, portal users",
        },
        KindTexts {
            name: "Accounts and contact persons",
            purpose: "the relation with the customer, and who may see which call",
            subjects: "professional customers, their contact persons",
        },
        KindTexts {
            name: "Cases, holds and notes",
            purpose: "establishing, exercising or defending legal claims",
            subjects: "parties to a dispute, staff",
        },
        KindTexts {
            name: "Register of disclosures",
            purpose: "showing to whom evidence was handed over",
            subjects: "recipients, staff",
        },
        KindTexts {
            name: "Requests of data subjects",
            purpose: "answering them, and showing how they were decided",
            subjects: "those who asked, staff",
        },
        KindTexts {
            name: "Access tokens (hashed)",
            purpose: "letting in those who may, and naming who did what",
            subjects: "staff, portal users",
        },
        KindTexts {
            name: "Statistics of purged calls",
            purpose: "statistics and development",
            subjects: "nobody: no count is of fewer than ten calls or three accounts",
        },
        KindTexts {
            name: "Ledger, certificates and destruction records",
            purpose: "proving what was kept and what was deleted",
            subjects: "nobody: they hold no personal data",
        },
    ],
};
