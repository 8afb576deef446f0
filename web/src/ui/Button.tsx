import type { ComponentProps, ReactNode } from "react";
import { cx } from "./cx";

const LOOKS = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong border-transparent",
  secondary: "bg-surface text-ink hover:bg-hover border-edge",
  quiet: "bg-transparent text-ink hover:bg-hover border-transparent",
  danger: "bg-surface text-bad hover:bg-bad-soft border-bad",
} as const;

export type ButtonLook = keyof typeof LOOKS;

export const buttonClass = (look: ButtonLook = "secondary", extra?: string): string =>
  cx(
    "inline-flex min-h-target items-center justify-center gap-2 rounded-md border px-4 font-medium transition-colors",
    "disabled:opacity-60",
    LOOKS[look],
    extra,
  );

interface Props extends ComponentProps<"button"> {
  look?: ButtonLook;
  icon?: ReactNode;
  busy?: boolean;
}

export function Button({ look, icon, busy, className, children, disabled, type = "button", ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      className={buttonClass(look, className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
    >
      {icon}
      {children}
    </button>
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  label: string;
  children: ReactNode;
}

/** A button whose picture says it all, to those who see it; the label says it to the others. */
export function IconButton({ label, className, children, type = "button", ...rest }: IconButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-label={label}
      title={label}
      className={cx(
        "inline-flex size-11 shrink-0 items-center justify-center rounded-md text-muted transition-colors hover:bg-hover hover:text-ink disabled:opacity-50",
        className,
      )}
    >
      {children}
    </button>
  );
}
