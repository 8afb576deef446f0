//! Crypto-shredding: what a tenant wrote is gone with its key, whatever the disk still holds.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use crate::support::{Appliance, Person, client::Client};

/// Markers that are planted.
const MARKERS: usize = 1_000;

/// What all markers begin with.
const STEM: &str = "zqx7w";

/// The marker with this number.
fn marker(number: usize) -> String {
    format!("{STEM}{number:04}")
}

/// Hands out the markers one after the other.
struct Seed(usize);

impl Seed {
    fn next(&mut self) -> String {
        self.0 += 1;
        marker(self.0 - 1)
    }
}

const DOCUMENTS: usize = 50;
const PEOPLE: usize = 20;
const QUESTIONS: usize = 80;

#[test]
fn of_a_removed_tenant_none_of_a_thousand_markers_is_left() {
    let mut appliance = Appliance::started();
    appliance.tenant("kept");
    appliance.tenant("doomed");
    let mut seed = Seed(0);
    let admin = appliance.person("doomed", Person::new("admin@doomed.example", "admin"));
    plant_documents(&admin, &mut seed);
    plant_people(&admin, &mut seed);
    plant_questions(&admin, &mut seed);
    assert_eq!(seed.0, MARKERS, "so many were planted");
    // The finder sees what is to be seen: the appliance knows its markers, and a file with one in it
    // in each of the forms is noticed.
    let found = appliance.json(&["search", &marker(0), "--tenant", "doomed"]);
    assert!(found.to_string().contains(&marker(0)), "{found:#}");
    prove_the_finder(&appliance.data_dir());
    assert_eq!(markers_below(&appliance.data_dir()), (0, BTreeSet::new()), "readable before");

    let tenant = tenant_dir(&appliance, "doomed");
    let stolen = appliance.scratch().join("stolen");
    copy_tree(&tenant, &stolen);
    appliance.json(&["tenant", "remove", "doomed", "--confirm", "doomed"]);
    assert!(!tenant.exists());
    let (names, left) = markers_below(&appliance.data_dir());
    println!(
        "crypto-shred: {MARKERS} markers planted, {} left in files, {names} in names",
        left.len()
    );
    assert_eq!((names, left), (0, BTreeSet::new()));
    assert_eq!(markers_in(appliance.log().as_bytes()), BTreeSet::new(), "in the log");
    // Somebody who has kept the files and puts them back has noise, which is swept.
    appliance.kill();
    copy_tree(&stolen, &tenant);
    assert_eq!(markers_below(&appliance.data_dir()), (0, BTreeSet::new()));
    appliance.start();
    assert!(!tenant.exists(), "what nobody has the key of is swept");
    let search = appliance.command(&["search", &marker(0), "--tenant", "doomed", "--json"]);
    assert!(!search.status.success(), "{}", String::from_utf8_lossy(&search.stdout));
    let tenants = appliance.json(&["tenant", "list"]);
    let of = |slug: &str| {
        let items = tenants["items"].as_array().unwrap();
        items.iter().find(|t| t["slug"].as_str().unwrap().starts_with(slug)).unwrap().clone()
    };
    assert_eq!(
        (of("kept")["status"].as_str(), of("doomed")["status"].as_str()),
        (Some("active"), Some("removed"))
    );
}

/// 17 markers each: 11 in the text, and in key, title, file name, tag and metadata.
fn plant_documents(admin: &Client, seed: &mut Seed) {
    let mut jobs = Vec::new();
    for _ in 0..DOCUMENTS {
        let text: Vec<String> = (0..11)
            .map(|_| format!("The part {} is tightened with 47 Nm.\n\n", seed.next()))
            .collect();
        let content = format!("# {}\n\n{}", "Torque", text.concat());
        let metadata = json!({ "part": seed.next(), "deep": [{ "x": seed.next() }] }).to_string();
        let fields = [
            ("key", seed.next()),
            ("title", seed.next()),
            ("tags", seed.next()),
            ("metadata", metadata),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let name = format!("{}.md", seed.next());
        let uploaded = admin.upload(&name, content.as_bytes(), &fields).expect(202).json();
        jobs.push(uploaded["job_id"].as_str().unwrap().to_owned());
    }
    for job in jobs {
        let job = admin.wait_for_job(&job);
        assert_eq!(job["state"], "done", "{job:#}");
    }
}

/// One in the address, one in the name.
fn plant_people(admin: &Client, seed: &mut Seed) {
    for _ in 0..PEOPLE {
        let email = format!("{}@doomed.example", seed.next());
        let person = json!({ "email": email, "display_name": seed.next(), "role": "viewer" });
        admin.post("/api/v1/admin/users", &person).expect(201);
    }
}

/// One each; and the rest of the thousand as titles of conversations.
fn plant_questions(admin: &Client, seed: &mut Seed) {
    let mut conversations = Vec::new();
    for _ in 0..QUESTIONS {
        let question =
            json!({ "message": format!("How is {} tightened?", seed.next()), "stream": false });
        let answer = admin.post("/api/v1/chat", &question).expect(200).json();
        conversations.push(answer["conversation_id"].as_str().unwrap().to_owned());
    }
    for conversation in conversations.iter().take(MARKERS - seed.0) {
        let title = json!({ "title": seed.next() }).to_string();
        let target = format!("/api/v1/conversations/{conversation}");
        admin.send("PATCH", &target, Some(("application/json", title.into()))).expect(200);
    }
}

fn tenant_dir(appliance: &Appliance, slug: &str) -> std::path::PathBuf {
    let tenants = appliance.json(&["tenant", "list"]);
    let items = tenants["items"].as_array().unwrap();
    let tenant = items.iter().find(|tenant| tenant["slug"] == slug).unwrap();
    appliance.data_dir().join("tenants").join(tenant["id"].as_str().unwrap())
}

/// The forms in which a marker could stand in a file.
fn forms(text: &str) -> [Vec<u8>; 3] {
    let wide = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex = text.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes();
    [text.as_bytes().to_vec(), wide, hex]
}

/// The numbers of the markers in `bytes`, whatever their form and case.
fn markers_in(bytes: &[u8]) -> BTreeSet<usize> {
    let lowered = bytes.to_ascii_lowercase();
    let mut found = BTreeSet::new();
    for stem in forms(STEM) {
        for at in places_of(&stem, &lowered) {
            // What follows is compared with every marker in turn: that happens rarely.
            let rest = &lowered[at..];
            let is_here = |n: &usize| forms(&marker(*n)).iter().any(|form| rest.starts_with(form));
            // A stem without its number is a leak as well.
            found.insert((0..MARKERS).find(is_here).unwrap_or(usize::MAX));
        }
    }
    found
}

fn places_of<'a>(needle: &'a [u8], hay: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    hay.windows(needle.len())
        .enumerate()
        .filter(move |(_, window)| *window == needle)
        .map(|(at, _)| at)
}

/// How many names of files, and which contents of files below `dir` have a marker.
fn markers_below(dir: &Path) -> (usize, BTreeSet<usize>) {
    let (mut names, mut found) = (0, BTreeSet::new());
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        names += markers_in(path.file_name().unwrap().as_encoded_bytes()).len();
        if path.is_dir() {
            let (more, inner) = markers_below(&path);
            names += more;
            found.extend(inner);
        } else if let Ok(content) = std::fs::read(&path) {
            found.extend(markers_in(&content));
        }
    }
    (names, found)
}

fn prove_the_finder(dir: &Path) {
    let path = dir.join(format!("{}-planted", marker(7)));
    let [plain, wide, hex] = [marker(1), marker(2), marker(3)].map(|text| forms(&text));
    let noise = [0x5a; 100];
    let planted = [&noise[..], &plain[0], &noise, &wide[1], &noise, &hex[2]].concat();
    std::fs::write(&path, planted).unwrap();
    assert_eq!(markers_below(dir), (1, BTreeSet::from([1, 2, 3])));
    std::fs::remove_file(path).unwrap();
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
