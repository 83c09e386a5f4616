//! What the demo prints.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::calls::{ACCOUNT, AGENT};
use crate::access::Role;
use crate::cli::output::aligned;
use crate::clock::Timestamp;
use crate::recording::{RecordingId, Status};

/// A call that was taken in.
#[derive(Serialize)]
pub(super) struct Recording {
    pub(super) id: RecordingId,
    pub(super) account: String,
    pub(super) recorded_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) status: Status,
    pub(super) is_due: bool,
}

/// The running demo.
#[derive(Serialize)]
pub(super) struct Demo {
    pub(super) url: String,
    pub(super) data: PathBuf,
    pub(super) data_is_temporary: bool,
    #[serde(serialize_with = "by_role")]
    pub(super) tokens: Vec<(Role, String)>,
    pub(super) recordings: Vec<Recording>,
}

fn by_role<S: Serializer>(tokens: &[(Role, String)], serializer: S) -> Result<S::Ok, S::Error> {
    let map: BTreeMap<&str, &str> = tokens.iter().map(|(role, token)| (role.as_str(), token.as_str())).collect();
    map.serialize(serializer)
}

/// This program as the reader called it.
pub(super) fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "earwitness".to_owned())
}

impl Demo {
    /// The call whose time is over in a moment.
    pub(super) fn due(&self) -> Option<&Recording> {
        self.recordings.iter().find(|recording| recording.is_due)
    }

    fn curl(&self, role: Role) -> String {
        let token = self.tokens.iter().find(|(of, _)| *of == role).map_or("", |(_, token)| token);
        format!("curl -s -H 'Authorization: Bearer {token}'")
    }

    fn head(&self) -> String {
        let data = self.data.display();
        let data = if self.data_is_temporary { format!("{data} (removed at the end)") } else { data.to_string() };
        aligned(&[
            ["  API".to_owned(), format!("{}/docs", self.url)],
            ["  state".to_owned(), format!("{}/readyz", self.url)],
            ["  data".to_owned(), data],
        ])
    }

    fn role_rows(&self) -> String {
        let limits = |role| match role {
            Role::Rep => format!("{ACCOUNT}, agent {AGENT}"),
            Role::Portal => ACCOUNT.to_owned(),
            _ => String::new(),
        };
        let rows = self.tokens.iter().map(|(role, token)| [format!("  {role}"), token.clone(), limits(*role)]);
        aligned(&rows.collect::<Vec<_>>())
    }

    fn call_rows(&self) -> String {
        let head = ["  id", "account", "recorded", "ends", ""].map(str::to_owned);
        let row = |r: &Recording| {
            let status = if r.is_due { "due in a moment" } else { r.status.as_str() };
            let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
            [format!("  {}", r.id), r.account.clone(), day(r.recorded_at), day(r.expires_at), status.to_owned()]
        };
        let rows: Vec<[String; 5]> = [head].into_iter().chain(self.recordings.iter().map(row)).collect();
        aligned(&rows)
    }
}

impl fmt::Display for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, legal) = (&self.url, self.curl(Role::Legal));
        writeln!(f, "\nEarwitness runs at {url}\n{}", self.head())?;
        writeln!(f, "Made-up calls\n{}", self.call_rows())?;
        writeln!(f, "One token per role\n{}", self.role_rows())?;
        writeln!(f, "Try")?;
        writeln!(f, "  # find the calls of an account")?;
        writeln!(f, "  {legal} '{url}/v1/recordings?account={ACCOUNT}'")?;
        if let Some(call) = self.recordings.iter().find(|r| !r.is_due && r.status == Status::Accepted) {
            let base = format!("{url}/v1/recordings/{}", call.id);
            writeln!(f, "  # listen to one: a WAV that every player knows, whatever the recorder wrote")?;
            writeln!(f, "  {legal} -H 'Earwitness-Purpose: trying the demo' {base}/listen -o call.wav")?;
            writeln!(f, "  # who had it in hands, with proofs")?;
            writeln!(f, "  {legal} {base}/custody")?;
        }
        if let Some(due) = self.due() {
            writeln!(f, "\nOne call's time is over at {}: from then on this answers 410 Gone", due.expires_at)?;
            writeln!(f, "  {legal} -i {url}/v1/recordings/{}", due.id)?;
        }
        writeln!(f, "\nCtrl-C ends the demo.")
    }
}

/// The expiring call is gone.
pub(super) struct Purged<'a> {
    pub(super) demo: &'a Demo,
    pub(super) id: RecordingId,
    pub(super) at: Timestamp,
}

impl fmt::Display for Purged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { demo, id, at } = self;
        writeln!(f, "\nPurged and certified at {at}: {id}")?;
        writeln!(f, "  # its certificate, checked without the archive")?;
        let auditor = demo.curl(Role::Auditor);
        writeln!(f, "  {auditor} {}/v1/retention/certificates/{id} | {} verify -", demo.url, program())
    }
}
