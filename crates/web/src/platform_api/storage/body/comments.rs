//! Comments in JSON: `// …` to the end of the line, `/* … */`.

use std::borrow::Cow;

/// The text with blanks in place of its comments, so that places in it stay what they were.
pub(super) fn blank_out(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'/') {
        return Cow::Borrowed(text);
    }
    let mut bare = text.to_vec();
    let mut at = 0;
    while at < bare.len() {
        let end = match (bare[at], bare.get(at + 1)) {
            (b'"', _) => {
                at = end_of_text(&bare, at);
                continue;
            }
            (b'/', Some(b'/')) => find(&bare, at + 2, b"\n"),
            (b'/', Some(b'*')) => find(&bare, at + 2, b"*/").map(|end| end + 2),
            _ => {
                at += 1;
                continue;
            }
        };
        let end = end.unwrap_or(bare.len());
        for byte in &mut bare[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    Cow::Owned(bare)
}

/// The place after the text that begins here.
fn end_of_text(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn find(text: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    text.get(from..)?.windows(wanted.len()).position(|window| window == wanted).map(|place| from + place)
}
