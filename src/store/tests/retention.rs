//! Content that goes after years, and a log that is proved as before.

use crate::connection::Connection;

use super::*;

const DAY_MS: i64 = 86_400_000;

struct Site {
    ground: Ground,
    opened: Opened,
    tenant: TenantId,
}

impl Site {
    async fn new() -> Self {
        let ground = Ground::new();
        let opened = ground.open();
        let tenant = opened.create("rauental").await;
        Self { ground, opened, tenant }
    }

    async fn set_days(&self, days: u32) {
        let ctx = self.opened.ctx(self.tenant).await;
        ctx.write(move |tx| {
            tx.execute(
                "INSERT INTO settings (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![AUDIT_RETENTION_DAYS, days.to_string()],
            )?;
            tx.commit(Event::new(CHANGED).object("setting", AUDIT_RETENTION_DAYS), ())
        })
        .await
        .unwrap();
    }

    /// A setting a week, for so many weeks.
    async fn weeks(&self, count: u32) {
        let ctx = self.opened.ctx(self.tenant).await;
        for _ in 0..count {
            let name = format!("{:05}", self.ground.clock.now().unix_ms() / DAY_MS);
            ctx.write(put(&name)).await.unwrap();
            self.ground.clock.advance_ms(7 * DAY_MS);
        }
    }

    async fn prune(&self) -> u64 {
        self.opened.store.audit_prune(self.tenant).await.unwrap()
    }

    async fn retention(&self) -> Retention {
        self.opened.ctx(self.tenant).await.read(retention).await.unwrap()
    }

    /// The database, as somebody would open it who has its key.
    fn raw(&self) -> Connection {
        let (key, _) = self.opened.keys_of(self.tenant);
        raw(&tenant_path(&self.ground.data(), self.tenant, "tenant.db"), &key)
    }
}

use base::Clock as _;

#[tokio::test]
async fn old_content_goes_and_the_log_is_proved_as_before() {
    let site = Site::new().await;
    site.set_days(90).await;
    site.weeks(30).await;
    let ctx = site.opened.ctx(site.tenant).await;
    let leaves = ctx.read(|tx| audit_leaves(tx, 0..30)).await.unwrap();
    // Of 30 weeks the first 17 are more than 90 days ago; before them stand schema and setting.
    let gone = SCHEMA_ENTRIES + 1 + 18;
    assert_eq!(site.prune().await, gone);
    assert_eq!(site.prune().await, 0, "what is gone does not go again");
    site.opened.assert_logs_are_sound();
    let state = site.retention().await;
    let pruned = state.pruned.unwrap();
    assert_eq!((pruned.end, pruned.by), (gone, SCHEMA_ENTRIES + 31));
    let kept = ctx.read(|tx| audit_leaves(tx, 0..30)).await.unwrap();
    assert_eq!(kept, leaves, "the hashes stay");
    // Nothing is left of them but hash and time.
    let left: i64 = site
        .raw()
        .query_row(
            "SELECT count(*) FROM audit_entries WHERE idx < ?1 AND (length(bytes) > 0
                 OR actor <> '' OR action <> '' OR object IS NOT NULL)",
            [i64::try_from(gone).unwrap()],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0);
    // Listings begin behind them and say so.
    let page = ctx.read(|tx| audit_entries(tx, &AuditFilter::default(), 200)).await.unwrap();
    assert_eq!(page.pruned_end, gone);
    assert_eq!(page.rows.last().unwrap().entry.index, gone);
    let refused = ctx.read(move |tx| audit_bytes(tx, gone - 1..gone + 1)).await.unwrap_err();
    assert_eq!(refused.code(), "audit_entry_pruned");
    drop(ctx);
    site.opened.close().await;
    let opened = site.ground.open();
    assert_eq!(*opened.ctx(site.tenant).await.health(), Health::Sound);
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn later_pruning_covers_what_went_before_and_its_record() {
    let site = Site::new().await;
    site.set_days(90).await;
    for _ in 0..4 {
        site.weeks(20).await;
        assert!(site.prune().await > 0);
        site.opened.assert_logs_are_sound();
    }
    let records: i64 = site
        .raw()
        .query_row("SELECT count(*) FROM audit_entries WHERE action = 'audit.pruned'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(records < 4, "old records went too: {records}");
}

#[tokio::test]
async fn content_that_somebody_erased_is_named() {
    let site = Site::new().await;
    site.set_days(90).await;
    site.weeks(30).await;
    let gone = site.prune().await;
    let erase = |from: u64, until: u64| {
        let sql = format!(
            "UPDATE audit_entries SET bytes = x'', action = '' WHERE idx >= {from} AND idx < {until}"
        );
        site.raw().execute_batch(&sql).unwrap();
    };
    // One more than the log says.
    erase(gone, gone + 1);
    assert_eq!(site.opened.findings()[1].1, format!("erased at {gone}"));
    let site = Site::new().await;
    site.weeks(3).await;
    let sql = "UPDATE audit_entries SET bytes = x'' WHERE idx < 4";
    site.raw().execute_batch(sql).unwrap();
    assert_eq!(site.opened.findings()[1].1, "erased at 0");
}

#[tokio::test]
async fn nothing_goes_while_a_hold_is_in_force() {
    let site = Site::new().await;
    site.set_days(90).await;
    site.weeks(30).await;
    let ctx = site.opened.ctx(site.tenant).await;
    let set = async |reason: &'static str| {
        ctx.write(move |tx| {
            let (hold, event) = legal_hold_set(&tx, reason.into())?;
            tx.commit(event, hold)
        })
        .await
    };
    let hold = set("case 2026-114").await.unwrap();
    assert_eq!((hold.reason.as_str(), hold.set_by.as_str()), ("case 2026-114", "console"));
    assert_eq!(set("again").await.unwrap_err().code(), "legal_hold_in_force");
    assert_eq!(site.prune().await, 0);
    assert_eq!(site.retention().await.hold, Some(hold));
    let lift = async || {
        ctx.write(|tx| {
            let event = legal_hold_lift(&tx, "closed")?;
            tx.commit(event, ())
        })
        .await
    };
    lift().await.unwrap();
    assert_eq!(lift().await.unwrap_err().code(), "legal_hold_not_in_force");
    assert!(site.prune().await > 0);
    let holds = AuditFilter { action: Some("legal_hold.".into()), ..AuditFilter::default() };
    let page = ctx.read(move |tx| audit_entries(tx, &holds, 10)).await.unwrap();
    let told: Vec<_> = page.rows.iter().map(|row| row.entry.action.as_str()).collect();
    assert_eq!(told, ["legal_hold.lifted", "legal_hold.set"]);
    // What can't be read holds as well.
    let broken = "INSERT INTO settings (name, value) VALUES ('legal_hold', 'yes')";
    site.raw().execute_batch(broken).unwrap();
    site.weeks(20).await;
    assert_eq!(
        site.opened.store.audit_prune(site.tenant).await.unwrap_err().code(),
        "store_damaged"
    );
}

#[tokio::test]
async fn seven_years_are_kept_when_nothing_is_set_and_a_wrong_clock_takes_nothing() {
    let site = Site::new().await;
    site.weeks(4).await;
    assert_eq!(site.retention().await.days, RETENTION_DEFAULT_DAYS);
    site.ground.clock.advance_ms(7 * 360 * DAY_MS);
    site.weeks(1).await;
    assert_eq!(site.prune().await, 0);
    // The clock jumps ten years ahead: the newest entry is that old, or the clock is wrong.
    site.ground.clock.advance_ms(10 * 365 * DAY_MS);
    assert_eq!(site.prune().await, 0);
    // Somebody is at work under that clock: it is believed.
    site.weeks(1).await;
    assert_eq!(site.prune().await, SCHEMA_ENTRIES + 5);
    site.opened.assert_logs_are_sound();
}

#[tokio::test]
async fn an_entry_from_a_clock_that_ran_ahead_keeps_those_behind_it_for_a_while() {
    let site = Site::new().await;
    site.set_days(90).await;
    site.weeks(2).await;
    site.ground.clock.advance_ms(100 * DAY_MS);
    site.weeks(1).await;
    site.ground.clock.advance_ms(-107 * DAY_MS);
    site.weeks(20).await;
    assert_eq!(site.prune().await, SCHEMA_ENTRIES + 3, "up to the one from the future");
    site.opened.assert_logs_are_sound();
    site.weeks(20).await;
    assert!(site.prune().await > 10, "its time has come");
    site.opened.assert_logs_are_sound();
}
