import { Fingerprint as Icon } from "lucide-react";

/** What stands for exactly what is shown; in groups, so that two can be compared. */
export function Fingerprint({ digest, hint }: { digest: string; hint: string }) {
  return (
    <div className="flex gap-3 text-sm text-muted">
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0" />
      <p>
        {hint} <code className="break-words select-all">{digest.match(/.{1,8}/g)?.join(" ")}</code>
      </p>
    </div>
  );
}
