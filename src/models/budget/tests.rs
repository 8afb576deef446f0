#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use ::store::{NewTenant, OperatorKey, Store, StoreOptions, StoreSettings};
use audit::{Action, Event};
use base::{ManualClock, OsEntropy, TenantId, Timestamp};

use super::*;
use crate::scripted::{ScriptedModel, ScriptedReply};

const DONE: Action = Action::new("test.done");

/// The morning of a Wednesday, in milliseconds.
const START_MS: i64 = 1_795_000_000_123;

const DAY_MS: i64 = 86_400_000;

struct Plant {
    store: Store,
    key: OperatorKey,
    tenant: TenantId,
    clock: Arc<ManualClock>,
    _dir: tempfile::TempDir,
}

impl Plant {
    async fn new(budgets: TokenBudgets) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(START_MS)));
        let options = StoreOptions {
            data_dir: dir.path().join("data"),
            key_credential: None,
            key_file: None,
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(OsEntropy),
            settings: StoreSettings::default(),
        };
        let opened = tokio::task::spawn_blocking(move || Store::open(options)).await.unwrap();
        let (store, key) = opened.unwrap();
        let scope = store.appliance_scope(&key);
        let request = store.new_request_id().unwrap();
        let new = NewTenant { slug: "rauental".into(), name: "Rauental".into() };
        let tenant = store.tenant_create(&scope, request, new).await.unwrap().id;
        let plant = Self { store, key, tenant, clock, _dir: dir };
        plant.set(budgets).await;
        plant
    }

    async fn set(&self, budgets: TokenBudgets) {
        let ctx = self.ctx(None).await;
        ctx.write(move |tx| {
            token_budgets_set(&tx, &budgets)?;
            tx.commit(Event::new(DONE), ())
        })
        .await
        .unwrap();
    }

    async fn ctx(&self, acting_as: Option<UserId>) -> TenantCtx {
        let scope = self.store.scope_from_operator(&self.key, self.tenant, acting_as).await;
        let request = self.store.new_request_id().unwrap();
        self.store.enter(scope.unwrap(), request).await.unwrap()
    }

    /// A new person.
    async fn person(&self, name: &str) -> TenantCtx {
        let ctx = self.ctx(None).await;
        let id = UserId::new(ctx.now(), ctx.entropy()).unwrap();
        let email = format!("{name}@rauental.test");
        let insert = move |tx: ::store::WriteTx<'_>| {
            tx.execute(
                "INSERT INTO users VALUES (?1, ?2, 'A', 'viewer', 'INTERNAL', 0, 'en', 'active',
                     'x', 0, 0, 0)",
                ::store::sql::params![id.as_bytes(), email],
            )?;
            tx.commit::<()>(Event::new(DONE), ())
        };
        ctx.write::<(), StoreError, _>(insert).await.unwrap();
        self.ctx(Some(id)).await
    }
}

fn ledger() -> BudgetLedger {
    BudgetLedger::new(Tiers::new())
}

fn used(prompt_tokens: u32, completion_tokens: u32) -> TokenUsage {
    TokenUsage { prompt_tokens, cached_tokens: 1, completion_tokens }
}

async fn write(ctx: &TenantCtx, usage: SettledUsage) {
    ctx.write(move |tx| {
        usage_insert(&tx, &usage)?;
        tx.commit(Event::new(DONE), ())
    })
    .await
    .unwrap();
}

fn short(result: Result<Reservation, BudgetError>) -> (BudgetScope, BudgetPeriod, u64, Timestamp) {
    match result.err().unwrap() {
        BudgetError::Exhausted { scope, period, used, resets_at, .. } => {
            (scope, period, used, resets_at)
        }
        BudgetError::Store(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn without_limits_everything_is_counted_and_nothing_refused() {
    let plant = Plant::new(TokenBudgets::default()).await;
    let ctx = plant.person("anna").await;
    let ledger = ledger();
    let usage = ledger.reserve(&ctx, u32::MAX).await.unwrap().settle(used(70, 30));
    write(&ctx, usage.by(Tier::Light, ModelHash::from_bytes([7; 32]))).await;
    let usage = ledger.reserve(&ctx, 10).await.unwrap().settle(used(5, 5));
    write(&ctx, usage.by(Tier::Light, ModelHash::from_bytes([7; 32]))).await;
    let standing = ledger.standing(&ctx).await.unwrap();
    assert_eq!(standing.tenant, Used { day: 110, month: 110, reserved: 0 });
    assert_eq!(standing.person, Some(standing.tenant));
    let filter = |group| UsageFilter {
        first_day: 0,
        last_day: i64::MAX,
        user_id: ctx.user_id(),
        group,
        limit: 10,
    };
    let by_model = filter(UsageGroup::Model);
    let rows = ctx.read(move |tx| usage_rows(tx, &by_model)).await.unwrap();
    let expected = UsageRow {
        day: None,
        user_id: None,
        tier: Some("light".into()),
        model: Some(ModelHash::from_bytes([7; 32])),
        requests: 2,
        prompt_tokens: 75,
        cached_tokens: 2,
        completion_tokens: 35,
        beyond_budget_tokens: 0,
    };
    assert_eq!(rows, std::slice::from_ref(&expected));
    let by_person = filter(UsageGroup::Person);
    let rows = ctx.read(move |tx| usage_rows(tx, &by_person)).await.unwrap();
    assert_eq!(
        rows,
        [UsageRow { user_id: ctx.user_id(), tier: None, model: None, ..expected.clone() }]
    );
    let by_day = filter(UsageGroup::Day);
    let rows = ctx.read(move |tx| usage_rows(tx, &by_day)).await.unwrap();
    let day = Some(START_MS / DAY_MS);
    assert_eq!(rows, [UsageRow { day, tier: None, model: None, ..expected }]);
}

#[tokio::test]
async fn a_hundred_at_once_never_overrun() {
    let budgets = TokenBudgets { tenant_day: 1000, person_month: 700, ..TokenBudgets::default() };
    let plant = Arc::new(Plant::new(budgets).await);
    let people = [Arc::new(plant.person("anna").await), Arc::new(plant.person("bela").await)];
    let ledger = Arc::new(ledger());
    let mut work = tokio::task::JoinSet::new();
    for i in 0..100_u32 {
        let (ctx, ledger) = (Arc::clone(&people[i as usize % 2]), Arc::clone(&ledger));
        work.spawn(async move {
            // Some use all that they asked for, some less, some fail and give everything back.
            let asked = 30 + i % 7;
            let Ok(reservation) = ledger.reserve(&ctx, asked).await else { return 0 };
            tokio::task::yield_now().await;
            match i % 5 {
                0 => 0,
                1 | 2 => {
                    write(&ctx, reservation.settle(used(asked - 10, 10))).await;
                    u64::from(asked)
                }
                _ => {
                    write(&ctx, reservation.settle(used(10, 5))).await;
                    15
                }
            }
        });
    }
    let spent: u64 = work.join_all().await.into_iter().sum();
    let mut by_person = 0;
    for ctx in &people {
        let standing = ledger.standing(ctx).await.unwrap();
        assert_eq!(standing.tenant, Used { day: spent, month: spent, reserved: 0 });
        let person = standing.person.unwrap();
        assert!(person.month <= 700, "{person:?}");
        by_person += person.month;
    }
    assert_eq!(by_person, spent);
    assert!((900..=1000).contains(&spent), "{spent}");
    let sum = "SELECT sum(prompt_tokens + completion_tokens) FROM token_usage";
    let rows = people[0].read(move |tx| tx.query_row(sum, [], |row| row.get::<_, i64>(0))).await;
    assert_eq!(rows.unwrap().unsigned_abs(), spent);
}

#[tokio::test]
async fn a_budget_begins_anew_with_its_day_and_its_month() {
    let budgets = TokenBudgets { person_day: 100, person_month: 150, ..TokenBudgets::default() };
    let plant = Plant::new(budgets).await;
    let ctx = plant.person("anna").await;
    let ledger = ledger();
    write(&ctx, ledger.reserve(&ctx, 90).await.unwrap().settle(used(80, 10))).await;
    let (scope, period, taken, resets_at) = short(ledger.reserve(&ctx, 11).await);
    assert_eq!((scope, period, taken), (BudgetScope::Person, BudgetPeriod::Day, 90));
    assert_eq!(resets_at, Timestamp::parse("2026-11-19").unwrap());
    plant.clock.advance_ms(DAY_MS);
    write(&ctx, ledger.reserve(&ctx, 60).await.unwrap().settle(used(50, 10))).await;
    let (_, period, taken, resets_at) = short(ledger.reserve(&ctx, 1).await);
    assert_eq!((period, taken), (BudgetPeriod::Month, 150));
    assert_eq!(resets_at, Timestamp::parse("2026-12-01").unwrap());
    // Somebody else is not concerned, and next month nobody is.
    let other = plant.person("bela").await;
    drop(ledger.reserve(&other, 100).await.unwrap());
    plant.clock.advance_ms(15 * DAY_MS);
    drop(ledger.reserve(&ctx, 100).await.unwrap());
}

#[tokio::test]
async fn sums_are_read_back_when_the_tenant_opens_again() {
    let budgets = TokenBudgets { tenant_day: 100, ..TokenBudgets::default() };
    let plant = Plant::new(budgets).await;
    let ctx = plant.person("anna").await;
    let user = ctx.user_id();
    write(&ctx, ledger().reserve(&ctx, 90).await.unwrap().settle(used(80, 10))).await;
    drop(ctx);
    let ctx = plant.ctx(user).await;
    // What is in memory is left aside, as after a restart.
    let now = Moment::of(ctx.now());
    let sums = ctx.read(move |tx| store::sums(tx, now)).await.unwrap();
    let book = Arc::new(Book::default());
    book.load(now, sums);
    let expected = Used { day: 90, month: 90, reserved: 0 };
    assert_eq!(book.used(now, user), (expected, Some(expected)));
    assert!(book.hold(now, user, 11, &budgets).is_err());
    assert!(book.hold(now, user, 10, &budgets).is_ok());
}

#[tokio::test]
async fn who_waits_gets_what_others_give_back() {
    let budgets = TokenBudgets {
        tenant_day: 100,
        overflow: OverflowPolicy::Queue,
        ..TokenBudgets::default()
    };
    let plant = Plant::new(budgets).await;
    let ctx = Arc::new(plant.person("anna").await);
    let ledger = Arc::new(ledger());
    let first = ledger.reserve(&ctx, 80).await.unwrap();
    let waiting = tokio::spawn({
        let (ledger, ctx) = (Arc::clone(&ledger), Arc::clone(&ctx));
        async move { ledger.reserve(&ctx, 60).await.map(drop) }
    });
    while ledger.standing(&ctx).await.unwrap().tenant.reserved != 80 {
        tokio::task::yield_now().await;
    }
    write(&ctx, first.settle(used(20, 10))).await;
    waiting.await.unwrap().unwrap();
    // Nobody has anything to give back: waiting would be in vain.
    write(&ctx, ledger.reserve(&ctx, 70).await.unwrap().settle(used(60, 10))).await;
    let (_, period, ..) = short(ledger.reserve(&ctx, 1).await);
    assert_eq!(period, BudgetPeriod::Day);
}

#[tokio::test]
async fn beyond_the_budget_the_light_tier_goes_on() {
    let budgets = TokenBudgets {
        tenant_month: 100,
        overflow: OverflowPolicy::Downgrade,
        ..TokenBudgets::default()
    };
    let plant = Plant::new(budgets).await;
    let ctx = plant.person("anna").await;
    let tiers = Tiers::new();
    let ledger = BudgetLedger::new(tiers.clone());
    let full = ledger.reserve(&ctx, 100).await.unwrap();
    assert_eq!((full.ceiling(), full.tier(Tier::Heavy)), (None, Tier::Heavy));
    write(&ctx, full.settle(used(90, 10))).await;
    short(ledger.reserve(&ctx, 1).await);
    let model = ScriptedModel::new("small", |_| ScriptedReply::Text("yes".into()));
    tiers.set_members(Tier::Light, vec![Arc::new(model)]);
    let beyond = ledger.reserve(&ctx, 50).await.unwrap();
    assert_eq!((beyond.tier(Tier::Heavy), beyond.tier(Tier::Light)), (Tier::Light, Tier::Light));
    write(&ctx, beyond.settle(used(30, 20))).await;
    assert_eq!(ledger.standing(&ctx).await.unwrap().tenant.month, 100);
    let filter = UsageFilter {
        first_day: 0,
        last_day: i64::MAX,
        user_id: None,
        group: UsageGroup::Day,
        limit: 10,
    };
    let rows = ctx.read(move |tx| usage_rows(tx, &filter)).await.unwrap();
    assert_eq!((rows[0].prompt_tokens, rows[0].beyond_budget_tokens), (120, 50));
}
