import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { applyKioskFlag } from "./app/kiosk";
import { applyLook } from "./app/theme";
import { startLanguages } from "./i18n";
import "./styles/base.css";

const RELOADED = "reloaded";
const RELOAD_AGAIN_MS = 60_000;

applyLook();
applyKioskFlag(new URL(location.href));

// Another version of the appliance has other parts: the page of the old one is loaded anew, once.
addEventListener("vite:preloadError", (event) => {
  const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last < RELOAD_AGAIN_MS) return;
  event.preventDefault();
  sessionStorage.setItem(RELOADED, String(Date.now()));
  location.reload();
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

await startLanguages();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
