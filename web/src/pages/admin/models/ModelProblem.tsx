import { ApiProblem } from "@/api/problem";
import { useFormats } from "@/i18n/format";
import { ProblemNotice } from "@/ui/ProblemNotice";
import { withUnits } from "./tiers";

/** Problems whose figures the appliance alone knows: how much is missing, what the file lacks. */
const TELLING = ["model_refused", "model_does_not_fit", "model_disk_full", "model_exists"];

/** What failed, with what the appliance found. */
export function ModelProblem({ error }: { error: unknown }) {
  const { bytes } = useFormats();
  const told = error instanceof ApiProblem && TELLING.includes(error.code) && error.document.detail;
  return (
    <ProblemNotice error={error}>
      {told && (
        <p lang="en" className="text-sm text-muted">
          {withUnits(told, bytes)}
        </p>
      )}
    </ProblemNotice>
  );
}
