use std::sync::Arc;

use proptest::prelude::*;

use super::*;

type Log = Arc<Mutex<Vec<(State, State, Option<String>)>>>;

fn health() -> (Health, Log) {
    let log = Log::default();
    let health = Health::new({
        let log = Arc::clone(&log);
        move |from, to, error| log.lock().push((from, to, error.map(ToString::to_string)))
    });
    (health, log)
}

fn error(text: &str) -> Error {
    Error::new(ErrorKind::Io, text)
}

#[test]
fn a_healthy_database_is_writable() {
    let (health, log) = health();
    assert_eq!(health.state(), State::Healthy);
    assert!(health.check_writable().is_ok() && health.check_open().is_ok());
    assert!(health.error().is_none());
    assert!(log.lock().is_empty());
}

#[test]
fn degraded_accepts_writes_and_heals() {
    let (health, log) = health();
    assert!(health.fail(Severity::Degraded, error("first")));
    assert!(!health.fail(Severity::Degraded, error("second")));
    assert_eq!(health.error().unwrap().to_string(), "first");
    assert!(health.check_writable().is_ok());
    assert!(health.heal());
    assert!(!health.heal());
    assert!(health.error().is_none());
    assert_eq!(
        *log.lock(),
        [
            (State::Healthy, State::Degraded, Some("first".to_owned())),
            (State::Degraded, State::Healthy, None)
        ]
    );
}

#[test]
fn the_first_failure_that_stops_writes_is_kept() {
    let (health, _) = health();
    health.fail(Severity::Degraded, error("compaction"));
    assert!(health.fail(Severity::ReadOnly, error("log")));
    assert!(!health.fail(Severity::ReadOnly, error("manifest")));
    assert!(!health.fail(Severity::Degraded, error("compaction again")));
    assert!(!health.heal(), "read-only is sticky");
    assert_eq!(health.state(), State::ReadOnly);
    assert_eq!(health.error().unwrap(), ErrorKind::Io);
    let refused = health.check_writable().unwrap_err();
    assert_eq!(refused, ErrorKind::ReadOnly);
    assert!(refused.to_string().contains("log") && refused.to_string().contains("resume"), "{refused}");
    assert!(health.check_open().is_ok(), "reads go on");
}

#[test]
fn a_resume_makes_it_writable_again() {
    let (health, log) = health();
    assert!(!health.resume_begin().unwrap(), "nothing to resume");
    health.fail(Severity::ReadOnly, error("log"));
    assert!(health.resume_begin().unwrap());
    assert!(health.is_resuming());
    assert_eq!(health.check_writable().unwrap_err(), ErrorKind::ReadOnly, "not yet");
    assert_eq!(health.resume_begin().unwrap_err(), ErrorKind::InvalidArgument, "one at a time");
    health.resume_done(Ok(())).unwrap();
    assert!(!health.is_resuming());
    assert!(health.check_writable().is_ok() && health.error().is_none());
    assert_eq!(log.lock().last(), Some(&(State::ReadOnly, State::Healthy, None)));
    assert!(health.fail(Severity::ReadOnly, error("again")));
}

#[test]
fn a_resume_that_failed_says_why_and_can_be_tried_again() {
    let (health, _) = health();
    health.fail(Severity::ReadOnly, error("log"));
    health.resume_begin().unwrap();
    assert_eq!(health.resume_done(Err(error("still full"))).unwrap_err().to_string(), "still full");
    assert_eq!(health.error().unwrap().to_string(), "still full");
    assert_eq!(health.state(), State::ReadOnly);
    assert!(health.resume_begin().unwrap());
    assert!(health.resume_done(Ok(())).is_ok());
}

#[test]
fn a_failure_during_a_resume_is_not_forgotten() {
    let (health, _) = health();
    health.fail(Severity::ReadOnly, error("log"));
    health.resume_begin().unwrap();
    health.fail(Severity::Degraded, error("compaction"));
    health.fail(Severity::ReadOnly, error("manifest"));
    health.fail(Severity::ReadOnly, error("later"));
    assert_eq!(health.resume_done(Ok(())).unwrap_err().to_string(), "manifest");
    assert_eq!((health.state(), health.is_resuming()), (State::ReadOnly, false));
    assert_eq!(health.error().unwrap().to_string(), "manifest");
}

#[test]
fn a_degraded_failure_does_not_fail_a_resume() {
    let (health, _) = health();
    health.fail(Severity::ReadOnly, error("log"));
    health.resume_begin().unwrap();
    health.fail(Severity::Degraded, error("compaction"));
    assert!(health.resume_done(Ok(())).is_ok());
}

#[test]
fn ending_a_resume_that_never_began_changes_nothing() {
    let (health, _) = health();
    health.fail(Severity::ReadOnly, error("log"));
    assert!(health.resume_done(Ok(())).is_err());
    assert!(health.resume_done(Err(error("stray"))).is_err());
    assert_eq!(health.state(), State::ReadOnly);
    assert_eq!(health.error().unwrap().to_string(), "log");
}

#[test]
fn closed_is_for_ever() {
    let (health, log) = health();
    health.fail(Severity::ReadOnly, error("log"));
    health.resume_begin().unwrap();
    assert!(health.close());
    assert!(!health.close());
    assert_eq!(health.resume_done(Ok(())).unwrap_err(), ErrorKind::Closed);
    assert_eq!(health.resume_begin().unwrap_err(), ErrorKind::Closed);
    assert!(!health.fail(Severity::ReadOnly, error("late")));
    assert_eq!(health.check_writable().unwrap_err(), ErrorKind::Closed);
    assert_eq!(health.check_open().unwrap_err(), ErrorKind::Closed);
    assert_eq!(health.error().unwrap().to_string(), "log");
    assert_eq!(log.lock().len(), 2);
}

#[test]
fn opened_read_only_cannot_be_resumed() {
    let health = Health::opened_read_only(|_, _, _| {});
    assert_eq!(health.state(), State::ReadOnly);
    assert!(health.check_writable().unwrap_err().to_string().contains("readOnly"));
    assert_eq!(health.resume_begin().unwrap_err(), ErrorKind::ReadOnly);
    health.fail(Severity::ReadOnly, error("panic"));
    assert_eq!(health.resume_begin().unwrap_err(), ErrorKind::ReadOnly);
    assert!(health.check_open().is_ok());
}

#[test]
fn the_callback_may_ask_and_change_the_health() {
    let shared: Arc<std::sync::OnceLock<Health>> = Arc::default();
    let inside = Arc::clone(&shared);
    let health = Health::new(move |_, to, _| {
        let health = inside.get().unwrap();
        assert!(health.state() >= to);
        assert!(health.error().is_some());
        health.close();
    });
    shared.set(health).unwrap();
    shared.get().unwrap().fail(Severity::ReadOnly, error("log"));
    assert_eq!(shared.get().unwrap().state(), State::Closed);
}

#[test]
fn of_many_threads_that_fail_one_is_first() {
    let (health, log) = health();
    std::thread::scope(|scope| {
        let firsts: Vec<_> = (0..8)
            .map(|number| {
                let health = &health;
                scope.spawn(move || {
                    health
                        .fail(Severity::ReadOnly, error(&format!("failure {number}")))
                        .then(|| format!("failure {number}"))
                })
            })
            .collect();
        let firsts: Vec<_> = firsts.into_iter().filter_map(|handle| handle.join().unwrap()).collect();
        assert_eq!(firsts, [health.error().unwrap().to_string()]);
    });
    assert_eq!(log.lock().len(), 1);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Degrade,
    Break,
    Heal,
    Begin,
    DoneOk,
    DoneErr,
    Close,
}

proptest! {
    /// Whatever happens: nothing leaves `Closed`, and only a resume that began after the last failure leaves `ReadOnly`.
    #[test]
    fn transitions_are_those_of_the_drawing(steps in prop::collection::vec(
        prop_oneof![
            4 => Just(Step::Degrade), 4 => Just(Step::Break), 4 => Just(Step::Heal), 6 => Just(Step::Begin),
            6 => Just(Step::DoneOk), 2 => Just(Step::DoneErr), 1 => Just(Step::Close),
        ], 0..40))
    {
        let (health, log) = health();
        let mut clean_resume = false;
        for step in steps {
            let before = health.state();
            match step {
                Step::Degrade => { health.fail(Severity::Degraded, error("d")); }
                Step::Break => { health.fail(Severity::ReadOnly, error("r")); clean_resume = false; }
                Step::Heal => { health.heal(); }
                Step::Begin => { clean_resume |= health.resume_begin().unwrap_or(false); }
                Step::DoneOk => {
                    let may = clean_resume && before == State::ReadOnly;
                    let done = health.resume_done(Ok(()));
                    prop_assert_eq!(may, before == State::ReadOnly && done.is_ok());
                    clean_resume = false;
                }
                Step::DoneErr => { prop_assert!(health.resume_done(Err(error("e"))).is_err()); clean_resume = false; }
                Step::Close => { health.close(); }
            }
            let after = health.state();
            let allowed = match (before, after) {
                (State::Closed, _) => after == State::Closed,
                (State::ReadOnly, State::Healthy) => matches!(step, Step::DoneOk),
                (State::ReadOnly, State::Degraded) => false,
                (State::Degraded, State::Healthy) => matches!(step, Step::Heal),
                _ => true,
            };
            prop_assert!(allowed, "{before:?} -> {after:?} by {step:?}");
            prop_assert_eq!(health.check_writable().is_ok(), after <= State::Degraded);
            prop_assert_eq!(after != State::Healthy || health.error().is_none(), true);
            prop_assert!(!matches!(after, State::Degraded | State::ReadOnly) || health.error().is_some());
        }
        for pair in log.lock().windows(2) {
            prop_assert_eq!(pair[0].1, pair[1].0);
        }
    }
}
