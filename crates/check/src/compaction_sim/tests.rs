use super::*;

fn setup(keys: u64) -> Setup {
    let options =
        Options { memtable_bytes: 1 << 20, table_bytes: 1 << 20, max_tables: 10, ..Options::default() };
    Setup { options, keys, record_bytes: 116, threads: 2, speed: 20.0, stop_tables: 40 }
}

fn settled(sim: &Sim, report: &Report) {
    assert_eq!(pick(sim.version(), &sim.setup.options, &InFlight::new()), None);
    assert!(report.levels[0].0 < sim.setup.options.max_tables);
    for level in 1..LEVELS {
        assert!(report.levels[level].1 <= report.targets[level], "level {level} is over its target");
    }
}

#[test]
fn an_ascending_load_is_moved_down_and_not_written_again() {
    let mut sim = Sim::new(setup(5_000_000));
    let report = sim.run(Phase::LoadAscending).unwrap();
    settled(&sim, &report);
    assert!(report.write_amplification() <= 2.1, "{report}");
    assert_eq!(report.stalled, 0.0);
}

#[test]
fn a_random_load_settles_with_nearly_everything_at_the_bottom() {
    let mut sim = Sim::new(setup(5_000_000));
    let report = sim.run(Phase::LoadRandom).unwrap();
    settled(&sim, &report);
    let total: u64 = report.levels.iter().map(|l| l.1).sum();
    assert!(total.abs_diff(5_000_000 * 116) < total / 100, "nothing is lost: {total}");
    assert!(report.levels[6].1 * 100 >= total * 80, "{report}");
    assert!(report.write_amplification() < 16.0, "{report}");
}

#[test]
fn overwriting_does_not_grow_the_database() {
    let mut sim = Sim::new(setup(2_000_000));
    sim.run(Phase::LoadRandom).unwrap();
    let report = sim.run(Phase::Overwrite(6_000_000)).unwrap();
    settled(&sim, &report);
    let total: u64 = report.levels.iter().map(|l| l.1).sum();
    assert!(total * 100 <= 2_000_000 * 116 * 120, "{report}");
    assert!(report.max_l0_tables < 40 && report.write_amplification() < 18.0, "{report}");
}

#[test]
fn a_writer_faster_than_compaction_waits_and_always_goes_on() {
    let mut sim = Sim::new(Setup { speed: 2.0, threads: 1, ..setup(2_000_000) });
    let report = sim.run(Phase::LoadRandom).unwrap();
    settled(&sim, &report);
    assert!(report.stalled > 0.3 && report.max_l0_tables <= 40, "{report}");
}
