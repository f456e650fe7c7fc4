//! Text without its disguises: small plain letters for what looks like them, and nothing for what
//! cannot be seen. For comparing only; a folded text is never shown.

/// The letter or digit that a character is meant to be read as, in small ASCII where there is one.
/// `None` for what has no width: combining marks, joiners, soft hyphens.
fn plain(c: char) -> Option<char> {
    let code = u32::from(c);
    let invisible = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{300}'..='\u{36f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{20d0}'..='\u{20ff}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    if invisible {
        return None;
    }
    let letter = |offset: u32| char::from_u32(u32::from('a') + offset % 26);
    let small = match code {
        // Full-width forms of ASCII.
        0xff01..=0xff5e => char::from_u32(code - 0xfee0)?.to_ascii_lowercase(),
        // Mathematical alphabets: thirteen of capital and small letters, then digits.
        0x1d400..=0x1d6a3 => letter((code - 0x1d400) % 52)?,
        0x1d7ce..=0x1d7ff => char::from_u32(u32::from('0') + (code - 0x1d7ce) % 10)?,
        // Letters in circles, and flags.
        0x24b6..=0x24cf => letter(code - 0x24b6)?,
        0x24d0..=0x24e9 => letter(code - 0x24d0)?,
        0x1f130..=0x1f149 => letter(code - 0x1f130)?,
        0x1f150..=0x1f169 => letter(code - 0x1f150)?,
        0x1f170..=0x1f189 => letter(code - 0x1f170)?,
        0x1f1e6..=0x1f1ff => letter(code - 0x1f1e6)?,
        _ => c.to_lowercase().next().unwrap_or(c),
    };
    Some(match small {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'а' | 'α' | 'ɑ' => 'a',
        'ƀ' | 'ь' | 'Ꮟ' => 'b',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' | 'с' | 'ϲ' | 'ᴄ' => 'c',
        'ď' | 'đ' | 'ԁ' | 'ɗ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'е' | 'ё' | 'ε' | 'ҽ' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' | 'ɡ' => 'g',
        'ĥ' | 'ħ' | 'һ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'і' | 'ї' | 'ι' | 'ɩ' => 'i',
        'ĵ' | 'ј' | 'ϳ' => 'j',
        'ķ' | 'κ' | 'к' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' | 'ӏ' => 'l',
        'м' => 'm',
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ո' | 'η' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'о' | 'ο' | 'σ' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ŕ' | 'ŗ' | 'ř' | 'г' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' | 'ѕ' | 'ſ' => 's',
        'ţ' | 'ť' | 'ŧ' | 'ț' | 'т' | 'τ' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ŵ' | 'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'ý' | 'ÿ' | 'ŷ' | 'у' | 'γ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        '‐'..='―' | '−' => '-',
        other => other,
    })
}

/// The text as it is meant to be read: small letters, look-alikes of other alphabets as the ASCII
/// letters that they look like, and nothing of what cannot be seen.
pub fn fold(text: &str) -> String {
    text.chars().filter_map(plain).collect()
}

/// A folded text with digits and signs read as the letters that people write with them.
pub fn without_digits(folded: &str) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    folded.chars().map(letter).collect()
}

/// A text with blanks where names have other separators: a branch cannot hold `bug 752721` and says
/// `bug-752721`.
pub fn spaced(text: &str) -> String {
    let blank = |c| {
        if matches!(c, '-' | '_' | '/' | '.' | '+') {
            ' '
        } else {
            c
        }
    };
    text.chars().map(blank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_fall() {
        for text in [
            "Security",
            "ＳＥＣＵＲＩＴＹ",
            "sеcurіty",
            "s\u{200b}ecu\u{ad}rity",
            "séçùrïtÿ",
            "𝐬𝐞𝐜𝐮𝐫𝐢𝐭𝐲",
            "𝕊𝕖𝕔𝕦𝕣𝕚𝕥𝕪",
            "ⓢⓔⓒⓤⓡⓘⓣⓨ",
            "se\u{301}curity",
        ] {
            assert_eq!(fold(text), "security", "{text}");
        }
        assert_eq!(without_digits("s3cur1ty"), "security");
        assert_eq!(spaced("hotfix/bug-752721"), "hotfix bug 752721");
    }
}
