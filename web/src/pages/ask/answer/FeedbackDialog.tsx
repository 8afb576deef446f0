import { useTranslation } from "@/i18n/useTranslation";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextAreaField } from "@/ui/Field";
import { ProblemNotice } from "@/ui/ProblemNotice";
import type { TurnAnswer } from "../turn";
import { useFeedback } from "./useFeedback";

export const FEEDBACK_REASONS = ["wrong", "incomplete", "beside_the_point", "not_found", "outdated", "other"] as const;

interface Props {
  answer: TurnAnswer;
  conversationId: string;
  onClose: () => void;
}

/** Why an answer was not good. */
export function FeedbackDialog({ answer, conversationId, onClose }: Props) {
  const { t } = useTranslation();
  const feedback = useFeedback(conversationId, answer.message_id);
  const before = answer.feedback;
  return (
    <Dialog open onClose={onClose} title={t("feedback.title")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          const text = (name: string) => String(data.get(name)).trim() || null;
          feedback.mutate({ rating: "down", reason: text("reason"), comment: text("comment") }, { onSuccess: onClose });
        }}
      >
        <ProblemNotice error={feedback.error} />
        <SelectField label={t("feedback.reason")} name="reason" defaultValue={before?.reason ?? ""}>
          <option value="">{t("feedback.reason_none")}</option>
          {FEEDBACK_REASONS.map((reason) => (
            <option key={reason} value={reason}>
              {t(`feedback.reasons.${reason}`)}
            </option>
          ))}
        </SelectField>
        <TextAreaField
          label={t("feedback.comment")}
          hint={t("feedback.comment_hint")}
          name="comment"
          rows={4}
          maxLength={2000}
          defaultValue={before?.comment ?? ""}
        />
        <div className="flex flex-wrap justify-end gap-3">
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button look="primary" type="submit" busy={feedback.isPending}>
            {t("feedback.send")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
