//! A lane that runs tasks: cold reads, removal of files.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::lane::Spread;
use super::{Executor, LaneId, Poll, Priority};
use crate::error::Result;
use crate::sync::Mutex;

/// Something to be run once, on another thread.
pub type Task = Box<dyn FnOnce() + Send>;

/// Tasks for the threads of one lane, run in the order they were pushed (and side by side, with several threads). Clones push
/// to the same lane.
///
/// No task is lost: a shutdown runs what is queued, and a task pushed after it is handed back.
#[derive(Clone)]
pub struct TaskQueue {
    tasks: Arc<Mutex<VecDeque<Task>>>,
    executor: Executor,
    lane: LaneId,
}

impl TaskQueue {
    /// A queue served by `threads` threads named `name`.
    ///
    /// # Errors
    /// Those of [`Executor::add_lane`].
    pub fn new(executor: &Executor, name: &'static str, threads: usize) -> Result<Self> {
        Self::new_at(Priority::Normal, executor, name, threads)
    }

    /// [`TaskQueue::new`] with a priority.
    pub fn new_at(
        priority: Priority,
        executor: &Executor,
        name: &'static str,
        threads: usize,
    ) -> Result<Self> {
        let tasks = Arc::new(Mutex::new(VecDeque::<Task>::new()));
        let queue = Arc::clone(&tasks);
        let poll = move || {
            let task = queue.lock().pop_front();
            match task {
                Some(task) => {
                    task();
                    Poll::Worked
                }
                None => Poll::Idle,
            }
        };
        let lane = executor.add(name, threads, priority, Spread::ByNotification, Box::new(poll))?;
        Ok(Self { tasks, executor: executor.clone(), lane })
    }

    /// Hands over a task. `Err` gives it back when the executor is shut down: the caller runs it or drops it.
    pub fn push(&self, task: Task) -> Result<(), Task> {
        let mut tasks = self.tasks.lock();
        tasks.push_back(task);
        // Under the lock: a lane that is alive here looks into the queue once more before it ends.
        if self.executor.try_notify(self.lane) {
            return Ok(());
        }
        tasks.pop_back().map_or(Ok(()), Err)
    }

    /// How many tasks have not begun.
    pub fn len(&self) -> usize {
        self.tasks.lock().len()
    }

    /// Whether every task has begun.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for TaskQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskQueue({} waiting)", self.len())
    }
}
