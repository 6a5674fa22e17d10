use super::*;
use crate::sync::AtomicUsize;

#[test]
fn a_notified_lane_works_and_the_waiter_sees_it() {
    for executor in [Executor::threads(), Executor::stepped(1)] {
        let work = Arc::new(AtomicUsize::new(0));
        let done = Arc::new(AtomicUsize::new(0));
        let gate = Gate::new();
        let lane = executor
            .add_lane("moss-test", 1, {
                let (work, done, gate) = (work.clone(), done.clone(), gate.clone());
                move || {
                    if work.swap(0, Ordering::AcqRel) == 0 {
                        return Poll::Idle;
                    }
                    done.fetch_add(1, Ordering::AcqRel);
                    gate.notify();
                    Poll::Worked
                }
            })
            .unwrap();
        for round in 1..=100 {
            work.store(1, Ordering::Release);
            executor.notify(lane);
            executor.wait_until(&gate, || (done.load(Ordering::Acquire) == round).then_some(())).unwrap();
        }
        executor.shutdown();
        executor.shutdown();
    }
}
