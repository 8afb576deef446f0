import { useTranslation } from "react-i18next";
import { ROLES } from "@/api/types";

export function useRoleName(): (role: string) => string {
  const { t } = useTranslation();
  return (role) => {
    const known = ROLES.find((one) => one === role);
    return known ? t(`role.${known}`) : role;
  };
}
