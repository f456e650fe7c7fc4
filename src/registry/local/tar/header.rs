//! One header of a tar archive, and the pax records in front of one.

/// The size of a header, and what all content is padded to, in bytes.
pub(super) const BLOCK: u64 = 512;

/// A header whose checksum is right.
pub(super) struct Header([u8; BLOCK as usize]);

impl Header {
    /// Checks the checksum: the sum of all bytes, with blanks in the place of the sum itself.
    pub(super) fn read(block: [u8; BLOCK as usize]) -> Option<Self> {
        let bytes = block.iter().enumerate();
        let sum: u64 = bytes
            .map(|(at, byte)| match at {
                148..156 => u64::from(b' '),
                _ => u64::from(*byte),
            })
            .sum();
        (number(&block[148..156]) == Some(sum)).then_some(Self(block))
    }

    /// The type flag.
    pub(super) const fn kind(&self) -> u8 {
        self.0[156]
    }

    /// The size of the content in bytes; none if it is no number, or negative.
    pub(super) fn size(&self) -> Option<u64> {
        number(&self.0[124..136])
    }

    /// The name that stands in the header itself.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(&self.0[..100]);
        // GNU's own format, `ustar` and blanks, has times where POSIX has the beginning of the name.
        let prefix = text(&self.0[345..500]);
        if &self.0[257..263] != b"ustar\0" || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    /// Whether a block of a sparse file's map follows (GNU's `isextended`).
    pub(super) const fn has_sparse_map(&self) -> bool {
        self.0[482] != 0
    }
}

/// The bytes before the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number: octal digits, or base 256 if the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        let digits = field.iter().enumerate().map(|(at, byte)| match at {
            0 => byte & 0x7f,
            _ => *byte,
        });
        // The second bit is the sign. A negative number is larger than any that fits.
        return digits.into_iter().try_fold(0_u64, |sum, digit| {
            sum.checked_mul(256)?.checked_add(u64::from(digit))
        });
    }
    let blank = |byte: &&u8| matches!(**byte, b' ' | 0);
    let mut digits = field.iter().skip_while(blank);
    let sum = digits
        .by_ref()
        .take_while(|byte| !blank(byte))
        .try_fold(0_u64, |sum, digit| match digit {
            b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
            _ => None,
        })?;
    digits.all(|byte| blank(&byte)).then_some(sum)
}

/// What pax records say of an entry. An empty value takes back what was said before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pax {
    path: Option<Vec<u8>>,
    size: Option<Option<u64>>,
    sparse_name: Option<Vec<u8>>,
    sparse: bool,
}

impl Pax {
    /// Reads records of the form `LENGTH KEY=VALUE\n`; none if one of them is not.
    pub(super) fn read(mut rest: &[u8]) -> Option<Self> {
        let mut pax = Self::default();
        while !rest.is_empty() {
            let blank = rest.iter().position(|byte| *byte == b' ')?;
            let length = decimal(&rest[..blank])?;
            let length = usize::try_from(length).ok()?;
            let (record, tail) = rest.split_at_checked(length)?;
            let (end, record) = record.get(blank + 1..)?.split_last()?;
            if *end != b'\n' {
                return None;
            }
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => pax.path = Some(value.to_vec()),
                b"size" if value.is_empty() => pax.size = Some(None),
                b"size" => pax.size = Some(Some(decimal(value)?)),
                b"GNU.sparse.name" => pax.sparse_name = Some(value.to_vec()),
                _ => {}
            }
            pax.sparse |= key.starts_with(b"GNU.sparse.");
            rest = tail;
        }
        Some(pax)
    }

    /// These records, and what they do not say from others.
    pub(super) fn over(self, other: &Self) -> Self {
        Self {
            path: self.path.or_else(|| other.path.clone()),
            size: self.size.or(other.size),
            sparse_name: self.sparse_name.or_else(|| other.sparse_name.clone()),
            sparse: self.sparse || other.sparse,
        }
    }

    /// The name of the entry. That of a sparse file is one that GNU tar made up, and stands for another.
    pub(super) fn path(&self) -> Option<&[u8]> {
        let path = self.sparse_name.as_deref().or(self.path.as_deref());
        path.filter(|path| !path.is_empty())
    }

    /// The size of its content in bytes.
    pub(super) fn size(&self) -> Option<u64> {
        self.size.flatten()
    }

    /// Whether its content is only the parts of a file that are not zero.
    pub(super) const fn is_sparse(&self) -> bool {
        self.sparse
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(number(b"00000000017\0"), Some(15));
        assert_eq!(number(b"     17 \0\0\0\0"), Some(15));
        assert_eq!(number(b"777777777777"), Some(0o777_777_777_777));
        assert_eq!(number(&[0; 12]), Some(0));
        let mut large = [0; 12];
        (large[0], large[6], large[11]) = (0x80, 2, 1);
        assert_eq!(number(&large), Some((2 << 40) + 1));
        (large[0], large[3]) = (0x80, 1);
        assert_eq!(number(&large), None, "more than 64 bits");
        assert_eq!(number(&[0xff; 12]), None, "negative");
        for wrong in [
            &b"00000000018\0"[..],
            b"1 7",
            b"-1",
            b"+1",
            b"0x1",
            b"7\x001",
        ] {
            assert_eq!(number(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn pax_records_must_be_as_long_as_they_say() {
        let read = Pax::read(b"11 path=ab\n11 size=07\n").unwrap();
        assert_eq!((read.path(), read.size()), (Some(&b"ab"[..]), Some(7)));
        assert_eq!(Pax::read(b"").unwrap(), Pax::default());
        let with_lines = Pax::read(b"20 path=a\nb=12 size\n").unwrap();
        assert_eq!(with_lines.path(), Some(&b"a\nb=12 size"[..]));
        for wrong in [
            &b"11 path=ab"[..],
            b"10 path=ab\n",
            b"12 path=ab\n",
            b"99999999999999999999 path=ab\n",
            b"+11 path=a\n",
            b"1 path=ab\n",
            b"2 path=ab\n",
            b" path=ab\n",
            b"path=ab\n",
            b"8 pathab\n",
            b"11 size=-7\n",
            b"11 size=0x\n",
            b"11 path=ab\n\0",
        ] {
            assert_eq!(Pax::read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_empty_record_takes_back_what_was_said() {
        let global = Pax::read(b"11 path=ab\n10 size=7\n").unwrap();
        let local = Pax::read(b"8 path=\n8 size=\n").unwrap();
        assert_eq!(Pax::default().over(&global), global);
        let both = local.over(&global);
        assert_eq!((both.path(), both.size()), (None, None));
    }
}
