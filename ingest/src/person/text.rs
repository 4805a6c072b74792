//! A short text on the stack in capital letters and digits, wiped when it is dropped.

use zeroize::Zeroizing;

/// Longest text, in characters.
pub(super) const LONGEST: usize = 20;

/// Up to 20 capital letters and digits. Neither shown nor compared nor copied.
#[derive(Default)]
pub(crate) struct Text {
    bytes: Zeroizing<[u8; LONGEST]>,
    len: usize,
}

impl Text {
    /// The letters and digits of what was written: full-width forms made plain, letters made capital, blanks and hyphens
    /// left out. `None` where it holds anything else, or too much.
    pub(super) fn normalised(written: &str) -> Option<Self> {
        let mut text = Self::default();
        for written in written.chars().filter(|c| !is_gap(*c)) {
            let plain = plain(written)?;
            *text.bytes.get_mut(text.len)? = plain;
            text.len += 1;
        }
        Some(text)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Blanks, hyphens and what keyboards and copies make of them.
fn is_gap(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '\u{ad}' | '\u{200b}' | '\u{2010}'
                ..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' | '\u{feff}'
        )
}

/// The ASCII capital or digit that the character stands for.
fn plain(c: char) -> Option<u8> {
    let full_width = |first: char, plain: u8| plain + (u32::from(c) - u32::from(first)) as u8;
    match c {
        '0'..='9' | 'A'..='Z' | 'a'..='z' => Some((c as u8).to_ascii_uppercase()),
        '０'..='９' => Some(full_width('０', b'0')),
        'Ａ'..='Ｚ' => Some(full_width('Ａ', b'A')),
        'ａ'..='ｚ' => Some(full_width('ａ', b'A')),
        _ => None,
    }
}
