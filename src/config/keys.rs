//! Every configuration key, with its default and what it is for.

use std::fmt::Write as _;

/// One key of the configuration.
pub(crate) struct Key {
    /// `section.name`, or a name alone above all sections.
    pub(crate) path: &'static str,
    /// The default as a TOML value.
    pub(crate) default: &'static str,
    /// What it is for, in words for an administrator.
    pub(crate) about: &'static str,
}

const fn key(path: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { path, default, about }
}

/// A list of tables: `[[path]]`, as many as wanted. Set in the file alone, for no variable could say
/// which of them it means.
pub(crate) struct List {
    /// What stands between the brackets.
    pub(crate) path: &'static str,
    /// What it is for.
    pub(crate) about: &'static str,
    /// The names in each table. Their `default` is an example where the name must be given.
    pub(crate) fields: &'static [Key],
}

/// All lists.
pub(crate) const LISTS: &[List] = &[
    List {
        path: "issuer",
        about: "Another issuer of bearer tokens, trusted for people of one tenant.",
        fields: &[
            key("name", "\"plant-sso\"", "What the audit log calls it: a-z, 0-9 and -."),
            key("issuer", "\"https://sso.plant.example\"", "`iss` of its tokens."),
            key("audience", "\"millwright-api\"", "`aud` that its tokens must be for."),
            key(
                "algorithm",
                "\"RS256\"",
                "How it signs: RS256, ES256 or EdDSA; HS256 unless environment is \"prod\".",
            ),
            key(
                "key_file",
                "\"/etc/millwright/plant-sso.jwks.json\"",
                "Its public keys (a JWK set); for HS256 the secret, mode 0600. Read anew when it changes.",
            ),
            key("tenant", "\"plant\"", "Short name of the only tenant that its tokens open."),
            key("clock_skew_s", "30", "By how much its clock may differ. Optional."),
            key("max_lifetime_minutes", "60", "How long its tokens may live at most. Optional."),
        ],
    },
    List {
        path: "upstream",
        about: "A server on the local network that writes texts (vLLM, llama-server, Ollama): a member of \
                tiers. It is sent the prompts, with the passages in them.",
        fields: &[
            key("name", "\"gpu-1\"", "What people call it: a-z, 0-9 and -."),
            key(
                "url",
                "\"https://gpu.plant.example:8000/v1\"",
                "Its API that speaks OpenAI's chat completions, up to /v1. Plain http for this machine alone.",
            ),
            key("model", "\"Qwen/Qwen2.5-7B-Instruct\"", "The model, as the server calls it."),
            key("tiers", "[\"standard\", \"heavy\"]", "Of light, standard and heavy."),
            key("context_tokens", "16384", "Tokens that prompt and answer may have together."),
            key(
                "ca_file",
                "\"/etc/millwright/gpu-ca.pem\"",
                "Certificates that its own must lead to. Optional: those of the operating system.",
            ),
            key(
                "api_key_file",
                "\"/etc/millwright/gpu-1.key\"",
                "File with the key that it wants (mode 0600). Optional.",
            ),
            key("calls_max", "16", "Texts that it writes at once. Optional."),
            key("timeout_s", "300", "Longest time for one text. Optional."),
        ],
    },
];

/// All keys, by section.
pub(crate) const KEYS: &[Key] = &[
    key(
        "environment",
        "\"prod\"",
        "\"prod\", or \"dev\" for a machine on which nothing is at stake: it allows what production \
         must not have.",
    ),
    key("data.dir", "\"/var/lib/millwright\"", "Where everything is kept."),
    key(
        "data.key_file",
        "\"\"",
        "File with the master key (mode 0600). Empty: master.key in the data directory. A systemd \
         credential named millwright-master-key comes before either.",
    ),
    key("data.tenant_idle_close_s", "600", "A tenant that nobody uses is closed after so long."),
    key("server.listen", "\"127.0.0.1:8443\"", "Address and port of the HTTPS server."),
    key(
        "server.plain_http",
        "false",
        "Serve without TLS. Refused unless server.listen is a loopback address.",
    ),
    key(
        "server.names",
        "[]",
        "More host names and addresses for the certificate that the appliance makes itself.",
    ),
    key(
        "server.certificate_file",
        "\"\"",
        "Your own certificate chain (PEM). Empty: one that the appliance makes and renews.",
    ),
    key("server.certificate_key_file", "\"\"", "The private key of your own certificate (PEM)."),
    key(
        "server.cors_allowed_origins",
        "[]",
        "Origins of other web pages that may call the API. Empty: none.",
    ),
    key("server.connections_max", "512", "Connections served at the same time."),
    key("server.requests_per_minute_and_user", "60", "Requests a person may make in a minute."),
    key(
        "server.requests_per_minute_and_tenant",
        "12000",
        "Requests of all people and keys of a tenant in a minute: two hundred people at their limit.",
    ),
    key(
        "server.requests_per_minute_and_address",
        "12000",
        "Requests from one network address in a minute. High, because all tablets of a plant may \
         stand behind one.",
    ),
    key(
        "server.sign_ins_per_minute_and_address",
        "30",
        "Passwords and codes that one network address may try in a minute.",
    ),
    key("session.idle_minutes", "480", "A browser session ends after so long without a request."),
    key("session.absolute_hours", "24", "A browser session ends after so long in any case."),
    key("session.token_minutes", "60", "How long an API token lives that names no time itself."),
    key(
        "session.step_up_minutes",
        "10",
        "How long a second factor that was shown is good for what matters most.",
    ),
    key(
        "session.refresh_idle_hours",
        "168",
        "A refresh token that is not used for so long ends, and its family of tokens with it.",
    ),
    key(
        "session.refresh_absolute_days",
        "30",
        "A family of tokens ends after so long in any case.",
    ),
    key("api_keys.default_days", "90", "How long an API key lives that names no time itself."),
    key("api_keys.max_days", "365", "Longest life of an API key."),
    key(
        "api_keys.rotation_overlap_hours",
        "24",
        "How long the former secret of an API key goes on after a rotation. 0: not at all.",
    ),
    key(
        "api_keys.requests_per_minute",
        "60",
        "Requests in a minute of an API key that names no limit itself.",
    ),
    key("api_keys.requests_per_minute_max", "6000", "Highest limit that an API key may name."),
    key(
        "policy.withheld_permissions",
        "[]",
        "Permissions that no person of any tenant has, whatever their role and groups, such as \
         [\"audit.export\"]. The console keeps them.",
    ),
    key("ingest.parse_memory_mib", "512", "Memory of the worker that reads one document."),
    key("ingest.parse_timeout_s", "30", "Time that the worker may take for one document."),
    key("ingest.jobs_in_parallel", "2", "Documents that are read at the same time."),
    key("ingest.queue_length", "1000", "Documents that may wait, per tenant."),
    key("models.threads", "0", "Threads of the model worker. 0: one per core."),
    key("models.idle_stop_s", "900", "The model worker ends after so long without work."),
    key(
        "models.context_tokens",
        "8192",
        "Tokens that a language model keeps in mind, over all texts that it writes at once.",
    ),
    key("models.parallel", "4", "Texts that a language model writes at once."),
    key(
        "models.memory_mib",
        "0",
        "Memory that all loaded language models may take together. 0: what the machine has, less a \
         reserve.",
    ),
    key(
        "models.worker_build",
        "\"auto\"",
        "Which build of the model worker runs: \"auto\" (the best one that computes right on this \
         machine), \"x86-64-v2\", \"x86-64-v3\", \"x86-64-v4\", or \"vulkan\" (a graphics processor; also one \
         that is acted in software, for trials).",
    ),
    key("log.format", "\"pretty\"", "How log lines look: \"pretty\" or \"json\"."),
    key(
        "log.level",
        "\"info\"",
        "Least level that is logged: error, warn, info, debug, trace; or a filter such as \
         \"info,http=debug\".",
    ),
    key(
        "telemetry.otlp_endpoint",
        "\"\"",
        "Collector that traces are sent to (OTLP over HTTP), such as \
         https://collector.plant.example:4318. Plain http only to this machine. Empty: nothing is \
         sent.",
    ),
    key(
        "telemetry.otlp_ca_file",
        "\"\"",
        "Certificates (PEM) that the collector's must lead to. Empty: those of the operating \
         system.",
    ),
    key("telemetry.service_name", "\"millwright\"", "What the collector calls this appliance."),
    key("telemetry.export_interval_s", "30", "Traces are sent after so long."),
    key(
        "audit.witness_path",
        "\"\"",
        "Folder in a second place, such as on a USB stick, that gets the signed checkpoints of all \
         audit logs; one folder for each appliance. It must exist: name a folder on the stick and \
         not its mount point. Under systemd name it in ReadWritePaths= as well. Empty: none.",
    ),
    key(
        "audit.witness_syslog",
        "false",
        "Hand the signed checkpoints to this machine's log daemon too (RFC 5424 over /dev/log).",
    ),
    key(
        "audit.witness_interval_s",
        "60",
        "A log's checkpoint is handed to the witnesses so often at most, and at the stop.",
    ),
];

/// Environment variable that overrides a key: `server.listen` is `MILLWRIGHT_SERVER_LISTEN`.
pub(crate) fn variable(path: &str) -> String {
    format!("MILLWRIGHT_{}", path.replace('.', "_").to_ascii_uppercase())
}

/// The default configuration as a commented file.
pub(crate) fn default_file() -> String {
    let mut text = String::from(
        "# Millwright configuration. Every key is optional; these are the defaults.\n\
         # A variable MILLWRIGHT_<SECTION>_<KEY> overrides the file.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (head, name) = split(key.path);
        if head != section {
            let _ = writeln!(text, "\n[{head}]");
            section = head;
        }
        let _ = writeln!(text, "# {}\n{name} = {}", key.about, key.default);
    }
    for list in LISTS {
        let _ = writeln!(text, "\n# {} There may be several.\n# [[{}]]", list.about, list.path);
        for field in list.fields {
            let _ = writeln!(text, "# {}\n# {} = {}", field.about, field.path, field.default);
        }
    }
    text
}

/// Section and name of a path; no section for a name alone.
pub(crate) fn split(path: &'static str) -> (&'static str, &'static str) {
    path.split_once('.').unwrap_or(("", path))
}
