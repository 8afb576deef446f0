import { useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { useMay } from "@/app/session";

/** Models come and go by an administrator's hand. */
const STALE_MS = 300_000;

/** Whether a language model may answer: then programs may name a tier, and everybody who may ask can see that. */
export function useModelThere(wanted: boolean): boolean {
  const may = useMay();
  const there = useQuery({
    queryKey: ["models", "there"],
    queryFn: async ({ signal }) => (await take(api.GET("/v1/models", { signal }))).data.some(({ kind }) => kind === "tier"),
    staleTime: STALE_MS,
    enabled: wanted && may("chat.send"),
  });
  return there.data ?? false;
}
