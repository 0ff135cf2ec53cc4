//! Short names for long texts.

/// FNV-1a of a text, in letters and digits that form no words.
pub(crate) fn name(text: &str) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut number =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut name = String::new();
    while number > 0 {
        name.push(char::from(LETTERS[number as usize % LETTERS.len()]));
        number /= 27;
    }
    name
}
