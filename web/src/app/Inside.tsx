import { RouterProvider } from "@tanstack/react-router";
import { useState } from "react";
import { withMoreWords } from "@/i18n";
import { lazily } from "@/ui/lazily";
import { useKiosk } from "./kiosk";
import { makeRouter } from "./router";

const StepUpDialog = lazily(() => import("@/shell/StepUpDialog"), "StepUpDialog");

const KioskGuard = lazily(withMoreWords(() => import("@/shell/KioskGuard")), "KioskGuard");

/** Everything that is behind the sign-in. */
export function Inside() {
  const kiosk = useKiosk();
  const [router] = useState(() => makeRouter(kiosk !== null));
  return (
    <>
      <RouterProvider router={router} />
      <StepUpDialog />
      {kiosk && <KioskGuard kiosk={kiosk} />}
    </>
  );
}
