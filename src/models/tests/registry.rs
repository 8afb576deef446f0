//! Models from their file to their tier, with a real child that notes what it loads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::{Coded as _, OsEntropy, SystemClock};
use models::{
    CallOptions, Encoders, FairShare, GenerateInput, ModelHash, ModelRegistry, ModelRole,
    ModelView, ModelWorker, OutputShape, PrefixScope, Priority, Prompt, Received, RegistryError,
    RegistrySettings, Sampling, TextKind, Tier, Tiers, WorkerCommand, WorkerSettings, WorkerState,
};
use store::{ApplianceScope, OperatorKey, Store, StoreOptions, StoreSettings};

const PATIENT: Duration = Duration::from_secs(30);

const MIB: u64 = 1024 * 1024;

struct Shop {
    store: Store,
    key: OperatorKey,
    worker: ModelWorker,
    tiers: Tiers,
    encoders: Encoders,
    registry: ModelRegistry,
    dir: tempfile::TempDir,
}

impl Shop {
    /// With this much memory for models.
    async fn new(memory_bytes: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            data_dir: dir.path().join("data"),
            key_credential: None,
            key_file: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            settings: StoreSettings::default(),
        };
        let opened = tokio::task::spawn_blocking(move || Store::open(options)).await.unwrap();
        let (store, key) = opened.unwrap();
        let command = WorkerCommand {
            exe: env!("CARGO_BIN_EXE_millwright-scripted-worker").into(),
            args: vec!["keeper".into(), dir.path().join("notes").display().to_string()],
        };
        let settings = WorkerSettings {
            back_off_first: Duration::from_millis(5),
            ..WorkerSettings::default()
        };
        let worker = ModelWorker::new(command, settings, Arc::new(SystemClock));
        let (tiers, encoders) = (Tiers::new(), Encoders::default());
        let settings =
            RegistrySettings { memory_bytes: Some(memory_bytes), ..RegistrySettings::default() };
        let (of_tiers, of_encoders) = (tiers.clone(), encoders.clone());
        let registry =
            ModelRegistry::new(store.clone(), worker.clone(), of_tiers, of_encoders, settings);
        registry.start().await.unwrap();
        Self { store, key, worker, tiers, encoders, registry, dir }
    }

    fn scope(&self) -> ApplianceScope {
        self.store.appliance_scope(&self.key)
    }

    fn request(&self) -> base::RequestId {
        self.store.new_request_id().unwrap()
    }

    async fn receive(&self, content: &str) -> Received {
        let (mut incoming, _place) =
            self.registry.receive(Some(content.len() as u64)).await.unwrap();
        let content = content.to_owned();
        let write = move || {
            incoming.write(content.as_bytes()).unwrap();
            incoming.finish().unwrap()
        };
        tokio::task::spawn_blocking(write).await.unwrap()
    }

    async fn import(&self, content: &str, name: &str) -> Result<ModelView, RegistryError> {
        let received = self.receive(content).await;
        self.registry.admit(&self.scope(), self.request(), received, Some(name)).await
    }

    /// Brings a model in, tries it, and gives it a tier.
    async fn ready(&self, weights_mib: u64, name: &str, tier: Tier) -> ModelHash {
        let content = format!("GGUF {name} {}", weights_mib * MIB);
        let hash = self.import(&content, name).await.unwrap().hash;
        self.registry.measure(&self.scope(), self.request(), hash).await.unwrap();
        self.assign(tier, &[name]).await.unwrap();
        hash
    }

    async fn assign(
        &self,
        role: impl Into<ModelRole>,
        names: &[&str],
    ) -> Result<Vec<ModelView>, RegistryError> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        self.registry.assign(&self.scope(), self.request(), role.into(), &names).await
    }

    async fn say(&self, tier: Tier, text: &str) -> Result<String, models::ModelError> {
        let input = GenerateInput {
            prompt: Prompt::Raw(text.to_owned()),
            output: OutputShape::Text,
            sampling: Sampling::GREEDY,
            max_tokens: 8,
            stop: Vec::new(),
            scope: PrefixScope([1; 16]),
            share: FairShare([2; 16]),
        };
        let options = CallOptions { priority: Priority::Interactive, timeout: PATIENT };
        let routed = self.tiers.generate(tier, &input, options, None).await?;
        Ok(format!("{}: {}", routed.model.name, routed.generation.text))
    }

    /// What the worker has noted, as `load a`.
    fn notes(&self, names: &[(ModelHash, &str)]) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.path().join("notes")).unwrap_or_default();
        let word = |line: &str| {
            let (what, hash) = line.split_once(' ').unwrap();
            let name = names.iter().find(|(known, _)| known.to_string() == hash);
            format!("{what} {}", name.map_or("?", |(_, name)| *name))
        };
        text.lines().map(word).collect()
    }

    fn forget_notes(&self) {
        let _ = std::fs::remove_file(self.dir.path().join("notes"));
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for place in ["data/models", "data/models/.incoming"] {
            let entries = std::fs::read_dir(self.dir.path().join(place)).unwrap();
            files.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()));
        }
        files
    }
}

#[tokio::test]
async fn a_model_goes_from_its_file_to_its_tier_and_away_again() {
    let shop = Shop::new(4096 * MIB).await;
    let view = shop.import("GGUF llama 1000", "small").await.unwrap();
    assert_eq!((view.name.as_str(), view.size_bytes), ("small", 15));
    assert_eq!(view.facts.weights_bytes, 1000);
    assert!(view.measured.is_none() && view.roles.is_empty() && view.file_exists);
    // The same again, under any name; another one under the same name.
    let again = shop.import("GGUF llama 1000", "other").await.unwrap_err();
    assert!(matches!(again, RegistryError::Exists { name } if name == "small"));
    assert_eq!(shop.import("GGUF llama 1001", "Small").await.unwrap_err().code(), "invalid_input");
    assert_eq!(shop.files().len(), 1, "{:?}", shop.files());
    // Nothing serves a tier that was not tried.
    let untried = shop.assign(Tier::Light, &["small"]).await.unwrap_err();
    assert!(matches!(untried, RegistryError::Unproven(_)), "{untried}");
    let tried = shop.registry.measure(&shop.scope(), shop.request(), view.hash).await.unwrap();
    let measured = tried.measured.unwrap();
    assert!(measured.prompt_tokens_per_s > 0.0 && measured.peak_memory_bytes > 0, "{measured:?}");
    assert!(tried.loaded);
    let assigned = shop.assign(Tier::Light, &[&view.hash.to_string()[..12]]).await.unwrap();
    assert_eq!(assigned[0].roles, [ModelRole::Write(Tier::Light)]);
    assert_eq!(shop.say(Tier::Heavy, "25 Nm").await.unwrap(), "small: 25 Nm");
    // What serves a tier stays.
    let (scope, request) = (shop.scope(), shop.request());
    let in_use = shop.registry.remove(&scope, request, view.hash).await.unwrap_err();
    assert!(matches!(in_use, RegistryError::InUse { role: "light" }));
    shop.assign(Tier::Light, &[]).await.unwrap();
    assert!(shop.tiers.is_empty());
    shop.registry.remove(&shop.scope(), shop.request(), view.hash).await.unwrap();
    assert!(shop.files().is_empty() && shop.registry.list().await.unwrap().is_empty());
    let names = [(view.hash, "small")];
    assert_eq!(shop.notes(&names), ["load small", "unload small"]);
}

#[tokio::test]
async fn models_take_the_part_that_they_are_made_for() {
    let shop = Shop::new(4096 * MIB).await;
    let mut hashes = Vec::new();
    for (content, name) in [
        ("GGUF bert embeds 10", "finder"),
        ("GGUF bert embeds 11", "second"),
        ("GGUF bert reranks 10", "judge"),
        ("GGUF llama 10", "writer"),
    ] {
        let hash = shop.import(content, name).await.unwrap().hash;
        let tried = shop.registry.measure(&shop.scope(), shop.request(), hash).await.unwrap();
        let measured = tried.measured.unwrap();
        assert!(measured.prompt_tokens_per_s > 0.0, "{name}: {measured:?}");
        assert_eq!(measured.generation_tokens_per_s.is_some(), name == "writer");
        hashes.push(hash);
    }
    for (role, name) in [
        (ModelRole::Embed, "judge"),
        (ModelRole::Rerank, "finder"),
        (ModelRole::Rerank, "writer"),
        (ModelRole::Write(Tier::Light), "finder"),
    ] {
        let error = shop.assign(role, &[name]).await.unwrap_err();
        assert!(error.to_string().contains("is made to"), "{role:?} {name}: {error}");
    }
    assert!(shop.assign(ModelRole::Embed, &["finder", "second"]).await.is_err());
    let changes = shop.encoders.embedder_changes();
    let assigned = shop.assign(ModelRole::Embed, &["finder"]).await.unwrap();
    assert_eq!(assigned[0].roles, [ModelRole::Embed]);
    assert!(changes.has_changed().unwrap());
    shop.assign(ModelRole::Rerank, &["judge"]).await.unwrap();
    assert!(shop.tiers.is_empty());

    let options = CallOptions { priority: Priority::Interactive, timeout: PATIENT };
    let texts = || vec!["a torque".to_owned(), "a torque of 25 Nm".to_owned()];
    let embedder = shop.encoders.embedder().unwrap();
    assert_eq!(embedder.describe().hash, hashes[0]);
    let embeddings = embedder.embed(texts(), TextKind::Passage, options).await.unwrap();
    assert_eq!(embeddings.len(), 2);
    let reranker = shop.encoders.reranker().unwrap();
    let relevances = reranker.rerank("torque?".to_owned(), texts(), options).await.unwrap();
    assert_eq!(relevances, [8.0, 17.0]);

    let in_use = shop.registry.remove(&shop.scope(), shop.request(), hashes[2]).await.unwrap_err();
    assert!(matches!(in_use, RegistryError::InUse { role: "rerank" }));
    shop.assign(ModelRole::Rerank, &[]).await.unwrap();
    assert!(shop.encoders.reranker().is_none());
    // Assignments outlast a restart.
    let (tiers, encoders) = (Tiers::new(), Encoders::default());
    let settings = RegistrySettings::default();
    let again = ModelRegistry::new(
        shop.store.clone(),
        shop.worker.clone(),
        tiers,
        encoders.clone(),
        settings,
    );
    again.start().await.unwrap();
    assert_eq!(encoders.embedder().unwrap().describe().hash, hashes[0]);
}

#[tokio::test]
async fn the_same_file_twice_at_once_is_one_model() {
    let shop = Shop::new(4096 * MIB).await;
    let twice = tokio::join!(shop.import("GGUF x 10", "one"), shop.import("GGUF x 10", "two"));
    let kept = match twice {
        (Ok(model), Err(RegistryError::Exists { .. }))
        | (Err(RegistryError::Exists { .. }), Ok(model)) => model,
        other => panic!("{other:?}"),
    };
    assert_eq!(shop.files().len(), 1);
    assert!(shop.registry.verify(&shop.scope(), shop.request(), kept.hash).await.unwrap());
}

#[tokio::test]
async fn what_does_not_fit_or_can_not_be_loaded_is_refused_and_leaves_nothing() {
    let shop = Shop::new(100 * MIB).await;
    let error = shop.import(&format!("GGUF llama {}", 200 * MIB), "huge").await.unwrap_err();
    assert_eq!(error.code(), "model_does_not_fit");
    assert!(error.to_string().contains(&(200 * MIB).to_string()), "{error}");
    assert!(shop.files().is_empty());
    let broken = shop.import("GGUF broken 10", "broken").await.unwrap();
    let (scope, request) = (shop.scope(), shop.request());
    let error = shop.registry.measure(&scope, request, broken.hash).await.unwrap_err();
    assert_eq!(error.code(), "model_refused");
    let view = shop.registry.get("broken").await.unwrap();
    assert_eq!(view.trial.as_str(), "failed");
    assert!(shop.assign(Tier::Light, &["broken"]).await.is_err());
    assert!(matches!(shop.registry.get("nothing").await, Err(RegistryError::NotFound(_))));
}

#[tokio::test]
async fn the_least_used_makes_room_and_many_first_calls_load_once() {
    // Two of them fit, with what each needs to work in.
    let shop = Shop::new(300 * MIB).await;
    let a = shop.ready(100, "a", Tier::Light).await;
    let b = shop.ready(100, "b", Tier::Standard).await;
    let c = shop.ready(100, "c", Tier::Heavy).await;
    let names = [(a, "a"), (b, "b"), (c, "c")];
    assert_eq!(shop.notes(&names), ["load a", "load b", "unload a", "load c"]);
    shop.forget_notes();
    // `b` is asked, so `c` is the one not asked for longest.
    assert_eq!(shop.say(Tier::Standard, "x").await.unwrap(), "b: x");
    let shop = Arc::new(shop);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let shop = Arc::clone(&shop);
        calls.spawn(async move { shop.say(Tier::Light, "y").await.unwrap() });
    }
    assert!(calls.join_all().await.iter().all(|said| said == "a: y"));
    assert_eq!(shop.notes(&names), ["unload c", "load a"]);
}

#[tokio::test]
async fn a_worker_that_begins_anew_gets_its_models_again() {
    let shop = Shop::new(4096 * MIB).await;
    let hash = shop.ready(1, "a", Tier::Light).await;
    let pid = |shop: &Shop| match shop.worker.state() {
        WorkerState::Ready { pid, .. } => pid,
        other => panic!("not ready: {other:?}"),
    };
    let before = pid(&shop);
    // It dies of the prompt, twice; the next one is answered.
    let error = shop.say(Tier::Light, "poison").await.unwrap_err();
    assert_eq!(error.code(), "model_failed");
    assert_eq!(shop.say(Tier::Light, "fine").await.unwrap(), "a: fine");
    assert_ne!(pid(&shop), before);
    let loads = shop.notes(&[(hash, "a")]);
    assert!(loads.len() >= 2 && loads.iter().all(|note| note == "load a"), "{loads:?}");
}

#[tokio::test]
async fn a_file_that_was_changed_is_neither_loaded_nor_called_sound() {
    let shop = Shop::new(4096 * MIB).await;
    let hash = shop.ready(1, "a", Tier::Light).await;
    assert!(shop.registry.verify(&shop.scope(), shop.request(), hash).await.unwrap());
    let file = shop.files().remove(0);
    std::fs::write(&file, "GGUF something else").unwrap();
    assert!(!shop.registry.verify(&shop.scope(), shop.request(), hash).await.unwrap());
    // The worker that holds the sound one ends.
    let _ = shop.say(Tier::Light, "poison").await;
    let error = shop.say(Tier::Light, "fine").await.unwrap_err();
    assert_eq!(error.code(), "model_refused");
}

#[tokio::test]
async fn a_restart_sweeps_leftovers_and_serves_what_was_assigned() {
    let shop = Shop::new(4096 * MIB).await;
    let hash = shop.ready(1, "a", Tier::Heavy).await;
    let models = shop.dir.path().join("data/models");
    std::fs::write(models.join(".incoming/killed.part"), "GGUF").unwrap();
    let unknown = ModelHash::from_bytes([9; 32]);
    std::fs::write(models.join(format!("{unknown}.gguf")), "GGUF").unwrap();
    let (tiers, encoders) = (Tiers::new(), Encoders::default());
    let registry = ModelRegistry::new(
        shop.store.clone(),
        shop.worker.clone(),
        tiers.clone(),
        encoders.clone(),
        RegistrySettings::default(),
    );
    registry.start().await.unwrap();
    assert_eq!(tiers.members(Tier::Heavy)[0].hash, hash);
    assert_eq!(shop.files(), [models.join(format!("{hash}.gguf"))]);
}
