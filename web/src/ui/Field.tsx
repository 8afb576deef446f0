import { useId, type ComponentProps, type ReactNode } from "react";
import { cx } from "./cx";

const CONTROL =
  "w-full min-h-target rounded-md border border-edge bg-surface px-3 text-ink disabled:bg-sunken aria-invalid:border-bad";

interface Shared {
  label: ReactNode;
  hint?: ReactNode;
  fault?: string | null;
}

interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

/** A control with its label, a hint, and what is wrong with its content. */
function Field({ label, hint, fault, children }: Shared & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ");
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": fault ? true : undefined })}
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-muted">
          {hint}
        </p>
      )}
      {fault && (
        <p id={`${id}-fault`} className="text-sm text-bad">
          {fault}
        </p>
      )}
    </div>
  );
}

export function TextField({ label, hint, fault, className, ...rest }: Shared & ComponentProps<"input">) {
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(wiring) => <input {...rest} {...wiring} className={cx(CONTROL, className)} />}
    </Field>
  );
}

export function SelectField({ label, hint, fault, className, children, ...rest }: Shared & ComponentProps<"select">) {
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(wiring) => (
        <select {...rest} {...wiring} className={cx(CONTROL, className)}>
          {children}
        </select>
      )}
    </Field>
  );
}

export function TextAreaField({ label, hint, fault, className, ...rest }: Shared & ComponentProps<"textarea">) {
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(wiring) => <textarea {...rest} {...wiring} className={cx(CONTROL, "py-2", className)} />}
    </Field>
  );
}

export function CheckField({ label, hint, ...rest }: { label: ReactNode; hint?: ReactNode } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div>
      <label className="flex min-h-target items-center gap-3">
        <input {...rest} type="checkbox" aria-describedby={hint ? id : undefined} className="size-5 accent-accent" />
        <span>{label}</span>
      </label>
      {hint && (
        <p id={id} className="text-sm text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}
