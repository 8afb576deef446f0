type Ask = () => Promise<boolean>;

let asker: Ask | null = null;

/** Whoever can show the dialog that asks for a fresh code of the second factor. */
export const stepUp = {
  /** Puts `ask` in charge; returns how to undo that. */
  answeredBy(ask: Ask): () => void {
    asker = ask;
    return () => {
      if (asker === ask) asker = null;
    };
  },
  /** True once a fresh code was shown. */
  ask: (): Promise<boolean> => asker?.() ?? Promise.resolve(false),
};
