#!/usr/bin/env python3
"""Computes samples/retention-vectors.json, independently of Earwitness.

    retention_vectors.py            prints the file
    retention_vectors.py --check F  fails unless F is what would be printed

The time zones come from the PyPI package `tzdata` at the version below and never from the system, so that the output
is the same everywhere.
"""

import calendar
import json
import re
import sys
import zoneinfo
from datetime import date, datetime, time, timedelta, timezone

TZDATA = "2025b"
UTC = timezone.utc
BRUSSELS, NEW_YORK, SAO_PAULO = "Europe/Brussels", "America/New_York", "America/Sao_Paulo"
AZORES, LORD_HOWE, APIA = "Atlantic/Azores", "Australia/Lord_Howe", "Pacific/Apia"
INSTANT, DAY = "instant", "end-of-day"

DESCRIPTION = [
    "When a recording's retention period ends. recorded_at: RFC 3339. period: ISO 8601 duration. zone: tz database name.",
    "end = instant: the same local time one period later; end = end-of-day: 00:00 local after the period's last day.",
    "Years and months go first and end on a shorter month's last day, then weeks and days. A local time that does not "
    "exist gives the end of the gap, one that exists twice the earlier. expiry_month: month of expires_at in the zone.",
    "Made by samples/retention_vectors.py.",
]

# name, what it shows, recorded_at, period, zone, end
CASES = [
    ("plain-winter", "An ordinary winter day", "2026-11-22T21:33:15+01:00", "P5Y", BRUSSELS, INSTANT),
    ("plain-summer", "An ordinary summer day", "2026-07-15T09:00:00+02:00", "P5Y", BRUSSELS, INSTANT),
    ("given-in-utc", "The zone of the text does not matter, the instant does", "2026-07-15T07:00:00Z", "P5Y", BRUSSELS, INSTANT),
    ("given-elsewhere", "The same instant told from New York", "2026-07-15T03:00:00-04:00", "P5Y", BRUSSELS, INSTANT),
    ("microseconds", "Sub-second digits are kept", "2026-07-15T09:00:00.123456+02:00", "P5Y", BRUSSELS, INSTANT),
    ("last-microsecond", "The last microsecond of a year", "2026-12-31T23:59:59.999999+01:00", "P5Y", BRUSSELS, INSTANT),
    ("leap-day", "29 February ends on 28 February", "2024-02-29T12:00:00+01:00", "P5Y", BRUSSELS, INSTANT),
    ("leap-day-to-leap-day", "29 February to 29 February after four years", "2024-02-29T12:00:00+01:00", "P4Y", BRUSSELS, INSTANT),
    ("into-leap-year", "28 February stays 28 February in a leap year", "2023-02-28T12:00:00+01:00", "P5Y", BRUSSELS, INSTANT),
    ("first-of-march", "1 March after a leap day stays 1 March", "2024-03-01T00:00:00+01:00", "P5Y", BRUSSELS, INSTANT),
    ("leap-day-by-utc-only", "29 February in UTC, 1 March in Brussels", "2024-02-29T23:30:00Z", "P5Y", BRUSSELS, INSTANT),
    ("leap-day-new-york", "1 March in UTC, 29 February in New York", "2024-03-01T04:30:00Z", "P5Y", NEW_YORK, INSTANT),
    ("leap-day-end-of-day", "29 February, with the last hour of 28 February", "2024-02-29T12:00:00+01:00", "P5Y", BRUSSELS, DAY),
    ("before-2100", "2100 is no leap year", "2096-02-29T12:00:00+01:00", "P4Y", BRUSSELS, INSTANT),
    ("before-2100-end-of-day", "2100 is no leap year: ends before 1 March", "2096-02-29T12:00:00+01:00", "P4Y", BRUSSELS, DAY),
    ("before-2100-days", "90 days over the end of a February of 28 days", "2099-12-31T12:00:00+01:00", "P90D", BRUSSELS, INSTANT),
    ("summer-2100", "Summer time goes on in 2100", "2095-07-01T12:00:00+02:00", "P5Y", BRUSSELS, INSTANT),
    ("gap-2100", "02:30 on the last Sunday of March 2100 does not exist", "2095-03-28T02:30:00+02:00", "P5Y", BRUSSELS, INSTANT),
    ("gap", "02:30 on 2031-03-30 does not exist: the end of the gap", "2026-03-30T02:30:00+02:00", "P5Y", BRUSSELS, INSTANT),
    ("gap-start", "02:00:00 on 2031-03-30 is the first time that does not exist", "2026-03-30T02:00:00+02:00", "P5Y", BRUSSELS, INSTANT),
    ("gap-last", "02:59:59.999999 on 2031-03-30 is the last one; no digits are left", "2026-03-30T02:59:59.999999+02:00", "P5Y", BRUSSELS, INSTANT),
    ("gap-end", "03:00:00 on 2031-03-30 exists", "2026-03-30T03:00:00+02:00", "P5Y", BRUSSELS, INSTANT),
    ("gap-before", "01:59:59.999999 on 2031-03-30 exists", "2026-03-30T01:59:59.999999+02:00", "P5Y", BRUSSELS, INSTANT),
    ("gap-six-months", "Half a year from a September night into the gap", "2026-09-28T02:15:00+02:00", "P6M", BRUSSELS, INSTANT),
    ("gap-days", "90 days into the gap of 2027-03-28", "2026-12-28T02:45:00+01:00", "P90D", BRUSSELS, INSTANT),
    ("gap-end-of-day", "A gap at night does not move the end of the day", "2026-03-30T02:30:00+02:00", "P5Y", BRUSSELS, DAY),
    ("overlap", "02:30 on 2031-10-26 exists twice: the earlier", "2026-10-26T02:30:00+01:00", "P5Y", BRUSSELS, INSTANT),
    ("overlap-start", "02:00:00 on 2031-10-26: the earlier", "2026-10-26T02:00:00+01:00", "P5Y", BRUSSELS, INSTANT),
    ("overlap-last", "02:59:59.999999 on 2031-10-26: the earlier", "2026-10-26T02:59:59.999999+01:00", "P5Y", BRUSSELS, INSTANT),
    ("overlap-end", "03:00:00 on 2031-10-26 exists once", "2026-10-26T03:00:00+01:00", "P5Y", BRUSSELS, INSTANT),
    ("from-first-of-two", "Recorded at the first of two 02:30", "2026-10-25T02:30:00+02:00", "P5Y", BRUSSELS, INSTANT),
    ("from-second-of-two", "Recorded at the second 02:30, an hour later: the same deadline", "2026-10-25T02:30:00+01:00", "P5Y", BRUSSELS, INSTANT),
    ("overlap-day-end-of-day", "A day of 25 hours ends after all of them", "2026-10-26T02:30:00+01:00", "P5Y", BRUSSELS, DAY),
    ("new-york-gap", "02:30 on 2031-03-09 does not exist in New York", "2026-03-09T02:30:00-04:00", "P5Y", NEW_YORK, INSTANT),
    ("new-york-overlap", "01:30 on 2031-11-02 exists twice in New York", "2026-11-02T01:30:00-05:00", "P5Y", NEW_YORK, INSTANT),
    ("new-york-end-of-day", "The end of a day in New York", "2026-11-22T21:33:15-05:00", "P5Y", NEW_YORK, DAY),
    ("half-hour-gap", "Lord Howe's clocks skip half an hour", "2026-10-05T02:10:00+11:00", "P5Y", LORD_HOWE, INSTANT),
    ("half-hour-overlap", "Lord Howe's clocks repeat half an hour", "2026-04-06T01:45:00+10:30", "P5Y", LORD_HOWE, INSTANT),
    ("midnight-gap", "00:00 on 2018-11-04 does not exist in Sao Paulo: the day before ends at its gap", "2017-11-03T12:00:00-02:00", "P1Y", SAO_PAULO, DAY),
    ("midnight-overlap", "00:00 on 2026-10-25 exists twice on the Azores: the earlier ends the day before", "2025-10-24T12:00:00+00:00", "P1Y", AZORES, DAY),
    ("midnight-gap-spring", "00:00 on 2027-03-28 does not exist on the Azores: the day before ends at its gap", "2026-03-27T12:00:00-01:00", "P1Y", AZORES, DAY),
    ("skipped-day", "Apia never had 2011-12-30: the end of a gap of 24 hours", "2010-12-30T12:00:00-10:00", "P1Y", APIA, INSTANT),
    ("end-of-day", "The day of the event does not count, the last hour of the last day does", "2026-11-22T21:33:15+01:00", "P5Y", BRUSSELS, DAY),
    ("end-of-day-first-instant", "Recorded at 00:00:00: the same end", "2026-11-22T00:00:00+01:00", "P5Y", BRUSSELS, DAY),
    ("end-of-day-last-instant", "Recorded at 23:59:59.999999: the same end", "2026-11-22T23:59:59.999999+01:00", "P5Y", BRUSSELS, DAY),
    ("end-of-day-summer", "The end of a summer day", "2026-07-15T09:00:00+02:00", "P5Y", BRUSSELS, DAY),
    ("end-of-day-new-year", "31 December ends with the year", "2026-12-31T08:00:00+01:00", "P5Y", BRUSSELS, DAY),
    ("end-of-day-days", "90 days after a day, with its last hour", "2026-01-15T10:00:00+01:00", "P90D", BRUSSELS, DAY),
    ("end-of-day-month", "The last day of a month: the month of the deadline is the next", "2026-11-30T10:00:00+01:00", "P5Y", BRUSSELS, DAY),
    ("one-year", "One year", "2026-05-05T05:05:05+02:00", "P1Y", BRUSSELS, INSTANT),
    ("six-months", "Six months, from summer into winter: the same local time", "2026-07-15T09:00:00+02:00", "P6M", BRUSSELS, INSTANT),
    ("six-months-short", "31 August and six months: 28 February", "2026-08-31T09:00:00+02:00", "P6M", BRUSSELS, INSTANT),
    ("six-months-short-leap", "31 August and six months: 29 February", "2027-08-31T09:00:00+02:00", "P6M", BRUSSELS, INSTANT),
    ("one-month-short", "31 March and one month: 30 April", "2026-03-31T09:00:00+02:00", "P1M", BRUSSELS, INSTANT),
    ("ten-years", "Ten years", "2026-11-22T21:33:15+01:00", "P10Y", BRUSSELS, INSTANT),
    ("ninety-days", "90 days, from winter into summer: the same local time", "2026-01-15T10:00:00+01:00", "P90D", BRUSSELS, INSTANT),
    ("weeks", "26 weeks", "2026-11-22T21:33:15+01:00", "P26W", BRUSSELS, INSTANT),
    ("months-before-days", "A month first, then a day: 31 January to 1 March", "2026-01-31T10:00:00+01:00", "P1M1D", BRUSSELS, INSTANT),
    ("mixed", "A year, two months and three days", "2026-01-31T10:00:00+01:00", "P1Y2M3D", BRUSSELS, INSTANT),
    ("month-border-winter", "October in UTC, November in Brussels", "2026-10-31T23:30:00Z", "P5Y", BRUSSELS, INSTANT),
    ("month-border-summer", "June in UTC, July in Brussels", "2026-06-30T22:00:00Z", "P5Y", BRUSSELS, INSTANT),
    ("month-border-year", "December in UTC, January of the next year in Brussels", "2026-12-31T23:00:00Z", "P5Y", BRUSSELS, INSTANT),
    ("month-border-inside", "The last microsecond of June in Brussels", "2026-06-30T21:59:59.999999Z", "P5Y", BRUSSELS, INSTANT),
    ("month-border-west", "December in UTC, November in New York", "2026-12-01T04:59:59Z", "P5Y", NEW_YORK, INSTANT),
    ("utc", "A zone without summer time", "2026-03-29T02:30:00Z", "P5Y", "UTC", INSTANT),
    ("utc-end-of-day", "The end of a day in UTC", "2026-03-29T02:30:00Z", "P5Y", "UTC", DAY),
]


def last_day(start: date, period: str) -> date:
    parts = {unit: int(number) for number, unit in re.findall(r"(\d+)([YMWD])", period)}
    months = start.year * 12 + start.month - 1 + 12 * parts.get("Y", 0) + parts.get("M", 0)
    year, month = divmod(months, 12)
    month += 1
    moved = date(year, month, min(start.day, calendar.monthrange(year, month)[1]))
    return moved + timedelta(weeks=parts.get("W", 0), days=parts.get("D", 0))


def instants_of(local: datetime, zone: zoneinfo.ZoneInfo) -> list[datetime]:
    """Every UTC instant at which clocks in the zone show this local time, the earliest first."""
    both = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(utc for utc in both if utc.astimezone(zone).replace(tzinfo=None, fold=0) == local)


def resolve(local: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    found = instants_of(local, zone)
    if found:
        return found[0]
    # In a gap: walk on, second by second, to the first local time that exists again.
    local = local.replace(microsecond=0)
    while not (found := instants_of(local, zone)):
        local += timedelta(seconds=1)
    return found[0]


def rfc3339(at: datetime) -> str:
    digits = {0: "seconds"}.get(at.microsecond, "microseconds" if at.microsecond % 1000 else "milliseconds")
    return at.astimezone(UTC).isoformat(timespec=digits).replace("+00:00", "Z")


def vector(name: str, description: str, recorded_at: str, period: str, zone_name: str, end: str) -> dict:
    zone = zoneinfo.ZoneInfo(zone_name)
    local = datetime.fromisoformat(recorded_at.replace("Z", "+00:00")).astimezone(zone).replace(tzinfo=None, fold=0)
    day = last_day(local.date(), period)
    wanted = datetime.combine(day, local.time()) if end == INSTANT else datetime.combine(day + timedelta(1), time())
    expires = resolve(wanted, zone)
    return {
        "name": name,
        "description": description,
        "recorded_at": recorded_at,
        "period": period,
        "zone": zone_name,
        "end": end,
        "expires_at": rfc3339(expires),
        "expiry_month": expires.astimezone(zone).strftime("%Y-%m"),
    }


def document() -> str:
    import tzdata

    if tzdata.IANA_VERSION != TZDATA:
        sys.exit(f"tzdata {TZDATA} is wanted (tests/requirements.txt), this is {tzdata.IANA_VERSION}")
    zoneinfo.reset_tzpath(to=())
    names = [case[0] for case in CASES]
    assert len(set(names)) == len(names), "two vectors of one name"
    head = {"format": "earwitness-retention-vectors/1", "description": DESCRIPTION, "tzdata": TZDATA}
    return json.dumps({**head, "vectors": [vector(*case) for case in CASES]}, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    if sys.argv[1:2] == ["--check"] and len(sys.argv) == 3:
        with open(sys.argv[2], encoding="utf-8") as file:
            if file.read() != document():
                sys.exit(f"{sys.argv[2]} is not what {sys.argv[0]} gives")
    elif len(sys.argv) == 1:
        sys.stdout.write(document())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
