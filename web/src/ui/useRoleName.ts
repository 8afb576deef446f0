import { ROLES } from "@/api/types";
import { useTranslation } from "@/i18n/useTranslation";

export function useRoleName(): (role: string) => string {
  const { t } = useTranslation();
  return (role) => {
    const known = ROLES.find((one) => one === role);
    return known ? t(`role.${known}`) : role;
  };
}
