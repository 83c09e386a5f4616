//! `earwitness token create|list|revoke`.

use std::fmt;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde::Serialize;
use uuid::Uuid;

use super::output::{Exit, Failure, Output, aligned, say};
use super::part;
use crate::access::Role;
use crate::archive::tokens::{self, NewToken, TokenError};
use crate::catalog::TokenRow;
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::config::{Config, units};

#[derive(Subcommand)]
pub(super) enum Args {
    /// Make a token. It is shown this once; only a hash of it is kept
    Create(Create),
    /// List all tokens, also those that are over
    List,
    /// Withdraw a token: it opens nothing from the next request on
    Revoke {
        /// The token's id, as `token list` shows it
        id: Uuid,
    },
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// What its owner may do
    #[arg(long, value_parser = PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|text| text.parse::<Role>()))]
    role: Role,
    /// Whose it is: a person, or a machine such as `crm`
    #[arg(long)]
    name: String,
    /// An account that a rep or portal is limited to; may be repeated
    #[arg(long = "account", value_name = "ACCOUNT")]
    accounts: Vec<String>,
    /// Who a rep is, as recordings name their agents
    #[arg(long)]
    agent: Option<String>,
    /// When it ends: an RFC 3339 time, or a duration from now such as 90d
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<Timestamp>,
}

fn expiry(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = Timestamp::parse(text) {
        return Ok(at);
    }
    let wrong = |_| "write a time such as 2027-01-31T18:00:00+01:00, or a duration from now such as 90d".to_owned();
    Ok(SystemClock::new().now().plus(units::duration(text).map_err(wrong)?))
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Archive(error) => error.into(),
            TokenError::NoRandomness => Self::failed(error),
            other => Self::usage(other),
        }
    }
}

/// A token as it is listed.
#[derive(Serialize)]
struct Listed {
    id: Uuid,
    role: String,
    name: String,
    accounts: Vec<String>,
    agent: Option<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl From<TokenRow> for Listed {
    fn from(row: TokenRow) -> Self {
        let TokenRow { id, role, name, accounts, agent, created_at, expires_at, revoked_at } = row;
        Self { id, role, name, accounts, agent, created_at, expires_at, revoked_at }
    }
}

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    row: Listed,
    token: String,
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.token)
    }
}

#[derive(Serialize)]
struct List {
    tokens: Vec<Listed>,
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["id", "role", "name", "limited to", "created", "state"].map(str::to_owned);
        let rows: Vec<[String; 6]> = [head].into_iter().chain(self.tokens.iter().map(list_row)).collect();
        f.write_str(&aligned(&rows))
    }
}

/// Names may hold anything but control characters, so they cannot disturb a terminal.
fn list_row(token: &Listed) -> [String; 6] {
    let agent = token.agent.as_ref().map(|agent| format!("agent {agent}"));
    let limits: Vec<String> = token.accounts.iter().cloned().chain(agent).collect();
    let state = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("ends {at}"),
        (None, None) => "in force".to_owned(),
    };
    let limits = if limits.is_empty() { "-".to_owned() } else { limits.join(", ") };
    [token.id.to_string(), token.role.clone(), token.name.clone(), limits, token.created_at.to_string(), state]
}

#[derive(Serialize)]
struct Revoked {
    id: Uuid,
    revoked: bool,
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "revoked {}", self.id)
    }
}

pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    match args {
        Args::Create(Create { role, name, accounts, agent, expires }) => {
            let archive = part::open(config).await?;
            let new = NewToken { role, name, accounts, agent, expires_at: expires };
            let (row, token) = tokens::create(&archive, new).await?;
            output.result(&Created { token: token.expose().to_owned(), row: row.into() })?;
        }
        Args::List => {
            let archive = part::open_existing(config).await?;
            let tokens = tokens::list(&archive).await?.into_iter().map(Listed::from).collect();
            output.result(&List { tokens })?;
        }
        Args::Revoke { id } => {
            let archive = part::open_existing(config).await?;
            let revoked = tokens::revoke(&archive, id).await?;
            if !revoked {
                say("earwitness: no token of this id is in force");
                if output.json {
                    output.document(&Revoked { id, revoked })?;
                }
                return Ok(Exit::Refused);
            }
            output.result(&Revoked { id, revoked })?;
        }
    }
    Ok(Exit::Done)
}
