//! The room through its public face, on a real store in a temporary directory.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod api_keys;
mod bearer;
mod endings;
mod federation;
mod groups;
mod guesses;
pub(crate) mod keys;
mod login;
mod people;
mod refresh;
mod second_factor;
mod tokens;

use std::sync::Arc;

use base::{Classification, Coded as _, ManualClock, OsEntropy, Role, TenantId, Timestamp, UserId};
use policy::{Action, Permit, SteadyClock, authorize};
use store::{
    AuditFilter, LiveSession, NewTenant, OperatorKey, Store, StoreOptions, StoreSettings,
    TenantCtx, audit_entries,
};

use crate::*;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// A store with one tenant, `rauental`, and whatever a test adds.
struct Plant {
    store: Store,
    operator: OperatorKey,
    clock: Arc<ManualClock>,
    passwords: Passwords,
    /// The process's own clock.
    steady: SteadyClock,
    sessions: SessionSettings,
    tokens: TokenSettings,
    tenant: TenantId,
    _dir: tempfile::TempDir,
}

/// Somebody with a password of their own.
struct Person {
    id: UserId,
    email: String,
    password: String,
}

impl Plant {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(1_795_000_000_123)));
        let options = StoreOptions {
            data_dir: dir.path().join("data"),
            key_credential: None,
            key_file: None,
            clock: Arc::clone(&clock) as Arc<dyn base::Clock>,
            entropy: Arc::new(OsEntropy),
            settings: StoreSettings::default(),
        };
        let (store, operator) = Store::open(options).unwrap();
        let steady = SteadyClock::manual();
        let mut plant = Self {
            store,
            operator,
            clock,
            passwords: Passwords::with_clock(PasswordSettings::default(), steady.clone()),
            steady,
            sessions: SessionSettings::default(),
            tokens: TokenSettings::default(),
            tenant: TenantId::from_bytes([0; 16]),
            _dir: dir,
        };
        plant.tenant = plant.new_tenant("rauental").await;
        plant
    }

    async fn new_tenant(&self, slug: &str) -> TenantId {
        let scope = self.store.appliance_scope(&self.operator);
        let request = self.store.new_request_id().unwrap();
        let new = NewTenant { slug: slug.into(), name: slug.to_uppercase() };
        self.store.tenant_create(&scope, request, new).await.unwrap().id
    }

    /// The console in a tenant, with all rights and nobody's name.
    async fn console_in(&self, tenant: TenantId) -> TenantCtx {
        let scope = self.store.scope_from_operator(&self.operator, tenant, None).await.unwrap();
        self.store.enter(scope, self.store.new_request_id().unwrap()).await.unwrap()
    }

    async fn console(&self) -> TenantCtx {
        self.console_in(self.tenant).await
    }

    /// The console acting for a person, with that person's rights.
    async fn acting_as(&self, person: UserId) -> TenantCtx {
        let scope = self.store.scope_from_operator(&self.operator, self.tenant, Some(person));
        let request = self.store.new_request_id().unwrap();
        self.store.enter(scope.await.unwrap(), request).await.unwrap()
    }

    /// Adds somebody through the console and has them choose a password.
    async fn add(&self, name: &str, role: Role, clearance: Classification) -> Person {
        self.add_to(self.tenant, name, role, clearance).await
    }

    async fn add_to(
        &self,
        tenant: TenantId,
        name: &str,
        role: Role,
        clearance: Classification,
    ) -> Person {
        let console = self.console_in(tenant).await;
        let new = newcomer(name, role, clearance);
        let created = user_create(permit(&console), &self.passwords, new).await.unwrap();
        let scope = self.store.scope_from_operator(&self.operator, tenant, Some(created.user.id));
        let request = self.store.new_request_id().unwrap();
        let ctx = self.store.enter(scope.await.unwrap(), request).await.unwrap();
        let password = format!("{name} likes long passwords");
        let change = PasswordChange {
            current: typed(created.one_time_password.reveal()),
            new: typed(&password),
            keep_session: None,
        };
        change_own_password(permit(&ctx), &self.passwords, change).await.unwrap();
        Person { id: created.user.id, email: created.user.email.as_str().into(), password }
    }

    async fn try_login(
        &self,
        tenant_slug: Option<&str>,
        email: &str,
        password: &str,
    ) -> Result<Login, IdentityError> {
        let input = LoginInput {
            tenant_slug: tenant_slug.map(str::to_owned),
            email: email.into(),
            password: typed(password),
        };
        let request = self.store.new_request_id().unwrap();
        login(&self.store, &self.passwords, request, input, &self.sessions).await
    }

    async fn login(&self, person: &Person) -> Login {
        self.try_login(Some("rauental"), &person.email, &person.password).await.unwrap()
    }

    /// What a request with this cookie leads to.
    async fn resume(&self, login: &Login) -> Result<(TenantCtx, LiveSession), IdentityError> {
        self.resume_value(login.cookie.reveal()).await
    }

    async fn resume_value(&self, cookie: &str) -> Result<(TenantCtx, LiveSession), IdentityError> {
        let (scope, session) = authenticate_cookie(&self.store, cookie, &self.sessions).await?;
        let ctx = self.store.enter(scope, self.store.new_request_id().unwrap()).await.unwrap();
        Ok((ctx, session))
    }

    fn signer(&self) -> TokenSigner {
        TokenSigner::of_appliance(&self.store, &self.tokens)
    }

    fn verifier(&self) -> TokenVerifier {
        TokenVerifier::of_appliance(&self.store, &self.tokens)
    }

    /// What a request with this bearer token leads to.
    async fn bearer(&self, token: &str) -> Result<TenantCtx, IdentityError> {
        self.bearer_by(&self.verifier(), token).await
    }

    async fn bearer_by(
        &self,
        verifier: &TokenVerifier,
        token: &str,
    ) -> Result<TenantCtx, IdentityError> {
        let (scope, _) = authenticate_bearer(&self.store, verifier, token).await?;
        Ok(self.store.enter(scope, self.store.new_request_id().unwrap()).await.unwrap())
    }

    /// Entries of the tenant's log, oldest first: of one action (`user.created`), of a noun
    /// (`user.`), or all.
    async fn recorded(&self, action: &str) -> Vec<audit::Entry> {
        let action = Some(action.to_owned()).filter(|a| !a.is_empty());
        let filter = AuditFilter { action, ..AuditFilter::default() };
        let page = self.console().await.read(move |tx| audit_entries(tx, &filter, 200)).await;
        let mut entries: Vec<_> = page.unwrap().rows.into_iter().map(|row| row.entry).collect();
        entries.reverse();
        entries
    }
}

fn permit<A: Action>(ctx: &TenantCtx) -> Permit<'_, A> {
    authorize(ctx).unwrap()
}

fn typed(text: &str) -> Password {
    Password::typed(text.into())
}

fn newcomer(name: &str, role: Role, clearance: Classification) -> NewUser {
    NewUser {
        email: Email::parse(&format!("{name}@plant.example")).unwrap(),
        display_name: DisplayName::parse(name).unwrap(),
        role,
        clearance,
        export_eligible: false,
        language: Language::parse("de").unwrap(),
    }
}

fn code<T>(result: Result<T, IdentityError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}
