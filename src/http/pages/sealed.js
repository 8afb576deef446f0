import { strings } from "/assets/sealed-strings.js";

const byId = (id) => document.getElementById(id);
const [passphraseForm, shareForm, language] = ["passphrase", "share", "language"].map(byId);
const [problem, status] = ["problem", "status"].map(byId);

/** How often it is looked whether somebody else has unsealed the appliance. */
const LOOK_MS = 5000;

let text = strings.en;
let seal = { sealed: true, passphrase: false, shares_brought: 0 };

function chooseLanguage(wanted) {
  const tag = String(wanted || "en").slice(0, 2).toLowerCase();
  const known = tag in strings ? tag : "en";
  text = strings[known];
  document.documentElement.lang = known;
  language.value = known;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text[element.dataset.text];
  }
  show(seal);
}

function tell(message) {
  problem.textContent = message;
  problem.hidden = !message;
}

function show(view) {
  if (!view.sealed) {
    status.textContent = text.open;
    location.reload();
    return;
  }
  seal = view;
  passphraseForm.hidden = !view.passphrase;
  shareForm.hidden = !view.shares;
  status.textContent = view.shares
    ? text.progress
      .replace("{brought}", view.shares_brought)
      .replace("{needed}", view.shares.threshold)
    : "";
}

/** What a problem document says, in a few lines. */
async function explain(response) {
  const said = await response.json().catch(() => null);
  if (!said?.title) return text.failed;
  const wait = response.headers.get("Retry-After");
  const fields = (said.errors || []).map((error) => error.reason);
  return [said.title, said.detail, ...fields, wait && text.wait.replace("{seconds}", wait)]
    .filter(Boolean).join("\n");
}

async function look() {
  const response = await fetch("/api/v1/unseal").catch(() => null);
  if (response?.ok) show(await response.json());
}

function send(form, field) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = form.elements[field];
    const button = form.querySelector("button");
    if (!input.value) return;
    button.disabled = true;
    tell("");
    status.textContent = text.working;
    try {
      const response = await fetch("/api/v1/unseal", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ [field]: input.value }),
      });
      input.value = "";
      if (response.ok) {
        show(await response.json());
      } else {
        tell(await explain(response));
        await look();
      }
    } catch {
      tell(text.failed);
    } finally {
      button.disabled = false;
    }
  });
}

send(passphraseForm, "passphrase");
send(shareForm, "share");
language.addEventListener("change", () => chooseLanguage(language.value));
chooseLanguage(navigator.language);
await look();
setInterval(look, LOOK_MS);
