import { useSyncExternalStore } from "react";

const query = () => matchMedia("(prefers-color-scheme: dark)");

/** Whether the device is dark at this moment. */
export const useDark = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      const media = query();
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => query().matches,
  );
