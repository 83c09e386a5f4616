//! The counts of a month that is not published: one sealed row per cell, under the month's secret.

use serde::{Deserialize, Serialize};

use super::fold::{Tally, Traits};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{OpenCell, Tx};
use crate::recording::ExpiryMonth;
use crate::vault::keys::KeyName;
use crate::vault::secrets::{LookupField, Secret};
use crate::vault::small;

/// What is sealed of a cell. Its accounts are rows of their own.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counted {
    /// None: what was carried over from a month before.
    traits: Option<Traits>,
    calls: u64,
    seconds: u64,
    accounts_before: u64,
}

/// A month's counts.
#[derive(Debug, Default)]
pub struct MonthCounts {
    /// By traits.
    pub counted: Vec<(Traits, Tally)>,
    /// What was carried over.
    pub carried: Option<Tally>,
}

/// Adds to a cell; without traits to what is carried over. `account` is the one account of these calls.
pub async fn add(
    tx: &mut Tx,
    month: ExpiryMonth,
    secret: &Secret,
    traits: Option<&Traits>,
    more: &Tally,
    account: Option<&str>,
) -> Result<(), ArchiveError> {
    let name = serde_json::to_string(&traits).map_err(|_| ArchiveError::Document("a cell of statistics"))?;
    let mac = secret.lookup_mac(LookupField::StatisticsCell, &name).to_vec();
    let known = tx.take_statistics_cell(month, &mac).await?;
    let is_new = known.is_none();
    let begun = || Counted { traits: traits.cloned(), ..Counted::default() };
    let mut counted = known.and_then(|sealed| open(secret, month, &mac, &sealed)).unwrap_or_else(begun);
    counted.calls += more.calls;
    counted.seconds += more.seconds;
    counted.accounts_before = counted.accounts_before.max(more.certain_accounts());
    let text = serde_json::to_vec(&counted).map_err(|_| ArchiveError::Document("a cell of statistics"))?;
    let cell = OpenCell { sealed: small::seal(secret.meta_key(), &aad(month, &mac), &text)?, mac };
    let account = account.map(|account| secret.lookup_mac(LookupField::StatisticsAccount, account));
    tx.put_statistics_cell(month, &cell, is_new, account.as_ref().map(<[u8; 32]>::as_slice)).await?;
    Ok(())
}

/// Opens everything that was counted in a month.
pub async fn read(archive: &Archive, month: ExpiryMonth) -> Result<MonthCounts, ArchiveError> {
    let secret = archive.keyring.secret(&KeyName::Month(month)).await?;
    let mut counts = MonthCounts::default();
    for cell in archive.catalog.statistics_cells(month).await? {
        let Some(counted) = open(&secret, month, &cell.mac, &cell.sealed) else { continue };
        let Counted { traits, calls, seconds, accounts_before } = counted;
        let accounts = archive.catalog.statistics_accounts(month, &cell.mac).await?.into_iter().collect();
        let tally = Tally { calls, seconds, accounts, accounts_before };
        match traits {
            Some(traits) => counts.counted.push((traits, tally)),
            None => counts.carried = Some(tally),
        }
    }
    Ok(counts)
}

/// None where it was changed: what it counted is lost, and keeps neither a purge nor the end of a month waiting.
fn open(secret: &Secret, month: ExpiryMonth, mac: &[u8], sealed: &[u8]) -> Option<Counted> {
    let text = small::open(secret.meta_key(), &aad(month, mac), sealed).ok();
    let counted = text.and_then(|text| serde_json::from_slice(&text).ok());
    if counted.is_none() {
        super::lost();
        tracing::error!(%month, "a cell of the statistics does not open: what it counted is lost");
    }
    counted
}

fn aad(month: ExpiryMonth, mac: &[u8]) -> Vec<u8> {
    format!("statistics/{month}/{}", hex::encode(mac)).into_bytes()
}
