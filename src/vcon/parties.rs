//! Who took part in a call, as a vCon lists them.

use serde::Serialize;

use crate::recording::{Direction, Metadata};

/// The place of the customer in `parties`.
pub const CUSTOMER: usize = 0;
/// The place of the company's agent.
pub const AGENT: usize = 1;
/// The place of the organisation whose archive this is: it adds the attachments and takes no part in the call.
pub const ARCHIVE: usize = 2;

/// The role of the customer, in the words of the contact centre extension.
pub const CUSTOMER_ROLE: &str = "customer";
/// The role of the agent.
pub const AGENT_ROLE: &str = "agent";
/// The name of the extension that defines `role`: compatible, so not critical.
pub const EXTENSION: &str = "CC";

/// How a name was validated: the archive has it from the product, and did not.
const NOT_VALIDATED: &str = "none";

/// One party, with what is known of it.
#[derive(Debug, Default, Serialize)]
pub struct Party<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
}

impl<'a> Party<'a> {
    fn named(name: Option<&'a str>) -> Self {
        Self { name, validation: name.map(|_| NOT_VALIDATED), ..Self::default() }
    }
}

/// The parties of a call in their places. `archive` is the name of the organisation that keeps the recording.
pub fn parties<'a>(metadata: &'a Metadata, archive: &'a str) -> [Party<'a>; 3] {
    let person = metadata.person.as_ref();
    let customer = Party {
        // A number in E.164 is a global number of RFC 3966 as it stands.
        tel: metadata.number.as_ref().map(|number| format!("tel:{number}")),
        kind: person.map(|_| "person"),
        org: Some(&metadata.account_id),
        role: Some(CUSTOMER_ROLE),
        ..Party::named(person.and_then(|person| person.name.as_deref()))
    };
    let agent = Party { role: Some(AGENT_ROLE), ..Party::named(metadata.agent.as_deref()) };
    [customer, agent, Party { kind: Some("organization"), ..Party::named(Some(archive)) }]
}

/// Whose voices a recording holds: for one channel the list of them, for more one list for each, because the archive is
/// not told who is on which.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Voices {
    /// All in one channel.
    Mixed([usize; 2]),
    /// Each in any of the channels.
    ByChannel(Vec<[usize; 2]>),
}

impl Voices {
    /// Those of a recording with so many channels.
    pub fn of(channels: u16) -> Self {
        let both = [CUSTOMER, AGENT];
        if channels > 1 { Self::ByChannel(vec![both; usize::from(channels)]) } else { Self::Mixed(both) }
    }
}

/// Who called, where that is not the first of the parties: the draft wants it said then, and only then.
pub fn originator(metadata: &Metadata) -> Option<usize> {
    (metadata.direction == Some(Direction::Outbound)).then_some(AGENT)
}
