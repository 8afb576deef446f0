import { createContext, useContext } from "react";

/** The modal dialog around a component: what floats must float inside of it to be seen. */
export const LayerContext = createContext<HTMLElement | null>(null);

export const useLayer = (): HTMLElement | undefined => useContext(LayerContext) ?? undefined;
