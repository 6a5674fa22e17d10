//! The same code under schedules that `shuttle` chooses.

use super::*;
use crate::sync::AtomicUsize;

/// Schedules for each test.
const ROUNDS: usize = 2_000;

fn check(test: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(test, ROUNDS);
}

#[test]
fn no_notification_and_no_wake_up_is_lost() {
    check(|| {
        let executor = Executor::threads();
        let (stock, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let gate = Gate::new();
        let poll = {
            let (stock, done, gate) = (Arc::clone(&stock), Arc::clone(&done), gate.clone());
            move || {
                let took = stock.swap(0, Ordering::SeqCst);
                if took == 0 {
                    return Poll::Idle;
                }
                done.fetch_add(took, Ordering::SeqCst);
                gate.notify();
                Poll::Worked
            }
        };
        let lane = executor.add_lane("moss-test", 2, poll).unwrap();
        let producers: Vec<_> = (0..2)
            .map(|_| {
                let (executor, stock) = (executor.clone(), Arc::clone(&stock));
                thread::spawn(move || {
                    for _ in 0..2 {
                        stock.fetch_add(1, Ordering::SeqCst);
                        executor.notify(lane);
                    }
                })
            })
            .collect();
        executor.wait_until(&gate, || (done.load(Ordering::SeqCst) == 4).then_some(())).unwrap();
        for producer in producers {
            producer.join().unwrap();
        }
        executor.shutdown();
    });
}

#[test]
fn a_shutdown_ends_every_wait() {
    check(|| {
        let executor = Executor::threads();
        let gate = Gate::new();
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let (executor, gate) = (executor.clone(), gate.clone());
                thread::spawn(move || executor.wait_until(&gate, || None::<()>).unwrap_err())
            })
            .collect();
        let noise = thread::spawn(move || gate.notify());
        executor.shutdown();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), ErrorKind::Closed);
        }
        noise.join().unwrap();
    });
}

#[test]
fn a_task_is_run_or_given_back_never_both_and_never_neither() {
    check(|| {
        let executor = Executor::threads();
        let queue = TaskQueue::new(&executor, "moss-test", 2).unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        let pushers: Vec<_> = (0..2)
            .map(|_| {
                let (queue, done) = (queue.clone(), Arc::clone(&done));
                thread::spawn(move || {
                    let mut back = 0;
                    for _ in 0..2 {
                        let done = Arc::clone(&done);
                        let task: Task = Box::new(move || {
                            done.fetch_add(1, Ordering::SeqCst);
                        });
                        back += usize::from(queue.push(task).is_err());
                    }
                    back
                })
            })
            .collect();
        executor.shutdown();
        let back: usize = pushers.into_iter().map(|pusher| pusher.join().unwrap()).sum();
        assert_eq!(done.load(Ordering::SeqCst) + back, 4);
    });
}

#[test]
fn lanes_and_the_foreground_may_shut_down_together() {
    check(|| {
        let executor = Executor::threads();
        let poll = {
            let executor = executor.clone();
            move || {
                executor.shutdown();
                Poll::Idle
            }
        };
        let lane = executor.add_lane("moss-test", 2, poll).unwrap();
        executor.notify(lane);
        executor.notify(lane);
        executor.shutdown();
    });
}
