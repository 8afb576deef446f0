import { useTranslation } from "@/i18n/useTranslation";

/** Who sits in a council or a red team; a name that no catalogue knows is shown as it is. */
export function usePerspective(): (name: string) => string {
  const { t, i18n } = useTranslation();
  const say = t as (key: string) => string;
  return (name) => (i18n.exists(`perspective.${name}`) ? say(`perspective.${name}`) : name);
}
