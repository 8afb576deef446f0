import { useEffect, type ReactNode } from "react";
import { cx } from "./cx";

interface Props {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
  wide?: boolean;
}

/** A page with its heading; the browser's tab says the same. */
export function Page({ title, actions, children, wide = false }: Props) {
  useTitle(title);
  return (
    <div className="h-full overflow-y-auto">
      <div className={cx("mx-auto flex flex-col gap-6 px-4 py-6 sm:px-6", wide ? "max-w-6xl" : "max-w-3xl")}>
        <header className="flex flex-wrap items-center gap-3">
          <h1 className="min-w-0 grow basis-60 text-2xl font-semibold">{title}</h1>
          {actions}
        </header>
        {children}
      </div>
    </div>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Millwright` : "Millwright";
  }, [title]);
}

interface SectionProps {
  title: string;
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Section({ title, hint, actions, children }: SectionProps) {
  return (
    <section className="flex flex-col gap-4 rounded-lg border bg-surface p-4 sm:p-5">
      <div className="flex flex-wrap items-center gap-3">
        <div className="min-w-0 grow basis-60">
          <h2 className="text-lg font-semibold">{title}</h2>
          {hint && <p className="text-sm text-muted">{hint}</p>}
        </div>
        {actions}
      </div>
      {children}
    </section>
  );
}
