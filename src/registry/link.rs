//! `Link` headers, by which a registry says that a list of tags goes on (RFC 8288).

/// The address of the next page in the `Link` headers of an answer (RFC 8288).
///
/// # Errors
/// If there are links and they cannot be read: a list that goes on unseen is not whole.
pub(super) fn next_page<'a>(headers: impl Iterator<Item = &'a str>) -> Result<Option<String>, ()> {
    for header in headers {
        let mut rest = header.trim_start_matches([' ', '\t', ',']);
        while !rest.is_empty() {
            let (address, tail) = rest
                .strip_prefix('<')
                .and_then(|link| link.split_once('>'))
                .ok_or(())?;
            let (next, tail) = names_next(tail);
            if next {
                return Ok(Some(address.to_owned()));
            }
            rest = tail.trim_start_matches([' ', '\t', ',']);
        }
    }
    Ok(None)
}

/// Whether the parameters of one link say `rel=next`, and what stands behind them.
fn names_next(text: &str) -> (bool, &str) {
    let (mut quoted, mut end) = (false, text.len());
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let next = text[..end].split(';').any(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel")
                && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        })
    });
    (next, &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn page(headers: &[&str], expected: Result<Option<&str>, ()>) {
        let found = next_page(headers.iter().copied());
        assert_eq!(
            found,
            expected.map(|page| page.map(str::to_owned)),
            "{headers:?}"
        );
    }

    #[test]
    fn the_next_page_is_found_as_servers_write_it() {
        for header in [
            "</p?last=x&n=1>; rel=\"next\"",
            "</p?last=x&n=1>; rel=next",
            "</p?last=x&n=1>; rel = \"next\"",
            "</p?last=x&n=1>; Rel=\"NEXT\"",
            "<a>; rel=prev, </p?last=x&n=1>; rel=\"last next\"",
            "<a>; title=\"a,b;c\", </p?last=x&n=1>; title=\"x, y\"; rel=next",
        ] {
            page(&[header], Ok(Some("/p?last=x&n=1")));
        }
        page(&["<a>; rel=prev", "<a,b>; rel=next"], Ok(Some("a,b")));
        page(&["<a>; rel=prev"], Ok(None));
        page(&[], Ok(None));
        for header in ["nonsense", "<a", "<a>; rel=prev, b; rel=next"] {
            page(&[header], Err(()));
        }
    }
}
