//! WriteBatch: operations that become visible, and survive, together. Its bytes are the WAL payload.
//!
//! A batch is a plain value: it belongs to one thread at a time, and nothing here touches the disk. Inside the
//! engine the operations of a batch get consecutive sequence numbers, in the order they were added.
//!
//! ```text
//! batch = op op op ...
//! op    = kind u8 | key length varint | key | [ value length varint | value ]      no value part for Delete
//!         kind: 0 Delete, 1 Set, 4 RangeDelete (key = start, value = end, exclusive),
//!               6 SetWithExpiry (value = expiry u64, then the user's value)
//!         bit 0x80 of kind is reserved: a keyspace id would follow
//! ```
//!
//! Invariant of [`WriteBatch`]: its bytes are well formed and hold exactly `len()` operations. [`ops`] reads
//! bytes that are not known to be.

#![deny(clippy::indexing_slicing)]

use std::fmt;
use std::sync::Arc;

use crate::codec::{Reader, put_bytes, put_varint};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::EXPIRY_BYTES;
use crate::key::{Kind, MAX_KEY_BYTES, MAX_VALUE_BYTES};

/// The most bytes of a batch, and of a group of batches in one WAL frame: 2 GiB, so that lengths fit 32 bits.
pub const MAX_BATCH_BYTES: usize = 1 << 31;

/// The most bytes an operation takes besides its key and value: the kind and two lengths.
const OP_OVERHEAD: usize = 1 + 3 + 5;

/// One operation of a batch, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op<'a> {
    /// What is done.
    pub kind: Kind,
    /// The user key; of a range delete, the first key that goes.
    pub key: &'a [u8],
    /// The value; empty for a delete; of a range delete, the first key that stays; of a SetWithExpiry, its expiry and
    /// the user's value (see [`crate::expiry::split`]).
    pub value: &'a [u8],
}

/// Memory of somebody else that a batch can lie in. It gives the same bytes each time.
pub type Lent = dyn AsRef<[u8]> + Send + Sync;

/// Operations to be applied together: all of them or none, after any crash.
#[derive(Clone, Default)]
pub struct WriteBatch {
    /// Where the operations lie, if not in `bytes`, which is empty then.
    lent: Option<Arc<Lent>>,
    bytes: Vec<u8>,
    count: u32,
}

impl PartialEq for WriteBatch {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for WriteBatch {}

impl fmt::Debug for WriteBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ops()).finish()
    }
}

impl WriteBatch {
    /// An empty batch.
    pub const fn new() -> Self {
        Self { lent: None, bytes: Vec::new(), count: 0 }
    }

    /// An empty batch with room for `bytes` bytes of encoded operations.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { lent: None, bytes: Vec::with_capacity(bytes), count: 0 }
    }

    /// Adds "`key` has `value`". A key over 64 KiB, a value over 1 GiB, or a batch that would pass
    /// [`MAX_BATCH_BYTES`] is `InvalidArgument`, and the batch stays as it was.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        check_key("key", key)?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(too_long("value", value.len(), MAX_VALUE_BYTES));
        }
        self.add(Kind::Set, key, &[value])
    }

    /// Adds "`key` has `value` until `expires_at`", in milliseconds of the Unix epoch; from then on the key is absent. A
    /// moment that has passed makes it absent at once. Limits as in [`put`](Self::put), the value 8 bytes less.
    pub fn put_with_expiry(&mut self, key: &[u8], value: &[u8], expires_at: u64) -> Result<()> {
        check_key("key", key)?;
        if value.len() > MAX_VALUE_BYTES - EXPIRY_BYTES {
            return Err(too_long("value", value.len(), MAX_VALUE_BYTES - EXPIRY_BYTES));
        }
        self.add(Kind::SetWithExpiry, key, &[&expires_at.to_le_bytes(), value])
    }

    /// Adds "`key` is gone". Limits as in [`put`](Self::put).
    pub fn delete(&mut self, key: &[u8]) -> Result<()> {
        check_key("key", key)?;
        self.add(Kind::Delete, key, &[])
    }

    /// Adds "every key from `start` up to `end`, without `end`, is gone". `start == end` adds nothing;
    /// `start > end` is `InvalidArgument`. Limits as in [`put`](Self::put).
    pub fn delete_range(&mut self, start: &[u8], end: &[u8]) -> Result<()> {
        check_key("start", start)?;
        check_key("end", end)?;
        match start.cmp(end) {
            std::cmp::Ordering::Less => self.add(Kind::RangeDelete, start, &[end]),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(Error::invalid("start is after end: swap them")),
        }
    }

    /// Removes all operations and keeps the memory.
    pub fn clear(&mut self) {
        self.lent = None;
        self.bytes.clear();
        self.count = 0;
    }

    /// The number of operations.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is no operation.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The encoded operations: what the WAL stores.
    pub fn bytes(&self) -> &[u8] {
        self.lent.as_ref().map_or(&self.bytes, |owner| (**owner).as_ref())
    }

    /// A batch from encoded operations, each of them checked: bytes that [`put`](Self::put),
    /// [`delete`](Self::delete) and [`delete_range`](Self::delete_range) would not have written are `Corruption`.
    /// One pass, no copy.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self { lent: None, bytes, count: 0 }.counted()
    }

    /// Like [`from_bytes`](Self::from_bytes) for bytes that stay where they are; their owner is dropped when the
    /// batch is in the log and in the memtable, or was refused.
    pub fn from_lent(owner: Arc<Lent>) -> Result<Self> {
        Self { lent: Some(owner), bytes: Vec::new(), count: 0 }.counted()
    }

    fn counted(mut self) -> Result<Self> {
        let length = self.bytes().len();
        if length > MAX_BATCH_BYTES {
            return Err(too_long("batch", length, MAX_BATCH_BYTES));
        }
        let mut count = 0;
        for op in ops(self.bytes()) {
            op?;
            count += 1;
        }
        self.count = count;
        Ok(self)
    }

    /// The operations, in the order they were added.
    pub fn ops(&self) -> impl Iterator<Item = Op<'_>> {
        ops(self.bytes()).map_while(Result::ok)
    }

    /// Adds an operation whose value is `parts` together; none for an operation without a value.
    fn add(&mut self, kind: Kind, key: &[u8], parts: &[&[u8]]) -> Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let size = key.len() + length + OP_OVERHEAD;
        if self.bytes().len() + size > MAX_BATCH_BYTES {
            return Err(too_long("batch", self.bytes().len() + size, MAX_BATCH_BYTES));
        }
        if let Some(owner) = self.lent.take() {
            self.bytes = (*owner).as_ref().to_vec();
        }
        self.bytes.reserve(size);
        self.bytes.push(kind as u8);
        put_bytes(&mut self.bytes, key);
        if !parts.is_empty() {
            put_varint(&mut self.bytes, length as u64);
            parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        }
        self.count += 1;
        Ok(())
    }
}

fn check_key(name: &str, key: &[u8]) -> Result<()> {
    if key.len() > MAX_KEY_BYTES { Err(too_long(name, key.len(), MAX_KEY_BYTES)) } else { Ok(()) }
}

fn too_long(name: &str, length: usize, limit: usize) -> Error {
    Error::invalid(format!("{name} has {length} bytes: at most {limit} are allowed"))
}

/// The operations in `bytes`, which may be anything: an operation that is not well formed yields one
/// `Corruption` error that names its position, and ends the iteration.
pub fn ops(bytes: &[u8]) -> OpsIter<'_> {
    OpsIter { reader: Reader::new(bytes), failed: false }
}

/// Iterator over encoded operations; made by [`ops`].
#[derive(Clone)]
pub struct OpsIter<'a> {
    reader: Reader<'a>,
    failed: bool,
}

impl<'a> Iterator for OpsIter<'a> {
    type Item = Result<Op<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.reader.is_empty() {
            return None;
        }
        let start = self.reader.position();
        let op = read_op(&mut self.reader);
        self.failed = op.is_none();
        Some(op.ok_or_else(|| malformed(start)))
    }
}

#[inline]
fn read_op<'a>(reader: &mut Reader<'a>) -> Option<Op<'a>> {
    let kind = Kind::from_u8(reader.u8()?)?;
    let key = reader.bytes()?;
    let value: &[u8] = if kind == Kind::Delete { &[] } else { reader.bytes()? };
    let fits = key.len() <= MAX_KEY_BYTES
        && match kind {
            Kind::RangeDelete => value.len() <= MAX_KEY_BYTES && key < value,
            Kind::SetWithExpiry => (EXPIRY_BYTES..=MAX_VALUE_BYTES).contains(&value.len()),
            _ => value.len() <= MAX_VALUE_BYTES,
        };
    fits.then_some(Op { kind, key, value })
}

#[cold]
fn malformed(position: usize) -> Error {
    Error::new(ErrorKind::Corruption, format!("batch at byte {position}: not an operation"))
}

#[cfg(test)]
mod tests;
