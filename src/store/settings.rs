//! Limits of the store that an administrator may change.

/// Sizes and times of the store.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Reader connections per open tenant.
    pub readers_per_tenant: usize,
    /// Reads that may wait per tenant before callers are told to come back.
    pub read_queue_length: usize,
    /// Writes that may wait per tenant before callers are told to come back.
    pub write_queue_length: usize,
    /// Most writes that share one commit.
    pub group_commit_max_writes: usize,
    /// A tenant that nobody has used for so long is closed.
    pub idle_close_ms: i64,
    /// Jobs that may wait per tenant.
    pub job_queue_length: u32,
    /// Times a job is started before it is given up.
    pub job_max_attempts: u32,
    /// Jobs that run at the same time.
    pub jobs_in_parallel: usize,
    /// What a guess at a passphrase of the master key costs, when one is set.
    pub passphrase_cost: seal::PassphraseCost,
    /// Names of permissions that no person of any tenant has here, whatever their role and groups.
    pub withheld_permissions: Vec<String>,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            readers_per_tenant: 4,
            read_queue_length: 1024,
            write_queue_length: 1024,
            group_commit_max_writes: 256,
            idle_close_ms: 10 * 60 * 1000,
            job_queue_length: 1000,
            job_max_attempts: 3,
            jobs_in_parallel: 2,
            passphrase_cost: seal::PassphraseCost::default(),
            withheld_permissions: Vec::new(),
        }
    }
}
