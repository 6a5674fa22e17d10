//! Open: manifest, WALs, clean-up.
