//! What can be typed about API keys and groups.

use clap::{Args, Subcommand};

use super::args::Who;

/// `millwright api-key`
#[derive(Subcommand, Debug)]
pub(crate) enum ApiKey {
    /// List a person's live keys with their scopes, prefixes and last use
    List {
        #[command(flatten)]
        who: KeyOwner,
    },
    /// Make a key that acts for a person with a part of their permissions; it is printed once
    #[command(after_help = "Scopes are names of permissions, such as chat.send, search.query, \
                            documents.read, documents.upload. A key never has more than its person.\n\n\
                            Example:  millwright api-key create \"SAP bridge\" --as anna@plant.example \
                            --scope chat.send --scope documents.read --days 30")]
    Create {
        /// What to call it, so that it is known again
        name: String,
        /// A permission that it may use; repeat for more
        #[arg(long = "scope", required = true, value_name = "PERMISSION")]
        scopes: Vec<String>,
        /// How long it lives; the configured time when left out
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: Option<u32>,
        /// Requests a minute, when it is to have a limit of its own
        #[arg(long, value_name = "REQUESTS")]
        per_minute: Option<u32>,
        #[command(flatten)]
        who: KeyOwner,
    },
    /// Give a key another secret, printed once; the former goes on for a while
    Rotate {
        /// Id of the key, as the list shows it
        id: String,
        /// How long the former secret goes on; the configured time when left out, 0 for not at all
        #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(0..=720))]
        overlap_hours: Option<u32>,
        #[command(flatten)]
        who: KeyOwner,
    },
    /// Revoke a key; it counts no more from the next request on
    Revoke {
        /// Id of the key, as the list shows it
        id: String,
        #[command(flatten)]
        who: KeyOwner,
    },
}

/// Whose API keys.
#[derive(Args, Debug, Clone)]
pub(crate) struct KeyOwner {
    /// The tenant, by its short name; needed when there are several
    #[arg(long, short, value_name = "SLUG", env = "MILLWRIGHT_TENANT")]
    pub(crate) tenant: Option<String>,
    /// The person whose keys they are
    #[arg(long = "as", value_name = "EMAIL")]
    pub(crate) person: String,
}

/// `millwright group`
#[derive(Subcommand, Debug)]
pub(crate) enum Group {
    /// List groups and what they give
    List {
        #[command(flatten)]
        who: Who,
    },
    /// Make a group; its members may do what it names beside what their role allows
    #[command(after_help = "Example:  millwright group create Auditors --permission audit.read \
                            --permission audit.verify")]
    Create {
        /// Name of the group
        name: String,
        /// A permission that it gives; repeat for more
        #[arg(long = "permission", value_name = "PERMISSION")]
        permissions: Vec<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Change a group's name, or all that it gives
    Change {
        /// Name of the group
        name: String,
        /// Another name for it
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        /// A permission that it is to give, instead of all before; repeat for more
        #[arg(long = "permission", value_name = "PERMISSION")]
        permissions: Vec<String>,
        /// It is to give nothing
        #[arg(long, conflicts_with = "permissions")]
        no_permissions: bool,
        #[command(flatten)]
        who: Who,
    },
    /// Remove a group; its members lose what it gave
    Remove {
        /// Name of the group
        name: String,
        #[command(flatten)]
        who: Who,
    },
    /// List who is in a group
    Members {
        /// Name of the group
        name: String,
        #[command(flatten)]
        who: Who,
    },
    /// Put a person into a group
    Add {
        /// Name of the group
        name: String,
        /// E-mail address
        email: String,
        #[command(flatten)]
        who: Who,
    },
    /// Take a person out of a group
    Take {
        /// Name of the group
        name: String,
        /// E-mail address
        email: String,
        #[command(flatten)]
        who: Who,
    },
}
