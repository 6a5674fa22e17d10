//! What a workload issued, in order, and which states a crash may leave behind.

use std::collections::BTreeMap;

use mosskv::{Durability, Engine, IterOptions, Result, WriteBatch};

/// The contents of a database.
pub type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

/// One logical write.
#[derive(Debug, Clone)]
pub enum Write {
    /// A key gets a value.
    Put(Vec<u8>, Vec<u8>),
    /// A key goes.
    Delete(Vec<u8>),
    /// All keys from the first up to the second, exclusive, go.
    DeleteRange(Vec<u8>, Vec<u8>),
}

impl Write {
    /// Does to `contents` what the engine must do to the database.
    pub fn apply(&self, contents: &mut Contents) {
        match self {
            Self::Put(key, value) => drop(contents.insert(key.clone(), value.clone())),
            Self::Delete(key) => drop(contents.remove(key)),
            Self::DeleteRange(start, end) => contents.retain(|key, _| key < start || key >= end),
        }
    }

    fn add_to(&self, batch: &mut WriteBatch) -> Result<()> {
        match self {
            Self::Put(key, value) => batch.put(key, value),
            Self::Delete(key) => batch.delete(key),
            Self::DeleteRange(start, end) => batch.delete_range(start, end),
        }
    }
}

/// The states a database went through, one after each batch, and how many of them may not be lost.
#[derive(Debug, Clone)]
pub struct History {
    states: Vec<Contents>,
    survives_kill: usize,
    survives_power_loss: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { states: vec![Contents::new()], survives_kill: 0, survives_power_loss: 0 }
    }
}

impl History {
    /// The newest state.
    pub fn now(&self) -> &Contents {
        self.states.last().unwrap_or(&EMPTY)
    }

    /// Issues one batch to `engine` and records it: as issued whatever comes back, as acknowledged if it succeeds.
    ///
    /// # Errors
    /// The engine's.
    pub fn write(&mut self, engine: &Engine, writes: &[Write], durability: Durability) -> Result<()> {
        let mut batch = WriteBatch::new();
        let mut next = self.now().clone();
        for write in writes {
            write.apply(&mut next);
            write.add_to(&mut batch)?;
        }
        self.states.push(next);
        engine.write(batch, Some(durability))?;
        let issued = self.states.len() - 1;
        if durability >= Durability::Os {
            self.survives_kill = issued;
        }
        if durability == Durability::Disk {
            self.survives_power_loss = issued;
        }
        Ok(())
    }

    /// Records that everything issued so far is on the disk (a flush or a clean close returned).
    pub fn settled(&mut self) {
        self.survives_kill = self.states.len() - 1;
        self.survives_power_loss = self.survives_kill;
    }

    /// Goes on from `contents`, after a write of unknown outcome.
    pub fn go_on_from(&mut self, contents: Contents) {
        self.states.push(contents);
    }

    /// Which of the recorded states `contents` is, if it is one that a crash may leave.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check(&self, contents: &Contents, killed_only: bool) -> std::result::Result<usize, String> {
        let least = if killed_only { self.survives_kill } else { self.survives_power_loss };
        let found = self.states.iter().enumerate().rev().find(|(_, state)| *state == contents);
        match found {
            Some((index, _)) if index >= least => Ok(index),
            Some((index, _)) => {
                Err(format!("state {index} of {}, but {least} was promised", self.states.len() - 1))
            }
            None => Err(format!(
                "{} keys that are no state of the history ({} states, at least {least} promised)",
                contents.len(),
                self.states.len() - 1
            )),
        }
    }
}

static EMPTY: Contents = Contents::new();

/// Everything in the database, read forward; and checked to be the same backward and by point reads.
///
/// # Errors
/// The engine's, and any disagreement in words.
pub fn contents(engine: &Engine) -> std::result::Result<Contents, String> {
    let mut forward = Vec::new();
    let mut iter = engine.iter(&IterOptions::default()).map_err(|e| format!("{e:?}"))?;
    iter.seek_to_first().map_err(|e| format!("{e:?}"))?;
    while iter.valid() {
        forward.push((iter.key().to_vec(), iter.value().to_vec()));
        iter.next().map_err(|e| format!("{e:?}"))?;
    }
    let mut backward = Vec::new();
    iter.seek_to_last().map_err(|e| format!("{e:?}"))?;
    while iter.valid() {
        backward.push((iter.key().to_vec(), iter.value().to_vec()));
        iter.prev().map_err(|e| format!("{e:?}"))?;
    }
    backward.reverse();
    if forward != backward {
        return Err(format!(
            "{} entries forward, {} backward, and they differ",
            forward.len(),
            backward.len()
        ));
    }
    for (key, value) in &forward {
        let read = engine.get(key).map_err(|e| format!("{e:?}"))?;
        if read.as_ref() != Some(value) {
            return Err(format!("get and scan disagree about key {:?}", String::from_utf8_lossy(key)));
        }
    }
    let count = forward.len();
    let contents: Contents = forward.into_iter().collect();
    if contents.len() == count { Ok(contents) } else { Err("a scan yielded a key twice".to_owned()) }
}
