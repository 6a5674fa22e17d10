//! What a shutdown ends, waits for, and gives back.

use super::*;

#[test]
fn it_joins_the_threads_and_drops_what_the_polls_held() {
    for executor in both() {
        let held = Arc::new(());
        let lane = executor
            .add_lane("moss-test", 2, {
                let (held, executor) = (Arc::clone(&held), executor.clone());
                move || {
                    let _ = (&held, &executor);
                    Poll::Idle
                }
            })
            .unwrap();
        executor.notify(lane);
        executor.shutdown();
        executor.shutdown();
        assert_eq!(Arc::strong_count(&held), 1);
        executor.notify(lane);
        assert!(!executor.step());
    }
}

#[test]
fn dropping_the_last_executor_shuts_down() {
    for executor in both() {
        let held = Arc::new(());
        let in_poll = Arc::clone(&held);
        executor
            .add_lane("moss-test", 2, move || {
                let _ = &in_poll;
                Poll::Idle
            })
            .unwrap();
        drop(executor);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}

#[test]
fn waits_end_with_closed() {
    let executor = Executor::threads();
    let asked = Tally::default();
    let gate = Gate::new();
    std::thread::scope(|scope| {
        let asking = &asked;
        let never = move || {
            asking.add();
            None::<()>
        };
        let waiter = scope.spawn({
            let (executor, gate) = (&executor, &gate);
            move || executor.wait_until(gate, never)
        });
        let timed = scope.spawn(|| executor.wait_until_timeout(&gate, LONG * 100, || None::<()>));
        asked.wait(&Executor::threads(), 1).unwrap();
        executor.shutdown();
        assert_eq!(waiter.join().unwrap().unwrap_err(), ErrorKind::Closed);
        assert_eq!(timed.join().unwrap(), None);
    });
    assert_eq!(executor.wait_until(&gate, || None::<()>).unwrap_err(), ErrorKind::Closed);
    assert_eq!(executor.wait_until(&gate, || Some(3)).unwrap(), 3);
}

#[test]
fn stepped_waits_end_with_closed() {
    let executor = Executor::stepped(1);
    executor.shutdown();
    assert_eq!(executor.wait_until(&Gate::new(), || None::<()>).unwrap_err(), ErrorKind::Closed);
    assert_eq!(executor.wait_until_timeout(&Gate::new(), LONG, || None::<()>), None);
}

#[test]
fn no_lane_can_be_added_afterwards() {
    for executor in both() {
        executor.shutdown();
        let error = executor.add_lane("moss-test", 1, || Poll::Idle).unwrap_err();
        assert_eq!(error, ErrorKind::Closed);
        assert!(TaskQueue::new(&executor, "moss-test", 1).is_err());
    }
}

#[test]
fn queued_tasks_are_run_and_later_ones_given_back() {
    for executor in both() {
        let queue = TaskQueue::new(&executor, "moss-test", 2).unwrap();
        let done = Tally::default();
        for _ in 0..100 {
            let done = done.clone();
            assert!(queue.push(Box::new(move || done.add())).is_ok());
        }
        executor.shutdown();
        assert_eq!(done.get(), 100);
        let task = {
            let done = done.clone();
            queue.push(Box::new(move || done.add())).unwrap_err()
        };
        assert_eq!((done.get(), queue.len()), (100, 0));
        task();
        assert_eq!(done.get(), 101);
    }
}

#[test]
fn a_lane_may_shut_down_its_own_executor() {
    let executor = Executor::threads();
    let (called, returned) = (Tally::default(), Tally::default());
    let poll = {
        let (executor, called, returned) = (executor.clone(), called.clone(), returned.clone());
        move || {
            called.add();
            // Both threads call at once: neither may wait for the other.
            let mut tries = 0;
            while called.get() < 2 && tries < 1_000_000 {
                tries += 1;
                std::thread::yield_now();
            }
            executor.shutdown();
            returned.add();
            Poll::Idle
        }
    };
    let lane = executor.add_lane("moss-test", 2, poll).unwrap();
    executor.notify(lane);
    executor.notify(lane);
    // An executor of its own: the one under test gives `Closed` as soon as a lane shuts it down.
    called.wait(&Executor::threads(), 1).unwrap();
    executor.shutdown();
    assert_eq!(returned.get(), called.get());
}

#[test]
fn no_poll_begins_after_it_returned() {
    for _ in 0..50 {
        let executor = Executor::threads();
        let polls = Tally::default();
        let poll = {
            let polls = polls.clone();
            move || {
                polls.add();
                Poll::Worked
            }
        };
        let lane = executor.add_lane("moss-test", 3, poll).unwrap();
        executor.notify(lane);
        polls.wait(&executor, 5).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    executor.shutdown();
                    let after = polls.get();
                    std::thread::yield_now();
                    assert_eq!(polls.get(), after);
                });
            }
        });
    }
}
