import type { ReactNode } from "react";

/** A heading within a report. */
export const Heading = ({ children }: { children: ReactNode }) => <h3 className="font-semibold">{children}</h3>;

export const Points = ({ children }: { children: ReactNode }) => <ul className="flex flex-col gap-2">{children}</ul>;

/** Short sentences below each other, if there are some. */
export function Bullets({ title, items }: { title: string; items: readonly string[] }) {
  if (!items.length) return null;
  return (
    <div>
      <p className="text-sm font-medium text-muted">{title}</p>
      <ul className="list-disc pl-5 wrap-anywhere">
        {items.map((item, index) => (
          <li key={index}>{item}</li>
        ))}
      </ul>
    </div>
  );
}
