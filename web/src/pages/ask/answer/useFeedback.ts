import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { Feedback } from "@/api/types";
import { threadOptions } from "../useThread";

export interface FeedbackWish {
  rating: "up" | "down";
  reason?: string | null;
  comment?: string | null;
}

/** Says something about an answer; the thread shows it at once. */
export function useFeedback(conversationId: string, messageId: string) {
  const client = useQueryClient();
  const { queryKey } = threadOptions(conversationId);
  const keep = (feedback: Feedback | undefined) =>
    client.setQueryData(queryKey, (thread) =>
      thread && {
        ...thread,
        messages: thread.messages.map((message) => (message.id === messageId ? { ...message, feedback } : message)),
      },
    );
  return useMutation({
    mutationFn: (wish: FeedbackWish) =>
      take(api.POST("/api/v1/feedback", { body: { ...wish, message_id: messageId } })),
    onSuccess: keep,
  });
}
