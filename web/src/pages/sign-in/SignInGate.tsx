import { useEffect, type ReactNode } from "react";
import { claimDrafts } from "@/app/drafts";
import { useSession } from "@/app/session";
import { knownLanguage, speak, storedLanguage } from "@/i18n";
import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { lazily } from "@/ui/lazily";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { Spinner } from "@/ui/States";

const Entrance = lazily(() => import("./Entrance"), "Entrance");
const SignInStep = lazily(() => import("./SignInStep"), "SignInStep");
const FactorStep = lazily(() => import("./FactorStep"), "FactorStep");
const PasswordStep = lazily(() => import("./PasswordStep"), "PasswordStep");
const EnrolStep = lazily(() => import("./EnrolStep"), "EnrolStep");

/** Shows what is behind it once nothing is left to settle; the address stays what it was. */
export function SignInGate({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const session = useSession();
  const me = session.data?.me;
  useEffect(() => {
    if (!me) return;
    claimDrafts(me.id);
    const own = knownLanguage(me.language);
    if (own && !storedLanguage()) void speak(own);
  }, [me]);

  if (session.isPending) {
    return (
      <Entrance title={t("sign_in.opening")}>
        <ProblemNotice error={session.failureReason} />
        <Spinner>{t("state.loading")}</Spinner>
      </Entrance>
    );
  }
  if (session.isError) {
    return (
      <Entrance title={t("sign_in.title")}>
        <ProblemNotice error={session.error}>
          <div>
            <Button onClick={() => void session.refetch()}>{t("action.try_again")}</Button>
          </div>
        </ProblemNotice>
      </Entrance>
    );
  }
  switch (session.data.gate) {
    case "signIn":
      return <SignInStep ended={session.data.ended ?? false} />;
    case "secondFactor":
      return <FactorStep />;
    case "password":
      return <PasswordStep />;
    case "enrol":
      return <EnrolStep />;
    case "open":
      return children;
  }
}
