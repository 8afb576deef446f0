//! What can be typed about the master key, the keys of tenants, and unsealing.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `millwright key`: on the machine itself, with the server running or not.
#[derive(Subcommand, Debug)]
pub(crate) enum Key {
    /// Show how the master key is kept; nothing secret
    Show,
    /// Change the master key, or the key of one tenant
    ///
    /// Without --tenant a new master key takes the place of the old one: all keys under it are
    /// wrapped anew, no data is. It takes moments, also while the server runs, and can be broken off
    /// anywhere: the next start finishes it or takes it back. Where a passphrase is set it is asked
    /// for; shares made before end.
    ///
    /// With --tenant everything of that tenant is encrypted anew under another key: database,
    /// originals, index. People work on meanwhile; writing waits while the database is copied. It
    /// needs as much free space as the tenant takes, and can be cancelled until it is done. After a
    /// master key has leaked, change it first and then the key of each tenant.
    #[command(verbatim_doc_comment)]
    Rotate {
        /// Change the key of this tenant
        #[arg(long, short, value_name = "SLUG")]
        tenant: Option<String>,
        /// Where the service manager supplies the master key: the file with the new one, made when
        /// it is missing. Put it in the place of the credential afterwards, and restart
        #[arg(long, value_name = "FILE", conflicts_with = "tenant")]
        new_credential: Option<PathBuf>,
    },
    /// Put the master key under a passphrase, or take it away
    #[command(subcommand)]
    Passphrase(Passphrase),
    /// Make shares of the master key, some of which unseal together
    #[command(subcommand)]
    Shares(Shares),
}

/// `millwright key passphrase`
#[derive(Subcommand, Debug)]
pub(crate) enum Passphrase {
    /// Set or change it; asked for without echo, or one line of standard input
    Set,
    /// Take it away: the master key is a key file again, and starts need nobody
    Remove,
}

/// `millwright key shares`
#[derive(Subcommand, Debug)]
pub(crate) enum Shares {
    /// Make shares and print them once; those made before end
    ///
    /// They unseal beside the passphrase, and help where a key file or credential is lost.
    #[command(verbatim_doc_comment)]
    Create {
        /// How many of them unseal together
        #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(2..=10))]
        threshold: u8,
        /// How many are made
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=10))]
        count: u8,
    },
}

/// `millwright unseal`
#[derive(Args, Debug)]
pub(crate) struct Unseal {
    /// Bring shares instead of the passphrase, one after the other
    #[arg(long)]
    pub(crate) share: bool,
    /// Bring one share and return; others bring theirs within ten minutes
    #[arg(long, requires = "share")]
    pub(crate) one: bool,
}
