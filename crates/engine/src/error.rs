//! One error type: what kind it is, what was being done, where, and what to do about it.
//!
//! An [`Error`] is one pointer wide and cheap to clone, because the first failure of a database is latched
//! and handed to everyone who asks afterwards, and because the followers of a failed commit leader all get
//! the leader's error (rocksdb #3096).

use std::fmt;
use std::io;
use std::sync::Arc;

/// The engine's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a program needs to know to react. Stable; more may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The key is not in the database (only from calls that require it to be).
    KeyNotFound,
    /// An argument or option is out of its allowed range. Nothing was changed.
    InvalidArgument,
    /// The operating system reported an error.
    Io,
    /// The disk or the quota is full.
    DiskFull,
    /// The process has no file descriptor left.
    TooManyFiles,
    /// Bytes on disk are not what was written.
    Corruption,
    /// Another process, or another engine of this process, has the directory open.
    Locked,
    /// The engine was closed.
    Closed,
    /// The engine accepts no writes: opened read-only, or a failure stopped them.
    ReadOnly,
    /// There is no database in the directory and none was to be created.
    DatabaseNotFound,
    /// There is a database in the directory and none was expected.
    DatabaseExists,
    /// The files were written by a newer or unknown format.
    UnsupportedFormat,
    /// The write failed at a point where it may or may not survive a crash. Never in part.
    CommitUnknown,
    /// The answer needs the disk, and the caller asked not to wait for it.
    WouldBlock,
    /// A defect in the engine (a caught panic, a broken invariant).
    Internal,
}

impl ErrorKind {
    /// The stable code users match on, for example `KEY_NOT_FOUND`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KeyNotFound => "KEY_NOT_FOUND",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::Io => "IO_ERROR",
            Self::DiskFull => "DISK_FULL",
            Self::TooManyFiles => "TOO_MANY_FILES",
            Self::Corruption => "CORRUPTION",
            Self::Locked => "DATABASE_LOCKED",
            Self::Closed => "DATABASE_CLOSED",
            Self::ReadOnly => "READ_ONLY",
            Self::DatabaseNotFound => "DATABASE_NOT_FOUND",
            Self::DatabaseExists => "DATABASE_EXISTS",
            Self::UnsupportedFormat => "UNSUPPORTED_FORMAT",
            Self::CommitUnknown => "COMMIT_UNKNOWN",
            Self::WouldBlock => "WOULD_BLOCK",
            Self::Internal => "INTERNAL",
        }
    }
}

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Source>,
}

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// An error: its [`ErrorKind`], a message that names the file and offset or the argument, and what caused it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

/// `ENFILE` and `EMFILE`; `ERROR_TOO_MANY_OPEN_FILES`.
const TOO_MANY_FILES: &[i32] = if cfg!(windows) { &[4] } else { &[23, 24] };

impl Error {
    /// An error of `kind` whose message says what was wrong, where, and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), source: None }))
    }

    /// An argument or option that was refused.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// Bytes of `file` at `offset` that are not what was written.
    pub fn corruption(file: impl fmt::Display, offset: u64, what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Corruption, format!("{file} at offset {offset}: {what}"))
    }

    /// A failed operating-system call: `action` on `file`. Full disks and exhausted descriptors get their
    /// own kinds.
    pub fn io(action: &str, file: impl fmt::Display, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
            _ if source.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) => {
                ErrorKind::TooManyFiles
            }
            _ => ErrorKind::Io,
        };
        let message = format!("cannot {action} {file}: {source}");
        Self(Arc::new(Inner { kind, message, source: Some(Arc::new(source)) }))
    }

    /// The same error seen from further out: `context` is put in front, the kind stays.
    pub fn context(&self, context: impl fmt::Display) -> Self {
        self.with_kind(self.kind(), context)
    }

    /// This error as the cause of one of another kind.
    pub fn with_kind(&self, kind: ErrorKind, context: impl fmt::Display) -> Self {
        let message = format!("{context}: {}", self.0.message);
        Self(Arc::new(Inner { kind, message, source: self.0.source.clone() }))
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code of the kind.
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}

impl PartialEq<ErrorKind> for Error {
    fn eq(&self, kind: &ErrorKind) -> bool {
        self.0.kind == *kind
    }
}
