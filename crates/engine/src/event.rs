//! Clock, counters, listener.
