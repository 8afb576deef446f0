import { useEffect, useRef } from "react";

/** The picture that the appliance drew, taken in as a picture and nothing else. */
export function QrCode({ svg, label }: { svg: string; label: string }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const image = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    if (image.nodeName === "svg") ref.current?.replaceChildren(image);
  }, [svg]);
  // Black on white whatever the theme: cameras want it so.
  return <div ref={ref} role="img" aria-label={label} className="mx-auto w-60 rounded-md bg-paper p-3 [&_svg]:h-auto [&_svg]:w-full" />;
}
