import { useId, type ReactNode } from "react";
import { CheckField } from "./Field";
import { byNoun, usePermissionWords } from "./permissions";

interface Props {
  legend: string;
  hint?: ReactNode;
  fault?: string | null;
  /** What can be chosen. */
  permissions: readonly string[];
  chosen?: readonly string[];
}

/** Permissions to choose from, by what they are about; chosen ones are `permission` in the form. */
export function PermissionFields({ legend, hint, fault, permissions, chosen = [] }: Props) {
  const id = useId();
  const words = usePermissionWords();
  return (
    <fieldset aria-describedby={`${id}-about`} className="min-w-0">
      <legend className="font-medium">{legend}</legend>
      <div id={`${id}-about`} className="text-sm">
        {hint && <p className="text-muted">{hint}</p>}
        {fault && <p className="text-bad">{fault}</p>}
      </div>
      <div className="mt-2 flex flex-col gap-1 rounded-md border px-3 py-2">
        {[...byNoun(permissions)].map(([noun, list]) => (
          <div key={noun} role="group" aria-label={words.noun(noun)} className="border-b pb-1 last:border-0 last:pb-0">
            <p className="pt-1 text-sm font-medium text-muted">{words.noun(noun)}</p>
            <div className="flex flex-wrap gap-x-6">
              {list.map((permission) => (
                <CheckField
                  key={permission}
                  name="permission"
                  value={permission}
                  label={words.verb(permission)}
                  defaultChecked={chosen.includes(permission)}
                />
              ))}
            </div>
          </div>
        ))}
      </div>
    </fieldset>
  );
}

/** The permissions that were chosen in a form. */
export const permissionsOf = (data: FormData): string[] => data.getAll("permission").map(String);
