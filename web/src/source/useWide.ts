import { useSyncExternalStore } from "react";

const wide = () => globalThis.matchMedia?.("(min-width: 64rem)");

/** Whether two columns have room. */
export const useWide = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      const query = wide();
      query?.addEventListener("change", listener);
      return () => query?.removeEventListener("change", listener);
    },
    () => wide()?.matches ?? true,
  );
