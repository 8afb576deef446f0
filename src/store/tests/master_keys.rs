//! The master key: changed, put under a passphrase and under shares, broken off anywhere.

use seal::{KeyOrigin, MasterKey, PassphraseCost};
use zeroize::Zeroizing;

use super::child::role;
use super::key_kills::at_every_step;
use super::*;

const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
const WORDS: &str = "correct horse battery";

fn ground() -> Ground {
    Ground::with(StoreSettings { passphrase_cost: CHEAP, ..StoreSettings::default() })
}

fn words() -> Zeroizing<String> {
    Zeroizing::new(WORDS.to_owned())
}

fn with_words() -> MasterKeyChange {
    MasterKeyChange { passphrase: Some(words()), ..MasterKeyChange::default() }
}

impl Ground {
    /// Opens with whatever it takes: the passphrase when somebody has to unseal.
    fn unseal_at(&self, data: &Path) -> Opened {
        let (store, key) = match elsewhere(|| Store::start(self.options(data))).unwrap() {
            Start::Open(store, key) => (store, key),
            Start::Sealed(sealed) => elsewhere(|| {
                let master = sealed.open_with_passphrase(WORDS).unwrap();
                sealed.open(master, KeyOrigin::Passphrase).unwrap()
            }),
        };
        Opened { store, key }
    }

    fn sealed_at(&self, data: &Path) -> Box<SealedStore> {
        match elsewhere(|| Store::start(self.options(data))).unwrap() {
            Start::Open(..) => panic!("the store is not sealed"),
            Start::Sealed(sealed) => sealed,
        }
    }
}

impl Opened {
    async fn rotate(&self, change: MasterKeyChange) -> Result<MasterKeyChanged, StoreError> {
        self.store.master_key_rotate(&self.appliance(), self.request(), change).await
    }

    async fn set_passphrase(&self) {
        self.try_set_passphrase(words()).await.unwrap();
    }

    async fn try_set_passphrase(&self, words: Zeroizing<String>) -> Result<(), StoreError> {
        self.store.key_passphrase_set(&self.appliance(), self.request(), words).await
    }

    async fn remove_passphrase(&self) -> Result<(), StoreError> {
        self.store.key_passphrase_remove(&self.appliance(), self.request()).await
    }

    async fn state(&self) -> KeyState {
        self.store.key_state(&self.appliance()).await.unwrap()
    }

    async fn recorded_actions(&self) -> Vec<String> {
        let filter = AuditFilter { action: Some("master_key.".into()), ..AuditFilter::default() };
        let page = self.store.appliance_audit(&self.appliance(), filter, 100).await.unwrap();
        let actions = page.rows.into_iter().rev().map(|row| row.entry.action);
        actions.filter(|action| action != "master_key.unsealed").collect()
    }
}

/// Three tenants, one of them removed, one suspended, with something in each that lives.
async fn furnished(ground: &Ground) -> [TenantId; 2] {
    let opened = ground.open();
    let tenants = [opened.create("rauental").await, opened.create("lohberg").await];
    let gone = opened.create("gone").await;
    opened.remove(gone).await.unwrap();
    for tenant in tenants {
        opened.ctx(tenant).await.write(put("before")).await.unwrap();
    }
    opened.set_status(tenants[1], TenantStatus::Suspended).await;
    opened.close().await;
    tenants
}

async fn assert_whole(opened: &Opened, tenants: [TenantId; 2]) {
    for tenant in tenants {
        let ctx = opened.ctx(tenant).await;
        assert_eq!(*ctx.health(), Health::Sound);
        assert_eq!(names(&ctx).await, ["before"]);
    }
    opened.assert_logs_are_sound();
}

#[tokio::test]
async fn a_new_master_key_opens_everything_and_the_old_one_nothing() {
    let ground = ground();
    let tenants = furnished(&ground).await;
    let old_file = std::fs::read(ground.path("master.key")).unwrap();
    let (old_control, old_keys) =
        (ground.image("before"), std::fs::read(ground.path("control.keys")).unwrap());
    let opened = ground.open();
    let ctx = opened.ctx(tenants[0]).await;
    let before = opened.state().await;
    assert_eq!((before.protection, before.changed_at), (KeyProtection::KeyFile, None));
    let changed = opened.rotate(MasterKeyChange::default()).await.unwrap();
    assert_eq!((changed.from, changed.tenants), (before.id, 2));
    // Whoever works goes on, tenants that were shut open, and new ones are made.
    ctx.write(put("after")).await.unwrap();
    assert_eq!(names(&opened.ctx(tenants[1]).await).await, ["before"]);
    let made = opened.create("suldal").await;
    let state = opened.state().await;
    assert_eq!(state.id, changed.to);
    assert!(state.changed_at.is_some() && !state.awaits_credential);
    assert_eq!(opened.recorded_actions().await, ["master_key.rotated"]);
    drop(ctx);
    opened.close().await;
    for path in files(&ground.data()) {
        assert_ne!(std::fs::read(&path).unwrap(), old_file, "{}", path.display());
    }
    assert!(!ground.path("keys.pending").exists());
    let opened = ground.open();
    assert_eq!(opened.state().await.id, changed.to);
    assert_eq!(names(&opened.ctx(tenants[0]).await).await, ["after", "before"]);
    opened.ctx(made).await.write(put("a")).await.unwrap();
    opened.assert_logs_are_sound();
    opened.close().await;
    // The old key, put back: also with the old wrapped keys of the control database, which itself
    // is under the same data key, the tenants' keys do not open.
    let image = ground.image("old-key");
    std::fs::write(image.join("master.key"), &old_file).unwrap();
    assert!(matches!(ground.try_open_at(&image), Err(StoreError::Seal(_))));
    std::fs::write(image.join("control.keys"), old_keys).unwrap();
    let opened = ground.open_at(&image);
    let error = opened.try_ctx(tenants[0]).await.err().unwrap();
    assert!(matches!(error, StoreError::Seal(seal::SealError::Unwrap { .. })), "{error}");
    drop(old_control);
}

#[tokio::test]
async fn wherever_a_change_is_broken_off_everything_opens_and_one_key_counts() {
    if let Some(dir) = role() {
        let opened = ground().open_at(&dir);
        opened.rotate(MasterKeyChange::default()).await.unwrap();
        return opened.close().await;
    }
    let ground = ground();
    let tenants = furnished(&ground).await;
    let old = MasterKey::read_file(&ground.path("master.key")).unwrap().unwrap().id().to_string();
    let (taken_back, finished) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let name = "wherever_a_change_is_broken_off_everything_opens_and_one_key_counts";
    let kills = at_every_step(&ground, ("master_keys", name), async |image| {
        let opened = ground.open_at(&image);
        assert_whole(&opened, tenants).await;
        let state = opened.state().await;
        // One key counts, it is the one of the file, and the log says the same.
        let file = MasterKey::read_file(&image.join("master.key")).unwrap().unwrap();
        assert_eq!(file.id().to_string(), state.id);
        let is_old = state.id == old;
        assert_eq!(opened.recorded_actions().await.is_empty(), is_old);
        assert!(!image.join("keys.pending").exists());
        let count = if is_old { &taken_back } else { &finished };
        count.set(count.get() + 1);
        opened.create("suldal").await;
        opened.rotate(MasterKeyChange::default()).await.unwrap();
        opened.close().await;
        let opened = ground.open_at(&image);
        assert_whole(&opened, tenants).await;
        opened.close().await;
    })
    .await;
    assert!(kills >= 6 && taken_back.get() >= 1 && finished.get() >= 5, "{kills}");
}

#[tokio::test]
async fn under_a_passphrase_a_start_waits_for_it() {
    let ground = ground();
    let tenants = furnished(&ground).await;
    let opened = ground.open();
    let weak = Zeroizing::new("short".to_owned());
    assert_eq!(opened.try_set_passphrase(weak).await.unwrap_err().code(), "invalid_input");
    assert!(!ground.path("master.sealed").exists());
    opened.set_passphrase().await;
    assert!(!ground.path("master.key").exists());
    let state = opened.state().await;
    assert_eq!((state.protection, state.passphrase), (KeyProtection::Sealed, Some(CHEAP)));
    opened.close().await;

    assert!(matches!(ground.try_open(), Err(StoreError::Sealed)));
    let sealed = ground.sealed_at(&ground.data());
    assert!(sealed.has_passphrase() && sealed.shares().is_none());
    assert!(matches!(ground.try_open(), Err(StoreError::InUse)), "it is locked meanwhile");
    let error = sealed.open_with_passphrase("correct horse batterz").unwrap_err();
    assert_eq!(error.code(), "passphrase_refused");
    drop(sealed);
    let opened = ground.unseal_at(&ground.data());
    assert_whole(&opened, tenants).await;
    assert_eq!(opened.store.key_origin(), KeyOrigin::Passphrase);

    let error = opened.rotate(MasterKeyChange::default()).await.unwrap_err();
    assert_eq!(error.code(), "key_change_refused");
    let wrong = MasterKeyChange {
        passphrase: Some(Zeroizing::new("not this one at all".into())),
        credential_file: None,
    };
    assert_eq!(opened.rotate(wrong).await.unwrap_err().code(), "passphrase_refused");
    assert_eq!(opened.state().await.id, state.id, "nothing has changed");
    opened.rotate(with_words()).await.unwrap();
    assert_ne!(opened.state().await.id, state.id);
    opened.close().await;
    let opened = ground.unseal_at(&ground.data());
    assert_whole(&opened, tenants).await;

    opened.remove_passphrase().await.unwrap();
    assert!(ground.path("master.key").exists() && !ground.path("master.sealed").exists());
    assert_eq!(opened.remove_passphrase().await.unwrap_err().code(), "key_change_refused");
    let expected =
        ["master_key.passphrase_set", "master_key.rotated", "master_key.passphrase_removed"];
    assert_eq!(opened.recorded_actions().await, expected);
    opened.close().await;
    let opened = ground.open();
    assert_whole(&opened, tenants).await;
}

#[tokio::test]
async fn a_change_under_a_passphrase_can_be_broken_off_anywhere_too() {
    if let Some(dir) = role() {
        let opened = ground().unseal_at(&dir);
        opened.rotate(with_words()).await.unwrap();
        return opened.close().await;
    }
    let ground = ground();
    let tenants = furnished(&ground).await;
    let opened = ground.open();
    opened.set_passphrase().await;
    opened.close().await;
    let name = "a_change_under_a_passphrase_can_be_broken_off_anywhere_too";
    let kills = at_every_step(&ground, ("master_keys", name), async |image| {
        assert!(!image.join("master.key").exists());
        let opened = ground.unseal_at(&image);
        assert_whole(&opened, tenants).await;
        assert!(!image.join("keys.pending").exists());
        opened.close().await;
        let opened = ground.unseal_at(&image);
        opened.rotate(with_words()).await.unwrap();
        assert_whole(&opened, tenants).await;
        opened.close().await;
    })
    .await;
    assert!(kills >= 6, "{kills}");
}

#[tokio::test]
async fn setting_and_removing_a_passphrase_never_locks_anybody_out() {
    if let Some(dir) = role() {
        let opened = ground().unseal_at(&dir);
        if opened.state().await.protection == KeyProtection::KeyFile {
            opened.set_passphrase().await;
        } else {
            opened.remove_passphrase().await.unwrap();
        }
        return opened.close().await;
    }
    let name = "setting_and_removing_a_passphrase_never_locks_anybody_out";
    for sealed in [false, true] {
        let ground = ground();
        let tenants = furnished(&ground).await;
        if sealed {
            let opened = ground.open();
            opened.set_passphrase().await;
            opened.close().await;
        }
        let kills = at_every_step(&ground, ("master_keys", name), async |image| {
            let opened = ground.unseal_at(&image);
            assert_whole(&opened, tenants).await;
            let state = opened.state().await;
            let both = image.join("master.key").exists() && image.join("master.sealed").exists();
            assert_eq!(state.key_file_beside_passphrase, both, "it is told");
            opened.set_passphrase().await;
            assert!(!opened.state().await.key_file_beside_passphrase);
            opened.close().await;
            ground.unseal_at(&image).close().await;
        })
        .await;
        assert!(kills >= 2, "{kills}");
    }
}

#[tokio::test]
async fn enough_shares_unseal_one_by_one_and_new_ones_replace_them() {
    let ground = ground();
    let tenants = furnished(&ground).await;
    let opened = ground.open();
    opened.set_passphrase().await;
    let make = async |opened: &Opened, threshold, count| {
        let scope = opened.appliance();
        let made = opened.store.key_shares_make(&scope, opened.request(), threshold, count).await;
        let texts = |made: Vec<seal::Share>| {
            made.iter().map(|share| share.to_text().to_string()).collect::<Vec<_>>()
        };
        made.map(texts)
    };
    assert_eq!(make(&opened, 1, 3).await.unwrap_err().code(), "invalid_input");
    let old = make(&opened, 2, 3).await.unwrap();
    let shares = make(&opened, 3, 4).await.unwrap();
    opened.close().await;

    let sealed = ground.sealed_at(&ground.data());
    assert_eq!(sealed.shares().map(|set| (set.threshold, set.count)), Some((3, 4)));
    let said = |text: &str| sealed.bring_share(text).err().map(|error| error.code());
    assert_eq!(said(&old[0]), Some("share_refused"), "replaced");
    assert_eq!(said("MW-SHARE-nonsense"), Some("invalid_input"));
    let waiting = |text: &str| match sealed.bring_share(text).unwrap() {
        ShareProgress::Waiting { brought, needed } => (brought, needed),
        ShareProgress::Open(_) => panic!("too few"),
    };
    assert_eq!(waiting(&shares[3]), (1, 3));
    assert_eq!(said(&shares[3]), Some("share_refused"), "counted already");
    assert_eq!(waiting(&shares[0]), (2, 3));
    // Forgotten ten minutes after the last one.
    ground.clock.advance_ms(10 * 60 * 1000);
    assert_eq!(sealed.shares_brought(), 0);
    assert_eq!(waiting(&shares[1]), (1, 3));
    ground.clock.advance_ms(10 * 60 * 1000 - 1);
    assert_eq!(waiting(&shares[3]), (2, 3));
    let ShareProgress::Open(master) = sealed.bring_share(&shares[0]).unwrap() else {
        panic!("three are enough")
    };
    let (store, key) = elsewhere(|| sealed.open(master, KeyOrigin::Shares)).unwrap();
    drop(sealed);
    let opened = Opened { store, key };
    assert_whole(&opened, tenants).await;
    // A new master key leaves no share that opens it.
    let changed = opened.rotate(with_words()).await.unwrap();
    assert!(changed.shares_ended);
    assert_eq!(opened.state().await.shares, None);
    opened.close().await;
    let sealed = ground.sealed_at(&ground.data());
    assert_eq!(sealed.bring_share(&shares[1]).err().unwrap().code(), "key_change_refused");
}

#[tokio::test]
async fn shares_help_where_the_key_file_is_lost() {
    let ground = ground();
    let tenants = furnished(&ground).await;
    let opened = ground.open();
    let scope = opened.appliance();
    let made = opened.store.key_shares_make(&scope, opened.request(), 2, 2).await.unwrap();
    opened.close().await;
    // The file is there: nobody is asked.
    ground.open().close().await;
    std::fs::remove_file(ground.path("master.key")).unwrap();
    let sealed = ground.sealed_at(&ground.data());
    assert!(!sealed.has_passphrase());
    assert!(matches!(
        sealed.bring_share(&made[1].to_text()),
        Ok(ShareProgress::Waiting { brought: 1, needed: 2 })
    ));
    let Ok(ShareProgress::Open(master)) = sealed.bring_share(&made[0].to_text()) else {
        panic!("two are enough")
    };
    let (store, key) = elsewhere(|| sealed.open(master, KeyOrigin::Shares)).unwrap();
    drop(sealed);
    let opened = Opened { store, key };
    assert_whole(&opened, tenants).await;
    let error = opened.rotate(MasterKeyChange::default()).await.unwrap_err();
    assert!(error.to_string().contains("shares alone"), "{error}");
    // With a passphrase they can change it.
    opened.set_passphrase().await;
    opened.rotate(with_words()).await.unwrap();
}

#[tokio::test]
async fn a_new_credential_takes_over_at_the_start_that_brings_it() {
    let ground = ground();
    let credentials = tempfile::tempdir().unwrap();
    let (credential, new) = (credentials.path().join("key"), credentials.path().join("new"));
    let key = MasterKey::generate(&OsEntropy).unwrap();
    key.write_new_file(&credential).unwrap();
    let open = || {
        let options = StoreOptions {
            key_credential: Some(credential.clone()),
            ..ground.options(&ground.data())
        };
        let (store, key) = elsewhere(move || Store::open(options)).unwrap();
        Opened { store, key }
    };
    let opened = open();
    let tenant = opened.create("rauental").await;
    opened.ctx(tenant).await.write(put("before")).await.unwrap();
    assert_eq!(opened.try_set_passphrase(words()).await.unwrap_err().code(), "key_change_refused");
    let without = opened.rotate(MasterKeyChange::default()).await.unwrap_err();
    assert!(without.to_string().contains("--new-credential"), "{without}");
    let change = || MasterKeyChange { credential_file: Some(new.clone()), passphrase: None };
    let changed = opened.rotate(change()).await.unwrap();
    assert_eq!(changed.awaits_credential.as_deref(), Some(new.as_path()));
    let state = opened.state().await;
    assert!(state.awaits_credential && state.id == changed.to);
    assert_eq!(opened.rotate(change()).await.unwrap_err().code(), "key_change_refused");
    opened.close().await;
    // The unit was not changed yet: the old one still opens everything.
    let opened = open();
    assert!(opened.state().await.awaits_credential);
    assert_eq!(names(&opened.ctx(tenant).await).await, ["before"]);
    opened.close().await;
    let old = std::fs::read(&credential).unwrap();
    std::fs::copy(&new, &credential).unwrap();
    let opened = open();
    let state = opened.state().await;
    assert!(!state.awaits_credential && state.id == changed.to);
    assert_eq!(names(&opened.ctx(tenant).await).await, ["before"]);
    opened.assert_logs_are_sound();
    opened.close().await;
    std::fs::write(&credential, old).unwrap();
    let options =
        StoreOptions { key_credential: Some(credential.clone()), ..ground.options(&ground.data()) };
    assert!(matches!(elsewhere(move || Store::open(options)), Err(StoreError::Seal(_))));
}

#[tokio::test]
async fn a_stranger_s_key_is_told_that_a_change_is_under_way() {
    let ground = ground();
    furnished(&ground).await;
    let old = MasterKey::read_file(&ground.path("master.key")).unwrap().unwrap();
    let new = MasterKey::generate(&OsEntropy).unwrap();
    let pending =
        seal::PendingRotation::new(&old, &new, seal::NewProtection::Credential, &OsEntropy);
    pending.unwrap().write(&ground.path("keys.pending")).unwrap();
    let stranger = MasterKey::generate(&OsEntropy).unwrap();
    stranger.replace_file(&ground.path("master.key")).unwrap();
    let error = ground.try_open().err().unwrap();
    assert!(matches!(error, StoreError::Seal(seal::SealError::NeitherKey { .. })), "{error}");
    // The new one is supplied before the commit was reached: that is what the operator wants.
    new.replace_file(&ground.path("master.key")).unwrap();
    let opened = ground.open();
    assert_eq!(opened.state().await.id, new.id().to_string());
    assert_eq!(opened.recorded_actions().await, ["master_key.rotated"]);
    opened.assert_logs_are_sound();
    assert!(!ground.path("keys.pending").exists());
}
