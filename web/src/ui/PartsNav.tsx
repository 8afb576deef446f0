import { Link, useRouterState, type LinkProps } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

interface Part {
  to: NonNullable<LinkProps["to"]>;
  label: string;
  /** Whether it is only here at its very address, and not below it. */
  exact?: boolean;
}

/** The way between the parts of an area, one row on a phone, of which the part in view is shown. */
export function PartsNav({ label, parts }: { label: string; parts: Part[] }) {
  const nav = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => {
    nav.current?.querySelector("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [path]);
  return (
    <nav ref={nav} aria-label={label} className="-mx-1 overflow-x-auto px-1">
      <ul className="flex min-w-max gap-1 border-b sm:min-w-0 sm:flex-wrap">
        {parts.map(({ to, label, exact = false }) => (
          <li key={to}>
            <Link
              to={to}
              className="inline-flex min-h-target items-center rounded-t-md border-b-3 px-2 font-medium whitespace-nowrap hover:bg-hover"
              activeProps={{ className: "border-accent text-accent-strong" }}
              inactiveProps={{ className: "border-transparent" }}
              activeOptions={{ exact, includeSearch: false }}
            >
              {label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
