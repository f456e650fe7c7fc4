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
