//! `GET /v1/retention/upcoming`

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::failed;
use crate::archive::ArchiveError;
use crate::catalog::MonthTotals;
use crate::clock::Timestamp;
use crate::http::permission::ReadRetention;
use crate::http::{ApiQuery, App, Code, May, Problem};
use crate::recording::ExpiryMonth;
use crate::retention::calendar_month;

/// Months when nobody says how many.
const USUAL: u16 = 12;
/// Months at the most.
const MOST: u16 = 1_200;

/// How far ahead to look.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UpcomingQuery {
    /// How many months, the present one included: 1 to 1,200, 12 when left out.
    #[param(minimum = 1, maximum = 1200)]
    months: Option<u16>,
}

/// What ends in the months ahead.
#[derive(Debug, Serialize, ToSchema)]
pub struct Upcoming {
    /// The instant of all figures.
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    /// The time zone whose months these are.
    #[schema(example = "Europe/Brussels")]
    zone: String,
    /// Months in which something ends, soonest first.
    months: Vec<UpcomingMonth>,
}

/// What ends in one month.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpcomingMonth {
    /// The month.
    #[schema(example = "2031-11")]
    month: String,
    /// How many recordings reach their deadline in it, held ones included.
    recordings: u64,
    /// Their audio, in bytes.
    bytes: u64,
    /// The earliest of their deadlines.
    #[schema(value_type = String, format = DateTime)]
    first_expires_at: Timestamp,
}

/// What reaches its deadline in the months ahead, by month.
#[utoipa::path(get, path = "/v1/retention/upcoming", tag = "retention", params(UpcomingQuery), responses(
    (status = 200, description = "What ends when", body = Upcoming),
))]
pub async fn upcoming(
    _may: May<ReadRetention>,
    State(app): State<App>,
    ApiQuery(query): ApiQuery<UpcomingQuery>,
) -> Result<Json<Upcoming>, Problem> {
    let archive = app.archive();
    let count = query.months.unwrap_or(USUAL);
    if !(1..=MOST).contains(&count) {
        return Err(Problem::new(Code::InvalidQuery).detail(format!("months must be 1 to {MOST}")));
    }
    let now = archive.clock.now();
    let present = calendar_month(&archive.policy, now).map_err(|_| failed(ArchiveError::Document("the month")))?;
    let ending = archive.catalog.upcoming(now).await.map_err(failed)?;
    let zone = archive.policy.zone.to_string();
    Ok(Json(Upcoming { as_of: now, zone, months: within(ending, present, count) }))
}

/// Those of the months that are among the next `count`, the present one included. Pure.
fn within(ending: Vec<MonthTotals>, present: ExpiryMonth, count: u16) -> Vec<UpcomingMonth> {
    let number = |month: ExpiryMonth| u32::from(month.year()) * 12 + u32::from(month.month());
    let end = number(present) + u32::from(count);
    let near = |totals: &MonthTotals| totals.month.parse().is_ok_and(|month| number(month) < end);
    let months = ending.into_iter().filter(near).map(|totals| UpcomingMonth {
        month: totals.month,
        recordings: totals.recordings,
        bytes: totals.bytes,
        first_expires_at: totals.first,
    });
    months.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_month_counts_as_the_first() {
        let totals = |month: &str| MonthTotals {
            month: month.into(),
            recordings: 1,
            bytes: 1,
            first: Timestamp::from_micros(0),
        };
        let months = |count| {
            let all = ["2026-11", "2026-12", "2027-01", "2031-11"].map(totals).to_vec();
            within(all, "2026-11".parse().unwrap(), count).len()
        };
        assert_eq!([1, 2, 3, 60, 61].map(months), [1, 2, 3, 3, 4]);
    }
}
