//! A page of an iterator: some entries, packed.
//!
//! ```text
//! page    flags u8 | entries u32 | bytes of the values u32 | values | keys        little endian
//! value   length varint | value      only when values were asked for; keys are the same
//! flags   bit 0: this was the last page, bit 1: keys are ASCII, bit 2: values are, and were asked for as text
//! ```
//!
//! Keys lie beside keys: JavaScript decodes many of them at once, and would decode the values between them as well.

use mosskv::codec::put_bytes;

const LAST: u8 = 1;
const ASCII_KEYS: u8 = 2;
const ASCII_VALUES: u8 = 4;
const HEADER: usize = 9;

/// A page that is being filled, or is finished.
#[derive(Default)]
pub struct Page {
    /// The finished page; until then without what the header says, and without the keys.
    bytes: Vec<u8>,
    keys: Vec<u8>,
    entries: usize,
    flags: u8,
}

impl Page {
    /// A page that is to have about so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Begins it, or begins it anew.
    pub fn begin(&mut self, text_values: bool) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&[0; HEADER]);
        self.keys.clear();
        self.entries = 0;
        self.flags = ASCII_KEYS | if text_values { ASCII_VALUES } else { 0 };
    }

    /// How many bytes it has so far.
    #[inline]
    pub fn size(&self) -> usize {
        self.bytes.len() + self.keys.len()
    }

    /// How many entries it has so far.
    #[inline]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Adds the parts of an entry that were asked for.
    #[inline]
    pub fn push(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) {
        if let Some(key) = key {
            if self.flags & ASCII_KEYS != 0 && !key.is_ascii() {
                self.flags &= !ASCII_KEYS;
            }
            put_bytes(&mut self.keys, key);
        }
        if let Some(value) = value {
            if self.flags & ASCII_VALUES != 0 && !value.is_ascii() {
                self.flags &= !ASCII_VALUES;
            }
            put_bytes(&mut self.bytes, value);
        }
        self.entries += 1;
    }

    /// Nothing comes after it.
    pub fn set_last(&mut self) {
        self.flags |= LAST;
    }

    /// Whether nothing comes after it.
    pub fn is_last(&self) -> bool {
        self.flags & LAST != 0
    }

    /// Puts it together.
    pub fn finish(&mut self) {
        let values = self.bytes.len().saturating_sub(HEADER) as u32;
        let [e0, e1, e2, e3] = (self.entries as u32).to_le_bytes();
        let [v0, v1, v2, v3] = values.to_le_bytes();
        if let Some(header) = self.bytes.first_chunk_mut::<HEADER>() {
            *header = [self.flags, e0, e1, e2, e3, v0, v1, v2, v3];
        }
        self.bytes.append(&mut self.keys);
    }

    /// The finished page.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The finished page.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
