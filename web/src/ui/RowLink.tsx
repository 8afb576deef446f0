import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";

interface Props {
  /** A path of the application. */
  href: string;
  /** Called when somebody is about to follow it, so that what is there can be fetched. */
  onReach: () => void;
  className: string;
  children: ReactNode;
}

/**
 * A link in a row of a long list. The router's own link computes its place and watches the present one,
 * in every row that scrolling brings into view; this one asks the router when it is followed.
 */
export function RowLink({ href, onReach, className, children }: Props) {
  const { history } = useRouter();
  const follow = (event: MouseEvent) => {
    const elsewhere = event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (elsewhere || event.defaultPrevented) return;
    event.preventDefault();
    history.push(href);
  };
  return (
    <a href={href} onClick={follow} onPointerEnter={onReach} onFocus={onReach} className={className}>
      {children}
    </a>
  );
}
