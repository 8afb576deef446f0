import { lazy, Suspense, type ComponentType } from "react";

/** A component whose code comes when it is first shown; until then there is nothing in its place. */
export function lazily<P extends object, N extends string>(
  load: () => Promise<Record<N, ComponentType<P>>>,
  name: N,
): ComponentType<P> {
  const Part = lazy(async () => ({ default: (await load())[name] }) as { default: ComponentType<P> });
  return function Lazily(props: P) {
    return (
      <Suspense fallback={null}>
        <Part {...props} />
      </Suspense>
    );
  };
}
