import { RouterProvider } from "@tanstack/react-router";
import { useState } from "react";
import { lazily } from "@/ui/lazily";
import { makeRouter } from "./router";

const StepUpDialog = lazily(() => import("@/shell/StepUpDialog"), "StepUpDialog");

/** Everything that is behind the sign-in. */
export function Inside() {
  const [router] = useState(makeRouter);
  return (
    <>
      <RouterProvider router={router} />
      <StepUpDialog />
    </>
  );
}
