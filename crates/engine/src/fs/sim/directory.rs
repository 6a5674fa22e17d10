//! One directory of the simulated disk: the entries now, the durable entries, and the changes in between.
//!
//! Only `sim` calls this, and changes only under its lock.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::file::FileNode;
use super::image::Random;
use crate::sync::Mutex;

/// What an entry names.
#[derive(Clone)]
pub(super) enum Node {
    File(Arc<FileNode>),
    Directory(Arc<Directory>),
}

impl Node {
    pub(super) fn inode(&self) -> u64 {
        match self {
            Self::File(file) => file.inode,
            Self::Directory(directory) => directory.inode,
        }
    }
}

/// Names and what they name.
pub(super) type Entries = BTreeMap<String, Node>;

/// A change that no sync has covered.
#[derive(Clone)]
enum Change {
    Link { name: String, node: Node },
    Unlink { name: String, node: Node },
    Rename { from: String, to: String, node: Node },
}

/// How many of the unsynced changes of names an image keeps.
#[derive(Clone, Copy)]
pub(super) enum Names {
    /// None.
    Synced,
    /// All.
    All,
    /// Any first ones, as a journal keeps them.
    Prefix,
    /// Any of them that make sense together.
    Subset,
}

/// A directory.
pub(super) struct Directory {
    inode: u64,
    state: Mutex<State>,
}

#[derive(Clone)]
struct State {
    now: Entries,
    durable: Entries,
    unsynced: Vec<Change>,
    removed: bool,
}

impl Directory {
    /// A directory in which `entries` are durable.
    pub(super) fn new(inode: u64, entries: Entries) -> Arc<Self> {
        let state = State { now: entries.clone(), durable: entries, unsynced: Vec::new(), removed: false };
        Arc::new(Self { inode, state: Mutex::new(state) })
    }

    pub(super) fn inode(&self) -> u64 {
        self.inode
    }

    pub(super) fn get(&self, name: &str) -> Option<Node> {
        self.state.lock().now.get(name).cloned()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.state.lock().now.keys().cloned().collect()
    }

    /// Bytes in all files below.
    pub(super) fn bytes(&self) -> u64 {
        let entries = self.state.lock().now.clone();
        let sizes = entries.values().map(|node| match node {
            Node::File(file) => file.state.lock().len(),
            Node::Directory(directory) => directory.bytes(),
        });
        sizes.sum()
    }

    /// What has the name; if nothing does, `make` gets it.
    pub(super) fn get_or_link(&self, name: &str, make: impl FnOnce() -> Node) -> io::Result<Node> {
        let mut state = self.state.lock();
        if let Some(node) = state.now.get(name) {
            return Ok(node.clone());
        }
        if state.removed {
            return Err(io::ErrorKind::NotFound.into());
        }
        let node = make();
        state.change(Change::Link { name: name.to_owned(), node: node.clone() });
        Ok(node)
    }

    /// Takes the name away from what has it.
    pub(super) fn unlink(&self, name: &str) {
        let mut state = self.state.lock();
        if let Some(node) = state.now.get(name).cloned() {
            state.change(Change::Unlink { name: name.to_owned(), node });
        }
    }

    /// Gives what has the name `from` the name `to` instead.
    pub(super) fn rename(&self, from: &str, to: &str) {
        let mut state = self.state.lock();
        if let Some(node) = state.now.get(from).cloned() {
            state.change(Change::Rename { from: from.to_owned(), to: to.to_owned(), node });
        }
    }

    pub(super) fn sync(&self) {
        let mut state = self.state.lock();
        state.durable = state.now.clone();
        state.unsynced.clear();
    }

    /// Makes an empty directory one in which nothing can be made any more.
    pub(super) fn close(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if !state.now.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        state.removed = true;
        Ok(())
    }

    /// The entries a power loss may leave.
    pub(super) fn image(&self, names: Names, random: &mut Random) -> Entries {
        let state = self.state.lock();
        let mut entries = state.durable.clone();
        let changes = state.unsynced.len();
        let first = match names {
            Names::Synced => 0,
            Names::All | Names::Subset => changes,
            Names::Prefix => random.below(changes as u64 + 1) as usize,
        };
        for change in state.unsynced.iter().take(first) {
            if !matches!(names, Names::Subset) || random.below(2) == 0 {
                apply(&mut entries, change);
            }
        }
        entries
    }

    /// A copy in which every node is `copied`.
    pub(super) fn copy(&self, mut copied: impl FnMut(&Node) -> Node) -> Arc<Self> {
        let mut state = self.state.lock().clone();
        for node in state.now.values_mut().chain(state.durable.values_mut()) {
            *node = copied(node);
        }
        for change in &mut state.unsynced {
            let (Change::Link { node, .. } | Change::Unlink { node, .. } | Change::Rename { node, .. }) =
                change;
            *node = copied(node);
        }
        Arc::new(Self { inode: self.inode, state: Mutex::new(state) })
    }
}

impl State {
    fn change(&mut self, change: Change) {
        apply(&mut self.now, &change);
        self.unsynced.push(change);
    }
}

/// Carries out a change if the names are as it found them; otherwise one it builds on was lost, and so is it.
fn apply(entries: &mut Entries, change: &Change) {
    let has =
        |name: &String, node: &Node| entries.get(name).is_some_and(|found| found.inode() == node.inode());
    match change {
        Change::Link { name, node } => {
            entries.entry(name.clone()).or_insert_with(|| node.clone());
        }
        Change::Unlink { name, node } => {
            if has(name, node) {
                entries.remove(name);
            }
        }
        Change::Rename { from, to, node } => {
            if has(from, node) {
                entries.remove(from);
                entries.insert(to.clone(), node.clone());
            }
        }
    }
}
