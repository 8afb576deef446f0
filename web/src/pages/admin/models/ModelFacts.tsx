import { useFormats } from "@/i18n/format";
import { useTranslation } from "@/i18n/useTranslation";
import { shortHash, rounded } from "./tiers";
import type { LanguageModel } from "./useModels";

const PURPOSES = ["generate", "embed", "rerank"] as const;

/** What the file says of itself, what it takes, and what was measured. */
export function ModelFacts({ model }: { model: LanguageModel }) {
  const { t } = useTranslation();
  const { bytes, compact, number, moment } = useFormats();
  const { memory, trial } = model;
  const rate = (value: number | null | undefined) =>
    value ? t("models.rate", { rate: number(rounded(value)) }) : null;
  const purpose = PURPOSES.find((one) => one === model.purpose);
  const facts: [string, string | null | undefined][] = [
    [t("models.made_to"), purpose && t(`models.purpose.${purpose}`)],
    [t("models.architecture"), model.architecture],
    [t("models.parameters"), compact(model.parameters)],
    [t("models.quantisation"), model.quantisation],
    [t("models.licence"), model.licence ?? t("models.licence_none")],
    [t("models.size"), bytes(model.size_bytes)],
    [t("models.context"), t("models.context_value", { here: number(memory.context_tokens), trained: number(model.trained_context_tokens) })],
    [t("models.memory"), t("models.memory_value", { total: bytes(memory.total_bytes), weights: bytes(memory.weights_bytes) })],
    [t("models.reads"), rate(trial.prompt_tokens_per_s)],
    [t("models.writes"), rate(trial.generation_tokens_per_s)],
    [t("models.peak"), trial.peak_memory_bytes ? bytes(trial.peak_memory_bytes) : null],
    [t("models.passed"), trial.passed_at && moment(trial.passed_at)],
    [t("models.imported"), moment(model.imported_at)],
  ];
  return (
    <>
      <dl className="grid grid-cols-2 gap-x-4 gap-y-2 text-sm sm:grid-cols-3 lg:grid-cols-4">
        {facts.map(
          ([label, value]) =>
            value && (
              <div key={label} className="min-w-0">
                <dt className="text-muted">{label}</dt>
                <dd className="break-words tabular-nums">{value}</dd>
              </div>
            ),
        )}
      </dl>
      <details className="text-sm">
        <summary className="inline-flex min-h-target items-center underline">{t("models.hash", { begin: shortHash(model.hash) })}</summary>
        <code className="break-all select-all">{model.hash}</code>
      </details>
    </>
  );
}
