//! Lanes, waits, panics and the shutdown, with threads and stepped.

mod shutdown;
mod stepped;

use super::*;
use crate::sync::AtomicUsize;

/// Long enough that only a defect gets there.
const LONG: Duration = Duration::from_secs(20);

fn both() -> [Executor; 2] {
    [Executor::threads(), Executor::stepped(7)]
}

/// Counts, and a gate that is notified with each count.
#[derive(Clone, Default)]
struct Tally {
    count: Arc<AtomicUsize>,
    gate: Gate,
}

impl Tally {
    fn add(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.gate.notify();
    }

    fn get(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    fn wait(&self, executor: &Executor, at_least: usize) -> Result<()> {
        executor.wait_until(&self.gate, || (self.get() >= at_least).then_some(()))
    }
}

/// Takes one from a stock of work; the work done is tallied.
fn worker_on(stock: &Arc<AtomicUsize>, done: &Tally) -> impl Fn() -> Poll + Send + Sync + 'static {
    let (stock, done) = (Arc::clone(stock), done.clone());
    move || match stock.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)) {
        Ok(_) => {
            done.add();
            Poll::Worked
        }
        Err(_) => Poll::Idle,
    }
}

#[test]
fn a_notified_lane_works_and_the_waiter_sees_it() {
    for executor in both() {
        let (stock, done) = (Arc::default(), Tally::default());
        let lane = executor.add_lane("moss-test", 1, worker_on(&stock, &done)).unwrap();
        for round in 1..=1_000 {
            stock.fetch_add(1, Ordering::AcqRel);
            executor.notify(lane);
            done.wait(&executor, round).unwrap();
        }
        assert_eq!(done.get(), 1_000);
    }
}

#[test]
fn no_notification_is_lost_with_many_producers_and_threads() {
    let executor = Executor::threads();
    let (stock, done) = (Arc::default(), Tally::default());
    let lane = executor.add_lane("moss-test", 3, worker_on(&stock, &done)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    stock.fetch_add(1, Ordering::AcqRel);
                    executor.notify(lane);
                }
            });
        }
    });
    done.wait(&executor, 8_000).unwrap();
    assert_eq!(done.get(), 8_000);
}

#[test]
fn many_waiters_each_see_their_own_condition() {
    let executor = Executor::threads();
    let done = Tally::default();
    std::thread::scope(|scope| {
        for wanted in 1..=8 {
            let (executor, done) = (&executor, &done);
            scope.spawn(move || done.wait(executor, wanted).unwrap());
        }
        for _ in 0..8 {
            done.add();
        }
    });
}

/// Tells whether two callers were inside at the same time.
fn meet(executor: &Executor, arrivals: &Tally) -> bool {
    arrivals.add();
    executor.wait_until_timeout(&arrivals.gate, LONG, || (arrivals.get() >= 2).then_some(())).is_some()
}

#[test]
fn two_tasks_run_side_by_side_on_two_threads() {
    let executor = Executor::threads();
    let queue = TaskQueue::new(&executor, "moss-test", 2).unwrap();
    let (arrivals, met) = (Tally::default(), Tally::default());
    for _ in 0..2 {
        let (executor, arrivals, met) = (executor.clone(), arrivals.clone(), met.clone());
        let task: Task = Box::new(move || {
            if meet(&executor, &arrivals) {
                met.add();
            }
        });
        assert!(queue.push(task).is_ok());
    }
    assert!(
        executor.wait_until_timeout(&met.gate, LONG, || (met.get() == 2).then_some(())).is_some(),
        "the second task waited for the first"
    );
    executor.shutdown();
}

#[test]
fn a_poll_that_worked_wakes_a_sibling() {
    let executor = Executor::threads();
    let (polls, arrivals, met) = (Tally::default(), Tally::default(), Tally::default());
    let poll = {
        let (executor, polls, arrivals, met) =
            (executor.clone(), polls.clone(), arrivals.clone(), met.clone());
        move || {
            polls.add();
            if polls.get() == 1 {
                return Poll::Worked;
            }
            if meet(&executor, &arrivals) {
                met.add();
            }
            Poll::Idle
        }
    };
    let lane = executor.add_lane("moss-test", 2, poll).unwrap();
    executor.notify(lane);
    assert!(executor.wait_until_timeout(&met.gate, LONG, || (met.get() >= 2).then_some(())).is_some());
    executor.shutdown();
}

#[test]
fn a_panic_is_reported_and_the_lane_lives_on() {
    for executor in both() {
        let reports = Arc::new(Mutex::new(Vec::new()));
        executor.set_panic_hook({
            let reports = Arc::clone(&reports);
            move |lane, message| {
                reports.lock().push(format!("{lane}: {message}"));
                panic!("in the hook");
            }
        });
        let polls = Tally::default();
        let poll = {
            let polls = polls.clone();
            move || {
                let number = polls.get();
                polls.add();
                match number {
                    0 => panic!("plain"),
                    1 => panic!("formatted {number}"),
                    2 => std::panic::panic_any(5),
                    _ => Poll::Idle,
                }
            }
        };
        let lane = executor.add_lane("moss-test", 1, poll).unwrap();
        for round in 1..=4 {
            executor.notify(lane);
            polls.wait(&executor, round).unwrap();
        }
        executor.shutdown();
        let expected = ["moss-test: plain", "moss-test: formatted 1", "moss-test: a panic without a message"];
        assert_eq!(*reports.lock(), expected);
    }
}

#[test]
fn a_task_that_panics_does_not_hold_up_those_behind_it() {
    for executor in both() {
        let queue = TaskQueue::new(&executor, "moss-test", 1).unwrap();
        let (hold, done) = (Tally::default(), Tally::default());
        for number in 0..10 {
            let (executor, hold, done) = (executor.clone(), hold.clone(), done.clone());
            let task: Task = Box::new(move || {
                if number == 0 && !executor.is_stepped() {
                    hold.wait(&executor, 1).unwrap();
                }
                done.add();
                assert!(number % 2 == 0, "task {number}");
            });
            assert!(queue.push(task).is_ok());
        }
        hold.add();
        done.wait(&executor, 10).unwrap();
        assert!(queue.is_empty());
    }
}

#[test]
fn tasks_of_one_thread_run_in_order() {
    for executor in both() {
        let queue = TaskQueue::new(&executor, "moss-test", 1).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        for number in 0..100 {
            let seen = Arc::clone(&seen);
            assert!(queue.push(Box::new(move || seen.lock().push(number))).is_ok());
        }
        executor.shutdown();
        assert_eq!(*seen.lock(), (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_timed_wait_ends_when_the_time_is_over() {
    let executor = Executor::threads();
    let before = executor.clock().micros();
    let limit = Duration::from_millis(20);
    assert_eq!(executor.wait_until_timeout(&Gate::new(), limit, || None::<()>), None);
    assert!(executor.clock().micros() - before >= 20_000);
}

#[test]
fn a_timed_wait_ends_early_with_the_condition() {
    let executor = Executor::threads();
    let done = Tally::default();
    std::thread::scope(|scope| {
        let waiter = scope
            .spawn(|| executor.wait_until_timeout(&done.gate, LONG, || (done.get() == 3).then_some("three")));
        for _ in 0..3 {
            done.add();
        }
        assert_eq!(waiter.join().unwrap(), Some("three"));
    });
    assert!(executor.clock().micros() < LONG.as_micros() as u64);
}

#[cfg(target_os = "linux")]
#[test]
fn a_lane_runs_at_its_priority_below_who_adds_it() {
    let executor = Executor::threads();
    let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).ok();
    let hooked = Arc::new(Mutex::new(Vec::new()));
    executor.set_start_hook({
        let hooked = Arc::clone(&hooked);
        move |priority| hooked.lock().push((priority, nice()))
    });
    let own = rustix::process::getpriority_process(None).unwrap();
    for (priority, nicer) in [(Priority::Low, 10), (Priority::Normal, 0)] {
        let (polls, polled) = (Tally::default(), Arc::new(Mutex::new(None)));
        let poll = {
            let (polls, polled) = (polls.clone(), Arc::clone(&polled));
            move || {
                *polled.lock() = nice();
                polls.add();
                Poll::Idle
            }
        };
        let lane = executor.add_lane_at(priority, "moss-test", 1, poll).unwrap();
        executor.notify(lane);
        polls.wait(&executor, 1).unwrap();
        let expected = Some((own + nicer).min(19));
        assert_eq!(*polled.lock(), expected);
        assert_eq!(
            hooked.lock().pop(),
            Some((priority, expected)),
            "the hook runs once, after the niceness is set"
        );
    }
    assert!(hooked.lock().is_empty());
}

#[test]
fn a_start_hook_that_panics_is_reported_and_the_lane_runs() {
    let executor = Executor::threads();
    let reports = Arc::new(Mutex::new(Vec::new()));
    executor.set_panic_hook({
        let reports = Arc::clone(&reports);
        move |lane, message| reports.lock().push((lane, message))
    });
    executor.set_start_hook(|_| panic!("planted"));
    let polls = Tally::default();
    let poll = {
        let polls = polls.clone();
        move || {
            polls.add();
            Poll::Idle
        }
    };
    let lane = executor.add_lane("moss-test", 1, poll).unwrap();
    executor.notify(lane);
    polls.wait(&executor, 1).unwrap();
    assert_eq!(*reports.lock(), [("moss-test", "planted".to_owned())]);
}
