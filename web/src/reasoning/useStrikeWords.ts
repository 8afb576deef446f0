import { useTranslation } from "@/i18n/useTranslation";

interface Strike {
  reason: string;
  detail?: string;
}

/** Why a sentence was struck, with the words at fault. */
export function useStrikeWords(): (strike: Strike) => string {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  return ({ reason, detail }) => {
    const words = i18n.exists(`strike.${reason}`) ? say(`strike.${reason}`) : reason;
    return detail ? `${words} (${detail})` : words;
  };
}
