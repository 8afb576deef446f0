//! Which build of the worker runs: the best that this processor has the instructions for and that proves
//! itself on it.
//!
//! Kernels of language models are compiled for one level of instructions, and for graphics processors apart from
//! all of them. A release file therefore carries the worker several times; what it runs is chosen once, at
//! the first start.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::WorkerCommand;
use crate::cage_report::worker_cage_self_test;
use crate::generator_proof::{GeneratorProof, prove_generator};

/// What came of a build's proof, once it was asked for.
type Proof = OnceCell<Result<GeneratorProof, String>>;

/// Makes a build ready to be started, or says for people why it can't be.
type Open = dyn Fn() -> Result<OpenedBuild, String> + Send + Sync;

/// A build of the worker.
pub struct WorkerBuild {
    level: String,
    unfit: Option<String>,
    is_own: bool,
    open: Arc<Open>,
}

/// A build that can be started.
#[derive(Debug)]
pub struct OpenedBuild {
    /// How.
    pub command: WorkerCommand,
    /// What must stay open as long as it may be started.
    pub file: Option<OwnedFd>,
}

/// A build that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Its level.
    pub level: String,
    /// Why, for people.
    pub reason: String,
}

/// Which build runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildChoice {
    /// Its level (`x86-64-v4`, `vulkan`).
    pub level: String,
    /// Better ones that were not taken, and why.
    pub passed_over: Vec<PassedOver>,
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}: {}", self.level, self.reason)
    }
}

/// The build that runs.
#[derive(Debug)]
pub struct ChosenBuild {
    /// Which it is.
    pub choice: Arc<BuildChoice>,
    /// How it is started.
    pub command: WorkerCommand,
    proof: Proof,
    /// Open as long as the build may be started again.
    _file: Option<OwnedFd>,
}

impl WorkerBuild {
    /// A build for `level`; `unfit` says, for people, why this machine can't run it, as far as that is known
    /// without trying.
    #[must_use]
    pub fn new(
        level: &str,
        unfit: Option<String>,
        open: impl Fn() -> Result<OpenedBuild, String> + Send + Sync + 'static,
    ) -> Self {
        Self { level: level.to_owned(), unfit, is_own: false, open: Arc::new(open) }
    }

    /// The build that is part of this executable: taken too when none may run or proves itself, because
    /// embeddings do not depend on that; language models are refused then.
    #[must_use]
    pub fn own(level: &str, unfit: Option<String>, command: WorkerCommand) -> Self {
        let open = move || Ok(OpenedBuild { command: command.clone(), file: None });
        Self { is_own: true, ..Self::new(level, unfit, open) }
    }

    fn chosen(
        &self,
        OpenedBuild { command, file }: OpenedBuild,
        proof: Proof,
        passed_over: Vec<PassedOver>,
    ) -> ChosenBuild {
        let choice = Arc::new(BuildChoice { level: self.level.clone(), passed_over });
        ChosenBuild { choice, command, proof, _file: file }
    }
}

/// The builds that there are, and the one that was chosen. Cheap to clone; all clones share the choice.
#[derive(Clone)]
pub struct WorkerBuilds {
    builds: Arc<Vec<WorkerBuild>>,
    chosen: Arc<OnceCell<Result<ChosenBuild, String>>>,
}

impl From<WorkerCommand> for WorkerBuilds {
    /// One build, taken as it is and proved before the first language model is loaded.
    fn from(command: WorkerCommand) -> Self {
        Self::new(vec![WorkerBuild::own("own", None, command)])
    }
}

impl WorkerBuilds {
    /// These builds, best first.
    #[must_use]
    pub fn new(builds: Vec<WorkerBuild>) -> Self {
        Self { builds: Arc::new(builds), chosen: Arc::default() }
    }

    /// The build that runs on this machine. The first call tries them, which takes some tenths of a
    /// second each, and longer where a driver compiles shaders.
    ///
    /// # Errors
    /// Says, for people, why none can be started.
    pub async fn chosen(&self) -> Result<&ChosenBuild, String> {
        self.chosen.get_or_init(|| self.choose()).await.as_ref().map_err(Clone::clone)
    }

    /// What came of the chosen build's proof: whether language models compute here what they should.
    ///
    /// # Errors
    /// Says, for people, why they can't be trusted.
    pub async fn proof(&self) -> Result<&GeneratorProof, String> {
        let chosen = self.chosen().await?;
        let proof = chosen.proof.get_or_init(|| prove_generator(&chosen.command)).await;
        proof.as_ref().map_err(Clone::clone)
    }

    async fn choose(&self) -> Result<ChosenBuild, String> {
        let mut passed_over: Vec<PassedOver> = Vec::new();
        for build in self.builds.iter() {
            match self.tried(build).await {
                Ok((opened, proof)) => return Ok(build.chosen(opened, proof, passed_over)),
                Err(reason) => passed_over.push(PassedOver { level: build.level.clone(), reason }),
            }
        }
        let told = passed_over.iter().map(|build| format!("{}: {}", build.level, build.reason));
        let told = told.collect::<Vec<_>>().join("; ");
        let Some(own) = self.builds.iter().find(|build| build.is_own) else { return Err(told) };
        let opened = self.opened(own).await?;
        Ok(own.chosen(opened, OnceCell::new_with(Some(Err(told))), passed_over))
    }

    /// A build that may run here, with its proof where there are others to take instead.
    async fn tried(&self, build: &WorkerBuild) -> Result<(OpenedBuild, Proof), String> {
        if let Some(reason) = &build.unfit {
            return Err(reason.clone());
        }
        let opened = self.opened(build).await?;
        if !build.is_own {
            // That of the own one is tried at every start.
            let cage = worker_cage_self_test(&opened.command).await?;
            if !cage.leaks().is_empty() {
                return Err(format!("its cage leaks: {}", cage.leaks().join(", ")));
            }
        }
        let choices = self.builds.iter().filter(|build| build.unfit.is_none()).count();
        let proved = match choices {
            1 => None,
            _ => Some(Ok(prove_generator(&opened.command).await?)),
        };
        Ok((opened, OnceCell::new_with(proved)))
    }

    /// Unpacking takes a while.
    async fn opened(&self, build: &WorkerBuild) -> Result<OpenedBuild, String> {
        let open = Arc::clone(&build.open);
        let opened = tokio::task::spawn_blocking(move || open());
        opened.await.unwrap_or_else(|_| Err("unpacking it failed".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    /// A worker that says this when it is to prove itself.
    fn says(json: &str) -> WorkerCommand {
        let cage = r#"{"held":[],"acts":[{"name":"open_file","leaked":null}]}"#;
        let script = format!("if [ $0 = --self-test ]; then echo '{cage}'; else echo '{json}'; fi");
        WorkerCommand { exe: "/bin/sh".into(), args: vec!["-c".into(), script] }
    }

    fn right(library: &str) -> WorkerCommand {
        says(&format!(r#"{{"library":"{library}","tokens":16,"fault":null}}"#))
    }

    fn wrong() -> WorkerCommand {
        says(r#"{"library":"bad","tokens":0,"fault":"token 3 is another"}"#)
    }

    fn build(level: &str, command: WorkerCommand) -> WorkerBuild {
        let open = move || Ok(OpenedBuild { command: command.clone(), file: None });
        WorkerBuild::new(level, None, open)
    }

    #[tokio::test]
    async fn the_best_build_that_the_processor_has_and_that_proves_itself_runs() {
        let builds = WorkerBuilds::new(vec![
            WorkerBuild::new("v5", Some("the processor lacks AVX-1024".into()), || {
                Err("never opened".into())
            }),
            WorkerBuild::new("amx", None, || Err("can't be unpacked".into())),
            build("v4", wrong()),
            build("v3", right("three")),
            build("v2", right("two")),
        ]);
        let chosen = builds.chosen().await.unwrap();
        assert_eq!(chosen.choice.level, "v3");
        let passed_over = &chosen.choice.passed_over;
        let reasons: Vec<_> =
            passed_over.iter().map(|p| (p.level.as_str(), p.reason.as_str())).collect();
        let expected = [
            ("v5", "the processor lacks AVX-1024"),
            ("amx", "can't be unpacked"),
            ("v4", "bad: token 3 is another"),
        ];
        assert_eq!(reasons, expected);
        assert_eq!(builds.proof().await.unwrap().library, "three");
    }

    #[tokio::test]
    async fn the_own_build_runs_when_none_proves_itself_and_no_model_is_trusted() {
        let own = || WorkerBuild::own("v3", Some("no AVX2".into()), right("three"));
        let builds = WorkerBuilds::new(vec![build("v4", wrong()), own(), build("v2", wrong())]);
        assert_eq!(builds.chosen().await.unwrap().choice.level, "v3");
        let told = "v4: bad: token 3 is another; v3: no AVX2; \
                    v2: bad: token 3 is another";
        assert_eq!(builds.proof().await.unwrap_err(), told);
        // A lesser one that computes right is better than the own one that can't.
        let builds = WorkerBuilds::new(vec![own(), build("v2", right("two"))]);
        assert_eq!(builds.chosen().await.unwrap().choice.level, "v2");
    }

    #[tokio::test]
    async fn a_single_build_is_taken_and_proved_when_that_is_asked_for() {
        let builds = WorkerBuilds::from(right("one"));
        assert!(builds.chosen().await.unwrap().proof.get().is_none());
        assert_eq!(builds.proof().await.unwrap().tokens, 16);
        // One that can't run here is no choice, but it is told why it does not.
        let beside = WorkerBuilds::new(vec![
            WorkerBuild::new("v4", Some("no X".into()), || Err("never opened".into())),
            WorkerBuild::own("v3", None, right("three")),
        ]);
        let chosen = beside.chosen().await.unwrap();
        assert!(chosen.proof.get().is_none());
        assert_eq!(chosen.choice.passed_over[0].to_string(), "not v4: no X");
        let none =
            WorkerBuilds::new(vec![WorkerBuild::new("v4", Some("no X".into()), || Err("".into()))]);
        assert_eq!(none.chosen().await.unwrap_err(), "v4: no X");
    }
}
