//! What can be typed about the audit logs.

use std::path::PathBuf;

use clap::Subcommand;

use super::args::Who;

/// `millwright audit`
#[derive(Subcommand, Debug)]
pub(crate) enum Audit {
    /// Verify every log against its signed checkpoint; names the first bad entry
    Verify {
        /// Only this tenant
        #[arg(long, short, value_name = "SLUG")]
        tenant: Option<String>,
        /// Verify this export instead, with no data directory at hand
        #[arg(long, value_name = "FILE", conflicts_with = "tenant")]
        export: Option<PathBuf>,
        /// The key that must have signed the export, in base64, known from elsewhere
        #[arg(long, value_name = "BASE64", requires = "export")]
        public_key: Option<String>,
        /// Compare with the checkpoints that a witness keeps too: the folder of audit.witness_path,
        /// or a file of the log daemon's messages
        #[arg(long, value_name = "PATH", conflicts_with = "export")]
        witness: Option<PathBuf>,
    },
    /// Export entries with the signed checkpoint and the proof that they are in the log
    Export {
        /// At or after this moment (2026-01-31 or 2026-01-31T08:00:00Z)
        #[arg(long)]
        from: Option<String>,
        /// Before this moment
        #[arg(long)]
        until: Option<String>,
        /// jsonl or csv
        #[arg(long, default_value = "jsonl")]
        format: String,
        /// File to make; an existing one is not overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        who: Who,
    },
    /// Show the newest signed checkpoint and the key that signs it
    Checkpoint {
        #[command(flatten)]
        who: Who,
    },
    /// Show how long the log keeps its content, what was pruned, and the legal hold
    Retention {
        /// Set how long, in days (90 to 36525)
        #[arg(long, value_name = "DAYS")]
        set_days: Option<u32>,
        #[command(flatten)]
        who: Who,
    },
    /// Put a legal hold in force: nothing of the log is pruned until it is released
    Hold {
        /// Why, for the log: a case number rather than a name
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Lift the legal hold
    Release {
        /// Why, for the log
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Show entries, newest first
    Show {
        /// At or after this moment (2026-01-31 or 2026-01-31T08:00:00Z)
        #[arg(long)]
        from: Option<String>,
        /// Before this moment
        #[arg(long)]
        until: Option<String>,
        /// This actor (user:ID, console, appliance)
        #[arg(long)]
        actor: Option<String>,
        /// This action, or all of a noun ("document.")
        #[arg(long)]
        action: Option<String>,
        /// This object (document:ID)
        #[arg(long)]
        object: Option<String>,
        /// success, denied or failed
        #[arg(long)]
        outcome: Option<String>,
        /// Entries to print
        #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
        /// The appliance's own log: tenants, models, keys, connections to other machines
        #[arg(long, conflicts_with = "tenant")]
        appliance: bool,
        #[command(flatten)]
        who: Who,
    },
}
