import { useTranslation } from "@/i18n/useTranslation";

type Translate = (key: string) => string;

/** Permissions by what they are about, in the order in which they come. */
export function byNoun(permissions: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const permission of permissions) {
    const noun = permission.split(".")[0] ?? permission;
    groups.set(noun, [...(groups.get(noun) ?? []), permission]);
  }
  return groups;
}

interface PermissionWords {
  /** What a permission is about. */
  noun: (noun: string) => string;
  /** What may be done with it. */
  verb: (permission: string) => string;
  /** Both. */
  whole: (permission: string) => string;
}

/** Permissions in the reader's language; by their own name where the catalogue is behind. */
export function usePermissionWords(): PermissionWords {
  const { t, i18n } = useTranslation();
  const say = t as Translate;
  const known = (key: string, otherwise: string) => (i18n.exists(key) ? say(key) : otherwise);
  const noun = (name: string) => known(`permission.noun.${name}`, name);
  const verb = (permission: string) => {
    const [, name = permission] = permission.split(".");
    return known(`permission.verb.${name}`, name);
  };
  const whole = (permission: string) => `${noun(permission.split(".")[0] ?? "")}: ${verb(permission)}`;
  return { noun, verb, whole };
}
