//! The seeded executor: the same seed gives the same run, and a stall nobody ends is found.

use super::*;

/// Three lanes with five pieces of work each; the order in which they ran.
fn order(seed: u64) -> Result<Vec<usize>> {
    let executor = Executor::stepped(seed);
    let ran = Arc::new(Mutex::new(Vec::new()));
    for lane in 0..3 {
        let stock = AtomicUsize::new(5);
        let ran = Arc::clone(&ran);
        let id = executor.add_lane("moss-test", 1, move || {
            match stock.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)) {
                Ok(_) => {
                    ran.lock().push(lane);
                    Poll::Worked
                }
                Err(_) => Poll::Idle,
            }
        })?;
        executor.notify(id);
    }
    assert!(ran.lock().is_empty(), "nothing runs by itself");
    while executor.step() {}
    Ok(ran.lock().clone())
}

#[test]
fn the_seed_decides_the_order() {
    let first = order(1).unwrap();
    assert_eq!(first.len(), 15);
    assert_eq!(first, order(1).unwrap());
    let orders: std::collections::BTreeSet<_> = (0..20).map(|seed| order(seed).unwrap()).collect();
    assert!(orders.len() > 15, "only {} orders from 20 seeds", orders.len());
}

#[test]
fn only_notified_lanes_run_and_each_until_it_is_idle() {
    let executor = Executor::stepped(3);
    let (stock, done) = (Arc::new(AtomicUsize::new(2)), Tally::default());
    let lane = executor.add_lane("moss-test", 4, worker_on(&stock, &done)).unwrap();
    assert!(!executor.step());
    executor.notify(lane);
    executor.notify(lane);
    // Twice work, once idle.
    assert_eq!(
        [executor.step(), executor.step(), executor.step(), executor.step()],
        [true, true, true, false]
    );
    assert_eq!(done.get(), 2);
}

#[test]
fn a_wait_that_nothing_will_end_is_a_deadlock() {
    let executor = Executor::stepped(1);
    let (stock, done) = (Arc::new(AtomicUsize::new(2)), Tally::default());
    let lane = executor.add_lane("moss-test", 1, worker_on(&stock, &done)).unwrap();
    executor.notify(lane);
    let error = done.wait(&executor, 3).unwrap_err();
    assert_eq!(error, ErrorKind::Internal);
    assert!(error.to_string().contains("deadlock"), "{error}");
    assert_eq!(done.get(), 2, "all the work there was had been done");
}

#[test]
fn a_notification_during_the_poll_is_not_lost() {
    let executor = Executor::stepped(1);
    let polls = Tally::default();
    let own = Arc::new(Mutex::new(None));
    let poll = {
        let (executor, polls, own) = (executor.clone(), polls.clone(), Arc::clone(&own));
        move || {
            polls.add();
            if polls.get() < 3 {
                executor.notify(own.lock().unwrap());
            }
            Poll::Idle
        }
    };
    let lane = executor.add_lane("moss-test", 1, poll).unwrap();
    *own.lock() = Some(lane);
    executor.notify(lane);
    while executor.step() {}
    assert_eq!(polls.get(), 3);
    executor.shutdown();
}

#[test]
fn a_poll_that_waits_runs_the_other_lanes_but_not_itself() {
    let executor = Executor::stepped(1);
    let (stock, done) = (Arc::new(AtomicUsize::new(1)), Tally::default());
    let other = executor.add_lane("moss-other", 1, worker_on(&stock, &done)).unwrap();
    let (entered, results) = (Tally::default(), Arc::new(Mutex::new(Vec::new())));
    let own = Arc::new(Mutex::new(None));
    let poll = {
        let (executor, done, entered) = (executor.clone(), done.clone(), entered.clone());
        let (results, own) = (Arc::clone(&results), Arc::clone(&own));
        move || {
            entered.add();
            let lane = *own.lock();
            executor.notify(lane.unwrap());
            let result = [1, 2].map(|wanted| done.wait(&executor, wanted).map_err(|error| error.kind()));
            results.lock().push(result);
            Poll::Idle
        }
    };
    let lane = executor.add_lane("moss-waiting", 1, poll).unwrap();
    *own.lock() = Some(lane);
    executor.notify(lane);
    executor.notify(other);
    while entered.get() == 0 {
        executor.step();
    }
    assert_eq!(entered.get(), 1);
    assert_eq!(*results.lock(), [[Ok(()), Err(ErrorKind::Internal)]]);
    executor.shutdown();
}

#[test]
fn a_timed_wait_moves_the_clock() {
    let executor = Executor::stepped(1);
    let limit = Duration::from_millis(50);
    assert_eq!(executor.wait_until_timeout(&Gate::new(), limit, || None::<()>), None);
    assert_eq!(executor.clock().micros(), 50_000);

    let (stock, done) = (Arc::new(AtomicUsize::new(1_000)), Tally::default());
    let lane = executor.add_lane("moss-test", 1, worker_on(&stock, &done)).unwrap();
    executor.notify(lane);
    assert_eq!(executor.wait_until_timeout(&Gate::new(), limit, || None::<()>), None);
    assert_eq!(executor.clock().micros(), 100_000);
    assert!((50..1_000).contains(&done.get()), "{} steps in 50 ms", done.get());

    let before = done.get();
    let found = executor.wait_until_timeout(&done.gate, limit, || (done.get() > before).then_some(1));
    assert_eq!(found, Some(1));
    assert!(executor.clock().micros() <= 101_000);
}

#[test]
fn it_may_use_the_clock_it_is_given() {
    let clock = Clock::manual();
    let executor = Executor::stepped(1).with_clock(clock.clone());
    assert!(executor.is_stepped());
    executor.wait_until_timeout(&Gate::new(), Duration::from_millis(1), || None::<()>);
    assert_eq!(clock.micros(), 1_000);
}
