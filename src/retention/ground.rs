//! Why a recording was purged.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a recording was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PurgeGround {
    /// Its retention period ended.
    Deadline,
    /// Its retention period ended while it was on legal hold, and the last hold was released.
    HoldReleased,
    /// An erasure was decided (GDPR article 17), before the deadline.
    Erasure,
}

impl PurgeGround {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Deadline, Self::HoldReleased, Self::Erasure];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::HoldReleased => "hold-released",
            Self::Erasure => "erasure",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ground_has_one_name() {
        for ground in PurgeGround::ALL {
            assert_eq!(serde_json::to_value(ground).unwrap(), ground.as_str());
        }
    }
}
