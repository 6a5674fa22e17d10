//! The names of a database's files.
//!
//! One directory holds everything, and the engine touches only names this module recognises:
//!
//! ```text
//! 000012.wal        write-ahead log 12
//! 000013.mst        table 13
//! MANIFEST-000014   manifest 14
//! CURRENT           names the manifest in use
//! CURRENT.tmp       the next CURRENT, while it is being written
//! LOCK              held by the process that has the database open
//! ```
//!
//! Numbers have at least six digits and come from one counter, so no two files ever share one. Pure
//! functions; callable from any thread.

use std::fmt;
use std::io;

/// The name of a file of a database. `Display` writes it, [`FileName::parse`] reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// A write-ahead log.
    Wal(u64),
    /// A table.
    Table(u64),
    /// A manifest.
    Manifest(u64),
    /// The file that names the manifest in use.
    Current,
    /// The replacement of `Current` while it is written.
    CurrentTemp,
    /// The lock file.
    Lock,
}

impl FileName {
    /// The name in its one spelling, or `None` for a file that is not the engine's. Missing or surplus
    /// leading zeros, signs, and numbers beyond 64 bits are not the engine's.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "CURRENT" => return Some(Self::Current),
            "CURRENT.tmp" => return Some(Self::CurrentTemp),
            "LOCK" => return Some(Self::Lock),
            _ => {}
        }
        if let Some(digits) = name.strip_prefix("MANIFEST-") {
            return number(digits).map(Self::Manifest);
        }
        let (digits, extension) = name.split_once('.')?;
        match extension {
            "wal" => number(digits).map(Self::Wal),
            "mst" => number(digits).map(Self::Table),
            _ => None,
        }
    }

    /// The file number, for the kinds that have one.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Wal(n) | Self::Table(n) | Self::Manifest(n) => Some(n),
            Self::Current | Self::CurrentTemp | Self::Lock => None,
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wal(n) => write!(f, "{n:06}.wal"),
            Self::Table(n) => write!(f, "{n:06}.mst"),
            Self::Manifest(n) => write!(f, "MANIFEST-{n:06}"),
            Self::Current => f.write_str("CURRENT"),
            Self::CurrentTemp => f.write_str("CURRENT.tmp"),
            Self::Lock => f.write_str("LOCK"),
        }
    }
}

/// A number of at least six digits; more only when the first is not zero.
fn number(digits: &str) -> Option<u64> {
    let canonical = digits.len() == 6 || (digits.len() > 6 && !digits.starts_with('0'));
    let decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
    if canonical && decimal { digits.parse().ok() } else { None }
}

/// Refuses (`InvalidInput`) whatever is not a plain file name: empty, `.`, `..`, or with `/`, `\` or NUL in it.
pub fn check_plain(name: &str) -> io::Result<()> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\\', '\0']) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name:?} is not a plain file name"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
