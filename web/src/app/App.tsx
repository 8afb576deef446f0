import { QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { onSessionProblem } from "@/api/client";
import { SignInGate } from "@/pages/sign-in/SignInGate";
import { ConnectionBanner } from "@/shell/ConnectionBanner";
import { lazily } from "@/ui/lazily";
import { makeQueryClient } from "./queryClient";
import { sessionEnded, sessionOptions } from "./session";

const Inside = lazily(() => import("./Inside"), "Inside");

export function App() {
  const [client] = useState(makeQueryClient);
  useEffect(
    () =>
      onSessionProblem((problem) => {
        if (problem.code === "unauthenticated") sessionEnded(client);
        else if (client.getQueryData(sessionOptions.queryKey)?.gate === "open") {
          void client.invalidateQueries({ queryKey: sessionOptions.queryKey }, { cancelRefetch: false });
        }
      }),
    [client],
  );
  return (
    <QueryClientProvider client={client}>
      <ConnectionBanner />
      <SignInGate>
        <Inside />
      </SignInGate>
    </QueryClientProvider>
  );
}
