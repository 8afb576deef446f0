//! Files that somebody has been at who has no key: each byte flipped, each file cut, pages and files
//! exchanged, brought back from an older copy, or gone. Whatever it is, it is found and named when
//! the data directory is opened, verified and read, or it made no difference.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{Entropy as _, SeededEntropy};
use knowledge::Library;
use sha2::{Digest as _, Sha256};
use store::{Health, StoreError, verify_data_dir};

use crate::flow::Step;
use crate::image::Image;
use crate::site::{self, Failure, Site};
use crate::state::{self, chain, dump};
use crate::{runtime, scratch, setting};

const PAGE_BYTES: usize = 4096;

/// Of each page of a database or write-ahead log so many bytes are flipped in `make test`, and one of
/// so many of any other file.
const FLIPS_PER_PAGE: usize = 4;
const FLIP_EVERY: usize = 5;
const FLIP_EVERY_OF_INDEX: usize = 60;

/// What is done to the files.
#[derive(Clone)]
enum Act {
    Flip {
        file: String,
        offset: usize,
    },
    Cut {
        file: String,
        length: usize,
    },
    Remove {
        file: String,
    },
    /// Two pages, of one file or of two.
    SwapPages {
        files: [String; 2],
        pages: [usize; 2],
    },
    SwapFiles {
        files: [String; 2],
    },
    /// A page as it was in the older copy.
    ReplayPage {
        file: String,
        page: usize,
    },
    /// A file as it was in the older copy, or not there if it was not there.
    RollBack {
        file: String,
    },
}

impl Act {
    fn name(&self) -> &'static str {
        match self {
            Self::Flip { .. } => "byte flipped",
            Self::Cut { .. } => "cut",
            Self::Remove { .. } => "removed",
            Self::SwapPages { .. } => "pages exchanged",
            Self::SwapFiles { .. } => "files exchanged",
            Self::ReplayPage { .. } => "page replayed",
            Self::RollBack { .. } => "rolled back",
        }
    }

    fn file(&self) -> &str {
        match self {
            Self::Flip { file, .. }
            | Self::Cut { file, .. }
            | Self::Remove { file }
            | Self::ReplayPage { file, .. }
            | Self::RollBack { file } => file,
            Self::SwapPages { files, .. } | Self::SwapFiles { files } => &files[0],
        }
    }

    fn describe(&self) -> String {
        let place = match self {
            Self::Flip { offset, .. } => format!("at {offset}"),
            Self::Cut { length, .. } => format!("to {length} bytes"),
            Self::SwapPages { files, pages } => format!("{pages:?}, {}", files[1]),
            Self::ReplayPage { page, .. } => format!("{page}"),
            Self::SwapFiles { files } => files[1].clone(),
            Self::Remove { .. } | Self::RollBack { .. } => String::new(),
        };
        format!("{} {} {place}", self.file(), self.name())
    }

    fn apply(&self, image: &mut Image, older: &Image) {
        let file = self.file();
        let mut bytes = image.file(file).unwrap().to_vec();
        match self {
            Self::Flip { offset, .. } => bytes[*offset] ^= 0x01,
            Self::Cut { length, .. } => bytes.truncate(*length),
            Self::Remove { .. } => return image.remove(file),
            Self::ReplayPage { page, .. } => {
                page_of(&mut bytes, *page)
                    .copy_from_slice(page_in(older.file(file).unwrap(), *page));
            }
            Self::RollBack { .. } => match older.file(file) {
                Some(old) => bytes = old.to_vec(),
                None => return image.remove(file),
            },
            Self::SwapFiles { files } => {
                let other = image.file(&files[1]).unwrap().to_vec();
                image.add_file(&files[1], bytes);
                bytes = other;
            }
            Self::SwapPages { files, pages } => {
                let mut other = image.file(&files[1]).unwrap().to_vec();
                let first = page_in(&bytes, pages[0]).to_vec();
                page_of(&mut bytes, pages[0]).copy_from_slice(page_in(&other, pages[1]));
                if files[0] == files[1] {
                    page_of(&mut bytes, pages[1]).copy_from_slice(&first);
                } else {
                    page_of(&mut other, pages[1]).copy_from_slice(&first);
                    image.add_file(&files[1], other);
                }
            }
        }
        image.add_file(file, bytes);
    }
}

fn page_of(bytes: &mut [u8], page: usize) -> &mut [u8] {
    &mut bytes[page * PAGE_BYTES..(page + 1) * PAGE_BYTES]
}

fn page_in(bytes: &[u8], page: usize) -> &[u8] {
    &bytes[page * PAGE_BYTES..(page + 1) * PAGE_BYTES]
}

/// What people call the file.
fn kind(file: &str) -> &'static str {
    match file {
        "master.key" => "master key",
        "control.keys" => "control.keys",
        "control.db" => "control database",
        "control.checkpoint" => "appliance's checkpoint",
        "lock" => "lock",
        _ if file.ends_with("-wal") => "write-ahead log",
        _ if file.ends_with("/tenant.db") => "tenant database",
        _ if file.ends_with("/checkpoint") => "tenant's checkpoint",
        _ if file.contains("/blobs/") => "original file",
        _ if file.contains("/index/") => "index",
        other => panic!("a file that the test does not know: {other}"),
    }
}

fn is_paged(file: &str) -> bool {
    file.ends_with(".db")
}

/// All that is done to `image`. `older` is an earlier copy of the same directory.
fn acts(image: &Image, older: &Image) -> Vec<Act> {
    let whole = setting("EVERY_BYTE", 0) == 1;
    let random = SeededEntropy::new(4711);
    let below = |bound: usize| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes).unwrap();
        usize::try_from(u64::from_le_bytes(bytes) % bound as u64).unwrap()
    };
    let mut acts = Vec::new();
    for (file, bytes) in image.files().filter(|(_, bytes)| !bytes.is_empty()) {
        let named = || file.to_owned();
        let in_pages = is_paged(file) || file.ends_with("-wal");
        let every = if file.contains("/index/") { FLIP_EVERY_OF_INDEX } else { FLIP_EVERY };
        let offsets: Vec<usize> = if whole {
            (0..bytes.len()).collect()
        } else if in_pages {
            let pages = (0..bytes.len()).step_by(PAGE_BYTES);
            pages
                .flat_map(|at| (0..FLIPS_PER_PAGE).map(move |_| at))
                .map(|at| at + below(PAGE_BYTES.min(bytes.len() - at)))
                .collect()
        } else {
            // Not in the padding of checkpoints, which is looked at now and then.
            let is_text = |at: &usize| bytes[*at] != 0 || at.is_multiple_of(97);
            (below(every)..bytes.len()).step_by(every).filter(is_text).collect()
        };
        acts.extend(offsets.into_iter().map(|offset| Act::Flip { file: named(), offset }));
        let lengths: Vec<usize> = match bytes.len() {
            small @ 0..=600 => (0..small).collect(),
            large if whole => (0..large).step_by(256).collect(),
            large => {
                let step = if in_pages { PAGE_BYTES } else { large / 20 };
                (0..large).step_by(step).chain([1, large - 1]).collect()
            }
        };
        acts.extend(lengths.into_iter().map(|length| Act::Cut { file: named(), length }));
        acts.push(Act::Remove { file: named() });
        acts.push(Act::RollBack { file: named() });
        if is_paged(file) {
            let count = bytes.len() / PAGE_BYTES;
            let pairs = (1..count).map(|page| [page - 1, page]);
            let far = (0..count).map(|page| [page, below(count)]).filter(|[a, b]| a != b);
            acts.extend(
                pairs.chain(far).map(|pages| Act::SwapPages { files: [named(), named()], pages }),
            );
            let old = older.file(file).unwrap();
            let changed = (0..count.min(old.len() / PAGE_BYTES))
                .filter(|page| page_in(bytes, *page) != page_in(old, *page));
            acts.extend(changed.map(|page| Act::ReplayPage { file: named(), page }));
        }
    }
    acts.extend(exchanges(image));
    acts
}

/// Files and pages of different files that are put in each other's places.
fn exchanges(image: &Image) -> Vec<Act> {
    let mut acts = Vec::new();
    let files: Vec<&str> = image.files().filter(|(_, b)| !b.is_empty()).map(|(f, _)| f).collect();
    for (position, first) in files.iter().enumerate() {
        for second in &files[position + 1..] {
            let alike = |one: &str, other: &str| {
                kind(one) == kind(other)
                    || (one.ends_with("checkpoint") && other.ends_with("checkpoint"))
            };
            let both = [(*first).to_owned(), (*second).to_owned()];
            if is_paged(first) && is_paged(second) {
                let count = |file: &str| image.file(file).unwrap().len() / PAGE_BYTES;
                let pages = (0..count(first).min(count(second))).map(|page| [page, page]);
                acts.extend(pages.map(|pages| Act::SwapPages { files: both.clone(), pages }));
            }
            if alike(first, second) || (is_paged(first) && is_paged(second)) {
                acts.push(Act::SwapFiles { files: both });
            }
        }
    }
    acts
}

/// Opens, verifies and reads everything. What is there, or the error that names what is wrong.
async fn examine(data: &Path, library: &Library) -> Result<String, Failure> {
    let (path, shared) = (data.to_owned(), library.clone());
    let site = tokio::task::spawn_blocking(move || Site::open(&path, &shared)).await.unwrap()?;
    let found = read(&site).await;
    site.close().await;
    found
}

async fn read(site: &Site) -> Result<String, Failure> {
    sound(site.store.health())?;
    let mut content = Sha256::new();
    let store = site.store.clone();
    let logs = tokio::task::spawn_blocking(move || verify_data_dir(&store, None)).await.unwrap()?;
    for log in logs {
        let report = log.report?;
        if let Some(finding) = report.finding {
            return Err(format!("{}: {} {}", log.name, finding.kind, finding.what).into());
        }
        content.update(format!("{} {} {}", log.name, report.size, report.root));
    }
    let scope = site.store.appliance_scope(&site.operator);
    content.update(format!("{:?}", site.store.tenant_list(&scope)));
    for tenant in site.store.active_tenants() {
        let ctx = site.console_in(tenant, None).await?;
        sound(ctx.health())?;
        content.update(ctx.read(dump).await?.to_le_bytes());
        let sql = "SELECT id FROM users ORDER BY id LIMIT 1";
        let person = ctx.read(move |tx| tx.query_row(sql, [], |row| row.get::<_, [u8; 16]>(0)));
        let person: Result<_, StoreError> = person.await;
        let person = site.console_in(tenant, Some(base::UserId::from_bytes(person?))).await?;
        let scope =
            site.store.scope_from_operator(&site.operator, tenant, person.user_id()).await?;
        let is_appliance_admin = match site.store.appliance_scope_from(&scope).await {
            Ok(_) => true,
            Err(StoreError::Unauthenticated) => false,
            Err(error) => return Err(error.into()),
        };
        content.update([u8::from(is_appliance_admin)]);
        state::check_blobs(&ctx).await?;
        content.update(state::found_in(&ctx, &site.library).await?.to_le_bytes());
    }
    Ok(format!("{:x?}", content.finalize()))
}

fn sound(health: &Health) -> Result<(), Failure> {
    match health {
        Health::Sound => Ok(()),
        Health::ReadOnly(why) => Err(why.clone().into()),
    }
}

/// How the acts of one name on one kind of file ended.
#[derive(Clone, Copy, Default)]
struct Count {
    detected: usize,
    harmless: usize,
    undetected: usize,
}

/// A closed directory, one as a kill left it, and the copies of them from before the last changes.
struct Evidence {
    closed: [Image; 2],
    killed: [Image; 2],
}

fn evidence(dir: &Path) -> Evidence {
    runtime().block_on(async {
        let library = site::library();
        let data = dir.join("original");
        let open = || {
            let (data, library) = (data.clone(), library.clone());
            tokio::task::spawn_blocking(move || Site::open(&data, &library).unwrap())
        };
        let run = async |site: &Site, steps: &[Step]| {
            for step in steps {
                step.run(site).await.unwrap_or_else(|error| panic!("{step:?}: {error}"));
            }
        };
        let site = open().await.unwrap();
        run(&site, &[Step::Tenant, Step::Person, Step::Upload, Step::Ingest, Step::Chat]).await;
        let old_killed = Image::of(&data);
        site.close().await;
        let old_closed = Image::of(&data);
        let site = open().await.unwrap();
        run(&site, &[Step::SecondTenant, Step::Remove]).await;
        run(&site, &[Step::Admin, Step::Replace, Step::Ingest, Step::Chat]).await;
        let killed = Image::of(&data);
        site.close().await;
        let closed = Image::of(&data);
        Evidence { closed: [closed, old_closed], killed: [killed, old_killed] }
    })
}

#[test]
fn whatever_is_done_to_the_files_is_found_or_makes_no_difference() {
    let dir = scratch();
    let evidence = evidence(dir.path());
    let runtime = runtime();
    let library = {
        let _inside = runtime.enter();
        site::library()
    };
    let mut table = String::new();
    let mut undetected = Vec::new();
    let mut sum = 0;
    for (state, [image, older]) in [("closed", &evidence.closed), ("killed", &evidence.killed)] {
        let desk = Desk { dir: dir.path(), runtime: &runtime, library: &library, image, older };
        let (counts, missed) = desk.work_through(&acts(image, older));
        for ((kind, act), count) in counts {
            sum += count.detected + count.harmless + count.undetected;
            let _ = writeln!(
                table,
                "  {state:<7} {kind:<23} {act:<16} {:>8} {:>8} {:>10}",
                count.detected, count.harmless, count.undetected
            );
        }
        undetected.extend(missed.into_iter().map(|what| format!("{state}: {what}")));
    }
    println!(
        "tamper: {sum} acts, {} undetected\n  {:<7} {:<23} {:<16} {:>8} {:>8} {:>10}\n{table}",
        undetected.len(),
        "state",
        "file",
        "act",
        "detected",
        "harmless",
        "undetected"
    );
    undetected.truncate(40);
    assert!(undetected.is_empty(), "{undetected:#?}");
}

struct Desk<'a> {
    dir: &'a Path,
    runtime: &'a tokio::runtime::Runtime,
    library: &'a Library,
    image: &'a Image,
    older: &'a Image,
}

type Counts = BTreeMap<(&'static str, &'static str), Count>;

impl Desk<'_> {
    fn work_through(&self, acts: &[Act]) -> (Counts, Vec<String>) {
        let original = self.examine(self.image, "original-read").unwrap();
        let (next, counts) = (AtomicUsize::new(0), Mutex::new(Counts::new()));
        let missed = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for desk in 0..2 {
                let (next, counts, missed, original) = (&next, &counts, &missed, &original);
                scope.spawn(move || {
                    let place = format!("desk-{desk}");
                    while let Some(act) = acts.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let mut image = self.image.clone();
                        act.apply(&mut image, self.older);
                        let found = self.examine(&image, &place);
                        let mut counts = counts.lock().unwrap();
                        let count = counts.entry((kind(act.file()), act.name())).or_default();
                        match found {
                            Err(_) => count.detected += 1,
                            Ok(content) if content == *original => count.harmless += 1,
                            Ok(_) => {
                                count.undetected += 1;
                                missed.lock().unwrap().push(act.describe());
                            }
                        }
                    }
                });
            }
        });
        (counts.into_inner().unwrap(), missed.into_inner().unwrap())
    }

    fn examine(&self, image: &Image, place: &str) -> Result<String, String> {
        let data = self.dir.join(place);
        image.write_to(&data);
        let found = self.runtime.block_on(examine(&data, self.library));
        std::fs::remove_dir_all(&data).unwrap();
        found.map_err(|error| chain(&*error))
    }
}
