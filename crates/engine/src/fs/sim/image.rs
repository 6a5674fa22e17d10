//! Copies of a simulated disk: as power loss or the end of a process may leave it.
//!
//! Only `sim` calls this, under its lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directory::{Directory, Entries, Names, Node};
use super::file::{Content, FileNode, FileState};

/// What survives a power loss of the changes that were not synced. What was synced always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Nothing.
    OnlySynced,
    /// Everything.
    EverythingKept,
    /// All names, but no content: what a file renamed before its sync looks like.
    OnlyNames,
    /// All content, but no names: what a new file in a directory that was not synced looks like.
    OnlyContent,
    /// All names; of each file any subset of the sectors, and any length it had since its sync.
    RandomSectors,
    /// As `RandomSectors`; new sectors that were lost hold what removed files had there, not zeros. File
    /// systems that journal only metadata do that.
    StaleSectors,
    /// All names and content, except that the last write to each file is there only in part.
    TornLast,
    /// All content, and some first changes of each directory.
    DirectoryPrefix,
    /// All content, and any changes of each directory that make sense together.
    DirectorySubset,
    /// Each file and directory in one of these ways.
    Anything,
}

impl Style {
    /// Every style.
    pub const ALL: [Self; 10] = [
        Self::OnlySynced,
        Self::EverythingKept,
        Self::OnlyNames,
        Self::OnlyContent,
        Self::RandomSectors,
        Self::StaleSectors,
        Self::TornLast,
        Self::DirectoryPrefix,
        Self::DirectorySubset,
        Self::Anything,
    ];

    fn content(self, random: &mut Random) -> Content {
        match self {
            Self::OnlySynced | Self::OnlyNames => Content::Synced,
            Self::EverythingKept | Self::OnlyContent | Self::DirectoryPrefix | Self::DirectorySubset => {
                Content::All
            }
            Self::RandomSectors => Content::Random,
            Self::StaleSectors => Content::Stale,
            Self::TornLast => Content::Torn,
            Self::Anything => match random.below(6) {
                0 => Content::Synced,
                1 => Content::All,
                2 => Content::Torn,
                3 => Content::Stale,
                _ => Content::Random,
            },
        }
    }

    fn names(self, random: &mut Random) -> Names {
        match self {
            Self::OnlySynced | Self::OnlyContent => Names::Synced,
            Self::DirectoryPrefix => Names::Prefix,
            Self::DirectorySubset => Names::Subset,
            Self::Anything => match random.below(3) {
                0 => Names::All,
                1 => Names::Prefix,
                _ => Names::Subset,
            },
            _ => Names::All,
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same everywhere.
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; zero if `bound` is.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }
}

/// A tree as power loss may leave it.
pub(super) fn after_power_loss(
    root: &Directory,
    graves: &[Arc<Vec<u8>>],
    seed: u64,
    style: Style,
) -> Arc<Directory> {
    lose(root, graves, style, &mut Random(seed))
}

fn lose(old: &Directory, graves: &[Arc<Vec<u8>>], style: Style, random: &mut Random) -> Arc<Directory> {
    let names = style.names(random);
    let mut entries = Entries::new();
    for (name, node) in old.image(names, random) {
        let node = match node {
            Node::Directory(directory) => Node::Directory(lose(&directory, graves, style, random)),
            Node::File(file) => {
                let content = style.content(random);
                let bytes = file.state.lock().image(content, graves, random);
                Node::File(FileNode::with(file.inode, FileState::holding(bytes)))
            }
        };
        entries.insert(name, node);
    }
    Directory::new(old.inode(), entries)
}

/// A tree as the end of the process leaves it.
pub(super) fn after_kill(root: &Directory) -> Arc<Directory> {
    copy(root, &mut BTreeMap::new())
}

/// `copied` keeps a node that occurs several times, now and in the log, one node.
fn copy(directory: &Directory, copied: &mut BTreeMap<u64, Node>) -> Arc<Directory> {
    directory.copy(|node| {
        if let Some(done) = copied.get(&node.inode()) {
            return done.clone();
        }
        let new = match node {
            Node::Directory(inner) => Node::Directory(copy(inner, copied)),
            Node::File(file) => {
                let mut state = file.state.lock().clone();
                state.unlock();
                Node::File(FileNode::with(file.inode, state))
            }
        };
        copied.insert(node.inode(), new.clone());
        new
    })
}
