import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx";

const TONES = {
  info: ["bg-accent-soft text-ink", Info],
  good: ["bg-good-soft text-ink", CircleCheck],
  warn: ["bg-warn-soft text-ink", TriangleAlert],
  bad: ["bg-bad-soft text-ink", CircleAlert],
} as const;

interface Props {
  tone?: keyof typeof TONES;
  title?: ReactNode;
  children?: ReactNode;
  /** Says it to those who can't see it appear. */
  role?: "alert" | "status";
}

export function Notice({ tone = "info", title, children, role }: Props) {
  const [look, Icon] = TONES[tone];
  return (
    <div role={role} className={cx("flex gap-3 rounded-md p-4", look)}>
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0" />
      <div className="min-w-0 grow">
        {title && <p className="font-semibold">{title}</p>}
        {children && <div className="flex flex-col gap-2">{children}</div>}
      </div>
    </div>
  );
}
