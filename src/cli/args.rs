//! The command line: what can be typed, with the help that teaches it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::args_keys::{Key, Unseal};

pub(crate) use super::args_access::{ApiKey, Group, KeyOwner};
use super::args_agents::{Plan, Workflow};
pub(crate) use super::args_audit::Audit;
pub(crate) use super::args_model::Model;
pub(crate) use super::args_reason::Reason;

/// Answers from a plant's documents with the page and the line, without the internet.
#[derive(Parser, Debug)]
#[command(
    name = "millwright",
    version,
    about,
    arg_required_else_help = true,
    after_help = "Exit status: 0 done, 1 failed, 2 wrong usage or input, 3 wrong configuration, \
                  4 not in your documents, 5 the audit log is damaged, 6 not available now, \
                  7 evaluation below its goals.\n\n\
                  Start with:  millwright serve --demo --data-dir ./demo"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Args, Debug, Clone)]
pub(crate) struct Global {
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE", env = "MILLWRIGHT_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory; overrides the configuration and is enough without one
    #[arg(long, global = true, value_name = "DIR", env = "MILLWRIGHT_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Which tenant, and with whose rights.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Who {
    /// The tenant, by its short name; needed when there are several
    #[arg(long, short, value_name = "SLUG", env = "MILLWRIGHT_TENANT")]
    pub(crate) tenant: Option<String>,
    /// Act with the rights of this person instead of the console's
    #[arg(long = "as", value_name = "EMAIL")]
    pub(crate) acting_as: Option<String>,
}

/// What can be done.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the appliance: HTTPS, storage, search and answers
    Serve(Serve),
    /// Make a data directory with a first tenant and its administrator
    Init(Init),
    /// Ask the documents a question; the answer quotes document, revision and page
    Ask(Ask),
    /// Reason over a question in steps that are checked, and keep their trace
    Reason(Reason),
    /// Search the documents for passages
    Search(Search),
    /// Read files into the documents of a tenant
    Ingest(Ingest),
    /// List, show, remove or reindex documents
    #[command(subcommand)]
    Document(Document),
    /// Create, list, show, suspend, resume or remove tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Add people, list them, change roles, reset passwords
    #[command(subcommand)]
    User(User),
    /// Verify or show the audit log
    #[command(subcommand)]
    Audit(Audit),
    /// Show how keys are kept; change them; set a passphrase; make shares
    #[command(subcommand)]
    Key(Key),
    /// Open a server that waits for its passphrase or shares
    Unseal(Unseal),
    /// List, make, rotate or revoke a person's API keys
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// Make groups of people that add permissions to a role, and say who is in them
    #[command(subcommand)]
    Group(Group),
    /// Bring language models in, try them, and say which tier they serve
    #[command(subcommand)]
    Model(Model),
    /// List and run workflows, look at runs, decide at their gates
    #[command(subcommand)]
    Workflow(Workflow),
    /// Have a plan made for a goal, look at it, approve or reject it
    #[command(subcommand)]
    Plan(Plan),
    /// Run the golden questions and print a table per half
    Eval(Eval),
    /// Check disk, clock, certificate, processor, sandbox and weights, and say what to do
    Doctor,
    /// Check, show or print the configuration
    #[command(subcommand)]
    Config(Config),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a directory
    Man {
        /// Directory for the pages; made when missing
        dir: PathBuf,
    },
    /// A process that the appliance starts for itself
    #[command(subcommand, hide = true)]
    Worker(Worker),
}

/// `millwright serve`
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Address and port; overrides the configuration
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Prepare two demo tenants with people and the sample plant, once
    #[arg(long)]
    pub(crate) demo: bool,
}

/// `millwright init`
#[derive(Args, Debug)]
pub(crate) struct Init {
    /// Short name of the first tenant: a-z, 0-9 and '-'
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: String,
    /// Name of the first tenant for people; the short name when left out
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// E-mail address of its administrator; a one-time password is printed
    #[arg(long, value_name = "EMAIL")]
    pub(crate) admin: String,
    /// Put the master key under a passphrase, which is asked for: from then on each start waits until
    /// somebody unseals it
    #[arg(long)]
    pub(crate) passphrase: bool,
}

/// `millwright ask`
#[derive(Args, Debug)]
pub(crate) struct Ask {
    /// The question, in any language of the documents
    pub(crate) question: String,
    /// Go on with this conversation
    #[arg(long, value_name = "ID")]
    pub(crate) conversation: Option<String>,
    /// Who answers: quote (the documents, word for word), generated, reason, or an agent such as
    /// maintenance_advisor; chosen by the question when absent
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Show the receipt: what was read and how it was decided
    #[arg(long)]
    pub(crate) receipt: bool,
    #[command(flatten)]
    pub(crate) who: Who,
}

/// `millwright search`
#[derive(Args, Debug)]
pub(crate) struct Search {
    /// Words, "exact phrases", field:word (title:, tag:, lang:, id:)
    pub(crate) query: String,
    /// Passages to print
    #[arg(long, short = 'n', default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) limit: u32,
    /// Only documents with this tag; may be repeated
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// Only this language (en, de, cs …); may be repeated
    #[arg(long)]
    pub(crate) language: Vec<String>,
    #[command(flatten)]
    pub(crate) who: Who,
}

/// `millwright ingest`
#[derive(Args, Debug)]
pub(crate) struct Ingest {
    /// PDF, DOCX, Markdown or text files
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// How secret they are: PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED
    #[arg(long, default_value = "INTERNAL")]
    pub(crate) classification: String,
    /// They fall under export control
    #[arg(long)]
    pub(crate) export_control: bool,
    /// The plant's own key of the document (one file only); the same key makes a new revision
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// A tag; may be repeated
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// Language, when detection should not decide
    #[arg(long)]
    pub(crate) language: Option<String>,
    /// Metadata as a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
    /// The day or moment from which the revision is valid (2026-01-31)
    #[arg(long, value_name = "DATE")]
    pub(crate) effective_from: Option<String>,
    /// Return when the files are stored, without waiting until they can be searched
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) who: Who,
}

/// `millwright document`
#[derive(Subcommand, Debug)]
pub(crate) enum Document {
    /// List documents, newest first
    List {
        /// Only those whose key or title contains this
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Show a document with its revisions, pages that could not be read, and first chunks
    Show {
        /// Id or key
        document: String,
        #[command(flatten)]
        who: Who,
    },
    /// Show who was shown what of a document, newest first
    Seen {
        /// Id or key
        document: String,
        #[command(flatten)]
        who: Who,
    },
    /// Remove a document with all its revisions
    Remove {
        /// Id or key
        document: String,
        #[command(flatten)]
        who: Who,
    },
    /// Read a document's original anew and index it again
    Reindex {
        /// Id or key
        document: String,
        #[command(flatten)]
        who: Who,
    },
}

/// `millwright tenant`
#[derive(Subcommand, Debug)]
pub(crate) enum Tenant {
    /// Make a tenant: its own database under its own key
    Create {
        /// Short name: a-z, 0-9 and '-'
        slug: String,
        /// Name for people
        #[arg(long)]
        name: Option<String>,
    },
    /// List tenants
    List,
    /// Show a tenant
    Show {
        /// Short name or id
        tenant: String,
    },
    /// Keep a tenant but let nobody in
    Suspend {
        /// Short name or id
        tenant: String,
    },
    /// Let people into a suspended tenant again
    Resume {
        /// Short name or id
        tenant: String,
    },
    /// Destroy a tenant's key and its files; can't be undone
    Remove {
        /// Short name or id
        tenant: String,
        /// Type the tenant's short name again
        #[arg(long, value_name = "SLUG")]
        confirm: String,
    },
}

/// `millwright user`
#[derive(Subcommand, Debug)]
pub(crate) enum User {
    /// Add a person; a one-time password is printed once
    Add {
        /// E-mail address
        email: String,
        /// Name to show
        #[arg(long)]
        name: String,
        /// viewer, operator or admin
        #[arg(long, default_value = "viewer")]
        role: String,
        /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED
        #[arg(long, default_value = "INTERNAL")]
        clearance: String,
        /// May see export-controlled documents
        #[arg(long)]
        export_eligible: bool,
        /// Language of the pages (en, de, cs)
        #[arg(long, default_value = "en")]
        language: String,
        #[command(flatten)]
        who: Who,
    },
    /// List people
    List {
        #[command(flatten)]
        who: Who,
    },
    /// Change a person's role
    Role {
        /// E-mail address
        email: String,
        /// viewer, operator or admin
        role: String,
        #[command(flatten)]
        who: Who,
    },
    /// Take away the second factor of somebody who has lost it; where there are two other
    /// administrators, two must ask for it (--as)
    #[command(alias = "reset-totp")]
    ResetSecondFactor {
        /// E-mail address
        email: String,
        #[command(flatten)]
        who: Who,
    },
    /// Show where a person is signed in: browser sessions, bearer tokens, and the families of tokens
    /// that are refreshed
    Sessions {
        /// E-mail address
        email: String,
        #[command(flatten)]
        who: Who,
    },
    /// Sign a person out everywhere: their sessions, tokens and families of tokens end, and what
    /// another issuer has signed for them counts no more
    SignOut {
        /// E-mail address
        email: String,
        #[command(flatten)]
        who: Who,
    },
    /// Give a person a new one-time password and end their sessions
    ResetPassword {
        /// E-mail address
        email: String,
        #[command(flatten)]
        who: Who,
    },
    /// Show what a person was shown: documents, revisions, chunks and pages, newest first
    Seen {
        /// E-mail address
        email: String,
        /// At or after this moment (2026-01-31 or 2026-01-31T08:00:00Z)
        #[arg(long)]
        from: Option<String>,
        /// Before this moment
        #[arg(long)]
        until: Option<String>,
        #[command(flatten)]
        who: Who,
    },
}

/// `millwright eval`
#[derive(Args, Debug)]
pub(crate) struct Eval {
    /// Golden questions (JSON Lines) about the documents of the data directory, whose server must
    /// not run; when left out, those of the sample plant, in a temporary directory
    #[arg(long, value_name = "FILE")]
    pub(crate) golden: Option<PathBuf>,
    /// Print every question with its outcome
    #[arg(long)]
    pub(crate) details: bool,
    /// Least share of answerable questions answered right in the reported half, in percent
    #[arg(long, default_value_t = 85.0)]
    pub(crate) min_answered: f64,
    /// Least share of unanswerable questions refused in the reported half, in percent
    #[arg(long, default_value_t = 90.0)]
    pub(crate) min_refused: f64,
}

/// `millwright config`
#[derive(Subcommand, Debug)]
pub(crate) enum Config {
    /// Read the configuration and say what is wrong with it
    Check,
    /// Print every value and where it comes from
    Show,
    /// Print the defaults as a commented file
    Default,
}

/// `millwright worker`
#[derive(Subcommand, Debug)]
pub(crate) enum Worker {
    /// Reads one foreign document from standard input
    Parse {
        /// Try forbidden acts inside the cage and report
        #[arg(long)]
        self_test: bool,
    },
    /// Serves the model protocol on an inherited socket
    Model {
        /// Threads; one per core when left out
        #[arg(long)]
        threads: Option<std::num::NonZeroUsize>,
        /// Try forbidden acts inside the cage and report
        #[arg(long)]
        self_test: bool,
        /// Compute a tiny language model, compare it with a plain calculation, and report
        #[arg(long, conflicts_with = "self_test")]
        prove_generator: bool,
    },
}
