//! The engine's events on their way to JavaScript: as JSON, through the ring, under ticket 0.
//!
//! `db` is the ticket the database was opened with. Called on the engine's threads; never blocks.

use std::sync::Arc;

use mosskv::event::{Event, Listener};

use crate::convert::json;
use crate::ring::{Answer, Ring, Ticket};

/// The listener of the database that was opened with `ticket`.
pub fn listener(ring: Arc<Ring>, ticket: Ticket) -> Listener {
    Arc::new(move |event| {
        if let Some(members) = members(event) {
            let text = format!("{{\"db\":{ticket},{members}}}");
            ring.post(0, Ok(Answer::Text(text.into_bytes())));
        }
    })
}

/// What JavaScript gets to know of `event`; `None` for what it can see by itself.
fn members(event: &Event) -> Option<String> {
    Some(match event {
        Event::FlushEnd { table, bytes, micros } => {
            format!("\"type\":\"flush\",\"table\":{table},\"bytes\":{bytes},\"micros\":{micros}")
        }
        Event::CompactionEnd { from, to, inputs, read, written, micros } => format!(
            "\"type\":\"compaction\",\"from\":{from},\"to\":{to},\"inputs\":{inputs},\"bytesRead\":{read},\
             \"bytesWritten\":{written},\"micros\":{micros}"
        ),
        Event::Stall { reason, micros } => {
            format!("\"type\":\"stall\",\"reason\":{},\"micros\":{micros}", json(&reason.to_string()))
        }
        Event::StateChanged { error: Some(error), .. } => format!(
            "\"type\":\"backgroundError\",\"code\":\"{}\",\"message\":{}",
            error.code(),
            json(&error.to_string())
        ),
        _ => return None,
    })
}
