//! What is known of the records in a table that expire: enough to tell when it is worth writing again without them.

/// How many records of a table can expire, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expiring {
    /// Point records with an expiry.
    pub count: u64,
    /// When the first of them ends, in milliseconds of the Unix epoch; 0 without any.
    pub first: u64,
    /// When the last of them ends; 0 without any.
    pub last: u64,
}

impl Expiring {
    /// Takes in a record that ends at `expires_at`.
    pub fn add(&mut self, expires_at: u64) {
        self.first = if self.count == 0 { expires_at } else { self.first.min(expires_at) };
        self.last = self.last.max(expires_at);
        self.count += 1;
    }

    /// About how many have ended at `now`: none before the first, at least one from then on, all from the last on, and in
    /// between as many as if they ended evenly.
    pub fn gone(&self, now: u64) -> u64 {
        if self.count == 0 || now < self.first {
            return 0;
        }
        if now >= self.last {
            return self.count;
        }
        let (passed, whole) = (u128::from(now - self.first), u128::from(self.last - self.first));
        let share = u128::from(self.count) * passed / whole;
        u64::try_from(share).unwrap_or(self.count).max(1)
    }
}

#[cfg(test)]
mod tests;
