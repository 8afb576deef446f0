//! Questions answered from documents, over a real store, the real parser in its cage and a model
//! worker whose embeddings are hashed words.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod answering;
mod conversing;
mod evaluating;
mod generating;
#[path = "../../../knowledge/tests/library/plant.rs"]
#[allow(dead_code, reason = "shared with the tests of `knowledge`, which use more of it")]
mod plant;
mod reasoning;
mod specialists;

use agents::{Answer, AskInput, Minds, Workbench, answer, question};
use base::ConversationId;
use knowledge::NewRevision;
use policy::authorize;
use store::TenantCtx;

use plant::Plant;

pub(crate) const MANUAL: &str = "# Transfer pump P-101\n\n\
    ## Torques\n\n\
    Tighten the flange bolts of P-101 to a torque of 90 N·m in three steps, crosswise. \
    Use new gaskets every time.\n\n\
    ## Bearings\n\n\
    The drive end bearing of P-101 is greased with 20 g of Lubrin LX2. \
    The drive end bearing of P-101 is regreased every 2,000 hours.\n\n\
    ## Colours\n\n\
    Our own personal padlocks are yellow.\n";

/// A plant that has read its manual.
pub(crate) async fn plant(dir: &std::path::Path) -> Plant {
    let plant = Plant::at(dir).await;
    plant.add(NewRevision::named("pump-manual.md"), MANUAL).await;
    plant
}

/// What answers are made with: the plant's documents and these models.
pub(crate) fn bench(plant: &Plant, minds: &Minds) -> Workbench {
    Workbench::new(minds.clone(), plant.library.clone()).unwrap()
}

/// The same without a model.
pub(crate) fn idle(plant: &Plant) -> Workbench {
    bench(plant, &Minds::none())
}

pub(crate) async fn ask(plant: &Plant, ctx: &TenantCtx, message: &str) -> Answer {
    ask_in(plant, ctx, message, None).await
}

pub(crate) async fn ask_in(
    plant: &Plant,
    ctx: &TenantCtx,
    message: &str,
    conversation_id: Option<ConversationId>,
) -> Answer {
    let input = AskInput { message: message.to_owned(), conversation_id, agent: None };
    let permit = authorize(ctx).unwrap();
    let asked = question(&permit, &idle(plant), input).await.unwrap();
    answer(permit, &idle(plant), asked, None).await.unwrap()
}
