//! The parts of the appliance that have to do with models, as the configuration wants them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egress::Door;
use models::{
    Encoders, LanguageModel, ModelRegistry, ModelWorker, RegistrySettings, Tier, Tiers, Upstream,
    WorkerBuilds, WorkerCommand, WorkerSettings,
};
use store::Store;

use crate::cli::CliError;
use crate::composition::chain;
use crate::config::Config;

/// The model worker, which is this executable again.
pub(crate) fn model_command(config: &Config, exe: PathBuf) -> WorkerCommand {
    let mut args = vec!["worker".to_owned(), "model".to_owned()];
    if config.models.threads > 0 {
        args.push(format!("--threads={}", config.models.threads));
    }
    WorkerCommand { exe, args }
}

pub(crate) fn model_worker(config: &Config, builds: WorkerBuilds, store: &Store) -> ModelWorker {
    let settings = WorkerSettings {
        idle_timeout: Some(Duration::from_secs(config.models.idle_stop_s.into())),
        ..WorkerSettings::default()
    };
    ModelWorker::new(builds, settings, store.clock())
}

/// The language models that were brought in. One that fails leaves answers in quotes.
pub(crate) async fn model_registry(
    config: &Config,
    store: &Store,
    worker: &ModelWorker,
    (tiers, encoders): (&Tiers, &Encoders),
) -> ModelRegistry {
    const MIB: u64 = 1024 * 1024;
    let models = &config.models;
    let settings = RegistrySettings {
        context_tokens: models.context_tokens,
        parallel: models.parallel,
        threads: (models.threads > 0).then_some(models.threads),
        memory_bytes: (models.memory_mib > 0).then(|| u64::from(models.memory_mib) * MIB),
    };
    let (tiers, encoders) = (tiers.clone(), encoders.clone());
    let registry = ModelRegistry::new(store.clone(), worker.clone(), tiers, encoders, settings);
    if let Err(error) = registry.start().await {
        tracing::error!(error = chain(&error), "language models can't be used: answers are quotes");
    }
    registry
}

/// The models on other machines that the configuration names, as members of their tiers.
pub(crate) fn upstreams(
    config: &Config,
    door: &Door,
    tiers: &Tiers,
) -> Result<Vec<Upstream>, CliError> {
    let mut upstreams = Vec::with_capacity(config.upstream.len());
    for server in &config.upstream {
        let settings = server.settings().map_err(CliError::Failed)?;
        upstreams.push(Upstream::new(settings, door.clone()));
    }
    for tier in Tier::ALL {
        let of_tier = upstreams.iter().filter(|upstream| upstream.view().tiers.contains(&tier));
        let members = of_tier.map(|upstream| Arc::new(upstream.clone()) as Arc<dyn LanguageModel>);
        tiers.set_upstreams(tier, members.collect());
    }
    Ok(upstreams)
}
