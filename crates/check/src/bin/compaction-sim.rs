//! Prints what compaction does to 10^9 keys with values of 100 bytes at default options:
//! `cargo run --release -p mosskv-check --bin compaction-sim [millions of keys] [speed] [threads]`.

use mosskv::{Error, Options, Result};
use mosskv_check::compaction_sim::{Phase, Setup, Sim};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |name: &str, default: f64| match arguments.next() {
        None => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| Error::invalid(format!("{name} is {text:?}: it must be a number")))
        }
    };
    let keys = (number("millions of keys", 1_000.0)? * 1e6) as u64;
    let speed = number("speed", 24.0)?;
    let threads = number("threads", 1.0)? as usize;
    let setup =
        Setup { options: Options::default(), keys, record_bytes: 116, threads, speed, stop_tables: 40 };
    println!(
        "{keys} keys of 16 B with 100 B values, {threads} compaction threads, each {speed} x the writer"
    );
    for phases in [&[Phase::LoadRandom, Phase::Overwrite(keys)][..], &[Phase::LoadAscending]] {
        let mut sim = Sim::new(setup.clone());
        for &phase in phases {
            println!("\n{phase:?}");
            print!("{}", sim.run(phase)?);
        }
    }
    Ok(())
}
