//! Days of the calendar and times, in UTC.

use std::fmt;

/// A day of the Gregorian calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// Reads `YYYY-MM-DD`; `None` if the calendar has no such day.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut number = |digits: usize| {
            let part = parts.next()?;
            let plain = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse::<u16>().ok()).flatten()
        };
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        let real = parts.next().is_none() && (1..=days_of(year, month)?).contains(&day);
        real.then_some(Self { year, month, day })
    }

    /// The year.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The day of a time in seconds since 1970; `None` before 1970 and after 9999.
    pub fn of_seconds(seconds: i64) -> Option<Self> {
        let days = u64::try_from(seconds).ok()? / 86_400;
        // Howard Hinnant's `civil_from_days`: years begin in March, eras have 400 of them.
        let shifted = days + 719_468;
        let (era, day) = (shifted / 146_097, shifted % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, wrapped) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        let year = year + era * 400 + wrapped;
        if year > 9_999 {
            return None;
        }
        Some(Self {
            year: u16::try_from(year).ok()?,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day).ok()?,
        })
    }
}

/// A time in seconds since 1970 as RFC 3339 in UTC; `None` before 1970 and after 9999.
pub fn utc_of_seconds(seconds: i64) -> Option<String> {
    let seconds = Some(seconds).filter(|seconds| *seconds > 0)?;
    let day = Day::of_seconds(seconds)?;
    let rest = seconds % 86_400;
    Some(format!(
        "{day}T{:02}:{:02}:{:02}Z",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    ))
}

/// How many days a month has; `None` if there is no such month.
fn days_of(year: u16, month: u8) -> Option<u8> {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    })
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_of_the_calendar_are_days() {
        for day in ["2027-01-31", "2028-02-29", "2000-02-29", "9999-12-31"] {
            assert_eq!(Day::parse(day).unwrap().to_string(), day);
        }
        for wrong in [
            "",
            "soon",
            "2027-02-29",
            "1900-02-29",
            "2027-04-31",
            "2027-13-01",
            "2027-00-10",
            "2027-01-00",
            "2027-1-1",
            "27-01-01",
            "2027-01-01-",
            "+027-01-01",
            "2027-01-01T00:00:00Z",
        ] {
            assert_eq!(Day::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_lasts_until_midnight() {
        let of = |seconds| Day::of_seconds(seconds).map(|day| day.to_string());
        assert_eq!(of(0).as_deref(), Some("1970-01-01"));
        assert_eq!(of(86_399).as_deref(), Some("1970-01-01"));
        assert_eq!(of(86_400).as_deref(), Some("1970-01-02"));
        assert_eq!(of(1_709_164_800).as_deref(), Some("2024-02-29"));
        assert_eq!(of(253_402_300_799).as_deref(), Some("9999-12-31"));
        assert_eq!(of(253_402_300_800), None);
        assert_eq!(of(-1), None);
        assert_eq!(of(i64::MAX), None);
    }

    #[test]
    fn every_day_is_the_one_after_the_day_before() {
        let mut before = Day::of_seconds(0).unwrap();
        for count in 1..80_000 {
            let day = Day::of_seconds(count * 86_400).unwrap();
            assert!(before < day);
            assert_eq!(Day::parse(&day.to_string()), Some(day));
            before = day;
        }
    }
}
