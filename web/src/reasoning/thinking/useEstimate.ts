import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { useSettled } from "@/ui/useSettled";
import { requestOf, type Tool, type Wish } from "./tools";

const SETTLE_MS = 400;

/** What a wish will cost at most, asked again once it has not changed for a moment. */
export function useEstimate(tool: Tool, wish: Wish) {
  // The seed costs nothing, and the budget is what the estimate is compared with.
  const asked = JSON.stringify(requestOf(tool, { ...wish, seed: "", budget: "" }));
  const settled = useSettled(asked, SETTLE_MS);
  const request = JSON.parse(settled) as ReturnType<typeof requestOf>;
  const estimate = useQuery({
    queryKey: ["thinking", "estimate", settled],
    queryFn: ({ signal }) => take(api.POST("/api/v1/thinking/estimate", { body: request, signal })),
    enabled: request.question !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
  return { ...estimate, fresh: asked === settled && !estimate.isPlaceholderData && !estimate.isFetching };
}
