//! What holds MossKV to its promises: a reference model, workloads that record what they issued, sweeps that crash or
//! fail the engine at every file operation of such a workload, and a simulator of compaction.

pub mod alarm;
pub mod compaction_sim;
pub mod crash;
pub mod fault;
pub mod history;
pub mod random;
pub mod stamped;
pub mod walk;
pub mod watched;
pub mod workload;
