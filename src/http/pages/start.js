import { strings } from "/assets/strings.js";
import { readEvents } from "/assets/events.js";

const byId = (id) => document.getElementById(id);
const [loginForm, changeForm, asking, askForm] = ["login", "change", "asking", "ask"].map(byId);
const [problem, status, turns, person] = ["problem", "status", "turns", "person"].map(byId);
const [signOut, stop, fresh, language] = ["sign-out", "stop", "fresh", "language"].map(byId);
const [factorForm, enrolForm, confirmForm] = ["factor", "enrol", "confirm"].map(byId);
const [recovery, secondFactor] = ["recovery", "second-factor"].map(byId);
const sections = [
  loginForm, changeForm, factorForm, enrolForm, confirmForm, recovery, asking,
];

/** How often a stream that broke off is taken up again. */
const RESUMES_MAX = 3;

let text = strings.en;
let conversation = null;
let running = null;

function chooseLanguage(wanted) {
  const tag = String(wanted || "en").slice(0, 2).toLowerCase();
  const known = tag in strings ? tag : "en";
  text = strings[known];
  document.documentElement.lang = known;
  language.value = known;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text[element.dataset.text];
  }
}

function show(section) {
  for (const one of sections) one.hidden = one !== section;
  signOut.hidden = section === loginForm;
  person.hidden = section === loginForm;
  secondFactor.hidden = section !== asking;
  section.querySelector("input, textarea, button")?.focus();
}

function tell(message) {
  problem.textContent = message;
  problem.hidden = !message;
}

/** What a problem document says, in a few lines. */
async function explain(response) {
  const document_ = await response.json().catch(() => null);
  if (!document_?.title) return text.failed;
  const fields = (document_.errors || []).map((error) => `${error.field}: ${error.reason}`);
  const reference = document_.request_id ? [`${text.reference}: ${document_.request_id}`] : [];
  return [document_.title, document_.detail, ...fields, ...reference].filter(Boolean).join("\n");
}

async function call(method, path, body, options = {}) {
  const headers = { ...options.headers };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init = { method, headers, signal: options.signal, credentials: "same-origin" };
  if (body !== undefined) init.body = JSON.stringify(body);
  return fetch(`/api/v1/${path}`, init);
}

function enter(me) {
  person.textContent = `${me.display_name} (${me.role})`;
  chooseLanguage(localStorage.getItem("language") || me.language);
  if (me.must_change_password) show(changeForm);
  else proceed().catch(() => tell(text.unreachable));
}

/** Goes on as far as the session allows: to the second factor, a password, or the questions. */
async function start() {
  chooseLanguage(localStorage.getItem("language") || navigator.language);
  const response = await call("GET", "auth/me");
  if (response.ok) return enter(await response.json());
  const fault = await response.json().catch(() => ({}));
  show(fault.code === "second_factor_required" ? factorForm : loginForm);
}

/** What the tenant asks of this person before anything else. */
async function proceed() {
  const response = await call("GET", "documents?limit=1");
  const fault = response.ok ? {} : await response.json().catch(() => ({}));
  const needed = fault.code === "second_factor_enrolment_required";
  byId("enrol-needed").hidden = !needed;
  byId("enrol-cancel").hidden = needed;
  show(needed ? enrolForm : asking);
}

/** Runs `work` for a submitted form, with its button disabled and failures told. */
function onSubmit(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!form.reportValidity()) return;
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    tell("");
    try {
      await work(new FormData(form));
    } catch (error) {
      if (error.name !== "AbortError") tell(text.unreachable);
    } finally {
      button.disabled = false;
    }
  });
}

onSubmit(loginForm, async (data) => {
  const body = { email: data.get("email"), password: data.get("password") };
  if (data.get("tenant")) body.tenant = data.get("tenant").trim();
  const response = await call("POST", "auth/login", body);
  if (!response.ok) return tell(await explain(response));
  loginForm.reset();
  const answer = await response.json();
  if (answer.second_factor === "required") show(factorForm);
  else enter(answer.user);
});

onSubmit(factorForm, async (data) => {
  const response = await call("POST", "auth/second-factor/verify", { code: data.get("code") });
  if (!response.ok) return tell(await explain(response));
  factorForm.reset();
  await start();
});

onSubmit(enrolForm, async (data) => {
  const response = await call("POST", "auth/second-factor", Object.fromEntries(data));
  if (!response.ok) return tell(await explain(response));
  enrolForm.reset();
  const begun = await response.json();
  const image = new DOMParser().parseFromString(begun.qr_svg, "image/svg+xml").documentElement;
  byId("qr").replaceChildren(image);
  byId("qr").setAttribute("aria-label", text.qr);
  byId("secret").textContent = begun.secret.replace(/(.{4})(?=.)/g, "$1 ");
  show(confirmForm);
});

onSubmit(confirmForm, async (data) => {
  const response = await call("POST", "auth/second-factor/confirm", { code: data.get("code") });
  if (!response.ok) return tell(await explain(response));
  confirmForm.reset();
  byId("qr").replaceChildren();
  byId("secret").textContent = "";
  const { recovery_codes: codes } = await response.json();
  byId("codes").replaceChildren(...codes.map((code) => element("li", "", code)));
  show(recovery);
});

byId("recovery-kept").addEventListener("click", () => {
  byId("codes").replaceChildren();
  show(asking);
});

secondFactor.addEventListener("click", async () => {
  tell("");
  const response = await call("GET", "auth/second-factor").catch(() => null);
  if (!response?.ok) return tell(response ? await explain(response) : text.unreachable);
  const state = await response.json();
  if (state.enrolled) return tell(`${text.enrolled} ${state.recovery_codes_left}`);
  byId("enrol-needed").hidden = true;
  byId("enrol-cancel").hidden = false;
  show(enrolForm);
});

byId("enrol-cancel").addEventListener("click", () => show(asking));

onSubmit(changeForm, async (data) => {
  const body = Object.fromEntries(data);
  const response = await call("POST", "auth/password", body);
  if (!response.ok) return tell(await explain(response));
  changeForm.reset();
  await proceed();
});

signOut.addEventListener("click", async () => {
  running?.abort();
  await call("POST", "auth/logout").catch(() => null);
  turns.replaceChildren();
  conversation = null;
  tell("");
  show(loginForm);
});

language.addEventListener("change", () => {
  localStorage.setItem("language", language.value);
  chooseLanguage(language.value);
});

stop.addEventListener("click", () => running?.abort());

fresh.addEventListener("click", () => {
  conversation = null;
  turns.replaceChildren();
  fresh.hidden = true;
  byId("question").focus();
});

function element(name, className, content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content) made.textContent = content;
  return made;
}

/** Where a passage stands: document, revision, page, and the words themselves. */
function passage(item, words) {
  const entry = element("li");
  if (item.number) entry.value = item.number;
  const place = [
    item.document_title,
    `(${item.document_key})`,
    `${text.revision} ${item.revision_number},`,
    `${text.page} ${item.page}`,
  ];
  entry.append(element("span", "place", place.join(" ")));
  entry.append(" ", element("span", "label", item.classification));
  entry.append(element("blockquote", "", words));
  return entry;
}

/** A question with its answer as it comes in. */
class Turn {
  constructor(question) {
    this.root = element("article", "turn");
    this.answer = element("p", "answer");
    this.heading = element("h3", "", text.sources);
    this.heading.hidden = true;
    this.list = element("ol");
    this.root.append(element("h2", "", question), this.answer, this.heading, this.list);
    turns.prepend(this.root);
    this.finished = false;
  }

  take(name, data) {
    if (name === "status") status.textContent = text[data.stage] || "";
    else if (name === "token") this.answer.textContent += data.text;
    else if (name === "citation") {
      this.heading.hidden = false;
      this.list.append(passage(data, data.quote));
    } else if (name === "error") {
      this.finished = true;
      status.textContent = "";
      tell([text.failed, data.message].filter(Boolean).join("\n"));
    } else if (name === "done") this.end(data);
  }

  end(answer) {
    this.finished = true;
    conversation = answer.conversation_id;
    fresh.hidden = false;
    this.answer.textContent = answer.refusal ? text.refused : answer.text;
    if (answer.refusal && answer.nearest.length) {
      this.heading.textContent = text.nearest;
      this.heading.hidden = false;
      this.list.replaceChildren(...answer.nearest.map((near) => passage(near, near.excerpt)));
    }
    status.textContent = text.done;
  }
}

onSubmit(askForm, async (data) => {
  const question = data.get("message").trim();
  const body = { message: question, stream: true };
  if (conversation) body.conversation_id = conversation;
  running = new AbortController();
  stop.hidden = false;
  let turn = null;
  let last = null;
  try {
    for (let attempt = 0; !turn?.finished && attempt <= RESUMES_MAX; attempt += 1) {
      const headers = last ? { "Last-Event-ID": last } : {};
      const response = await call("POST", "chat", body, { headers, signal: running.signal });
      if (response.status === 401) show(loginForm);
      if (!response.ok) return tell(await explain(response));
      turn ??= new Turn(question);
      try {
        await readEvents(response, (name, event, id) => {
          last = id || last;
          turn.take(name, event);
        });
      } catch (error) {
        if (error.name === "AbortError" || !last) throw error;
      }
    }
    if (turn?.finished) askForm.reset();
  } catch (error) {
    status.textContent = error.name === "AbortError" ? text.stopped : "";
    throw error;
  } finally {
    running = null;
    stop.hidden = true;
  }
});

start().catch(() => {
  show(loginForm);
  tell(text.unreachable);
});
