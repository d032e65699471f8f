use std::time::Duration;

/// How long a call may take, with its repetitions by the SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// One try, from first to last byte.
    pub attempt: Duration,
    /// All tries and the pauses between them.
    pub call: Duration,
    /// How many tries.
    pub tries: u32,
}

/// The patience that each kind of call is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patiences {
    /// A call of the connection test.
    pub test: Patience,
    /// Reading the directory, and fetching credentials for it.
    pub read: Patience,
    /// Sending a creation or deletion: one try, since a second would be a second creation or deletion.
    pub change: Patience,
    /// Listing assignments, asking for a status, and fetching credentials for them; using a key in KMS.
    pub look: Patience,
}

impl Default for Patiences {
    fn default() -> Self {
        let connect = Duration::from_secs(3);
        let within = |attempt, call, tries| Patience {
            connect,
            attempt: Duration::from_secs(attempt),
            call: Duration::from_secs(call),
            tries,
        };
        Self {
            test: within(5, 11, 2),
            read: within(10, 30, 3),
            change: within(8, 8, 1),
            look: within(3, 8, 3),
        }
    }
}
