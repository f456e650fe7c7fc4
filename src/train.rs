//! What a train brings along in its files: the change log, in which every hotfix has a line (B09), and
//! the RPM spec file, whose `Release` every hotfix raises (B10). Pure: text in, what it says and what is
//! irregular about it out. The forms are those that mozilla/browserid had in 2011 to 2014
//! (process.md §5).

pub mod changelog;
pub mod difference;
pub mod entry;
pub mod spec;
pub mod tickets;

use std::cmp::Ordering;

use crate::day::Day;

/// What the name of a train says about the day that it is cut at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    /// This day.
    Day(Day),
    /// It has the form of a date, and the calendar has no such day.
    NoDay,
    /// It is no date at all, such as a number.
    Not,
}

/// Reads the day in the name of a train: `2012.04.27`, `2012-4-27`, `2012.04.27.1`.
pub fn dated(name: &str) -> Dated {
    let parts: Vec<&str> = name.split(['.', '-', '_', '/']).collect();
    let [year, month, day, ..] = parts.as_slice() else {
        return Dated::Not;
    };
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let form = year.len() == 4
        && matches!(month.len(), 1 | 2)
        && matches!(day.len(), 1 | 2)
        && [year, month, day].into_iter().all(|part| plain(part));
    match form {
        true => {
            Day::parse(&format!("{year}-{month:0>2}-{day:0>2}")).map_or(Dated::NoDay, Dated::Day)
        }
        false => Dated::Not,
    }
}

/// Compares the names of trains by their numbers: `2012.12.07` is newer than `2012.9.30`. What stands
/// between numbers counts as text.
pub fn by_age(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
            return a.len().cmp(&b.len());
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let ((one, rest_a), (other, rest_b)) = (number(a), number(b));
            let order = one.len().cmp(&other.len()).then_with(|| one.cmp(other));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (rest_a, rest_b);
        } else if x == y {
            (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
        } else {
            return x.cmp(&y);
        }
    }
}

/// The number that a text begins with, without zeros in front, and what follows.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    (digits.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_a_day() {
        for name in ["2012.04.27", "2012-4-27", "2012.04.27.1", "2012_02_29"] {
            assert!(matches!(dated(name), Dated::Day(_)), "{name}");
        }
        for name in ["2012.13.45", "2013.02.29", "2012.0.1", "2012.00.00"] {
            assert_eq!(dated(name), Dated::NoDay, "{name}");
        }
        for name in [
            "",
            "7",
            "2012.04",
            "12.04.27",
            "2012.april.27",
            "1.2.3",
            "20120427",
        ] {
            assert_eq!(dated(name), Dated::Not, "{name}");
        }
    }

    #[test]
    fn trains_have_an_order() {
        let mut trains = [
            "2012.12.07",
            "2013.01.04",
            "2012.9.30",
            "2011.08.04",
            "2012.12.7",
        ];
        trains.sort_by(|a, b| by_age(a, b));
        assert_eq!(trains[0], "2011.08.04");
        assert_eq!(trains[1], "2012.9.30");
        assert_eq!(trains[4], "2013.01.04");
        assert_eq!(by_age("2012.12.07", "2012.12.7"), Ordering::Equal);
        assert_eq!(by_age("a", "ab"), Ordering::Less);
        assert_eq!(by_age("", ""), Ordering::Equal);
        assert_eq!(by_age("ü1", "ü2"), Ordering::Less);
    }
}
