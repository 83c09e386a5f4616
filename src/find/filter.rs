//! A question in terms of the catalog: keyed hashes under every live month (and case), and the caller's scope.

use std::sync::Arc;

use super::{FindError, Question};
use crate::access::{Scope, View};
use crate::account;
use crate::archive::row::fold_name;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{Filter, ScopeFilter};
use crate::vault::keyring::KeyringError;
use crate::vault::keys::KeyName;
use crate::vault::secrets::{LookupField, Secret};

/// What the catalog is to look for; none where the caller sees nothing at all. `view` is as of now ([`super::scope`]).
pub(super) async fn filter(
    archive: &Archive,
    view: &View,
    question: &Question,
) -> Result<Option<(ScopeFilter, Filter)>, FindError> {
    if view.scope == Scope::Nothing {
        return Ok(None);
    }
    let secrets = Secrets::of(archive, view, question).await?;
    let scope = ScopeFilter {
        accounts: accounts(&view.scope),
        or_macs: match &view.scope {
            Scope::AccountsOrAgent { agent, .. } => secrets.macs(&[(LookupField::Agent, agent.clone())]),
            _ => Vec::new(),
        },
        statuses: view.statuses.to_vec(),
        held_past_deadline: view.held_past_deadline,
    };
    let accounts = match &question.account {
        Some(account) => Some(account::family(archive, account).await?),
        None => None,
    };
    let filter = Filter {
        accounts,
        product: question.product.clone(),
        from: question.from,
        to: question.to,
        status: question.status,
        // Whoever asks this without being allowed to know is refused before; here nothing is told all the same.
        held: question.held.filter(|_| view.held),
        macs: keyed(question).iter().map(|wanted| secrets.macs(wanted)).collect(),
    };
    Ok(Some((scope, filter)))
}

fn accounts(scope: &Scope) -> Option<Vec<String>> {
    match scope {
        Scope::All => None,
        Scope::Nothing => Some(Vec::new()),
        Scope::Accounts(accounts) | Scope::AccountsOrAgent { accounts, .. } => Some(accounts.clone()),
        Scope::OneAccount(account) => Some(vec![account.clone()]),
    }
}

/// For each keyed field that is asked for, what may match: a person is found by id or by name.
fn keyed(question: &Question) -> Vec<Vec<(LookupField, String)>> {
    let single = [
        (LookupField::Call, &question.call),
        (LookupField::Lead, &question.lead),
        (LookupField::Listing, &question.listing),
        (LookupField::Number, &question.number),
        (LookupField::Agent, &question.agent),
    ];
    let mut all: Vec<_> = single.into_iter().filter_map(|(field, value)| Some(vec![(field, value.clone()?)])).collect();
    if let Some(person) = &question.person {
        all.push(vec![(LookupField::Person, person.clone()), (LookupField::PersonName, fold_name(person))]);
    }
    all
}

/// The secrets of every live month, when a keyed hash is needed at all; for those who see what is held past its deadline,
/// also those of the cases that hold anything: beyond its month it is found under these alone.
struct Secrets(Vec<Arc<Secret>>);

impl Secrets {
    async fn of(archive: &Archive, view: &View, question: &Question) -> Result<Self, ArchiveError> {
        let mut secrets = Vec::new();
        if keyed(question).is_empty() && !matches!(view.scope, Scope::AccountsOrAgent { .. }) {
            return Ok(Self(secrets));
        }
        let mut names = archive.catalog.live_months().await?;
        if view.held_past_deadline {
            names.extend(archive.catalog.holding_cases().await?);
        }
        for name in names {
            let name: KeyName = name.parse().map_err(|_| ArchiveError::Document("the name of a secret"))?;
            match archive.keyring.secret(&name).await {
                Ok(secret) => secrets.push(secret),
                // Nothing under it can be read, so there is nothing to be found.
                Err(KeyringError::Gone(_)) => {
                    tracing::warn!(%name, "a secret in use has no key: a search passes it over")
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self(secrets))
    }

    fn macs(&self, wanted: &[(LookupField, String)]) -> Vec<Vec<u8>> {
        let under = |secret: &Arc<Secret>| -> Vec<Vec<u8>> {
            wanted.iter().map(|(field, value)| secret.lookup_mac(*field, value).to_vec()).collect()
        };
        self.0.iter().flat_map(under).collect()
    }
}
