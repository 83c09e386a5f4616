//! What a caller sees, at this moment: the accounts of a token, those that its agent is assigned to, and all that were
//! merged into them; the portal's account while it is open.

use super::FindError;
use crate::access::{Scope, View};
use crate::account;
use crate::archive::Archive;

/// The view with the accounts as they are now.
pub(super) async fn widened(archive: &Archive, view: &View) -> Result<View, FindError> {
    if view.open_account_only && !is_open(archive, &view.scope).await? {
        return Ok(View { scope: Scope::Nothing, ..view.clone() });
    }
    let mut accounts = match &view.scope {
        Scope::AccountsOrAgent { agent, .. } => account::accounts_of_rep(archive, agent).await?,
        _ => Vec::new(),
    };
    accounts.extend(account::families(archive, view.scope.accounts()).await?);
    Ok(View { scope: view.scope.clone().with_accounts(accounts), ..view.clone() })
}

async fn is_open(archive: &Archive, scope: &Scope) -> Result<bool, FindError> {
    match scope {
        Scope::OneAccount(account) => Ok(!archive.catalog.account_is_closed(account).await?),
        _ => Ok(false),
    }
}
