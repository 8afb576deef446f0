//! What can be typed about language models.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `millwright model`
#[derive(Subcommand, Debug)]
pub(crate) enum Model {
    /// Bring models in from GGUF files: checked, copied, tried
    Import(ModelImport),
    /// List the models that are here, with their tiers and speeds
    List,
    /// Show one model: licence, sizes, memory, speeds
    Show {
        /// Its name, its hash, or the hash's first eight digits or more
        model: String,
    },
    /// Remove a model that serves no tier
    Rm {
        /// Its name, its hash, or the hash's first eight digits or more
        model: String,
    },
    /// Say which models serve a tier, the one to be asked first in front; without any it has none
    #[command(
        after_help = "Questions are answered by quotes until a tier has a model. One model may \
                            serve several tiers.\n\n\
                            Example:  millwright model assign light qwen2.5-0.5b\n          \
                            millwright model assign standard qwen2.5-7b"
    )]
    Assign {
        /// Which tier
        tier: AssignedTier,
        /// Names or hashes
        models: Vec<String>,
    },
    /// Try a model again: a first answer, tokens a second, memory
    Bench {
        /// Its name, its hash, or the hash's first eight digits or more
        model: String,
    },
    /// Read models' files and compare them with their hashes
    Verify {
        /// Its name or hash; all models when left out
        model: Option<String>,
    },
}

/// `millwright model import`
#[derive(Args, Debug)]
#[command(
    after_help = "Bring a model as one GGUF file, on a USB stick for instance; nothing is ever \
                        downloaded. Files in several parts (…-00001-of-00003.gguf) are joined first: \
                        llama-gguf-split --merge.\n\n\
                        Example:  millwright model import /media/usb/qwen2.5-7b-q4_k_m.gguf\n          \
                        zstd -dc model.gguf.zst | millwright model import - --name small"
)]
pub(crate) struct ModelImport {
    /// A GGUF file, a directory of such files, or - for standard input
    #[arg(value_name = "FILE|DIR|-")]
    pub(crate) from: PathBuf,
    /// What to call it; what the file calls itself when left out
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Let a running server try the model by itself, and do not wait for it
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// What models can be assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AssignedTier {
    /// Small and quick: looking up, sorting, rewriting
    Light,
    /// For most questions
    Standard,
    /// For what needs several steps
    Heavy,
    /// Finding texts by what they mean, beside the built-in embedder
    Embed,
    /// Putting what was found in order
    Rerank,
}
