const SOON_DAYS = 14;
const DAY_MS = 86_400_000;

/** Whether somebody should see to it that the key is rotated. */
export const endsSoon = (expires_at: string, now = Date.now()): boolean =>
  new Date(expires_at).getTime() - now < SOON_DAYS * DAY_MS;
