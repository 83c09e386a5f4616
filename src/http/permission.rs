//! What can be permitted, and to whom: one type each, so that a handler's signature says who may call it.

use crate::access::{Role, RoleSet};

/// Something that some roles may do.
pub trait Permission: Send + Sync + 'static {
    /// Its name, in the ledger and in the list of routes.
    const NAME: &'static str;
    /// Who may.
    const ROLES: RoleSet;
    /// Whose purpose must be stated; others may state one.
    const PURPOSE_FROM: RoleSet = RoleSet::EMPTY;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident $text:literal [$($role:ident)*] $(purpose from [$($stating:ident)*])?;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl Permission for $name {
                const NAME: &'static str = $text;
                const ROLES: RoleSet = RoleSet::of(&[$(Role::$role),*]);
                $(const PURPOSE_FROM: RoleSet = RoleSet::of(&[$(Role::$stating),*]);)?
            }
        )*

        /// Every permission: name, who may, whose purpose must be stated.
        pub const ALL: &[(&str, RoleSet, RoleSet)] = &[$(($text, $name::ROLES, $name::PURPOSE_FROM)),*];
    };
}

permissions! {
    /// Handing recordings over. The answer is the receipt.
    Ingest "ingest" [Ingest];
    /// Reading a receipt again: one's own for `ingest`.
    ReadReceipt "read-receipt" [Ingest Legal];
    /// Listing and searching recordings.
    FindRecordings "find-recordings" [Rep Legal Privacy Portal];
    /// Reading what is known about one recording.
    ReadRecording "read-recording" [Rep Legal Privacy Portal];
    /// Fetching the original audio.
    HearRecording "hear-recording" [Rep Legal Privacy Portal] purpose from [Rep Legal Privacy Portal];
    /// Playing a recording, and its waveform.
    PlayRecording "play-recording" [Rep Legal Privacy Portal];
    /// Correcting metadata (GDPR article 16).
    Correct "correct" [Privacy];
    /// Seeing what waits in quarantine: findings and times; what is sealed stays so for an operator.
    SeeQuarantine "see-quarantine" [Legal Privacy Operator];
    /// Deciding on a quarantined recording.
    Decide "decide" [Legal];
    /// Seeing cases, what they hold, and the releases that wait.
    SeeCases "see-cases" [Legal];
    /// Opening, changing and closing cases; holding for them, and releasing.
    ManageCases "manage-cases" [Legal];
    /// Handing evidence over. The purpose stands in the body.
    MakeEvidence "make-evidence" [Legal];
    /// Seeing to whom evidence was handed over; an auditor sees no names.
    SeeDisclosures "see-disclosures" [Legal Privacy Auditor];
    /// Adding related data: a transcript, a note.
    PutRelated "put-related" [Ingest Legal];
    /// Reading related data. `ingest` reads nothing but its receipts.
    ReadRelated "read-related" [Rep Legal Privacy];
    /// Saying what is to be known of accounts, and what became of them.
    ChangeAccounts "change-accounts" [Ingest Operator];
    /// Seeing accounts; what is sealed of them stays so for those who hand over, run or audit. A rep sees the own ones.
    SeeAccounts "see-accounts" [Ingest Rep Legal Privacy Auditor Operator];
    /// Reading a recording's ledger entries with their proofs.
    ReadCustody "read-custody" [Legal Privacy Auditor];
    /// Reading the retention report, what is due soon, and certificates.
    ReadRetention "read-retention" [Legal Privacy Auditor Operator];
    /// Reading the statistics of purged calls.
    SeeStatistics "see-statistics" [Legal Privacy Auditor Operator];
    /// Asking what a purge would do. A real run is the operator's alone: the handler looks at the role once more.
    RunPurge "run-purge" [Privacy Auditor Operator];
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_differ_and_nobody_must_state_a_purpose_for_what_they_may_not_do() {
        let names: HashSet<&str> = ALL.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names.len(), ALL.len());
        for (name, roles, purpose_from) in ALL {
            assert!(purpose_from.iter().all(|role| roles.contains(role)), "{name}");
            assert!(roles.iter().count() > 0, "{name}");
        }
    }

    #[test]
    fn audio_and_its_likes_are_closed_to_those_who_run_or_audit() {
        for (name, roles, _) in ALL {
            let hears = ["hear-recording", "play-recording", "read-related"].contains(name);
            assert!(!hears || !(roles.contains(Role::Operator) || roles.contains(Role::Auditor)), "{name}");
            assert_eq!(
                roles.contains(Role::Ingest),
                ["ingest", "read-receipt", "put-related", "change-accounts", "see-accounts"].contains(name),
                "{name}"
            );
        }
    }
}
