import { ThumbsDown, ThumbsUp } from "lucide-react";
import { useState } from "react";
import { withMoreWords } from "@/i18n";
import { useTranslation } from "@/i18n/useTranslation";
import { IconButton } from "@/ui/Button";
import { lazily } from "@/ui/lazily";
import { ProblemNotice } from "@/ui/ProblemNotice";
import type { TurnAnswer } from "../turn";
import { useFeedback } from "./useFeedback";

const FeedbackDialog = lazily(withMoreWords(() => import("./FeedbackDialog")), "FeedbackDialog");

interface Props {
  answer: TurnAnswer;
  conversationId: string;
}

/** Whether an answer was good: one press; and why not, if somebody wants to say. */
export function FeedbackButtons({ answer, conversationId }: Props) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const feedback = useFeedback(conversationId, answer.message_id);
  const rating = answer.feedback?.rating;
  const look = "aria-pressed:bg-accent-soft aria-pressed:text-accent-strong";
  const icon = (own: string) => ({ "aria-hidden": true, className: "size-5", fill: rating === own ? "currentColor" : "none", fillOpacity: 0.25 });
  return (
    <>
      <IconButton
        label={t("feedback.up")}
        aria-pressed={rating === "up"}
        className={look}
        disabled={feedback.isPending}
        onClick={() => feedback.mutate({ rating: "up" })}
      >
        <ThumbsUp {...icon("up")} />
      </IconButton>
      <IconButton label={t("feedback.down")} aria-pressed={rating === "down"} className={look} aria-haspopup="dialog" onClick={() => setAsking(true)}>
        <ThumbsDown {...icon("down")} />
      </IconButton>
      {asking && <FeedbackDialog answer={answer} conversationId={conversationId} onClose={() => setAsking(false)} />}
      {feedback.error && <ProblemNotice error={feedback.error} />}
    </>
  );
}
