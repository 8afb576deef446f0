//! What the appliance does while faults strike: scripted steps, each of which ends with an
//! acknowledgement or an error.

use std::time::{Duration, Instant};

use agents::{AskInput, Workbench, answer, question};
use base::{Classification, Role, UserId};
use identity::{
    DisplayName, Email, Language, LoginInput, NewUser, Password, PasswordChange, SessionSettings,
    UserChange, UserQuery, change_own_password, login, user_change, user_create, user_list,
};
use knowledge::{NewRevision, document_delete, document_list, document_upload, job_list};
use policy::authorize;
use store::{JobState, NewTenant, TenantStatus};

use crate::site::{Failure, Site, TENANT};

/// One thing that somebody asks of the appliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The tenant is made.
    Tenant,
    /// A person is added and chooses a password.
    Person,
    /// They sign in.
    Login,
    /// A document is uploaded.
    Upload,
    /// Jobs are worked on until there are none.
    Ingest,
    /// A question is answered.
    Chat,
    /// An administrator changes the person's role.
    Admin,
    /// A newer revision is uploaded.
    Replace,
    /// Another tenant is made.
    SecondTenant,
    /// And suspended.
    Suspend,
    /// And removed.
    Remove,
    /// The document is deleted.
    Delete,
}

const EMAIL: &str = "lena@rauental.example";
const PASSWORD: &str = "a long enough passphrase 4711";
const SECOND: &str = "lohberg";

const MANUAL: &str = "# Transfer pump P-101\n\n\
    ## Torques\n\n\
    Tighten the flange bolts of the pump P-101 to a torque of 90 N·m in three steps, crosswise.\n\n\
    ## Bearings\n\n\
    The drive end bearing of the pump is greased with 20 g of Lubrin LX2.\n";

/// How long the jobs of a flow may take.
const JOBS_TIMEOUT: Duration = Duration::from_secs(30);

impl Step {
    pub(crate) async fn run(self, site: &Site) -> Result<(), Failure> {
        match self {
            Self::Tenant => make_tenant(site, TENANT).await,
            Self::Person => add_person(site).await,
            Self::Login => sign_in(site).await,
            Self::Upload => upload(site, MANUAL.to_owned()).await,
            Self::Replace => upload(site, MANUAL.replace("90 N", "95 N")).await,
            Self::Ingest => work(site).await,
            Self::Chat => ask(site).await,
            Self::Admin => change_role(site).await,
            Self::SecondTenant => make_tenant(site, SECOND).await,
            Self::Suspend => suspend(site).await,
            Self::Remove => remove(site).await,
            Self::Delete => delete(site).await,
        }
    }

    /// The tenant whose removal the step begins.
    pub(crate) fn going(self, site: &Site) -> Option<String> {
        let second = || site.store.tenant_id_by_slug(SECOND).map(|id| id.to_string());
        (self == Self::Remove).then(second).flatten()
    }
}

async fn make_tenant(site: &Site, slug: &str) -> Result<(), Failure> {
    let scope = site.store.appliance_scope(&site.operator);
    let new = NewTenant { slug: slug.to_owned(), name: slug.to_uppercase() };
    site.store.tenant_create(&scope, site.store.new_request_id()?, new).await?;
    Ok(())
}

async fn add_person(site: &Site) -> Result<(), Failure> {
    let console = site.console().await?;
    let new = NewUser {
        email: Email::parse(EMAIL)?,
        display_name: DisplayName::parse("Lena")?,
        role: Role::Viewer,
        clearance: Classification::Internal,
        export_eligible: false,
        language: Language::parse("de")?,
    };
    let created = user_create(authorize(&console)?, &site.passwords, new).await?;
    let ctx = site.console_in(site.tenant()?, Some(created.user.id)).await?;
    let change = PasswordChange {
        current: Password::typed(created.one_time_password.reveal().to_owned()),
        new: Password::typed(PASSWORD.to_owned()),
        keep_session: None,
    };
    Ok(change_own_password(authorize(&ctx)?, &site.passwords, change).await?)
}

async fn sign_in(site: &Site) -> Result<(), Failure> {
    let input = LoginInput {
        tenant_slug: Some(TENANT.to_owned()),
        email: EMAIL.to_owned(),
        password: Password::typed(PASSWORD.to_owned()),
    };
    let request = site.store.new_request_id()?;
    login(&site.store, &site.passwords, request, input, &SessionSettings::default()).await?;
    Ok(())
}

async fn upload(site: &Site, text: String) -> Result<(), Failure> {
    let ctx = site.console().await?;
    let uploading = tokio::task::spawn_blocking(move || -> Result<(), Failure> {
        let permit = authorize(&ctx)?;
        document_upload(&permit, NewRevision::named("pump.md"), &mut text.as_bytes())?;
        Ok(())
    });
    uploading.await?
}

async fn work(site: &Site) -> Result<(), Failure> {
    site.start_working();
    let ctx = site.console().await?;
    let begun = Instant::now();
    let mut last_at_work = begun;
    loop {
        let jobs = job_list(authorize(&ctx)?, None, 100).await?.jobs;
        if jobs.iter().all(|job| job.state == JobState::Done) {
            return Ok(());
        }
        let stuck = jobs.iter().find_map(|job| match (job.state, &job.error_code) {
            (JobState::Failed | JobState::Cancelled, code) => Some(format!("it ended: {code:?}")),
            // It will be tried again when the clock says so, which stands still here.
            (JobState::Queued, Some(code)) => Some(format!("it waits for its next try: {code}")),
            _ => None,
        });
        if let Some(stuck) = stuck {
            return Err(format!("a job is not done: {stuck}").into());
        }
        if jobs.iter().any(|job| job.state == JobState::Running) {
            last_at_work = Instant::now();
        }
        if begun.elapsed() > JOBS_TIMEOUT || last_at_work.elapsed() > site.patience {
            return Err(format!("the jobs do not end: {jobs:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn ask(site: &Site) -> Result<(), Failure> {
    let ctx = site.console_in(site.tenant()?, Some(person(site).await?)).await?;
    let input = AskInput {
        message: "What is the torque of the flange bolts of P-101?".to_owned(),
        conversation_id: None,
        agent: None,
    };
    let bench = Workbench::new(agents::Minds::none(), site.library.clone())?;
    let asked = question(&authorize(&ctx)?, &bench, input).await?;
    answer(authorize(&ctx)?, &bench, asked, None).await?;
    Ok(())
}

async fn person(site: &Site) -> Result<UserId, Failure> {
    let ctx = site.console().await?;
    let people = user_list(authorize(&ctx)?, UserQuery::default(), 10).await?.users;
    Ok(people.first().ok_or("nobody is there")?.id)
}

async fn change_role(site: &Site) -> Result<(), Failure> {
    let id = person(site).await?;
    let ctx = site.console().await?;
    let change = UserChange { role: Some(Role::Operator), ..UserChange::default() };
    user_change(authorize(&ctx)?, id, change).await?;
    Ok(())
}

async fn suspend(site: &Site) -> Result<(), Failure> {
    let scope = site.store.appliance_scope(&site.operator);
    let id = site.store.tenant_id_by_slug(SECOND).ok_or("the second tenant is not there")?;
    for status in [TenantStatus::Suspended, TenantStatus::Active] {
        let request = site.store.new_request_id()?;
        site.store.tenant_set_suspended(&scope, request, id, status).await?;
    }
    Ok(())
}

async fn remove(site: &Site) -> Result<(), Failure> {
    let scope = site.store.appliance_scope(&site.operator);
    let id = site.store.tenant_id_by_slug(SECOND).ok_or("the second tenant is not there")?;
    Ok(site.store.tenant_remove(&scope, site.store.new_request_id()?, id).await?)
}

async fn delete(site: &Site) -> Result<(), Failure> {
    let ctx = site.console().await?;
    let page = document_list(authorize(&ctx)?, Default::default(), None, 10).await?;
    let id = page.documents.first().ok_or("no document is there")?.id;
    Ok(document_delete(authorize(&ctx)?, id).await?)
}
